//! `dpop doctor`, and the preflight of a run: what is wrong is said in one line, with whose it is, and no clock makes an
//! accusation.

use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::support::{Ended, Serving, free_port, run, text};
use dpop_harness::clock::{Clock, ShiftedClock, SystemClock};
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::AlgSet;
use dpop_harness::jose::uri::Uri;
use dpop_harness::judge::Verdict;
use dpop_harness::plan::{OptIn, all_of, select};
use dpop_harness::proof::{Call, Request};
use dpop_harness::reference::{
    Defect, FUTURE_WINDOW, Issuer, Listener, NonceMode, ResourceOptions, Server, Trust, serve_resource,
};
use dpop_harness::report::doctor_line;
use dpop_harness::scenario::{Scenario, load_embedded};
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Results, Setup, Stop, Time, Whose, examine, run as run_suite};
use dpop_harness::target::tokens::EmbeddedSource;
use dpop_harness::target::{
    Answer, BearerPolicy, BoxFuture, Capabilities, Forbidden, HttpTarget, Kept, Limits, NoRoom, Places,
    Resource, Response, Target,
};

fn scenarios() -> Vec<Scenario> {
    load_embedded().expect("valid")
}

/// A clock that is wrong by so many milliseconds.
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> SystemTime {
        let (now, by) = (SystemClock.now(), Duration::from_millis(self.0.unsigned_abs()));
        if self.0 < 0 { now - by } else { now + by }
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        SystemClock.sleep(duration)
    }
}

/// Changes the `Date` of every answer, or takes it away.
struct Dated {
    inner: Arc<dyn Target>,
    date: Option<i64>,
}

impl Dated {
    fn dated(&self, answer: Answer) -> Answer {
        let Answer::Response(mut response) = answer else { return answer };
        response.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
        if let Some(ahead) = self.date {
            let time = jiff::Timestamp::try_from(Wrong(ahead).now()).expect("a time");
            let date = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            response.fields.push(("date".to_owned(), date.into_bytes()));
        }
        Answer::Response(response)
    }
}

impl Target for Dated {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async move { self.dated(self.inner.send(request).await) })
    }

    fn send_over<'a>(&'a self, kept: &'a mut Kept, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async move { self.dated(self.inner.send_over(kept, request).await) })
    }

    fn send_and_cut<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        self.inner.send_and_cut(request)
    }

    fn release<'a>(&'a self, requests: &'a [Request]) -> BoxFuture<'a, Result<Vec<Answer>, NoRoom>> {
        Box::pin(async move {
            let answers = self.inner.release(requests).await?;
            Ok(answers.into_iter().map(|answer| self.dated(answer)).collect())
        })
    }
}

/// A proxy that takes `/api` away, and knows nothing else.
struct Behind(Arc<dyn Target>);

impl Behind {
    fn within(request: &Request) -> Option<Request> {
        let target = request.target.strip_prefix("/api")?.to_owned();
        Some(Request { target, ..request.clone() })
    }

    fn not_found() -> Answer {
        Answer::Response(Response { status: 404, fields: Vec::new(), body: Vec::new() })
    }
}

impl Target for Behind {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            match Self::within(request) {
                Some(request) => self.0.send(&request).await,
                None => Self::not_found(),
            }
        })
    }

    fn send_over<'a>(&'a self, kept: &'a mut Kept, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            match Self::within(request) {
                Some(request) => self.0.send_over(kept, &request).await,
                None => Self::not_found(),
            }
        })
    }

    fn send_and_cut<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        self.send(request)
    }

    fn release<'a>(&'a self, requests: &'a [Request]) -> BoxFuture<'a, Result<Vec<Answer>, NoRoom>> {
        Box::pin(async move {
            let within: Vec<Request> = requests.iter().filter_map(Self::within).collect();
            self.0.release(&within).await
        })
    }
}

/// A resource server with a clock, a public URL and bugs of its own, and a run whose issuer goes by our clock.
struct Scene {
    _server: Server,
    setup: Setup,
}

impl Scene {
    async fn new(wrong: i64, public: Option<&str>, nonce: NonceMode, defects: &[Defect]) -> Self {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let address = Listener::bind(([127, 0, 0, 1], 0).into()).await.expect("a port");
        let url = address.url();
        drop(address);
        let base_url = public.unwrap_or(&url).to_owned();
        let issuer_clock = Arc::new(ShiftedClock::new(clock.clone()));
        let issuer =
            Arc::new(Issuer::new("http://127.0.0.1:1".to_owned(), issuer_clock.clone(), entropy.clone()));
        let options = ResourceOptions {
            base_url: base_url.clone(),
            protects_root: false,
            audience: base_url.clone(),
            trust: Trust::Issuer(issuer.clone()),
            algs: AlgSet::all(),
            future_window: FUTURE_WINDOW,
            nbf_window: None,
            nonce,
            replay: true,
            unbound_bearer: false,
            publishes: true,
            scope: None,
            defects: defects.iter().copied().collect(),
            clock: Arc::new(Wrong(wrong)),
            entropy: entropy.clone(),
        };
        let addr = url.trim_start_matches("http://").parse().expect("an address");
        let server = serve_resource(addr, options).await.expect("a server");
        let uri = format!("{url}/resource").parse().expect("a URL");
        let limits = Limits::default();
        let target = HttpTarget::resolve(&uri, &limits, false, clock.clone()).await.expect("loopback");
        let source = EmbeddedSource::new(issuer, base_url, String::new()).expect("a source");
        let beside = |method: &str, path: &str| {
            let uri: Uri = format!("{url}/{path}").parse().expect("a URL");
            Call::to(method, uri)
        };
        let resource =
            |method, safe| Resource { call: beside(method, "other"), safe, class: None, nonce: None };
        let places = Places {
            resources: vec![resource("GET", true), resource("POST", false)],
            forbidden: vec![Forbidden { call: beside("GET", "admin"), lacks: None }],
        };
        let setup = Setup {
            name: "skewed".to_owned(),
            target: Arc::new(target),
            call: Call::to("GET", uri),
            places,
            plain_http: None,
            nodes: Vec::new(),
            observer: None,
            source: Arc::new(source.with_clock(issuer_clock)),
            capabilities: Capabilities::default(),
            alg: None,
            bearer: Some(BearerPolicy::Refused),
            profile: Profile::Rfc9449,
            jobs: 4,
            opt_in: OptIn::default(),
            seed: 0,
            clock,
            entropy,
        };
        Self { _server: server, setup }
    }

    /// Every answer says that it is so many milliseconds later than it is; or nothing of the time.
    fn dated(mut self, date: Option<i64>) -> Self {
        self.setup.target = Arc::new(Dated { inner: self.setup.target.clone(), date });
        self
    }

    async fn run(&self) -> Results {
        let scenarios = scenarios();
        run_suite(&self.setup, &scenarios, &all_of(&scenarios, Profile::Rfc9449), &mut |_| {}).await
    }

    /// The cases that depend on the time.
    async fn run_timed(&self) -> Results {
        let scenarios = scenarios();
        let timed = ["rs.preflight", "rs.time", "rs.accept", "rs.token"].map(str::to_owned);
        run_suite(&self.setup, &scenarios, &select(&scenarios, &timed).expect("known"), &mut |_| {}).await
    }
}

/// What is neither `pass` nor `skip`.
fn odd(results: &Results) -> Vec<(&str, Verdict, &str)> {
    let odd = results.outcomes.iter().filter(|one| !matches!(one.verdict, Verdict::Pass | Verdict::Skip));
    odd.map(|one| (one.id.as_str(), one.verdict, one.reason.as_deref().unwrap_or_default())).collect()
}

const HOUR: i64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_correct_server_with_a_wrong_clock_is_not_accused() {
    for nonce in [NonceMode::Never, NonceMode::Required] {
        for (wrong, followed) in
            [(0, false), (1_800, false), (-1_800, false), (-600_000, true), (600_000, true), (5 * HOUR, true)]
        {
            let scene = Scene::new(wrong, None, nonce, &[]).await;
            let results = if nonce == NonceMode::Never { scene.run().await } else { scene.run_timed().await };
            let time = results.health.time;
            assert_eq!(odd(&results), [], "{wrong} ms, {nonce:?}: {time:?}");
            if nonce == NonceMode::Never {
                // Proofs for other places than target.resource follow the same clock.
                for id in ["rs.resources.other-key", "rs.forbidden.perfect-proof"] {
                    let there = results.outcomes.iter().find(|one| one.id == id).expect("performed");
                    assert_eq!(there.verdict, Verdict::Pass, "{id}, {wrong} ms: {:?}", there.reason);
                }
            }
            // With a nonce in the proof a server may not need its iat; this one looks at it all the same.
            assert_eq!(matches!(time, Time::Target(_)), followed, "{wrong} ms: {time:?}");
            if let Time::Target(ahead) = time {
                assert!((ahead * 1000 - wrong).abs() <= 1000, "{ahead} s for {wrong} ms");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_on_the_first_line() {
    for (wrong, said) in [
        (0, "✓ clock  "),
        (-HOUR, "! clock server -1 h 0 min, followed  "),
        (320_000, "! clock server +5 min "),
        (600_000, "! clock server +10 min 0 s, followed  "),
        (-600_000, "! clock server -10 min 0 s, followed  "),
        (-58_000, "! clock server -5"),
    ] {
        let scene = Scene::new(wrong, None, NonceMode::Never, &[]).await;
        let (health, _) = examine(&Stop::default(), &scene.setup, &scenarios()).await;
        let line = doctor_line(&health, false);
        assert!(line.contains(said), "{said} is not in {line}");
        assert!(line.lines().all(|line| line.chars().count() <= 100), "{line}");
        assert!(line.contains("✓ token bound to key") && line.contains("✓ control 200"), "{line}");
    }
}

/// Ten minutes off, and nothing shows it: one finding, and nothing else is judged.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_that_is_not_shown_is_one_finding() {
    for wrong in [-600_000, 600_000] {
        let results = Scene::new(wrong, None, NonceMode::Never, &[]).await.dated(None).run().await;
        let odd = odd(&results);
        let [("rs.preflight.control", Verdict::Inconclusive, why)] = odd[..] else { panic!("{odd:?}") };
        assert!(why.contains("iat is outside of the accepted window"), "{why}");
        let passed = results.outcomes.iter().filter(|one| one.verdict == Verdict::Pass);
        assert!(passed.into_iter().all(|one| one.id.starts_with("rs.preflight.")), "{wrong}");
    }
}

/// 58 s behind: what is a little in the future by our clock is too far in it by that of the server.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_clock_shows_alone_is_no_finding() {
    let results = Scene::new(-58_000, None, NonceMode::Never, &[]).await.run_timed().await;
    assert!(matches!(results.health.time, Time::Either(_)), "{:?}", results.health);
    let odd = odd(&results);
    let [
        ("rs.accept.iat-slightly-ahead", Verdict::Inconclusive, why),
        ("rs.accept.iat-ten-seconds-ahead", Verdict::Note, _),
    ] = odd[..]
    else {
        panic!("{odd:?}")
    };
    assert!(why.contains("not by that of the target"), "{why}");
    // And what both show, is.
    let results =
        Scene::new(-58_000, None, NonceMode::Never, &[Defect::IatPastUnlimited]).await.run_timed().await;
    let old = results.outcomes.iter().find(|one| one.id == "rs.time.iat-old").expect("performed");
    assert_eq!((old.verdict, old.reproduced), (Verdict::Fail, Some((2, 2))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_is_missing_or_wrong_accuses_nobody_and_hides_nothing() {
    for date in [None, Some(HOUR), Some(-HOUR), Some(300_000), Some(-40_000), Some(40_000)] {
        let results = Scene::new(0, None, NonceMode::Never, &[]).await.dated(date).run_timed().await;
        let line = doctor_line(&results.health, false);
        assert_eq!(line.contains("not believed"), date.is_some_and(|date| date.abs() > 60_000), "{line}");
        assert_eq!(odd(&results), [], "{date:?}: {:?}", results.health);
        assert!(!matches!(results.health.time, Time::Target(_)), "{date:?}: {:?}", results.health);
        for (defect, id) in [
            (Defect::IatPastUnlimited, "rs.time.iat-old"),
            (Defect::IatFutureUnlimited, "rs.time.iat-future"),
        ] {
            let results =
                Scene::new(0, None, NonceMode::Never, &[defect]).await.dated(date).run_timed().await;
            let found = odd(&results);
            assert!(found.iter().any(|one| (one.0, one.1) == (id, Verdict::Fail)), "{date:?}: {found:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_that_proofs_must_name_is_found() {
    for (public, wrong) in [
        ("https://api.example.test", 0),
        ("http://api.example.test:8443", 0),
        ("https://api.example.test/v2", 0),
        ("https://api.example.test", -HOUR),
    ] {
        let mut scene = Scene::new(wrong, Some(public), NonceMode::Optional, &[]).await;
        let (health, _) = examine(&Stop::default(), &scene.setup, &scenarios()).await;
        let trouble = health.trouble.expect("proofs name the wrong URL");
        assert_eq!(trouble.whose, Whose::Config("target.htu-base"), "{trouble}");
        assert!(trouble.what.contains(&format!("set target.htu-base: {public}")), "{trouble}");
        // Done as it says, it works.
        scene.setup.call.htu = scene.setup.call.named_by(&public.parse().expect("a URL"));
        let (health, _) = examine(&Stop::default(), &scene.setup, &scenarios()).await;
        assert_eq!(health.trouble, None, "{public}");
    }
}

/// Where clients can't know the resource by the URL that the server takes, it is the server that must be told.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_know_of_its_proxy() {
    let url = "https://api.example.test/api/resource";
    for (public, takes, told) in [
        (
            Some("https://api.example.test"),
            "https://api.example.test/resource",
            "the part of the path that the proxy takes away",
        ),
        (
            Some("http://api.example.test"),
            "http://api.example.test/resource",
            "the part of the path that the proxy takes away",
        ),
        (
            Some("http://api.example.test/api"),
            "http://api.example.test/api/resource",
            "target.htu-base: http://api.example.test",
        ),
        (None, "/resource and none for", "the part of the path that the proxy takes away"),
        (Some("https://api.example.test/api"), "", ""),
    ] {
        for nonce in [NonceMode::Never, NonceMode::Required] {
            let mut scene = Scene::new(0, public, nonce, &[]).await;
            scene.setup.target = Arc::new(Behind(scene.setup.target.clone()));
            scene.setup.call = Call::to("GET", url.parse().expect("a URL"));
            let (health, outcomes) = examine(&Stop::default(), &scene.setup, &scenarios()).await;
            let bad: Vec<&str> = outcomes
                .iter()
                .filter(|one| !matches!(one.verdict, Verdict::Pass | Verdict::Skip))
                .map(|one| one.id.as_str())
                .collect();
            let Some(trouble) = health.trouble else {
                assert_eq!((takes, bad), ("", vec![]), "{public:?} is not what it is called");
                continue;
            };
            assert_eq!(bad, ["rs.preflight.control"], "one finding");
            assert_eq!(trouble.whose, Whose::Server, "{trouble}");
            for part in [takes, told, &format!("none for {url}"), "its public URL"] {
                assert!(trouble.what.contains(part), "{part} is not in: {trouble}");
            }
        }
    }
}

/// A dpop.yaml in `folder` with this target and this auth.
fn config(folder: &Path, resource: &str, auth: &str) -> std::path::PathBuf {
    let path = folder.join("dpop.yaml");
    let yaml =
        format!("dpop: 1\ntarget: {{ name: t, resource: GET {resource}, bearer: refused }}\nauth: {auth}\n");
    fs::write(&path, yaml).expect("written");
    path
}

/// `doctor` ends with this code and says this in its last line, and a run says the same of its preflight.
/// The issuer's key stays in `folder`: the server remembers it.
#[track_caller]
fn check(folder: &Path, resource: &str, auth: &str, code: i32, said: &[&str]) -> String {
    let path = config(folder, resource, auth);
    let Ended { stdout, stderr, .. } = run(["doctor", "--config", text(&path)]).with(code);
    assert_eq!(stderr, "");
    let last = stdout.lines().last().unwrap_or_default().to_owned();
    for part in said {
        assert!(last.contains(part), "{part} is not in: {last}\n{stdout}");
    }
    assert!(stdout.lines().all(|line| line.chars().count() <= 100 || line == last), "{stdout}");
    if code != 0 {
        let results = folder.join("results.json");
        let report = format!("json={}", text(&results));
        run(["run", "--config", text(&path), "--report", &report]).with(if code == 1 { 1 } else { 3 });
        let results: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(results).expect("a report")).expect("JSON");
        assert_eq!(results["facts"]["trouble"], last.as_str(), "the same diagnosis");
    }
    stdout
}

fn embedded(port: u16, audience: &str) -> String {
    format!(
        "{{ kind: embedded, listen: 127.0.0.1:{port}, issuer: 'http://127.0.0.1:{port}', audience: '{audience}' }}"
    )
}

#[test]
fn what_is_wrong_and_whose_it_is() {
    let (port, issuer) = (free_port(), free_port());
    let dead = format!("http://127.0.0.1:{}/resource", free_port());
    let origin = format!("http://127.0.0.1:{port}");
    let (listen, trust) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{issuer}"));
    let _serving = Serving::start(&["--listen", &listen, "--trust", &trust]);
    let resource = format!("{origin}/resource");
    let folder = tempfile::tempdir().expect("a folder");
    let check =
        |resource: &str, auth: &str, code, said: &[&str]| check(folder.path(), resource, auth, code, said);

    let page = check(&resource, &embedded(issuer, &origin), 0, &["It can be judged"]);
    for line in ["reachable", "tls", "protected", "clock", "token", "control", "htu", "nonces", "algorithms"]
    {
        assert!(page.contains(line), "{line} is not in {page}");
    }
    check(&dead, &embedded(issuer, &origin), 3, &["environment: nothing answers at", &dead]);
    let tls = resource.replace("http:", "https:");
    check(&tls, &embedded(issuer, &origin), 2, &["configuration (target.resource)", "does not speak TLS"]);
    let wrong = embedded(issuer, "https://elsewhere.example");
    check(
        &resource,
        &wrong,
        2,
        &[
            "configuration (auth.audience)",
            &origin,
            "https://elsewhere.example",
            "It says: the access token is for another audience",
        ],
    );
    let unbound = r#"{ kind: command, command: [echo, '{"access_token":"e30.e30.x"}'] }"#;
    check(&resource, unbound, 2, &["configuration (auth)", "bound to no key"]);
    let failing = "{ kind: command, command: ['false'] }";
    check(&resource, failing, 3, &["environment: no access token"]);
    let missing = format!("{origin}/nothing");
    check(&missing, &embedded(issuer, &origin), 2, &["configuration (target.resource)", "method and path"]);
    let open = format!("{origin}/metrics");
    check(&open, &embedded(issuer, &origin), 1, &["server: ", "not protected at all"]);
}

#[test]
fn behind_a_proxy() {
    let (port, issuer) = (free_port(), free_port());
    let (listen, trust) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{issuer}"));
    let public = "https://api.example.test";
    let _serving = Serving::start(&["--listen", &listen, "--trust", &trust, "--public-url", public]);
    let resource = format!("http://127.0.0.1:{port}/resource");
    let line = "configuration (target.htu-base): proofs for https://api.example.test are accepted: \
                set target.htu-base: https://api.example.test";
    let folder = tempfile::tempdir().expect("a folder");
    check(folder.path(), &resource, &embedded(issuer, public), 2, &[line]);
}

#[test]
fn without_a_config_it_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = crate::support::dpop(["doctor"]);
    let Ended { stderr, .. } = crate::support::ended(command.current_dir(folder.path())).with(2);
    assert!(stderr.contains("--config") && stderr.contains("dpop init URL"), "{stderr}");
}

/// Signs are readable without colour, and in ASCII where the terminal has nothing else.
#[test]
fn in_ascii() {
    let ended = |locale: &str| {
        let mut command = crate::support::dpop(["run", "rs.ath.missing"]);
        let ended = crate::support::ended(command.env("LC_ALL", locale)).with(0);
        let line = ended.stdout.lines().find(|line| line.starts_with("doctor")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("no doctor line in {}", ended.stdout))
    };
    assert!(ended("C").is_ascii() && ended("C").contains("ok control 200"), "{}", ended("C"));
    assert!(ended("en_US.UTF-8").contains("✓ control 200"), "{}", ended("en_US.UTF-8"));
}
