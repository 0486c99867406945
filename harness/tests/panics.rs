//! No secret stands in what a panic prints, with a full backtrace: neither where a value that holds one is in the message, nor where
//! a run breaks in the middle. What panics is another process of this program.

use std::env;
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use dpop_harness::entropy::SystemEntropy;
use dpop_harness::proof::ProofKey;
use dpop_harness::reference::NonceMode;
use dpop_harness::run::Redactor;

use crate::redaction::{Detector, Secrets, echoing_bench};

/// Where the other process writes the secrets, one a line.
const FILE: &str = "DPOP_TEST_SECRETS";
/// The requests before the run breaks.
const BEFORE: usize = 40;

fn panic_with(value: impl Debug + Send + 'static) {
    // A thread of its own, so that there can be several.
    let ended = thread::spawn(move || {
        refused(value).expect("panics with what it holds");
    })
    .join();
    assert!(ended.is_err());
}

fn refused<T>(value: T) -> Result<(), T> {
    Err(value)
}

#[tokio::test]
#[ignore = "it panics, for `what_a_panic_prints`"]
async fn panicking() {
    let Some(file) = env::var_os(FILE) else { return };
    let (bench, secrets) = echoing_bench(NonceMode::Required).await;
    let key = Arc::new(ProofKey::generate(&SystemEntropy));
    let credentials = bench.setup.source.obtain(key.clone()).await.expect("a token");
    let redactor = Redactor::default();
    redactor.hide_token(&credentials.token);
    redactor.hide_key(&key);
    panic_with(credentials.token.clone());
    panic_with(key);
    panic_with(credentials);
    panic_with(redactor);
    panic_with(bench.running.issuer.clone());

    let bench = bench.instead(move |number, request| {
        if number == BEFORE {
            fs::write(&file, secrets.lines()).expect("written");
            panic!("a run breaks at {request:?}");
        }
        None
    });
    bench.run_only(&["rs.ath", "rs.token", "rs.jose"]).await;
}

#[test]
fn what_a_panic_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secrets");
    let output = Command::new(env::current_exe().expect("a program"))
        .args(["--exact", "panics::panicking", "--ignored", "--nocapture"])
        .env(FILE, &file)
        .env("RUST_BACKTRACE", "full")
        .output()
        .expect("an end");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8")).concat();
    assert!(!output.status.success(), "{said}");
    assert_eq!(said.matches("panics with what it holds").count(), 5, "{said}");
    assert!(said.contains("a run breaks at ") && said.matches("stack backtrace:").count() >= 6, "{said}");
    let detector = Detector::new(&secrets_in(&file));
    assert_eq!(detector.leak(&said), None, "{said}");
    // It would be found.
    let secret = secrets_in(&file).lines();
    let leaked = said.replacen("panicked", secret.lines().next().expect("a secret"), 1);
    assert!(detector.leak(&leaked).is_some());
}

fn secrets_in(file: &Path) -> Secrets {
    let secrets = Secrets::default();
    for line in fs::read_to_string(file).expect("the secrets of the other process").lines() {
        if line.contains('.') { secrets.token(line) } else { secrets.key(line) }
    }
    secrets
}
