//! What of the last run is performed again, how often, and when a run has shown enough.

use std::fs;

use crate::support::{Ended, Serving, Staging, run, text};

/// A target that `dpop run` is called for.
struct Target(Staging);

impl Target {
    fn new() -> Self {
        Self(Staging::new())
    }

    fn serve(&self, more: &[&str]) -> Serving {
        self.0.serve(more)
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ended {
        run(["run", "--config", text(&self.0.config())].iter().chain(arguments))
    }
}

/// The ids on the lines of a verbose run.
fn ids(ended: &Ended) -> Vec<String> {
    let lines = ended.stdout.lines().filter(|line| line.starts_with("    ") && line.contains(" rs."));
    let words = lines.filter_map(|line| line.split_whitespace().nth(1));
    words.filter(|word| word.starts_with("rs.")).map(str::to_owned).collect()
}

#[test]
fn only_what_failed_or_changed_in_the_last_run() {
    let target = Target::new();
    let faulty = target.serve(&["--defect", "ath-not-checked"]);
    // Nothing is known yet.
    target.run(&["rs.ath", "--failed"]).with(4);
    let first = target.run(&["rs.ath", "rs.htm", "-v"]).with(1);
    let again = target.run(&["--failed", "-v"]).with(1);
    let (all, failed) = (ids(&first), ids(&again));
    assert!(!failed.is_empty() && failed.len() < all.len(), "{failed:?} of {all:?}");
    assert!(failed.contains(&"rs.ath.missing".to_owned()), "{failed:?}");
    // Everything is new to the snapshot.
    let changed = target.run(&["rs.ath", "rs.htm", "--changed", "-v"]).with(1);
    assert_eq!(ids(&changed), all);
    let config = target.0.folder.path().join("dpop.yaml");
    run(["review", "--accept", "--config", text(&config)]).with(0);
    target.run(&["rs.ath", "rs.htm", "--changed"]).with(4);
    let bundle = target.0.folder.path().join(".dpop/bundles/staging/rs.ath.missing.json");
    let still = run(["replay", text(&bundle), "--config", text(&config)]).with(1).stdout;
    assert!(still.contains("FAIL rs.ath.missing") && still.ends_with("1 the same\n"), "{still}");
    run(["report", "--from", text(&bundle), "--report", "md=-"]).with(0);
    drop(faulty);

    // Each failure left something that can be sent again.
    let bundles = target.0.folder.path().join(".dpop/bundles/staging");
    let left = fs::read_dir(&bundles).expect("a folder").count();
    assert_eq!(left, 2 * failed.len());
    let bundle = bundles.join("rs.ath.missing.json");
    let replay = || run(["replay", text(&bundle), "--config", text(&config)]);

    // Repaired: what failed is performed once more, drifts from what was reviewed, and is no failure any more.
    let _clean = target.serve(&[]);
    let now = replay().with(0).stdout;
    assert!(now.contains("fail (accept 200) -> pass (reject 401 invalid_dpop_proof)"), "{now}");
    let repaired = target.run(&["--failed", "-v"]).with(1);
    assert_eq!(ids(&repaired), failed);
    assert!(repaired.stdout.contains("rs.ath.missing: was accept, is reject"), "{}", repaired.stdout);
    target.run(&["--failed"]).with(4);
    assert_eq!(fs::read_dir(&bundles).expect("a folder").count(), 0, "what is repaired leaves nothing");
    let review = run(["review", "--config", text(&config)]).with(1).stdout;
    for said in [
        "rs.ath.missing: no ath in the proof",
        "ath present when a token",
        "- was  rs.ath.missing: accept",
        "+ is   rs.ath.missing: reject",
    ] {
        assert!(review.contains(said), "{said} is not in {review}");
    }
    // Only a target has a last run.
    run(["run", "--failed"]).with(2);
}

#[test]
fn a_run_ends_when_enough_has_failed() {
    let bugs = ["run", "rs.ath", "rs.htu", "rs.htm", "--defect", "ath-not-checked", "--jobs", "1"];
    let all = run(bugs.iter().chain(&["-q"])).with(1).stdout;
    assert!(all.contains(" 13 fail"), "{all}");
    let Ended { stdout, .. } = run(bugs.iter().chain(&["--max-fail", "1"])).with(1);
    assert!(
        stdout.contains("skipped: enough has failed (--max-fail)") && stdout.contains(" 1 fail,"),
        "{stdout}"
    );
}

#[test]
fn runs_are_repeated_until_one_fails() {
    let told = |ended: &Ended| ended.stderr.lines().filter(|line| line.starts_with("dpop: run ")).count();
    let three = run(["run", "rs.ath.missing", "--repeat", "3"]).with(0);
    assert_eq!((told(&three), three.stdout.matches("1 case: 1 pass").count()), (3, 1), "{three:?}");
    let until = ["run", "rs.ath.missing", "--until-fail", "--repeat", "5"];
    let never = run(until).with(0);
    assert_eq!(told(&never), 5, "{never:?}");
    let at_once = run(until.iter().chain(&["--defect", "ath-not-checked"])).with(1);
    assert_eq!(told(&at_once), 1, "{at_once:?}");
}
