//! `cargo xtask bench`: how soon fuzzing finds planted bugs, and how fast the targets are, each under libFuzzer.

mod engine;
mod hunt;
mod throughput;

use std::path::Path;

use anyhow::{Context as _, Result};

use engine::Engine;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let usage = || crate::Usage("bench fuzz [SECONDS] | throughput [SECONDS]".to_owned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (what, seconds) = match arguments[..] {
        [what] => (what, None),
        [what, seconds] => (what, Some(seconds.parse().map_err(|_| usage())?)),
        _ => return Err(usage().into()),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    match what {
        "fuzz" => hunt::run(&Engine::new(root)?, seconds.unwrap_or(hunt::LONG)),
        "throughput" => throughput::run(&Engine::new(root)?, seconds.unwrap_or(throughput::SECONDS)),
        _ => Err(usage().into()),
    }
}
