//! Reviewed outcomes: what a run leaves for review, what counts as drift, and that insta reads the files.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::support::{Ended, Staging, dpop, ended, run, text};
use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::plan::all_of;
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::scenario::load_embedded;
use dpop_harness::snapshot::Snapshot;
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Results, against_reference, run as run_suite};
use dpop_harness::target::Limits;

/// A target whose outcomes are reviewed.
struct Target(Staging);

impl Target {
    fn new() -> Self {
        Self(Staging::new())
    }

    /// A target whose clean outcomes were reviewed.
    fn reviewed() -> Self {
        let target = Self::new();
        target.run(&[], &[]).with(0);
        target.review(&["--accept"]).with(0);
        target
    }

    fn config(&self) -> PathBuf {
        self.0.config()
    }

    fn snap(&self) -> PathBuf {
        Snapshot::path(self.0.folder.path(), "staging")
    }

    fn pending(&self) -> PathBuf {
        Snapshot::pending_path(&self.snap())
    }

    /// A run against a freshly started server: every run has an issuer key of its own, and a server that has just
    /// fetched the one of the run before does not look for another at once.
    #[track_caller]
    fn run(&self, serve: &[&str], arguments: &[&str]) -> Ended {
        self.run_with(serve, arguments, &[])
    }

    #[track_caller]
    fn run_with(&self, serve: &[&str], arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let _serving = self.0.serve(serve);
        let config = self.config();
        let mut command = dpop(["run", "--config", text(&config)].iter().chain(arguments));
        ended(command.envs(variables.iter().copied()))
    }

    #[track_caller]
    fn review(&self, arguments: &[&str]) -> Ended {
        run(["review", "--config", text(&self.config())].iter().chain(arguments))
    }

    /// The names of the files beside the config.
    fn snapshot_files(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.0.folder.path().join("snapshots")) else { return Vec::new() };
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<_> = entries.map(|entry| name(entry.expect("an entry"))).collect();
        names.sort();
        names
    }
}

#[track_caller]
fn contents(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn from_the_first_run_to_the_reviewed_one() {
    let target = Target::new();
    assert!(target.review(&[]).with(0).stdout.starts_with("nothing to review"));

    // Everything is new: that is no drift, and the exit code is as judged.
    let first = target.run(&[], &[]).with(0);
    assert!(first.stdout.contains(" cases are new to the snapshot; see `dpop review`"), "{}", first.stdout);
    assert_eq!(target.snapshot_files(), ["staging.snap.new"]);
    let pending = contents(&target.pending());
    assert!(pending.starts_with("---\n") && pending.contains("\nrs.ath.missing: reject\n"), "{pending}");

    let shown = target.review(&[]).with(1).stdout;
    for (id, class) in
        pending.lines().filter_map(|line| line.split_once(": ")).filter(|(id, _)| id.starts_with("rs."))
    {
        assert!(shown.contains(&format!("+ is   {id}: {class}\n")), "{id} is not in {shown}");
    }
    assert!(!shown.contains("- was"), "{shown}");
    assert!(shown.contains("dpop review --accept"), "{shown}");
    assert_eq!(target.snapshot_files(), ["staging.snap.new"], "looking changes nothing");

    target.review(&["--accept"]).with(0);
    assert_eq!(target.snapshot_files(), ["staging.snap"]);
    assert_eq!(contents(&target.snap()), pending);
    assert!(target.review(&[]).with(0).stdout.starts_with("nothing to review"));

    let second = target.run(&[], &[]).with(0);
    for word in ["changed", "gone", "new to the snapshot"] {
        assert!(!second.stdout.contains(word), "{word}: {}", second.stdout);
    }
    assert_eq!(target.snapshot_files(), ["staging.snap"], "nothing is left to review");
    assert_eq!(contents(&target.snap()), pending);
}

#[test]
fn a_bug_is_drift_until_it_is_accepted_and_a_fault_even_then() {
    let target = Target::reviewed();
    let reviewed = contents(&target.snap());
    let worse = target.run(&["--defect", "ath-not-checked"], &[]).with(1);
    assert!(worse.stdout.contains("changed rs.ath.missing: was reject, is accept\n"), "{}", worse.stdout);
    assert_eq!(target.snapshot_files(), ["staging.snap", "staging.snap.new"]);
    assert_eq!(contents(&target.snap()), reviewed, "a run never writes what was reviewed");
    assert!(contents(&target.pending()).contains("\nrs.ath.missing: accept\n"));
    let shown = target.review(&[]).with(1).stdout;
    assert!(shown.contains("- was  rs.ath.missing: reject\n"), "{shown}");
    assert!(shown.contains("+ is   rs.ath.missing: accept\n"), "{shown}");
    assert!(!shown.contains("rs.jti.missing"), "only what differs: {shown}");

    // A run without drift takes the pending file away.
    target.run(&[], &[]).with(0);
    assert_eq!(target.snapshot_files(), ["staging.snap"]);

    // Accepting is about drift alone: the verdict stays, and being repaired is drift as well.
    target.run(&["--defect", "ath-not-checked"], &[]).with(1);
    target.review(&["--accept"]).with(0);
    let again = target.run(&["--defect", "ath-not-checked"], &[]).with(1);
    assert!(!again.stdout.contains("changed "), "{}", again.stdout);
    assert!(again.stdout.contains("FAIL rs.ath.missing"), "{}", again.stdout);
    let repaired = target.run(&[], &[]).with(1);
    assert!(
        repaired.stdout.contains("changed rs.ath.missing: was accept, is reject\n"),
        "{}",
        repaired.stdout
    );
}

#[test]
fn under_ci_nothing_is_written() {
    let ci = [("CI", "true")];
    let fresh = Target::new();
    fresh.run_with(&[], &[], &ci).with(0);
    assert_eq!(fresh.snapshot_files(), [""; 0]);

    let target = Target::reviewed();
    let reviewed = contents(&target.snap());
    let worse = target.run_with(&["--defect", "ath-not-checked"], &[], &ci).with(1);
    assert!(worse.stdout.contains("changed rs.ath.missing: was reject, is accept\n"), "{}", worse.stdout);
    assert_eq!(target.snapshot_files(), ["staging.snap"]);

    target.run(&["--defect", "ath-not-checked"], &[]).with(1);
    let review = |value: &str| {
        let config = target.config();
        ended(dpop(["review", "--accept", "--config", text(&config)]).env("CI", value))
    };
    for value in ["true", "1", "yes"] {
        let refused = review(value).with(2);
        assert!(refused.stderr.contains("not written under CI"), "{}", refused.stderr);
    }
    assert_eq!(target.snapshot_files(), ["staging.snap", "staging.snap.new"]);
    assert_eq!(contents(&target.snap()), reviewed);
    review("false").with(0);
    assert_eq!(target.snapshot_files(), ["staging.snap"]);
}

#[test]
fn a_selection_leaves_the_rest_as_it_was() {
    let target = Target::reviewed();
    let reviewed = contents(&target.snap());
    let part = target.run(&[], &["rs.ath"]).with(0);
    assert!(!part.stdout.contains("gone"), "{}", part.stdout);
    assert_eq!(target.snapshot_files(), ["staging.snap"]);

    target.run(&["--defect", "ath-not-checked"], &["rs.ath.missing"]).with(1);
    target.review(&["--accept"]).with(0);
    let expected = reviewed.replace("\nrs.ath.missing: reject\n", "\nrs.ath.missing: accept\n");
    assert_ne!(expected, reviewed);
    assert_eq!(contents(&target.snap()), expected, "only what was selected has changed");
}

#[test]
fn what_the_suite_has_no_more_is_gone_and_what_it_has_now_is_new() {
    let target = Target::reviewed();
    let reviewed = contents(&target.snap());
    let other = reviewed.replace("\nrs.ath.missing: reject\n", "\nrs.ath.mislaid: reject\n");
    fs::write(target.snap(), other).expect("written");
    let whole = target.run(&[], &[]).with(1);
    assert!(
        whole.stdout.contains("gone rs.ath.mislaid: in the snapshot, not in the suite"),
        "{}",
        whole.stdout
    );
    let shown = target.review(&[]).with(1).stdout;
    assert!(shown.contains("- was  rs.ath.mislaid: reject\n+ is   rs.ath.missing: reject\n"), "{shown}");
    target.review(&["--accept"]).with(0);
    assert_eq!(contents(&target.snap()), reviewed);
}

/// What a run could not see says nothing about what was reviewed.
#[test]
fn an_unreachable_target_is_no_drift() {
    let target = Target::reviewed();
    let reviewed = contents(&target.snap());
    let ended = run(["run", "--config", text(&target.config())]).with(3);
    assert!(!ended.stdout.contains("changed") && !ended.stdout.contains("gone"), "{}", ended.stdout);
    assert_eq!(contents(&target.snap()), reviewed);
    assert_eq!(target.snapshot_files(), ["staging.snap"], "there is nothing to accept");
}

#[test]
fn a_malformed_snapshot_has_file_and_line() {
    let target = Target::reviewed();
    let reviewed = contents(&target.snap());
    let conflict = reviewed.replacen("\nrs.", "\n<<<<<<< HEAD\nrs.", 1);
    let line = conflict.lines().position(|line| line.starts_with("<<<")).expect("a line") + 1;
    for (broken, line) in [(conflict.as_str(), line), ("", 1), ("rs.ath.missing: reject\n", 1)] {
        fs::write(target.snap(), broken).expect("written");
        let Ended { stderr, .. } = target.run(&[], &["rs.ath.missing"]).with(3);
        assert!(stderr.contains(&format!("{}:{line}: not a line", target.snap().display())), "{stderr}");
        assert_eq!(target.snapshot_files(), ["staging.snap"]);
    }
    fs::write(target.pending(), "---\n---\nnonsense\n").expect("written");
    let Ended { stderr, .. } = target.review(&["--accept"]).with(3);
    assert!(stderr.contains("staging.snap.new:3: not a line"), "{stderr}");
}

#[test]
fn insta_reads_what_we_write() {
    let target = Target::reviewed();
    let snapshot = Snapshot::open(&target.snap()).expect("valid").expect("there");
    let asserted = |contents: String| {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(target.0.folder.path().join("snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings
            .bind(|| catch_unwind(AssertUnwindSafe(|| insta::assert_snapshot!("staging", contents))).is_ok())
    };
    assert!(asserted(snapshot.contents()));
    assert_eq!(target.snapshot_files(), ["staging.snap"], "and finds nothing to review");
    let other = snapshot.contents().replace("rs.ath.missing: reject", "rs.ath.missing: accept");
    assert_ne!(other, snapshot.contents());
    assert!(!asserted(other.clone()));

    // What insta leaves for review is what we read: with INSTA_UPDATE unset it leaves something, outside CI.
    if let Some(pending) = Snapshot::open(&target.pending()).expect("valid") {
        assert_eq!(pending.contents(), other);
        target.review(&["--accept"]).with(0);
        assert!(contents(&target.snap()).contains("\nrs.ath.missing: accept\n"));
    }
}

/// Some cases against a reference server: passes, skips, what is judged together, and findings where there are defects.
async fn results(defects: DefectSet) -> Results {
    let scenarios = load_embedded().expect("valid");
    let (clock, entropy, limits) = (Arc::new(SystemClock), Arc::new(SystemEntropy), Limits::default());
    let (_running, setup) =
        against_reference(NonceMode::Never, defects, Profile::Rfc9449, &limits, clock, entropy)
            .await
            .expect("servers on loopback");
    let mut selected = all_of(&scenarios, Profile::Rfc9449);
    let some = ["rs.preflight", "rs.ath", "rs.answer", "rs.nonce"];
    selected.retain(|selected| some.contains(&selected.scenario.id.as_str()));
    run_suite(&setup, &scenarios, &selected, &mut |_| {}).await
}

/// Cases end in any order, and the parts of a run on several machines come in any order: what is reviewed, what waits for
/// review and what drifted are the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_outcomes_means_nothing() {
    let clean = results(DefectSet::default()).await;
    let other = results([Defect::AthNotChecked].into_iter().collect()).await;
    let (was, is) = (Snapshot::of(&clean), Snapshot::of(&other));
    let drift = was.compare(&other, true);
    assert!(drift.is_drift() && is.contents().contains(": skip"), "{drift:?}");
    let places: Vec<usize> = (0..other.outcomes.len()).collect();
    let orders = (Just(places.clone()).prop_shuffle(), 0..=places.len());
    let mut runner = TestRunner::new(Config::with_cases(64));
    let checked = runner.run(&orders, |(order, cut)| {
        let part = |places: &[usize]| Results {
            outcomes: places.iter().map(|place| other.outcomes[*place].clone()).collect(),
            ..other.clone()
        };
        let shuffled = part(&order);
        prop_assert_eq!(Snapshot::of(&shuffled).render("x"), is.render("x"));
        prop_assert_eq!(was.compare(&shuffled, true), drift.clone());
        prop_assert_eq!(was.updated(&shuffled, true), was.updated(&other, true));
        let (one, two) = order.split_at(cut);
        let both =
            |first: &[usize], then: &[usize]| was.updated(&part(first), false).updated(&part(then), false);
        prop_assert_eq!(both(one, two), was.updated(&other, false));
        prop_assert_eq!(both(two, one), was.updated(&other, false));
        Ok::<(), TestCaseError>(())
    });
    checked.expect("the same in any order");
}
