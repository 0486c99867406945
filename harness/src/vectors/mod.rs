//! Test vectors: the proofs of the suite, with what a verifier has to make of each, for whoever tests one without this program.
//!
//! The clock is an input, so they never expire. Keys, token, `jti` and nonce are the same each time; only signatures with chance
//! in them differ. The frame is that of Wycheproof; `scenarios/vectors/` holds the file and its schema.

mod check;
mod export;
mod file;
mod world;

use crate::generator::Fate;
use crate::jose::Alg;

pub use check::{Checked, Finding, check};
pub use export::vectors;
pub use file::{document, schema};
pub use world::{hello, token};

/// A group of vectors: one client, and one way in which the server uses nonces.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The algorithm of the client.
    pub alg: Alg,
    /// The nonce that the server supplied and demands; none where it uses none.
    pub nonce: Option<String>,
    /// The thumbprint of the client's key, to which the token is bound.
    pub jkt: String,
    /// The access token beside each proof.
    pub access_token: String,
    /// The vectors; the first is a correct proof.
    pub vectors: Vec<Vector>,
}

/// One proof, and what a verifier has to make of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    /// Its number in the file, from 1.
    pub id: usize,
    /// The case of the suite that it is from; none for what belongs to no case.
    pub case: Option<String>,
    /// What is wrong with it, in words.
    pub comment: String,
    /// The edits to a correct proof, as a scenario writes them.
    pub edits: String,
    /// The method of the request.
    pub htm: String,
    /// The URL of the request, with its query.
    pub htu: String,
    /// The value of the only `DPoP` field.
    pub proof: String,
    /// The time, in seconds since 1970-01-01T00:00:00Z.
    pub now: i64,
    /// Whether the verifier accepted this very proof just before.
    pub seen: bool,
    /// What it has to do.
    pub fate: Fate,
    /// Why the reference verifier refuses it, in a word; none where it accepts it.
    pub reason: Option<&'static str>,
    /// Rows of the ledger that say so.
    pub spec: Vec<String>,
}

#[cfg(test)]
mod tests;
