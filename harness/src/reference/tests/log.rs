//! Every refusal is logged and counted, by a reason that tells nothing secret.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::proofs::Key;
use super::scene::{Scene, Wire};
use crate::reference::*;

/// Keeps all events as text: whatever stands in them.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(event.metadata().target().to_owned());
        event.record(&mut text);
        self.0.lock().expect("not poisoned").push(text.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("a String");
    }
}

#[tokio::test]
async fn every_refusal_is_logged_and_counted_and_nothing_secret_with_it() {
    let heard = Heard::default();
    let _guard = tracing::subscriber::set_default(heard.clone());
    // Where there is one subscriber alone, tracing asks only the thread that comes to an event first whether anybody hears it,
    // and that may be the thread of another test. Where there are two, it asks both.
    let _second = tracing::Dispatch::new(Heard::default());
    let scene = Scene::new(NonceMode::Never, DefectSet::empty()).await; // which sends one request without credentials
    assert_eq!(scene.send(scene.wire(&scene.parts())).await.status, 200);

    let wrong = [
        scene.wire(&scene.parts().claim("htm", "\"PUT\"")),
        scene.wire(&scene.parts().claim("htm", "\"DELETE\"")),
        scene.wire_with(scene.parts().signed_by(&Key::fresh())),
        Wire { authorization: vec!["DPoP secret-junk".into()], ..scene.wire(&scene.parts()) },
        scene.wire_with("secret-proof".into()),
    ];
    let secrets: Vec<String> =
        wrong.iter().flat_map(|wire| wire.proofs.clone()).chain([scene.token.clone()]).collect();
    for wire in wrong {
        assert_eq!(scene.send(wire).await.status, 401);
    }
    let url = scene.running.issuer.endpoint("/token");
    let form = "grant_type=client_credentials&client_id=secret-client";
    let request = scene.client.post(url).header("Content-Type", "application/x-www-form-urlencoded");
    let answer = request.header("DPoP", "secret-proof").body(form).send().await.expect("an answer");
    assert_eq!(answer.status(), 400);

    let expected = [
        ("resource", "GET", "/resource", 401, "", "no_credentials"),
        ("resource", "GET", "/resource", 401, "invalid_dpop_proof", "htm"),
        ("resource", "GET", "/resource", 401, "invalid_dpop_proof", "htm"),
        ("resource", "GET", "/resource", 401, "invalid_dpop_proof", "signature"),
        ("resource", "GET", "/resource", 401, "invalid_token", "token_not_signed"),
        ("resource", "GET", "/resource", 401, "invalid_dpop_proof", "proof_malformed"),
        ("authorization_server", "POST", "/token", 400, "invalid_dpop_proof", "proof_malformed"),
    ]
    .map(|(module, method, path, code, error, reason)| {
        format!(
            "dpop_harness::reference::{module} method={method:?} path={path:?} code={code} error={error:?} \
             reason={reason:?}"
        )
    });
    let lines = heard.0.lock().expect("not poisoned").clone();
    let ours: Vec<&String> =
        lines.iter().filter(|line| line.starts_with("dpop_harness::reference")).collect();
    assert_eq!(ours, expected.iter().collect::<Vec<_>>());
    for line in &ours {
        let parts = secrets.iter().flat_map(|secret| secret.split('.')).filter(|part| !part.is_empty());
        assert!(!line.contains("secret") && !parts.clone().any(|part| line.contains(part)), "{line}");
    }

    let metrics = scene.client.get(format!("{}/metrics", scene.running.base_url)).send().await;
    let metrics = metrics.expect("an answer");
    assert_eq!(metrics.headers()["Content-Type"], "text/plain; version=0.0.4");
    assert_eq!(
        metrics.text().await.expect("text"),
        "# HELP dpop_accepted_total Requests that were served.\n\
         # TYPE dpop_accepted_total counter\n\
         dpop_accepted_total 1\n\
         # HELP dpop_refusals_total Requests that were refused, by reason and error code.\n\
         # TYPE dpop_refusals_total counter\n\
         dpop_refusals_total{reason=\"htm\",error=\"invalid_dpop_proof\"} 2\n\
         dpop_refusals_total{reason=\"no_credentials\",error=\"\"} 1\n\
         dpop_refusals_total{reason=\"proof_malformed\",error=\"invalid_dpop_proof\"} 1\n\
         dpop_refusals_total{reason=\"signature\",error=\"invalid_dpop_proof\"} 1\n\
         dpop_refusals_total{reason=\"token_not_signed\",error=\"invalid_token\"} 1\n"
    );
}
