use std::collections::BTreeMap;

use super::cast::Cast;
use super::observe::{Decision, Observation, observe};
use super::redact::Redactor;
use super::skew::Skew;
use super::transcript::{Exchange, Transcript, Turn, show_answer, show_request};
use crate::clock::Clock;
use crate::entropy::{Entropy, SeededEntropy};
use crate::jose::Nonce;
use crate::mutation::{Minted, MintedProof, mint};
use crate::proof::{AccessToken, Call, EditError, IssuerKey, Material, Request, Script, Step, StepRecord};
use crate::scenario::{Endpoint, Expect};
use crate::target::{Answer, Target};

/// How often one step answers a nonce challenge before the challenge counts as the answer.
const MAX_CHALLENGES: usize = 2;

/// A worker's conversation with the target: it remembers the nonce that came last.
pub struct Session<'a> {
    /// The server under test.
    pub target: &'a dyn Target,
    /// The protected resource.
    pub call: &'a Call,
    /// Where the steps go, if not there.
    pub elsewhere: Option<Elsewhere<'a>>,
    /// The issuer's key, where the harness has it.
    pub issuer: Option<&'a IssuerKey>,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Where `jti` values and fresh keys come from.
    pub entropy: &'a dyn Entropy,
    /// How far the clock of the target is ahead, where the time in proofs follows it instead of this one.
    pub ahead: i64,
    /// How far its answers say that it is ahead.
    pub skew: Option<Skew>,
    /// The seed of edit values that are left to chance.
    pub seed: u64,
    /// Takes secrets out of the evidence.
    pub redactor: &'a Redactor,
    /// The nonce that the target supplied last.
    pub nonce: Option<Nonce>,
    /// The correct request that was accepted last, and its token: the control after one case is the control before the
    /// next one with the same token.
    pub standing: Option<(AccessToken, Exchange)>,
}

/// Where the steps of a case go instead of the protected resource.
#[derive(Clone, Copy)]
pub struct Elsewhere<'a> {
    /// What kind of place it is.
    pub at: Endpoint,
    /// The server there.
    pub target: &'a dyn Target,
    /// The request there.
    pub call: &'a Call,
    /// Whether the controls go there, too: a correct request does no harm there, and is accepted. Otherwise they stay at
    /// the protected resource.
    pub takes_controls: bool,
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
    /// Every step was sent, or one that the rest depends on was answered against expectation.
    Played,
    /// A step can't be made against this target.
    NotMade(EditError),
    /// The correct request before the case was not accepted; no step was sent.
    ControlBefore,
    /// The correct request after the case was not accepted.
    ControlAfter,
}

impl<'a> Session<'a> {
    /// Where a request goes, if not to the protected resource.
    fn place_of(&self, turn: Turn) -> Option<Elsewhere<'a>> {
        self.elsewhere.filter(|place| match turn {
            Turn::Step(_) => true,
            Turn::ControlBefore | Turn::ControlAfter => place.takes_controls,
            Turn::Canary | Turn::Diagnosis => false,
        })
    }

    /// Sends a correct request.
    pub async fn control(&mut self, cast: &Cast, turn: Turn, transcript: &mut Transcript) -> Observation {
        match self.step(&Step::default(), cast, turn, &mut BTreeMap::new(), transcript).await {
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
        let elsewhere = self.place_of(turn);
        let at = elsewhere.map_or(Endpoint::Resource, |place| place.at);
        let answer = elsewhere.map_or(self.target, |place| place.target).send(request).await;
        let after = self.clock.now();
        let took = after.duration_since(before).unwrap_or_default();
        // What answers elsewhere may have another clock.
        if elsewhere.is_none()
            && let Answer::Response(response) = &answer
            && let Some(date) = response.date()
        {
            self.skew = Some(Skew::of(date, before, after).and(self.skew));
        }
        let mut seen = observe(&answer);
        // What a server says may be what it was sent.
        seen.error = seen.error.map(|error| self.redactor.clean_word(&error));
        seen.said = seen.said.map(|said| self.redactor.clean_word(&said));
        let has = |name: &str| request.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
        let under_dpop = request.fields.iter().any(|field| {
            field.name == "Authorization" && field.value.to_ascii_lowercase().starts_with("dpop ")
        });
        transcript.push(Exchange {
            turn,
            at,
            request: show_request(request, self.redactor),
            proof: minted.filter(|_| has("DPoP")).map(|minted| MintedProof {
                header: self.redactor.clean(&minted.proof.header),
                claims: self.redactor.clean(&minted.proof.claims),
            }),
            presented: under_dpop && has("DPoP"),
            with_nonce: self.nonce.is_some(),
            shared: false,
            seen: seen.clone(),
            response: show_answer(&answer, self.redactor),
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
        let mut challenges = 0;
        loop {
            let nonce = self.nonce.clone();
            let material = Material {
                key: &cast.own.key,
                token: &cast.own.token,
                spare: cast.spare.as_ref(),
                stranger: cast.stranger.as_ref().map(|other| (&*other.key, &other.token)),
                issuer: self.issuer,
                nonce: nonce.as_ref(),
                call: self.place_of(turn).map_or(self.call, |place| place.call),
                resource: self.call,
                now: self.clock.unix_seconds().saturating_add(self.ahead),
                entropy: self.entropy,
                choices: &SeededEntropy::new(self.seed),
                earlier,
            };
            let minted = mint(step, &material)?;
            self.redactor.hide_token(&minted.record.token);
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

    /// Performs a case: control, steps, control. Where every step is one that must be accepted there is nothing that a
    /// control could add, and none is sent.
    pub async fn play(&mut self, script: &Script, expects: &[Expect], cast: &Cast, controlled: bool) -> Run {
        let mut transcript = Transcript::new();
        let standing = self.standing.take().filter(|(token, _)| *token == cast.own.token);
        match standing {
            _ if !controlled => {}
            Some((_, exchange)) => {
                transcript.push(Exchange { turn: Turn::ControlBefore, shared: true, ..exchange })
            }
            None => {
                let before = self.control(cast, Turn::ControlBefore, &mut transcript).await;
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
            if expect.is_accept() && seen.decision != Decision::Accept {
                break; // the steps behind it would mean nothing
            }
        }
        if controlled {
            let after = self.control(cast, Turn::ControlAfter, &mut transcript).await;
            if after.decision != Decision::Accept {
                return Run { transcript, ending: Ending::ControlAfter };
            }
            self.standing = transcript.last().map(|exchange| (cast.own.token.clone(), exchange.clone()));
        }
        Run { transcript, ending: Ending::Played }
    }
}
