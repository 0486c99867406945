//! Reports for machines say the same as the results they are made from.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::support::{run as run_dpop, text};
use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::judge::Verdict;
use dpop_harness::plan::all_of;
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::report::{Document, FORMATS, Report};
use dpop_harness::scenario::load_embedded;
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Results, against_reference, run};
use dpop_harness::target::Limits;

/// A run with passes, a failure, a warning and skips.
async fn results() -> Results {
    results_with([Defect::AthNotChecked, Defect::HtuLiteral].into_iter().collect()).await
}

async fn results_with(defects: DefectSet) -> Results {
    let scenarios = load_embedded().expect("valid");
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let limits = Limits::default();
    let (_running, setup) =
        against_reference(NonceMode::Never, defects, Profile::Rfc9449, &limits, clock, entropy)
            .await
            .expect("servers on loopback");
    run(&setup, &scenarios, &all_of(&scenarios, Profile::Rfc9449), &mut |_| {}).await
}

fn report(results: &Results) -> Report<'_> {
    Report {
        results,
        drift: None,
        began: SystemTime::UNIX_EPOCH,
        seconds: 1.5,
        partition: None,
        config: None,
    }
}

fn written(name: &str, results: &Results) -> String {
    let format = FORMATS.iter().find(|format| format.name == name).expect("a format of that name");
    let mut text = Vec::new();
    (format.write)(&Document::from(&report(results)), &mut text).expect("written");
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

#[tokio::test(flavor = "multi_thread")]
async fn results_are_read_back_as_they_were_written() {
    let text = written("json", &results().await);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("read-back.json");
    std::fs::write(&file, &text).expect("a file");
    let again = Document::open(&file).expect("results");
    let again = serde_json::to_string_pretty(&again).expect("JSON");
    assert!(again == text.trim_end(), "something was lost or changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_says_what_changed_and_can_be_a_gate() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let write = |name: &str, results: &Results| {
        let file = folder.join(name);
        std::fs::write(&file, written("json", results)).expect("a file");
        file
    };
    let clean = results_with(DefectSet::empty()).await;
    let (clean, same) =
        (write("clean.json", &clean), write("same.json", &results_with(DefectSet::empty()).await));
    let faulty = write("faulty.json", &results().await);
    let diff =
        |was: &Path, is: &Path, more: &[&str]| run_dpop(["diff", text(was), text(is)].iter().chain(more));

    let nothing = diff(&clean, &same, &[]).with(0);
    assert!(nothing.stdout.ends_with(" the same\n"), "{}", nothing.stdout);
    let worse = diff(&clean, &faulty, &[]).with(1).stdout;
    let (_, listed) = worse.split_once("\nworse\n").expect("a heading");
    let line = listed.lines().find(|line| line.contains("rs.ath.missing ")).expect("the case");
    assert!(line.contains("pass (reject 401 invalid_dpop_proof) -> fail (accept 200)"), "{worse}");
    diff(&clean, &faulty, &["--fail-on", "worse"]).with(1);
    let better = diff(&faulty, &clean, &[]).with(1).stdout;
    assert!(better.contains("\nbetter\n") && !better.contains("worse"), "{better}");
    diff(&faulty, &clean, &["--fail-on", "worse"]).with(0);

    let document: serde_json::Value =
        serde_json::from_str(&diff(&clean, &faulty, &["--format", "json"]).with(1).stdout).expect("JSON");
    let cases = document["cases"].as_array().expect("cases");
    assert_eq!(document["format"], "dpop-diff/1");
    assert_eq!(document["summary"]["worse"], cases.iter().filter(|case| case["kind"] == "worse").count());

    let other = folder.join("other.json");
    for (content, expected) in [
        ("{\"format\":\"dpop-results/2\"}", "its format is `dpop-results/2`"),
        ("{\"format\":\"dpop-results/1\"}", "missing field"),
        ("{", "EOF while parsing"),
    ] {
        std::fs::write(&other, content).expect("a file");
        let ended = diff(&clean, &other, &[]).with(2);
        assert!(ended.stderr.contains("other.json") && ended.stderr.contains(expected), "{}", ended.stderr);
    }
    diff(&clean, &folder.join("nowhere.json"), &[]).with(2);
}
