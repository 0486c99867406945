//! Targets behind TLS: which certificates are accepted, and what is said of the others.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crate::support::{Ended, Serving, dpop, ended, free_port, text};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// Ends TLS with this certificate in front of `upstream`; the port. It ends with the test.
fn front(certificate: &str, upstream: SocketAddr) -> u16 {
    let chain = vec![CertificateDer::from_pem_file(fixture(certificate)).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(fixture("leaf-key.pem")).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("they belong together");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.set_nonblocking(true).expect("tokio wants it so");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        tokio::runtime::Runtime::new().expect("threads").block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut tls) = acceptor.accept(stream).await else { return };
                    if let Ok(mut plain) = TcpStream::connect(upstream).await {
                        let _ = copy_bidirectional(&mut tls, &mut plain).await;
                    }
                });
            }
        });
    });
    port
}

/// `command` for a target at `url`, where `trust` is a file with the roots. The key of the issuer stays in `folder`.
#[track_caller]
fn at(command: &[&str], folder: &Path, url: &str, issuer: u16, audience: &str, trust: Option<&str>) -> Ended {
    let path = folder.join("dpop.yaml");
    let yaml = format!(
        "dpop: 1\ntarget: {{ name: t, resource: 'GET {url}', bearer: refused }}\n\
         auth: {{ kind: embedded, listen: 127.0.0.1:{issuer}, issuer: 'http://127.0.0.1:{issuer}', audience: '{audience}' }}\n"
    );
    fs::write(&path, yaml).expect("written");
    let mut command = dpop(command.iter().copied().chain(["--config", text(&path)]));
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    if let Some(trust) = trust {
        command.env("SSL_CERT_FILE", fixture(trust));
    }
    ended(&mut command)
}

#[test]
fn certificates() {
    let (upstream, issuer) = (free_port(), free_port());
    let address = SocketAddr::from(([127, 0, 0, 1], upstream));
    let (good, expired) = (front("leaf.pem", address), front("expired.pem", address));
    let public = format!("https://localhost:{good}");
    let (listen, trust) = (address.to_string(), format!("http://127.0.0.1:{issuer}"));
    let _serving =
        Serving::start(&["--listen", &listen, "--trust", &trust, "--public-url", &public, "--quiet"]);
    let folder = tempfile::tempdir().expect("a folder");
    let dpop = |command: &[&str], url: &str, roots, code| {
        at(command, folder.path(), url, issuer, &public, roots).with(code).stdout
    };
    let doctor = |url: &str, roots, code| dpop(&["doctor"], url, roots, code);
    let last = |page: &str| page.lines().last().unwrap_or_default().to_owned();

    let resource = format!("{public}/resource");
    let page = doctor(&resource, Some("ca.pem"), 0);
    assert!(page.contains("the certificate is accepted"), "{page}");
    let page = dpop(&["run"], &resource, Some("ca.pem"), 0);
    assert!(page.contains("✓ tls  ✓ clock  ✓ token bound to key  ✓ control 200"), "{page}");

    let page = doctor(&resource, None, 3);
    assert!(last(&page).starts_with("environment: the certificate of "), "{page}");
    assert!(last(&page).contains("is not trusted") && last(&page).contains("--cacert FILE"), "{page}");
    let page = doctor(&format!("https://127.0.0.1:{good}/resource"), Some("ca.pem"), 1);
    assert!(last(&page).starts_with("server: the certificate of "), "{page}");
    let page = doctor(&format!("https://localhost:{expired}/resource"), Some("ca.pem"), 1);
    assert!(last(&page).starts_with("server: the certificate of ") && page.contains("expired"), "{page}");

    let plain_to_tls = doctor(&format!("http://localhost:{good}/resource"), Some("ca.pem"), 2);
    assert!(last(&plain_to_tls).starts_with("configuration (target.resource)"), "{plain_to_tls}");
    assert!(plain_to_tls.contains("should it be https://?"), "{plain_to_tls}");
}
