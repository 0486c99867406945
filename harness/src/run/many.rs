//! Steps of many requests: at the same time, or one after another. Of those decided alike one is kept, with their number.

use std::time::Duration;

use super::cast::Cast;
use super::ending::Ending;
use super::observe::{Decision, Observation};
use super::session::{Earlier, MAX_CHALLENGES, Session};
use super::transcript::{Crowd, Exchange, Transcript, Turn};
use crate::mutation::Minted;
use crate::proof::{Each, EditError, Lines, Step, Volley};
use crate::target::{Answer, NoRoom};

impl Session<'_> {
    /// Sends the requests of a step at the same time. Copies of one request are made anew, with the fresh nonce, where all
    /// of them are challenged; requests with a proof each where they are. Returns what was seen of one that was not
    /// accepted, if there is one.
    pub(super) async fn volley(
        &mut self,
        step: &Step,
        volley: Volley,
        cast: &Cast,
        (turn, trial): (Turn, usize),
        earlier: &mut Earlier,
        transcript: &mut Transcript,
    ) -> Result<Observation, Ending> {
        let mut nonces = vec![self.nonce.clone(); volley.copies];
        let mut answered: Vec<Exchange> = Vec::new();
        for challenges in 0.. {
            let minted = match volley.each {
                Each::Same => {
                    let one =
                        self.minted(step, cast, nonces.last().and_then(Option::as_ref), turn, earlier)?;
                    vec![one; nonces.len()]
                }
                Each::Fresh => nonces
                    .iter()
                    .map(|nonce| self.minted(step, cast, nonce.as_ref(), turn, earlier))
                    .collect::<Result<_, EditError>>()?,
            };
            let (challenged, others): (Vec<Exchange>, Vec<Exchange>) =
                self.released(&minted, volley.connection, turn).await?.into_iter().partition(|exchange| {
                    exchange.seen.decision == Decision::Challenge && exchange.seen.nonce.is_some()
                });
            let again = step.can_answer_a_challenge()
                && challenges < MAX_CHALLENGES
                && match volley.each {
                    Each::Same => others.is_empty(),
                    Each::Fresh => !challenged.is_empty(),
                };
            answered.extend(others);
            if !again {
                answered.extend(challenged);
                if let (Some(name), Some(first)) = (&step.name, minted.into_iter().next()) {
                    earlier.insert(name.clone(), first.record);
                }
                break;
            }
            nonces = challenged.iter().map(|exchange| exchange.seen.nonce.clone()).collect();
            transcript.extend(alike(challenged));
        }
        answered.sort_by_key(|exchange| exchange.seen.decision); // stable, and accepted ones come first
        let accepted = answered.iter().filter(|exchange| exchange.seen.decision == Decision::Accept).count();
        let crowd = Some(Crowd { trial, sent: answered.len(), accepted });
        let kept = alike(answered).into_iter().map(|exchange| Exchange { crowd, ..exchange });
        transcript.extend(kept);
        match transcript.last() {
            Some(last) => Ok(last.seen.clone()),
            None => Err(Ending::NotSent(NoRoom::Unsupported)),
        }
    }

    async fn released(
        &mut self,
        minted: &[Minted],
        connection: Lines,
        turn: Turn,
    ) -> Result<Vec<Exchange>, NoRoom> {
        let requests: Vec<_> = minted.iter().map(|minted| minted.request.clone()).collect();
        let before = self.clock.now();
        let answers: Vec<Answer> = match connection {
            Lines::Own => self.target.release(&requests).await?,
            Lines::One => self.target.release_over_one(&requests).await?,
        };
        let took: Duration = self.clock.now().duration_since(before).unwrap_or_default();
        let exchanges: Vec<Exchange> = minted
            .iter()
            .zip(&answers)
            .map(|(minted, answer)| {
                self.exchange(&minted.request, Some(minted), turn, answer, (before, took))
            })
            .collect();
        exchanges.iter().for_each(|exchange| self.heard(&exchange.seen));
        Ok(exchanges)
    }

    /// Sends a step again and again, each time made anew, until one is not accepted.
    pub(super) async fn repeated(
        &mut self,
        step: &Step,
        number: usize,
        cast: &Cast,
        turn: Turn,
        earlier: &mut Earlier,
        transcript: &mut Transcript,
    ) -> Result<Observation, Ending> {
        let left = self.target.requests_left();
        if left < number {
            return Err(NoRoom::Cap { needed: number, left }.into());
        }
        let mut sent = Transcript::new();
        loop {
            let seen = self.step(step, cast, turn, earlier, &mut sent).await?;
            let times = sent.iter().filter(|exchange| exchange.seen.decision == Decision::Accept);
            let accepted: usize = times.map(|exchange| exchange.alike).sum();
            if seen.decision != Decision::Accept || accepted >= number {
                transcript.extend(sent);
                return Ok(seen);
            }
            sent = alike(sent);
        }
    }
}

/// Of the exchanges that were decided alike the last one, with their number; in the order of those that are kept.
fn alike(exchanges: Vec<Exchange>) -> Vec<Exchange> {
    let mut kept: Vec<Exchange> = Vec::new();
    for mut exchange in exchanges {
        let same = |other: &Exchange| other.seen.decision == exchange.seen.decision;
        if let Some(at) = kept.iter().position(same) {
            exchange.alike += kept.remove(at).alike;
        }
        kept.push(exchange);
    }
    kept
}
