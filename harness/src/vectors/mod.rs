//! Test vectors: the proofs of the suite, with what a verifier has to make of each, for whoever tests one without this program.
//!
//! The clock is an input, so they never expire. Keys, token, `jti` and nonce are the same each time; only signatures with chance
//! in them differ. The frame is that of Wycheproof; `scenarios/vectors/` holds the file and its schema.

mod check;
mod export;
mod file;
mod world;

use serde_json::Value;

use crate::generator::Fate;
use crate::jose::{Alg, base64url};

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

impl Vector {
    /// What a verifier judges, but for what is new in every proof: the decoded header and claims, with the value of `jti` left out where
    /// nobody edited it. What was done to signature and spelling is in no decoded part, so the edit stands for it.
    fn said(&self) -> Said {
        let mut segments =
            self.proof.split('.').map(|segment| base64url::decode(segment).unwrap_or_default());
        let mut next = || String::from_utf8_lossy(&segments.next().unwrap_or_default()).into_owned();
        let (header, mut claims) = (next(), next());
        let names = |word: &str| self.edits.contains(word);
        if let Ok(Value::Object(members)) = serde_json::from_str(&claims)
            && let Some(jti) = members.get("jti").and_then(Value::as_str)
            && !names("jti")
        {
            claims = claims.replace(jti, "");
        }
        let edits = ["mutate", "signer", "jti"].into_iter().any(names).then(|| self.edits.clone());
        Said {
            header,
            claims,
            edits,
            request: [self.htm.clone(), self.htu.clone()],
            now: self.now,
            seen: self.seen,
        }
    }
}

/// What distinguishes one vector of a group from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    header: String,
    claims: String,
    edits: Option<String>,
    request: [String; 2],
    now: i64,
    seen: bool,
}

#[cfg(test)]
mod tests;
