use std::num::NonZeroUsize;
use std::path::Path;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::{Failure, last};
use crate::plan::Selected;
use crate::snapshot::Snapshot;
use crate::target::Config;

/// What of the last run is performed again, how often, and when that is enough.
#[derive(Debug, Args)]
pub(super) struct Rounds {
    /// Only cases that did not conform when they were performed last against this target.
    #[arg(long, env = "DPOP_FAILED", value_parser = BoolishValueParser::new())]
    failed: bool,
    /// Only cases that came out in another way than reviewed when they were performed last, or were never reviewed.
    #[arg(long, env = "DPOP_CHANGED", value_parser = BoolishValueParser::new())]
    changed: bool,
    /// End the run after so many failures.
    #[arg(long, value_name = "N", env = "DPOP_MAX_FAIL")]
    pub(super) max_fail: Option<NonZeroUsize>,
    /// Perform everything so many times. What is reported is the first of the runs that came out worst.
    #[arg(long, value_name = "N", env = "DPOP_REPEAT")]
    repeat: Option<NonZeroUsize>,
    /// Perform everything again and again until a run does not conform; with --repeat, at most so many times.
    #[arg(long, env = "DPOP_UNTIL_FAIL", value_parser = BoolishValueParser::new())]
    pub(super) until_fail: bool,
}

impl Rounds {
    /// Whether every case is meant.
    pub(super) fn is_empty(&self) -> bool {
        !self.failed && !self.changed
    }

    /// Whether there is more than one run.
    pub(super) fn is_repeated(&self) -> bool {
        self.until_fail || self.repeat.is_some()
    }

    /// Whether run number `round`, counted from 1, is the last.
    pub(super) fn is_last(&self, round: usize) -> bool {
        self.repeat.map_or(!self.until_fail, |repeat| round >= repeat.get())
    }

    /// Those of `selected` that are meant.
    pub(super) fn narrow<'a>(
        &self,
        selected: Vec<Selected<'a>>,
        config: Option<&Config>,
    ) -> Result<Vec<Selected<'a>>, Failure> {
        if self.is_empty() {
            return Ok(selected);
        }
        let Some(config) = config else {
            return Err(Failure::Usage(
                "--failed and --changed go by the last run against a target: name its dpop.yaml".into(),
            ));
        };
        let mut left = selected;
        if self.failed {
            let failed = last::failed(&config.folder, &config.name);
            left.retain(|selected| failed.contains(&selected.case.id));
        }
        if self.changed {
            let changed = changed(&config.folder, &config.name)?;
            left.retain(|selected| changed.contains(&selected.case.id));
        }
        if left.is_empty() {
            return Err(Failure::Nothing(
                "no case is left by --failed and --changed: nothing is amiss since the last run".into(),
            ));
        }
        Ok(left)
    }
}

/// The cases whose last outcome waits for review.
fn changed(folder: &Path, target: &str) -> Result<Vec<String>, Failure> {
    let read = |path: &Path| Snapshot::open(path).map_err(|error| Failure::Environment(error.to_string()));
    let path = Snapshot::path(folder, target);
    let Some(pending) = read(&Snapshot::pending_path(&path))? else { return Ok(Vec::new()) };
    let known = read(&path)?.unwrap_or_default();
    Ok(known.differing(&pending).map(str::to_owned).collect())
}
