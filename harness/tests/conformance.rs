//! Every case is a named test against the clean reference server, in each of its modes; every planted defect is a
//! named test that the cases which it names catch.

use std::sync::Arc;

use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::{Alg, AlgSet};
use dpop_harness::judge::Verdict;
use dpop_harness::plan::{Selected, all};
use dpop_harness::reference::{DEFECTS, DefectRow, DefectSet, NonceMode, Options, Running};
use dpop_harness::scenario::{Scenario, load_embedded};
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
    /// Whether unbound tokens are still served.
    unbound_bearer: bool,
    /// The only algorithm of proofs that the server accepts, and says so; otherwise it accepts all.
    only: Option<Alg>,
    /// What the reason of a case that may be skipped here speaks of.
    may_lack: &'static [&'static str],
}

const MODES: [Mode; 6] = [
    mode("nonce-never", NonceMode::Never),
    mode("nonce-optional", NonceMode::Optional),
    mode("nonce-required", NonceMode::Required),
    Mode { token_alg: Alg::Rs256, ..mode("rs256-tokens", NonceMode::Never) },
    Mode { unbound_bearer: true, ..mode("migrating", NonceMode::Never) },
    Mode {
        only: Some(Alg::EdDsa),
        may_lack: &["is for ES256 keys", "does not say that it accepts", "target.bearer"],
        ..mode("eddsa-only", NonceMode::Required)
    },
];

const fn mode(name: &'static str, nonce: NonceMode) -> Mode {
    Mode {
        name,
        nonce,
        token_alg: Alg::Es256,
        unbound_bearer: false,
        only: None,
        may_lack: &["nonce", "target.bearer"],
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
        for selected in all(scenarios) {
            let id = &selected.case.id;
            trials.push(Trial::test(format!("clean/{}/{id}", mode.name), move || {
                let outcomes = runtime.block_on(async {
                    if selected.case.observed {
                        // The others are refused at the same time.
                        let (_running, setup) = self::server(&mode, DefectSet::empty()).await;
                        return outcomes(&setup, scenarios, &[selected]).await;
                    }
                    outcomes(&server.1, scenarios, &[selected]).await
                });
                clean(&outcomes, mode.may_lack)
            }));
        }
    }
    for row in DEFECTS {
        trials.push(Trial::test(format!("defect/{}", row.name), move || {
            runtime.block_on(caught(row, scenarios))
        }));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

async fn server(mode: &Mode, defects: DefectSet) -> (Running, Setup) {
    let limits = Limits { max_requests: Some(usize::MAX), ..Limits::default() };
    let options = Options::new(Arc::new(SystemClock), Arc::new(SystemEntropy));
    let algs = mode.only.map_or(AlgSet::all(), |alg| AlgSet::default().with(alg));
    let (nonce, token_alg, unbound_bearer) = (mode.nonce, mode.token_alg, mode.unbound_bearer);
    let options = Options { nonce, token_alg, unbound_bearer, algs, defects, ..options };
    against_reference_with(options, Profile::Strict, &limits).await.expect("servers on loopback")
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
        verdict => Err(format!("{}: {:?}", verdict.name(), outcome.reason).into()),
    }
}

/// Each case that the defect names finds it.
async fn caught(row: &DefectRow, scenarios: &[Scenario]) -> Result<(), Failed> {
    let (_running, setup) = server(&mode("defect", row.nonce), DefectSet::from(row.defect)).await;
    let cases = all(scenarios);
    let mut escaped = Vec::new();
    for id in row.caught_by {
        let Some(case) = cases.iter().find(|selected| selected.case.id == *id) else {
            return Err(format!("there is no case {id}").into());
        };
        let outcomes = outcomes(&setup, scenarios, &[*case]).await;
        let outcome = outcomes.iter().find(|outcome| outcome.id == *id);
        if !outcome.is_some_and(|outcome| outcome.verdict.is_finding()) {
            let seen: Vec<_> = outcomes
                .iter()
                .map(|outcome| format!("{} {:?} {:?}", outcome.id, outcome.verdict, outcome.reason))
                .collect();
            escaped.push(format!("{id} did not catch it: {seen:?}"));
        }
    }
    if escaped.is_empty() { Ok(()) } else { Err(escaped.join("\n").into()) }
}
