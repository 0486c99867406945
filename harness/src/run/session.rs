use std::collections::BTreeMap;
use std::time::Duration;

use super::cast::Cast;
use super::observe::{Decision, Observation, observe};
use super::redact::Redactor;
use super::transcript::{Exchange, Transcript, Turn, show_answer, show_request};
use crate::clock::Clock;
use crate::entropy::{Entropy, SeededEntropy};
use crate::jose::Nonce;
use crate::mutation::{Minted, MintedProof, mint};
use crate::proof::{
    AccessToken, Call, Connection, EditError, HttpVersion, IssuerKey, Material, Request, RequestEdits,
    Script, Step, StepRecord,
};
use crate::scenario::Expect;
use crate::target::{Answer, Kept, NoAnswer, Target};

/// How often one step answers a nonce challenge before the challenge counts as the answer.
const MAX_CHALLENGES: usize = 2;

/// A worker's conversation with the target: it remembers the nonce that came last.
pub struct Session<'a> {
    /// The server under test.
    pub target: &'a dyn Target,
    /// The protected resource.
    pub call: &'a Call,
    /// The issuer's key, where the harness has it.
    pub issuer: Option<&'a IssuerKey>,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Where `jti` values and fresh keys come from.
    pub entropy: &'a dyn Entropy,
    /// The seed of edit values that are left to chance.
    pub seed: u64,
    /// Takes secrets out of the evidence.
    pub redactor: &'a Redactor,
    /// The nonce that the target supplied last.
    pub nonce: Option<Nonce>,
    /// The correct request that was accepted last, on a connection of its own, and its token and version of HTTP: the
    /// control after one case is the control before the next one with the same.
    pub standing: Option<(AccessToken, Option<HttpVersion>, Exchange)>,
    /// The connection that the requests go over, where a case keeps it.
    pub kept: Option<Kept>,
}

/// One performance of a case.
#[derive(Debug)]
pub struct Run {
    /// What was sent and what came back.
    pub transcript: Transcript,
    /// How it ended.
    pub ending: Ending,
}

/// How a performance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every step was sent, or one that the rest depends on could not be, or was answered against expectation.
    Played,
    /// A step can't be made against this target.
    NotMade(EditError),
    /// The correct request before the case was not accepted; no step was sent.
    ControlBefore,
    /// The correct request after the case was not accepted.
    ControlAfter,
}

impl Session<'_> {
    /// Sends a correct request.
    pub async fn control(&mut self, cast: &Cast, turn: Turn, transcript: &mut Transcript) -> Observation {
        self.correct(&Step::default(), cast, turn, transcript).await
    }

    /// Sends a correct request the way that `step` goes.
    async fn correct(
        &mut self,
        step: &Step,
        cast: &Cast,
        turn: Turn,
        transcript: &mut Transcript,
    ) -> Observation {
        match self.step(step, cast, turn, &mut BTreeMap::new(), transcript).await {
            Ok(seen) => seen,
            Err(error) => unreachable!("a correct request can always be made: {error}"),
        }
    }

    /// Sends a request as it is.
    pub async fn send(
        &mut self,
        request: &Request,
        minted: Option<&Minted>,
        turn: Turn,
        transcript: &mut Transcript,
    ) -> Observation {
        let before = self.clock.now();
        let answer = match &mut self.kept {
            Some(kept) => self.target.send_over(kept, request).await,
            None => self.target.send(request).await,
        };
        let took = self.clock.now().duration_since(before).unwrap_or_default();
        self.keep(request, minted, turn, &answer, took, transcript)
    }

    /// Keeps a request and its answer.
    fn keep(
        &mut self,
        request: &Request,
        minted: Option<&Minted>,
        turn: Turn,
        answer: &Answer,
        took: Duration,
        transcript: &mut Transcript,
    ) -> Observation {
        let mut seen = observe(answer);
        // What a server says may be what it was sent.
        seen.error = seen.error.map(|error| self.redactor.clean_word(&error));
        let has = |name: &str| request.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
        let under_dpop = request.fields.iter().any(|field| {
            field.name == "Authorization" && field.value.to_ascii_lowercase().starts_with("dpop ")
        });
        transcript.push(Exchange {
            turn,
            request: show_request(request, self.redactor),
            proof: minted.filter(|_| has("DPoP")).map(|minted| MintedProof {
                header: self.redactor.clean(&minted.proof.header),
                claims: self.redactor.clean(&minted.proof.claims),
            }),
            presented: under_dpop && has("DPoP"),
            with_nonce: self.nonce.is_some(),
            shared: false,
            seen: seen.clone(),
            response: show_answer(answer, request.http, self.redactor),
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        if let Some(nonce) = &seen.nonce {
            self.nonce = Some(nonce.clone());
        }
        seen
    }

    /// Sends one step. A nonce challenge is answered by the same edits with the fresh nonce and a fresh `jti`, unless
    /// the nonce is what the step is about.
    async fn step(
        &mut self,
        step: &Step,
        cast: &Cast,
        turn: Turn,
        earlier: &mut BTreeMap<String, StepRecord>,
        transcript: &mut Transcript,
    ) -> Result<Observation, EditError> {
        if step.after_lost_answer {
            self.lose_answer(step, cast, turn, transcript).await?;
        }
        let mut challenges = 0;
        loop {
            let minted = self.mint(step, cast, earlier)?;
            let seen = self.send(&minted.request, Some(&minted), turn, transcript).await;
            let supplied = seen.nonce.is_some();
            if seen.decision == Decision::Challenge
                && supplied
                && step.can_answer_a_challenge()
                && challenges < MAX_CHALLENGES
            {
                challenges += 1;
                continue;
            }
            if let Some(name) = &step.name {
                earlier.insert(name.clone(), minted.record);
            }
            return Ok(seen);
        }
    }

    /// Makes the request of a step with the nonce that came last.
    fn mint(
        &self,
        step: &Step,
        cast: &Cast,
        earlier: &BTreeMap<String, StepRecord>,
    ) -> Result<Minted, EditError> {
        let material = Material {
            key: &cast.own.key,
            token: &cast.own.token,
            spare: cast.spare.as_ref(),
            stranger: cast.stranger.as_ref().map(|other| (&*other.key, &other.token)),
            issuer: self.issuer,
            nonce: self.nonce.as_ref(),
            call: self.call,
            now: self.clock.unix_seconds(),
            entropy: self.entropy,
            choices: &SeededEntropy::new(self.seed),
            earlier,
        };
        let minted = mint(step, &material)?;
        self.redactor.hide_token(&minted.record.token);
        Ok(minted)
    }

    /// Sends a correct request the way that `step` goes, whose answer never comes.
    async fn lose_answer(
        &mut self,
        step: &Step,
        cast: &Cast,
        turn: Turn,
        transcript: &mut Transcript,
    ) -> Result<(), EditError> {
        let minted = self.mint(&correct_over(step.request.http), cast, &BTreeMap::new())?;
        let before = self.clock.now();
        let answer = self.target.send_and_cut(&minted.request).await;
        let took = self.clock.now().duration_since(before).unwrap_or_default();
        self.keep(&minted.request, Some(&minted), turn, &answer, took, transcript);
        Ok(())
    }

    /// Performs a case: control, steps, control. Where every step is one that must be accepted there is nothing that a
    /// control could add, and none is sent.
    pub async fn play(&mut self, script: &Script, expects: &[Expect], cast: &Cast, controlled: bool) -> Run {
        self.kept = match script.client.connection {
            Connection::New => None,
            Connection::Kept => Some(Kept::default()),
        };
        let run = self.perform(script, expects, cast, controlled).await;
        self.kept = None;
        run
    }

    async fn perform(&mut self, script: &Script, expects: &[Expect], cast: &Cast, controlled: bool) -> Run {
        let mut transcript = Transcript::new();
        // A control goes the way of the steps that must be refused: it differs from them in one thing only.
        let refused = script.steps.iter().zip(expects).find(|(_, expect)| !expect.is_accept());
        let http = refused.and_then(|(step, _)| step.request.http);
        let control = correct_over(http);
        let fits = |(token, over, _): &(_, _, _)| *token == cast.own.token && *over == http;
        match self.standing.take().filter(fits).filter(|_| self.kept.is_none()) {
            _ if !controlled => {}
            Some((.., exchange)) => {
                transcript.push(Exchange { turn: Turn::ControlBefore, shared: true, ..exchange })
            }
            None => {
                let before = self.correct(&control, cast, Turn::ControlBefore, &mut transcript).await;
                if before.decision != Decision::Accept {
                    return Run { transcript, ending: Ending::ControlBefore };
                }
            }
        }
        let mut earlier = BTreeMap::new();
        for (index, (step, expect)) in script.steps.iter().zip(expects).enumerate() {
            let seen = match self.step(step, cast, Turn::Step(index), &mut earlier, &mut transcript).await {
                Ok(seen) => seen,
                Err(error) => return Run { transcript, ending: Ending::NotMade(error) },
            };
            if seen.nothing.as_ref().is_some_and(NoAnswer::is_not_sent) {
                return Run { transcript, ending: Ending::Played };
            }
            if expect.is_accept() && seen.decision != Decision::Accept {
                break; // the steps behind it would mean nothing
            }
        }
        if controlled {
            let mut after = self.control_after(&control, cast, &mut transcript).await;
            if after.nothing == Some(NoAnswer::NotKept) {
                after = self.control_after(&control, cast, &mut transcript).await;
            }
            if after.decision != Decision::Accept {
                return Run { transcript, ending: Ending::ControlAfter };
            }
            let last = transcript.last().filter(|_| self.kept.is_none());
            self.standing = last.map(|exchange| (cast.own.token.clone(), http, exchange.clone()));
        }
        Run { transcript, ending: Ending::Played }
    }

    /// Sends the correct request after a case. A server may close a connection after a refusal: that opens another.
    async fn control_after(
        &mut self,
        control: &Step,
        cast: &Cast,
        transcript: &mut Transcript,
    ) -> Observation {
        if let Some(kept) = &mut self.kept {
            kept.renew();
        }
        self.correct(control, cast, Turn::ControlAfter, transcript).await
    }
}

/// A correct request over a version of HTTP.
fn correct_over(http: Option<HttpVersion>) -> Step {
    Step { request: RequestEdits { http, ..RequestEdits::default() }, ..Step::default() }
}
