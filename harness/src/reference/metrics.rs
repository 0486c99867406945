//! What a server has done, in numbers: the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// How many requests were served, and how many refused by reason. Both are words of this program, never of a sender's.
#[derive(Debug, Default)]
pub(super) struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    accepted: u64,
    /// By reason and `error`.
    refused: BTreeMap<(&'static str, &'static str), u64>,
}

impl Metrics {
    pub(super) fn accepted(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).accepted += 1;
    }

    pub(super) fn refused(&self, reason: &'static str, error: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.refused.entry((reason, error)).or_default() += 1;
    }

    /// The exposition, version 0.0.4.
    pub(super) fn to_text(&self) -> String {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::from(
            "# HELP dpop_accepted_total Requests that were served.\n# TYPE dpop_accepted_total counter\n",
        );
        // Writing to a String does not fail.
        let _ = writeln!(text, "dpop_accepted_total {}", counts.accepted);
        text += "# HELP dpop_refusals_total Requests that were refused, by reason and error code.\n";
        text += "# TYPE dpop_refusals_total counter\n";
        for ((reason, error), number) in &counts.refused {
            let _ = writeln!(text, "dpop_refusals_total{{reason=\"{reason}\",error=\"{error}\"}} {number}");
        }
        text
    }
}
