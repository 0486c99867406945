use std::path::PathBuf;

use clap::Args;

use super::reports::Reports;
use super::{Context, Exit, Failure};
use crate::report::Document;

/// What to report, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The results of a run: what `dpop run --report json=PATH` wrote.
    #[arg(long, value_name = "FILE", env = "DPOP_FROM")]
    from: PathBuf,
    #[command(flatten)]
    reports: Reports,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    if arguments.reports.is_empty() {
        return Err(Failure::Usage("say what to make: --report FORMAT=PATH".to_owned()));
    }
    arguments.reports.check()?;
    let document = Document::open(&arguments.from).map_err(|error| Failure::Usage(error.to_string()))?;
    arguments.reports.make(&document, context)?;
    Ok(Exit::Conforms)
}
