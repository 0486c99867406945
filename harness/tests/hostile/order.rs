//! Cases are independent: neither order nor company changes a verdict.

use std::collections::BTreeMap;

use dpop_harness::judge::Verdict;
use dpop_harness::plan::all_of;
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::run::Decision;
use dpop_harness::spec::Profile;
use dpop_harness::suite::Results;

use crate::bench::{Bench, SCENARIOS};

/// Bugs of every kind: a proof too many, one too few, a replay, a crash, a badly worded refusal.
const BUGS: [Defect; 6] = [
    Defect::AthOptional,
    Defect::HtuLiteral,
    Defect::JtiNotTracked,
    Defect::CrashOnOddType,
    Defect::ForbiddenStatus,
    Defect::KeyCachedByThumbprint,
];

type Verdicts = BTreeMap<String, (Verdict, Option<Decision>)>;

fn verdicts(results: &Results) -> Verdicts {
    let one =
        |outcome: &dpop_harness::suite::Outcome| (outcome.id.clone(), (outcome.verdict, outcome.decision()));
    results.outcomes.iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alone_together_forwards_and_backwards() {
    let bench = Bench::new(NonceMode::Required, BUGS.into_iter().collect::<DefectSet>()).await.jobs(1);
    let one_by_one = bench.run().await;
    let whole = verdicts(&one_by_one);
    let failed = |id: &str| whole.get(id).is_some_and(|(verdict, _)| verdict.is_finding());
    for id in
        ["rs.ath.missing", "rs.htu.dot-segments-ok", "rs.replay.twice", "rs.answer.fault", "rs.answer.status"]
    {
        assert!(failed(id), "{id}: {:?}", whole.get(id));
    }

    let named = |results: &Results| {
        let outcome = results.outcomes.iter().find(|outcome| outcome.id == "rs.answer.status");
        let reason = outcome.and_then(|outcome| outcome.reason.clone()).unwrap_or_default();
        reason.split(" answers, in ").nth(1).map(str::to_owned)
    };
    let first = named(&one_by_one).expect("a deviation");
    let bench = bench.jobs(8);
    let eight = bench.run().await;
    assert_eq!(verdicts(&eight), whole, "eight at a time");
    assert_eq!(named(&eight), Some(first), "the cases that a reason names");
    let backwards: Vec<_> = all_of(&SCENARIOS, Profile::Strict).into_iter().rev().collect();
    assert_eq!(verdicts(&bench.run_selected(&backwards).await), whole, "backwards");

    let mut alone = Verdicts::new();
    for selected in
        all_of(&SCENARIOS, Profile::Strict).into_iter().filter(|selected| selected.scenario.id != "rs.answer")
    {
        alone.extend(verdicts(&bench.run_selected(&[selected]).await));
    }
    let answers: Vec<_> = all_of(&SCENARIOS, Profile::Strict)
        .into_iter()
        .filter(|selected| selected.scenario.id == "rs.answer")
        .collect();
    alone.extend(verdicts(&bench.run_selected(&answers).await));
    assert_eq!(alone, whole, "alone");
}
