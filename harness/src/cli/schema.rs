use std::io::Write as _;

use clap::{Args, ValueEnum};

use super::{Context, Exit, Failure};
use crate::{report, scenario, target, vectors};

/// Which schema to print.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file format.
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A scenario document.
    Scenario,
    /// The rules of a profile.
    Profile,
    /// dpop.yaml.
    Config,
    /// What `--report json` writes.
    Results,
    /// What `dpop measure` writes for programs.
    Facts,
    /// What `dpop vectors export` writes.
    Vectors,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let schema = match arguments.what {
        What::Scenario => scenario::schema(),
        What::Profile => scenario::profile_schema(),
        What::Config => target::schema(),
        What::Results => report::json::schema(),
        What::Facts => report::facts_schema(),
        What::Vectors => vectors::schema(),
    };
    serde_json::to_writer_pretty(&mut context.out, &schema).map_err(std::io::Error::from)?;
    writeln!(context.out)?;
    Ok(Exit::Conforms)
}
