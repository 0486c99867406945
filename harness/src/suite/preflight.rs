use std::time::Duration;

use crate::jose::{Alg, AlgSet, Nonce, base64url};
use crate::judge::{Judgement, Verdict};
use crate::plan::Selected;
use crate::proof::{
    AccessToken, CrossOrigin, HttpChoice, HttpVersion, Material, ProofKey, Request, RequestEdits,
};
use crate::run::{Cast, Decision, Exchange, Needs, Observation, Redactor, Session, Skew, Transcript, Turn};
use crate::scenario::{Capability, CaseKind, PreflightCheck, Scenario};
use crate::target::{Answer, NoAnswer, NoncePolicy};

use super::health::{Binding, Health, Time, Trouble};
use super::metadata;
use super::origin;
use super::outcome::Outcome;
use super::{Setup, Stop, nonce_policy, session, stops_the_run};

/// How long to wait for the answer that shows HTTP/2.
const HTTP2_PATIENCE: Duration = Duration::from_secs(2);

/// What the preflight found.
pub(super) struct Preflight {
    /// Every check, in the order in which they were made.
    pub(super) outcomes: Vec<Outcome>,
    /// Why nothing else can be judged.
    pub(super) obstacle: Option<String>,
    /// What was found out beside that.
    pub(super) health: Health,
    /// The algorithm of the clients whose case names none.
    pub(super) alg: Alg,
    pub(super) nonce: Option<Nonce>,
    /// Whether the target speaks HTTP/2, where that matters.
    pub(super) http2: Option<bool>,
    /// Whether web pages of other origins can read its answers, where that matters.
    pub(super) cors: Option<bool>,
    /// Whether its metadata say that tokens have to be bound, where that matters.
    pub(super) dpop_published: Option<bool>,
    /// The clients that cases share where tokens cost a request.
    pub(super) pool: Option<Cast>,
}

/// Sees to it that the target answers, refuses what nobody may send, and accepts a correct request.
pub(super) async fn run(
    setup: &Setup,
    stop: &Stop,
    scenarios: &[Scenario],
    performed: &[Selected<'_>],
    redactor: &Redactor,
) -> Preflight {
    let all = crate::plan::all(scenarios);
    let case_of = |wanted: PreflightCheck| {
        let found = all
            .iter()
            .find(|known| matches!(&known.case.kind, CaseKind::Preflight(check) if *check == wanted));
        match found {
            Some(found) => *found,
            None => unreachable!("the embedded scenarios have every preflight check"),
        }
    };
    let mut checks = Checks::new(setup, redactor);
    let needs = performed.iter().fold(Needs::default(), |needs, selected| match &selected.case.kind {
        CaseKind::Script { script, .. } => needs.and(Needs::of(script)),
        CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => needs,
    });
    let mut outcomes = Vec::new();
    let mut obstacle: Option<String> = None;
    let order =
        [PreflightCheck::Reachable, PreflightCheck::Canary, PreflightCheck::Token, PreflightCheck::Control];
    for check in order {
        let case = case_of(check);
        let outcome = match &obstacle {
            Some(obstacle) => {
                let judgement = Judgement::skip(obstacle.clone());
                Outcome::new(case, setup.profile, judgement, Transcript::new(), None)
            }
            None => tokio::select! {
                biased;
                () = stop.requested() => {
                    obstacle = Some(stop.why().to_owned());
                    Outcome::new(case, setup.profile, Judgement::skip(stop.why()), Transcript::new(), None)
                }
                outcome = checks.perform(check, case, needs) => outcome,
            },
        };
        if obstacle.is_none() && stops_the_run(&outcome) {
            obstacle = Some(format!("{} did not pass", case.case.id));
        }
        outcomes.push(outcome);
    }
    let http2 = match (setup.call.http, setup.capabilities.http2) {
        _ if obstacle.is_some() => None,
        (HttpChoice::Only(HttpVersion::Http1), _) => None,
        (HttpChoice::Only(HttpVersion::Http2), _) => Some(true), // the control has shown it
        (HttpChoice::Both, Some(known)) => Some(known),
        (HttpChoice::Both, None) if !performed.iter().any(|selected| selected.case.needs_http2()) => None,
        (HttpChoice::Both, None) => tokio::select! {
            biased;
            () = stop.requested() => None,
            spoken = checks.speaks_http2() => Some(spoken),
        },
    };
    let asks_for_cors = |selected: &Selected<'_>| selected.case.requires.contains(&Capability::Cors);
    let cors = match &obstacle {
        None if performed.iter().any(asks_for_cors) => tokio::select! {
            biased;
            () = stop.requested() => None,
            allowed = checks.allows_other_origins() => Some(allowed),
        },
        None | Some(_) => None,
    };
    let unsaid = setup.capabilities.algs.or(checks.offered).is_none();
    let asks_for_metadata = |selected: &Selected<'_>| {
        selected.case.requires.contains(&Capability::DpopPublished)
            || (unsaid && selected.case.client_alg().is_some())
    };
    let published = match &obstacle {
        None if performed.iter().any(asks_for_metadata) => tokio::select! {
            biased;
            () = stop.requested() => None,
            published = metadata::published(setup, redactor) => published.believed().map(|(_, read)| read),
        },
        None | Some(_) => None,
    };
    let dpop_published = published.as_ref().map(|read| read.dpop_bound_access_tokens_required);
    checks.published = published
        .map(|read| AlgSet::from_names(read.dpop_signing_alg_values_supported.iter().map(String::as_str)));
    let health = Health { algs: checks.known_algs(), ..checks.health.clone() };
    let (alg, nonce, pool) = (checks.alg(), checks.nonce, checks.pool);
    Preflight { outcomes, obstacle, health, http2, cors, dpop_published, alg, nonce, pool }
}

/// Sends once more what the preflight sends, for what was seen there only.
pub(super) async fn requests_again(setup: &Setup, redactor: &Redactor) -> Transcript {
    let mut checks = Checks::new(setup, redactor);
    let mut transcript = Transcript::new();
    checks.canary(&mut transcript).await;
    checks.offered = transcript.iter().find_map(|exchange| exchange.seen.algs);
    checks.token(Needs::default()).await;
    checks.control(&mut transcript).await;
    transcript
}

struct Checks<'a> {
    setup: &'a Setup,
    redactor: &'a Redactor,
    health: Health,
    nonce: Option<Nonce>,
    pool: Option<Cast>,
    /// What the target's challenges say that it accepts.
    offered: Option<AlgSet>,
    /// What its metadata say that it accepts, where they were asked.
    published: Option<AlgSet>,
    /// What a correct request showed that it accepts.
    shown: AlgSet,
}

impl<'a> Checks<'a> {
    fn new(setup: &'a Setup, redactor: &'a Redactor) -> Self {
        Self {
            setup,
            redactor,
            health: Health {
                url: setup.call.uri.without_query(),
                htu: setup.call.htu.clone(),
                answered: None,
                protected: None,
                skew: None,
                time: Time::Own,
                binding: None,
                control: None,
                nonce: NoncePolicy::Never,
                algs: AlgSet::default(),
                trouble: None,
            },
            nonce: None,
            pool: None,
            offered: None,
            published: None,
            shown: AlgSet::default(),
        }
    }

    /// The algorithm of the clients whose case names none.
    fn alg(&self) -> Alg {
        let known = self.setup.capabilities.algs.or(self.offered);
        self.setup.alg.unwrap_or_else(|| match known {
            Some(algs) if !algs.contains(Alg::Es256) => algs.iter().next().unwrap_or(Alg::Es256),
            Some(_) | None => Alg::Es256,
        })
    }

    /// The algorithms that the target is known to accept: its owner says so, or else its challenges or its metadata do, or it
    /// was seen.
    fn known_algs(&self) -> AlgSet {
        let known = self.setup.capabilities.algs.or(self.offered).or(self.published).unwrap_or_default();
        self.shown.iter().fold(known, AlgSet::with)
    }

    async fn perform(&mut self, check: PreflightCheck, case: Selected<'_>, needs: Needs) -> Outcome {
        let mut transcript = Transcript::new();
        let mut reproduced = None;
        let judgement = match check {
            PreflightCheck::Reachable => self.reachable(&mut transcript).await,
            PreflightCheck::Canary => {
                let first = self.canary(&mut transcript).await;
                if first.verdict.is_finding() {
                    let again = self.canary(&mut transcript).await;
                    let seen_again = again.verdict == first.verdict;
                    reproduced = Some((1 + usize::from(seen_again), 2));
                    match first.reason {
                        _ if seen_again => again,
                        Some(reason) => Judgement::inconclusive(format!("not reproducible: {reason}")),
                        None => again,
                    }
                } else {
                    first
                }
            }
            PreflightCheck::Token => self.token(needs).await,
            PreflightCheck::Control => self.control(&mut transcript).await,
        };
        self.offered = self.offered.or_else(|| transcript.iter().find_map(|exchange| exchange.seen.algs));
        Outcome::new(case, self.setup.profile, judgement, transcript, reproduced)
    }

    /// Why nothing else can be judged, as a judgement.
    fn in_trouble(&mut self, trouble: Trouble, decisive: Option<usize>) -> Judgement {
        let judgement = Judgement::inconclusive(trouble.to_string());
        self.health.trouble = Some(trouble);
        Judgement { decisive, ..judgement }
    }

    async fn reachable(&mut self, transcript: &mut Transcript) -> Judgement {
        let request = Request::bare(&self.setup.call);
        let mut session = session(self.setup, self.redactor);
        let seen = session.send(&request, None, Turn::Canary, transcript).await;
        self.health.skew = session.skew;
        if let Some(why) = seen.nothing.as_ref().filter(|why| why.is_not_sent()) {
            return Judgement::skip(why.to_string());
        }
        self.health.answered = Some(seen.clone());
        match &seen.nothing {
            None => passed(0),
            Some(nothing) => self.in_trouble(Trouble::unreachable(&self.health, nothing), Some(0)),
        }
    }

    /// Asks once, over HTTP/2 and without credentials. Any response shows that the target speaks it; what else comes shows
    /// that it does not, and nothing more: to a server of HTTP/1.1 it is not even a request.
    async fn speaks_http2(&self) -> bool {
        let request = Request { http: HttpVersion::Http2, ..Request::bare(&self.setup.call) };
        let answer = tokio::time::timeout(HTTP2_PATIENCE, self.setup.target.send(&request)).await;
        matches!(answer, Ok(Answer::Response(_)))
    }

    /// Whether an answer to a web page of another origin, or to what a browser asks for one beforehand, can be read by it.
    async fn allows_other_origins(&self) -> bool {
        for cross_origin in [CrossOrigin::Preflight, CrossOrigin::Request] {
            let mut request = Request::bare(&self.setup.call);
            cross_origin.apply(&mut request, &self.setup.call);
            if let Answer::Response(response) = self.setup.target.send(&request).await
                && response.has("access-control-allow-origin")
            {
                return true;
            }
        }
        false
    }

    /// No credentials, and a token that nobody issued, with an otherwise correct proof.
    async fn canary(&mut self, transcript: &mut Transcript) -> Judgement {
        let setup = self.setup;
        let key = ProofKey::generate(setup.entropy.as_ref());
        let mut junk = [0; 32];
        setup.entropy.fill(&mut junk);
        let junk = AccessToken::new(base64url::encode(junk));
        let mut session = Session { skew: self.health.skew, ..session(setup, self.redactor) };
        session.send(&Request::bare(&setup.call), None, Turn::Canary, transcript).await;
        let bare = transcript.len() - 1;
        for _ in 0..2 {
            let nonce = session.nonce.clone();
            let proof = {
                let material = material(&session, &key, &junk, nonce.as_ref());
                material.draft(&key, &setup.call, &junk).0.sign(&key).compact()
            };
            let request = Request::presenting(&setup.call, &junk, &proof, &RequestEdits::default());
            let seen = session.send(&request, None, Turn::Canary, transcript).await;
            if seen.decision != Decision::Challenge {
                break;
            }
        }
        self.health.skew = session.skew;
        let unsent =
            |exchange: &Exchange| exchange.seen.nothing.as_ref().filter(|why| why.is_not_sent()).cloned();
        if let Some(why) = transcript.last().and_then(unsent) {
            return Judgement::skip(why.to_string());
        }
        self.health.protected = Some(true);
        let mut result = passed(transcript.len() - 1);
        for (at, what) in
            [(bare, "without credentials"), (transcript.len() - 1, "with a token that nobody issued")]
        {
            let Some(exchange) = transcript.get(at) else { continue };
            let seen = &exchange.seen;
            let (verdict, reason) = match (seen.decision, &seen.nothing) {
                (Decision::Reject | Decision::Challenge, _) => continue,
                (_, Some(nothing)) if nothing.is_not_sent() => continue,
                (Decision::Accept, _) => (
                    Verdict::Fail,
                    format!("a request {what} was accepted: the resource is not protected at all"),
                ),
                (_, Some(NoAnswer::CapReached)) => (Verdict::Inconclusive, NoAnswer::CapReached.to_string()),
                (Decision::Fault | Decision::NoAnswer, _) => {
                    (Verdict::Note, format!("a request {what} was not accepted, but answered {seen}"))
                }
                (Decision::Other, _) => (
                    Verdict::Note,
                    format!(
                        "a request {what} was not accepted, but answered {seen}, which is routing and no refusal"
                    ),
                ),
            };
            if verdict == Verdict::Fail {
                self.health.protected = Some(false);
                self.health.trouble = Some(Trouble::unprotected(what));
            } else if verdict == Verdict::Inconclusive {
                self.health.protected = None;
                self.health.trouble = Some(Trouble::cap());
            }
            let judgement = Judgement { verdict, reason: Some(reason), decisive: Some(at) };
            if verdict == Verdict::Fail {
                return judgement;
            }
            result = judgement;
        }
        result
    }

    async fn token(&mut self, needs: Needs) -> Judgement {
        let (source, entropy) = (self.setup.source.as_ref(), self.setup.entropy.as_ref());
        match Cast::fresh(source, needs, self.alg(), entropy, self.redactor).await {
            Ok(cast) => {
                self.health.binding = Some(Binding::of(&cast.own));
                self.pool = Some(cast);
                Judgement { verdict: Verdict::Pass, reason: None, decisive: None }
            }
            Err(error) => {
                let why = self.redactor.clean(&error.to_string());
                self.in_trouble(Trouble::no_token(&error, &why), None)
            }
        }
    }

    /// A correct request: by our clock, and where the target's answers say that its clock is another, by that one.
    async fn control(&mut self, transcript: &mut Transcript) -> Judgement {
        let setup = self.setup;
        let Some(cast) = self.pool.take() else { return Judgement::inconclusive("there is no access token") };
        let mut session = Session { skew: self.health.skew, ..session(setup, self.redactor) };
        let seen = session.control(&cast, Turn::ControlBefore, transcript).await;
        let mut control = Control { cast, seen, at: transcript.len() - 1, nonce: session.nonce };
        self.health.nonce = nonce_policy(transcript);
        self.health.skew = session.skew;
        let notable = session.skew.filter(|skew| skew.is_notable() && control.seen.status.is_some());
        if let Some(skew) = notable {
            self.health.time = self.by_their_clock(&mut control, skew.seconds(), transcript).await;
        }
        self.health.control = Some(control.seen.clone());
        if !control.is_accepted() {
            return self.refused(&control, transcript).await;
        }
        self.shown = self.shown.with(control.cast.own.key.alg());
        self.nonce = control.nonce;
        // Otherwise each case has clients of its own.
        self.pool = (!setup.source.is_cheap()).then_some(control.cast);
        passed(control.at)
    }

    /// The same request by the target's clock, which takes the place of the one that was refused if it is accepted. A token
    /// is fresh where the issuer goes by that clock, too.
    async fn by_their_clock(&self, control: &mut Control, ahead: i64, transcript: &mut Transcript) -> Time {
        let source = self.setup.source.as_ref();
        let nonce = control.nonce.clone();
        let mut theirs = Session { ahead, nonce, ..session(self.setup, self.redactor) };
        if control.is_accepted() {
            let seen = theirs.control(&control.cast, Turn::Diagnosis, transcript).await;
            control.nonce = theirs.nonce;
            return if seen.decision == Decision::Accept { Time::Either(ahead) } else { Time::Own };
        }
        source.follow(ahead);
        if let Ok(cast) = self.another_like(&control.cast).await {
            let seen = theirs.control(&cast, Turn::ControlBefore, transcript).await;
            if seen.decision == Decision::Accept {
                *control = Control { cast, seen, at: transcript.len() - 1, nonce: theirs.nonce };
                return Time::Target(ahead);
            }
        }
        source.follow(0);
        Time::Own
    }

    /// Looks for the reason why a correct request was not accepted.
    async fn refused(&mut self, control: &Control, transcript: &mut Transcript) -> Judgement {
        let Control { cast, seen, at, .. } = control;
        if self.setup.target.is_bare_verifier() && seen.status.is_some() {
            let trouble = Trouble::refused_by_verifier(seen);
            let judgement = self.in_trouble(trouble, Some(*at));
            return judgement;
        }
        let by_binding = matches!(self.health.binding, Some(Binding::OtherKey | Binding::Unbound));
        let by_scope = seen.error.as_deref() == Some("insufficient_scope");
        let mut search = None;
        if seen.decision == Decision::Reject && !by_binding && !by_scope {
            let (setup, redactor) = (self.setup, self.redactor);
            let hint = origin::resource_metadata(transcript);
            let theirs = self.health.skew.filter(|skew| skew.is_notable()).map(Skew::seconds);
            for ahead in [0].into_iter().chain(theirs) {
                let found = origin::search(setup, redactor, cast, ahead, hint.as_deref(), transcript).await;
                let is_found = found.found.is_some();
                search = Some(found);
                if is_found {
                    break;
                }
            }
        }
        let audiences = origin::audiences(&cast.own.token);
        let audiences: Vec<String> = audiences.iter().map(|one| self.redactor.clean_word(one)).collect();
        let trouble = Trouble::refused(&self.health, seen, search.as_ref(), &audiences);
        let reason = match seen.nothing {
            Some(NoAnswer::CapReached) => trouble.to_string(),
            Some(_) | None => format!("a correct request was answered {seen}; {trouble}"),
        };
        self.health.trouble = Some(trouble);
        Judgement { decisive: Some(*at), ..Judgement::inconclusive(reason) }
    }

    /// Clients with fresh tokens, as many as there are in `cast`.
    async fn another_like(&self, cast: &Cast) -> Result<Cast, crate::run::CastError> {
        let needs = Needs { spare: cast.spare.is_some(), stranger: cast.stranger.is_some() };
        let (source, entropy) = (self.setup.source.as_ref(), self.setup.entropy.as_ref());
        Cast::fresh(source, needs, self.alg(), entropy, self.redactor).await
    }
}

/// A correct request that was sent.
struct Control {
    cast: Cast,
    seen: Observation,
    /// Where it stands in the transcript.
    at: usize,
    /// The nonce that was supplied last.
    nonce: Option<Nonce>,
}

impl Control {
    fn is_accepted(&self) -> bool {
        self.seen.decision == Decision::Accept
    }
}

fn passed(decisive: usize) -> Judgement {
    Judgement { verdict: Verdict::Pass, reason: None, decisive: Some(decisive) }
}

fn material<'a>(
    session: &'a Session<'_>,
    key: &'a ProofKey,
    token: &'a AccessToken,
    nonce: Option<&'a Nonce>,
) -> Material<'a> {
    const NOTHING: &std::collections::BTreeMap<String, crate::proof::StepRecord> =
        &std::collections::BTreeMap::new();
    Material {
        key,
        token,
        spare: None,
        stranger: None,
        issuer: None,
        decoy: None,
        nonce,
        call: session.call,
        resource: session.call,
        now: session.clock.unix_seconds(),
        entropy: session.entropy,
        choices: session.entropy,
        earlier: NOTHING,
    }
}
