use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::issuer_key;
use super::transport::Transport;
use super::{Context, Failure};
use crate::clock::{Clock, LeapingClock, ShiftedClock, SystemClock};
use crate::entropy::{Entropy, SystemEntropy};
use crate::plan::OptIn;
use crate::proof::AccessToken;
use crate::reference::{Certificate, DefectSet, Issuer, NonceMode, Running, Server, serve_issuer};
use crate::scenario::{Fault, Tag};
use crate::spec::Profile;
use crate::suite::{PlainHttp, Setup, against_reference, against_shim};
use crate::target::tokens::{
    ClientCredentials, ClientCredentialsSource, CommandSource, EmbeddedSource, StaticSource, TokenSource,
};
use crate::target::{
    Auth, Capabilities, Config, HttpTarget, Limits, NotAllowed, Observe, Observer, Rate, Reach, Span, Target,
    TlsFiles,
};

/// Which target, and how it is reached.
#[derive(Debug, Args)]
pub(super) struct Aim {
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

/// A target, or where there is no dpop.yaml the built-in server; and how much is sent there.
#[derive(Debug, Args)]
pub(super) struct Subject {
    #[command(flatten)]
    aim: Aim,
    /// At most so many requests a unit of time, e.g. 20/s.
    #[arg(long, value_name = "RATE", env = "DPOP_RATE")]
    rate: Option<Rate>,
    /// At most so many requests in all.
    #[arg(long, value_name = "N", env = "DPOP_MAX_REQUESTS")]
    max_requests: Option<usize>,
    /// Instead of a server a verifier behind a shim (docs/shim.md): the command that starts it, for the shell.
    #[arg(long, value_name = "CMD", env = "DPOP_SHIM", conflicts_with_all = ["config", "defects"])]
    shim: Option<String>,
    /// Plant this bug in the built-in server, which is used where there is no config. May be given several times.
    #[arg(long = "defect", value_name = "NAME", env = "DPOP_DEFECT", value_delimiter = ',')]
    defects: Vec<String>,
}

impl Aim {
    /// The config that was named, or the one that lies here.
    pub(super) fn config(&self) -> Result<Option<Config>, Failure> {
        let here = Path::new("dpop.yaml");
        match &self.config {
            Some(path) => Ok(Some(Config::open(path)?)),
            None if here.is_file() => Ok(Some(Config::open(here)?)),
            None => Ok(None),
        }
    }

    /// What has to stand behind `dpop COMMAND` to use the same config.
    pub(super) fn repeat_config(&self) -> String {
        self.config.iter().map(|path| format!(" --config {}", path.display())).collect()
    }

    /// Says aloud what must not be overlooked.
    pub(super) fn warn(&self, context: &Context) {
        self.transport.warn(context);
    }

    /// The target of `config`, with `limits` before those of the config.
    pub(super) async fn set_up(&self, config: &Config, limits: Limits) -> Result<(Servers, Setup), Failure> {
        let http = self.transport.http()?;
        let limits = Limits { timeout: self.timeout, ..limits };
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let reach = self.transport.reach();
        if let Some(shim) = &config.shim {
            let limits = limits.or(config.limits);
            let setup =
                behind_shim(shim, &config.folder, config.capabilities, config.profile, limits).await?;
            return Ok((Servers::None, Setup { name: config.name.clone(), ..setup }));
        }
        let (servers, mut setup) = set_up(config, limits, self.authorised, &reach, clock, entropy).await?;
        setup.call.http = http;
        Ok((servers, setup))
    }
}

impl Subject {
    /// The config of the target; `None` where the built-in server is meant, which is said.
    pub(super) fn config(&self, context: &Context, doing: &str) -> Result<Option<Config>, Failure> {
        if self.shim.is_some() {
            return Ok(None);
        }
        let config = self.aim.config()?;
        match &config {
            Some(_) if !self.defects.is_empty() => {
                return Err(Failure::Usage(
                    "--defect is for the built-in server, and there is a config".to_owned(),
                ));
            }
            Some(_) => {}
            None => context
                .tell(&format!("no dpop.yaml here and no --config: {doing} the built-in reference server")),
        }
        self.aim.warn(context);
        Ok(config)
    }

    /// What is driven: the target of `config`, or the built-in server, which follows the rules of `profile`.
    pub(super) async fn set_up(
        &self,
        config: Option<&Config>,
        profile: Profile,
        jobs: Option<NonZeroUsize>,
    ) -> Result<(Servers, Setup), Failure> {
        self.set_up_within(config, profile, Limits { jobs, ..Limits::default() }).await
    }

    /// The same, with `limits` where the command line does not say otherwise.
    pub(super) async fn set_up_within(
        &self,
        config: Option<&Config>,
        profile: Profile,
        limits: Limits,
    ) -> Result<(Servers, Setup), Failure> {
        let limits = self.limits().or(limits);
        let (servers, mut setup) = match (config, &self.shim) {
            (Some(config), _) => self.aim.set_up(config, limits).await?,
            (None, Some(shim)) => {
                let here = Path::new(".");
                (Servers::None, behind_shim(shim, here, Capabilities::default(), profile, limits).await?)
            }
            (None, None) => {
                let defects = super::serve::planted(&self.defects)?;
                let http = self.aim.transport.http()?;
                let (servers, mut setup) = embedded(defects, profile, limits).await?;
                setup.call.http = http;
                (servers, setup)
            }
        };
        setup.profile = profile;
        Ok((servers, setup))
    }

    /// Whether the target is a verifier behind a shim.
    pub(super) fn is_shim(&self, config: Option<&Config>) -> bool {
        config.map_or(self.shim.is_some(), |config| config.shim.is_some())
    }

    fn limits(&self) -> Limits {
        let (rate, timeout) = (self.rate, self.aim.timeout);
        Limits { rate, timeout, jobs: None, max_requests: self.max_requests }
    }

    /// Another target, reached the same way, to compare this one with.
    pub(super) async fn set_up_other(
        &self,
        config: &Config,
        limits: Limits,
    ) -> Result<(Servers, Setup), Failure> {
        self.aim.set_up(config, self.limits().or(limits)).await
    }

    /// Options of curl and of `dpop` alike: how the target is reached.
    pub(super) fn transport_options(&self) -> String {
        self.aim.transport.repeat_with()
    }

    /// What has to stand behind `dpop run ID` to aim at the same.
    pub(super) fn repeat_with(&self) -> String {
        let defects = self.defects.iter().map(|name| format!(" --defect {name}"));
        let shim = self.shim.iter().map(|shim| format!(" --shim '{}'", shim.replace('\'', r"'\''")));
        let subject = shim.chain(defects).collect::<String>();
        let timeout = self.aim.timeout.iter().map(|timeout| format!(" --timeout {timeout}"));
        let authorised = self.aim.authorised.then(|| " --authorised".to_owned());
        let limits = timeout.chain(authorised).collect::<String>();
        self.aim.repeat_config() + &self.aim.transport.repeat_with() + &limits + &subject
    }
}

/// What has to live as long as the run: an issuer, or both reference servers.
pub(super) enum Servers {
    None,
    Issuer { _server: Server },
    Both { _running: Box<Running> },
}

/// The verifier behind a shim that runs in `folder`.
async fn behind_shim(
    command: &str,
    folder: &Path,
    capabilities: Capabilities,
    profile: Profile,
    limits: Limits,
) -> Result<Setup, Failure> {
    let started =
        against_shim(command, folder, capabilities, profile, &limits, Arc::new(SystemEntropy)).await;
    started.map_err(|error| Failure::Environment(error.to_string()))
}

async fn embedded(defects: DefectSet, profile: Profile, limits: Limits) -> Result<(Servers, Setup), Failure> {
    let (clock, entropy) = (Arc::new(LeapingClock::default()), Arc::new(SystemEntropy));
    // With nonces required every case of the suite has something to show.
    let (running, setup) = against_reference(NonceMode::Required, defects, profile, &limits, clock, entropy)
        .await
        .map_err(|error| Failure::Environment(format!("can't start the reference servers: {error}")))?;
    Ok((Servers::Both { _running: Box::new(running) }, setup))
}

async fn set_up(
    config: &Config,
    limits: Limits,
    authorised: bool,
    reach: &Reach,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(Servers, Setup), Failure> {
    let config = &config.with_secrets()?;
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
                    .sharing_the_limits_of(&target);
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
            .sharing_the_limits_of(&target);
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
                    .sharing_the_limits_of(&target);
            Some(Observer::Metrics { target: Arc::new(page), call: call.clone(), counter: counter.clone() })
        }
        None => None,
    };
    let (servers, source): (Servers, Arc<dyn TokenSource>) = match &config.auth {
        Auth::Embedded { listen, alg, issuer, audience, scope, claims, jti_prefix, tls } => {
            let issuer_clock = Arc::new(ShiftedClock::new(clock.clone()));
            let new = || {
                Issuer::new(issuer.clone(), issuer_clock.clone(), entropy.clone())
                    .with_audience(audience.clone())
                    .with_alg(*alg)
                    .with_claims(claims.clone())
                    .with_jti_prefix(jti_prefix.clone())
            };
            let certificate = match tls {
                None => None,
                Some(TlsFiles { certificate, key }) => {
                    let (certificate, key) = (config.folder.join(certificate), config.folder.join(key));
                    let certificate = Certificate::open(&certificate, &key).map_err(|error| {
                        config.source.at("auth.certificate-file", Fault::Contradiction(error.to_string()))
                    })?;
                    Some(certificate)
                }
            };
            let issuer = Arc::new(issuer_key::kept(&config.folder, new));
            let server = serve_issuer(*listen, issuer.clone(), certificate).await.map_err(|error| {
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
        Auth::Shim => unreachable!("only a verifier behind a shim has no `auth`"),
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
