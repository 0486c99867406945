use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::list::Form;
use super::run::{Servers, config, embedded, set_up, stop_on_ctrl_c};
use super::transport::Transport;
use super::{Context, Exit, Failure};
use crate::clock::{Span, SystemClock};
use crate::entropy::SystemEntropy;
use crate::report::{facts_page, write_facts};
use crate::scenario::nearest;
use crate::spec::{Fact, Profile};
use crate::suite::{Measured, Setup, Stop, measure};
use crate::target::{Limits, Rate};

/// How long is waited for what takes time, unless the command line says it.
const SHORT: Duration = Duration::from_secs(10);
/// The same where waiting costs nothing.
const LONG: Duration = Duration::from_secs(15 * 60);

/// What to measure, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The target: a dpop.yaml. Without it, ./dpop.yaml; without that, the built-in reference server.
    #[arg(short, long, value_name = "FILE", env = "DPOP_CONFIG")]
    config: Option<PathBuf>,
    /// Only these facts: skew, origin, nonce, algs, window, jti, htu, sizes, errors.
    #[arg(long, value_name = "NAME", env = "DPOP_ONLY", value_delimiter = ',', value_parser = fact)]
    only: Vec<Fact>,
    /// How long to wait for what takes time (nonce, jti), e.g. 6m; without it 10s. The built-in server's clock leaps.
    #[arg(long = "for", value_name = "TIME", env = "DPOP_FOR")]
    budget: Option<Span>,
    /// The form of the output.
    #[arg(long, value_name = "FORMAT", env = "DPOP_FORMAT", default_value = "human")]
    format: Form,
    /// How long to wait for one answer, e.g. 500ms or 5s.
    #[arg(long, value_name = "TIME", env = "DPOP_TIMEOUT")]
    timeout: Option<Span>,
    /// At most so many requests a unit of time, e.g. 20/s.
    #[arg(long, value_name = "RATE", env = "DPOP_RATE")]
    rate: Option<Rate>,
    /// At most so many requests in all.
    #[arg(long, value_name = "N", env = "DPOP_MAX_REQUESTS")]
    max_requests: Option<usize>,
    /// Plant this bug in the built-in server, which is measured where there is no config. May be given several times.
    #[arg(long = "defect", value_name = "NAME", env = "DPOP_DEFECT", value_delimiter = ',')]
    defects: Vec<String>,
    /// I may test this host although it is neither local nor private.
    #[arg(long, env = "DPOP_AUTHORISED", value_parser = BoolishValueParser::new())]
    authorised: bool,
    #[command(flatten)]
    transport: Transport,
}

fn fact(name: &str) -> Result<Fact, String> {
    let names = || Fact::ALL.iter().map(|fact| fact.name());
    Fact::ALL.iter().copied().find(|fact| fact.name() == name).ok_or_else(|| {
        let hint = nearest(name, names()).map(|near| format!(" (did you mean `{near}`?)"));
        format!("facts are {}{}", names().collect::<Vec<_>>().join(", "), hint.unwrap_or_default())
    })
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let http = arguments.transport.http()?;
    let scenarios = context.scenarios()?;
    let config = config(arguments.config.as_deref())?;
    let defects = super::serve::planted(&arguments.defects)?;
    if config.is_some() && !defects.is_empty() {
        return Err(Failure::Usage("--defect is for the built-in server, and there is a config".to_owned()));
    }
    if config.is_none() {
        context.tell("no dpop.yaml here and no --config: measuring the built-in reference server");
    }
    arguments.transport.warn(context);
    let limits = Limits {
        rate: arguments.rate,
        timeout: arguments.timeout,
        jobs: None,
        max_requests: arguments.max_requests,
    };
    let wanted = if arguments.only.is_empty() { Fact::ALL } else { &arguments.only };
    let entropy = Arc::new(SystemEntropy);
    let (setup, measured, stop) = super::runtime()?.block_on(async {
        let (servers, mut setup): (Servers, Setup) = match &config {
            Some(config) => {
                let reach = arguments.transport.reach();
                let clock = Arc::new(SystemClock);
                set_up(config, limits, arguments.authorised, &reach, clock, entropy).await?
            }
            None => embedded(defects, Profile::default(), limits, entropy).await?,
        };
        setup.call.http = http;
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
