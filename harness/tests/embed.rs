//! The suite as the test program of somebody's crate (`dpop_harness::test_main`): what it tells of good, bad and dead
//! servers.
//!
//! This program is both: where a variable names a scene it is such a test program, and otherwise it runs itself so.

use std::env;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::Arc;

use axum::Router;
use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::AlgSet;
use dpop_harness::reference::{
    Defect, DefectSet, FUTURE_WINDOW, NonceMode, ResourceOptions, ResourceServer, Trust,
};
use dpop_harness::{TestMain, TrustedIssuer};
use libtest_mimic::{Arguments, Failed, Trial};

const SCENE: &str = "DPOP_TEST_SCENE";

fn main() {
    match env::var(SCENE) {
        Ok(scene) => play(&scene),
        Err(_) => {
            let trials = TESTS.iter().map(|(name, test)| {
                Trial::test(*name, move || {
                    test();
                    Ok::<(), Failed>(())
                })
            });
            libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit()
        }
    }
}

/// A program as users write it.
fn play(scene: &str) -> ! {
    let test = || TestMain::new("GET /resource");
    let no_ath = |issuer| reference(issuer, Defect::AthNotChecked.into());
    match scene {
        "clean" => dpop_harness::test_main(|issuer| reference(issuer, DefectSet::empty())),
        "no-ath" => test().run(no_ath),
        "waived" => test()
            .waive("rs.ath.missing", "the next release has it", "2999-12-31")
            .waive("rs.ath.other-token", "the next release has it", "2020-01-31")
            .waive("rs.key.fresh-key", "nothing is wrong with it", "2999-12-31")
            .run(no_ath),
        "unknown-waiver" => test().waive("rs.ath.mising", "a slip", "2999-12-31").run(no_ath),
        "no-day" => test().waive("rs.ath.missing", "a slip", "tomorrow").run(no_ath),
        "htu-literal" => test().run(|issuer| reference(issuer, Defect::HtuLiteral.into())),
        "htu-literal-denied" => {
            test().deny_warnings().run(|issuer| reference(issuer, Defect::HtuLiteral.into()))
        }
        "no-resource" => test().run(|_| Router::new()),
        "open" => test().run(|_| Router::new().route("/resource", axum::routing::get(async || "everybody"))),
        "dead" => test().run_server(|_, listener: TcpListener| {
            drop(listener);
            std::future::ready(())
        }),
        "panics" => test().run(|_| panic!("it was started")),
        "no-path" => TestMain::new("/resource").run(no_ath),
        other => panic!("there is no scene {other}"),
    }
}

fn reference(issuer: TrustedIssuer, defects: DefectSet) -> Router {
    let options = ResourceOptions {
        base_url: issuer.origin,
        protects_root: false,
        audience: issuer.audience,
        trust: Trust::Remote { issuer: issuer.url, jwks_uri: issuer.jwks_uri },
        algs: AlgSet::all(),
        future_window: FUTURE_WINDOW,
        nbf_window: None,
        nonce: NonceMode::Optional,
        unbound_bearer: false,
        replay: true,
        publishes: true,
        scope: None,
        defects,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    // The reference server asks for the connection, which the router of a user need not know.
    Arc::new(ResourceServer::new(options).expect("an origin")).router()
}

const TESTS: &[(&str, fn())] = &[
    ("a_clean_router_passes", a_clean_router_passes),
    ("a_forgotten_check_fails_and_says_so", a_forgotten_check_fails_and_says_so),
    ("nocapture_shows_requests_and_answers", nocapture_shows_requests_and_answers),
    ("waivers_ignore_and_end", waivers_ignore_and_end),
    ("a_mistake_in_the_program_is_no_result", a_mistake_in_the_program_is_no_result),
    ("warnings_are_told_or_denied", warnings_are_told_or_denied),
    ("a_server_that_cannot_be_judged_is_one_failure", a_server_that_cannot_be_judged_is_one_failure),
    ("a_list_starts_nothing", a_list_starts_nothing),
    ("filters_are_those_of_libtest", filters_are_those_of_libtest),
];

/// What a program told.
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    fn by(scene: &str, arguments: &[&str]) -> Self {
        let program = env::current_exe().expect("a program");
        let Output { status, stdout, stderr } =
            Command::new(program).args(arguments).env(SCENE, scene).output().expect("an end");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// The names of the tests that ended so: `ok`, `FAILED` or `ignored`.
    fn ended(&self, how: &str) -> Vec<&str> {
        fn name<'a>(line: &'a str, how: &str) -> Option<&'a str> {
            let (name, end) = line.strip_prefix("test ")?.split_once(" ... ")?;
            end.starts_with(how).then_some(name.trim_end())
        }
        self.out.lines().filter_map(|line| name(line, how)).collect()
    }

    #[track_caller]
    fn has(&self, code: i32, words: &[&str]) {
        let (out, err) = (&self.out, &self.err);
        assert_eq!(self.code, Some(code), "{out}\n{err}");
        for word in words {
            assert!(out.contains(word) || err.contains(word), "`{word}` is missing:\n{out}\n{err}");
        }
    }
}

fn a_clean_router_passes() {
    let told = Told::by("clean", &["rs.ath"]);
    told.has(0, &["test result: ok"]);
    assert!(told.ended("ok").contains(&"rs.ath.missing"), "{}", told.out);
    assert!(told.ended("FAILED").is_empty());
}

fn a_forgotten_check_fails_and_says_so() {
    let told = Told::by("no-ath", &["rs.ath"]);
    let words = [
        "FAIL rs.ath.missing   MUST",
        "Requirement  ",
        "Expected     reject",
        "Saw          accept 200",
        "Explain      dpop explain rs.ath.missing",
        "--test embed -- --exact rs.ath.missing",
    ];
    told.has(101, &words);
    assert!(told.ended("FAILED").contains(&"rs.ath.missing"), "{}", told.out);
    assert!(!told.out.contains("> GET /resource"), "nobody asked for requests");
}

fn nocapture_shows_requests_and_answers() {
    let told = Told::by("no-ath", &["--exact", "rs.ath.missing", "--nocapture"]);
    told.has(101, &["> GET /resource HTTP/1.1", "< HTTP/1.1 200"]);
    assert!(!told.out.contains("DPoP eyJ"), "the token is not shown:\n{}", told.out);
}

fn waivers_ignore_and_end() {
    let told = Told::by("waived", &["rs.ath"]);
    told.has(101, &["the waiver expired on 2020-01-31"]);
    assert!(told.ended("ignored").contains(&"rs.ath.missing"), "{}", told.out);
    assert!(told.ended("FAILED").contains(&"rs.ath.other-token"), "{}", told.out);
    let stale = Told::by("waived", &["--exact", "rs.key.fresh-key"]);
    stale.has(101, &["there is nothing to waive any more"]);
}

fn a_mistake_in_the_program_is_no_result() {
    Told::by("unknown-waiver", &[]).has(2, &["rs.ath.mising", "did you mean `rs.ath.missing`?"]);
    Told::by("no-day", &[]).has(2, &["\"tomorrow\" is not a day"]);
    Told::by("no-path", &[]).has(2, &["`/resource` is not a method and a path"]);
}

fn warnings_are_told_or_denied() {
    let told = Told::by("htu-literal", &["rs.htu"]);
    told.has(0, &["warn rs.htu."]);
    let denied = Told::by("htu-literal-denied", &["rs.htu"]);
    denied.has(101, &["WARN rs.htu."]);
    assert!(!denied.ended("FAILED").is_empty());
}

/// Whether the preflight was asked for or not.
fn a_server_that_cannot_be_judged_is_one_failure() {
    for (scene, word) in [("no-resource", "404"), ("dead", "connect"), ("open", "accept 200")] {
        for filter in [&[][..], &["rs.ath"]] {
            let told = Told::by(scene, filter);
            told.has(101, &[word, "rs.preflight."]);
            let failed = told.ended("FAILED");
            assert_eq!(failed.len(), 1, "{scene} {filter:?}: {}", told.out);
            let passed = told.ended("ok");
            let all = passed.iter().all(|name| name.starts_with("rs.preflight."));
            assert!(all, "{scene} {filter:?}: {passed:?}");
        }
    }
}

fn a_list_starts_nothing() {
    let told = Told::by("panics", &["--list", "--format", "terse"]);
    told.has(0, &["rs.ath.missing: test"]);
    Told::by("panics", &["of_another_program"]).has(0, &["running 0 tests"]);
}

fn filters_are_those_of_libtest() {
    let one = Told::by("clean", &["--exact", "rs.ath.missing"]);
    one.has(0, &["running 1 test"]);
    let skipped = Told::by("clean", &["rs.ath", "--skip", "missing", "--test-threads", "1"]);
    skipped.has(0, &["test result: ok"]);
    assert!(!skipped.out.contains("rs.ath.missing"), "{}", skipped.out);
}
