//! Jobs side by side: shares of a suite, and their results put together. `cargo xtask shards` does it with the whole suite.

use std::fs;
use std::path::Path;

use crate::support::{dpop, ended, run, text};
use serde_json::Value;

/// Cases that take little time, and are of every kind but those that need the whole suite.
const CASES: [&str; 6] = ["rs.ath", "rs.htu", "rs.key", "rs.nonce", "rs.plain-http", "rs.preflight"];
/// So that some fail, some warn, and some are skipped.
const BUGS: [&str; 4] = ["--defect", "ath-not-checked", "--defect", "htu-literal"];

fn perform(folder: &Path, name: &str, more: &[&str], code: &[i32]) -> String {
    let path = folder.join(name);
    let report = format!("json={}", text(&path));
    let arguments = ["run", "-q"].iter().chain(&CASES).chain(&BUGS).chain(more).chain([&"--report"]);
    let ended = run(arguments.copied().chain([report.as_str()]));
    assert!(ended.code.is_some_and(|found| code.contains(&found)), "{ended:?}");
    text(&path).to_owned()
}

fn read(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

/// What must be the same, however the cases were shared out.
fn essence(document: &Value) -> Vec<[Value; 5]> {
    let cases = document["cases"].as_array().expect("cases").iter();
    cases
        .map(|case| ["id", "verdict", "decision", "status", "error"].map(|name| case[name].clone()))
        .collect()
}

#[test]
fn eight_shares_merged_are_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = perform(folder.path(), "whole.json", &[], &[1]);
    for way in ["hash", "slice"] {
        let shares: Vec<String> = (1..=8)
            .map(|share| {
                let share = format!("{way}:{share}/8");
                perform(
                    folder.path(),
                    &format!("{}.json", share.replace([':', '/'], "-")),
                    &["--partition", &share],
                    &[0, 1],
                )
            })
            .collect();
        let merged = folder.path().join("merged.json");
        let report = format!("json={}", text(&merged));
        let all = |shares: &[String]| {
            run(["merge"].into_iter().chain(shares.iter().map(String::as_str)).chain(["--report", &report]))
        };
        let said = all(&shares).with(1).stdout;
        let (merged, whole) = (read(text(&merged)), read(&whole));
        assert_eq!(essence(&merged), essence(&whole), "{way}");
        assert_eq!(merged["summary"], whole["summary"], "{way}");
        assert_eq!(merged["partition"], Value::Null);
        assert!(said.starts_with(&format!("{} cases: ", essence(&whole).len())), "{said}");

        // A job that left nothing must not go unnoticed.
        let missing = all(&shares[..7]).with(2).stderr;
        assert!(missing.contains(&format!("{way}:8/8 of 8 is missing")), "{missing}");
        let twice = all(&[&shares[..7], &shares[..1]].concat()).with(2).stderr;
        assert!(twice.contains(&format!("{way}:1/8 is there twice")), "{twice}");
    }
}

#[test]
fn a_job_finds_out_which_one_it_is() {
    let listed = |variables: &[(&str, &str)], partition: &str| {
        let mut command = dpop(["list", "rs.ath", "rs.htu", "--partition", partition]);
        for name in ["CI_NODE_INDEX", "CI_NODE_TOTAL", "TEST_SHARD_INDEX", "JOB_COMPLETION_INDEX"] {
            command.env_remove(name);
        }
        ended(command.envs(variables.iter().copied()))
    };
    let second = listed(&[], "hash:2/4").with(0).stdout;
    assert_eq!(listed(&[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "4")], "hash:auto").with(0).stdout, second);
    assert_eq!(listed(&[("JOB_COMPLETION_INDEX", "1")], "hash:auto/4").with(0).stdout, second);
    let ended = listed(&[], "hash:auto").with(2);
    assert!(ended.stderr.contains("nothing says which of the jobs this is"), "{}", ended.stderr);
}

#[test]
fn what_is_not_of_one_run_is_not_merged() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = perform(folder.path(), "one.json", &[], &[1]);
    let mut other = read(&one);
    other["profile"] = "strict".into();
    let strict = folder.path().join("strict.json");
    fs::write(&strict, other.to_string()).expect("a file");
    let said = run(["merge", &one, text(&strict)]).with(2).stderr;
    assert!(said.contains("the profile is `rfc9449` in one and `strict` in another"), "{said}");
    let said = run(["merge", &one, &one]).with(2).stderr;
    assert!(said.contains("is there twice"), "{said}");
    run(["merge"]).with(2);
    // Without shares, what was run apart can be put together, too.
    run(["merge", &one, "--deny", "warn"]).with(1);
}
