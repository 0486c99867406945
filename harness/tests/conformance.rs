//! Every case is a named test against the clean reference server, in each of its modes; every planted defect is a
//! named test that the cases which it names catch. `dpop selftest` does the rest: every defect against all cases, more
//! clean servers, other orders.
//!
//! Where no test is asked for by name, the cases of a mode share one run of the suite; otherwise each is performed alone.

use std::sync::{Arc, OnceLock};

use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::{StockedEntropy, SystemEntropy};
use dpop_harness::plan::{Selected, all, all_of};
use dpop_harness::reference::{DefectRow, DefectSet, Running, defects};
use dpop_harness::scenario::{CaseKind, Scenario, load_embedded};
use dpop_harness::selftest::{Bench, NONCES, Variant, profile_of};
use dpop_harness::suite::{Outcome, Setup, Stop};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

fn main() {
    let arguments = Arguments::from_args();
    let scenarios: &'static [Scenario] = match load_embedded() {
        Ok(scenarios) => scenarios.leak(),
        Err(diagnostic) => panic!("{}", diagnostic.render(false)),
    };
    let runtime: &'static Runtime = Box::leak(Box::new(Runtime::new().expect("a runtime")));
    let stop: &'static Stop = Box::leak(Box::default());
    let bench: &'static Bench<'_> =
        Box::leak(Box::new(Bench { scenarios, stop, entropy: StockedEntropy::new(6) }));
    let whole = arguments.filter.is_none();
    let mut trials = Vec::new();
    let plain = NONCES.map(|(name, nonce)| Variant::new(name, nonce));
    for variant in plain.into_iter().chain(Variant::special()) {
        let variant: &'static Variant = Box::leak(Box::new(variant));
        // One server for all the cases that don't wait; each takes keys of its own.
        let started = variant.start(DefectSet::empty(), Arc::new(SystemClock), Arc::new(SystemEntropy));
        let server = runtime.block_on(started).expect("servers on loopback");
        let server: &'static (Running, Setup) = Box::leak(Box::new(server));
        // Each of the cases over all answers takes a whole run, so they share one in any case.
        let shared: &'static OnceLock<Vec<Outcome>> = Box::leak(Box::default());
        let own = |selected: &Selected<'_>| selected.scenario.id.starts_with(variant.scenarios);
        for selected in all_of(scenarios, variant.profile).into_iter().filter(own) {
            let id = &selected.case.id;
            trials.push(Trial::test(format!("clean/{}/{id}", variant.name), move || {
                if whole || is_about_answers(&selected) {
                    let found = shared.get_or_init(|| {
                        let wanted = |case: &Selected<'_>| own(case) && (whole || is_about_answers(case));
                        let cases = all_of(scenarios, variant.profile);
                        let cases: Vec<_> = cases.into_iter().filter(wanted).collect();
                        runtime.block_on(alone(bench, variant, &cases))
                    });
                    let own: Vec<_> = found.iter().filter(|outcome| outcome.id == *id).cloned().collect();
                    return clean(&own, variant);
                }
                let outcomes = if waits(selected) || selected.case.observed {
                    runtime.block_on(alone(bench, variant, &[selected]))
                } else {
                    runtime.block_on(bench.run(&server.1, &[selected]))
                };
                clean(&outcomes, variant)
            }));
        }
    }
    for row in defects() {
        trials
            .push(Trial::test(format!("defect/{}", row.name), move || runtime.block_on(caught(bench, row))));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_about_answers(selected: &Selected<'_>) -> bool {
    matches!(selected.case.kind, CaseKind::Answers(_))
}

fn waits(selected: Selected<'_>) -> bool {
    matches!(&selected.case.kind, CaseKind::Script { script, .. } if !script.waiting().is_zero())
}

/// Runs cases against a server of their own: those that wait leap ahead, and would take others with them.
async fn alone(bench: &Bench<'_>, variant: &Variant, selected: &[Selected<'_>]) -> Vec<Outcome> {
    let (_running, setup) = bench.start(variant, DefectSet::empty()).await.expect("servers on loopback");
    bench.run(&setup, selected).await
}

/// The case passes; or it is skipped for a reason that speaks of what may lack here.
fn clean(outcomes: &[Outcome], variant: &Variant) -> Result<(), Failed> {
    let [outcome] = outcomes else { return Err(format!("{} outcomes instead of 1", outcomes.len()).into()) };
    variant.false_alarm(outcome).map_or(Ok(()), |alarm| Err(alarm.into()))
}

/// Each case that the defect names finds it, alone.
async fn caught(bench: &Bench<'_>, row: &DefectRow) -> Result<(), Failed> {
    let start = async |profile| {
        let variant = Variant { profile, ..Variant::new("defect", row.nonce) };
        bench.start(&variant, DefectSet::from(row.defect)).await.expect("servers on loopback")
    };
    let own = start(profile_of(row)).await;
    let cases = all(bench.scenarios);
    let mut escaped = Vec::new();
    for id in row.caught_by {
        let Some(case) = cases.iter().find(|selected| selected.case.id == *id) else {
            return Err(format!("there is no case {id}").into());
        };
        // One of another profile goes to a server that is set up for that.
        let outcomes = match case.case.profiles.first().filter(|_| !case.case.is_for(profile_of(row))) {
            None => bench.run(&own.1, &[*case]).await,
            Some(profile) => bench.run(&start(*profile).await.1, &[*case]).await,
        };
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
