//! Reports for machines say the same as the results they are made from.

use std::sync::Arc;

use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::judge::Verdict;
use dpop_harness::plan::all;
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::report::{FORMATS, Report};
use dpop_harness::scenario::load_embedded;
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Results, against_reference, run};
use dpop_harness::target::Limits;

/// A run with passes, a failure, a warning and skips.
async fn results() -> Results {
    let scenarios = load_embedded().expect("valid");
    let defects: DefectSet = [Defect::AthNotChecked, Defect::HtuLiteral].into_iter().collect();
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let limits = Limits::default();
    let (_running, setup) =
        against_reference(NonceMode::Never, defects, Profile::Rfc9449, &limits, clock, entropy)
            .await
            .expect("servers on loopback");
    run(&setup, &scenarios, &all(&scenarios), &mut |_| {}).await
}

fn written(name: &str, results: &Results) -> String {
    let format = FORMATS.iter().find(|format| format.name == name).expect("a format of that name");
    let mut text = Vec::new();
    (format.write)(&Report { results, drift: None, seconds: 1.5 }, &mut text).expect("written");
    String::from_utf8(text).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn junit_has_a_testcase_a_case() {
    let results = results().await;
    let counts = results.counts();
    let document = quick_junit::Report::deserialize_from_str(&written("junit", &results)).expect("JUnit");
    let suites = &document.test_suites;
    assert_eq!(suites.iter().map(|suite| suite.test_cases.len()).sum::<usize>(), results.outcomes.len());
    assert_eq!(document.failures, counts.number(Verdict::Fail));
    assert_eq!(document.errors, counts.number(Verdict::Inconclusive));
    assert_eq!(suites.iter().map(|suite| suite.skipped).sum::<usize>(), counts.number(Verdict::Skip));
    assert!(document.failures > 0 && counts.number(Verdict::Warn) > 0 && counts.number(Verdict::Skip) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_counts_what_it_lists() {
    let results = results().await;
    let document: serde_json::Value = serde_json::from_str(&written("json", &results)).expect("JSON");
    let cases = document["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), results.outcomes.len());
    for verdict in Verdict::ALL {
        let listed = cases.iter().filter(|case| case["verdict"] == verdict.name()).count();
        assert_eq!(document["summary"][verdict.name()], listed, "{}", verdict.name());
    }
    for case in cases.iter().filter(|case| case["verdict"] != "pass") {
        assert!(case["reason"].is_string(), "{case} has no reason");
    }
    for case in cases.iter().filter(|case| case["verdict"] != "skip" && case["id"] != "rs.preflight.token") {
        assert!(
            !case["transcript"].as_array().expect("transcript").is_empty(),
            "{} has no transcript",
            case["id"]
        );
    }
}
