//! Every case is a named test against the clean reference server, in each of its modes; every planted defect is a
//! named test that the cases which it names catch.

use std::sync::{Arc, OnceLock};

use dpop_harness::clock::{Clock, LeapingClock, SystemClock};
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::{Alg, AlgSet};
use dpop_harness::judge::Verdict;
use dpop_harness::plan::{Selected, all};
use dpop_harness::proof::{HttpChoice, HttpVersion};
use dpop_harness::reference::{DefectRow, DefectSet, NonceMode, Options, Running, defects};
use dpop_harness::scenario::{CaseKind, Scenario, load_embedded};
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Outcome, Setup, against_reference_with, run};
use dpop_harness::target::Limits;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

/// A way to set up the clean server and its clients.
#[derive(Clone, Copy)]
struct Mode {
    name: &'static str,
    nonce: NonceMode,
    token_alg: Alg,
    /// The URL by which clients know the resource.
    public_url: Option<&'static str>,
    /// The scenarios that it is for: all, or those whose ids begin so.
    scenarios: &'static str,
    /// Whether it remembers proofs.
    replay: bool,
    /// Whether unbound tokens are still served.
    unbound_bearer: bool,
    /// The only algorithm of proofs that the server accepts, and says so; otherwise it accepts all.
    only: Option<Alg>,
    /// The versions of HTTP that requests go over.
    http: HttpChoice,
    /// What the reason of a case that may be skipped here speaks of.
    may_lack: &'static [&'static str],
}

const MODES: [Mode; 8] = [
    mode("nonce-never", NonceMode::Never),
    mode("nonce-optional", NonceMode::Optional),
    mode("nonce-required", NonceMode::Required),
    Mode { unbound_bearer: true, ..mode("migrating", NonceMode::Never) },
    Mode {
        only: Some(Alg::EdDsa),
        may_lack: &["is for ES256 keys", "does not say that it accepts", "not for this URL", "target.bearer"],
        ..mode("eddsa-only", NonceMode::Required)
    },
    // Behind a proxy that ends TLS: every spelling of a URL has something to show at one of these.
    Mode {
        public_url: Some("https://rs.example/tree/caf%C3%A9"),
        scenarios: "rs.htu",
        may_lack: &[
            "not for this URL: the resource is not at the root",
            "not for this URL: its host is no IPv4 address",
            "not for this URL: its host is not this machine",
        ],
        ..mode("public-url", NonceMode::Required)
    },
    Mode {
        public_url: Some("https://rs.example/"),
        scenarios: "rs.htu",
        may_lack: &["not for this URL"],
        ..mode("root", NonceMode::Required)
    },
    Mode {
        http: HttpChoice::Only(HttpVersion::Http2),
        may_lack: &["HTTP/1.1 is not used", "HTTP/2 can't express", "not for this URL", "target.bearer"],
        ..mode("over-http2", NonceMode::Required)
    },
];

const fn mode(name: &'static str, nonce: NonceMode) -> Mode {
    let may_lack = &["nonce", "not for this URL", "target.bearer"];
    let (token_alg, unbound_bearer, http) = (Alg::Es256, false, HttpChoice::Both);
    Mode {
        name,
        nonce,
        token_alg,
        replay: true,
        public_url: None,
        scenarios: "",
        unbound_bearer,
        only: None,
        http,
        may_lack,
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let scenarios: &'static [Scenario] = match load_embedded() {
        Ok(scenarios) => scenarios.leak(),
        Err(diagnostic) => panic!("{}", diagnostic.render(false)),
    };
    let runtime: &'static Runtime = Box::leak(Box::new(Runtime::new().expect("a runtime")));
    let mut trials = Vec::new();
    for mode in MODES {
        let server = runtime.block_on(server(&mode, DefectSet::empty()));
        let server: &'static (Running, Setup) = Box::leak(Box::new(server));
        // Each of the cases over all answers takes a whole run, so they share one.
        let answers: &'static OnceLock<Vec<Outcome>> = Box::leak(Box::default());
        let own = |selected: &Selected<'_>| selected.scenario.id.starts_with(mode.scenarios);
        for selected in all(scenarios).into_iter().filter(own) {
            let id = &selected.case.id;
            trials.push(Trial::test(format!("clean/{}/{id}", mode.name), move || {
                if is_about_answers(&selected) {
                    let found = answers.get_or_init(|| {
                        let cases: Vec<_> = all(scenarios).into_iter().filter(is_about_answers).collect();
                        runtime.block_on(alone(&mode, scenarios, &cases))
                    });
                    let own: Vec<_> = found.iter().filter(|outcome| outcome.id == *id).cloned().collect();
                    return clean(&own, mode.may_lack);
                }
                let outcomes = if waits(selected) || selected.case.observed {
                    runtime.block_on(alone(&mode, scenarios, &[selected]))
                } else {
                    runtime.block_on(outcomes(&server.1, scenarios, &[selected]))
                };
                clean(&outcomes, mode.may_lack)
            }));
        }
    }
    for (name, mode) in variants() {
        trials.push(Trial::test(format!("clean/whole/{name}"), move || {
            let found = runtime.block_on(alone(&mode, scenarios, &all(scenarios)));
            found.chunks(1).try_for_each(|outcome| clean(outcome, mode.may_lack))
        }));
    }
    for row in defects() {
        trials.push(Trial::test(format!("defect/{}", row.name), move || {
            runtime.block_on(caught(row, scenarios))
        }));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Every way to run the clean server: with nonces and without, with a replay store and without, and two kinds of tokens.
fn variants() -> impl Iterator<Item = (String, Mode)> {
    let modes = [
        ("nonce-never", NonceMode::Never),
        ("nonce-optional", NonceMode::Optional),
        ("nonce-required", NonceMode::Required),
    ];
    modes.into_iter().flat_map(|(name, nonce)| {
        [(true, "replay-store"), (false, "no-replay-store")].into_iter().flat_map(move |(replay, store)| {
            [Alg::Es256, Alg::Rs256].map(|token_alg| {
                let may_lack = &["nonce", "not for this URL", "target.bearer", "single-use-jti"];
                let mode = Mode { replay, token_alg, may_lack, ..mode(name, nonce) };
                (format!("{name}/{store}/{}", token_alg.name()), mode)
            })
        })
    })
}

fn is_about_answers(selected: &Selected<'_>) -> bool {
    matches!(selected.case.kind, CaseKind::Answers(_))
}

fn waits(selected: Selected<'_>) -> bool {
    matches!(&selected.case.kind, CaseKind::Script { script, .. } if !script.waiting().is_zero())
}

/// Runs cases against a server of their own: those that wait leap ahead, and would take others with them.
async fn alone(mode: &Mode, scenarios: &[Scenario], selected: &[Selected<'_>]) -> Vec<Outcome> {
    let (_running, setup) = server_of_its_own(mode, DefectSet::empty()).await;
    outcomes(&setup, scenarios, selected).await
}

/// A server for all the cases that don't wait.
async fn server(mode: &Mode, defects: DefectSet) -> (Running, Setup) {
    server_with(mode, defects, Arc::new(SystemClock)).await
}

/// A server whose time nobody else shares.
async fn server_of_its_own(mode: &Mode, defects: DefectSet) -> (Running, Setup) {
    server_with(mode, defects, Arc::new(LeapingClock::default())).await
}

async fn server_with(mode: &Mode, defects: DefectSet, clock: Arc<dyn Clock>) -> (Running, Setup) {
    let limits = Limits { max_requests: Some(usize::MAX), ..Limits::default() };
    let options = Options::new(clock, Arc::new(SystemEntropy));
    let algs = mode.only.map_or(AlgSet::all(), |alg| AlgSet::default().with(alg));
    let public_resource = mode.public_url.map(|url| url.parse().expect("a URL"));
    let Mode { nonce, token_alg, unbound_bearer, replay, .. } = *mode;
    let options =
        Options { nonce, token_alg, unbound_bearer, replay, public_resource, algs, defects, ..options };
    let (running, mut setup) =
        against_reference_with(options, Profile::Strict, &limits).await.expect("servers on loopback");
    setup.call.http = mode.http;
    setup.capabilities.single_use_jti = Some(replay);
    (running, setup)
}

async fn outcomes(setup: &Setup, scenarios: &[Scenario], selected: &[Selected<'_>]) -> Vec<Outcome> {
    run(setup, scenarios, selected, &mut |_| {}).await.outcomes
}

/// The case passes; or it is skipped for a reason that speaks of what may lack here.
fn clean(outcomes: &[Outcome], may_lack: &[&str]) -> Result<(), Failed> {
    let [outcome] = outcomes else { return Err(format!("{} outcomes instead of 1", outcomes.len()).into()) };
    match outcome.verdict {
        Verdict::Pass => Ok(()),
        Verdict::Skip
            if outcome
                .reason
                .as_deref()
                .is_some_and(|reason| may_lack.iter().any(|what| reason.contains(what))) =>
        {
            Ok(())
        }
        verdict => Err(format!("{} {}: {:?}", outcome.id, verdict.name(), outcome.reason).into()),
    }
}

/// Each case that the defect names finds it.
async fn caught(row: &DefectRow, scenarios: &[Scenario]) -> Result<(), Failed> {
    let (_running, setup) = server_of_its_own(&mode("defect", row.nonce), DefectSet::from(row.defect)).await;
    let cases = all(scenarios);
    let mut escaped = Vec::new();
    for id in row.caught_by {
        let Some(case) = cases.iter().find(|selected| selected.case.id == *id) else {
            return Err(format!("there is no case {id}").into());
        };
        let outcomes = outcomes(&setup, scenarios, &[*case]).await;
        let outcome = outcomes.iter().find(|outcome| outcome.id == *id);
        if !outcome.is_some_and(Outcome::is_missed) {
            let seen: Vec<_> = outcomes
                .iter()
                .map(|outcome| format!("{} {:?} {:?}", outcome.id, outcome.verdict, outcome.reason))
                .collect();
            escaped.push(format!("{id} did not catch it: {seen:?}"));
        }
    }
    if escaped.is_empty() { Ok(()) } else { Err(escaped.join("\n").into()) }
}
