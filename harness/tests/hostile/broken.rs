//! Servers that never answer a correct request as they should.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use dpop_harness::cli::Exit;
use dpop_harness::clock::{Clock as _, SystemClock};
use dpop_harness::judge::Verdict;
use dpop_harness::judge::Verdict::{Fail, Inconclusive, Note};
use dpop_harness::target::tokens::EmbeddedSource;
use tokio::net::TcpListener;

use super::bench::{Bench, check, skips};
use super::server::{Reaction, Server};

/// Long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);
/// For what does not come at all.
const SHORT: Duration = Duration::from_millis(300);
/// No run here may take longer.
const BOUND: Duration = Duration::from_secs(9);
const LATE: &str = "no answer within the deadline";
const CHALLENGE: &str = "WWW-Authenticate: DPoP error=\"invalid_token\"\r\n";

fn response(status: &str, fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{fields}Content-Length: 0\r\n\r\n").into_bytes()
}

fn took(since: SystemTime) -> Duration {
    SystemClock.now().duration_since(since).unwrap_or_default()
}

#[tokio::test]
async fn an_unreachable_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    drop(listener);
    let results = Bench::clean().await.at(addr).await.run().await;
    check(&results, Exit::Environment, &[("rs.preflight.reachable", Inconclusive, "")]);
    assert_eq!(skips(&results), ["rs.preflight.reachable did not pass"]);
    assert_eq!(results.requests(), 1);
}

#[tokio::test]
async fn a_token_for_somebody_else() {
    let bench = Bench::clean().await;
    let issuer = bench.running.issuer.clone();
    let source = EmbeddedSource::new(issuer, "https://another.example".to_owned(), "read".to_owned());
    let results = bench.source(source.expect("a source")).run().await;
    check(&results, Exit::Environment, &[("rs.preflight.control", Inconclusive, "auth.audience")]);
    assert_eq!(skips(&results), ["rs.preflight.control did not pass"]);
}

/// Every request is answered alike.
async fn always(reaction: Reaction, exit: Exit, expected: &[(&str, Verdict, &str)]) {
    let server = Server::always(reaction).await;
    let began = SystemClock.now();
    let bench = Bench::clean().await.limited(server.addr, DEADLINE, usize::MAX).await;
    let results = bench.run().await;
    assert!(took(began) < BOUND, "{:?}", took(began));
    // The preflight, and the likely URLs that the diagnosis tries.
    assert!(server.requests.load(Ordering::SeqCst) <= 20);
    check(&results, exit, expected);
}

#[tokio::test]
async fn the_same_answer_to_everything() {
    let control = ("rs.preflight.control", Inconclusive, "a correct request was answered");
    let canary = ("rs.preflight.canary", Note, "was not accepted, but answered");
    for (status, fields, expected) in [
        ("401 Unauthorized", CHALLENGE, vec![("rs.preflight.control", Inconclusive, "auth.audience")]),
        (
            "401 Unauthorized",
            "WWW-Authenticate: Basic\r\n",
            vec![("rs.preflight.control", Inconclusive, "set up for DPoP")],
        ),
        ("403 Forbidden", "", vec![control]),
        ("404 Not Found", "", vec![canary, ("rs.preflight.control", Inconclusive, "target.resource")]),
        (
            "405 Method Not Allowed",
            "Allow: POST\r\n",
            vec![canary, ("rs.preflight.control", Inconclusive, "target.resource")],
        ),
        ("429 Too Many Requests", "Retry-After: 1\r\n", vec![canary, control]),
        ("500 Internal Server Error", "", vec![canary, ("rs.preflight.control", Inconclusive, "log")]),
        (
            "502 Bad Gateway",
            "",
            vec![canary, ("rs.preflight.control", Inconclusive, "in front of the server")],
        ),
        (
            "504 Gateway Timeout",
            "",
            vec![canary, ("rs.preflight.control", Inconclusive, "in front of the server")],
        ),
        ("503 Service Unavailable", "", vec![canary, ("rs.preflight.control", Inconclusive, "log")]),
        ("101 Switching Protocols", "Upgrade: x\r\n", vec![canary, control]),
        ("099 What", "", vec![canary, control]),
        ("999 What", "", vec![canary, control]),
    ] {
        // In the order of the file: canary comes last there.
        let mut expected = expected;
        expected.sort_by_key(|(id, ..)| *id == "rs.preflight.canary");
        always(Reaction::Bytes(response(status, fields)), Exit::Environment, &expected).await;
    }
}

#[tokio::test]
async fn everything_is_let_in() {
    let server = Server::always(Reaction::Bytes(response("200 OK", ""))).await;
    let results = Bench::clean().await.at(server.addr).await.run().await;
    check(&results, Exit::Nonconformity, &[("rs.preflight.canary", Fail, "not protected at all")]);
    let canary = results.outcomes.iter().find(|outcome| outcome.id == "rs.preflight.canary");
    assert_eq!(canary.and_then(|canary| canary.reproduced), Some((2, 2)));
    assert_eq!(skips(&results), ["rs.preflight.canary did not pass"]);
}

#[tokio::test]
async fn let_in_once_without_credentials() {
    let server = Server::start(|number, _| {
        let status = if number == 1 { "200 OK" } else { "401 Unauthorized" };
        Reaction::Bytes(response(status, CHALLENGE))
    })
    .await;
    let results = Bench::clean().await.at(server.addr).await.run().await;
    check(&results, Exit::Environment, &[("rs.preflight.canary", Inconclusive, "not reproducible")]);
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = Server::always(Reaction::Bytes(response("200 OK", ""))).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("Location: http://{}/resource\r\n", elsewhere.addr);
        always(
            Reaction::Bytes(response(status, &location)),
            Exit::Environment,
            &[
                ("rs.preflight.control", Inconclusive, "target.resource"),
                ("rs.preflight.canary", Note, "routing and no refusal"),
            ],
        )
        .await;
    }
    assert_eq!(elsewhere.requests.load(Ordering::SeqCst), 0);
}

/// Not an answer at all: one request, one finding.
async fn unreadable(name: &str, reaction: Reaction, why: &str) {
    let server = Server::always(reaction).await;
    let deadline = if why == LATE { SHORT } else { DEADLINE };
    let bench = Bench::clean().await.limited(server.addr, deadline, usize::MAX).await;
    let began = SystemClock.now();
    let results = bench.run().await;
    assert!(took(began) < BOUND, "{name}: {:?}", took(began));
    check(&results, Exit::Environment, &[("rs.preflight.reachable", Inconclusive, "")]);
    let reachable = results.outcomes.iter().find(|outcome| outcome.id == "rs.preflight.reachable");
    let seen =
        reachable.and_then(|outcome| outcome.decisive_exchange()).expect("an exchange").seen.to_string();
    assert!(seen.contains(why), "{name}: {seen}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 1, "{name}");
    assert!(server.bytes_sent.load(Ordering::Relaxed) < 16 << 20, "{name}: it is read without end");
}

#[tokio::test]
async fn what_is_not_http() {
    let bytes = |text: &str| Reaction::Bytes(text.as_bytes().to_vec());
    let endless =
        |first: &str, again: &[u8]| Reaction::Endless(first.as_bytes().to_vec(), again.repeat(1000));
    let closed = "closed without a whole answer";
    let malformed = "not HTTP/1.1";
    for (name, reaction, why) in [
        ("hang", Reaction::Hang, LATE),
        ("close", Reaction::Close, closed),
        ("garbage", Reaction::Bytes((0..=255).collect()), malformed),
        ("TLS", Reaction::Bytes(vec![0x15, 3, 1, 0, 2, 2, 40]), malformed),
        ("HTTP/2", Reaction::Bytes(b"\0\0\x12\x04\0\0\0\0\0".to_vec()), malformed),
        ("HTTP/0.9", bytes("<html>hello"), malformed),
        ("SSH", bytes("SSH-2.0-OpenSSH_9\r\n"), malformed),
        ("half a status line", bytes("HTTP/1.1 20"), closed),
        ("no status", bytes("HTTP/1.1  OK\r\n\r\n"), malformed),
        ("half a head", bytes("HTTP/1.1 200 OK\r\nA: b\r\n"), closed),
        ("endless head", endless("HTTP/1.1 200 OK\r\n", b"A: b\r\n"), malformed),
        ("endless field", endless("HTTP/1.1 200 OK\r\nA: ", b"b"), "the head does not end"),
        ("endless status line", endless("HTTP/1.1 200 ", b"O"), "the head does not end"),
        ("endless 100s", endless("", b"HTTP/1.1 100 Continue\r\n\r\n"), "interim responses without end"),
        ("NUL in a field", bytes("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n"), malformed),
        ("space in a name", bytes("HTTP/1.1 200 OK\r\nA b: c\r\n\r\n"), malformed),
        ("folded field", bytes("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), malformed),
        ("negative length", bytes("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "Content-Length"),
        ("signed length", bytes("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na"), "Content-Length"),
        (
            "length that is no number",
            bytes("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na"),
            "Content-Length",
        ),
        (
            "length beyond 64 bits",
            bytes("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
            "Content-Length",
        ),
        ("content cut off", bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), closed),
        (
            "content that never comes",
            Reaction::Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n".to_vec(), Duration::ZERO),
            closed,
        ),
        (
            "chunk of no size",
            bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
            "chunk size",
        ),
        (
            "negative chunk",
            bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n"),
            "chunk size",
        ),
        (
            "chunk beyond 64 bits",
            bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
            "chunk size",
        ),
        ("chunk cut off", bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"), closed),
        ("no last chunk", bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"), closed),
        (
            "endless chunk size",
            endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
            "chunk size",
        ),
        ("slow head", Reaction::Drip(response("200 OK", ""), Duration::from_millis(50)), LATE),
    ] {
        unreadable(name, reaction, why).await;
    }
    let fields = "A: b\r\n".repeat(10_000);
    unreadable("10,000 fields", Reaction::Bytes(response("200 OK", &fields)), "too many header fields").await;
}

/// Odd, but answers: they are read, up to a limit.
#[tokio::test]
async fn odd_answers() {
    let control =
        [("rs.preflight.control", Inconclusive, "a correct request was answered reject 401 invalid_token")];
    let head = format!("HTTP/1.1 401 Unauthorized\r\n{CHALLENGE}");
    let megabyte = vec![b'x'; 1 << 20];
    let bytes = |text: String| Reaction::Bytes(text.into_bytes());
    let endless =
        |fields: &str| Reaction::Endless(format!("{head}{fields}\r\n").into_bytes(), megabyte.clone());
    for (name, reaction) in [
        (
            "interim responses",
            bytes(format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n{head}Content-Length: 0\r\n\r\n"
            )),
        ),
        ("closed at the end", bytes(format!("{head}\r\nabc"))),
        ("HTTP/1.0", bytes(format!("HTTP/1.0 401 No\r\n{CHALLENGE}\r\n"))),
        ("no reason phrase", bytes(format!("HTTP/1.1 401\r\n{CHALLENGE}Content-Length: 0\r\n\r\n"))),
        ("ten gigabytes", endless("Content-Length: 10000000000\r\n")),
        ("without end", endless("")),
        (
            "a chunk of ten gigabytes",
            Reaction::Endless(
                format!("{head}Transfer-Encoding: chunked\r\n\r\n2540be400\r\n").into_bytes(),
                megabyte.clone(),
            ),
        ),
        (
            "chunks without end",
            Reaction::Endless(
                format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes(),
                b"4;a=b\r\nabcd\r\n".repeat(10_000),
            ),
        ),
    ] {
        let server = Server::always(reaction).await;
        let began = SystemClock.now();
        let results = Bench::clean().await.at(server.addr).await.run().await;
        assert!(took(began) < BOUND, "{name}: {:?}", took(began));
        check(&results, Exit::Environment, &control);
        assert!(server.bytes_sent.load(Ordering::Relaxed) < 64 << 20, "{name}: it is read without end");
    }
}
