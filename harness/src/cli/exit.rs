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
