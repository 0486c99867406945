//! Bugs of parsers and verifiers, planted to be found: `cargo xtask bench fuzz` measures how soon.
//!
//! [`PLANTED`] names them. The targets in `fuzz/bench/` show what libFuzzer gives them to a verifier that has no bug and to one with
//! each bug, and write down what is found ([`Found`]) to the file that the variable [`FOUND`] names.

#![expect(clippy::disallowed_methods, reason = "how long it takes is what is measured")]

mod bug;
mod hunt;
mod scene;
mod verifier;

pub use bug::{PLANTED, Row};
pub use hunt::{FOUND, Found, edits, fields};
