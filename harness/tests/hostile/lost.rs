//! Servers that go away in the middle, and runs that may not send any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dpop_harness::cli::Exit;
use dpop_harness::judge::Verdict::{Inconclusive, Note};
use dpop_harness::suite::{Results, Whose};
use dpop_harness::target::{Answer, NoAnswer};

use super::bench::{Bench, answer, check, skips};
use super::server::{Reaction, Server};

/// After so many requests the server is another, with so many workers. The preflight takes four requests.
const LIVES: [(usize, usize); 8] = [(4, 1), (4, 8), (5, 1), (7, 1), (21, 8), (40, 1), (57, 8), (121, 4)];
const LONG: Duration = Duration::from_secs(10);

/// One finding, however many workers notice, and what was judged before stays judged.
async fn dies(after: usize, jobs: usize, death: Reaction, timeout: Duration) -> Results {
    let bench = Bench::clean().await.jobs(jobs).hasty();
    let upstream = bench.upstream();
    let server =
        Server::start(move |number, _| if number < after { Reaction::Pass(upstream) } else { death.clone() })
            .await;
    let results = bench.limited(server.addr, timeout, usize::MAX).await.run().await;
    check(&results, Exit::Environment, &[("rs.preflight.control", Inconclusive, "lost during rs.")]);
    assert_eq!(skips(&results).last(), Some(&"the target was lost, see rs.preflight.control"));
    results
}

/// And it says what to do.
#[track_caller]
fn says(results: &Results, whose: Whose, what: &str) {
    let control = results.outcomes.iter().find(|one| one.id == "rs.preflight.control").expect("preflight");
    let reason = control.reason.as_deref().unwrap_or_default();
    let trouble = results.health.trouble.as_ref().expect("trouble");
    assert_eq!(trouble.whose, whose, "{trouble}");
    assert!(trouble.what.contains(what), "{what} is not in: {trouble}");
    assert!(reason.ends_with(&trouble.to_string()), "{reason}");
}

#[tokio::test]
async fn it_closes_every_connection() {
    for (after, jobs) in LIVES {
        let results = dies(after, jobs, Reaction::Close, LONG).await;
        says(&results, Whose::Surroundings, "does not answer any more");
    }
}

#[tokio::test]
async fn it_hangs() {
    dies(5, 1, Reaction::Hang, Duration::from_secs(1)).await;
    for (after, jobs) in [(6, 1), (60, 8)] {
        let late = Answer::Nothing(NoAnswer::Timeout);
        let bench = Bench::clean().await.jobs(jobs).hasty();
        let bench = bench.instead(move |number, _| (number >= after).then(|| late.clone()));
        let expected = [("rs.preflight.control", Inconclusive, "no answer within the deadline")];
        check(&bench.run().await, Exit::Environment, &expected);
    }
}

#[tokio::test]
async fn it_takes_no_more_connections() {
    for (after, jobs) in [(6, 1), (30, 8)] {
        dies(after, jobs, Reaction::Die, LONG).await;
    }
}

#[tokio::test]
async fn it_only_has_errors_left() {
    let config = Whose::Config("limits.rate");
    let statuses = [
        ("429 Too Many Requests", config, "a lower rate"),
        ("500 Internal Server Error", Whose::Server, "see its log"),
        ("502 Bad Gateway", Whose::Surroundings, "in front of the server gets no answer"),
        ("503 Service Unavailable", Whose::Server, "overloaded"),
        ("504 Gateway Timeout", Whose::Surroundings, "in front of the server gets no answer"),
        ("302 Found", Whose::Surroundings, "something else answers"),
        ("401 Unauthorized", Whose::Server, "started anew"),
    ];
    for ((after, jobs), (status, whose, what)) in LIVES.into_iter().zip(statuses.into_iter().cycle()) {
        let bytes = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes();
        let results = dies(after, jobs, Reaction::Bytes(bytes), LONG).await;
        says(&results, whose, what);
    }
}

/// A server that allows only so many requests: what was not shown does not pass, and the rate is what to change.
#[tokio::test]
async fn it_allows_a_hundred_requests() {
    for jobs in [1, 8] {
        let bench = Bench::clean().await.jobs(jobs).hasty();
        let bench = bench.instead(|number, _| (number >= 100).then(|| answer(429, &[("Retry-After", "60")])));
        let results = bench.run().await;
        check(&results, Exit::Environment, &[("rs.preflight.control", Inconclusive, "limits.rate")]);
        says(&results, Whose::Config("limits.rate"), "a lower rate");
        // Nothing is said about the resource that only the 429 shows.
        let reasons = skips(&results);
        assert!(!reasons.iter().any(|reason| reason.contains("429")), "{reasons:?}");
    }
}

/// The target is lost over a request by another method: that does not show that the method is not served.
#[tokio::test]
async fn it_dies_over_another_method() {
    for (code, whose) in [(429, Whose::Config("limits.rate")), (502, Whose::Surroundings)] {
        for id in ["rs.htm.head-ok", "rs.htm.head-with-get-proof"] {
            let bench = Bench::clean().await.jobs(1).hasty();
            let dead = AtomicBool::new(false);
            let bench = bench.instead(move |_, request| {
                dead.fetch_or(request.method == "HEAD", Ordering::SeqCst);
                dead.load(Ordering::SeqCst).then(|| answer(code, &[]))
            });
            let results = bench.run_only(&[id]).await;
            check(
                &results,
                Exit::Environment,
                &[("rs.preflight.control", Inconclusive, "lost during rs.htm.head")],
            );
            says(&results, whose, "");
        }
    }
}

/// The request on which it dies may be any one of a case that has to be accepted: there no control tells.
#[tokio::test]
async fn it_dies_over_a_correct_request() {
    for after in 4..=8 {
        let bench = Bench::clean().await.jobs(1).hasty();
        let bench = bench.instead(move |number, _| (number >= after).then(|| answer(503, &[])));
        let results = bench.run_only(&["rs.accept"]).await;
        check(
            &results,
            Exit::Environment,
            &[("rs.preflight.control", Inconclusive, "lost during rs.accept")],
        );
    }
}

/// Dead before the preflight is over: what is not shown does not pass.
#[tokio::test]
async fn it_dies_at_once() {
    for (after, expected) in [
        (0, vec![("rs.preflight.reachable", Inconclusive, "")]),
        (
            1,
            vec![
                ("rs.preflight.control", Inconclusive, "answered no-answer"),
                ("rs.preflight.canary", Note, "no-answer"),
            ],
        ),
        (
            2,
            vec![
                ("rs.preflight.control", Inconclusive, "answered no-answer"),
                ("rs.preflight.canary", Note, "no-answer"),
            ],
        ),
        (3, vec![("rs.preflight.control", Inconclusive, "answered no-answer")]),
    ] {
        let bench = Bench::clean()
            .await
            .instead(move |number, _| (number >= after).then_some(Answer::Nothing(NoAnswer::Closed)));
        check(&bench.run().await, Exit::Environment, &expected);
    }
}

/// The harness stops itself: that is no fault of the target's.
#[tokio::test]
async fn the_cap_on_requests() {
    for (cap, jobs) in [(0, 1), (1, 1), (2, 1), (3, 8), (4, 1), (4, 8), (5, 1), (6, 1), (21, 8), (90, 1)] {
        let bench = Bench::clean().await.jobs(jobs).hasty();
        let addr = bench.upstream();
        let results = bench.limited(addr, LONG, cap).await.run().await;
        let id = match cap {
            0 => "rs.preflight.reachable",
            1 | 2 => "rs.preflight.canary",
            _ => "rs.preflight.control",
        };
        check(&results, Exit::Environment, &[(id, Inconclusive, "limits.max-requests")]);
        let reasons = skips(&results);
        assert!(!reasons.iter().any(|reason| reason.contains("lost")), "{reasons:?}");
    }
}
