//! The suite against the router: one test a case.

use std::sync::Arc;

use axum_resource_server::{Config, InProcess, router};
use dpop_harness::TrustedIssuer;

fn main() {
    dpop_harness::test_main(|TrustedIssuer { url, jwks, audience, origin, .. }| {
        let memory = Arc::new(InProcess::default());
        router(Config { issuer: url, jwks, audience, origin, memory }).expect("a key set")
    })
}
