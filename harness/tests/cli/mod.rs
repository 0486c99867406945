//! The command line as scripts and people meet it: help, exit codes, what goes to which stream, formats, environment.

use std::collections::BTreeSet;
mod flags;
mod lists;
mod runs;
mod schemas;
mod streams;

use crate::support::{Ended, Serving, code_within, dpop, ended, free_port, run, text};
use dpop_harness::guide::WIDTH;
use dpop_harness::scenario::EMBEDDED;
use serde::Deserialize as _;
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

#[track_caller]
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[track_caller]
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[track_caller]
fn check_keys(object: &Value, expected: &[&str]) {
    let there = keys(object);
    for key in expected {
        assert!(there.contains(key), "{key} is missing in {there:?}");
    }
}

/// The contract `dpop-results/1`: these keys are there; others may come.
#[track_caller]
fn check_results(results: &Value) {
    assert_eq!(results["format"], "dpop-results/1");
    check_keys(results, &["format", "tool", "target", "profile", "seed", "facts", "cases", "summary"]);
    check_keys(&results["tool"], &["version"]);
    check_keys(&results["target"], &["name"]);
    let verdicts = ["pass", "note", "warn", "fail", "skip", "inconclusive"];
    check_keys(&results["summary"], &verdicts);
    check_keys(&results["summary"], &["waived"]);
    let cases = results["cases"].as_array().expect("a list");
    assert!(!cases.is_empty());
    for case in cases {
        check_keys(
            case,
            &[
                "id",
                "scenario",
                "line",
                "title",
                "spec",
                "level",
                "cwe",
                "verdict",
                "decision",
                "status",
                "error",
                "expected",
                "reason",
                "reproduced",
                "waived",
                "requests",
                "ms",
                "transcript",
            ],
        );
    }
    for verdict in verdicts {
        let number = cases.iter().filter(|case| case["verdict"] == verdict).count();
        assert_eq!(results["summary"][verdict], number, "{verdict}");
    }
}

fn config(target: u16, issuer: u16) -> String {
    format!(
        "dpop: 1
target: {{ name: staging, resource: GET http://127.0.0.1:{target}/resource, bearer: refused }}
auth: {{ kind: embedded, listen: 127.0.0.1:{issuer}, issuer: http://127.0.0.1:{issuer}, audience: http://127.0.0.1:{target} }}
"
    )
}
