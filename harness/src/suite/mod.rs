//! One run of the suite against one target: preflight, the cases with confirmation of every finding, then the judgement
//! of all refusals together.

mod answers;
mod approach;
mod diagnosis;
mod embedded;
mod facts;
mod health;
mod metadata;
mod observed;
mod origin;
mod outcome;
mod performance;
mod places;
mod preflight;
mod shim;
mod stop;
mod waived;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::sync::Mutex as AsyncMutex;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::jose::{Alg, KeyKind, Nonce};
use crate::judge::Verdict;
use crate::plan::{OptIn, Selected, Traits};
use crate::proof::{Call, Node, Script};
use crate::run::{Archive, Cast, CastError, Needs, Redactor, Session};
use crate::scenario::{Case, CaseKind, Scenario};
use crate::spec::Profile;
use crate::target::tokens::TokenSource;
use crate::target::{BearerPolicy, Capabilities, NoncePolicy, Observer, Places, Target};

pub use approach::Approach;
pub use embedded::{against_reference, against_reference_with};
pub use facts::{Measured, measure};
pub use health::{Binding, Check, Health, State, Time, Trouble, Whose};
pub use outcome::{Counts, Outcome, Results, Subject};
pub use shim::against_shim;
pub use stop::Stop;
pub use waived::WaiverFault;

/// Everything that a run needs.
pub struct Setup {
    /// What results call the target.
    pub name: String,
    /// The server under test.
    pub target: Arc<dyn Target>,
    /// The protected resource.
    pub call: Call,
    /// What else is tested.
    pub places: Places,
    /// The resource without TLS, if there is such a place.
    pub plain_http: Option<PlainHttp>,
    /// The servers behind the URL, where they are known one by one, by label.
    pub nodes: Vec<(String, Arc<dyn Target>)>,
    /// Where refusals show to those who run the target.
    pub observer: Option<Observer>,
    /// Where tokens come from.
    pub source: Arc<dyn TokenSource>,
    /// What the owner says that the target has.
    pub capabilities: Capabilities,
    /// What the owner says about unbound tokens.
    pub bearer: Option<BearerPolicy>,
    /// The algorithm of the clients whose case names none; otherwise ES256, or one that the target says it accepts.
    pub alg: Option<Alg>,
    /// The rules laid over RFC 9449.
    pub profile: Profile,
    /// How many cases run at the same time.
    pub jobs: usize,
    /// Which of the cases that cost much are performed.
    pub opt_in: OptIn,
    /// The seed of edit values that are left to chance. Keys, `jti` values and token ids are fresh on every run.
    pub seed: u64,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where keys, `jti` values and token ids come from.
    pub entropy: Arc<dyn Entropy>,
}

/// The protected resource over plain HTTP, which must not serve it.
pub struct PlainHttp {
    /// The request there.
    pub call: Call,
    /// What listens there, if anything.
    pub target: Arc<dyn Target>,
    /// Whether that is on loopback: then plain HTTP is in order, and nothing is sent.
    pub on_loopback: bool,
}

/// What happens in a run, as it happens.
#[derive(Debug)]
pub enum Event<'a> {
    /// Preflight begins; so many cases are selected.
    Started(usize),
    /// A case has its outcome. They come in no particular order.
    Finished(&'a Outcome),
}

/// Performs the selected cases of `scenarios` and judges them.
pub async fn run(
    setup: &Setup,
    scenarios: &[Scenario],
    selected: &[Selected<'_>],
    events: &mut (dyn FnMut(Event<'_>) + Send),
) -> Results {
    run_until(&Stop::default(), setup, scenarios, selected, events).await
}

/// The same, until `stop` is requested: then what is known is judged, and the rest is skipped.
pub async fn run_until(
    stop: &Stop,
    setup: &Setup,
    scenarios: &[Scenario],
    selected: &[Selected<'_>],
    events: &mut (dyn FnMut(Event<'_>) + Send),
) -> Results {
    events(Event::Started(selected.len()));
    let redactor = redactor(setup);
    let performed = performed(scenarios, selected, setup.profile);
    let preflight = preflight::run(setup, stop, scenarios, &performed, &redactor).await;
    let suite = Suite {
        setup,
        stop,
        cases: &performed,
        redactor: &redactor,
        traits: Traits {
            http: setup.call.http,
            profile: setup.profile,
            http2: preflight.http2,
            cors: preflight.cors,
            dpop_published: preflight.dpop_published,
            bare: setup.target.is_bare_verifier(),
            ..Traits::new(preflight.health.nonce, preflight.health.algs, setup.capabilities, setup.bearer)
        },
        alg: preflight.alg,
        time: preflight.health.time,
        nonce: preflight.nonce,
        pool: preflight.pool,
        rsa: AsyncMutex::default(),
        archive: Arc::default(),
        lost: Mutex::new(None),
        events: Mutex::new(events),
    };
    // What did not pass is always shown, for everything else depends on it.
    let shown = |outcome: &Outcome| is_selected(selected, &outcome.id) || stops_the_run(outcome);
    let mut outcomes = preflight.outcomes;
    outcomes.iter().filter(|outcome| shown(outcome)).for_each(|outcome| suite.finished(outcome));
    let played = match &preflight.obstacle {
        Some(obstacle) => performed.iter().map(|case| suite.skipped(*case, obstacle)).collect(),
        None => suite.play(selected).await,
    };
    let judged = suite.judge_answers(selected, &played, &outcomes, preflight.obstacle.as_deref()).await;
    let lost = suite.lost.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut health = preflight.health;
    if let Some(lost) = lost {
        if let Some(replaced) = outcome::replace_preflight(&mut outcomes, scenarios, setup, &lost) {
            suite.finished(replaced);
        }
        health.trouble = Some(lost.trouble);
    }
    outcomes.retain(shown);
    outcomes.extend(played.into_iter().filter(|outcome| is_selected(selected, &outcome.id)));
    outcomes.extend(judged);
    let cases = crate::plan::all(scenarios);
    let position: HashMap<&str, usize> =
        cases.iter().enumerate().map(|(at, known)| (known.case.id.as_str(), at)).collect();
    outcomes.sort_by_key(|outcome| position.get(outcome.id.as_str()));
    Results::new(setup, suite.traits, health, outcomes)
}

/// Finds out whether the target can be judged, and what there is to know before: the preflight of a run, and no more.
pub async fn examine(stop: &Stop, setup: &Setup, scenarios: &[Scenario]) -> (Health, Vec<Outcome>) {
    let preflight = preflight::run(setup, stop, scenarios, &[], &redactor(setup)).await;
    (preflight.health, preflight.outcomes)
}

/// Knows the secrets that were there before the run.
fn redactor(setup: &Setup) -> Redactor {
    let redactor = Redactor::default();
    if let Some(secret) = setup.source.secret() {
        redactor.hide_token(secret);
    }
    for field in &setup.call.secret_fields {
        redactor.hide_field(field);
    }
    redactor
}

/// The cases that send requests: the selected ones, or all where refusals as a whole are to be judged.
fn performed<'a>(
    scenarios: &'a [Scenario],
    selected: &[Selected<'a>],
    profile: Profile,
) -> Vec<Selected<'a>> {
    let answers = selected.iter().any(|selected| matches!(selected.case.kind, CaseKind::Answers(_)));
    let mut cases = if answers { crate::plan::all(scenarios) } else { selected.to_vec() };
    cases.retain(|case| case.case.is_for(profile) || is_selected(selected, &case.case.id));
    // What is observed takes its time, and has nothing to say about answers that others don't.
    let wanted = |case: &Case| !case.observed || is_selected(selected, &case.id);
    let sends =
        |case: &Case| matches!(case.kind, CaseKind::Script { .. } | CaseKind::Metadata(_)) && wanted(case);
    cases.into_iter().filter(|selected| sends(selected.case)).collect()
}

/// Whether a preflight check came out in a way that leaves nothing else to judge.
fn stops_the_run(outcome: &Outcome) -> bool {
    matches!(outcome.verdict, Verdict::Fail | Verdict::Inconclusive)
}

fn is_selected(selected: &[Selected<'_>], id: &str) -> bool {
    selected.iter().any(|selected| selected.case.id == id)
}

/// A run under way: what all its workers share.
struct Suite<'a> {
    setup: &'a Setup,
    stop: &'a Stop,
    /// The cases that send requests.
    cases: &'a [Selected<'a>],
    redactor: &'a Redactor,
    traits: Traits,
    /// The algorithm of the clients whose case names none.
    alg: Alg,
    /// Which clock the time in proofs comes from.
    time: Time,
    nonce: Option<Nonce>,
    /// The clients that cases share where tokens cost a request.
    pool: Option<Cast>,
    /// The clients with RSA keys, one for each algorithm: making a key takes as long as some fifty cases. A finding is
    /// confirmed with a fresh one.
    rsa: AsyncMutex<Vec<Cast>>,
    /// Where the evidence of cases that are over is kept.
    archive: Arc<Archive>,
    /// Why the target was given up.
    lost: Mutex<Option<performance::Lost>>,
    events: Mutex<&'a mut (dyn FnMut(Event<'_>) + Send)>,
}

impl Suite<'_> {
    fn session(&self) -> Session<'_> {
        Session { nonce: self.nonce.clone(), ahead: self.time.ahead(), ..session(self.setup, self.redactor) }
    }

    fn finished(&self, outcome: &Outcome) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events(Event::Finished(outcome));
    }

    /// Performs cases; the outcomes come back in their order.
    ///
    /// Most are performed several at a time. One that sends many requests at once has the target to itself, one after the
    /// other behind the rest. One that waits does so beside everything else from the start on; but a clock that leaps
    /// would take the others with it, and so on such a clock those that wait come last, one after the other.
    /// Where refusals are counted nobody else may be refused, so those cases come last of all.
    async fn play(&self, selected: &[Selected<'_>]) -> Vec<Outcome> {
        let outcomes = Mutex::new(Vec::new());
        let one = async |index: usize, session: &mut Session<'_>| {
            let Some(case) = self.cases.get(index) else { return };
            let mut outcome = tokio::select! {
                biased;
                () = self.stop.requested() => self.skipped(*case, self.stop.why()),
                outcome = self.perform(*case, session) => outcome,
            };
            if is_selected(selected, &outcome.id) {
                self.finished(&outcome);
            }
            self.archive.keep(&mut outcome.transcript);
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((index, outcome));
        };
        let queue = |pace: Pace| -> Vec<usize> {
            (0..self.cases.len()).filter(|index| self.cases.get(*index).map(pace_of) == Some(pace)).collect()
        };
        let (prompt, alone, waiting) = (queue(Pace::Prompt), queue(Pace::Alone), queue(Pace::Waiting));
        let observed = queue(Pace::Observed);
        let next = AtomicUsize::new(0);
        let worker = async || {
            let mut session = self.session();
            while let Some(index) = prompt.get(next.fetch_add(1, Ordering::Relaxed)) {
                one(*index, &mut session).await;
            }
        };
        let one_by_one = async |indices: &[usize]| {
            let mut session = self.session();
            for index in indices {
                one(*index, &mut session).await;
            }
        };
        let without_waiting = async {
            join_all((0..self.setup.jobs).map(|_| worker())).await;
            one_by_one(&alone).await;
        };
        if self.setup.clock.leaps() {
            without_waiting.await;
            one_by_one(&waiting).await;
        } else {
            let aside = waiting.iter().map(async |index| one(*index, &mut self.session()).await);
            tokio::join!(without_waiting, join_all(aside));
        }
        one_by_one(&observed).await;
        let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Fresh clients, or shared ones where tokens cost a request or the key takes long to make.
    async fn cast(&self, script: &Script) -> Result<Cast, CastError> {
        let alg = script.client.alg.unwrap_or(self.alg);
        match &self.pool {
            Some(pool) if alg == pool.own.key.alg() => return Ok(pool.clone()),
            Some(_) | None => {}
        }
        if alg.key_kind() != KeyKind::Rsa || Needs::of(script) != Needs::default() {
            return self.fresh_cast(script).await;
        }
        let mut shared = self.rsa.lock().await;
        if let Some(known) = shared.iter().find(|cast| cast.own.key.alg() == alg) {
            return Ok(known.clone());
        }
        let cast = self.fresh_cast(script).await?;
        shared.push(cast.clone());
        Ok(cast)
    }

    async fn fresh_cast(&self, script: &Script) -> Result<Cast, CastError> {
        let (source, entropy) = (self.setup.source.as_ref(), self.setup.entropy.as_ref());
        let alg = script.client.alg.unwrap_or(self.alg);
        Cast::fresh(source, Needs::of(script), alg, entropy, self.redactor).await
    }
}

/// When a case has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// As soon as a worker is free.
    Prompt,
    /// When nothing else is sent: it sends many requests at the same time, or looks how long answers take.
    Alone,
    /// It waits.
    Waiting,
    /// Behind everything else: it looks at what the target counts.
    Observed,
}

fn pace_of(selected: &Selected<'_>) -> Pace {
    match &selected.case.kind {
        _ if selected.case.observed => Pace::Observed,
        CaseKind::Script { script, .. } if !script.waiting().is_zero() => Pace::Waiting,
        CaseKind::Script { script, .. } if script.wants_quiet() => Pace::Alone,
        CaseKind::Script { .. } | CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => {
            Pace::Prompt
        }
    }
}

fn session<'a>(setup: &'a Setup, redactor: &'a Redactor) -> Session<'a> {
    Session {
        target: setup.target.as_ref(),
        call: &setup.call,
        elsewhere: None,
        node: Node::default(),
        issuer: setup.source.issuer_key(),
        clock: setup.clock.as_ref(),
        entropy: setup.entropy.as_ref(),
        ahead: 0,
        skew: None,
        seed: setup.seed,
        redactor,
        nonce: None,
        nonce_of_success: false,
        standing: None,
        kept: None,
        decoy: None,
    }
}

/// The nonce policy that the answers to the first correct request show.
fn nonce_policy(transcript: &[crate::run::Exchange]) -> NoncePolicy {
    use crate::run::Decision;
    if transcript.iter().any(|exchange| exchange.seen.decision == Decision::Challenge) {
        NoncePolicy::Required
    } else if transcript.iter().any(|exchange| exchange.seen.nonce_fields > 0) {
        NoncePolicy::Optional
    } else {
        NoncePolicy::Never
    }
}
