//! `auth.kind: static`: tokens and keys from files and the environment, and what is said where they are no good.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Ended, dpop, ended, text};
use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::{Alg, Jkt};
use dpop_harness::proof::ProofKey;
use dpop_harness::reference::{Options, Running, TokenRequest, start};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The reference server, and a folder with tokens for it.
struct Bench {
    running: Running,
    folder: TempDir,
    _runtime: Runtime,
}

impl Bench {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let options = Options::new(Arc::new(SystemClock), Arc::new(SystemEntropy));
        let running = runtime.block_on(start(options)).expect("free ports");
        Self { running, folder: tempfile::tempdir().expect("a folder"), _runtime: runtime }
    }

    fn token(&self, confirmation: Jkt, lifetime: u64) -> String {
        self.running.issuer.mint(&TokenRequest {
            subject: "alice".into(),
            client_id: "test".into(),
            audience: self.running.audience().into(),
            scope: "read".into(),
            lifetime: Duration::from_secs(lifetime),
            confirmation: Some(confirmation),
        })
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).expect("written");
    }

    /// A client in files of this name; its token.
    fn client(&self, name: &str, key: &ProofKey) -> String {
        let token = self.token(key.thumbprint(), 300);
        self.write(&format!("{name}.token"), &format!("{token}\n"));
        self.write(&format!("{name}.jwk"), &key.to_private_jwk().to_text());
        token
    }

    fn run(&self, auth: &str, ids: &[&str], environment: &[(&str, &str)]) -> Ended {
        let url = &self.running.resource_url;
        let config = format!(
            "dpop: 1\ntarget: {{ name: mine, resource: GET {url} }}\nauth:\n  kind: static\n{auth}\n"
        );
        self.write("dpop.yaml", &config);
        let report = format!("json={}", text(&self.report()));
        let mut command = dpop(["run", "--config", text(&self.folder.path().join("dpop.yaml"))]);
        command.args(["-vv", "--report", &report]);
        ended(command.args(ids).envs(environment.iter().copied()))
    }

    fn report(&self) -> std::path::PathBuf {
        self.folder.path().join("results.json")
    }

    /// The verdict of a case in the report, and its reason.
    fn verdict(&self, id: &str) -> (String, String) {
        let report: Value =
            serde_json::from_slice(&fs::read(self.report()).expect("a report")).expect("JSON");
        let cases = report["cases"].as_array().expect("cases");
        let case = cases.iter().find(|case| case["id"] == id).expect("the case");
        let word = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
        (word("verdict"), word("reason"))
    }
}

fn key(alg: Alg) -> ProofKey {
    ProofKey::generate_for(alg, &SystemEntropy)
}

/// A second token of the first key, and clients with other keys: then what needs them is performed.
#[test]
fn several_clients() {
    let bench = Bench::new();
    let (own, other, rsa) = (key(Alg::Es256), key(Alg::Es384), key(Alg::Rs256));
    let secrets = [bench.client("own", &own), bench.client("other", &other), bench.client("rsa", &rsa)];
    let spare = bench.token(own.thumbprint(), 300);
    let auth = "  clients:\n    - { token-file: own.token, jwk-file: own.jwk }\n    \
                - { token-env: MINE_SPARE, jwk-file: own.jwk }\n    \
                - { token-file: other.token, jwk-file: other.jwk }\n    - { token-file: rsa.token, jwk-file: rsa.jwk }";
    let ids = ["rs.ath", "rs.token", "rs.alg", "rs.key"];
    let ended = bench.run(auth, &ids, &[("MINE_SPARE", &spare)]).with(0);
    for (id, expected) in [
        ("rs.ath.other-token", "pass"),
        ("rs.token.of-another-client", "pass"),
        ("rs.token.swapped-keys", "pass"),
        ("rs.alg.es384-ok", "pass"),
        ("rs.alg.rs256-ok", "pass"),
        ("rs.key.fresh-key", "pass"),
    ] {
        assert_eq!(bench.verdict(id).0, expected, "{id} {}", bench.verdict(id).1);
    }
    for (id, why) in [
        ("rs.alg.es512-ok", "not for ES512"),
        ("rs.token.expired", "auth.kind: embedded"),
        ("rs.token.unbound", "auth.kind: embedded"),
    ] {
        let (verdict, reason) = bench.verdict(id);
        assert!(verdict == "skip" && reason.contains(why), "{id} {verdict} {reason}");
    }
    // Nothing secret leaves.
    let report = fs::read_to_string(bench.report()).expect("a report");
    for secret in secrets.iter().chain([&spare]) {
        let signature = secret.rsplit('.').next().expect("a JWT");
        for shown in [&ended.stdout, &ended.stderr, &report] {
            assert!(!shown.contains(signature), "a token is shown");
        }
    }
    assert!(ended.stdout.contains("[token "), "{}", ended.stdout);
}

#[test]
fn one_client_of_each_algorithm() {
    for alg in [Alg::Es256, Alg::Es384, Alg::Es512, Alg::EdDsa, Alg::Ps256, Alg::Rs256] {
        let bench = Bench::new();
        bench.client("own", &key(alg));
        let auth = "  token-file: own.token\n  jwk-file: own.jwk";
        bench.run(auth, &["rs.ath", "rs.token"], &[]).with(0);
        assert_eq!(bench.verdict("rs.ath.missing").0, "pass", "{alg:?}");
        let (verdict, reason) = bench.verdict("rs.ath.other-token");
        assert!(verdict == "skip" && reason.contains("second access token"), "{reason}");
        let (verdict, reason) = bench.verdict("rs.token.of-another-client");
        assert!(verdict == "skip" && reason.contains("another client"), "{reason}");
    }
}

#[test]
fn a_token_that_has_expired_is_said_to_have_expired() {
    let bench = Bench::new();
    let own = key(Alg::Es256);
    bench.client("own", &own);
    bench.write("own.token", &bench.token(own.thumbprint(), 0));
    bench.run("  token-file: own.token\n  jwk-file: own.jwk", &["rs.ath"], &[]).with(3);
    let (verdict, reason) = bench.verdict("rs.preflight.token");
    let said = "environment: no access token: the access token in auth expired at 20";
    assert!(verdict == "inconclusive" && reason.starts_with(said), "{reason}");
    assert_eq!(bench.verdict("rs.ath.missing").0, "skip");
}

/// Exit code 2, and the place in the config.
#[test]
fn what_is_no_token_or_no_key() {
    let bench = Bench::new();
    let own = key(Alg::Es256);
    bench.client("own", &own);
    bench.client("other", &key(Alg::Es256));
    bench.write("empty", "\n");
    bench.write("text", "not a token");
    bench.write("public.jwk", &own.public().to_json().to_text());
    let file = |token: &str, jwk: &str| format!("  token-file: {token}\n  jwk-file: {jwk}");
    let cases = [
        (file("own.token", "missing"), "6:13", "can't read "),
        (file("missing", "own.jwk"), "5:15", "can't read "),
        (file("own.token", "own.token"), "6:13", "this is not the JWK of a private key"),
        (file("own.token", "public.jwk"), "6:13", "this is not the JWK of a private key"),
        (file("text", "own.jwk"), "5:15", "this is no access token"),
        (file("empty", "own.jwk"), "5:15", "this is no access token"),
        (file("own.token", "other.jwk"), "6:13", "the access token is bound to the key "),
        ("  token-env: MINE_NOT_SET\n  jwk-file: own.jwk".to_owned(), "5:14", "no variable MINE_NOT_SET"),
    ];
    for (auth, place, says) in cases {
        let ended = bench.run(&auth, &["rs.ath"], &[]).with(2);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("dpop.yaml:{place}\n")), "{place}: {}", ended.stderr);
    }
}
