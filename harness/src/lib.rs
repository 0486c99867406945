//! Conformance harness for OAuth DPoP (RFC 9449): proofs at byte level, scenarios, a runner, a judge, and a reference
//! server to compare with.
//!
//! The modules import only from left to right: `clock, jose, spec, reference, proof, mutation, scenario, target, plan,
//! run, judge, report, snapshot, cli`. The page `harness/ARCHITECTURE.md` draws the map.

pub mod clock;
pub mod entropy;
pub mod jose;
pub mod reference;
pub mod mutation;
pub mod proof;
pub mod scenario;
pub mod spec;
pub mod target;
