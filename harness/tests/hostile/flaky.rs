//! Servers that are right most of the time, and servers that fail over one kind of proof.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dpop_harness::cli::Exit;
use dpop_harness::judge::Verdict::{self, Fail, Inconclusive, Note, Pass};
use dpop_harness::plan::{all_of, select};
use dpop_harness::proof::Request;
use dpop_harness::spec::Profile;
use dpop_harness::suite::Results;

use super::bench::{
    Bench, SCENARIOS, answer, check, claims, field, has_der_signature, ids_with, segments, status,
};
use super::server::{Reaction, Server};

const REFUSAL: &[(&str, &str)] = &[("WWW-Authenticate", "DPoP error=\"invalid_token\"")];

fn lacks_ath(request: &Request) -> bool {
    claims(request).is_object() && claims(request).get("ath").is_none()
}

/// A closure that says yes once, to the first request that fits.
fn once(fits: impl Fn(&Request) -> bool) -> impl Fn(&Request) -> bool {
    let done = AtomicBool::new(false);
    move |request| fits(request) && !done.swap(true, Ordering::SeqCst)
}

#[track_caller]
fn reproduced(results: &Results, id: &str, times: (usize, usize)) {
    let outcome = results.outcomes.iter().find(|outcome| outcome.id == id).expect("an outcome");
    assert_eq!(outcome.reproduced, Some(times), "{id}");
}

#[tokio::test]
async fn one_wrong_proof_let_in_once() {
    for jobs in [1, 8] {
        let first = once(lacks_ath);
        let bench = Bench::clean()
            .await
            .jobs(jobs)
            .instead(move |_, request| first(request).then(|| answer(200, &[])));
        // Elsewhere other JWTs stand in the proof's place, which have no ath either.
        let results = bench.run_only(&["rs.ath"]).await;
        check(
            &results,
            Exit::Environment,
            &[(
                "rs.ath.missing",
                Inconclusive,
                "not reproducible: a request that must be refused was accepted",
            )],
        );
        reproduced(&results, "rs.ath.missing", (1, 2));
    }
}

#[tokio::test]
async fn one_wrong_proof_let_in_every_time() {
    let bench = Bench::clean().await.instead(|_, request| lacks_ath(request).then(|| answer(200, &[])));
    let results = bench.run_only(&["rs.ath"]).await;
    check(&results, Exit::Nonconformity, &[("rs.ath.missing", Fail, "must be refused was accepted")]);
    reproduced(&results, "rs.ath.missing", (2, 2));
}

#[tokio::test]
async fn one_right_proof_refused_once() {
    let odd = |request: &Request| claims(request).get("https://example.org/claim").is_some();
    let first = once(odd);
    let bench = Bench::clean().await.instead(move |_, request| first(request).then(|| answer(401, REFUSAL)));
    check(
        &bench.run_only(&["rs.accept"]).await,
        Exit::Environment,
        &[("rs.accept.unknown-claim", Inconclusive, "not reproducible: a request that must be accepted")],
    );
}

/// Refuses the correct request of this number, counted from the first behind the preflight.
async fn refusing_one(number: usize, pattern: &str) -> Results {
    let count = AtomicUsize::new(0);
    let bench = Bench::clean().await.jobs(1).after(move |_, seen| {
        let accepted = status(&seen) == Some(200);
        if accepted && count.fetch_add(1, Ordering::SeqCst) == number + 1 {
            answer(401, REFUSAL)
        } else {
            seen
        }
    });
    bench.run_only(&[pattern]).await
}

/// One control that fails once costs a repetition and shows nothing about the target.
#[tokio::test]
async fn one_control_refused_once() {
    let cases = select(&SCENARIOS, &["rs.ath".to_owned()]).expect("a scenario").len();
    for number in 0..cases + 4 {
        let results = refusing_one(number, "rs.ath").await;
        check(&results, Exit::Conforms, &[]);
        assert_eq!(ids_with(&results, Pass).len(), cases, "{number}");
    }
}

/// The same in front of a bug: it is still found, and still seen twice.
#[tokio::test]
async fn one_control_refused_once_in_front_of_a_bug() {
    for number in 0..6 {
        let count = AtomicUsize::new(0);
        let bench = Bench::clean()
            .await
            .jobs(1)
            .instead(|_, request| lacks_ath(request).then(|| answer(204, &[])))
            .after(move |_, seen| {
                let correct = status(&seen) == Some(200);
                if correct && count.fetch_add(1, Ordering::SeqCst) == number + 1 {
                    answer(401, REFUSAL)
                } else {
                    seen
                }
            });
        let results = bench.run_only(&["rs.ath.missing"]).await;
        check(&results, Exit::Nonconformity, &[("rs.ath.missing", Fail, "was accepted")]);
        reproduced(&results, "rs.ath.missing", (2, 2));
    }
}

/// A server that takes offence, and refuses the token from then on: nothing can be said of its refusals.
#[tokio::test]
async fn a_token_is_burnt_by_a_wrong_proof() {
    let burnt: Mutex<Vec<String>> = Mutex::default();
    let bench = Bench::clean().await.after(move |request, seen| {
        let credentials = field(request, "Authorization").unwrap_or_default().to_owned();
        let mut burnt = burnt.lock().expect("a lock");
        if status(&seen) != Some(200) {
            burnt.push(credentials);
            seen
        } else if burnt.contains(&credentials) {
            answer(401, REFUSAL)
        } else {
            seen
        }
    });
    let results = bench.run_only(&["rs.ath", "rs.htm", "rs.accept"]).await;
    let why = "the correct request after it was answered reject 401";
    let expected: Vec<_> = all_of(&SCENARIOS, Profile::Strict)
        .iter()
        .filter(|selected| ["rs.ath", "rs.htm"].contains(&selected.scenario.id.as_str()))
        .filter(|selected| !selected.case.kind.expects_acceptance())
        .map(|selected| (selected.case.id.as_str(), Inconclusive, why))
        .collect();
    check(&results, Exit::Environment, &expected);
}

/// The case itself is a note, and the fault is one finding, whatever the fault.
#[tokio::test]
async fn a_fault_over_one_kind_of_proof() {
    let bytes = |text: &str| Reaction::Bytes(text.as_bytes().to_vec());
    for (jobs, reaction, what) in [
        (1, bytes("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), "a server error: 1 of"),
        (8, Reaction::Close, "no answer: 1 of"),
        (4, bytes("what?"), "no answer: 1 of"),
        (4, bytes("HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nhalf"), "no answer: 1 of"),
    ] {
        let bench = Bench::clean().await.jobs(jobs);
        let upstream = bench.upstream();
        let server = Server::start(move |_, head| {
            let proof = head.lines().find_map(|line| line.strip_prefix("DPoP: ")).unwrap_or_default();
            if has_der_signature(proof) { reaction.clone() } else { Reaction::Pass(upstream) }
        })
        .await;
        let results = bench.at(server.addr).await.run().await;
        check(
            &results,
            Exit::Nonconformity,
            &[("rs.answer.fault", Fail, what), ("rs.jose.der-signature", Note, "see rs.answer.fault")],
        );
        reproduced(&results, "rs.answer.fault", (2, 2));
    }
}

#[tokio::test]
async fn a_fault_over_one_kind_of_proof_once() {
    let first = once(|request| has_der_signature(field(request, "DPoP").unwrap_or_default()));
    let bench = Bench::clean().await.instead(move |_, request| first(request).then(|| answer(500, &[])));
    check(
        &bench.run().await,
        Exit::Environment,
        &[
            ("rs.answer.fault", Inconclusive, "not reproducible: a server error"),
            ("rs.jose.der-signature", Note, "see rs.answer.fault"),
        ],
    );
}

/// A fault that only the preflight's junk token shows.
#[tokio::test]
async fn a_fault_over_junk() {
    let opaque = |request: &Request| {
        field(request, "Authorization").is_some_and(|credentials| !credentials.contains('.'))
    };
    let bench = Bench::clean().await.instead(move |_, request| opaque(request).then(|| answer(500, &[])));
    let results = bench.run().await;
    check(
        &results,
        Exit::Nonconformity,
        &[
            ("rs.answer.fault", Fail, "a server error: 1 of"),
            (
                "rs.preflight.canary",
                Note,
                "with a token that nobody issued was not accepted, but answered fault 500",
            ),
        ],
    );
    reproduced(&results, "rs.answer.fault", (2, 2));

    let bench =
        Bench::clean().await.instead(move |_, request| opaque(request).then(|| answer(401, &[("X", "y")])));
    check(
        &bench.run().await,
        Exit::Nonconformity,
        &[
            ("rs.answer.challenge", Fail, "a 401 without WWW-Authenticate"),
            ("rs.answer.error", Verdict::Warn, "a refused proof without an error code"),
        ],
    );
}

/// Routing answers to a wrong proof are no verdict on it.
#[tokio::test]
async fn routing_instead_of_refusals() {
    let zero = |request: &Request| segments(request).get(2).is_some_and(|signature| *signature == [0; 64]);
    for code in [302, 404, 429] {
        let bench = Bench::clean().await.instead(move |_, request| zero(request).then(|| answer(code, &[])));
        let why = "no verdict on the proof";
        let expected = [("rs.jose.zero-signature", Inconclusive, why)];
        check(&bench.run_only(&["rs.jose"]).await, Exit::Environment, &expected);
    }
}
