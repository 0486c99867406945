//! The command.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Ended, Serving, free_port, run, text};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn facts_for_people() {
    let Ended { stdout, stderr, .. } = run(["measure", "-v"]).with(0);
    assert!(stderr.contains("measuring the built-in reference server"), "{stderr}");
    for line in stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let names: Vec<&str> = stdout
        .lines()
        .filter(|line| !line.starts_with([' ', '!']))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let all = ["skew", "origin", "nonce", "algs", "window", "jti", "htu", "sizes", "errors"];
    assert!(all.iter().all(|name| names.contains(name)), "{stdout}");
    assert!(stdout.contains("\ncapabilities:\n  nonce: required\n"), "{stdout}");
    assert!(!stdout.contains("not measured"), "{stdout}");
}

#[test]
fn facts_for_programs() {
    let arguments = ["measure", "--only", "window,nonce", "--format", "json", "-q"];
    let Ended { stdout, stderr, .. } = run(arguments).with(0);
    assert_eq!(stderr, "");
    let document = json(&stdout);
    assert_eq!(document["format"], "dpop-facts/1");
    let window = &document["facts"]["window"];
    assert_eq!(window["measured"]["past"]["accepted"], 300);
    assert_eq!(window["spec"], serde_json::json!(["9449-4.3-11c", "9449-11.1-1"]));
    assert_eq!(document["facts"]["nonce"]["measured"]["policy"], "required");
    assert_eq!(document["facts"]["jti"], Value::Null, "it was not asked for");
    assert!(document["requests"].as_u64().is_some_and(|number| number > 20), "{}", document["requests"]);
    let schema = json(&run(["schema", "facts"]).with(0).stdout);
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("https://dpop.example/facts.json", schema).expect("a resource");
    let index = compiler.compile("https://dpop.example/facts.json", &mut schemas).expect("a schema");
    if let Err(error) = schemas.validate(&document, index) {
        panic!("{error:#}");
    }
}

#[test]
fn a_planted_bug_shows() {
    let arguments = ["measure", "--only", "jti", "--defect", "jti-not-tracked"];
    let stdout = run(arguments).with(0).stdout;
    assert!(stdout.contains("may be replayed for 300 s"), "{stdout}");
    assert!(stdout.contains("single-use-jti: false"), "{stdout}");
}

fn config(folder: &Path, resource: u16, issuer: u16, more: &str) -> PathBuf {
    let path = folder.join("dpop.yaml");
    let yaml = format!(
        "dpop: 1\ntarget: {{ name: t, resource: GET http://127.0.0.1:{resource}/resource }}\n{more}\
         auth: {{ kind: embedded, listen: '127.0.0.1:{issuer}', issuer: 'http://127.0.0.1:{issuer}', \
         audience: 'http://127.0.0.1:{resource}' }}\n"
    );
    fs::write(&path, yaml).expect("written");
    path
}

/// Another process has its own clock: what takes time is waited for, as long as it is asked for and no longer.
#[test]
fn in_real_time() {
    let (resource, issuer) = (free_port(), free_port());
    let (listen, trust) = (format!("127.0.0.1:{resource}"), format!("http://127.0.0.1:{issuer}"));
    let defect = ["--defect", "forgotten-after-a-second", "--nonce", "required", "--quiet"];
    let _serving = Serving::start(&[&["--listen", &listen, "--trust", &trust], &defect[..]].concat());
    let folder = tempfile::tempdir().expect("a folder");
    let path = config(folder.path(), resource, issuer, "capabilities: { nonce: never }\n");
    let only = ["measure", "--only", "jti,nonce", "--for", "4s", "-v", "--config", text(&path)];
    let stdout = run(only).with(0).stdout;
    assert!(
        stdout.contains("required, the same for ") || stdout.contains("required, new every "),
        "{stdout}"
    );
    assert!(stdout.contains("forgotten after "), "{stdout}");
    assert!(stdout.contains("remembered after ") && stdout.contains("accepted again after "), "{stdout}");
    let contradiction = "capabilities.nonce says never, and required was measured: write `nonce: required`";
    assert!(stdout.contains(contradiction), "{stdout}");
}

#[test]
fn facts_are_explained() {
    let listed = run(["explain", "facts"]).with(0).stdout;
    for name in ["skew", "origin", "nonce", "algs", "window", "jti", "htu", "sizes", "errors"] {
        assert!(listed.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}: {listed}");
    }
    let row = run(["explain", "9449-8.2-2"]).with(0).stdout;
    assert!(row.contains("measured") && row.contains("dpop measure --only nonce"), "{row}");
}

#[test]
fn bad_input() {
    let said = run(["measure", "--only", "windows"]).with(2).stderr;
    assert!(said.contains("did you mean `window`?"), "{said}");
    run(["measure", "--for", "soon"]).with(2);
    run(["measure", "--config", "no-such.yaml"]).with(2);
    run(["measure", "--defect", "no-such"]).with(2);
}

#[test]
fn what_does_not_answer_is_not_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = config(folder.path(), free_port(), free_port(), "");
    let Ended { stdout, .. } = run(["measure", "--config", text(&path)]).with(3);
    assert!(stdout.contains("environment: ") && stdout.contains("not measured"), "{stdout}");
    let stdout = run(["measure", "--config", text(&path), "--format", "json"]).with(3).stdout;
    let document = json(&stdout);
    assert!(document["trouble"].as_str().is_some_and(|why| why.starts_with("environment")), "{stdout}");
    assert_eq!(document["facts"]["window"]["measured"], Value::Null);
}
