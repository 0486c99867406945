//! Servers with odd ideas of nonces (RFC 9449 sections 8 and 9).

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use dpop_harness::cli::Exit;
use dpop_harness::entropy::{SystemEntropy, unique_id};
use dpop_harness::judge::Verdict::{Fail, Inconclusive, Pass, Skip, Warn};
use dpop_harness::plan::all_of;
use dpop_harness::reference::{Defect, NonceMode};
use dpop_harness::spec::Profile;
use dpop_harness::target::{Answer, NoncePolicy};

use super::bench::{Bench, SCENARIOS, answer, check, claims, field, ids_with, skips};

const CHALLENGE: (&str, &str) = ("WWW-Authenticate", "DPoP error=\"use_dpop_nonce\"");
/// What lets web pages read it, as the server behind does.
const PAGES: [(&str, &str); 2] =
    [("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce")];

#[tokio::test]
async fn challenges_without_end() {
    let bench = Bench::clean().await.instead(|_, request| {
        field(request, "DPoP").map(|_| answer(401, &[CHALLENGE, ("DPoP-Nonce", &unique_id(&SystemEntropy))]))
    });
    let results = bench.run().await;
    check(
        &results,
        Exit::Nonconformity,
        &[
            ("rs.preflight.control", Inconclusive, "it asks for a nonce again and again"),
            ("rs.answer.endless-challenge", Fail, "challenged again and again"),
        ],
    );
    assert!(results.requests() < 12, "{}", results.requests());
}

#[tokio::test]
async fn challenges_without_a_usable_nonce() {
    for (fields, case) in [
        (vec![CHALLENGE], "rs.answer.nonce-field"),
        (vec![CHALLENGE, ("DPoP-Nonce", "")], "rs.answer.nonce-characters"),
        (vec![CHALLENGE, ("DPoP-Nonce", "a \"nonce\"")], "rs.answer.nonce-characters"),
    ] {
        let bench = Bench::clean()
            .await
            .instead(move |_, request| field(request, "DPoP").map(|_| answer(401, &fields)));
        check(
            &bench.run().await,
            Exit::Nonconformity,
            &[
                ("rs.preflight.control", Inconclusive, "supplies none that a client could use"),
                (case, Fail, "DPoP-Nonce"),
            ],
        );
    }
}

/// A server that supplies with each 200 a nonce that it does not know, at all and at once in eight places.
#[tokio::test]
async fn the_nonce_of_a_success_is_not_known() {
    for jobs in [1, 8] {
        let bench = Bench::new(NonceMode::Required, Defect::NonceOfSuccessUnknown.into()).await.jobs(jobs);
        let expected =
            [("rs.answer.success-nonce", Warn, "challenged with the nonce that had come with a 200")];
        check(&bench.run().await, Exit::Conforms, &expected);
    }
}

/// A server that takes each nonce once and supplies a new one with every answer.
async fn single_use() -> Bench {
    let issued: Arc<Mutex<HashSet<String>>> = Arc::default();
    let known = issued.clone();
    let supply = move || {
        let nonce = unique_id(&SystemEntropy);
        issued.lock().expect("a lock").insert(nonce.clone());
        nonce
    };
    let more = supply.clone();
    let mut bench = Bench::clean().await;
    for resource in &mut bench.setup.places.resources {
        resource.nonce = Some(NoncePolicy::Required);
    }
    bench
        .after(move |_, answer| match answer {
            Answer::Response(mut response) => {
                response.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("dpop-nonce"));
                response.fields.push(("DPoP-Nonce".to_owned(), more().into_bytes()));
                response.fields.push(("Cache-Control".to_owned(), b"no-store".to_vec()));
                Answer::Response(response)
            }
            nothing => nothing,
        })
        .instead(move |_, request| {
            let claims = claims(request);
            if !claims.is_object() {
                return None; // the server refuses it
            }
            let nonce = claims.get("nonce").and_then(serde_json::Value::as_str).unwrap_or_default();
            let fresh = known.lock().expect("a lock").remove(nonce);
            (!fresh).then(|| answer(401, &[CHALLENGE, ("DPoP-Nonce", &supply()), PAGES[0], PAGES[1]]))
        })
}

/// The cases that send again what is dated now or ahead.
const DATED: [&str; 3] = ["rs.replay.dated-ahead", "rs.replay.dated-now", "rs.replay.dated-far-ahead"];

#[tokio::test]
async fn a_new_nonce_with_every_answer() {
    for jobs in [1, 8] {
        let results = single_use().await.jobs(jobs).run().await;
        check(&results, Exit::Conforms, &[]);
        assert_eq!(results.traits.nonce, NoncePolicy::Required);
        // A nonce that is good once makes a proof good once, and then there is no later date to try.
        let (url, rest): (Vec<_>, Vec<_>) =
            results.outcomes.iter().filter(|outcome| outcome.verdict == Skip).partition(|outcome| {
                let not_here = [
                    "not for this URL",
                    "target.bearer",
                    "target.nodes",
                    "can't be sent requests at the same time",
                    "a listener is opened",
                    "no refusal offered several schemes",
                ];
                outcome.reason.as_deref().is_some_and(|why| not_here.iter().any(|what| why.contains(what)))
            });
        let rest: Vec<_> = rest.iter().map(|outcome| outcome.id.as_str()).collect();
        assert_eq!(rest, DATED, "{:?}", skips(&results));
        assert_eq!(
            ids_with(&results, Pass).len(),
            all_of(&SCENARIOS, Profile::Strict).len() - DATED.len() - url.len()
        );
    }
}
