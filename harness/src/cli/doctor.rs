use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::run::{config, set_up};
use super::transport::Transport;
use super::{Context, Exit, Failure};
use crate::clock::SystemClock;
use crate::entropy::SystemEntropy;
use crate::judge::Verdict;
use crate::report::doctor_page;
use crate::suite::{Stop, Trouble, Whose, examine};
use crate::target::{Limits, Span};

/// What to examine, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The target: a dpop.yaml; without it ./dpop.yaml.
    #[arg(short, long, value_name = "FILE", env = "DPOP_CONFIG")]
    config: Option<PathBuf>,
    /// How long to wait for one answer, e.g. 500ms or 5s.
    #[arg(long, value_name = "TIME", env = "DPOP_TIMEOUT")]
    timeout: Option<Span>,
    /// I may test this host although it is neither local nor private.
    #[arg(long, env = "DPOP_AUTHORISED", value_parser = BoolishValueParser::new())]
    authorised: bool,
    #[command(flatten)]
    transport: Transport,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let http = arguments.transport.http()?;
    arguments.transport.warn(context);
    let scenarios = context.scenarios()?;
    let config = config(arguments.config.as_deref())?.ok_or_else(|| {
        Failure::Usage("there is no dpop.yaml here: --config names one, `dpop init URL` writes one".into())
    })?;
    let limits = Limits { timeout: arguments.timeout, ..Limits::default() };
    let (health, outcomes) = super::runtime()?.block_on(async {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let reach = arguments.transport.reach();
        let (_servers, mut setup) =
            set_up(&config, limits, arguments.authorised, &reach, clock, entropy).await?;
        setup.call.http = http;
        Ok::<_, Failure>(examine(&Stop::default(), &setup, &scenarios).await)
    })?;
    let style = context.style();
    if style.verbosity >= 0 {
        writeln!(context.out, "target {}   {} {}\n", config.name, config.call.method, health.url)?;
        let noted = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Note);
        let notes = noted.filter_map(|outcome| outcome.reason.as_deref());
        doctor_page(&health, notes, style.ascii, &mut context.out)?;
        writeln!(context.out)?;
    }
    match &health.trouble {
        None => {
            let with = arguments.config.iter().map(|path| format!(" --config {}", path.display()));
            writeln!(context.out, "It can be judged: dpop run{}", with.collect::<String>())?;
        }
        Some(trouble) => writeln!(context.out, "{trouble}")?,
    }
    Ok(health.trouble.as_ref().map_or(Exit::Conforms, exit))
}

fn exit(trouble: &Trouble) -> Exit {
    match trouble.whose {
        Whose::Config(_) => Exit::Usage,
        Whose::Server => Exit::Nonconformity,
        Whose::Surroundings => Exit::Environment,
    }
}
