//! `dpop selftest` as people and programs meet it. What it finds, `tests/conformance.rs` finds, too.

use crate::support::run;
use serde_json::Value;

#[test]
fn one_bug_for_people() {
    let said = run(["selftest", "--defect", "metadata-link-broken"]).with(0).stdout;
    assert!(said.contains("metadata-link-broken") && said.contains("caught by rs.metadata.link"), "{said}");
    assert!(said.contains("caught / planted    1 / 1 = 100 %"), "{said}");
    // Of what was not done nothing is said.
    assert!(!said.contains("false alarms") && !said.contains("order and company"), "{said}");
}

#[test]
fn two_bugs_for_programs() {
    let names = "htm-not-checked,ath-optional";
    let said = run(["selftest", "--defect", names, "--format", "json", "--quiet"]).with(0).stdout;
    let found: Value = serde_json::from_str(&said).expect("JSON");
    let defects = found["defects"].as_array().expect("an array");
    let names: Vec<_> = defects.iter().filter_map(|defect| defect["name"].as_str()).collect();
    assert_eq!(names, ["ath-optional", "htm-not-checked"], "in the order of the tables");
    assert!(defects.iter().all(|defect| defect["caught"] == true), "{said}");
    let summary = &found["summary"];
    assert_eq!(
        (&summary["planted"], &summary["caught"], &summary["unfinished"]),
        (&2.into(), &2.into(), &0.into())
    );
}

#[test]
fn what_can_not_be_asked_for() {
    let said = run(["selftest", "--defect", "htm-not-chekced"]).with(2).stderr;
    assert!(said.contains("did you mean `htm-not-checked`?"), "{said}");
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.md");
    let page = page.to_str().expect("UTF-8");
    run(["selftest", "--defect", "htm-not-checked", "--output", page]).with(2);
    assert!(!std::path::Path::new(page).exists());
}
