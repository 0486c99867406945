//! Outcome classes as they were reviewed last, in the `.snap` format of insta: one file a target.
//!
//! A snapshot says what a target *did*, case by case, and not what that means: the verdict is one axis, drift the other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::judge::Verdict;
use crate::run::Decision;
use crate::suite::{Outcome, Results, Subject};

/// What a target did, by case id: `accept`, `reject`, `challenge`, `fault`, `no-answer`, `skip`, `complies`, `deviates`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    classes: BTreeMap<String, String>,
}

/// A snapshot file can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It can't be read or written.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// It is not in insta's format, or a line of it is not `case: class`.
    #[error("{0}:{1}: not a line `case: class` of a snapshot")]
    Malformed(PathBuf, usize),
}

/// How outcomes differ from the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drift {
    /// Cases whose class is another: id, was, is.
    pub changed: Vec<(String, String, String)>,
    /// Cases that the snapshot does not have.
    pub new: Vec<String>,
    /// Cases that the snapshot has and the run did not, although it ran everything.
    pub gone: Vec<String>,
}

impl Drift {
    /// Whether a reviewed outcome is another now. New cases are not drift.
    pub fn is_drift(&self) -> bool {
        !self.changed.is_empty() || !self.gone.is_empty()
    }

    /// Whether there is nothing to review.
    pub fn is_empty(&self) -> bool {
        !self.is_drift() && self.new.is_empty()
    }
}

/// The class of an outcome; none where it shows nothing.
fn class(outcome: &Outcome) -> Option<&'static str> {
    let judged_together = outcome.subject != Subject::Requests;
    match outcome.verdict {
        _ if outcome.withheld => None,
        Verdict::Inconclusive => None,
        Verdict::Skip => Some("skip"),
        Verdict::Pass if judged_together => Some("complies"),
        Verdict::Note | Verdict::Warn | Verdict::Fail if judged_together => Some("deviates"),
        // Whether a refusal is worded as a challenge may depend on the age of a nonce.
        Verdict::Pass | Verdict::Note | Verdict::Warn | Verdict::Fail => {
            outcome.decision().map(|decision| match decision {
                Decision::Challenge => Decision::Reject.name(),
                other => other.name(),
            })
        }
    }
}

impl Snapshot {
    /// The classes of a run.
    pub fn of(results: &Results) -> Self {
        let classes = results
            .outcomes
            .iter()
            .filter_map(|outcome| Some((outcome.id.clone(), class(outcome)?.to_owned())));
        Self { classes: classes.collect() }
    }

    /// The file for `target` in the folder of its config.
    pub fn path(folder: &Path, target: &str) -> PathBuf {
        folder.join("snapshots").join(format!("{target}.snap"))
    }

    /// Where an outcome that waits for review is kept, as insta has it.
    pub fn pending_path(path: &Path) -> PathBuf {
        path.with_extension("snap.new")
    }

    /// Reads a snapshot; none where there is no file.
    ///
    /// # Errors
    /// [`SnapshotError`] for a file that can't be read or is not a snapshot.
    pub fn open(path: &Path) -> Result<Option<Self>, SnapshotError> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                Self::parse(&text).map(Some).map_err(|line| SnapshotError::Malformed(path.to_owned(), line))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SnapshotError::Io(path.to_owned(), error)),
        }
    }

    /// Writes the snapshot, whole or not at all.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn write(&self, path: &Path, target: &str) -> Result<(), SnapshotError> {
        let failed = |error| SnapshotError::Io(path.to_owned(), error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let draft = path.with_extension(format!("{}.tmp", std::process::id()));
        std::fs::write(&draft, self.render(target)).map_err(failed)?;
        std::fs::rename(&draft, path).map_err(failed)
    }

    /// The file's text: a head that insta reads, and one line a case.
    pub fn render(&self, target: &str) -> String {
        let mut text = format!("---\nsource: dpop run\nexpression: outcomes of {target}\n---\n");
        for (id, class) in &self.classes {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{id}: {class}");
        }
        text
    }

    /// The lines without the head: what insta compares.
    pub fn contents(&self) -> String {
        self.classes.iter().map(|(id, class)| format!("{id}: {class}\n")).collect()
    }

    /// Reads the file's text; the number of the offending line where it is not a snapshot.
    fn parse(text: &str) -> Result<Self, usize> {
        let mut lines = text.lines().enumerate();
        if lines.next().map(|(_, line)| line) != Some("---") || !lines.any(|(_, line)| line == "---") {
            return Err(1);
        }
        let mut classes = BTreeMap::new();
        for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let (id, class) = line.split_once(": ").ok_or(index + 1)?;
            classes.insert(id.to_owned(), class.trim().to_owned());
        }
        Ok(Self { classes })
    }

    /// How `now` differs from this; `whole` where every case was selected. What was inconclusive is not gone.
    pub fn compare(&self, results: &Results, whole: bool) -> Drift {
        let now = Self::of(results);
        let mut drift = Drift::default();
        for (id, is) in &now.classes {
            match self.classes.get(id) {
                None => drift.new.push(id.clone()),
                Some(was) if was != is => drift.changed.push((id.clone(), was.clone(), is.clone())),
                Some(_) => {}
            }
        }
        if whole {
            let known = |id: &String| results.outcomes.iter().any(|outcome| outcome.id == *id);
            drift.gone = self.classes.keys().filter(|id| !known(id)).cloned().collect();
        }
        drift
    }

    /// The class of a case, if it has one.
    pub fn class(&self, id: &str) -> Option<&str> {
        self.classes.get(id).map(String::as_str)
    }

    /// The cases that `other` has with another class, or that one of the two does not have.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        let ids: std::collections::BTreeSet<&String> =
            self.classes.keys().chain(other.classes.keys()).collect();
        ids.into_iter().filter(|id| self.classes.get(*id) != other.classes.get(*id)).map(String::as_str)
    }

    /// This snapshot with the classes of a run in the place of its own; what the run did not show stays, unless the run
    /// was whole and does not have it any more.
    #[must_use]
    pub fn updated(&self, results: &Results, whole: bool) -> Self {
        let mut classes = self.classes.clone();
        for id in self.compare(results, whole).gone {
            classes.remove(&id);
        }
        classes.extend(Self::of(results).classes);
        Self { classes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_survives_its_file() {
        let classes =
            [("rs.a.b", "reject"), ("rs.a.c", "skip")].map(|(id, class)| (id.to_owned(), class.to_owned()));
        let snapshot = Snapshot { classes: classes.into() };
        assert_eq!(Snapshot::parse(&snapshot.render("x")), Ok(snapshot));
    }

    proptest::proptest! {
        /// What is in a file is what counts, and not where: merged files read the same, and are written as before.
        #[test]
        fn the_order_of_lines_means_nothing(
            rows in proptest::collection::btree_map("rs\\.[a-z]{1,4}\\.[a-z0-9-]{1,6}", "(reject|accept|skip)", 1..12),
            seed: u64,
        ) {
            let snapshot = Snapshot { classes: rows };
            let mut lines: Vec<String> = snapshot.contents().lines().map(str::to_owned).collect();
            lines.sort_by_cached_key(|line| {
                line.bytes().fold(seed, |hash, byte| hash.rotate_left(7).wrapping_mul(31) ^ u64::from(byte))
            });
            let text = format!("---\nsource: dpop run\n---\n{}\n", lines.join("\n"));
            let read = Snapshot::parse(&text);
            proptest::prop_assert_eq!(read.as_ref().map(|read| read.render("x")), Ok(snapshot.render("x")));
            proptest::prop_assert_eq!(read, Ok(snapshot));
        }
    }

    #[test]
    fn what_is_no_snapshot_is_refused_with_its_line() {
        assert_eq!(Snapshot::parse(""), Err(1));
        assert_eq!(Snapshot::parse("rs.a: reject\n"), Err(1));
        assert_eq!(Snapshot::parse("---\nsource: x\n---\nrs.a: reject\nnonsense\n"), Err(5));
    }
}
