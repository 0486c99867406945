use std::io::Write as _;

use clap::Args;

use super::aim::Aim;
use super::{Context, Exit, Failure};
use crate::judge::Verdict;
use crate::report::doctor_page;
use crate::suite::{Stop, Trouble, Whose, examine};
use crate::target::Limits;

/// What to examine, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    aim: Aim,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    arguments.aim.warn(context);
    let scenarios = context.scenarios()?;
    let config = arguments.aim.config()?.ok_or_else(|| {
        Failure::Usage("there is no dpop.yaml here: --config names one, `dpop init URL` writes one".into())
    })?;
    let (health, outcomes) = super::runtime()?.block_on(async {
        let (_servers, setup) = arguments.aim.set_up(&config, Limits::default()).await?;
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
            writeln!(context.out, "It can be judged: dpop run{}", arguments.aim.repeat_config())?;
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
