//! Cases are independent: company changes no verdict. `dpop selftest` does the same with each case alone, and in other
//! orders.

use std::collections::BTreeMap;

use dpop_harness::judge::Verdict;
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::run::Decision;
use dpop_harness::suite::Results;

use super::bench::Bench;

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
async fn one_by_one_and_eight_at_a_time() {
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
    let eight = bench.jobs(8).run().await;
    assert_eq!(verdicts(&eight), whole, "eight at a time");
    assert_eq!(named(&eight), Some(first), "the cases that a reason names");
}
