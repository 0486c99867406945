//! Targets behind TLS: whose certificates are trusted, how HTTP/2 is chosen, and where to connect to.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::support::{Ended, Serving, dpop, ended, free_port, text};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// A reference server behind a TLS end with a certificate by an authority of its own.
struct Site {
    port: u16,
    config: PathBuf,
    authority: PathBuf,
    folder: TempDir,
    _serving: Serving,
    _runtime: Runtime,
}

/// Serves under `host`, with a certificate for localhost and api.example.test, and offers these protocols.
#[track_caller]
fn site(host: &str, protocols: &[&str]) -> Site {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![]).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let names = ["localhost", "api.example.test"].map(str::to_owned);
    let certificate = CertificateParams::new(names).and_then(|params| params.signed_by(&key, &authority));
    let certificate = certificate.expect("a certificate").der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the usual versions").with_no_client_auth();
    let mut config = builder.with_single_cert(vec![certificate], key).expect("a key that fits");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();

    let (upstream, issuer) = (free_port(), free_port());
    let url = format!("http://127.0.0.1:{upstream}");
    let trusted = format!("http://127.0.0.1:{issuer}");
    let serving = Serving::start(&["--listen", &format!("127.0.0.1:{upstream}"), "--trust", &trusted, "-q"]);
    let runtime = Runtime::new().expect("a runtime");
    let upstream = SocketAddr::from(([127, 0, 0, 1], upstream));
    let port = runtime.block_on(terminate(TlsAcceptor::from(Arc::new(config)), upstream));

    let folder = tempfile::tempdir().expect("a folder");
    let port_of_url = if host == "localhost" { format!(":{port}") } else { String::new() };
    let yaml = format!(
        "dpop: 1
target: {{ name: tls, resource: GET https://{host}{port_of_url}/resource, bearer: refused, htu-base: {url} }}
auth: {{ kind: embedded, listen: 127.0.0.1:{issuer}, issuer: {trusted}, audience: {url} }}
"
    );
    let (path, pem) = (folder.path().join("dpop.yaml"), folder.path().join("authority.pem"));
    fs::write(&path, yaml).expect("written");
    fs::write(&pem, authority.pem()).expect("written");
    Site { port, config: path, authority: pem, folder, _serving: serving, _runtime: runtime }
}

/// Takes TLS off and hands the bytes on, to a server that speaks every protocol.
async fn terminate(acceptor: TlsAcceptor, upstream: SocketAddr) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whoever does not trust the certificate goes away, which is its right.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut upstream = TcpStream::connect(upstream).await.expect("a connection");
                let _ = copy_bidirectional(&mut stream, &mut upstream).await;
            });
        }
    });
    port
}

const BOTH: &[&str] = &["h2", "http/1.1"];
/// A few cases, some of them over HTTP/2.
const CASES: &[&str] = &["rs.http", "rs.ath.missing"];

impl Site {
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> (Ended, Value) {
        let report = self.folder.path().join("results.json");
        let to_file = format!("json={}", text(&report));
        let mut command = dpop(["run", "--config", text(&self.config), "--report", &to_file, "-v"]);
        command.args(CASES).args(arguments).env("CI", "true");
        // What the machine trusts beside this is not known.
        command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
        let ended = ended(&mut command);
        let results = fs::read_to_string(&report).ok().and_then(|text| serde_json::from_str(&text).ok());
        (ended, results.unwrap_or_default())
    }
}

/// Id, verdict and reason of every case that does not pass.
fn not_passed(results: &Value) -> Vec<(&str, &str, &str)> {
    fn text(value: &Value) -> &str {
        value.as_str().unwrap_or_default()
    }
    let cases = results["cases"].as_array().expect("cases").iter();
    let all = cases.map(|case| (text(&case["id"]), text(&case["verdict"]), text(&case["reason"])));
    all.filter(|(_, verdict, _)| *verdict != "pass").collect()
}

#[test]
fn an_authority_that_is_named() {
    let site = site("localhost", BOTH);
    let (ended, results) = site.run(&["--cacert", text(&site.authority)]);
    let Ended { stdout, stderr, .. } = ended.with(0);
    assert_eq!(not_passed(&results), []);
    assert_eq!(results["facts"]["http2"], true);
    assert!(stdout.contains("   HTTP/1.1 and HTTP/2   "), "{stdout}");
    assert!(!stderr.contains("WARNING"), "{stderr}");
}

#[test]
fn an_authority_that_nobody_knows_is_one_finding_that_says_what_to_do() {
    let site = site("localhost", BOTH);
    let (ended, results) = site.run(&[]);
    let Ended { stdout, .. } = ended.with(3);
    let found: Vec<_> =
        not_passed(&results).into_iter().filter(|(_, verdict, _)| *verdict != "skip").collect();
    assert!(
        matches!(found[..], [("rs.preflight.reachable", "inconclusive", why)] if why.contains("--cacert FILE")),
        "{found:?}"
    );
    assert!(stdout.contains("the certificate is not accepted"), "{stdout}");
    // Another authority is as good as none.
    let other = self::site("localhost", BOTH);
    site.run(&["--cacert", text(&other.authority)]).0.with(3);
}

#[test]
fn any_certificate() {
    let site = site("localhost", BOTH);
    for flag in ["-k", "--insecure"] {
        let (ended, results) = site.run(&[flag]);
        let Ended { stderr, .. } = ended.with(0);
        assert_eq!(not_passed(&results), []);
        assert!(stderr.contains("WARNING: --insecure: certificates are not checked"), "{stderr}");
    }
}

#[test]
fn a_certificate_for_another_name() {
    let site = site("localhost", BOTH);
    let yaml = fs::read_to_string(&site.config).expect("a config");
    fs::write(&site.config, yaml.replace("https://localhost", "https://127.0.0.1")).expect("written");
    let (ended, _) = site.run(&["--cacert", text(&site.authority)]);
    let stdout = ended.with(3).stdout;
    assert!(stdout.contains("not valid for"), "{stdout}");
}

#[test]
fn files_without_certificates() {
    let site = site("localhost", BOTH);
    let missing = site.folder.path().join("missing.pem");
    let (ended, _) = site.run(&["--cacert", text(&missing)]);
    assert!(ended.with(2).stderr.contains("--cacert"));
    let empty = site.folder.path().join("empty.pem");
    fs::write(&empty, "nothing\n").expect("written");
    let stderr = site.run(&["--cacert", text(&empty)]).0.with(2).stderr;
    assert!(stderr.contains("there is no certificate in it"), "{stderr}");
}

/// Without ALPN, or where it leads to HTTP/1.1, the server does not speak HTTP/2.
#[test]
fn http2_is_chosen_in_the_handshake() {
    for protocols in [&[][..], &["http/1.1"]] {
        let site = site("localhost", protocols);
        let (ended, results) = site.run(&["--cacert", text(&site.authority)]);
        ended.with(0);
        assert_eq!(results["facts"]["http2"], false);
        for (id, verdict, reason) in not_passed(&results) {
            assert!(id.starts_with("rs.http.http2-"), "{id}");
            assert_eq!((verdict, reason), ("skip", "the server does not speak HTTP/2"), "{id}");
        }
        let stdout = site.run(&["--cacert", text(&site.authority), "--http2"]).0.with(3).stdout;
        assert!(
            stdout.contains("the server does not speak HTTP/2, or not as it should: it was")
                && stdout.contains("ALPN"),
            "{stdout}"
        );
    }
}

#[test]
fn a_server_of_http2_only() {
    let site = site("localhost", &["h2"]);
    let trusted = ["--cacert", text(&site.authority)];
    let (ended, results) = site.run(&[&trusted[..], &["--http2"]].concat());
    let Ended { stdout, .. } = ended.with(0);
    assert_eq!(results["facts"]["http2"], true);
    assert!(stdout.contains("   HTTP/2   "), "{stdout}");
    for (id, verdict, reason) in not_passed(&results) {
        assert_eq!((verdict, reason), ("skip", "HTTP/1.1 is not used in this run (--http2)"), "{id}");
    }
    site.run(&trusted).0.with(3);
}

#[test]
fn http1_only() {
    let site = site("localhost", BOTH);
    let (ended, results) = site.run(&["--cacert", text(&site.authority), "--http1.1"]);
    let Ended { stdout, .. } = ended.with(0);
    assert!(stdout.contains("   HTTP/1.1   "), "{stdout}");
    let skipped = not_passed(&results);
    assert!(!skipped.is_empty());
    for (id, verdict, reason) in skipped {
        assert_eq!((verdict, reason), ("skip", "HTTP/2 is not used in this run (--http1.1)"), "{id}");
    }
}

/// The certificate that is expected stays that of the URL.
#[test]
fn another_place_to_connect_to() {
    let site = site("api.example.test", BOTH);
    let rule = format!("api.example.test:443:127.0.0.1:{}", site.port);
    let (ended, results) = site.run(&["--cacert", text(&site.authority), "--connect-to", &rule]);
    ended.with(0);
    assert_eq!(not_passed(&results), []);
    site.run(&["--cacert", text(&site.authority), "--connect-to", "nonsense"]).0.with(2);
}
