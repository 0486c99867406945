//! Ctrl-C: what is done by then is said, the exit code is 130, and it does not take long.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "the program runs in real time")]

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::{Serving, code_within, dpop, free_port};

/// How long the program may take to end, and how long it has to come to its work before that.
const PATIENCE: Duration = Duration::from_secs(30);
const UNDER_WAY: Duration = Duration::from_secs(2);

/// Starts the program, presses Ctrl-C a little later, and returns what stands on its standard output.
#[track_caller]
fn interrupted(mut command: Command) -> String {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    thread::sleep(UNDER_WAY);
    assert!(child.try_wait().expect("a child").is_none(), "it ended before anybody interrupted it");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    let Some(code) = code_within(&mut child, PATIENCE) else {
        let _ = child.kill();
        panic!("{command:?} goes on");
    };
    let mut said = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut said).expect("UTF-8");
    assert_eq!(code, Some(130), "{said}");
    said
}

/// In real time: it waits whether a `jti` is still remembered for as long as it may.
#[test]
fn measuring() {
    let (resource, issuer) = (free_port(), free_port());
    let listen = format!("127.0.0.1:{resource}");
    let trust = format!("http://127.0.0.1:{issuer}");
    let _serving = Serving::start(&["--listen", &listen, "--trust", &trust, "--quiet"]);
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("dpop.yaml");
    let text = format!(
        "dpop: 1\ntarget: {{ name: here, resource: 'GET http://{listen}/resource' }}\n\
         auth: {{ kind: embedded, listen: '127.0.0.1:{issuer}', issuer: '{trust}', audience: 'http://{listen}' }}\n"
    );
    std::fs::write(&config, text).expect("written");
    let config = config.to_str().expect("UTF-8");
    let said = interrupted(dpop([
        "measure", "--config", config, "--only", "algs,jti", "--for", "10m", "--format", "json",
    ]));
    let facts: serde_json::Value = serde_json::from_str(&said).expect("JSON, also where it was interrupted");
    // What was measured by then stands there.
    assert!(said.contains("ES256") && facts.pointer("/facts").is_some(), "{said}");
}

#[test]
fn testing_itself() {
    let said = interrupted(dpop(["selftest", "--jobs", "2"]));
    assert!(said.contains("not finished  "), "{said}");
    assert!(
        !said.contains("FALSE ALARM") && !said.contains("ESCAPED") && !said.contains("UNPROVEN"),
        "{said}"
    );
}
