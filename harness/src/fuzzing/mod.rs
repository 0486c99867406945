//! The bodies of the libFuzzer targets: each takes any bytes, and panics where a promise of the library is broken.
//!
//! The targets in `fuzz/fuzz_targets/` only call them. So the seeds and the regressions are replayed by a plain
//! `cargo test`, without libFuzzer, and property tests run the same bodies. [`seeds`] makes inputs out of the suite.

mod differential;
mod files;
mod keys;
mod proofs;
mod readers;
mod scene;
mod seeds;
mod sequences;
mod urls;

pub use differential::{Disagreement, Opinion, differential};
pub use files::{config_loader, scenario_loader};
pub use keys::public_key;
pub use proofs::{proofs, signed_proofs};
pub use readers::{challenge_parser, json_reader, jws_reader};
pub use scene::{null_scene, signed_scene};
pub use seeds::seeds;
pub use sequences::{nonce_machine, replay_store};
pub use urls::htu;

/// The body of a target: it returns, or panics with what it found.
pub type Body = fn(&[u8]);

/// Every target: the name of its file in `fuzz/fuzz_targets/` and of its folder in `fuzz/seeds/`, and its body.
pub const TARGETS: &[(&str, Body)] = &[
    ("challenge_parser", challenge_parser),
    ("config_loader", config_loader),
    ("htu", htu),
    ("json_reader", json_reader),
    ("jws_reader", jws_reader),
    ("nonce_machine", nonce_machine),
    ("proofs", proofs),
    ("public_key", public_key),
    ("replay_store", replay_store),
    ("scenario_loader", scenario_loader),
    ("signed_proofs", signed_proofs),
];

#[cfg(test)]
mod tests;
