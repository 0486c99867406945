//! The suite as a test program of a server's own crate: a router on a free port of loopback, an issuer that it trusts, and
//! one named test a case, for `cargo test` and what stands in for it.
//!
//! The cases share one run, as they do in `dpop run`: one preflight, all refusals judged together. It is made before the tests
//! are, which only tell what came of it.

mod trial;

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::process;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::serve::ListenerExt as _;
use libtest_mimic::{Arguments, Trial};
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use crate::clock::SystemClock;
use crate::entropy::SystemEntropy;
use crate::jose::Alg;
use crate::jose::uri::{Uri, UriError};
use crate::plan::{OptIn, Selected, all_of};
use crate::proof::{Call, KeyError};
use crate::reference::{Issuer, Listener};
use crate::report::{Human, Report, Style};
use crate::scenario::{Diagnostic, Scenario, Tag, load_embedded, nearest};
use crate::spec::Profile;
use crate::suite::{Results, Setup, run};
use crate::target::tokens::EmbeddedSource;
use crate::target::{
    BearerPolicy, Capabilities, Day, HttpTarget, Limits, NotADay, NotAllowed, Places, Waiver,
};
use trial::Meaning;

/// What a server has to know to be tested.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrustedIssuer {
    /// The issuer whose tokens it has to accept: the value of `iss`. Its metadata are where RFC 8414 says.
    pub url: String,
    /// Where its keys are served.
    pub jwks_uri: String,
    /// The same keys, for a server that is given them (RFC 7517 section 5).
    pub jwks: Value,
    /// The audience of its tokens: the value of `aud`.
    pub audience: String,
    /// The origin at which the server is reached, without trailing slash: what `htu` in proofs begins with.
    pub origin: String,
}

/// Serves `router` and makes the suite its test program: [`TestMain`] with `GET /resource` as the protected resource.
///
/// ```no_run
/// # fn my_router(_issuer: dpop_harness::TrustedIssuer) -> axum::Router { axum::Router::new() }
/// fn main() {
///     dpop_harness::test_main(|issuer| my_router(issuer))
/// }
/// ```
pub fn test_main(router: impl FnOnce(TrustedIssuer) -> Router) -> ! {
    TestMain::new("GET /resource").run(router)
}

/// A test program (`harness = false`) that drives a server with right and wrong proofs: one test a case.
///
/// It takes the arguments that libtest does: part of a name, `--exact`, `--skip`, `--list`, `--ignored`, `--format`.
/// `--test-threads` says how many cases run at the same time, `--nocapture` shows requests and answers of what failed.
///
/// | verdict | test |
/// |---|---|
/// | pass, note | ok |
/// | warn | ok, and told below; failed where [warnings are denied](Self::deny_warnings) |
/// | fail, inconclusive | failed |
/// | skip, waived | ignored, with the reason |
///
/// Cases that wait for minutes are ignored unless `--include-ignored` asks for them. Where the server can't be judged at all, one
/// test fails and says why, and the others are ignored.
#[derive(Debug, Clone)]
pub struct TestMain {
    resource: String,
    profile: Profile,
    capabilities: Capabilities,
    bearer: Option<BearerPolicy>,
    alg: Alg,
    scope: String,
    claims: Map<String, Value>,
    waivers: Vec<(String, String, String)>,
    deny_warnings: bool,
}

/// Why there is nothing to test.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
enum Fault {
    #[error("`{0}` is not a method and a path such as `GET /v1/me`")]
    NotAResource(String),
    #[error("{0}")]
    NotAUrl(#[from] UriError),
    #[error("a waiver names `{name}`, and no case is called so{}", hint.as_ref().map(|hint| format!(" (did you mean `{hint}`?)")).unwrap_or_default())]
    UnknownCase { name: String, hint: Option<String> },
    #[error("the waiver of {0}: {1}")]
    Expiry(String, NotADay),
    #[error("{0}")]
    Scenario(#[from] Box<Diagnostic>),
    #[error("can't start the servers: {0}")]
    Start(#[from] io::Error),
    #[error("{0}")]
    Key(#[from] KeyError),
    #[error("{0}")]
    Unreachable(#[from] NotAllowed),
}

impl TestMain {
    /// A test of the server whose protected resource is `resource`: a method and a path, e.g. `GET /v1/me`. A correct request
    /// there is answered with 2xx, and may be repeated.
    pub fn new(resource: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            profile: Profile::default(),
            capabilities: Capabilities::default(),
            bearer: None,
            alg: Alg::Es256,
            scope: String::new(),
            claims: Map::new(),
            waivers: Vec::new(),
            deny_warnings: false,
        }
    }

    /// The rules laid over RFC 9449.
    #[must_use]
    pub fn profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// What the server has, where that is not to be measured.
    #[must_use]
    pub fn capabilities(self, capabilities: Capabilities) -> Self {
        Self { capabilities, ..self }
    }

    /// Whether the server still serves unbound tokens.
    #[must_use]
    pub fn bearer(self, policy: BearerPolicy) -> Self {
        Self { bearer: Some(policy), ..self }
    }

    /// The algorithm that tokens are signed with; otherwise ES256.
    #[must_use]
    pub fn token_alg(self, alg: Alg) -> Self {
        Self { alg, ..self }
    }

    /// The `scope` of tokens; otherwise they have none.
    #[must_use]
    pub fn scope(self, scope: &str) -> Self {
        Self { scope: scope.to_owned(), ..self }
    }

    /// Has tokens say this, too.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Accepts the failure of a case until the end of a day, e.g. `2027-01-31`. Once that is over, or nothing is left to waive, the
    /// test fails.
    #[must_use]
    pub fn waive(mut self, case: &str, reason: &str, expires: &str) -> Self {
        self.waivers.push((case.to_owned(), reason.to_owned(), expires.to_owned()));
        self
    }

    /// Has the test of a missed SHOULD fail, too.
    #[must_use]
    pub fn deny_warnings(self) -> Self {
        Self { deny_warnings: true, ..self }
    }

    /// Serves the router that `router` makes, and ends the process with 0 where every test passed or was ignored, 101 where one
    /// failed, and 2 where nothing can be tested as it is set up here.
    pub fn run(self, router: impl FnOnce(TrustedIssuer) -> Router) -> ! {
        self.run_server(|issuer, listener| {
            let router = router(issuer);
            async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                // Otherwise a small answer may wait for the other side's acknowledgement.
                let listener = listener.tap_io(|connection| {
                    let _ = connection.set_nodelay(true);
                });
                let service = router.into_make_service_with_connect_info::<SocketAddr>();
                let _ = axum::serve(listener, service).await; // it does not end
            }
        })
    }

    /// The same for a server that is no router of axum: `server` serves on the listener until it is dropped, in a runtime of
    /// tokio.
    #[expect(clippy::print_stderr, reason = "it is the main function of a program")]
    pub fn run_server<S, F>(self, server: S) -> !
    where
        S: FnOnce(TrustedIssuer, TcpListener) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let arguments = Arguments::from_args();
        match self.tested(&arguments, server) {
            Ok(code) => process::exit(code),
            Err(Fault::Scenario(diagnostic)) => eprintln!("{}", diagnostic.render(false)),
            Err(fault) => eprintln!("dpop: {fault}"),
        }
        process::exit(2)
    }

    fn tested<S, F>(self, arguments: &Arguments, server: S) -> Result<i32, Fault>
    where
        S: FnOnce(TrustedIssuer, TcpListener) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let scenarios = load_embedded()?;
        let waivers = self.waivers(&scenarios)?;
        let (method, path) = self
            .resource
            .split_once(' ')
            .filter(|(_, path)| path.starts_with('/'))
            .ok_or_else(|| Fault::NotAResource(self.resource.clone()))?;
        let cases = all_of(&scenarios, self.profile);
        let trials = || cases.iter().map(|case| trial::placeholder(case.case));
        let wanted: Vec<Selected<'_>> = cases
            .iter()
            .zip(trials())
            .filter(|(_, trial)| !arguments.is_filtered_out(trial) && !arguments.is_ignored(trial))
            .map(|(case, _)| *case)
            .collect();
        if arguments.list || wanted.is_empty() {
            return Ok(concluded(arguments, trials().collect()));
        }

        let runtime = Runtime::new()?;
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let origin = format!("http://{}", socket.local_addr()?);
        let (issuer, _issuer_server) = runtime.block_on(self.issuer(&origin))?;
        let trusted = TrustedIssuer {
            url: issuer.url().to_owned(),
            jwks_uri: issuer.endpoint("/.well-known/jwks.json"),
            jwks: issuer.jwks(),
            audience: issuer.audience().to_owned(),
            origin: origin.clone(),
        };
        {
            // Within the runtime, so that it may start tasks, and not in one of its tasks, so that it may wait.
            let _within = runtime.enter();
            runtime.spawn(server(trusted, socket));
        }
        let call = Call::to(method, format!("{origin}{path}").parse::<Uri>()?);
        let setup = runtime.block_on(self.setup(issuer, call, arguments))?;
        let (began, clock) = (setup.clock.now(), setup.clock.clone());
        let mut results = runtime.block_on(run(&setup, &scenarios, &wanted, &mut |_| {}));
        results.apply(&waivers, Day::of(began));

        let meaning =
            Meaning { results: &results, deny_warnings: self.deny_warnings, style: style(arguments) };
        let told = meaning.trials(&wanted);
        let rest = trials().filter(|trial| !told.iter().any(|known| known.name() == trial.name()));
        let mut tests: Vec<Trial> = rest.collect();
        tests.extend(told);
        let code = concluded(arguments, tests);
        let seconds = clock.now().duration_since(began).unwrap_or_default();
        // Nothing can be done where nobody listens.
        let _ = self.remarks(&results, began, seconds);
        Ok(code)
    }

    /// The issuer, with its servers.
    async fn issuer(&self, audience: &str) -> io::Result<(Arc<Issuer>, crate::reference::Server)> {
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let issuer = Issuer::new(listener.url(), Arc::new(SystemClock), Arc::new(SystemEntropy))
            .with_audience(audience.to_owned())
            .with_alg(self.alg)
            .with_claims(self.claims.clone());
        let issuer = Arc::new(issuer);
        let server = listener.serve(issuer.clone().router());
        Ok((issuer, server))
    }

    async fn setup(&self, issuer: Arc<Issuer>, call: Call, arguments: &Arguments) -> Result<Setup, Fault> {
        let clock = Arc::new(SystemClock);
        let jobs = arguments.test_threads.and_then(NonZeroUsize::new);
        let limits = Limits { jobs, ..Limits::default() };
        let target = HttpTarget::resolve(&call.uri, &limits, false, clock.clone()).await?;
        let audience = issuer.audience().to_owned();
        let slow = (arguments.ignored || arguments.include_ignored).then_some(Tag::Slow);
        Ok(Setup {
            name: "router".to_owned(),
            target: Arc::new(target),
            call,
            places: Places::default(),
            plain_http: None,
            nodes: Vec::new(),
            observer: None,
            source: Arc::new(EmbeddedSource::new(issuer, audience, self.scope.clone())?),
            capabilities: self.capabilities,
            bearer: self.bearer,
            alg: None,
            profile: self.profile,
            jobs: limits.jobs(),
            opt_in: OptIn { tags: slow.into_iter().chain([Tag::Load]).collect(), ids: Vec::new() },
            seed: 0,
            clock,
            entropy: Arc::new(SystemEntropy),
        })
    }

    fn waivers(&self, scenarios: &[Scenario]) -> Result<Vec<Waiver>, Fault> {
        let ids = || scenarios.iter().flat_map(|scenario| &scenario.cases).map(|case| case.id.as_str());
        let waiver = |(case, reason, expires): &(String, String, String)| {
            if !ids().any(|id| id == case) {
                let hint = nearest(case, ids()).map(str::to_owned);
                return Err(Fault::UnknownCase { name: case.clone(), hint });
            }
            let expires = expires.parse().map_err(|error| Fault::Expiry(case.clone(), error))?;
            Ok(Waiver { case: case.clone(), reason: reason.clone(), expires })
        };
        self.waivers.iter().map(waiver).collect()
    }

    /// Tells below the tests what made none of them fail, and is worth a word.
    fn remarks(&self, results: &Results, began: SystemTime, took: Duration) -> io::Result<()> {
        let mut out = io::stderr().lock();
        let mut page = Vec::new();
        let mut human = Human::new(&mut page, Style::default(), String::new());
        for outcome in trial::remarkable(results, self.deny_warnings) {
            human.brief(outcome)?;
        }
        let seconds = took.as_secs_f64();
        human.summary(&Report { results, drift: None, began, seconds, partition: None, config: None })?;
        out.write_all(&page)
    }
}

fn concluded(arguments: &Arguments, trials: Vec<Trial>) -> i32 {
    if libtest_mimic::run(arguments, trials).has_failed() { 101 } else { 0 }
}

/// With `--nocapture`, requests and answers, too.
fn style(arguments: &Arguments) -> Style {
    let verbosity = if arguments.nocapture || arguments.show_output { 2 } else { 0 };
    Style { verbosity, ..Style::default() }
}
