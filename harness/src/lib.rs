//! Conformance harness for OAuth DPoP (RFC 9449): proofs at byte level, scenarios, a runner, a judge, and a reference
//! server to compare with.
//!
//! The modules import only from left to right: `clock, jose -> entropy -> spec -> reference -> proof -> mutation ->
//! scenario -> generator -> coverage -> target -> vectors -> plan -> run -> measure -> judge -> suite -> selftest -> snapshot -> guide -> report -> fuzz -> cli,
//! embed, fuzzing`. A test keeps it so, and the page `harness/ARCHITECTURE.md` draws the map.

#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod coverage;
#[cfg(feature = "embed")]
mod embed;
pub mod entropy;
pub mod fuzz;
pub mod generator;
pub mod guide;
pub mod jose;
pub mod judge;
pub mod measure;
pub mod mutation;
pub mod plan;
pub mod proof;
pub mod reference;
pub mod report;
pub mod run;
pub mod scenario;
pub mod selftest;
pub mod snapshot;
pub mod spec;
pub mod suite;
pub mod target;
pub mod vectors;

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;

#[cfg(feature = "embed")]
pub use embed::{TestMain, TrustedIssuer, test_main};

/// The README's library code, kept true by running it.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
