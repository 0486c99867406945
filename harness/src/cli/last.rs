//! What the last runs against a target left to do, kept beside the config: the ids of the cases that did not conform, for
//! `--failed`. It is a comfort, not a result.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::issuer_key::{FOLDER, hidden_folder};
use crate::judge::Verdict;
use crate::suite::Results;

/// The ids that are not yet as they should be.
pub(super) fn failed(folder: &Path, target: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file(folder, target)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Notes what this run showed; what it did not perform stays as it was.
pub(super) fn note(folder: &Path, target: &str, results: &Results) -> io::Result<()> {
    let mut failed = failed(folder, target);
    for outcome in &results.outcomes {
        match outcome.verdict {
            Verdict::Skip => {}
            Verdict::Fail | Verdict::Warn if outcome.waived.is_some() => drop(failed.take(&outcome.id)),
            Verdict::Fail | Verdict::Warn | Verdict::Inconclusive => failed.extend([outcome.id.clone()]),
            Verdict::Pass | Verdict::Note => drop(failed.take(&outcome.id)),
        }
    }
    hidden_folder(&folder.join(FOLDER))?;
    let lines: String = failed.iter().map(|id| format!("{id}\n")).collect();
    std::fs::write(file(folder, target), lines)
}

fn file(folder: &Path, target: &str) -> PathBuf {
    folder.join(FOLDER).join(format!("{target}.failed"))
}
