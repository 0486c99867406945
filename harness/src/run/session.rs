use std::collections::{BTreeMap, BTreeSet};

use super::cast::Cast;
use super::ending::{Ending, Run};
use super::observe::{Decision, Observation};
use super::redact::Redactor;
use super::skew::Skew;
use super::transcript::{Exchange, Transcript, Turn, Watched, is_slow};
use crate::clock::Clock;
use crate::entropy::{Entropy, SeededEntropy};
use crate::jose::Nonce;
use crate::mutation::{Minted, mint};
use crate::proof::{
    AccessToken, Call, Connection, EditError, HttpVersion, IssuerKey, Material, Node, Request, RequestEdits,
    Script, Step, StepRecord, Watch,
};
use crate::scenario::{Endpoint, Expect};
use crate::target::{Answer, Decoy, Kept, NoAnswer, Target};

/// How often one step answers a nonce challenge before the challenge counts as the answer.
pub(crate) const MAX_CHALLENGES: usize = 2;
/// How often the steps are sent until a signature can be spelled otherwise. Minting makes most signatures anew by itself, but not
/// those of an earlier step, nor those of an algorithm that always makes the same.
const MAX_SPELLINGS: usize = 5;

/// How often a proof whose answer takes long is sent until that counts.
const MAX_SLOW: usize = 3;

/// A worker's conversation with the target: it remembers the nonce that came last.
pub struct Session<'a> {
    /// The server under test.
    pub target: &'a dyn Target,
    /// The protected resource.
    pub call: &'a Call,
    /// Where the steps go, if not there.
    pub elsewhere: Option<Elsewhere<'a>>,
    /// The node that the step under way goes to, where there are two.
    pub node: Node,
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
    /// Whether it came with a 2xx, in the same case.
    pub nonce_of_success: bool,
    /// The correct request that was accepted last, on a connection of its own, and its token and version of HTTP: the
    /// control after one case is the control before the next one with the same.
    pub standing: Option<(AccessToken, Option<HttpVersion>, Exchange)>,
    /// The connection that the requests go over, where a case keeps it.
    pub kept: Option<Kept>,
    /// The listener whose URL stands in the proof of the step that is sent.
    pub decoy: Option<Decoy>,
}

/// Where the steps of a case go instead of the protected resource.
#[derive(Clone, Copy)]
pub struct Elsewhere<'a> {
    /// What kind of place it is.
    pub at: Endpoint,
    /// The server there.
    pub target: &'a dyn Target,
    /// The server that steps at the first of two nodes go to.
    pub first: Option<&'a dyn Target>,
    /// The request there.
    pub call: &'a Call,
    /// Whether the controls go there, too: a correct request does no harm there, and is accepted. Otherwise they stay at
    /// the protected resource.
    pub takes_controls: bool,
}

impl<'a> Elsewhere<'a> {
    fn target_of(&self, turn: Turn, node: Node) -> &'a dyn Target {
        match (turn, node, self.first) {
            (Turn::Step(_), Node::First, Some(first)) => first,
            (_, _, _) => self.target,
        }
    }
}

impl<'a> Session<'a> {
    /// Where a request goes, if not to the protected resource.
    pub(super) fn place_of(&self, turn: Turn) -> Option<Elsewhere<'a>> {
        self.elsewhere.filter(|place| match turn {
            Turn::Step(_) => true,
            Turn::ControlBefore | Turn::ControlAfter => place.takes_controls,
            Turn::Canary | Turn::Diagnosis => false,
        })
    }

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
        let elsewhere = self.place_of(turn);
        let answer = match (&mut self.kept, elsewhere) {
            (Some(kept), None) => self.target.send_over(kept, request).await,
            (_, Some(place)) => place.target_of(turn, self.node).send(request).await,
            (_, None) => self.target.send(request).await,
        };
        let after = self.clock.now();
        let took = after.duration_since(before).unwrap_or_default();
        // What answers elsewhere may have another clock.
        if elsewhere.is_none()
            && let Answer::Response(response) = &answer
            && let Some(date) = response.date()
        {
            self.skew = Some(Skew::of(date, before, after).and(self.skew));
        }
        let exchange = self.exchange(request, minted, turn, &answer, (before, took));
        self.keep(exchange, transcript)
    }

    /// Keeps an exchange, and remembers its nonce.
    fn keep(&mut self, exchange: Exchange, transcript: &mut Transcript) -> Observation {
        let seen = exchange.seen.clone();
        transcript.push(exchange);
        self.heard(&seen);
        seen
    }

    /// Remembers the nonce of an answer, if it has one.
    pub(super) fn heard(&mut self, seen: &Observation) {
        if let Some(nonce) = &seen.nonce {
            self.nonce = Some(nonce.clone());
            self.nonce_of_success = seen.decision == Decision::Accept;
        }
    }

    /// The request of a step with this nonce.
    pub(super) fn minted(
        &self,
        step: &Step,
        cast: &Cast,
        nonce: Option<&Nonce>,
        turn: Turn,
        earlier: &Earlier,
    ) -> Result<Minted, EditError> {
        let material = Material {
            key: &cast.own.key,
            token: &cast.own.token,
            spare: cast.spare.as_ref(),
            stranger: cast.stranger.as_ref().map(|other| (&*other.key, &other.token)),
            issuer: self.issuer,
            decoy: self.decoy.as_ref().map(Decoy::url),
            nonce,
            call: self.place_of(turn).map_or(self.call, |place| place.call),
            resource: self.call,
            now: self.clock.unix_seconds().saturating_add(self.ahead),
            entropy: self.entropy,
            choices: &SeededEntropy::new(self.seed),
            earlier,
        };
        if let (Some(edit), Some(latest)) = (step.proof.nonce.filter(|edit| edit.shows_latest()), nonce) {
            self.redactor.hide_spoiled(latest.as_str(), &material.edited_nonce(edit)?);
        }
        let minted = mint(step, &material)?;
        self.redactor.hide_token(&minted.record.token);
        Ok(minted)
    }

    /// Sends one step. A nonce challenge is answered by the same edits with the fresh nonce and a fresh `jti`, unless
    /// the nonce is what the step is about.
    pub(crate) async fn step(
        &mut self,
        step: &Step,
        cast: &Cast,
        turn: Turn,
        earlier: &mut Earlier,
        transcript: &mut Transcript,
    ) -> Result<Observation, EditError> {
        if step.after_lost_answer {
            self.lose_answer(step, cast, turn, transcript).await?;
        }
        let mut challenges = 0;
        loop {
            let minted = self.minted(step, cast, self.nonce.as_ref(), turn, earlier)?;
            let with_nonce_of_success = self.nonce_of_success && step.is_plain();
            let carries = self.nonce.as_ref().is_none_or(|nonce| carries(&minted, nonce));
            let seen = self.send(&minted.request, Some(&minted), turn, transcript).await;
            if let Some(exchange) = transcript.last_mut() {
                exchange.challenges_before = challenges;
                exchange.with_nonce_of_success = with_nonce_of_success;
            }
            let supplied = seen.nonce.is_some();
            if seen.decision == Decision::Challenge
                && supplied
                && carries
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

    /// Sends one step and looks at something beside its answer. What takes long is sent again, for it may be chance.
    async fn watched(
        &mut self,
        step: &Step,
        watch: Watch,
        cast: &Cast,
        turn: Turn,
        transcript: &mut Transcript,
    ) -> Result<Observation, EditError> {
        let earlier = &mut Earlier::new();
        match watch {
            Watch::Calls => {
                if !self.target.is_on_loopback() {
                    let why = "a listener is opened for servers on loopback only";
                    return Err(EditError::NoDecoy(why.to_owned()));
                }
                let opened = Decoy::open().await;
                self.decoy =
                    Some(opened.map_err(|error| {
                        EditError::NoDecoy(format!("no listener could be opened: {error}"))
                    })?);
                let seen = self.step(step, cast, turn, earlier, transcript).await;
                let decoy = self.decoy.take();
                let seen = seen?;
                if let (Some(decoy), Some(exchange)) = (decoy, transcript.last_mut()) {
                    exchange.watched = Some(Watched::Calls(decoy.was_called().await));
                }
                Ok(seen)
            }
            Watch::Time => {
                let mut tries = 1;
                loop {
                    let seen = self.step(step, cast, turn, earlier, transcript).await?;
                    if let Some(exchange) = transcript.last_mut() {
                        exchange.watched = Some(Watched::Time);
                    }
                    let slow = transcript.last().is_some_and(|exchange| is_slow(exchange, transcript));
                    if !slow || tries == MAX_SLOW {
                        return Ok(seen);
                    }
                    tries += 1;
                }
            }
        }
    }

    /// Sends a correct request the way that `step` goes, whose answer never comes.
    async fn lose_answer(
        &mut self,
        step: &Step,
        cast: &Cast,
        turn: Turn,
        transcript: &mut Transcript,
    ) -> Result<(), EditError> {
        let minted =
            self.minted(&correct_over(step.request.http), cast, self.nonce.as_ref(), turn, &Earlier::new())?;
        let before = self.clock.now();
        let answer = self.target.send_and_cut(&minted.request).await;
        let took = self.clock.now().duration_since(before).unwrap_or_default();
        let exchange = self.exchange(&minted.request, Some(&minted), turn, &answer, (before, took));
        self.keep(exchange, transcript);
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
        self.nonce_of_success = false; // what another case was told may be long ago
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
                    return Run::ended(transcript, Ending::ControlBefore);
                }
            }
        }
        let mut left_out = Vec::new();
        for trial in 1..=script.trials.unwrap_or(1) {
            left_out = match self.spelled(script, expects, cast, trial, &mut transcript).await {
                Ok(left_out) => left_out,
                Err(ending) => return Run::ended(transcript, ending),
            };
            if transcript.last().is_some_and(|last| decides(last, expects)) {
                break;
            }
        }
        if controlled {
            let mut after = self.control_after(&control, cast, &mut transcript).await;
            if after.nothing == Some(NoAnswer::NotKept) {
                after = self.control_after(&control, cast, &mut transcript).await;
            }
            if after.decision != Decision::Accept {
                return Run { transcript, left_out, ending: Ending::ControlAfter };
            }
            let last = transcript.last().filter(|_| self.kept.is_none());
            self.standing = last.map(|exchange| (cast.own.token.clone(), http, exchange.clone()));
        }
        Run { transcript, left_out, ending: Ending::Played }
    }

    /// Sends the steps; from the first again where the signature of an earlier one has no such other spelling as a later
    /// one asks for, since the next signature may have it.
    async fn spelled(
        &mut self,
        script: &Script,
        expects: &[Expect],
        cast: &Cast,
        trial: usize,
        transcript: &mut Transcript,
    ) -> Result<Vec<usize>, Ending> {
        let mut tries = 1;
        loop {
            match self.steps(script, expects, cast, trial, transcript).await {
                Err(Ending::NotMade(EditError::NoOtherSpelling(_))) if tries < MAX_SPELLINGS => tries += 1,
                sent => return sent,
            }
        }
    }

    /// Sends the steps in order; the numbers of those that are left out.
    async fn steps(
        &mut self,
        script: &Script,
        expects: &[Expect],
        cast: &Cast,
        trial: usize,
        transcript: &mut Transcript,
    ) -> Result<Vec<usize>, Ending> {
        let mut earlier = Earlier::new();
        let mut closed = Closed::default();
        let only_acceptance = expects.iter().all(Expect::is_accept);
        for (index, (step, expect)) in script.steps.iter().zip(expects).enumerate() {
            if closed.leaves_nothing_of(script.steps.get(index..).unwrap_or_default()) {
                closed.left_out.extend(index..script.steps.len());
                break;
            }
            if let Some(wait) = step.wait {
                self.clock.sleep(wait.0).await;
            }
            if closed.leaves_out(step) {
                closed.left_out.push(index);
                closed.names.extend(step.name.clone());
                continue;
            }
            let turn = Turn::Step(index);
            self.node = step.node;
            let seen = match (step.send, step.repeat) {
                (Some(volley), _) => {
                    self.volley(step, volley, cast, (turn, trial), &mut earlier, transcript).await?
                }
                (None, Some(number)) => {
                    self.repeated(step, number, cast, turn, &mut earlier, transcript).await?
                }
                (None, None) => match step.watch {
                    None => self.step(step, cast, turn, &mut earlier, transcript).await?,
                    Some(watch) => self.watched(step, watch, cast, turn, transcript).await?,
                },
            };
            if seen.nothing.as_ref().is_some_and(NoAnswer::is_not_sent) {
                return Err(Ending::Played);
            }
            if let Some(method) = &step.request.method
                && expect.is_accept()
                && is_not_served(&seen, only_acceptance)
            {
                return Err(Ending::NotServed(method.clone(), seen));
            }
            if seen.decision != Decision::Accept {
                closed.names.extend(step.name.clone());
                if expect.is_accept() {
                    break; // the steps behind it would mean nothing
                }
            }
        }
        Ok(closed.left_out)
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

/// Whether a request carries its proof, and that the nonce: what stands in its place has none, and never will.
fn carries(minted: &Minted, nonce: &Nonce) -> bool {
    let signed = minted.record.signed.signing_input();
    let shows = |value: &str| value.split_ascii_whitespace().collect::<String>().contains(&signed);
    let sent = minted.request.fields.iter().any(|field| shows(&field.value));
    sent && minted.proof.claims.contains(nonce.as_str()) // NQCHAR are the same in JSON
}

/// What was sent by the steps so far, by name.
pub(super) type Earlier = BTreeMap<String, StepRecord>;

/// The steps that were not accepted, and what was left out for that.
#[derive(Default)]
struct Closed {
    names: BTreeSet<String>,
    left_out: Vec<usize>,
}

impl Closed {
    fn leaves_out(&self, step: &Step) -> bool {
        step.if_accepted.as_ref().is_some_and(|name| self.names.contains(name))
    }

    /// Whether all of these would be left out, so that there is nothing to wait for.
    fn leaves_nothing_of(&self, steps: &[Step]) -> bool {
        let mut closed = Self { names: self.names.clone(), left_out: Vec::new() };
        steps.iter().all(|step| {
            let left_out = closed.leaves_out(step);
            closed.names.extend(step.name.clone().filter(|_| left_out));
            left_out
        })
    }
}

/// Whether more trials would not change what this one has shown: too many copies were accepted, or some were not judged.
fn decides(last: &Exchange, expects: &[Expect]) -> bool {
    let Some(crowd) = last.crowd else { return false };
    let too_many = expects
        .iter()
        .any(|expect| matches!(expect, Expect::AcceptsExactly(number) if crowd.accepted > *number));
    too_many || matches!(last.seen.decision, Decision::NoAnswer | Decision::Other)
}

/// Whether an answer to a correct request by another method than the resource's says that there is no such method, or at
/// least none to compare a wrong request with: whether it should be there is the matter of a case that only asks for that.
fn is_not_served(seen: &Observation, only_acceptance: bool) -> bool {
    match seen.decision {
        Decision::Accept => false,
        Decision::Other => true,
        // Not for anybody (RFC 9110 section 15.5.4).
        Decision::Reject if seen.status == Some(403) => true,
        Decision::Reject | Decision::Challenge | Decision::Fault | Decision::NoAnswer => !only_acceptance,
    }
}
