use std::fmt;

use super::outcome::Results;
use crate::judge::Verdict;
use crate::target::{Day, Waiver};

/// A waiver that does not do what it was written for. It fails the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaiverFault {
    /// The failure is still there, and the last day is over.
    Expired(Waiver),
    /// The failure is gone.
    Stale(Waiver),
}

impl fmt::Display for WaiverFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(waiver) => write!(out, "{}: the waiver expired on {}", waiver.case, waiver.expires),
            Self::Stale(waiver) => {
                write!(out, "{}: waived, and there is nothing to waive any more", waiver.case)
            }
        }
    }
}

impl Results {
    /// Marks findings that are waived on the day `today`, and notes waivers that are no longer good. Verdicts stay.
    pub fn apply(&mut self, waivers: &[Waiver], today: Day) {
        for waiver in waivers {
            let Some(outcome) = self.outcomes.iter_mut().find(|outcome| outcome.id == waiver.case) else {
                continue;
            };
            match outcome.verdict {
                Verdict::Warn | Verdict::Fail if today <= waiver.expires => {
                    outcome.waived = Some(waiver.clone())
                }
                Verdict::Warn | Verdict::Fail => {
                    self.waiver_faults.push(WaiverFault::Expired(waiver.clone()))
                }
                Verdict::Pass | Verdict::Note => self.waiver_faults.push(WaiverFault::Stale(waiver.clone())),
                Verdict::Skip | Verdict::Inconclusive => {} // shows nothing either way
            }
        }
    }
}
