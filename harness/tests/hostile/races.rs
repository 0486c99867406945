//! Servers that can't, or won't, take many requests at the same time: nothing is said of what was not judged.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dpop_harness::cli::Exit;
use dpop_harness::judge::Verdict::{self, Inconclusive, Pass, Skip};
use dpop_harness::proof::Request;
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::suite::Results;
use dpop_harness::target::{Answer, BoxFuture, HttpTarget, Kept, Limits, NoRoom, Target};

use super::bench::{Bench, answer, check, ids_with, skips};
use super::server::{Reaction, Server};

const RACE: &str = "rs.replay.race";
const PARALLEL: &str = "rs.replay.parallel-ok";
const CHALLENGE: (&str, &str) = ("WWW-Authenticate", "DPoP error=\"use_dpop_nonce\"");

/// Copies behind the first are answered so.
async fn copies_behind_the_first(reaction: Reaction, bench: Bench) -> Results {
    let upstream = bench.upstream();
    let seen: Mutex<BTreeSet<String>> = Mutex::default();
    let server = Server::start(move |_, head| {
        let proof = head.lines().find_map(|line| line.strip_prefix("DPoP: ")).unwrap_or_default();
        let again = !proof.is_empty() && !seen.lock().expect("a lock").insert(proof.to_owned());
        if again { reaction.clone() } else { Reaction::Pass(upstream) }
    })
    .await;
    let bench = bench.limited(server.addr, Duration::from_millis(1500), usize::MAX).await;
    bench.run_only(&[RACE]).await
}

#[tokio::test]
async fn copies_that_are_not_judged() {
    let bytes = |text: &str| Reaction::Bytes(text.as_bytes().to_vec());
    for (reaction, seen) in [
        (Reaction::Close, "no-answer"),
        (Reaction::Hang, "no-answer"),
        (bytes("HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\n\r\n"), "other 429"),
    ] {
        for defects in [DefectSet::empty(), Defect::JtiNotTracked.into()] {
            let bench = Bench::new(NonceMode::Never, defects).await;
            let results = copies_behind_the_first(reaction.clone(), bench).await;
            let why = format!("31 of 32 copies were answered {seen}");
            check(&results, Exit::Environment, &[(RACE, Inconclusive, &why)]);
            // The first trial says as much as ten.
            assert!(results.requests() < 50, "{}", results.requests());
        }
    }
}

/// A lock that is held too long, on a database that then gives up: one passes, and the others are faults.
#[tokio::test]
async fn copies_that_are_faults() {
    let fault = Reaction::Bytes(b"HTTP/1.1 500 Deadlock\r\nContent-Length: 0\r\n\r\n".to_vec());
    let results = copies_behind_the_first(fault, Bench::clean().await).await;
    check(
        &results,
        Exit::Conforms,
        &[(RACE, Verdict::Note, "31 of 32 copies were not accepted, but answered")],
    );
}

/// It takes two connections at a time and closes the others.
#[tokio::test]
async fn honest_requests_that_find_the_door_closed() {
    let bench = Bench::clean().await;
    let upstream = bench.upstream();
    let server = Server::start(move |number, _| match number {
        0..6 => Reaction::Pass(upstream), // the preflight and two of the eight
        6..12 => Reaction::Close,
        _ => Reaction::Pass(upstream),
    })
    .await;
    let results = bench.at(server.addr).await.run_only(&[PARALLEL]).await;
    check(
        &results,
        Exit::Environment,
        &[(PARALLEL, Inconclusive, "of 8 requests at the same time were answered no-")],
    );
}

/// A server that refuses what comes at the same time is found, and seen twice.
#[tokio::test]
async fn honest_requests_that_are_refused() {
    let results =
        Bench::new(NonceMode::Optional, Defect::OneRequestAKey.into()).await.run_only(&[PARALLEL]).await;
    check(
        &results,
        Exit::Nonconformity,
        &[(PARALLEL, Verdict::Fail, "requests at the same time were answered reject 401")],
    );
}

/// Evidence of ten trials is bounded, and the numbers are still those of all requests.
#[tokio::test]
async fn few_exchanges_stand_for_many() {
    let results = Bench::clean().await.run_only(&[RACE, "rs.replay.after-200-own"]).await;
    check(&results, Exit::Conforms, &[]);
    for outcome in results.outcomes.iter().filter(|outcome| outcome.scenario == "rs.replay") {
        assert!(outcome.transcript.len() < 25, "{}: {}", outcome.id, outcome.transcript.len());
        assert!(outcome.requests() > 200, "{}: {}", outcome.id, outcome.requests());
    }
}

#[tokio::test]
async fn limits_that_leave_no_room() {
    let bench = Bench::clean().await;
    let upstream = bench.upstream();
    let bench = bench.limited(upstream, Duration::from_secs(5), 30).await;
    let results = bench.run_only(&[RACE, "rs.replay.after-200-own"]).await;
    check(&results, Exit::Conforms, &[]);
    assert_eq!(ids_with(&results, Skip), [RACE, "rs.replay.after-200-own"]);
    assert!(
        skips(&results).iter().all(|why| why.contains("the cap (limits.max-requests) leaves")),
        "{:?}",
        skips(&results)
    );

    let paced = async |rate: &str| {
        let mut bench = Bench::clean().await;
        let limits = Limits { rate: Some(rate.parse().expect("a rate")), ..Limits::default() };
        let uri = format!("http://{}/resource", bench.upstream()).parse().expect("a URL");
        let target = HttpTarget::resolve(&uri, &limits, false, bench.setup.clock.clone()).await;
        bench.setup.target = Arc::new(target.expect("loopback"));
        bench.run_only(&[RACE]).await
    };
    let slow = paced("20/s").await;
    assert_eq!(ids_with(&slow, Skip), [RACE]);
    assert!(skips(&slow)[0].contains("limits.rate allows fewer in a second"), "{:?}", skips(&slow));
    assert_eq!(ids_with(&paced("50/s").await, Pass), [RACE]);
}

/// Challenges the first volleys as a whole.
struct Challenging {
    inner: Arc<dyn Target>,
    volleys: AtomicUsize,
    challenged: usize,
    asked: Arc<AtomicBool>,
}

impl Target for Challenging {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        self.inner.send(request)
    }

    fn send_over<'a>(&'a self, kept: &'a mut Kept, request: &'a Request) -> BoxFuture<'a, Answer> {
        self.inner.send_over(kept, request)
    }

    fn send_and_cut<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        self.inner.send_and_cut(request)
    }

    fn release<'a>(&'a self, requests: &'a [Request]) -> BoxFuture<'a, Result<Vec<Answer>, NoRoom>> {
        if self.volleys.fetch_add(1, Ordering::SeqCst) >= self.challenged {
            return self.inner.release(requests);
        }
        self.asked.store(true, Ordering::SeqCst);
        let challenges = requests.iter().map(|_| answer(401, &[CHALLENGE, ("DPoP-Nonce", "n-1")])).collect();
        Box::pin(std::future::ready(Ok(challenges)))
    }
}

/// A challenge of all copies changes nothing of what is tested: they are made anew. One without end shows nothing.
#[tokio::test]
async fn all_copies_are_challenged() {
    for (challenged, verdict, defect) in [
        (1, Pass, None),
        (2, Pass, None),
        (2, Verdict::Fail, Some(Defect::ReplayCheckedThenStored)),
        (usize::MAX, Inconclusive, None),
    ] {
        for case in [RACE, PARALLEL] {
            let defects = defect.map(DefectSet::from).unwrap_or_default();
            let mut bench = Bench::new(NonceMode::Never, defects).await;
            let asked = Arc::new(AtomicBool::new(false));
            bench.setup.target = Arc::new(Challenging {
                inner: bench.setup.target.clone(),
                volleys: AtomicUsize::new(0),
                challenged,
                asked: asked.clone(),
            });
            let results = bench.run_only(&[case]).await;
            let expected = if case == PARALLEL && defect.is_some() { Pass } else { verdict };
            assert_eq!(ids_with(&results, expected), [case], "{challenged}: {:?}", results.outcomes);
            assert!(asked.load(Ordering::SeqCst));
        }
    }
}
