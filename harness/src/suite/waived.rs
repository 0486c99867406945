use std::fmt;

use super::outcome::{Outcome, Results};
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

impl Outcome {
    /// Marks the finding as waived if it is on the day `today`; a fault where its waiver is no longer good. The verdict stays.
    pub fn accept(&mut self, waivers: &[Waiver], today: Day) -> Option<WaiverFault> {
        let waiver = waivers.iter().find(|waiver| waiver.case == self.id)?;
        match self.verdict {
            Verdict::Warn | Verdict::Fail if today <= waiver.expires => {
                self.waived = Some(waiver.clone());
                None
            }
            Verdict::Warn | Verdict::Fail => Some(WaiverFault::Expired(waiver.clone())),
            Verdict::Pass | Verdict::Note => Some(WaiverFault::Stale(waiver.clone())),
            Verdict::Skip | Verdict::Inconclusive => None, // shows nothing either way
        }
    }
}

impl Results {
    /// Marks findings that are waived on the day `today`, and notes waivers that are no longer good.
    pub fn apply(&mut self, waivers: &[Waiver], today: Day) {
        let faults = self.outcomes.iter_mut().filter_map(|outcome| outcome.accept(waivers, today));
        self.waiver_faults.extend(faults);
    }
}
