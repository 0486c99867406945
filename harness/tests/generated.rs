//! Files in the repository that are made from the code are as the code makes them. `cargo xtask codegen` writes them.

use std::path::Path;
use std::sync::Arc;

use dpop_harness::clock::LeapingClock;
use dpop_harness::coverage::{Coverage, as_markdown};
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::guide::{FLOW, members_as_markdown};
use dpop_harness::plan::all_of;
use dpop_harness::reference::{DefectSet, NonceMode};
use dpop_harness::scenario::{self, load_embedded};
use dpop_harness::snapshot::Snapshot;
use dpop_harness::spec::{Ledger, Profile};
use dpop_harness::suite::{against_reference, run};
use dpop_harness::target::{self, Limits};
use dpop_harness::vectors;
use serde_json::Value;

/// Compares a file with what it should hold; writes it where `cargo xtask codegen` asks for that.
#[track_caller]
fn check(path: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os("DPOP_CODEGEN").is_some() {
        std::fs::write(&file, expected).expect("writable");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "{path} is not what the code makes: run `cargo xtask codegen`");
}

/// `text` with `section` between its lines `<!-- NAME: … -->` and `<!-- end of NAME -->`.
fn with_section(text: &str, name: &str, section: &str) -> String {
    let line_end = |from: usize| text[from..].find('\n').map(|at| from + at + 1);
    let begin = text.find(&format!("<!-- {name}: ")).and_then(line_end).expect("a marker");
    let end = begin + text[begin..].find(&format!("<!-- end of {name} -->")).expect("an end marker");
    [&text[..begin], section, &text[end..]].concat()
}

fn pretty(schema: &serde_json::Value) -> String {
    serde_json::to_string_pretty(schema).expect("JSON") + "\n"
}

#[test]
fn scenario_schema() {
    check("scenarios/scenario.schema.json", &pretty(&scenario::schema()));
}

#[test]
fn profile_schema() {
    check("scenarios/profile.schema.json", &pretty(&scenario::profile_schema()));
}

#[test]
fn config_schema() {
    check("docs/dpop.schema.json", &pretty(&target::schema()));
}

#[test]
fn results_schema() {
    check("docs/results.schema.json", &pretty(&dpop_harness::report::json::schema()));
}

#[test]
fn facts_schema() {
    check("docs/facts.schema.json", &pretty(&dpop_harness::report::facts_schema()));
}

#[test]
fn vectors_schema() {
    check("scenarios/vectors/dpop-proof-verify.schema.json", &pretty(&vectors::schema()));
}

/// Signatures and odd keys with chance in them differ each time, so the file stays where it says the same otherwise: what differs
/// between two documents that are made now is chance.
#[test]
fn vectors_file() {
    let path = "scenarios/vectors/dpop-proof-verify.json";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let found = std::fs::read_to_string(file).unwrap_or_default();
    let [made, again] = [(); 2].map(|()| vectors::document(&vectors::vectors()));
    let same = !found.is_empty() && differ_by_chance(&found, [&made, &again]);
    check(path, if same { &found } else { &made });
}

fn differ_by_chance(found: &str, made: [&str; 2]) -> bool {
    let found = without_signatures(found);
    let [made, again] = made.map(without_signatures);
    let same = |((found, made), again): ((&Value, &Value), &Value)| {
        let without_proof = |row: &Value| {
            let mut row = row.clone();
            row["proof"] = Value::Null;
            row
        };
        if made == again { found == made } else { without_proof(found) == without_proof(made) }
    };
    found.len() == made.len() && found.iter().zip(&made).zip(&again).all(same)
}

/// What a vector is apart from chance: the document without signatures.
fn without_signatures(text: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(text).expect("JSON");
    let mut rows =
        vec![document["notes"].clone(), document["header"].clone(), document["numberOfTests"].clone()];
    for group in document["testGroups"].as_array().expect("groups") {
        for test in group["tests"].as_array().expect("tests") {
            let mut test = test.clone();
            let proof = test["proof"].as_str().expect("a text").to_owned();
            let segments: Vec<&str> = proof.split('.').collect();
            test["proof"] = match segments[..] {
                [header, claims, ..] => Value::from(format!("{header}.{claims}")),
                _ => Value::Null, // one segment: a JSON text that holds a signature, or less
            };
            rows.push(test);
        }
        let mut group = group.clone();
        group["tests"] = Value::Null;
        rows.push(group);
    }
    rows
}

/// One test for both, as both are written to one file.
#[test]
fn readme_sections() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(path).expect("UTF-8");
    let readme = with_section(&readme, "flow", &format!("```text\n{FLOW}```\n"));
    let readme = with_section(&readme, "proof", &members_as_markdown());
    check("README.md", &readme);
}

#[test]
fn coverage_page() {
    let scenarios = load_embedded().expect("valid");
    check("reports/coverage.md", &as_markdown(&Coverage::of(Ledger::embedded(), &scenarios)));
}

/// What the clean reference server does with every case.
#[tokio::test(flavor = "multi_thread")]
async fn reference_snapshot() {
    let scenarios = load_embedded().expect("valid");
    let (clock, entropy) = (Arc::new(LeapingClock::default()), Arc::new(SystemEntropy));
    let (_running, setup) = against_reference(
        NonceMode::Required,
        DefectSet::empty(),
        Profile::Strict,
        &Limits::default(),
        clock,
        entropy,
    )
    .await
    .expect("servers on loopback");
    let results = run(&setup, &scenarios, &all_of(&scenarios, setup.profile), &mut |_| {}).await;
    check("reports/reference.snap", &Snapshot::of(&results).render("reference"));
}
