//! What the suite is worth here: the same router with a memory that forgets everything does not get through.
//!
//! The program runs itself as the suite, and looks at what came of it.

use std::env;
use std::process::Command;
use std::sync::Arc;

use axum_resource_server::{Config, Memory, router};
use dpop_harness::spec::Profile;
use dpop_harness::{TestMain, TrustedIssuer};

/// Set where this is the suite.
const AS_SUITE: &str = "AXUM_RESOURCE_SERVER_AS_SUITE";

struct Forgetful;

impl Memory for Forgetful {
    fn is_first_use(&self, _: &str, _: &str, _: i64, _: i64) -> bool {
        true
    }
}

fn main() {
    if env::var_os(AS_SUITE).is_some() {
        // RFC 9449 leaves it to the server whether proofs are remembered; this profile does not.
        let test = TestMain::new("GET /resource").profile(Profile::Strict);
        test.run(|TrustedIssuer { url, jwks, audience, origin, .. }| {
            let memory = Arc::new(Forgetful);
            router(Config { issuer: url, jwks, audience, origin, memory }).expect("a key set")
        });
    }
    let program = env::current_exe().expect("a program");
    let output = Command::new(program).arg("rs.").env(AS_SUITE, "1").output().expect("a suite");
    let told = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix("... FAILED"))
        .map(str::trim)
        .collect();
    assert!(!output.status.success(), "nobody noticed:\n{told}");
    assert!(failed.contains(&"rs.replay.twice"), "something else failed:\n{told}");
    let others: Vec<_> = failed.iter().filter(|id| !id.contains("replay")).collect();
    assert!(others.is_empty(), "these have nothing to do with it: {others:?}");
}
