use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::time::SystemTime;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::aim::Subject;
use super::bundles;
use super::curl::Curl;
use super::last;
use super::progress::Progress;
use super::reports::{Page, Reports};
use super::rounds::Rounds;
use super::selection::Filters;
use super::{Context, Exit, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::judge::Verdict;
use crate::plan::{Partition, Selected, all};
use crate::report::{ConfigPlace, Document, Live, Report};
use crate::scenario::{Fault, Scenario, nearest};
use crate::snapshot::{Drift, Snapshot};
use crate::spec::Profile;
use crate::suite::{Event, Outcome, Results, Setup, Stop, run_until};
use crate::target::{Config, Day};

/// How a run is made, from the command line.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Cases or scenarios to perform, e.g. `rs.ath.missing`, `rs.htu` or `rs.*.missing`; without any, all.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    rounds: Rounds,
    #[command(flatten)]
    reports: Reports,
    /// Print the launch checklist instead of the cases: the advice for production, and what the run showed of each line.
    #[arg(long, env = "DPOP_CHECKLIST", value_parser = BoolishValueParser::new())]
    checklist: bool,
    /// The rules laid over RFC 9449, e.g. fapi2 (`dpop explain profiles`); overrules the config.
    #[arg(long, value_name = "NAME", env = "DPOP_PROFILE", value_parser = profile)]
    profile: Option<Profile>,
    /// What else fails the run: `warn`.
    #[arg(long, value_name = "VERDICT", env = "DPOP_DENY")]
    deny: Option<Deny>,
    /// How many cases run at the same time.
    #[arg(short, long, value_name = "N", env = "DPOP_JOBS")]
    jobs: Option<NonZeroUsize>,
    /// The seed of every choice that is left to chance, except keys, jti values and token ids.
    #[arg(long, value_name = "N", env = "DPOP_SEED", default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Deny {
    /// A missed SHOULD.
    Warn,
}

pub(super) fn profile(name: &str) -> Result<Profile, String> {
    let names = || Profile::ALL.iter().map(|profile| profile.name());
    Profile::ALL.iter().copied().find(|profile| profile.name() == name).ok_or_else(|| {
        let hint =
            nearest(name, names()).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
        format!("profiles are {}{hint}", names().collect::<Vec<_>>().join(", "))
    })
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    arguments.reports.check()?;
    let scenarios = context.scenarios()?;
    let config = arguments.subject.config(context, "testing")?;
    let profile = arguments.profile.or(config.as_ref().map(|config| config.profile)).unwrap_or_default();
    let selected = arguments.filters.select(&scenarios, &arguments.ids, Some(profile))?;
    let selected = arguments.rounds.narrow(selected, config.as_ref())?;
    if let Some(config) = &config {
        check_waivers(config, &scenarios)?;
    }
    let more_scenarios =
        context.common.scenarios.iter().map(|folder| format!(" --scenarios {}", folder.display())).collect();
    let mut job = Job { arguments, config: config.as_ref(), live: arguments.reports.live()?, more_scenarios };
    let worst = super::runtime()?.block_on(async {
        let (_servers, mut setup) =
            arguments.subject.set_up(config.as_ref(), profile, arguments.jobs).await?;
        setup.seed = arguments.seed;
        setup.opt_in.ids.clone_from(&arguments.ids);
        setup.opt_in.tags.extend(arguments.filters.opted_in());
        let mut worst: Option<Round> = None;
        for number in 1.. {
            let round = job.perform(&setup, &scenarios, &selected, context.common.quiet).await?;
            if arguments.rounds.is_repeated() {
                context.tell(&format!("run {number}: {}", Document::from(&round.report()).told()));
            }
            let enough = arguments.rounds.is_last(number)
                || round.exit == Exit::Interrupted
                || (arguments.rounds.until_fail && round.exit != Exit::Conforms);
            if worst.as_ref().is_none_or(|worst| round.exit.is_before(worst.exit)) {
                worst = Some(round);
            }
            if enough {
                break;
            }
        }
        Ok::<_, Failure>(worst)
    })?;
    let Some(round) = worst else { return Ok(Exit::Conforms) };
    let page = if arguments.checklist { Page::Checklist } else { Page::Cases(arguments.repeat_with()) };
    arguments.reports.write(&round.report(), context, page)?;
    Ok(round.exit)
}

/// What every one of the runs needs.
struct Job<'a> {
    arguments: &'a Arguments,
    config: Option<&'a Config>,
    live: Vec<Live<'static>>,
    /// Where scenarios beside the built-in ones are, as an option.
    more_scenarios: String,
}

/// A run that is over.
struct Round {
    results: Results,
    drift: Option<Drift>,
    began: SystemTime,
    seconds: f64,
    partition: Option<Partition>,
    config: Option<ConfigPlace>,
    exit: Exit,
}

impl Round {
    fn report(&self) -> Report<'_> {
        Report {
            results: &self.results,
            drift: self.drift.as_ref(),
            began: self.began,
            seconds: self.seconds,
            partition: self.partition,
            config: self.config.as_ref(),
        }
    }
}

impl Job<'_> {
    async fn perform(
        &mut self,
        setup: &Setup,
        scenarios: &[Scenario],
        selected: &[Selected<'_>],
        quiet: bool,
    ) -> Result<Round, Failure> {
        let Self { arguments, config, live, more_scenarios } = self;
        let began = SystemClock.now();
        let today = Day::of(began);
        let waivers = config.map(|config| config.waivers.as_slice()).unwrap_or_default();
        for live in &mut *live {
            live.start(&setup.name, setup.profile.name(), setup.seed, selected.len())?;
        }
        let (mut told, mut fails) = (Ok(()), 0);
        let mut tell = |event: &Event<'_>, stop: &Stop| {
            let Event::Finished(outcome) = event else { return };
            let mut outcome = Cow::Borrowed(*outcome);
            if waivers.iter().any(|waiver| waiver.case == outcome.id) {
                outcome.to_mut().accept(waivers, today);
            }
            fails += usize::from(outcome.verdict == Verdict::Fail && outcome.waived.is_none());
            if arguments.rounds.max_fail.is_some_and(|most| fails >= most.get()) {
                stop.request_because("enough has failed (--max-fail)");
            }
            if told.is_ok() {
                told = live.iter_mut().try_for_each(|live| live.case(&outcome));
            }
        };
        let (mut results, stop) = perform(setup, scenarios, selected, quiet, &mut tell).await;
        told?;
        results.apply(waivers, today);
        let whole = arguments.ids.is_empty() && arguments.filters.is_empty() && arguments.rounds.is_empty();
        let drift = match config {
            // What was cut short says nothing about the rest.
            Some(_) if stop.is_requested() || results.is_blocked() => None,
            Some(config) => Some(compare(config, &results, whole)?),
            None => None,
        };
        if let Some(config) = config {
            // A folder that can't be written to costs nothing but the comfort.
            let _ = last::note(&config.folder, &config.name, &results);
        }
        // Without a reviewed snapshot everything is new, and nothing has drifted.
        let exit = if stop.is_interrupted() {
            Exit::Interrupted
        } else {
            Exit::of(&results, drift.as_ref(), arguments.deny == Some(Deny::Warn))
        };
        let partition = arguments.filters.partition;
        let config_place = config.map(config_place);
        let seconds = seconds_since(began);
        let round = Round { results, drift, began, seconds, partition, config: config_place, exit };
        if let Some(config) = config {
            let curl = Curl {
                config,
                setup,
                transport: arguments.subject.transport_options(),
                scenarios: more_scenarios.clone(),
            };
            let script = |outcome: &Outcome| {
                let case = selected.iter().find(|selected| selected.case.id == outcome.id)?;
                Some(curl.script(*case, outcome, &round.results.traits))
            };
            let _ = bundles::leave(&config.folder, &round.report(), &script); // the same
        }
        for live in live {
            live.end(&Document::from(&round.report()))?;
        }
        Ok(round)
    }
}

impl Arguments {
    /// What has to stand behind `dpop run ID` to repeat a case of this run.
    fn repeat_with(&self) -> String {
        let profile = self.profile.iter().map(|profile| format!(" --profile {}", profile.name()));
        self.subject.repeat_with() + &profile.collect::<String>()
    }
}

/// Where the config names the resource. On GitHub the file is named as the repository has it, wherever the command runs.
pub(super) fn config_place(config: &Config) -> ConfigPlace {
    let within = |root: OsString| {
        let (root, file) = (fs::canonicalize(root).ok()?, fs::canonicalize(&config.source.file).ok()?);
        Some(file.strip_prefix(root).ok()?.display().to_string())
    };
    let file = std::env::var_os("GITHUB_WORKSPACE").and_then(within);
    ConfigPlace {
        file: file.unwrap_or_else(|| config.source.file.clone()),
        line: config.source.line_at("target.resource"),
    }
}

/// How long ago that was, in real time.
pub(super) fn seconds_since(began: SystemTime) -> f64 {
    SystemClock.now().duration_since(began).unwrap_or_default().as_secs_f64()
}

/// Performs the cases with a progress bar. Ctrl-C ends the run, and what is known is reported.
pub(super) async fn perform(
    setup: &Setup,
    scenarios: &[Scenario],
    selected: &[Selected<'_>],
    quiet: bool,
    tell: &mut (dyn FnMut(&Event<'_>, &Stop) + Send),
) -> (Results, Stop) {
    let (stop, listener) = stop_on_ctrl_c();
    let progress = Progress::new(quiet);
    let results = run_until(&stop, setup, scenarios, selected, &mut |event| {
        progress.event(&event);
        tell(&event, &stop);
    })
    .await;
    listener.abort();
    (results, stop)
}

/// A wish that Ctrl-C utters, and the task that listens for it.
pub(super) fn stop_on_ctrl_c() -> (Stop, tokio::task::JoinHandle<()>) {
    let stop = Stop::default();
    let wish = stop.clone();
    let listener = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            wish.request();
        }
    });
    (stop, listener)
}

/// A waiver for a case that does not exist would waive nothing, for ever.
fn check_waivers(config: &Config, scenarios: &[Scenario]) -> Result<(), Failure> {
    let ids = || all(scenarios).into_iter().map(|selected| selected.case.id.as_str());
    for (index, waiver) in config.waivers.iter().enumerate() {
        if !ids().any(|id| id == waiver.case) {
            let fault = Fault::Unknown { what: "case", name: waiver.case.clone() };
            let diagnostic = config.source.at(&format!("waive[{index}].case"), fault);
            return Err(diagnostic.with_hint(&waiver.case, ids()).into());
        }
    }
    Ok(())
}

/// Compares with the snapshot, and leaves what differs for review; under CI nothing is written.
fn compare(config: &Config, results: &Results, whole: bool) -> Result<Drift, Failure> {
    let environment = |error: crate::snapshot::SnapshotError| Failure::Environment(error.to_string());
    let path = Snapshot::path(&config.folder, &config.name);
    let pending = Snapshot::pending_path(&path);
    let known = Snapshot::open(&path).map_err(environment)?.unwrap_or_default();
    let drift = known.compare(results, whole);
    if !super::under_ci() {
        // What runs of other cases left for review stays there.
        let waiting = Snapshot::open(&pending).map_err(environment)?;
        let seen = waiting.as_ref().unwrap_or(&known).updated(results, whole);
        if seen == known {
            // Nothing is left to review.
            let _ = std::fs::remove_file(&pending);
        } else {
            seen.write(&pending, &config.name).map_err(environment)?;
        }
    }
    Ok(drift)
}
