//! What the specifications demand: levels, profiles, and the ledger of requirements.

mod fact;
mod ledger;

use serde::{Deserialize, Serialize};

pub use fact::Fact;
pub use ledger::{Gap, Ledger, Read, Requirement, Role};

/// How binding a requirement is (RFC 2119), and so what a violation amounts to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A violation is a `fail`.
    Must,
    /// A violation is a `warn`.
    Should,
    /// A violation is a `note`.
    May,
    /// The profile decides: RFC 9449 leaves it open.
    Policy,
}

impl Level {
    /// The word in YAML and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
            Self::Policy => "policy",
        }
    }
}

/// A set of rules that is laid over RFC 9449. What each demands stands in `scenarios/profiles/`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The RFC and nothing more: what it leaves to policy is reported as `warn`.
    #[default]
    Rfc9449,
    /// The FAPI 2.0 Security Profile of the OpenID Foundation.
    Fapi2,
    /// The DPoP extension of the Model Context Protocol (SEP-1932, a proposal).
    Mcp,
    /// The OAuth profile of the AT Protocol.
    Atproto,
    /// Solid-OIDC.
    Solid,
    /// Every policy is a MUST.
    Strict,
}

impl Profile {
    /// Every profile.
    pub const ALL: &[Self] =
        &[Self::Rfc9449, Self::Fapi2, Self::Mcp, Self::Atproto, Self::Solid, Self::Strict];

    /// The word on the command line, in the config and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc9449 => "rfc9449",
            Self::Fapi2 => "fapi2",
            Self::Mcp => "mcp",
            Self::Atproto => "atproto",
            Self::Solid => "solid",
            Self::Strict => "strict",
        }
    }
}
