use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the protocol.
pub(super) const VERSION: u32 = 1;

/// What a shim is told first: who signs access tokens, for shims that verify those as well.
#[derive(Debug, Clone, Serialize)]
pub struct Hello {
    /// The issuer's URL.
    pub issuer: String,
    /// What tokens are good for.
    pub audience: String,
    /// The issuer's keys as a JWK Set (RFC 7517 section 5).
    pub jwks: Value,
}

/// What a shim says of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct About {
    /// The library that it asks.
    pub name: String,
    /// The version of that.
    #[serde(default)]
    pub version: String,
    /// The algorithms that it verifies; none where it does not say.
    pub algs: Option<Vec<String>>,
    /// What it can do: `jkt` (it says whose key it was), `nonce`, `replay`, `clock` (it takes the time from the question), `token` (it
    /// wants the access token).
    #[serde(default)]
    pub features: Vec<String>,
}

impl About {
    /// Whether it says that it can do this.
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|other| other == feature)
    }
}

/// One proof to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The value of the only `DPoP` field.
    pub proof: String,
    /// The method of the request.
    pub htm: String,
    /// The URL of the request, with its query.
    pub htu: String,
    /// The access token beside the proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The thumbprint that the token is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The nonce that the proof has to carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The time, in seconds since 1970-01-01T00:00:00Z.
    pub now: i64,
    /// Whether earlier questions are remembered: `keep`, or `fresh` to forget them first.
    pub state: &'static str,
}

/// What a shim makes of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The proof is good.
    Accept {
        /// The thumbprint of the key that made it, where the library says it.
        jkt: Option<String>,
    },
    /// It is not.
    Reject {
        /// The error code of OAuth, where the library has one.
        code: Option<String>,
        /// The reason in its words.
        why: String,
    },
    /// The library does not do what the question needs, so the answer shows nothing.
    Unsupported(String),
    /// The library failed in a way that its documentation does not have.
    Crash(String),
    /// The shim ended, with this status, before it answered.
    Died(String),
    /// The shim did not answer in time.
    Hung,
}

impl Reply {
    /// Whether it is a fault whatever was asked.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Crash(_) | Self::Died(_) | Self::Hung => true,
            Self::Accept { .. } | Self::Reject { .. } | Self::Unsupported(_) => false,
        }
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Accept { jkt: None } => out.write_str("accept"),
            Self::Accept { jkt: Some(jkt) } => write!(out, "accept, made with {jkt}"),
            Self::Reject { code: None, why } => write!(out, "reject: {why}"),
            Self::Reject { code: Some(code), why } => write!(out, "reject ({code}): {why}"),
            Self::Unsupported(why) => write!(out, "unsupported: {why}"),
            Self::Crash(why) => write!(out, "crash: {why}"),
            Self::Died(why) => write!(out, "the shim died: {why}"),
            Self::Hung => out.write_str("no answer in time"),
        }
    }
}

/// A line of a shim, as serde sees it.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) id: u64,
    result: String,
    jkt: Option<String>,
    code: Option<String>,
    #[serde(default)]
    why: String,
}

impl Line {
    /// What it says; none where it is no result that the protocol has.
    pub(super) fn reply(self) -> Option<Reply> {
        Some(match self.result.as_str() {
            "accept" => Reply::Accept { jkt: self.jkt },
            "reject" => Reply::Reject { code: self.code, why: self.why },
            "unsupported" => Reply::Unsupported(self.why),
            "crash" => Reply::Crash(self.why),
            _ => return None,
        })
    }
}
