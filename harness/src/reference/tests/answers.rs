//! What the clean resource server says, over a real socket.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::proofs::{Key, Parts};
use super::scene::{Answer, Scene, Wire};
use crate::clock::{Clock as _, SystemClock};
use crate::entropy::SystemEntropy;
use crate::jose::{Alg, AlgSet};
use crate::reference::*;

const ALL_MODES: [NonceMode; 3] = [NonceMode::Never, NonceMode::Optional, NonceMode::Required];

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let [challenge] = &answer.challenges[..] else { panic!("not one challenge: {answer:?}") };
    assert!(challenge.starts_with(&format!("DPoP error=\"{error}\", error_description=\"")), "{challenge}");
    assert!(challenge.contains("\", algs=\"ES256 ES384 ES512 EdDSA PS256 RS256\", "), "{challenge}");
    let leads = "/.well-known/oauth-protected-resource/resource\"";
    assert!(challenge.contains("resource_metadata=\"http://") && challenge.ends_with(leads), "{challenge}");
    assert_eq!(answer.body["error"], error);
    assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
}

#[tokio::test]
async fn every_method_and_path_is_served_and_bound_to_itself() {
    for mode in ALL_MODES {
        let scene = Scene::new(mode, DefectSet::empty()).await;
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
            for path in ["/resource", "/other", "/resource?x=1"] {
                let url = format!("{}{path}", scene.running.base_url);
                let parts = scene.parts_for(method.as_str(), &url, &scene.token);
                let wire = Wire { method: method.clone(), target: path.into(), ..scene.wire(&parts) };
                let answer = scene.send(wire).await;
                assert_eq!(answer.status, 200, "{mode:?} {method} {path}: {answer:?}");
                assert_eq!(answer.nonces.len(), usize::from(mode != NonceMode::Never));
                assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
                let body =
                    if method == Method::HEAD { Value::Null } else { json!({"ok": true, "sub": "alice"}) };
                assert_eq!(answer.body, body);
            }
        }
        let head_with_get = Wire { method: Method::HEAD, ..scene.wire(&scene.parts()) };
        assert_eq!(scene.send(head_with_get).await.status, 401);
    }
}

#[tokio::test]
async fn without_credentials_there_is_a_challenge_without_error() {
    let algs = [Alg::Ps256, Alg::Es256].into_iter().collect();
    let scene = Scene::with(|options| Options { algs, publishes: false, ..options }).await;
    let wire = scene.wire(&scene.parts());
    for authorization in [vec![], vec!["Basic eDp5".to_owned()]] {
        let answer = scene.send(Wire { authorization, ..wire.clone() }).await;
        assert_eq!((answer.status, answer.challenges), (401, vec!["DPoP algs=\"ES256 PS256\"".to_owned()]));
    }
}

#[tokio::test]
async fn credentials_by_their_form() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let token = &scene.token;
    for scheme in ["DPoP ", "dpop ", "DPOP ", "DPoP  "] {
        let wire = Wire { authorization: vec![format!("{scheme}{token}")], ..scene.wire(&scene.parts()) };
        assert_eq!(scene.send(wire).await.status, 200, "{scheme:?}");
    }
    let dpop = format!("DPoP {token}");
    for authorization in [
        vec![dpop.clone(), dpop.clone()],
        vec![dpop.clone(), format!("Bearer {token}")],
        vec![format!("Bearer {token}"), dpop.clone()],
        vec!["DPoP".into()],
        vec![format!("DPoP\t{token}")],
        vec![format!("DPoP token=\"{token}\"")],
        vec![format!("{dpop},{dpop}")],
        vec![format!("DPoP {token}=x")],
        vec!["DPoP =".into()],
    ] {
        let wire = Wire { authorization: authorization.clone(), ..scene.wire(&scene.parts()) };
        let answer = scene.send(wire).await;
        assert_eq!(answer.status, 400, "{authorization:?}");
        refused(&answer, 400, "invalid_request");
    }
    let parts = scene.parts();
    for proofs in [vec![], vec![parts.signed()]] {
        let wire = Wire { authorization: vec![format!("Bearer {token}")], proofs, ..scene.wire(&parts) };
        refused(&scene.send(wire).await, 401, "invalid_token");
    }
    refused(&scene.send(Wire { proofs: vec![], ..scene.wire(&parts) }).await, 401, "invalid_dpop_proof");
}

#[tokio::test]
async fn tokens_that_are_not_acceptable() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let request = || scene.request();
    let other = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let foreign = other.mint(&TokenRequest { confirmation: Some(scene.key.jkt()), ..scene.request() });
    for token in [
        "junk".into(),
        foreign,
        scene.tampered_token(),
        scene.token.trim_end_matches(|character| character != '.').to_owned(),
        scene.mint(&TokenRequest { confirmation: None, ..request() }),
        scene.mint(&TokenRequest { confirmation: Some(Key::fresh().jkt()), ..request() }),
        scene.mint(&TokenRequest { audience: "https://elsewhere.example".into(), ..request() }),
        scene.mint(&TokenRequest { lifetime: std::time::Duration::ZERO, ..request() }),
    ] {
        let parts = scene.parts_for("GET", &scene.running.resource_url, &token);
        let wire = Wire { authorization: vec![format!("DPoP {token}")], ..scene.wire(&parts) };
        refused(&scene.send(wire).await, 401, "invalid_token");
    }
    scene.clock.advance(std::time::Duration::from_secs(299));
    assert_eq!(scene.send(scene.wire(&scene.parts())).await.status, 200);
    scene.clock.advance(std::time::Duration::from_secs(1));
    refused(&scene.send(scene.wire(&scene.parts())).await, 401, "invalid_token");
}

#[tokio::test]
async fn a_nonce_is_asked_for_supplied_and_good() {
    for mode in [NonceMode::Optional, NonceMode::Required] {
        let scene = Scene::new(mode, DefectSet::empty()).await;
        let answer = scene.send(scene.wire(&scene.parts().claim("nonce", "\"made-up\""))).await;
        refused(&answer, 401, "use_dpop_nonce");
        let [nonce] = &answer.nonces[..] else { panic!("not one nonce: {answer:?}") };
        let retry = scene.parts().claim("nonce", format!("\"{nonce}\""));
        assert_eq!(scene.send(scene.wire(&retry)).await.status, 200);
        let without = scene.send(scene.wire(&scene.parts().without_claim("nonce"))).await;
        match mode {
            NonceMode::Required => refused(&without, 401, "use_dpop_nonce"),
            NonceMode::Optional | NonceMode::Never => assert_eq!(without.status, 200),
        }
        scene.clock.advance(std::time::Duration::from_secs(150));
        let answer = scene.send(scene.wire(&retry.claim("jti", "\"again\""))).await;
        assert_eq!(answer.status, 200, "the previous nonce is still good");
        assert!(!answer.nonces.contains(nonce), "and a newer one is supplied");
    }
}

#[tokio::test]
async fn many_copies_of_one_proof_are_served_once() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let wire = scene.wire(&scene.parts());
    let mut accepted = 0;
    let (one, two, three) =
        tokio::join!(scene.send(wire.clone()), scene.send(wire.clone()), scene.send(wire.clone()));
    for answer in [one, two, three, scene.send(wire).await] {
        accepted += usize::from(answer.status == 200);
    }
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn the_host_field_decides_nothing() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let get = |host: &str, proof: &Parts| {
        let request = scene.client.get(&scene.running.resource_url).header("Host", host);
        let request = request.header("Authorization", format!("DPoP {}", scene.token));
        request.header("DPoP", proof.signed()).send()
    };
    let answer = get("evil.example", &scene.parts()).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let spoofed = || scene.parts().claim("htu", "\"http://evil.example/resource\"");
    assert_eq!(get("evil.example", &spoofed()).await.expect("an answer").status(), 401);

    // The absolute form of the request target (RFC 9112 section 3.2.2), and white space around the value.
    let addr = scene.running.base_url.trim_start_matches("http://");
    for (parts, status) in [(scene.parts(), "200"), (spoofed(), "401")] {
        let answer = raw(
            addr,
            &format!(
                "GET http://evil.example/resource HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\
                 authorization: DPoP {}\r\ndPoP: \t {} \t\r\n\r\n",
                scene.token,
                parts.signed()
            ),
        )
        .await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

async fn raw(addr: &str, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(addr).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn what_needs_no_token() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let get = |path: &str| scene.client.get(format!("{}{path}", scene.running.base_url)).send();
    assert!(get("/").await.expect("an answer").text().await.expect("text").contains("dpop-harness"));
    let metadata: Value =
        get("/.well-known/oauth-protected-resource").await.expect("an answer").json().await.expect("JSON");
    assert_eq!(metadata["resource"], scene.running.base_url);
    assert_eq!(metadata["authorization_servers"], json!([scene.running.issuer_url]));
    assert_eq!(metadata["dpop_bound_access_tokens_required"], true);
    let of_one: Value = get("/.well-known/oauth-protected-resource/resource")
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(of_one["resource"], scene.running.resource_url);
    assert_eq!(get("/.well-known/oauth-protected-resource/nowhere").await.expect("an answer").status(), 404);
    assert_eq!(get("/nowhere").await.expect("an answer").status(), 404);
    let patch = scene.client.patch(&scene.running.resource_url).send().await.expect("an answer");
    assert_eq!(patch.status(), 405);
}

/// A resource server that fetches the keys of an issuer elsewhere, and does so again when the key is new.
#[tokio::test]
async fn a_remote_issuer() {
    for alg in Alg::ALL {
        remote_issuer(*alg).await;
    }
}

async fn remote_issuer(alg: Alg) {
    let scene = Scene::with(|options| Options { token_alg: alg, ..options }).await;
    let jwks_uri = scene.running.issuer.endpoint("/.well-known/jwks.json");
    let server = trusting(&scene, jwks_uri).await;
    let url = format!("{}/resource", server.url());
    let stranger =
        Issuer::new(scene.running.issuer_url.clone(), scene.clock.clone(), Arc::new(SystemEntropy));
    let stranger = stranger.with_alg(alg);
    for (token, status) in [(scene.token.clone(), 200), (stranger.mint(&scene.request()), 401)] {
        let proof = Parts::new(&scene.key, "GET", &url, scene.clock.unix_seconds(), Some(&token)).signed();
        let request = scene.client.get(&url).header("Authorization", format!("DPoP {token}"));
        assert_eq!(request.header("DPoP", proof).send().await.expect("an answer").status(), status);
    }
    server.shutdown().await;
    assert!(scene.client.get(&url).send().await.is_err(), "it has stopped");
}

/// Neither the client's fault nor a verdict on its token.
#[tokio::test]
async fn an_issuer_out_of_reach() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let server = trusting(&scene, scene.running.issuer.endpoint("/nowhere")).await;
    let request = scene.client.get(format!("{}/resource", server.url()));
    let answer = request.header("Authorization", format!("DPoP {}", scene.token)).send().await;
    assert_eq!(answer.expect("an answer").status(), 503);
}

/// A resource server of its own that trusts the scene's issuer and knows it from afar.
async fn trusting(scene: &Scene, jwks_uri: String) -> Server {
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    let server = ResourceServer::new(ResourceOptions {
        base_url: listener.url(),
        protects_root: false,
        audience: scene.running.audience().into(),
        algs: AlgSet::all(),
        trust: Trust::Remote { issuer: scene.running.issuer_url.clone(), jwks_uri },
        future_window: FUTURE_WINDOW,
        nbf_window: None,
        nonce: NonceMode::Never,
        replay: true,
        unbound_bearer: false,
        publishes: true,
        scope: None,
        defects: DefectSet::empty(),
        clock: scene.clock.clone(),
        entropy: Arc::new(SystemEntropy),
    });
    listener.serve(Arc::new(server.expect("a URL")).router())
}

/// With a name there are letters whose case can differ.
#[tokio::test]
async fn a_host_name_instead_of_the_address() {
    let options = Options::new(Arc::new(SystemClock), Arc::new(SystemEntropy));
    let running = start(Options { host: Some("localhost".into()), ..options }).await.expect("free ports");
    assert!(running.resource_url.starts_with("http://localhost:"), "{}", running.resource_url);
    let key = Key::fresh();
    let token = running.issuer.mint(&TokenRequest {
        subject: "alice".into(),
        client_id: "test".into(),
        audience: running.audience().into(),
        scope: String::new(),
        lifetime: std::time::Duration::from_secs(60),
        confirmation: Some(key.jkt()),
    });
    let htu = running.resource_url.replace("localhost", "LOCALHOST");
    let proof = Parts::new(&key, "GET", &htu, SystemClock.unix_seconds(), Some(&token)).signed();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.get(&running.resource_url).header("Authorization", format!("DPoP {token}"));
    assert_eq!(request.header("DPoP", proof).send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn stopping_frees_the_ports_even_with_a_connection_open() {
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await;
    let addr: std::net::SocketAddr =
        scene.running.base_url.trim_start_matches("http://").parse().expect("an address");
    let _idle = tokio::net::TcpStream::connect(addr).await.expect("a connection");
    scene.running.shutdown().await;
    assert!(Listener::bind(addr).await.is_ok());
    let public = "0.0.0.0:0".parse().expect("an address");
    assert!(Listener::bind(public).await.is_err(), "loopback only");
}
