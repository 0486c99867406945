use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::reports::Reports;
use super::run::Deny;
use super::{Context, Exit, Failure};
use crate::plan::all;
use crate::report::Document;

/// What to put together.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The results of all jobs: what `dpop run --partition … --report json=PATH` wrote in each.
    #[arg(value_name = "RESULTS", required = true)]
    results: Vec<PathBuf>,
    #[command(flatten)]
    reports: Reports,
    /// What else fails the run: `warn`.
    #[arg(long, value_name = "VERDICT", env = "DPOP_DENY")]
    deny: Option<Deny>,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    arguments.reports.check()?;
    let usage = |error: &dyn std::error::Error| Failure::Usage(error.to_string());
    let mut parts = Vec::new();
    for path in &arguments.results {
        parts.push(Document::open(path).map_err(|error| usage(&error))?);
    }
    let scenarios = context.scenarios()?;
    let order: Vec<&str> = all(&scenarios).iter().map(|selected| selected.case.id.as_str()).collect();
    let merged = Document::merged(parts, &order).map_err(|error| usage(&error))?;
    arguments.reports.make(&merged, context)?;
    if !arguments.reports.to_stdout() {
        writeln!(context.out, "{}", merged.told())?;
    }
    Ok(if merged.is_nonconformity(arguments.deny == Some(Deny::Warn)) {
        Exit::Nonconformity
    } else if merged.is_unclear() {
        Exit::Environment
    } else {
        Exit::Conforms
    })
}
