use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::list::Form;
use super::{Context, Exit, Failure};
use crate::report::{Comparison, Document, DocumentError};

/// What to compare.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The results of before: what `dpop run --report json=PATH` wrote.
    #[arg(value_name = "WAS")]
    was: PathBuf,
    /// The results of now.
    #[arg(value_name = "IS")]
    is: PathBuf,
    /// What ends with exit code 1.
    #[arg(long, value_name = "WHAT", env = "DPOP_FAIL_ON", default_value = "any")]
    fail_on: Gate,
    /// The form of the comparison.
    #[arg(long, value_name = "FORMAT", env = "DPOP_FORMAT", default_value = "human")]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Gate {
    /// Every difference in behaviour.
    Any,
    /// A worse verdict, or a case that is not judged any more.
    Worse,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let open = |path| Document::open(path).map_err(|error: DocumentError| Failure::Usage(error.to_string()));
    let (was, is) = (open(&arguments.was)?, open(&arguments.is)?);
    let comparison = Comparison::between(&was, &is);
    match arguments.format {
        Form::Human => comparison.write(&mut context.out)?,
        Form::Json => {
            serde_json::to_writer_pretty(&mut context.out, &comparison).map_err(io::Error::from)?;
            writeln!(context.out)?;
        }
    }
    let differs = match arguments.fail_on {
        Gate::Any => comparison.differs(),
        Gate::Worse => comparison.is_worse(),
    };
    Ok(if differs { Exit::Nonconformity } else { Exit::Conforms })
}
