//! `dpop fuzz`: what it finds, that it accuses nobody else, and that what it has learned outlives it.

#![expect(clippy::disallowed_methods, reason = "the program runs in real time")]

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dpop_harness::clock::{LeapingClock, SystemClock};
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::fuzz::{Campaign, Ended, Layer, Plan, Report, Symptom, Targets};
use dpop_harness::reference::{Defect, DefectSet, NonceMode, Running};
use dpop_harness::scenario::load_embedded;
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Approach, Setup, Stop, against_reference};
use dpop_harness::target::Limits;
use serde_json::Value;

use crate::support::{code_within, dpop, ended};

async fn reference(nonce: NonceMode, defects: &[Defect], requests: usize) -> (Running, Setup) {
    let limits = Limits { max_requests: Some(requests), ..Limits::default() };
    let defects = defects.iter().copied().collect::<DefectSet>();
    let (clock, entropy) = (Arc::new(LeapingClock::default()), Arc::new(SystemEntropy));
    let started = against_reference(nonce, defects, Profile::default(), &limits, clock, entropy).await;
    started.expect("free ports")
}

/// What comes of so many requests to the reference server with these defects, compared with another one or not.
fn campaign(nonce: NonceMode, defects: &[Defect], against: Option<&[Defect]>, requests: usize) -> Report {
    let scenarios = load_embedded().expect("valid");
    let state = tempfile::tempdir().expect("a folder");
    let plan = Plan {
        layers: Layer::ALL.to_vec(),
        seed: 7,
        time: Duration::from_secs(45),
        share: None,
        state: state.path().to_owned(),
        repeat_with: String::new(),
        compare_with: String::new(),
    };
    let stop = Stop::default();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(async {
        let (_one, setup) = reference(nonce, defects, requests).await;
        let other = match against {
            Some(defects) => Some(reference(nonce, defects, requests).await),
            None => None,
        };
        let subject = Approach::make(&stop, &setup, &scenarios).await;
        let against = match &other {
            Some((_, setup)) => Some(Approach::make(&stop, setup, &scenarios).await),
            None => None,
        };
        let targets = Targets { subject: &subject, against: against.as_ref() };
        let campaign = Campaign::open(&targets, &scenarios, &plan, &SystemClock, &stop).expect("writable");
        campaign.run(&|_| {}).await
    })
}

#[track_caller]
fn accuses_nobody(nonce: NonceMode) {
    let report = campaign(nonce, &[], None, 1200);
    let found: Vec<_> = report.findings.iter().map(|finding| finding.scenario()).collect();
    assert!(found.is_empty(), "{nonce:?}: {found:?}");
    assert!(report.executions > 300 && report.progress.classes > 30, "{report:?}");
    assert!(matches!(report.ended, None | Some(Ended::Cap)), "{:?}", report.ended);
}

#[test]
fn a_clean_server_without_nonces_is_not_accused() {
    accuses_nobody(NonceMode::Never);
}

#[test]
fn a_clean_server_with_nonces_is_not_accused() {
    accuses_nobody(NonceMode::Optional);
    accuses_nobody(NonceMode::Required);
}

#[test]
fn the_cause_is_one_finding_by_its_smallest_input() {
    let report = campaign(NonceMode::Never, &[Defect::AthNotChecked], None, 3000);
    let [finding] = &report.findings[..] else { panic!("{:?}", report.findings) };
    assert_eq!((finding.symptom, finding.reproduced), (Symptom::Accepted, 3));
    assert_eq!(finding.recipe.yaml(), "{ proof: { omit: [ath] } }");
    assert!(finding.clause.spec.contains(&"9449-4.3-12a".to_owned()), "{:?}", finding.clause);
}

#[test]
fn a_crash_is_a_finding_that_breaks_what_answers_have_to_be() {
    let report = campaign(NonceMode::Never, &[Defect::CrashOnOddType], None, 3000);
    let fault = report.findings.iter().find(|finding| finding.symptom == Symptom::Fault);
    let fault = fault.unwrap_or_else(|| panic!("{:?}", report.findings));
    assert_eq!(fault.clause.nearest.as_deref(), Some("rs.answer.fault"));
}

/// Where every refusal tells too much, that is one finding, by the plainest of them.
#[test]
fn a_fault_of_all_refusals_is_one_finding() {
    let report = campaign(NonceMode::Never, &[Defect::TraceInRefusal], None, 800);
    let [finding] = &report.findings[..] else { panic!("{:?}", report.findings) };
    assert_eq!((finding.symptom, finding.seen()), (Symptom::Leak, "3/3".to_owned()));
    assert_eq!(finding.recipe.yaml(), "{ proof: { signer: fresh } }");
    assert!(finding.times > 50, "{finding:?}");
}

#[test]
fn two_targets_that_disagree() {
    let report = campaign(NonceMode::Never, &[], Some(&[Defect::TypNotChecked]), 3000);
    let about_typ = |finding: &&dpop_harness::fuzz::Finding| finding.recipe.yaml().contains("typ");
    let found = report.findings.iter().find(about_typ);
    assert_eq!(found.map(|finding| finding.symptom), Some(Symptom::Disagreement), "{:?}", report.findings);
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON")
}

/// From a bug to a file that a run fails on, and back: the same file passes where the bug is not.
#[test]
fn a_finding_is_a_scenario_that_a_run_fails_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let at = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let fuzz = [
        "fuzz",
        "--for",
        "45s",
        "--requests",
        "2500",
        "--layer",
        "claims",
        "--seed",
        "3",
        "--format",
        "json",
    ];
    let bug = ["--defect", "htm-not-checked"];
    let found = ended(dpop(fuzz).args(bug).args(["--state", &at(&state)])).with(1).stdout;
    let found: Value = serde_json::from_str(&found).expect("JSON");
    let [finding] = &found["findings"].as_array().expect("a list")[..] else { panic!("{found}") };
    let id = finding["id"].as_str().expect("an id");
    let files = std::path::PathBuf::from(finding["folder"].as_str().expect("a folder"));

    let scenarios = at(&files);
    let run = |bug: &[&str]| {
        let mut command = dpop(["run", "--scenarios", &scenarios, id]);
        ended(command.args(bug))
    };
    let failed = run(&bug).with(1).stdout;
    assert!(failed.contains("1 fail") && failed.contains("reproduced 2/2"), "{failed}");
    run(&[]).with(0);
    let replayed = at(&files.join("bundle.json"));
    let again = ended(dpop(["replay", &replayed]).args(bug)).with(1).stdout;
    assert!(again.contains("1 fail") && again.contains(id), "{again}");
    ended(&mut dpop(["replay", &replayed])).with(0);

    let bundle = json(&files.join("bundle.json"));
    assert_eq!((&bundle["format"], &bundle["id"]), (&Value::from("dpop-finding/1"), &finding["id"]));
    assert_eq!(bundle["reproduced"], "3/3");
    let request = json(&files.join("request.json"));
    assert_eq!(request["result"], "invalid");
    assert!(request["request"].as_str().is_some_and(|text| text.contains("DPoP: ")), "{request}");
    // The proof may stand there, the token may not.
    assert!(!request.to_string().contains("DPoP ey"), "{request}");

    // The scenario with something more in it comes down to the same.
    let bigger = folder.path().join("bigger.yaml");
    let text = std::fs::read_to_string(files.join("scenario.yaml")).expect("readable");
    let (before, after) = text.split_once("again: { ").expect("the case");
    let text = format!("{before}again: {{ request: {{ query: a=1 }}, {after}");
    std::fs::write(&bigger, text).expect("writable");
    let minimize = ["fuzz", "--minimize", &at(&bigger), "--state", &at(&state)];
    let smallest = ended(dpop(minimize).args(bug)).with(1).stdout;
    assert!(smallest.contains(id.trim_end_matches(".again")) && !smallest.contains("query"), "{smallest}");
    ended(&mut dpop(minimize)).with(0);
}

/// Whatever ends the program: what was done is not done again, and what was learned is known.
#[test]
fn a_campaign_goes_on_where_it_was_killed() {
    let state = tempfile::tempdir().expect("a folder");
    let folder = state.path().to_str().expect("UTF-8");
    let fuzz =
        |time: &str| dpop(["fuzz", "--for", time, "--state", folder, "--format", "json", "--jobs", "2"]);
    let mut child = fuzz("10m").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let journal = state.path().join("journal.ndjson");
    let until = Instant::now() + Duration::from_secs(50);
    let done = || std::fs::read_to_string(&journal).unwrap_or_default().matches("{\"done\":").count();
    while done() == 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("killed");
    assert_eq!(code_within(&mut child, Duration::from_secs(10)), Some(None), "ended by a signal");
    let before = done();
    assert!(before > 0, "no batch was done in time");

    let next = ended(&mut fuzz("1s")).with(0).stdout;
    let next: Value = serde_json::from_str(&next).expect("JSON");
    let number = |name: &str| next[name].as_u64().expect("a number");
    assert!(number("executions_in_all") >= number("executions") + 50 * before as u64, "{next}");
    assert!(number("classes") > 10, "{next}");
    assert!(next["ended"].is_null(), "{next}");

    // Where it ends by itself, what it sent of a batch that was not done counts as well.
    let last = ended(&mut fuzz("1s")).with(0).stdout;
    let last: Value = serde_json::from_str(&last).expect("JSON");
    let sum = number("executions_in_all") + last["executions"].as_u64().expect("a number");
    assert_eq!(last["executions_in_all"], sum, "{last}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_tells_what_was_found_until_then() {
    let state = tempfile::tempdir().expect("a folder");
    let folder = state.path().to_str().expect("UTF-8");
    let mut command = dpop(["fuzz", "--for", "10m", "--state", folder]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let journal = state.path().join("journal.ndjson");
    let until = Instant::now() + Duration::from_secs(50);
    while std::fs::read_to_string(&journal).unwrap_or_default().lines().count() < 3 && Instant::now() < until
    {
        std::thread::sleep(Duration::from_millis(50));
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    assert_eq!(code_within(&mut child, Duration::from_secs(10)), Some(Some(130)));
    let mut said = String::new();
    let mut out = child.stdout.take().expect("a pipe");
    std::io::Read::read_to_string(&mut out, &mut said).expect("UTF-8");
    assert!(said.contains(" inputs in ") && said.contains("classes of answers"), "{said}");
}

/// Two at once would count each other's batches as their own.
#[test]
fn a_folder_is_one_campaigns() {
    let state = tempfile::tempdir().expect("a folder");
    let folder = state.path().to_str().expect("UTF-8");
    let _other = std::fs::File::create(state.path().join("journal.ndjson")).and_then(|file| {
        file.try_lock().map_err(std::io::Error::from)?;
        Ok(file)
    });
    let said = ended(&mut dpop(["fuzz", "--for", "1s", "--state", folder])).with(3).stderr;
    assert!(said.contains("another dpop fuzz") && said.contains("--state"), "{said}");
    let file = state.path().join("journal.ndjson");
    let said =
        ended(&mut dpop(["fuzz", "--for", "1s", "--state", file.to_str().expect("UTF-8")])).with(3).stderr;
    assert!(said.contains("journal.ndjson: "), "a file is no folder: {said}");
}

/// What each of two jobs sends is another half of the same.
#[test]
fn shares_are_of_different_inputs() {
    let state = tempfile::tempdir().expect("a folder");
    let batches = |share: &str| {
        let folder = state.path().join(share.replace([':', '/'], "-"));
        let fuzz = ["fuzz", "--requests", "900", "--jobs", "1", "--partition", share, "--state"];
        ended(dpop(fuzz).arg(&folder)).with(0);
        let journal = std::fs::read_to_string(folder.join("journal.ndjson")).expect("readable");
        let lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.filter_map(|line| line["done"]["batch"].as_u64()).collect::<Vec<_>>()
    };
    let (one, two) = (batches("slice:1/2"), batches("slice:2/2"));
    assert!(one.len() >= 3 && two.len() >= 3, "{one:?} {two:?}");
    assert!(one.iter().all(|batch| !two.contains(batch)), "{one:?} {two:?}");
}

#[test]
fn a_wrong_command_line() {
    let said = ended(&mut dpop(["fuzz", "--layer", "jos"])).with(2).stderr;
    assert!(said.contains("did you mean `jose`"), "{said}");
    ended(&mut dpop(["fuzz", "--partition", "slice:3/2"])).with(2);
    ended(&mut dpop(["fuzz", "--minimize", "/nowhere.yaml"])).with(2);
}
