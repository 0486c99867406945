//! `dpop init`: what it finds, what it writes, and that a run works with what it wrote.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::{Ended, Serving, dpop, ended, free_port, run, text};
use dpop_harness::target::{Auth, BearerPolicy, Config};

/// A server that answers each request target in one way, and keeps what it was sent. It ends with the test.
struct Stub {
    origin: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// `answer` gets the request as text, and gives status line, header lines and content.
    fn start(answer: impl Fn(&str, &str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (here, log) = (origin.clone(), seen.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Some(request) = read(&mut stream) else { continue };
                log.lock().expect("no panic").push(request.clone());
                let Reply { status, fields, body } = answer(&here, &request);
                let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        Self { origin, seen }
    }

    /// Request lines and everything behind them.
    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").clone()
    }
}

struct Reply {
    status: &'static str,
    fields: String,
    body: String,
}

fn reply(status: &'static str, fields: impl Into<String>, body: impl Into<String>) -> Reply {
    Reply { status, fields: fields.into(), body: body.into() }
}

fn not_found() -> Reply {
    reply("404 Not Found", "", "")
}

fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        if body.len() >= length.map_or(0, |length| length.parse().expect("a number")) {
            return Some(text);
        }
    }
}

fn target_of(request: &str) -> &str {
    request.split(' ').nth(1).unwrap_or_default()
}

const DPOP: &str = "WWW-Authenticate: DPoP algs=\"ES256 PS256\"\r\n";

/// What `init` of `url` writes, and the config that the loader makes of it.
#[track_caller]
fn init(url: &str) -> (String, Config, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    let Ended { stdout, stderr, .. } = run(["init", url, "-o", text(&path)]).with(0);
    assert!(stdout.contains("dpop doctor"), "{stdout}");
    let written = fs::read_to_string(&path).expect("written");
    let config = Config::open(&path).unwrap_or_else(|wrong| panic!("{}\n{written}", wrong.render(false)));
    (written, config, stderr)
}

#[test]
fn init_and_run_without_editing_in_between() {
    for nonce in ["never", "required"] {
        let (port, issuer) = (free_port(), free_port());
        let (listen, issuer) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{issuer}"));
        let _serving =
            Serving::start(&["--listen", &listen, "--issuer-listen", &issuer, "--nonce", nonce, "--quiet"]);
        let folder = tempfile::tempdir().expect("a folder");
        let here = |arguments: &[&str]| ended(dpop(arguments).current_dir(folder.path()));
        here(&["init", &format!("http://{listen}/resource")]).with(0);
        here(&["doctor"]).with(0);
        let results = folder.path().join("results.json");
        let Ended { stdout, .. } = here(&["run", "--report", &format!("json={}", text(&results))]).with(0);
        assert!(stdout.contains("token bound to key"), "{stdout}");
        let results = fs::read_to_string(&results).expect("a report");
        let results: serde_json::Value = serde_json::from_str(&results).expect("JSON");
        let summary = &results["summary"];
        assert!(summary["pass"].as_u64().is_some_and(|passed| passed > 60), "{summary}");
        for other in ["note", "warn", "fail", "inconclusive"] {
            assert_eq!(summary[other], 0, "{nonce}: {summary}");
        }
        assert_eq!(results["facts"]["nonce"], nonce);
        // And never a second time over the first.
        let before = fs::read_to_string(folder.path().join("dpop.yaml")).expect("a config");
        let Ended { stderr, .. } = here(&["init", &format!("http://{listen}/other")]).with(2);
        assert!(stderr.contains("--force"), "{stderr}");
        assert_eq!(fs::read_to_string(folder.path().join("dpop.yaml")).expect("a config"), before);
        here(&["init", &format!("http://{listen}/other"), "--force"]).with(0);
        assert_ne!(fs::read_to_string(folder.path().join("dpop.yaml")).expect("a config"), before);
    }
}

#[test]
fn without_metadata_the_embedded_issuer_is_proposed() {
    let stub = Stub::start(|_, request| match target_of(request) {
        "/v1/me?x=1" => reply("401 Unauthorized", format!("{DPOP}DPoP-Nonce: abc\r\n"), ""),
        _ => not_found(),
    });
    let (written, config, problems) = init(&format!("{}/v1/me?x=1", stub.origin));
    assert!(matches!(config.auth, Auth::Embedded { .. }), "{written}");
    assert_eq!((config.bearer, problems.as_str()), (None, ""));
    assert_eq!(config.call.uri.to_string(), format!("{}/v1/me?x=1", stub.origin));
    assert!(written.contains("a DPoP challenge, ES256 PS256 in the challenge, a nonce"), "{written}");
    let seen = stub.seen();
    let targets: Vec<&str> = seen.iter().map(|request| target_of(request)).collect();
    let resource = "/.well-known/oauth-protected-resource";
    let (server, openid) = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration");
    assert_eq!(targets, ["/v1/me?x=1", &format!("{resource}/v1/me"), resource, server, openid]);
    for request in &seen {
        let bare = !request.contains("Authorization") && !request.contains("DPoP:");
        assert!(request.starts_with("GET ") && bare, "nothing secret is sent: {request}");
    }
}

#[test]
fn metadata_are_found_by_the_challenge_and_the_issuer_by_them() {
    let stub = Stub::start(|origin, request| match target_of(request) {
        "/v1/me" => {
            let fields = format!(
                "WWW-Authenticate: Bearer, DPoP algs=\"ES256\", resource_metadata=\"{origin}/meta\"\r\n"
            );
            reply("401 Unauthorized", fields, "")
        }
        "/meta" => {
            let body = format!(
                r#"{{"resource":"{origin}/v1","authorization_servers":["{origin}/realms/a"],"scopes_supported":["read","it's"]}}"#
            );
            reply("200 OK", "", body)
        }
        "/realms/a/.well-known/openid-configuration" => {
            let body = format!(
                r#"{{"issuer":"{origin}/realms/a","token_endpoint":"{origin}/t","grant_types_supported":["client_credentials"]}}"#
            );
            reply("200 OK", "", body)
        }
        _ => not_found(),
    });
    let (written, config, _) = init(&format!("{}/v1/me", stub.origin));
    let Auth::ClientCredentials { issuer, audience, scope, .. } = &config.auth else { panic!("{written}") };
    assert_eq!(issuer.to_string(), format!("{}/realms/a", stub.origin));
    assert_eq!((audience.as_str(), scope.as_str()), (format!("{}/v1", stub.origin).as_str(), "read it's"));
    assert!(written.contains("FILL IN: its challenge asks for DPoP and for Bearer"), "{written}");
    assert_eq!(config.bearer, None);
}

/// As OpenID providers are, whose userinfo endpoint has no metadata of its own.
#[test]
fn an_authorization_server_at_the_same_origin() {
    for (grants, expected) in [("client_credentials", true), ("authorization_code", false)] {
        let stub = Stub::start(move |origin, request| match target_of(request) {
            "/me" => reply("401 Unauthorized", DPOP, ""),
            "/.well-known/openid-configuration" => {
                let body = format!(
                    r#"{{"issuer":"{origin}","token_endpoint":"{origin}/t","grant_types_supported":["{grants}"]}}"#
                );
                reply("200 OK", "", body)
            }
            _ => not_found(),
        });
        let (written, config, _) = init(&format!("{}/me", stub.origin));
        assert_eq!(matches!(config.auth, Auth::ClientCredentials { .. }), expected, "{written}");
        assert_eq!(matches!(config.auth, Auth::Command { .. }), !expected, "{written}");
        assert!(written.contains("at the same origin"), "{written}");
    }
}

#[test]
fn metadata_about_something_else_are_not_used() {
    let stub = Stub::start(|_, request| match target_of(request) {
        "/v1/me" => reply("401 Unauthorized", DPOP, ""),
        "/.well-known/oauth-protected-resource" => {
            let body = r#"{"resource":"https://api.example.test","authorization_servers":["http://127.0.0.1:9/"],"dpop_bound_access_tokens_required":true}"#;
            reply("200 OK", "", body)
        }
        _ => not_found(),
    });
    let (written, config, problems) = init(&format!("{}/v1/me", stub.origin));
    assert!(problems.contains("about https://api.example.test and not about this URL"), "{problems}");
    assert!(written.contains("# htu-base: 'https://api.example.test'"), "{written}");
    assert!(matches!(config.auth, Auth::Embedded { .. }) && config.bearer.is_none(), "{written}");
}

/// Nothing that a server chose changes what the file means, and nobody far away is asked unasked.
#[test]
fn hostile_metadata() {
    let evil = "x'\\nprofile: strict\\nallow-hosts: [evil.example]";
    for (resource, server, scope) in [
        (evil, "http://203.0.113.7/issuer", "a\\nb"),
        ("ORIGIN", "http://203.0.113.7/issuer", "'}"),
        ("ORIGIN", evil, "x'\\nprofile: strict"),
    ] {
        let stub = Stub::start(move |origin, request| match target_of(request) {
            "/me" => reply("401 Unauthorized", DPOP, ""),
            "/.well-known/oauth-protected-resource" => {
                let resource = resource.replace("ORIGIN", origin);
                let body = format!(
                    r#"{{"resource":"{resource}","authorization_servers":["{server}"],"scopes_supported":["{scope}"]}}"#
                );
                reply("200 OK", "", body)
            }
            _ => not_found(),
        });
        let (written, config, problems) = init(&format!("{}/me", stub.origin));
        assert_eq!(config.profile, dpop_harness::spec::Profile::Rfc9449, "{written}");
        assert!(config.allow_hosts.is_empty(), "{written}");
        if resource == "ORIGIN" && server != evil {
            assert!(problems.contains("not asked") && problems.contains("--authorised"), "{problems}");
        }
    }
    let endless = Stub::start(|_, request| match target_of(request) {
        "/me" => reply("401 Unauthorized", DPOP, ""),
        _ => reply("200 OK", "", "[".repeat(1_000_000)),
    });
    init(&format!("{}/me", endless.origin));
}

#[test]
fn what_is_no_protected_resource_is_said() {
    for (answer, said) in [
        (("200 OK", ""), "answers 200 to everybody: it is not protected"),
        (
            ("302 Found", "Location: https://login.example/x?secret=1\r\n"),
            "redirects to https://login.example/x (302)",
        ),
        (("404 Not Found", ""), "answers 404: is that a path"),
        (("403 Forbidden", ""), "answers 403 without a DPoP challenge"),
    ] {
        let stub = Stub::start(move |_, request| match target_of(request) {
            "/me" => reply(answer.0, answer.1, ""),
            _ => not_found(),
        });
        let (written, _, problems) = init(&format!("{}/me", stub.origin));
        assert!(problems.contains(said), "{problems}");
        assert!(written.contains("# PROBLEM: ") && written.contains(said), "{written}");
        assert!(stub.seen().iter().all(|request| !request.contains("login")), "a redirect was followed");
    }
}

#[test]
fn nothing_is_written_where_nothing_was_found_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    let dead = format!("http://127.0.0.1:{}/me", free_port());
    for (url, code, said) in [
        (dead.as_str(), 3, "no connection"),
        // TEST-NET-3: nobody is there, and it must not be tried.
        ("http://203.0.113.7/me", 3, "--authorised"),
        ("ftp://127.0.0.1/me", 2, "not an http or https URI"),
        ("http://u:p@127.0.0.1/me", 2, "a password"),
    ] {
        let Ended { stderr, .. } = run(["init", url, "-o", text(&path)]).with(code);
        assert!(stderr.contains(said), "{stderr}");
        assert!(!path.exists());
    }
}

/// A config for `auth.kind: client-credentials` at this stub.
fn credentials(folder: &Path, origin: &str, more: &str) -> std::path::PathBuf {
    let path = folder.join("dpop.yaml");
    let yaml = format!(
        "dpop: 1\ntarget: {{ name: t, resource: 'GET {origin}/me' }}\n\
         auth: {{ kind: client-credentials, issuer: '{origin}', client-id: 'me & you', audience: '{origin}'{more} }}\n"
    );
    fs::write(&path, yaml).expect("written");
    path
}

/// An authorization server that asks for a nonce first and then answers with `status` and `body`.
fn token_endpoint(
    methods: &'static str,
    status: &'static str,
    fields: &'static str,
    body: &'static str,
) -> Stub {
    Stub::start(move |origin, request| match target_of(request) {
        "/me" => reply("401 Unauthorized", DPOP, ""),
        "/.well-known/oauth-authorization-server" => {
            let body = format!(
                r#"{{"issuer":"{origin}","token_endpoint":"{origin}/t","token_endpoint_auth_methods_supported":{methods}}}"#
            );
            reply("200 OK", "", body)
        }
        "/t" => {
            let proof = request.lines().find_map(|line| line.strip_prefix("DPoP: ")).unwrap_or_default();
            let claims = proof.split('.').nth(1).and_then(dpop_harness::jose::base64url::decode);
            let claims: serde_json::Value =
                serde_json::from_slice(&claims.unwrap_or_default()).unwrap_or_default();
            assert_eq!(claims["htu"], format!("{origin}/t").as_str());
            if claims["nonce"] == "n-1" {
                reply(status, fields, body)
            } else {
                reply("400 Bad Request", "DPoP-Nonce: n-1\r\n", r#"{"error":"use_dpop_nonce"}"#)
            }
        }
        _ => not_found(),
    })
}

#[test]
fn the_client_shows_who_it_is_and_answers_a_nonce_challenge() {
    const SECRET: &str = "correct horse:battery";
    let good = r#"{"access_token":"opaque-token-1","token_type":"dpop"}"#;
    for (methods, in_form) in [("[\"client_secret_basic\"]", false), ("[\"client_secret_post\"]", true)] {
        let stub = token_endpoint(methods, "200 OK", "", good);
        let folder = tempfile::tempdir().expect("a folder");
        let path = credentials(folder.path(), &stub.origin, ", client-secret-file: secret");
        fs::write(folder.path().join("secret"), format!("{SECRET}\n")).expect("written");
        let report = folder.path().join("results.json");
        let to_file = format!("json={}", text(&report));
        let Ended { stdout, stderr, .. } =
            run(["run", "rs.ath", "-vv", "--config", text(&path), "--report", &to_file]).with(3);
        assert!(stdout.contains("token opaque"), "{stdout}");
        let artifacts = format!("{stdout}{stderr}{}", fs::read_to_string(&report).expect("a report"));
        assert!(!artifacts.contains("battery"), "the secret is in an artifact");
        let asked: Vec<String> =
            stub.seen().into_iter().filter(|request| target_of(request) == "/t").collect();
        assert!(asked.len() >= 2, "a challenge, and an answer to it: {asked:?}");
        for request in &asked {
            assert!(request.contains("grant_type=client_credentials"), "{request}");
            let basic = "Authorization: Basic bWUrJTI2K3lvdTpjb3JyZWN0K2hvcnNlJTNBYmF0dGVyeQ==";
            assert_eq!(request.contains(basic), !in_form, "{request}");
            assert_eq!(request.contains("client_secret=correct+horse%3Abattery"), in_form, "{request}");
        }
        // The environment comes first.
        let mut command = dpop(["doctor", "--config", text(&path)]);
        ended(command.env("DPOP_CLIENT_SECRET", "other"));
        let last = stub.seen().into_iter().rfind(|request| target_of(request) == "/t").expect("asked");
        assert!(!last.contains("correct"), "{last}");
    }
}

#[test]
fn what_a_token_endpoint_does_wrong_is_said() {
    let environment = "environment: no access token";
    for (status, fields, body, said) in [
        ("200 OK", "", r#"{"access_token":"t","token_type":"Bearer"}"#, "token_type Bearer instead of DPoP"),
        ("200 OK", "", r#"{"access_token":"t"}"#, "token_type nothing instead of DPoP"),
        (
            "401 Unauthorized",
            "",
            r#"{"error":"invalid_client","error_description":"no"}"#,
            "401 invalid_client (no)",
        ),
        ("307 Temporary Redirect", "Location: http://127.0.0.1:9/\r\n", "", "answered 307"),
        ("400 Bad Request", "", r#"{"error":"use_dpop_nonce"}"#, "400 use_dpop_nonce"),
    ] {
        let stub = token_endpoint("[\"none\"]", status, fields, body);
        let folder = tempfile::tempdir().expect("a folder");
        let path = credentials(folder.path(), &stub.origin, "");
        let (whose, code) = match status {
            "401 Unauthorized" => ("configuration (auth.client-id): no access token", 2),
            _ => (environment, 3),
        };
        let Ended { stdout, .. } = run(["doctor", "--config", text(&path)]).with(code);
        let last = stdout.lines().last().unwrap_or_default();
        assert!(last.starts_with(whose) && last.contains(said), "{stdout}");
        let asked = stub.seen().iter().filter(|request| target_of(request) == "/t").count();
        assert_eq!(asked, 2, "one challenge is answered, and no more");
        let public = stub.seen().iter().any(|request| request.contains("client_id=me+%26+you"));
        assert!(public, "{:?}", stub.seen());
    }
}

#[test]
fn the_keys_of_the_config_belong_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    for (auth, said) in [
        ("{ kind: client-credentials, client-id: a }", "needs `issuer`"),
        ("{ kind: client-credentials, issuer: 'http://127.0.0.1:9' }", "needs `client-id`"),
        ("{ kind: client-credentials, issuer: nonsense, client-id: a }", "`nonsense`"),
        ("{ kind: client-credentials, issuer: 'http://a', client-id: a, alg: ES256 }", "`kind: embedded`"),
        ("{ kind: command, command: [x], client-id: a }", "`kind: client-credentials`"),
    ] {
        fs::write(
            &path,
            format!("dpop: 1\ntarget: {{ name: t, resource: GET http://127.0.0.1:9/me }}\nauth: {auth}\n"),
        )
        .expect("written");
        let Ended { stderr, .. } = run(["run", "--config", text(&path)]).with(2);
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[test]
fn the_reference_server_says_what_it_refuses() {
    let (port, issuer) = (free_port(), free_port());
    let (listen, issuer) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{issuer}"));
    let _serving = Serving::start(&["--listen", &listen, "--issuer-listen", &issuer, "--quiet"]);
    let (written, config, _) = init(&format!("http://{listen}/resource"));
    assert_eq!(config.bearer, Some(BearerPolicy::Refused));
    assert!(written.contains("dpop_bound_access_tokens_required"), "{written}");
}
