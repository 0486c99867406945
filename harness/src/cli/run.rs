use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::issuer_key;
use super::progress::Progress;
use super::reports::{Page, Reports};
use super::transport::Transport;
use super::{Context, Exit, Failure};
use crate::clock::{Clock, LeapingClock, ShiftedClock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::plan::{Filter, OptIn, Partition, Selected, all, select, select_for};
use crate::proof::AccessToken;
use crate::reference::{DefectSet, Issuer, NonceMode, Running, Server, serve_issuer};
use crate::report::Report;
use crate::scenario::{Fault, Scenario, Tag, nearest};
use crate::snapshot::{Drift, Snapshot};
use crate::spec::{Level, Profile};
use crate::suite::{PlainHttp, Results, Setup, Stop, against_reference, run_until};
use crate::target::tokens::{
    ClientCredentials, ClientCredentialsSource, CommandSource, EmbeddedSource, StaticSource, TokenSource,
};
use crate::target::{
    Auth, Config, Day, HttpTarget, Limits, NotAllowed, Observe, Observer, Rate, Reach, Span, Target,
};

/// How a run is made, from the command line.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Cases or scenarios to perform, e.g. `rs.ath.missing`, `rs.htu` or `rs.*.missing`; without any, all.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// The target: a dpop.yaml. Without it, ./dpop.yaml; without that, the built-in reference server.
    #[arg(short, long, value_name = "FILE", env = "DPOP_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
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
    /// How long to wait for one answer, e.g. 500ms or 5s.
    #[arg(long, value_name = "TIME", env = "DPOP_TIMEOUT")]
    timeout: Option<Span>,
    /// At most so many requests a unit of time, e.g. 20/s.
    #[arg(long, value_name = "RATE", env = "DPOP_RATE")]
    rate: Option<Rate>,
    /// At most so many requests in all.
    #[arg(long, value_name = "N", env = "DPOP_MAX_REQUESTS")]
    max_requests: Option<usize>,
    /// The seed of every choice that is left to chance, except keys, jti values and token ids.
    #[arg(long, value_name = "N", env = "DPOP_SEED", default_value_t = 0)]
    seed: u64,
    /// Plant this bug in the built-in server, which is tested where there is no config. May be given several times.
    #[arg(long = "defect", value_name = "NAME", env = "DPOP_DEFECT", value_delimiter = ',')]
    defects: Vec<String>,
    /// I may test this host although it is neither local nor private.
    #[arg(long, env = "DPOP_AUTHORISED", value_parser = BoolishValueParser::new())]
    authorised: bool,
    #[command(flatten)]
    transport: Transport,
}

/// Which cases, beyond their ids.
#[derive(Debug, Args)]
pub(super) struct Filters {
    /// Only cases of these levels: must, should, may, policy.
    #[arg(long = "level", value_name = "LEVEL", env = "DPOP_LEVEL", value_delimiter = ',', value_parser = level)]
    levels: Vec<Level>,
    /// Only cases that cite one of these requirements, e.g. 9449-4.3-12a.
    #[arg(long = "spec", value_name = "ID", env = "DPOP_SPEC", value_delimiter = ',')]
    specs: Vec<String>,
    /// Only cases with one of these CWE numbers.
    #[arg(long = "cwe", value_name = "N", env = "DPOP_CWE", value_delimiter = ',')]
    cwes: Vec<u16>,
    /// Only cases of these pitfalls, e.g. missing-ath; or those that are `slow` or a `load`, which are performed only on
    /// request: so, or by their ids.
    #[arg(long = "tag", value_name = "TAG", env = "DPOP_TAG", value_delimiter = ',')]
    tags: Vec<String>,
    /// Only one share of the cases, for jobs side by side: hash:1/4 (stays put when cases are added) or slice:1/4.
    #[arg(long, value_name = "SHARE", env = "DPOP_PARTITION")]
    partition: Option<Partition>,
}

fn level(name: &str) -> Result<Level, String> {
    let levels = [Level::Must, Level::Should, Level::May, Level::Policy];
    let known = levels.into_iter().find(|level| level.name() == name);
    known.ok_or_else(|| "levels are must, should, may, policy".to_owned())
}

impl Filters {
    /// The cases of `profile`, or of every one, that `ids` name and the filters let through.
    pub(super) fn select<'a>(
        &self,
        scenarios: &'a [Scenario],
        ids: &[String],
        profile: Option<Profile>,
    ) -> Result<Vec<Selected<'a>>, Failure> {
        let selected = match profile {
            Some(profile) => select_for(scenarios, ids, profile),
            None => select(scenarios, ids),
        };
        let selected = selected.map_err(|nothing| Failure::Nothing(nothing.to_string()))?;
        let selected = self.filter().apply(selected);
        if selected.is_empty() {
            return Err(Failure::Nothing(
                "no case is left by --level, --spec, --cwe, --tag and --partition".into(),
            ));
        }
        Ok(selected)
    }

    /// The tags of what costs much and is asked for.
    fn opted_in(&self) -> impl Iterator<Item = Tag> {
        Tag::ALL.iter().copied().filter(|tag| self.tags.iter().any(|name| name == tag.name()))
    }

    fn filter(&self) -> Filter {
        Filter {
            levels: self.levels.clone(),
            specs: self.specs.clone(),
            cwes: self.cwes.clone(),
            tags: self.tags.clone(),
            partition: self.partition,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
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
    let http = arguments.transport.http()?;
    let scenarios = context.scenarios()?;
    let config = config(arguments.config.as_deref())?;
    let profile = arguments.profile.or(config.as_ref().map(|config| config.profile)).unwrap_or_default();
    let selected = arguments.filters.select(&scenarios, &arguments.ids, Some(profile))?;
    let defects = super::serve::planted(&arguments.defects)?;
    if config.is_some() && !defects.is_empty() {
        return Err(Failure::Usage("--defect is for the built-in server, and there is a config".to_owned()));
    }
    match &config {
        Some(config) => check_waivers(config, &scenarios)?,
        None => context.tell("no dpop.yaml here and no --config: testing the built-in reference server"),
    }
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    arguments.transport.warn(context);
    let limits = Limits {
        rate: arguments.rate,
        timeout: arguments.timeout,
        jobs: arguments.jobs,
        max_requests: arguments.max_requests,
    };
    let runtime = super::runtime()?;
    let began = clock.now();
    let (mut results, stop) = runtime.block_on(async {
        let (_servers, mut setup) = match &config {
            Some(config) => {
                let reach = arguments.transport.reach();
                set_up(config, limits, arguments.authorised, &reach, clock.clone(), entropy).await?
            }
            None => embedded(defects, profile, limits, entropy).await?,
        };
        setup.profile = profile;
        setup.seed = arguments.seed;
        setup.opt_in.ids.clone_from(&arguments.ids);
        setup.opt_in.tags.extend(arguments.filters.opted_in());
        setup.call.http = http;
        Ok::<_, Failure>(perform(&setup, &scenarios, &selected, context.common.quiet).await)
    })?;

    if let Some(config) = &config {
        results.apply(&config.waivers, Day::of(clock.now()));
    }
    let whole = arguments.ids.is_empty() && arguments.filters.filter().is_empty();
    let drift = match &config {
        // What was cut short says nothing about the rest.
        Some(_) if stop.is_requested() || results.is_blocked() => None,
        Some(config) => Some(compare(config, &results, whole)?),
        None => None,
    };
    // Without a reviewed snapshot everything is new, and nothing has drifted.
    let report =
        Report { results: &results, drift: drift.as_ref(), seconds: seconds_since(began, clock.as_ref()) };
    let repeat_with = arguments.repeat_with();
    let page = if arguments.checklist { Page::Checklist } else { Page::Cases(repeat_with) };
    arguments.reports.write(&report, context, page)?;
    if stop.is_requested() {
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::of(&results, drift.as_ref(), arguments.deny == Some(Deny::Warn)))
}

/// The config of this name, or the one that lies here.
pub(super) fn config(path: Option<&Path>) -> Result<Option<Config>, Failure> {
    let here = Path::new("dpop.yaml");
    match path {
        Some(path) => Ok(Some(Config::open(path)?)),
        None if here.is_file() => Ok(Some(Config::open(here)?)),
        None => Ok(None),
    }
}

impl Arguments {
    /// What has to stand behind `dpop run ID` to repeat a case of this run.
    fn repeat_with(&self) -> String {
        let config = self.config.iter().map(|path| format!(" --config {}", path.display()));
        let profile = self.profile.iter().map(|profile| format!(" --profile {}", profile.name()));
        config
            .chain(profile)
            .chain([self.transport.repeat_with()])
            .chain(self.defects.iter().map(|name| format!(" --defect {name}")))
            .collect()
    }
}

pub(super) fn seconds_since(began: SystemTime, clock: &dyn Clock) -> f64 {
    clock.now().duration_since(began).unwrap_or_default().as_secs_f64()
}

/// Performs the cases with a progress bar. Ctrl-C ends the run, and what is known is reported.
pub(super) async fn perform(
    setup: &Setup,
    scenarios: &[Scenario],
    selected: &[Selected<'_>],
    quiet: bool,
) -> (Results, Stop) {
    let (stop, listener) = stop_on_ctrl_c();
    let progress = Progress::new(quiet);
    let results = run_until(&stop, setup, scenarios, selected, &mut |event| progress.event(&event)).await;
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

/// What has to live as long as the run: an issuer, or both reference servers.
pub(super) enum Servers {
    None,
    Issuer { _server: Server },
    Both { _running: Box<Running> },
}

pub(super) async fn embedded(
    defects: DefectSet,
    profile: Profile,
    limits: Limits,
    entropy: Arc<dyn Entropy>,
) -> Result<(Servers, Setup), Failure> {
    let clock = Arc::new(LeapingClock::default());
    // With nonces required every case of the suite has something to show.
    let (running, setup) = against_reference(NonceMode::Required, defects, profile, &limits, clock, entropy)
        .await
        .map_err(|error| Failure::Environment(format!("can't start the reference servers: {error}")))?;
    Ok((Servers::Both { _running: Box::new(running) }, setup))
}

pub(super) async fn set_up(
    config: &Config,
    limits: Limits,
    authorised: bool,
    reach: &Reach,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(Servers, Setup), Failure> {
    let limits = limits.or(config.limits);
    let unreachable = |what: &str, error: NotAllowed| match error {
        NotAllowed::Certificates(_) => Failure::Usage(error.to_string()),
        NotAllowed::Unresolved(..) | NotAllowed::NotAuthorised(..) => {
            Failure::Environment(format!("{what}{error}"))
        }
    };
    let may_test = |host: &String| authorised || config.allow_hosts.contains(host);
    let uri = &config.call.uri;
    let target = HttpTarget::resolve_with(reach, uri, &limits, may_test(&uri.host), clock.clone())
        .await
        .map_err(|error| unreachable("", error))?;
    let plain_http = match &config.plain_http {
        Some(call) => {
            let twin =
                HttpTarget::resolve_with(reach, &call.uri, &limits, may_test(&call.uri.host), clock.clone())
                    .await
                    .map_err(|error| unreachable("target.plain-http: ", error))?
                    .sharing_the_cap_of(&target);
            let on_loopback = twin.is_loopback();
            Some(PlainHttp { call: call.clone(), target: Arc::new(twin), on_loopback })
        }
        None => None,
    };
    let mut nodes: Vec<(String, Arc<dyn Target>)> = Vec::new();
    for node in &config.nodes {
        let reach = reach.always_to(&node.host, node.port);
        let server = HttpTarget::resolve_with(&reach, uri, &limits, may_test(&node.host), clock.clone())
            .await
            .map_err(|error| unreachable(&format!("target.nodes.{}: ", node.label), error))?
            .sharing_the_cap_of(&target);
        nodes.push((node.label.clone(), Arc::new(server)));
    }
    let observer = match &config.observe {
        Some(Observe::Log { path, pattern }) => {
            Some(Observer::Log { path: path.clone(), pattern: pattern.clone() })
        }
        Some(Observe::Metrics { call, counter }) => {
            let page =
                HttpTarget::resolve_with(reach, &call.uri, &limits, may_test(&call.uri.host), clock.clone())
                    .await
                    .map_err(|error| unreachable("observe.metrics: ", error))?
                    .sharing_the_cap_of(&target);
            Some(Observer::Metrics { target: Arc::new(page), call: call.clone(), counter: counter.clone() })
        }
        None => None,
    };
    let (servers, source): (Servers, Arc<dyn TokenSource>) = match &config.auth {
        Auth::Embedded { listen, alg, issuer, audience, scope } => {
            let issuer_clock = Arc::new(ShiftedClock::new(clock.clone()));
            let new = || {
                Issuer::new(issuer.clone(), issuer_clock.clone(), entropy.clone())
                    .with_audience(audience.clone())
                    .with_alg(*alg)
            };
            let issuer = Arc::new(issuer_key::kept(&config.folder, new));
            let server = serve_issuer(*listen, issuer.clone()).await.map_err(|error| {
                Failure::Environment(format!("can't run the issuer on {listen} (auth.listen): {error}"))
            })?;
            let source = EmbeddedSource::new(issuer, audience.clone(), scope.clone())
                .map_err(|error| Failure::Environment(error.to_string()))?
                .with_clock(issuer_clock);
            (Servers::Issuer { _server: server }, Arc::new(source))
        }
        Auth::Command { command, scope, audience } => (
            Servers::None,
            Arc::new(CommandSource::new(command, &config.folder, scope, audience, entropy.clone())),
        ),
        Auth::ClientCredentials { issuer, client_id, client_secret_file, audience, scope } => {
            let client = ClientCredentials {
                issuer: issuer.clone(),
                client_id: client_id.clone(),
                client_secret: client_secret(config, client_secret_file.as_deref())?,
                audience: audience.clone(),
                scope: scope.clone(),
                allow_hosts: (!authorised).then(|| config.allow_hosts.clone()),
                reach: reach.clone(),
                limits,
            };
            let source = ClientCredentialsSource::new(client, clock.clone(), entropy.clone());
            (Servers::None, Arc::new(source))
        }
        Auth::Static { clients } => {
            let source = StaticSource::open(clients, &config.folder, clock.clone()).map_err(|error| {
                config.source.at(&error.path, Fault::Contradiction(error.why.to_string()))
            })?;
            (Servers::None, Arc::new(source))
        }
    };
    // A load on this machine is nobody else's.
    let tags = if target.is_loopback() { vec![Tag::Load] } else { Vec::new() };
    let setup = Setup {
        name: config.name.clone(),
        opt_in: OptIn { tags, ids: Vec::new() },
        target: Arc::new(target),
        call: config.call.clone(),
        places: config.places.clone(),
        plain_http,
        nodes,
        observer,
        source,
        capabilities: config.capabilities,
        alg: None,
        bearer: config.bearer,
        profile: config.profile,
        jobs: limits.jobs(),
        seed: 0,
        clock,
        entropy,
    };
    Ok((servers, setup))
}

/// The client's secret: from the environment, or a file; none for a public client.
fn client_secret(config: &Config, file: Option<&Path>) -> Result<Option<AccessToken>, Failure> {
    if let Some(secret) = std::env::var("DPOP_CLIENT_SECRET").ok().filter(|secret| !secret.is_empty()) {
        return Ok(Some(AccessToken::new(secret)));
    }
    let Some(file) = file else { return Ok(None) };
    let path = config.folder.join(file);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::Environment(format!("{} (auth.client-secret-file): {error}", path.display()))
    })?;
    Ok(Some(AccessToken::new(text.trim_end_matches(['\r', '\n']))))
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
        if drift.is_empty() {
            // Nothing is left to review.
            let _ = std::fs::remove_file(&pending);
        } else {
            known.updated(results, whole).write(&pending, &config.name).map_err(environment)?;
        }
    }
    Ok(drift)
}
