//! Every case is a named test against the clean reference server, in each of its nonce modes; every planted defect is a
//! named test that the cases which it names catch.

use std::sync::Arc;

use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::judge::Verdict;
use dpop_harness::plan::{Selected, all};
use dpop_harness::reference::{DEFECTS, DefectRow, DefectSet, NonceMode, Running};
use dpop_harness::scenario::{Scenario, load_embedded};
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Outcome, Setup, against_reference, run};
use dpop_harness::target::Limits;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

const MODES: [(&str, NonceMode); 3] =
    [("never", NonceMode::Never), ("optional", NonceMode::Optional), ("required", NonceMode::Required)];

fn main() {
    let arguments = Arguments::from_args();
    let scenarios: &'static [Scenario] = match load_embedded() {
        Ok(scenarios) => scenarios.leak(),
        Err(diagnostic) => panic!("{}", diagnostic.render(false)),
    };
    let runtime: &'static Runtime = Box::leak(Box::new(Runtime::new().expect("a runtime")));
    let mut trials = Vec::new();
    for (name, mode) in MODES {
        let server: &'static (Running, Setup) =
            Box::leak(Box::new(runtime.block_on(server(mode, DefectSet::empty()))));
        for selected in all(scenarios) {
            let id = &selected.case.id;
            trials.push(Trial::test(format!("clean/nonce-{name}/{id}"), move || {
                let outcomes = runtime.block_on(outcomes(&server.1, scenarios, &[selected]));
                clean(&outcomes)
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

async fn server(mode: NonceMode, defects: DefectSet) -> (Running, Setup) {
    let limits = Limits { max_requests: Some(usize::MAX), ..Limits::default() };
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    against_reference(mode, defects, Profile::Strict, &limits, clock, entropy)
        .await
        .expect("servers on loopback")
}

async fn outcomes(setup: &Setup, scenarios: &[Scenario], selected: &[Selected<'_>]) -> Vec<Outcome> {
    run(setup, scenarios, selected, &mut |_| {}).await.outcomes
}

/// The case passes; or it is skipped with a reason, which only cases about nonces may be here.
fn clean(outcomes: &[Outcome]) -> Result<(), Failed> {
    let [outcome] = outcomes else { return Err(format!("{} outcomes instead of 1", outcomes.len()).into()) };
    match outcome.verdict {
        Verdict::Pass => Ok(()),
        Verdict::Skip if outcome.reason.as_deref().is_some_and(|reason| reason.contains("nonce")) => Ok(()),
        verdict => Err(format!("{}: {:?}", verdict.name(), outcome.reason).into()),
    }
}

/// Each case that the defect names finds it.
async fn caught(row: &DefectRow, scenarios: &[Scenario]) -> Result<(), Failed> {
    let (_running, setup) = server(row.nonce, DefectSet::from(row.defect)).await;
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
