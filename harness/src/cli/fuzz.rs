use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::aim::{Servers, Subject};
use super::list::Form;
use super::progress::Progress;
use super::run::{seconds_since, stop_on_ctrl_c};
use super::{Context, Exit, Failure};
use crate::clock::{Clock as _, Span, SystemClock};
use crate::fuzz::{
    Campaign, Ended, Finding, Layer, NotMinimized, Plan, Report, Targets, minimize, recipe_in,
};
use crate::generator::Recipe;
use crate::plan::Partition;
use crate::scenario::Scenario;
use crate::suite::{Approach, Setup, Stop};
use crate::target::{Config, Limits};

/// How long a campaign takes unless the command line says it.
const MINUTE: Duration = Duration::from_secs(60);

/// How many inputs a shim is asked about at the same time unless somebody says it: none counts on what another left behind.
const SHIM_JOBS: usize = 8;

/// What to look for, where, and for how long.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Only faults of these layers: jose, claims, jwk, signature, wire, http.
    #[arg(long = "layer", value_name = "NAME", env = "DPOP_LAYER", value_delimiter = ',')]
    layers: Vec<Layer>,
    /// How long, e.g. 60s or 10m; without it a minute.
    #[arg(long = "for", value_name = "TIME", env = "DPOP_FOR")]
    time: Option<Span>,
    /// At most so many requests in all, controls among them; without it limits.max-requests, and on loopback as many as the time
    /// allows.
    #[arg(long, value_name = "N", env = "DPOP_REQUESTS", conflicts_with = "max_requests")]
    requests: Option<usize>,
    /// The seed of the inputs. The same campaign goes on where it ended; another seed gives others.
    #[arg(long, value_name = "N", env = "DPOP_SEED", default_value_t = 0)]
    seed: u64,
    /// Where what was learned and found is kept.
    #[arg(long, value_name = "DIR", env = "DPOP_STATE", default_value = ".dpop/fuzz")]
    state: PathBuf,
    /// Only one share of the inputs, for jobs side by side: hash:1/4 or slice:1/4.
    #[arg(long, value_name = "SHARE", env = "DPOP_PARTITION")]
    partition: Option<String>,
    /// Compare with this target: what one accepts and the other refuses is a finding.
    #[arg(long, value_name = "FILE", env = "DPOP_AGAINST")]
    against: Option<PathBuf>,
    /// Only find the smallest input that shows the same as the case in this scenario file.
    #[arg(long, value_name = "FILE", env = "DPOP_MINIMIZE", conflicts_with_all = ["layers", "time", "partition"])]
    minimize: Option<PathBuf>,
    /// How many inputs are under way at the same time.
    #[arg(short, long, value_name = "N", env = "DPOP_JOBS")]
    jobs: Option<NonZeroUsize>,
    /// The form of the output.
    #[arg(long, value_name = "FORMAT", env = "DPOP_FORMAT", default_value = "human")]
    format: Form,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let scenarios = context.scenarios()?;
    let config = arguments.subject.config(context, "fuzzing")?;
    let other = arguments.against.as_deref().map(Config::open).transpose()?;
    let plan = arguments.plan(arguments.subject.is_shim(config.as_ref()))?;
    let only = arguments.minimize.as_deref().map(to_minimize).transpose()?;
    super::runtime()?.block_on(async {
        let (_servers, setup) = arguments.set_up(config.as_ref()).await?;
        let other = match &other {
            Some(config) => {
                let limits = arguments.limits(is_here(config) && config.limits.max_requests.is_none());
                Some(arguments.subject.set_up_other(config, limits).await?)
            }
            None => None,
        };
        let (stop, listener) = stop_on_ctrl_c();
        let subject = approached(&stop, &setup, &scenarios).await?;
        let against = match &other {
            Some((_, other)) => Some(approached(&stop, other, &scenarios).await?),
            None => None,
        };
        let targets = Targets { subject: &subject, against: against.as_ref() };
        let exit = match only {
            Some(recipe) => {
                let minimized = tokio::select! {
                    biased;
                    () = stop.requested() => return Err(Failure::Interrupted),
                    minimized = minimize(&targets, &scenarios, &recipe, &plan) => minimized,
                };
                match minimized {
                    Ok(finding) => show_smallest(&finding, context)?,
                    Err(NotMinimized::NothingWrong(seen)) => {
                        let why = NotMinimized::NothingWrong(seen);
                        writeln!(context.out, "{why}")?;
                        Exit::Conforms
                    }
                    Err(other) => return Err(Failure::Environment(other.to_string())),
                }
            }
            None => campaign(arguments, &plan, &targets, (&scenarios, &stop), context).await?,
        };
        listener.abort();
        Ok(exit)
    })
}

impl Arguments {
    fn plan(&self, shim: bool) -> Result<Plan, Failure> {
        // A verifier behind a shim sees none of the fields.
        let usual = Layer::ALL.iter().copied().filter(|layer| !(shim && *layer == Layer::Wire));
        let mut layers = if self.layers.is_empty() { usual.collect() } else { self.layers.clone() };
        layers.sort();
        layers.dedup();
        let share = |text: &String| Ok((text.parse::<Partition>()?, text.clone()));
        let share = self.partition.as_ref().map(share).transpose().map_err(Failure::Usage)?;
        let (time, state) = (self.time.map_or(MINUTE, |span| span.0), self.state.clone());
        let against = self.against.iter().map(|path| format!(" --against {}", path.display()));
        let repeat_with = self.subject.repeat_with();
        let compare_with = against.collect();
        Ok(Plan { layers, seed: self.seed, time, share, state, repeat_with, compare_with })
    }

    async fn set_up(&self, config: Option<&Config>) -> Result<(Servers, Setup), Failure> {
        let unlimited = config.is_none_or(|config| is_here(config) && config.limits.max_requests.is_none());
        let profile = config.map(|config| config.profile).unwrap_or_default();
        let (servers, mut setup) =
            self.subject.set_up_within(config, profile, self.limits(unlimited)).await?;
        let jobs = self.jobs.or(config.and_then(|config| config.limits.jobs));
        if self.subject.is_shim(config) && jobs.is_none() {
            setup.jobs = SHIM_JOBS;
        }
        Ok((servers, setup))
    }

    fn limits(&self, unlimited: bool) -> Limits {
        let max_requests = self.requests.or(unlimited.then_some(usize::MAX));
        Limits { jobs: self.jobs, max_requests, ..Limits::default() }
    }
}

/// Whether it is on this machine, and so a load for nobody else.
fn is_here(config: &Config) -> bool {
    config.shim.is_some() || config.call.uri.is_loopback()
}

/// The target, which has to be one that can be judged.
async fn approached<'a>(
    stop: &Stop,
    setup: &'a Setup,
    scenarios: &[Scenario],
) -> Result<Approach<'a>, Failure> {
    let approach = Approach::make(stop, setup, scenarios).await;
    match &approach.obstacle {
        _ if stop.is_requested() => Err(Failure::Interrupted),
        None => Ok(approach),
        Some(obstacle) => {
            let trouble = approach.health.trouble.as_ref().map_or(obstacle.clone(), ToString::to_string);
            Err(Failure::Environment(format!("{}: {trouble} (dpop doctor says more)", setup.name)))
        }
    }
}

fn to_minimize(path: &Path) -> Result<crate::generator::Recipe, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::Usage(format!("{shown}: {error}")))?;
    recipe_in(&text).map_err(|error| Failure::Usage(format!("{shown}: {error}")))
}

async fn campaign(
    arguments: &Arguments,
    plan: &Plan,
    targets: &Targets<'_>,
    (scenarios, stop): (&[Scenario], &Stop),
    context: &mut Context,
) -> Result<Exit, Failure> {
    let in_state = |error: std::io::Error| Failure::Environment(format!("{}: {error}", plan.state.display()));
    let began = SystemClock.now();
    let campaign = Campaign::open(targets, scenarios, plan, &SystemClock, stop).map_err(in_state)?;
    let bar = Progress::without_end(context.common.quiet);
    let report = campaign
        .run(&|now| {
            bar.told(format!(
                "{} inputs   {} classes of answers   {} findings",
                now.executions, now.classes, now.findings
            ));
        })
        .await;
    drop(bar);
    let seconds = seconds_since(began);
    match arguments.format {
        Form::Human => show(plan, targets, &report, seconds, context)?,
        Form::Json => write_json(plan, targets, &report, seconds, context)?,
    }
    match &report.ended {
        _ if stop.is_requested() => Ok(Exit::Interrupted),
        Some(Ended::Nothing) => Err(Failure::Nothing(
            "no edit is of these layers (--layer) and this share (--partition)".to_owned(),
        )),
        _ if !report.findings.is_empty() => Ok(Exit::Nonconformity),
        Some(Ended::Lost(_) | Ended::State(_)) => Ok(Exit::Environment),
        // What was seen of them is neither a finding nor none.
        Some(Ended::Cap) | None if report.not_looked_at > 0 => Ok(Exit::Environment),
        Some(Ended::Cap) | None => Ok(Exit::Conforms),
    }
}

fn show(
    plan: &Plan,
    targets: &Targets<'_>,
    report: &Report,
    seconds: f64,
    context: &mut Context,
) -> Result<(), Failure> {
    let setup = targets.subject.setup();
    let layers: Vec<&str> = plan.layers.iter().map(|layer| layer.name()).collect();
    let state = plan.state.display();
    if context.style().verbosity >= 0 {
        let (name, seed, layers) = (&setup.name, plan.seed, layers.join(", "));
        writeln!(context.out, "target {name}   {}   seed {seed}   {layers}   state {state}\n", setup.call)?;
        for finding in &report.findings {
            show_finding(finding, plan, context)?;
        }
    }
    for name in &report.gone {
        writeln!(context.out, "not there any more: {name}")?;
    }
    if report.not_looked_at > 0 {
        let (number, state) = (report.not_looked_at, plan.state.display());
        let what = counted(number, "input was", "inputs were");
        writeln!(
            context.out,
            "{what} answered wrongly once, and could not be looked at again; go on with --state {state}"
        )?;
    }
    if let Some(why) = &report.ended {
        writeln!(context.out, "ended: {}", ended(why))?;
    }
    for suspect in &report.suspects {
        writeln!(context.out, "    not answered before that: {}", suspect.yaml())?;
    }
    if !report.suspects.is_empty() {
        writeln!(context.out, "    once it is back, the next dpop fuzz looks at this first")?;
    }
    let rate = report.requests as f64 / seconds.max(0.001);
    writeln!(
        context.out,
        "{} in {seconds:.1} s ({} in all), {} ({rate:.0}/s), {}, {}, {} not reproducible",
        counted(report.executions, "input", "inputs"),
        report.progress.executions,
        counted(report.requests, "request", "requests"),
        counted(report.progress.classes, "class of answers", "classes of answers"),
        counted(report.findings.len(), "finding", "findings"),
        report.unreproduced,
    )?;
    Ok(())
}

fn counted(number: impl std::fmt::Display, one: &str, more: &str) -> String {
    let number = number.to_string();
    let noun = if number == "1" { one } else { more };
    format!("{number} {noun}")
}

/// Why a campaign ended before its time.
fn ended(why: &Ended) -> String {
    match why {
        Ended::Cap => "no more requests may be sent".to_owned(),
        Ended::Nothing => "there is nothing to send".to_owned(),
        Ended::Lost(why) => format!("the target was lost: {why}"),
        Ended::State(why) => format!("what is learned can't be written: {why}"),
    }
}

fn show_finding(finding: &Finding, plan: &Plan, context: &mut Context) -> Result<(), Failure> {
    let case = match (&finding.clause.nearest, finding.clause.exact) {
        (Some(case), true) => format!(" (the suite has it as {case})"),
        (Some(case), false) => format!(" (near {case})"),
        (None, _) => String::new(),
    };
    let out = &mut context.out;
    writeln!(out, "{}: {}", finding.name(), finding.symptom.told())?;
    writeln!(out, "    sent      {}", finding.told())?;
    writeln!(out, "    input     {}", finding.recipe.yaml())?;
    writeln!(out, "    breaks    {}{case}", finding.clause.spec.join(", "))?;
    let seen = match (finding.reproduced, finding.looked) {
        (_, 0) => "earlier; nothing was shown of it now".to_owned(),
        (times, looked) if times == looked => format!("reproducible {}", finding.seen()),
        (_, _) => format!("flaky {}", finding.seen()),
    };
    let show = if finding.times == 1 { "input shows" } else { "inputs show" };
    writeln!(out, "    seen      {seen}; {} {show} it", finding.times)?;
    if let Some(id) = finding.proposed_id() {
        writeln!(out, "    proposed  {id}")?;
    }
    let repeat = finding.repeat(plan);
    writeln!(out, "    repeat    {}\n", repeat.first().map_or("", String::as_str))?;
    Ok(())
}

fn show_smallest(finding: &Finding, context: &mut Context) -> Result<Exit, Failure> {
    write!(context.out, "{}", finding.scenario())?;
    Ok(Exit::Nonconformity)
}

fn write_json(
    plan: &Plan,
    targets: &Targets<'_>,
    report: &Report,
    seconds: f64,
    context: &mut Context,
) -> Result<(), Failure> {
    let finding = |finding: &Finding| {
        json!({
            "id": finding.id(),
            "symptom": finding.symptom.name(),
            "input": finding.recipe.yaml(),
            "spec": finding.clause.spec,
            "nearest_case": finding.clause.nearest,
            "proposed_id": finding.proposed_id(),
            "reproduced": finding.seen(),
            "times": finding.times,
            "folder": finding.folder(&plan.state),
        })
    };
    let document = json!({
        "format": "dpop-fuzz/1",
        "target": { "name": targets.subject.setup().name },
        "seed": plan.seed,
        "seconds": seconds,
        "executions": report.executions,
        "executions_in_all": report.progress.executions,
        "requests": report.requests,
        "classes": report.progress.classes,
        "unreproduced": report.unreproduced,
        "not_looked_at": report.not_looked_at,
        "gone": report.gone,
        "ended": report.ended.as_ref().map(ended),
        "suspects": report.suspects.iter().map(Recipe::yaml).collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    writeln!(context.out, "{document:#}")?;
    Ok(())
}
