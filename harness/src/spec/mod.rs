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

/// A set of rules that is laid over RFC 9449.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The RFC and nothing more: what it leaves to policy is reported as `warn`.
    #[default]
    Rfc9449,
    /// Every policy is a MUST.
    Strict,
}

impl Profile {
    /// Every profile.
    pub const ALL: &[Self] = &[Self::Rfc9449, Self::Strict];

    /// The word on the command line, in the config and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc9449 => "rfc9449",
            Self::Strict => "strict",
        }
    }

    /// The level that a case of `level` has under this profile. Never [`Level::Policy`].
    pub fn level(self, level: Level) -> Level {
        match (self, level) {
            (Self::Rfc9449, Level::Policy) => Level::Should,
            (Self::Strict, Level::Policy) => Level::Must,
            (_, Level::Must | Level::Should | Level::May) => level,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_policy_depends_on_the_profile() {
        assert_eq!(Profile::Rfc9449.level(Level::Policy), Level::Should);
        assert_eq!(Profile::Strict.level(Level::Policy), Level::Must);
        for profile in Profile::ALL {
            for level in [Level::Must, Level::Should, Level::May] {
                assert_eq!(profile.level(level), level);
            }
        }
    }
}
