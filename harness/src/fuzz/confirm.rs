use super::client::{Client, Clock, Targets, Unseen, redactors};
use super::symptom::Symptom;
use crate::generator::{Catalogue, Recipe};
use crate::run::{Decision, Exchange, Turn};
use crate::target::NoAnswer;

/// What looking for a symptom again came to.
#[derive(Debug)]
pub(super) enum Look {
    /// It is there, between two correct requests that were accepted: these are the three.
    There(Vec<Exchange>),
    /// A correct request was accepted, this input was not answered, and after it the target was gone for good: for every other
    /// symptom nothing was shown.
    Lost(Vec<Exchange>),
    /// It is not there.
    Gone,
    /// Nothing was shown: there was no token, the input could not be made or asked, a correct request was not accepted, or one
    /// without credentials was.
    Unclear,
    /// Nothing more may be sent.
    Cap,
}

impl Targets<'_> {
    /// Looks for a symptom with fresh keys, tokens and connections, between controls; what was accepted is none where
    /// the target serves everybody.
    pub(super) async fn look(&self, recipe: &Recipe, symptom: Symptom, clock: Clock) -> Look {
        if !symptom.can_come_of(self.fate(recipe)) {
            return Look::Gone;
        }
        let redactors = redactors(self);
        let mut client = match Client::new(self, &redactors, clock).await {
            Ok(client) => client,
            Err(_) => return Look::Unclear,
        };
        let before = match client.control_once_back(Turn::ControlBefore).await {
            Ok(before) => before,
            Err(none) if none.exchange.seen.nothing == Some(NoAnswer::CapReached) => return Look::Cap,
            Err(_) => return Look::Unclear,
        };
        if !client.is_steady(symptom).await {
            return Look::Unclear;
        }
        if symptom == Symptom::Accepted && client.canary().await.decision == Decision::Accept {
            return Look::Unclear;
        }
        let seen = match client.send(recipe).await {
            Ok(seen) => seen,
            Err(Unseen::NotMade(_) | Unseen::NotAsked) => return Look::Unclear,
            Err(Unseen::Cap) => return Look::Cap,
        };
        let after = match symptom {
            // What was accepted was accepted, whatever comes of it.
            Symptom::Accepted => client.control(Turn::ControlAfter).await,
            Symptom::Refused
            | Symptom::Fault
            | Symptom::NoAnswer
            | Symptom::Slow
            | Symptom::Leak
            | Symptom::Disagreement => client.control_once_back(Turn::ControlAfter).await,
        };
        if after.is_ok() && !client.is_steady(symptom).await {
            return Look::Unclear;
        }
        let mut slowest = after.as_ref().map_or(0, |after| after.milliseconds).max(before.milliseconds);
        if symptom == Symptom::Slow && seen.exchange.seen.decision != Decision::Accept {
            // A server may take its time over whatever it refuses.
            match client.send(&plainly_wrong()).await {
                Ok(other) => slowest = slowest.max(other.exchange.milliseconds),
                Err(Unseen::NotMade(_) | Unseen::NotAsked) => return Look::Unclear,
                Err(Unseen::Cap) => return Look::Cap,
            }
        }
        match (self.symptom_of(recipe, &seen, slowest), after) {
            // Whoever closes the connection over odd bytes has to be there for the next.
            (_, Err(after)) if seen.exchange.is_unanswered() && after.is_of_lost_target() => {
                Look::Lost(vec![before, seen.exchange, after.exchange])
            }
            (found, _) if found != Some(symptom) => Look::Gone,
            (_, Ok(after)) => Look::There(vec![before, seen.exchange, after]),
            (_, Err(_)) if symptom == Symptom::Accepted => Look::There(vec![before, seen.exchange]),
            (_, Err(_)) => Look::Unclear,
        }
    }

    /// Looks for a symptom that was there earlier: it is not gone as long as one of three looks shows it.
    pub(super) async fn look_thrice(&self, recipe: &Recipe, symptom: Symptom) -> Look {
        let mut last = Look::Gone;
        for turn in 0..3 {
            last = self.look(recipe, symptom, Clock::of_turn(turn)).await;
            if !matches!(last, Look::Gone) {
                break;
            }
        }
        last
    }

    /// Looks so often for a symptom, by each clock in turn, and stops where it is not there.
    pub(super) async fn look_again(&self, recipe: &Recipe, symptom: Symptom, times: usize) -> Look {
        let mut last = Look::Gone;
        for turn in 0..times {
            last = self.look(recipe, symptom, Clock::of_turn(turn)).await;
            if !matches!(last, Look::There(_)) {
                break;
            }
        }
        last
    }
}

/// What every server refuses, having looked at all of it: a proof that another key signed.
pub(super) fn plainly_wrong() -> Recipe {
    let signer = serde_json::json!({ "proof": { "signer": "fresh" } });
    let edit = signer.as_object().and_then(|edit| Catalogue::embedded().written(edit));
    edit.into_iter().fold(Recipe::default(), Recipe::with)
}
