use super::client::{Client, Clock, Targets, Unseen, redactors};
use super::symptom::Symptom;
use crate::generator::Recipe;
use crate::run::{Decision, Exchange, Turn};

/// What looking for a symptom again came to.
#[derive(Debug)]
pub(super) enum Look {
    /// It is there, between two correct requests that were accepted: these are the three.
    There(Vec<Exchange>),
    /// It is not.
    Gone,
    /// Nothing was shown: there was no token, a correct request was not accepted, or one without credentials was.
    Unclear,
    /// Nothing more may be sent.
    Cap,
}

impl Targets<'_> {
    /// Looks for a symptom with fresh keys, tokens and connections, between controls; what was accepted is none where
    /// the target serves everybody.
    pub(super) async fn look(&self, recipe: &Recipe, symptom: Symptom, clock: Clock) -> Look {
        if !symptom.can_come_of(recipe.fate(self.has_nonces())) {
            return Look::Gone;
        }
        let redactors = redactors(self);
        let mut client = match Client::new(self, &redactors, clock).await {
            Ok(client) => client,
            Err(_) => return Look::Unclear,
        };
        let before = match client.control(Turn::ControlBefore).await {
            Ok(before) => before,
            Err(_) => {
                client.wait().await;
                match client.control(Turn::ControlBefore).await {
                    Ok(before) => before,
                    Err(_) => return Look::Unclear,
                }
            }
        };
        if symptom == Symptom::Accepted && client.canary().await.decision == Decision::Accept {
            return Look::Unclear;
        }
        let seen = match client.send(recipe).await {
            Ok(seen) => seen,
            Err(Unseen::NotMade(_)) => return Look::Gone,
            Err(Unseen::Cap) => return Look::Cap,
        };
        let after = client.control(Turn::ControlAfter).await;
        let slowest = after.as_ref().map_or(0, |after| after.milliseconds).max(before.milliseconds);
        if self.symptom_of(recipe, &seen, slowest) != Some(symptom) {
            return Look::Gone;
        }
        match after {
            Ok(after) => Look::There(vec![before, seen.exchange, after]),
            // What was accepted was accepted, whatever came of it.
            Err(_) if symptom == Symptom::Accepted => Look::There(vec![before, seen.exchange]),
            Err(_) => Look::Unclear,
        }
    }

    /// Looks so often for a symptom, by each clock in turn, and stops where it is not there.
    pub(super) async fn look_again(&self, recipe: &Recipe, symptom: Symptom, times: usize) -> Look {
        let mut last = Look::Gone;
        for turn in 0..times {
            let clock = if turn % 2 == 0 { Clock::ToConfirm } else { Clock::Usual };
            last = self.look(recipe, symptom, clock).await;
            if !matches!(last, Look::There(_)) {
                break;
            }
        }
        last
    }
}
