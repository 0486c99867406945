//! Servers that want something of every request, or say success in their own way: told so by the config, they are tested as any other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use dpop_harness::cli::Exit;
use dpop_harness::judge::Verdict::{Fail, Inconclusive, Pass, Skip};
use dpop_harness::proof::{Field, Request, Success};
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::suite::{Results, Whose};
use dpop_harness::target::{Answer, HttpTarget, Limits, Rate, Target};

use super::bench::{Bench, answer, check, field, ids_with, status};

/// How many requests the server takes in a second.
const TAKEN: usize = 50;
/// A rate below that, as opening many connections at once takes its time; what the suite sends together has room in it.
const RATE: u32 = 35;

impl Bench {
    /// Every request has this field.
    fn with_field(mut self, name: &str, value: &str) -> Self {
        let setup = &mut self.setup;
        let places = &mut setup.places;
        let calls = places.resources.iter_mut().map(|place| &mut place.call);
        let calls = calls.chain(places.forbidden.iter_mut().map(|place| &mut place.call));
        let plain = setup.plain_http.iter_mut().map(|plain| &mut plain.call);
        for call in calls.chain(plain).chain([&mut setup.call]) {
            call.fields.push(Field::new(name, value));
        }
        self
    }

    /// These statuses are success, and no others.
    fn with_success(mut self, codes: &[u16]) -> Self {
        let success = Success::only(codes.to_vec()).expect("codes of success");
        let setup = &mut self.setup;
        let places = &mut setup.places;
        let calls = places.resources.iter_mut().map(|place| &mut place.call);
        let calls = calls.chain(places.forbidden.iter_mut().map(|place| &mut place.call));
        for call in calls.chain([&mut setup.call]) {
            call.success = success.clone();
        }
        self
    }
}

#[track_caller]
fn trouble(results: &Results, whose: Whose, says: &str) {
    let trouble = results.health.trouble.as_ref().expect("there is trouble");
    assert_eq!(trouble.whose, whose, "{trouble}");
    assert!(trouble.to_string().contains(says), "{trouble}");
}

/// What the usual run shows is shown.
#[track_caller]
fn same_passes(results: &Results, usual: &Results) {
    let passes = ids_with(results, Pass);
    let missing = ids_with(usual, Pass).into_iter().filter(|id| !passes.contains(id));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

/// What serves Turtle only answers 406 to `Accept: */*`, and to no `Accept`; to preflight requests it answers as any other.
fn turtle_only(request: &Request) -> Option<Answer> {
    let of_the_resource = !request.target.contains("/.well-known/") && request.method != "OPTIONS";
    (of_the_resource && field(request, "Accept") != Some("text/turtle")).then(|| answer(406, &[]))
}

#[tokio::test]
async fn it_has_one_representation_only() {
    let bench = Bench::clean().await.hasty().instead(|_, request| turtle_only(request));
    let results = bench.run_only(&["rs.ath"]).await;
    check(&results, Exit::Environment, &[("rs.preflight.control", Inconclusive, "406")]);
    trouble(&results, Whose::Config("target.headers"), "Accept");
    let bench = Bench::clean().await.with_field("Accept", "text/turtle");
    let cases = ["rs.ath", "rs.htm", "rs.page", "rs.cache", "rs.metadata", "rs.field", "rs.http"];
    check(&bench.instead(|_, request| turtle_only(request)).run_only(&cases).await, Exit::Conforms, &[]);
}

/// A field that no client sends by itself. A bug behind it is found.
#[tokio::test]
async fn it_wants_a_field_of_its_own() {
    let tenant = |_, request: &Request| {
        let of_the_resource = !request.target.contains("/.well-known/") && request.method != "OPTIONS";
        (of_the_resource && field(request, "X-Tenant") != Some("7")).then(|| answer(404, &[]))
    };
    let bench = Bench::clean().await.with_field("X-Tenant", "7").instead(tenant);
    let results = bench.run_only(&["rs.ath", "rs.resources", "rs.forbidden", "rs.page", "rs.cache"]).await;
    check(&results, Exit::Conforms, &[]);
    let bench = Bench::new(NonceMode::Never, Defect::AthOptional.into()).await.with_field("X-Tenant", "7");
    let results = bench.instead(tenant).run_only(&["rs.ath.missing"]).await;
    check(&results, Exit::Nonconformity, &[("rs.ath.missing", Fail, "must be refused was accepted")]);
}

/// Answers its success with a redirect, as those do whose clients are browsers.
fn redirecting(_: &Request, seen: Answer) -> Answer {
    match seen {
        Answer::Response(mut response)
            if response.status == 200 && !response.has("access-control-allow-methods") =>
        {
            response.status = 302;
            response.fields.push(("Location".to_owned(), b"/done".to_vec()));
            Answer::Response(response)
        }
        other => other,
    }
}

#[tokio::test]
async fn it_redirects_whom_it_lets_through() {
    let results = Bench::clean().await.hasty().after(redirecting).run_only(&["rs.ath"]).await;
    check(&results, Exit::Environment, &[("rs.preflight.control", Inconclusive, "302")]);
    trouble(&results, Whose::Config("target.resource"), "target.success");
    let bench = Bench::clean().await.with_success(&[302]).after(redirecting);
    check(&bench.run_only(&["rs.ath", "rs.htm", "rs.replay", "rs.forbidden"]).await, Exit::Conforms, &[]);
    let bench = Bench::new(NonceMode::Never, Defect::AthOptional.into()).await.with_success(&[302]);
    let results = bench.after(redirecting).run_only(&["rs.ath.missing"]).await;
    check(&results, Exit::Nonconformity, &[("rs.ath.missing", Fail, "must be refused was accepted")]);
}

/// Where statuses are named, another 2xx is no verdict on a proof.
#[tokio::test]
async fn it_says_no_with_a_status_of_success() {
    let polite = |_: &Request, seen: Answer| match status(&seen) {
        Some(200) => answer(201, &[]),
        Some(401) => answer(202, &[]),
        _ => seen,
    };
    let bench = Bench::clean().await.with_success(&[201]).after(polite);
    let results = bench.run_only(&["rs.ath.missing"]).await;
    check(&results, Exit::Environment, &[("rs.ath.missing", Inconclusive, "202")]);
    let results = Bench::clean().await.with_success(&[204]).run_only(&["rs.ath.missing"]).await;
    trouble(&results, Whose::Config("target.success"), "not among those of success");
    assert_eq!(ids_with(&results, Skip), ["rs.ath.missing"]);
}

/// Takes so many requests in any second, and answers 429 to the others.
fn limiting(bench: Bench) -> Bench {
    let clock = bench.setup.clock.clone();
    let taken: Mutex<VecDeque<SystemTime>> = Mutex::default();
    bench.after(move |_, seen| {
        let now = clock.now();
        let mut taken = taken.lock().expect("a lock");
        while taken.front().is_some_and(|first| *first + Duration::from_secs(1) <= now) {
            taken.pop_front();
        }
        if taken.len() >= TAKEN {
            return answer(429, &[("Retry-After", "1")]);
        }
        taken.push_back(now);
        seen
    })
}

async fn paced(rate: Option<u32>) -> Bench {
    let mut bench = Bench::new(NonceMode::Never, DefectSet::empty()).await.without_plain_http();
    let limits =
        Limits { rate: rate.map(Rate::per_second), max_requests: Some(usize::MAX), ..Limits::default() };
    let target = HttpTarget::resolve(&bench.setup.call.uri, &limits, false, bench.setup.clock.clone()).await;
    let target: Arc<dyn Target> = Arc::new(target.expect("loopback"));
    bench.setup.target = target;
    bench.setup.jobs = limits.jobs();
    limiting(bench)
}

/// Without a rate it is the config that has to change; with one below what it takes it is tested in full: what has to
/// arrive at the same time, too, for the rate allows as many in a second.
#[tokio::test]
async fn it_takes_so_many_requests_in_a_second() {
    let results = paced(None).await.run().await;
    trouble(&results, Whose::Config("limits.rate"), "a lower rate");
    let results = paced(Some(RATE)).await.run().await;
    check(&results, Exit::Conforms, &[]);
    let usual = Bench::clean().await.without_plain_http().instead(|_, _| None).run().await;
    same_passes(&results, &usual);
}
