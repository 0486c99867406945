//! The issuer's endpoints, over a real socket.

use std::sync::Arc;

use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::DecodePrivateKey as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::proofs::{Key, Parts};
use super::scene::{Scene, Wire};
use crate::clock::{Clock as _, VirtualClock};
use crate::entropy::SystemEntropy;
use crate::jose::json;
use crate::jose::jws::Compact;
use crate::jose::{Alg, PublicJwk, base64url};
use crate::reference::signature;
use crate::reference::*;

struct TokenAnswer {
    status: u16,
    cache_control: Option<String>,
    body: Value,
}

async fn post(scene: &Scene, path: &str, form: &[(&str, &str)], proofs: &[String]) -> TokenAnswer {
    let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = scene.client.post(scene.running.issuer.endpoint(path));
    let mut request =
        request.header("Content-Type", "application/x-www-form-urlencoded").body(body.join("&"));
    for proof in proofs {
        request = request.header("DPoP", proof);
    }
    let response = request.send().await.expect("an answer");
    let cache_control = response.headers().get("Cache-Control");
    TokenAnswer {
        status: response.status().as_u16(),
        cache_control: cache_control.map(|value| value.to_str().expect("ASCII").to_owned()),
        body: response.json().await.unwrap_or_default(),
    }
}

fn proof_for(scene: &Scene, method: &str, path: &str) -> Parts {
    let url = scene.running.issuer.endpoint(path);
    Parts::new(&scene.key, method, &url, scene.clock.unix_seconds(), None)
}

const GRANT: &[(&str, &str)] =
    &[("grant_type", "client_credentials"), ("client_id", "toy"), ("scope", "read")];

#[tokio::test]
async fn a_proof_yields_a_bound_token_that_the_resource_server_takes() {
    let mut scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let answer = post(&scene, "/token", GRANT, &[proof_for(&scene, "POST", "/token").signed()]).await;
    assert_eq!((answer.status, answer.cache_control.as_deref()), (200, Some("no-store")));
    assert_eq!(answer.body["token_type"], "DPoP");
    assert_eq!((&answer.body["expires_in"], &answer.body["scope"]), (&json!(300), &json!("read")));
    scene.token = answer.body["access_token"].as_str().expect("a token").to_owned();
    let served = scene.send(scene.wire(&scene.parts())).await;
    assert_eq!((served.status, &served.body["sub"]), (200, &json!("toy")));

    let facts = post(&scene, "/introspect", &[("token", &scene.token)], &[]).await;
    assert_eq!(facts.body["active"], true);
    assert_eq!(facts.body["cnf"], json!({"jkt": scene.key.jkt().to_string()}));
    assert_eq!((&facts.body["token_type"], &facts.body["client_id"]), (&json!("DPoP"), &json!("toy")));
    let junk = post(&scene, "/introspect", &[("token", "junk")], &[]).await;
    assert_eq!((junk.status, junk.body), (200, json!({"active": false})));
}

#[tokio::test]
async fn no_proof_yields_a_bearer_token_that_it_does_not_take() {
    let mut scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let answer = post(&scene, "/token", GRANT, &[]).await;
    assert_eq!(answer.body["token_type"], "Bearer");
    scene.token = answer.body["access_token"].as_str().expect("a token").to_owned();
    for scheme in ["DPoP", "Bearer"] {
        let authorization = vec![format!("{scheme} {}", scene.token)];
        let answer = scene.send(Wire { authorization, ..scene.wire(&scene.parts()) }).await;
        assert_eq!((answer.status, &answer.body["error"]), (401, &json!("invalid_token")));
    }
}

#[tokio::test]
async fn errors_of_the_token_endpoint() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let good = || proof_for(&scene, "POST", "/token");
    let once = good().signed();
    assert_eq!(post(&scene, "/token", GRANT, std::slice::from_ref(&once)).await.status, 200);
    for (proofs, why) in [
        (vec![once], "used before"),
        (vec![good().signed(), good().signed()], "two"),
        (vec![String::new()], "empty"),
        (vec![good().signed_by(&Key::fresh())], "another signer"),
        (vec![proof_for(&scene, "GET", "/token").signed()], "another method"),
        (vec![proof_for(&scene, "POST", "/introspect").signed()], "another endpoint"),
    ] {
        let answer = post(&scene, "/token", GRANT, &proofs).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!("invalid_dpop_proof")), "{why}");
        assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
        assert!(answer.body["error_description"].is_string());
    }
    let code = ("grant_type", "authorization_code");
    for (form, error) in [
        (&[][..], "invalid_request"),
        (&GRANT[..1], "invalid_request"),
        (&[GRANT[0], GRANT[0], GRANT[1]][..], "invalid_request"),
        (&[code, GRANT[1]][..], "unsupported_grant_type"),
    ] {
        let answer = post(&scene, "/token", form, &[]).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!(error)), "{form:?}");
    }
}

#[tokio::test]
async fn metadata_leads_to_the_endpoints_and_the_key() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let fetch = async |url: &str| -> Value {
        scene.client.get(url).send().await.expect("an answer").json().await.expect("JSON")
    };
    let issuer = &scene.running.issuer;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let metadata = fetch(&issuer.endpoint(path)).await;
        assert_eq!(metadata["issuer"], scene.running.issuer_url);
        assert_eq!(metadata["token_endpoint"], issuer.endpoint("/token"));
        assert_eq!(
            metadata["dpop_signing_alg_values_supported"],
            json!(["ES256", "ES384", "ES512", "EdDSA", "PS256", "RS256"])
        );
        let keys = fetch(metadata["jwks_uri"].as_str().expect("a URL")).await;
        assert_eq!(keys["keys"][0]["kid"], issuer.kid());
        assert_eq!(keys, issuer.jwks());
        assert!(keys["keys"][0].get("d").is_none());
    }
}

#[tokio::test]
async fn debug_shows_no_key() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let issuer = format!("{:?}", scene.running.issuer);
    assert!(issuer.contains(scene.running.issuer.kid()) && !issuer.contains("pkcs8"), "{issuer}");
    assert!(issuer.len() < 200, "{issuer}");
}

/// What is lent to the builder of edited tokens is the key in the key set.
#[tokio::test]
async fn the_key_that_is_lent() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let issuer = &scene.running.issuer;
    let published = issuer.jwks()["keys"][0].clone();
    let secret = p256::SecretKey::from_pkcs8_der(issuer.signing_key_pkcs8()).expect("a private key");
    let x = secret.public_key().to_encoded_point(false).x().map(base64url::encode);
    assert_eq!(x.as_deref(), published["x"].as_str());
}

#[test]
fn a_token_of_every_algorithm() {
    for alg in Alg::ALL {
        let clock = Arc::new(VirtualClock::at_unix(1_700_000_000));
        let issuer = Issuer::new("https://id.example".into(), clock, Arc::new(SystemEntropy)).with_alg(*alg);
        let published = issuer.jwks()["keys"][0].clone();
        assert_eq!((&published["alg"], &published["kid"]), (&json!(alg.name()), &json!(issuer.kid())));
        let token = issuer.mint(&TokenRequest {
            subject: "alice".into(),
            client_id: "test".into(),
            audience: "https://rs.example".into(),
            scope: String::new(),
            lifetime: std::time::Duration::from_secs(60),
            confirmation: None,
        });
        let jws = Compact::read(token.as_bytes()).expect("a JWT");
        assert_eq!(
            jws.header.to_text(),
            format!(r#"{{"typ":"at+jwt","alg":"{}","kid":"{}"}}"#, alg.name(), issuer.kid())
        );
        let jwk = json::read(published.to_string().as_bytes()).expect("JSON");
        let jwk = PublicJwk::from_json(jwk.as_object().expect("an object")).expect("a public key");
        assert_eq!(jwk.thumbprint().to_string(), issuer.kid());
        assert!(issuer.token_key().signed(&jws), "{}", alg.name());
        let mut forged = jws;
        forged.signature[0] ^= 1;
        assert!(!issuer.token_key().signed(&forged), "{}", alg.name());
        let jws = Compact::read(token.as_bytes()).expect("a JWT");
        for other in Alg::ALL {
            let verifies = signature::verifies(*other, &jwk, jws.signing_input.as_bytes(), &jws.signature);
            assert_eq!(verifies, other == alg, "{} {}", alg.name(), other.name());
        }
    }
}

#[test]
fn a_token_says_more() {
    let clock = Arc::new(VirtualClock::at_unix(1_700_000_000));
    let more = json!({"webid": "https://alice.example/#me", "sub": "did:web:alice.example"});
    let issuer = Issuer::new("https://id.example".into(), clock, Arc::new(SystemEntropy))
        .with_claims(more.as_object().expect("an object").clone());
    let claims = claims_of(&issuer);
    let said = [&claims["iss"], &claims["sub"], &claims["aud"], &claims["webid"]];
    let expected = ["https://id.example", "did:web:alice.example", "solid", "https://alice.example/#me"];
    assert_eq!(said, expected);
}

/// Each `jti` begins as it should and is another one.
#[test]
fn a_token_has_a_jti_of_a_form() {
    let clock = Arc::new(VirtualClock::at_unix(1_700_000_000));
    let issuer = Issuer::new("https://id.example".into(), clock, Arc::new(SystemEntropy))
        .with_jti_prefix("tok-by-harness".into());
    let jti = || claims_of(&issuer)["jti"].as_str().expect("a text").to_owned();
    let (one, two) = (jti(), jti());
    assert!(one.starts_with("tok-by-harness") && two.starts_with("tok-by-harness"), "{one} {two}");
    assert_eq!([one.len(), two.len()], [36, 36]);
    assert_ne!(one, two);
}

/// What a token of `issuer` says.
fn claims_of(issuer: &Issuer) -> Value {
    let token = issuer.mint(&TokenRequest {
        subject: "alice".into(),
        client_id: "test".into(),
        audience: "solid".into(),
        scope: String::new(),
        lifetime: std::time::Duration::from_secs(60),
        confirmation: None,
    });
    let claims = base64url::decode(token.split('.').nth(1).expect("claims")).expect("base64url");
    serde_json::from_slice(&claims).expect("JSON")
}

/// The files of `tests/tls`.
fn pem(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// The key set over TLS, also while somebody else does not get on with its handshake.
#[tokio::test]
async fn an_issuer_with_a_certificate() {
    let clock = Arc::new(VirtualClock::at_unix(1_700_000_000));
    let issuer = Arc::new(Issuer::new("https://localhost".into(), clock, Arc::new(SystemEntropy)));
    let certificate = Certificate::open(&pem("leaf.pem"), &pem("leaf-key.pem")).expect("a certificate");
    let free = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let server = serve_issuer(free, issuer.clone(), Some(certificate)).await.expect("a free port");
    let _slow = TcpStream::connect(server.addr()).await.expect("a connection");

    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(pem("ca.pem")).expect("a file") {
        roots.add(certificate.expect("a certificate")).expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the usual versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.addr()).await.expect("a connection");
    let name = "localhost".try_into().expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake");
    let request = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    // It may end without saying so in TLS.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(issuer.kid()), "{answer}");
    server.shutdown().await;
}

#[test]
fn a_certificate_that_is_none() {
    let open = |certificate: &str, key: &str| {
        Certificate::open(&pem(certificate), &pem(key))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    assert!(open("absent.pem", "leaf-key.pem").contains("absent.pem: "));
    assert!(open("leaf-key.pem", "leaf-key.pem").ends_with("there is no certificate in it"));
    assert!(open("leaf.pem", "ca.pem").contains("ca.pem: "));
    assert!(open("ca.pem", "leaf-key.pem").starts_with("the certificate and the key: "));
}
