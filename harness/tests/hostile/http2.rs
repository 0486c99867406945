//! Servers that speak HTTP/2 badly, or not at all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dpop_harness::cli::Exit;
use dpop_harness::clock::SystemClock;
use dpop_harness::jose::uri::Uri;
use dpop_harness::judge::Verdict::{Inconclusive, Pass, Skip};
use dpop_harness::proof::{Call, Field, HttpChoice, HttpVersion, Request};
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::run::Turn;
use dpop_harness::target::{Answer, HttpTarget, Kept, Limits, NoAnswer, Span, Target};
use h2::Reason;
use http::{HeaderValue, Response};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::bench::{Bench, case_of, check, ids_with, skips, status};
use super::server::{Reaction, Server};

/// What a server does with each request.
#[derive(Debug, Clone, Copy)]
enum Frames {
    Status(u16),
    GoAway(Reason),
    Reset(Reason),
    /// So many header fields of 1000 bytes.
    Fields(usize),
    /// DATA for as long as somebody reads.
    Endless,
    /// A response that ends before it has the length that it says.
    Short,
    Silence,
}

/// A server of HTTP/2. It ends with this value.
struct Http2Server {
    addr: SocketAddr,
    task: AbortHandle,
}

impl Drop for Http2Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Http2Server {
    /// Reacts to each request of a connection.
    async fn start(frames: &'static [Frames]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(async move {
                    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
                    let mut silent = Vec::new(); // a stream that is dropped is reset
                    let mut next = frames.iter().cycle();
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        let frames = next.next().expect("at least one");
                        match *frames {
                            Frames::Status(status) => {
                                let _ = respond.send_response(answer(status), true);
                            }
                            Frames::GoAway(reason) => connection.abrupt_shutdown(reason),
                            Frames::Reset(reason) => respond.send_reset(reason),
                            Frames::Fields(number) => {
                                let mut answer = answer(200);
                                let value = HeaderValue::from_str(&"x".repeat(1000)).expect("a value");
                                (0..number).for_each(|_| {
                                    answer.headers_mut().append("x-long", value.clone());
                                });
                                let _ = respond.send_response(answer, true);
                            }
                            Frames::Endless => {
                                let Ok(mut stream) = respond.send_response(answer(200), false) else {
                                    continue;
                                };
                                tokio::spawn(async move {
                                    while stream.send_data(vec![b'x'; 10_000].into(), false).is_ok() {
                                        stream.reserve_capacity(10_000);
                                        let ready =
                                            std::future::poll_fn(|context| stream.poll_capacity(context));
                                        if !matches!(ready.await, Some(Ok(_))) {
                                            return;
                                        }
                                    }
                                });
                            }
                            Frames::Short => {
                                let mut answer = answer(200);
                                answer.headers_mut().insert("content-length", HeaderValue::from_static("9"));
                                if let Ok(mut stream) = respond.send_response(answer, false) {
                                    let _ = stream.send_data("ok".into(), true);
                                }
                            }
                            Frames::Silence => silent.push(respond),
                        }
                    }
                });
            }
        });
        Self { addr, task: task.abort_handle() }
    }
}

fn answer(status: u16) -> Response<()> {
    let mut answer = Response::new(());
    *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    answer
}

/// The server at this address, and a request to it over HTTP/2.
async fn target(addr: SocketAddr) -> (HttpTarget, Request) {
    let uri: Uri = format!("http://{addr}/resource?a=%7e&b").parse().expect("a URL");
    let limits = Limits { timeout: Some(Span(Duration::from_millis(500))), ..Limits::default() };
    let target = HttpTarget::resolve(&uri, &limits, false, Arc::new(SystemClock)).await;
    let http = HttpChoice::Only(HttpVersion::Http2);
    let call = Call { http, ..Call::to("GET", uri) };
    (target.expect("loopback"), Request::bare(&call))
}

async fn answered(frames: &'static [Frames]) -> Answer {
    let server = Http2Server::start(frames).await;
    let (target, request) = target(server.addr).await;
    target.send(&request).await
}

#[tokio::test]
async fn what_a_server_does_is_a_fact() {
    let nothing = |fact| Answer::Nothing(fact);
    assert_eq!(status(&answered(&[Frames::Status(418)]).await), Some(418));
    let go_away = answered(&[Frames::GoAway(Reason::ENHANCE_YOUR_CALM)]).await;
    assert_eq!(go_away, nothing(NoAnswer::GoAway("ENHANCE_YOUR_CALM".into())));
    let reset = answered(&[Frames::Reset(Reason::REFUSED_STREAM)]).await;
    assert_eq!(reset, nothing(NoAnswer::Reset("REFUSED_STREAM".into())));
    assert_eq!(answered(&[Frames::Silence]).await, nothing(NoAnswer::Timeout));
    assert!(matches!(answered(&[Frames::Short]).await, Answer::Nothing(NoAnswer::NotHttp2(_))));
    // Fields up to the limit of HTTP/1.1, and no more.
    assert_eq!(status(&answered(&[Frames::Fields(50)]).await), Some(200));
    let long = answered(&[Frames::Fields(500)]).await;
    assert!(matches!(long, Answer::Nothing(_)), "{long:?}");
    let Answer::Response(endless) = answered(&[Frames::Endless]).await else { panic!("no response") };
    assert_eq!(endless.body.len(), 256 * 1024);
}

#[tokio::test]
async fn servers_of_something_else() {
    let http1 = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec();
    for (reaction, late) in [
        (Reaction::Bytes(http1), false),
        (Reaction::Bytes(b"SSH-2.0-x\r\n".to_vec()), false),
        (Reaction::Close, false),
        (Reaction::Hang, true),
    ] {
        let server = Server::always(reaction.clone()).await;
        let (target, request) = target(server.addr).await;
        let answer = target.send(&request).await;
        let Answer::Nothing(fact) = answer else { panic!("{reaction:?}: {answer:?}") };
        assert_eq!(fact == NoAnswer::Timeout, late, "{reaction:?}: {fact}");
        assert!(!fact.is_of_the_harness(), "{reaction:?}: {fact}");
    }
}

/// Each way to turn HTTP/2 down means the same: nothing is judged by it, and what needs HTTP/2 is skipped.
#[tokio::test]
async fn a_server_of_http1_only() {
    for refusal in [
        Reaction::Bytes(b"HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\n\r\n".to_vec()),
        Reaction::Close,
        Reaction::Hang,
    ] {
        let bench = Bench::clean().await;
        let upstream = bench.upstream();
        let server = Server::start(move |_, head| {
            if head.starts_with("PRI * HTTP/2.0") { refusal.clone() } else { Reaction::Pass(upstream) }
        })
        .await;
        let results = bench.at(server.addr).await.run_only(&["rs.http", "rs.answer.fault"]).await;
        check(&results, Exit::Conforms, &[]);
        assert_eq!(results.traits.http2, Some(false));
        assert_eq!(skips(&results), ["the server does not speak HTTP/2"]);
        assert!(ids_with(&results, Skip).iter().all(|id| id.starts_with("rs.http.http2-")));
        assert!(ids_with(&results, Pass).contains(&"rs.http.two-proofs"));
    }
}

/// It is asked where a case depends on it, and its owner's word counts.
#[tokio::test]
async fn when_it_is_asked() {
    let bench = Bench::clean().await;
    let upstream = bench.upstream();
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = asked.clone();
    let server = Server::start(move |_, head| {
        let asks = usize::from(head.starts_with("PRI"));
        count.fetch_add(asks, std::sync::atomic::Ordering::SeqCst);
        Reaction::Pass(upstream)
    })
    .await;
    let mut bench = bench.at(server.addr).await;
    let times = || asked.swap(0, std::sync::atomic::Ordering::SeqCst);

    assert_eq!(bench.run_only(&["rs.ath.missing"]).await.traits.http2, None);
    assert_eq!(times(), 0);
    assert_eq!(bench.run_only(&["rs.http.http2-ok"]).await.traits.http2, Some(true));
    assert_eq!(times(), 2, "the question and the case");
    bench.setup.capabilities.http2 = Some(true);
    check(&bench.run_only(&["rs.http.http2-ok"]).await, Exit::Conforms, &[]);
    assert_eq!(times(), 1);
    bench.setup.capabilities.http2 = Some(false);
    let results = bench.run_only(&["rs.http.http2-ok"]).await;
    assert_eq!((times(), skips(&results)), (0, vec!["the server does not speak HTTP/2"]));
    bench.setup.call.http = HttpChoice::Only(HttpVersion::Http1);
    let results = bench.run_only(&["rs.http.http2-ok"]).await;
    assert_eq!((times(), skips(&results)), (0, vec!["HTTP/2 is not used in this run (--http1.1)"]));
    bench.setup.call.http = HttpChoice::Only(HttpVersion::Http2);
    let results = bench.run_only(&["rs.http.lost-answer-ok"]).await;
    assert_eq!(skips(&results), ["HTTP/1.1 is not used in this run (--http2)"]);
}

/// Its owner says that it does, and it does not: nothing is shown, and nobody accused.
#[tokio::test]
async fn an_owner_who_is_mistaken() {
    let bench = Bench::clean().await;
    let upstream = bench.upstream();
    let server =
        Server::start(
            move |_, head| {
                if head.starts_with("PRI") { Reaction::Close } else { Reaction::Pass(upstream) }
            },
        )
        .await;
    let mut bench = bench.at(server.addr).await;
    bench.setup.capabilities.http2 = Some(true);
    let results = bench.run_only(&["rs.http.http2-no-proof"]).await;
    check(
        &results,
        Exit::Environment,
        &[("rs.http.http2-no-proof", Inconclusive, "the correct request before it")],
    );
}

#[tokio::test]
async fn a_run_over_http2_alone() {
    let bench = Bench::clean().await;
    let server = Http2Server::start(&[Frames::GoAway(Reason::INTERNAL_ERROR)]).await;
    let mut bench = bench.at(server.addr).await;
    bench.setup.call.http = HttpChoice::Only(HttpVersion::Http2);
    let results = bench.run().await;
    check(
        &results,
        Exit::Environment,
        &[("rs.preflight.reachable", Inconclusive, "environment: HTTP/2 was asked for")],
    );
    let seen = results.outcomes.iter().find_map(|outcome| outcome.decisive_exchange()).expect("an answer");
    assert!(seen.seen.to_string().contains("GOAWAY INTERNAL_ERROR"), "{}", seen.seen);
}

/// A connection that the server ends between two requests was not kept, and that is no answer to the second.
#[tokio::test]
async fn a_connection_that_ends_between_requests() {
    for (frames, second) in [
        (&[Frames::Status(200), Frames::GoAway(Reason::NO_ERROR)] as &'static [_], Some(NoAnswer::NotKept)),
        (&[Frames::Status(200), Frames::Reset(Reason::CANCEL)], Some(NoAnswer::Reset("CANCEL".into()))),
        (&[Frames::Status(200)], None),
    ] {
        let server = Http2Server::start(frames).await;
        let (target, request) = target(server.addr).await;
        let mut kept = Kept::default();
        assert_eq!(status(&target.send_over(&mut kept, &request).await), Some(200));
        let answer = target.send_over(&mut kept, &request).await;
        match second {
            Some(fact) => assert_eq!(answer, Answer::Nothing(fact)),
            None => assert_eq!(status(&answer), Some(200)),
        }
    }
}

/// Controls go the way of the case, and every one of these cases has some.
#[tokio::test]
async fn controls_go_over_http2() {
    let bench = Bench::new(NonceMode::Required, DefectSet::empty()).await;
    let results = bench.run_only(&["rs.http", "rs.ath.missing"]).await;
    check(&results, Exit::Conforms, &[]);
    for outcome in &results.outcomes {
        let negative = !case_of(&outcome.id).kind.expects_acceptance();
        let over_http2 = outcome.id.starts_with("rs.http.http2-");
        let controls = outcome.transcript.iter().filter(|exchange| !matches!(exchange.turn, Turn::Step(_)));
        let ways: Vec<bool> = controls
            .map(|exchange| {
                exchange.evidence.texts().request.lines().next().is_some_and(|line| line.ends_with(" HTTP/2"))
            })
            .collect();
        assert_eq!(ways.is_empty(), !negative, "{}", outcome.id);
        assert!(ways.iter().all(|way| *way == over_http2), "{}: {ways:?}", outcome.id);
    }
}

/// A server that accepts no correct request over HTTP/2 does not pass the cases in which others are refused.
#[tokio::test]
async fn refusing_everything_is_no_pass() {
    let bench = Bench::new(NonceMode::Never, Defect::FieldNameCaseSensitive.into()).await;
    let results = bench.run_only(&["rs.http.http2-no-proof", "rs.http.http2-two-proofs"]).await;
    let why = "the correct request before it was answered reject 401";
    check(
        &results,
        Exit::Environment,
        &[("rs.http.http2-no-proof", Inconclusive, why), ("rs.http.http2-two-proofs", Inconclusive, why)],
    );
}

/// What HTTP/2 has no form for is not sent, and not changed to fit.
#[tokio::test]
async fn what_can_not_be_expressed() {
    let server = Http2Server::start(&[Frames::Status(200)]).await;
    let (target, request) = target(server.addr).await;
    let with = |name: &str, value: &str| {
        let mut request = request.clone();
        request.fields.push(Field::new(name, value));
        request
    };
    for good in [with("DPoP", "a"), with("dpop", "a"), with("x-y", ""), with("DPoP", "a, b")] {
        assert_eq!(status(&target.send(&good).await), Some(200));
    }
    let target_of = |target: &str| Request { target: target.to_owned(), ..request.clone() };
    for bad in [
        with("DPOP", "a"),
        with("Connection", "DPoP"),
        with("te", "trailers"),
        with("transfer-encoding", "chunked"),
        with("dpop", " a"),
        with("dpop", "a\r\nb: c"),
        with("d pop", "a"),
        Request { fields: vec![], ..request.clone() },
        Request { method: "CONNECT".to_owned(), ..request.clone() },
        Request { method: "G T".to_owned(), ..request.clone() },
        target_of("/resource#fragment"),
        target_of("/a b"),
        target_of("http://other.example/resource"),
        target_of(""),
    ] {
        let answer = target.send(&bad).await;
        let expected = matches!(&answer, Answer::Nothing(NoAnswer::Inexpressible(_)));
        assert!(expected, "{:?}: {answer:?}", String::from_utf8_lossy(&bad.to_bytes()));
    }
}

/// Path and query, and field values, arrive as they were given.
#[tokio::test]
async fn nothing_is_normalised() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (target, request) = target(listener.local_addr().expect("an address")).await;
    let mut request = Request { target: "/a/../b/./%7e%7E//?x=%2f&&y".to_owned(), ..request };
    request.fields.push(Field::new("DPoP", "one"));
    request.fields.push(Field::new("DPoP", "two,  three"));
    let server = async {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
        let (received, mut respond) = connection.accept().await.expect("a request").expect("HTTP/2");
        respond.send_response(answer(204), true).expect("sent");
        connection.graceful_shutdown();
        while connection.accept().await.is_some() {}
        received
    };
    let (answer, received) = tokio::join!(target.send(&request), server);
    assert_eq!(status(&answer), Some(204));
    let path = received.uri().path_and_query().map(http::uri::PathAndQuery::as_str);
    assert_eq!(path, Some(request.target.as_str()));
    let host = request.fields.first().map(|host| host.value.as_str());
    assert_eq!(received.uri().authority().map(http::uri::Authority::as_str), host);
    assert!(!received.headers().contains_key("host"));
    let proofs: Vec<_> = received.headers().get_all("dpop").iter().collect();
    assert_eq!(proofs, ["one", "two,  three"]);
}
