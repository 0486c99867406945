use std::process::ExitCode;

use crate::judge::Verdict;
use crate::snapshot::Drift;
use crate::suite::Results;

/// The exit codes: a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every selected case conforms or is waived, and nothing drifted from the snapshot.
    Conforms,
    /// Nonconformity, drift, or a waiver that is no longer good.
    Nonconformity,
    /// A bad command line, config or scenario.
    Usage,
    /// Unreachable, no token, control failed, inconclusive, or output that can't be written.
    Environment,
    /// Nothing was selected.
    NothingSelected,
    /// Ended by Ctrl-C; what was done until then is reported.
    Interrupted,
}

impl Exit {
    /// What a finished run amounts to; `deny_warnings` makes a `warn` count like a `fail`.
    pub fn of(results: &Results, drift: Option<&Drift>, deny_warnings: bool) -> Self {
        let denied = |verdict| verdict == Verdict::Fail || (deny_warnings && verdict == Verdict::Warn);
        let failed =
            results.outcomes.iter().any(|outcome| denied(outcome.verdict) && outcome.waived.is_none());
        if failed || !results.waiver_faults.is_empty() || drift.is_some_and(Drift::is_drift) {
            Self::Nonconformity
        } else if results.counts().number(Verdict::Inconclusive) > 0 {
            Self::Environment
        } else {
            Self::Conforms
        }
    }

    /// Whether it counts before `other` where both hold.
    pub fn is_before(self, other: Self) -> bool {
        let rank = |exit| match exit {
            Self::Interrupted => 5,
            Self::Usage => 4,
            Self::NothingSelected => 3,
            Self::Nonconformity => 2,
            Self::Environment => 1,
            Self::Conforms => 0,
        };
        rank(self) > rank(other)
    }

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Conforms => 0,
            Self::Nonconformity => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::NothingSelected => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
