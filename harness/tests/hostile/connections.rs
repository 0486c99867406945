//! Servers that close connections, and connections that the harness cuts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dpop_harness::cli::Exit;
use dpop_harness::clock::SystemClock;
use dpop_harness::jose::uri::Uri;
use dpop_harness::judge::Verdict::Pass;
use dpop_harness::proof::{Call, Request};
use dpop_harness::target::{Answer, HttpTarget, Kept, Limits, NoAnswer, Target};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::bench::{Bench, check, ids_with, skips, status};
use super::server::{Reaction, Server};

/// The server at this address, and a request to it.
async fn target(addr: std::net::SocketAddr) -> (HttpTarget, Request) {
    let uri: Uri = format!("http://{addr}/resource").parse().expect("a URL");
    let target = HttpTarget::resolve(&uri, &Limits::default(), false, Arc::new(SystemClock)).await;
    let call = Call::to("GET", uri);
    (target.expect("loopback"), Request::bare(&call))
}

/// Whether it says that it closes or just does.
#[tokio::test]
async fn a_connection_that_is_not_kept() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
    ] {
        let server = Server::always(Reaction::Bytes(head.into())).await;
        let (target, request) = target(server.addr).await;
        let mut kept = Kept::default();
        for connections in 1..=2 {
            let answer = target.send_over(&mut kept, &request).await;
            assert!(
                matches!(&answer, Answer::Response(first) if first.body.starts_with(b"ok")),
                "{answer:?}"
            );
            for _ in 0..2 {
                let answer = target.send_over(&mut kept, &request).await;
                assert_eq!(answer, Answer::Nothing(NoAnswer::NotKept), "{head}");
            }
            assert_eq!(server.requests.load(Ordering::SeqCst), connections, "{head}");
            kept.renew();
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_kept() {
    let bench = Bench::clean().await;
    let server = Server::always(Reaction::Pass(bench.upstream())).await;
    let (target, request) = target(server.addr).await;
    let mut kept = Kept::default();
    for _ in 0..3 {
        assert_eq!(status(&target.send_over(&mut kept, &request).await), Some(401));
        kept.renew(); // which changes nothing while it is open
    }
    // This server looks at the first request of a connection only.
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

/// It may: what can't be tested then is skipped.
#[tokio::test]
async fn a_server_that_closes_after_each_answer() {
    let bench = Bench::clean().await.es256_only();
    let upstream = bench.upstream();
    // Prior knowledge of HTTP/2 is met with HTTP/1.1.
    let server = Server::start(move |_, _| Reaction::Once(upstream)).await;
    let results = bench.at(server.addr).await.run_only(&["rs.http"]).await;
    check(&results, Exit::Conforms, &[]);
    assert!(
        skips(&results).contains(&"the server does not keep the connection open"),
        "{:?}",
        skips(&results)
    );
    let passed = ids_with(&results, Pass);
    assert!(
        passed.contains(&"rs.http.two-proofs") && passed.contains(&"rs.http.lost-answer-ok"),
        "{passed:?}"
    );
    assert!(!passed.iter().any(|id| id.contains("keep-alive")), "{passed:?}");
}

#[tokio::test]
async fn all_requests_of_a_case_go_over_one_connection() {
    let bench = Bench::clean().await;
    let server = Server::always(Reaction::Pass(bench.upstream())).await;
    let preflight_and = |results: &dpop_harness::suite::Results| {
        check(results, Exit::Conforms, &[]);
        results.outcomes.iter().map(|outcome| outcome.requests()).sum::<usize>()
    };
    let bench = bench.at(server.addr).await;
    let preflight = 4; // reachable, canary twice, control: each on a connection of its own
    let results = bench.run_only(&["rs.http.keep-alive-no-proof"]).await;
    assert_eq!(preflight_and(&results), 4, "both controls and both steps");
    assert_eq!(server.requests.load(Ordering::SeqCst), preflight + 1);
}

#[tokio::test]
async fn an_answer_that_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (target, request) = target(listener.local_addr().expect("an address")).await;
    let server = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.expect("the end of the connection");
        received
    };
    let (answer, received) = tokio::join!(target.send_and_cut(&request), server);
    assert_eq!(answer, Answer::Nothing(NoAnswer::Cut));
    assert_eq!(received, request.to_bytes(), "the whole request");
}

/// The lost answer itself is not held against the server.
#[tokio::test]
async fn a_lost_answer_is_no_fault_of_the_server() {
    let bench = Bench::clean().await;
    let results = bench.run_only(&["rs.http.lost-answer-ok", "rs.answer.fault"]).await;
    check(&results, Exit::Conforms, &[]);
    let lost = results.outcomes.iter().find(|outcome| outcome.id == "rs.http.lost-answer-ok").expect("it");
    let seen: Vec<String> = lost.transcript.iter().map(|exchange| exchange.seen.to_string()).collect();
    assert_eq!(seen, ["no-answer: the connection was cut before the answer", "accept 200"]);
}

/// A server that drops what it is doing when the client goes away is not asked in vain.
#[tokio::test]
async fn a_server_that_is_slow_to_answer() {
    let bench = Bench::clean().await;
    let upstream = bench.upstream();
    let server = Server::start(move |number, _| match number {
        4 => Reaction::Hang, // the one behind the preflight, whose answer is lost
        _ => Reaction::Pass(upstream),
    })
    .await;
    let bench = bench.limited(server.addr, Duration::from_secs(5), usize::MAX).await;
    check(&bench.run_only(&["rs.http.lost-answer-ok"]).await, Exit::Conforms, &[]);
}
