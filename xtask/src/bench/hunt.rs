//! `cargo xtask bench fuzz`: when the planted bugs are found by edits to a correct proof, and by bytes.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use planted::{Found, PLANTED};

use super::engine::{Engine, Running};

/// The time in which nearly all have to be found.
const SHORT: u64 = 60;
/// The time in which all have to be found.
pub(super) const LONG: u64 = 300;
const SEEDS: u64 = 3;

/// When bugs were found: after so many inputs, and so many seconds.
type Times = BTreeMap<String, (u64, f64)>;

/// What one run came to.
#[derive(Default)]
struct Run {
    /// What the strict verifier refuses was accepted, or was not survived.
    found: Times,
    /// The same where the model says, too, that it must be refused: what can be seen from outside.
    by_model: Times,
}

pub(super) fn run(engine: &Engine, seconds: u64) -> Result<()> {
    for target in ["planted_edits", "planted_fields"] {
        engine.build(target)?;
    }
    let budget = Duration::from_secs(seconds);
    let edits = runs(engine, "planted_edits", budget)?;
    let bytes = runs(engine, "planted_fields", budget)?;
    print(&edits, &bytes);
    verdict(&edits, &bytes)
}

fn runs(engine: &Engine, target: &str, budget: Duration) -> Result<Vec<Run>> {
    let run = |seed| {
        let running = engine.start(target, seed, budget, &[])?;
        let run = watched(running, budget)?;
        eprintln!("{target}, seed {seed}: {} of {}", run.found.len(), PLANTED.len());
        Ok(run)
    };
    (1..=SEEDS).map(run).collect()
}

/// Waits until the time is over, or the short time is over and all are found.
fn watched(mut running: Running, budget: Duration) -> Result<Run> {
    let began = Instant::now();
    let folder = running.folder.clone();
    let read = || -> Result<Run> {
        let mut run = Run::default();
        for line in fs::read_to_string(folder.join("found")).unwrap_or_default().lines() {
            let found: Found = serde_json::from_str(line)?;
            let times = if found.by_model { &mut run.by_model } else { &mut run.found };
            times.insert(found.bug, (found.inputs, found.seconds));
        }
        Ok(run)
    };
    while running.child.try_wait()?.is_none() {
        if began.elapsed().min(budget) >= Duration::from_secs(SHORT) && read()?.found.len() == PLANTED.len() {
            running.child.kill()?;
            running.child.wait()?;
            return read();
        }
        thread::sleep(Duration::from_millis(200));
    }
    running.end()?;
    read()
}

/// A column of the table: its name, the runs, and what counts in them.
type Column<'a> = (&'static str, &'a [Run], fn(&Run) -> &Times);

/// The median of the seeds, where most of them found it.
fn median(runs: &[Run], of: fn(&Run) -> &Times, bug: &str) -> Option<(u64, f64)> {
    let mut found: Vec<_> = runs.iter().filter_map(|run| of(run).get(bug).copied()).collect();
    found.sort_by(|one, other| one.1.total_cmp(&other.1));
    found.get(runs.len() / 2).copied()
}

/// How many are found within so many seconds.
fn within(runs: &[Run], of: fn(&Run) -> &Times, seconds: u64) -> usize {
    let seconds = Duration::from_secs(seconds).as_secs_f64();
    let median = |bug| median(runs, of, bug);
    PLANTED.iter().filter(|row| median(row.name).is_some_and(|(_, time)| time <= seconds)).count()
}

fn print(edits: &[Run], bytes: &[Run]) {
    let columns: [Column<'_>; 3] = [
        ("edits", edits, |run| &run.found),
        ("edits, by the model", edits, |run| &run.by_model),
        ("bytes", bytes, |run| &run.found),
    ];
    let heads: String = columns.iter().map(|(name, ..)| format!(" {name:>23}")).collect();
    println!("{:<64}{heads}", "planted bug");
    for row in PLANTED {
        let cell = |(_, runs, of): &Column<'_>| match median(runs, *of, row.name) {
            Some((inputs, time)) => format!(" {inputs:>12} {time:>8.2} s"),
            None => format!(" {:>12} {:>8}  ", "-", "-"),
        };
        println!("{:<64}{}", row.name, columns.iter().map(cell).collect::<String>());
    }
    println!(
        "inputs and seconds until it is found, the median of {SEEDS} seeds; each run looks for all of them"
    );
    println!(
        "found: accepted although the strict verifier refuses it; by the model: although it is known to be wrong, too"
    );
}

fn verdict(edits: &[Run], bytes: &[Run]) -> Result<()> {
    let found: fn(&Run) -> &Times = |run| &run.found;
    let all = PLANTED.len();
    let (soon, late) = (within(edits, found, SHORT), within(edits, found, LONG));
    let by_bytes = within(bytes, found, LONG);
    let demands = [
        (format!("{all} bugs are planted; 30 are wanted"), all >= 30),
        (format!("edits find {soon} of {all} within {SHORT} s; 90 % are wanted"), soon * 10 >= all * 9),
        (format!("edits find {late} of {all} within {LONG} s; all are wanted"), late == all),
        (format!("bytes find {by_bytes} of {all}; less than a third is wanted"), by_bytes * 3 < all),
    ];
    for (demand, holds) in &demands {
        println!("{} {demand}", if *holds { "ok  " } else { "FAIL" });
    }
    ensure!(demands.iter().all(|(_, holds)| *holds), "not as wanted");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(times: &[f64]) -> Vec<Run> {
        let run = |time: &f64| Run { found: Times::from([("x".to_owned(), (1, *time))]), ..Run::default() };
        times.iter().map(run).chain((times.len()..3).map(|_| Run::default())).collect()
    }

    #[test]
    fn the_median_is_of_all_seeds() {
        let of = |times: &[f64]| median(&found(times), |run| &run.found, "x").map(|(_, time)| time);
        assert_eq!(of(&[9.0, 1.0, 4.0]), Some(4.0));
        assert_eq!(of(&[9.0, 1.0]), Some(9.0), "the third run never found it");
        assert_eq!(of(&[9.0]), None);
    }

    #[test]
    fn what_is_not_found_is_an_error() {
        let all = |seconds| {
            let times: Times = PLANTED.iter().map(|row| (row.name.to_owned(), (1, seconds))).collect();
            [(); 3].map(|()| Run { found: times.clone(), ..Run::default() })
        };
        let none = [(); 3].map(|()| Run::default());
        assert!(verdict(&all(1.0), &none).is_ok());
        assert!(verdict(&all(61.0), &none).is_err());
        assert!(verdict(&none, &none).is_err());
        assert!(verdict(&all(1.0), &all(1.0)).is_err());
    }
}
