//! `cargo xtask bench throughput`: inputs a second of processor time, against an empty target and against raw bytes; and how much of the
//! verifier edits reach, against raw bytes.

use std::ffi::OsStr;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::engine::Engine;

/// How long coverage is looked for.
pub(super) const SECONDS: u64 = 60;
/// How long one run lasts in which inputs are counted.
const TURN: Duration = Duration::from_secs(5);
/// How many turns each target has, one target after the other.
const TURNS: u64 = 5;

const TARGETS: &[&str] = &["nothing", "jws_reader", "proofs", "signed_proofs"];

pub(super) fn run(engine: &Engine, seconds: u64) -> Result<()> {
    for target in TARGETS.iter().chain(&["verifier_edits", "verifier_fields"]) {
        engine.build(target)?;
    }
    let mut rates = vec![Vec::new(); TARGETS.len()];
    for turn in 1..=TURNS {
        for (target, rates) in TARGETS.iter().zip(&mut rates) {
            let before = processor_seconds()?;
            let inputs = engine.start(target, turn, TURN, &[])?.end()?.inputs()?;
            rates.push(inputs as f64 / (processor_seconds()? - before));
        }
    }
    println!(
        "inputs a second of processor time, and the ratio to those of nothing and of jws_reader in the same turn; medians of {TURNS}:"
    );
    for (target, own) in TARGETS.iter().zip(&rates) {
        let to =
            |other: usize| median(own.iter().zip(&rates[other]).map(|(own, other)| own / other).collect());
        println!("{target:<16} {:>12.0}   {:>8.5}   {:>8.5}", median(own.clone()), to(0), to(1));
    }
    reached(engine, seconds)
}

/// Both from an empty corpus; what they kept is counted by the same target.
fn reached(engine: &Engine, seconds: u64) -> Result<()> {
    let none = ("DPOP_SHOWN", OsStr::new(""));
    let budget = Duration::from_secs(seconds);
    let fields = engine.start("verifier_fields", 1, budget, &[])?.end()?;
    let by_bytes = engine.replay("verifier_fields", &fields.corpus, none)?.coverage()?;
    let edits = engine.start("verifier_edits", 1, budget, &[])?.end()?;
    let shown = edits.corpus.with_file_name("shown");
    fs::create_dir_all(&shown)?;
    engine.replay("verifier_edits", &edits.corpus, ("DPOP_SHOWN", shown.as_os_str()))?;
    let by_edits = engine.replay("verifier_fields", &shown, none)?.coverage()?;
    println!("reached of the verifier after {seconds} s: {by_edits} edges by edits, {by_bytes} by bytes");
    Ok(())
}

/// The time that processes begun here have used, of those that have ended.
fn processor_seconds() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit_once(')').context("a name")?.1;
    let ticks: Vec<u64> =
        fields.split_whitespace().skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    Ok(ticks.iter().sum::<u64>() as f64 / 100.0)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
