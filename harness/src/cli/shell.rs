use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Context, Exit, Failure};

/// The shell that completes.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell, e.g. bash: `source <(dpop completions bash)`.
    shell: Shell,
}

/// Where the pages go.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The folder that the pages are written to, one a command.
    #[arg(short, long, value_name = "DIR", env = "DPOP_OUTPUT", default_value = ".")]
    output: PathBuf,
}

pub(super) fn completions(arguments: &Completions, context: &mut Context) -> Result<Exit, Failure> {
    clap_complete::generate(arguments.shell, &mut Cli::command(), "dpop", &mut context.out);
    Ok(Exit::Conforms)
}

pub(super) fn man(arguments: &Man) -> Result<Exit, Failure> {
    let written = std::fs::create_dir_all(&arguments.output)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), &arguments.output));
    let place = arguments.output.display();
    written.map_err(|error| Failure::Environment(format!("can't write to {place}: {error}")))?;
    Ok(Exit::Conforms)
}
