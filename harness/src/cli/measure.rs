use std::io::Write as _;
use std::time::Duration;

use clap::Args;

use super::aim::Subject;
use super::list::Form;
use super::run::stop_on_ctrl_c;
use super::{Context, Exit, Failure};
use crate::clock::Span;
use crate::report::{facts_page, write_facts};
use crate::scenario::nearest;
use crate::spec::Fact;
use crate::suite::{Measured, Setup, Stop, measure};

/// How long is waited for what takes time, unless the command line says it.
const SHORT: Duration = Duration::from_secs(10);
/// The same where waiting costs nothing.
const LONG: Duration = Duration::from_secs(15 * 60);

/// What to measure, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Only these facts: skew, origin, nonce, algs, window, jti, htu, sizes, errors.
    #[arg(long, value_name = "NAME", env = "DPOP_ONLY", value_delimiter = ',', value_parser = fact)]
    only: Vec<Fact>,
    /// How long to wait for what takes time (nonce, jti), e.g. 6m; without it 10s. The built-in server's clock leaps.
    #[arg(long = "for", value_name = "TIME", env = "DPOP_FOR")]
    budget: Option<Span>,
    /// The form of the output.
    #[arg(long, value_name = "FORMAT", env = "DPOP_FORMAT", default_value = "human")]
    format: Form,
}

fn fact(name: &str) -> Result<Fact, String> {
    let names = || Fact::ALL.iter().map(|fact| fact.name());
    Fact::ALL.iter().copied().find(|fact| fact.name() == name).ok_or_else(|| {
        let hint = nearest(name, names()).map(|near| format!(" (did you mean `{near}`?)"));
        format!("facts are {}{}", names().collect::<Vec<_>>().join(", "), hint.unwrap_or_default())
    })
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let scenarios = context.scenarios()?;
    let config = arguments.subject.config(context, "measuring")?;
    let wanted = if arguments.only.is_empty() { Fact::ALL } else { &arguments.only };
    let (setup, measured, stop) = super::runtime()?.block_on(async {
        let profile = config.as_ref().map(|config| config.profile).unwrap_or_default();
        let (servers, setup) = arguments.subject.set_up(config.as_ref(), profile, None).await?;
        let usual = if setup.clock.leaps() { LONG } else { SHORT };
        let budget = arguments.budget.map_or(usual, |span| span.0);
        let (stop, listener) = stop_on_ctrl_c();
        let measured = measure(&stop, &setup, &scenarios, wanted, budget).await;
        listener.abort();
        drop(servers);
        Ok::<_, Failure>((setup, measured, stop))
    })?;
    show(arguments.format, &setup, &measured, context)?;
    Ok(exit(&measured, wanted, &stop))
}

fn show(form: Form, setup: &Setup, measured: &Measured, context: &mut Context) -> Result<(), Failure> {
    let resource = setup.call.to_string();
    match form {
        Form::Json => write_facts(&setup.name, &resource, measured, &mut context.out)?,
        Form::Human => {
            let verbosity = context.style().verbosity;
            if verbosity >= 0 {
                writeln!(
                    context.out,
                    "target {}   {resource}   {} requests\n",
                    setup.name, measured.requests
                )?;
                facts_page(measured, verbosity > 0, &mut context.out)?;
            }
            if let Some(trouble) = &measured.health.trouble {
                writeln!(context.out, "{trouble}")?;
            }
        }
    }
    Ok(())
}

fn exit(measured: &Measured, wanted: &[Fact], stop: &Stop) -> Exit {
    let unmeasured = |fact: &Fact| measured.facts.unmeasured(*fact);
    let environment = wanted.iter().filter_map(unmeasured).any(|why| why.is_of_the_environment());
    if stop.is_requested() {
        Exit::Interrupted
    } else if measured.health.trouble.is_some() || environment {
        Exit::Environment
    } else {
        Exit::Conforms
    }
}
