//! Whether refusals show to those who run the server: what is read, and what it is worth.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dpop_harness::judge::Verdict::{self, Inconclusive, Pass, Skip, Warn};
use dpop_harness::proof::Request;
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::target::{Answer, BoxFuture, NoAnswer, Observer, Response, Target};

use super::bench::{Bench, answer, field, ids_with, status};

/// The verdicts of all three cases are this one; a part of the reasons.
async fn check(bench: &Bench, verdict: Verdict, says: &str) {
    let results = bench.run_only(&["rs.observe"]).await;
    let observed: Vec<_> =
        results.outcomes.iter().filter(|outcome| outcome.scenario == "rs.observe").collect();
    assert_eq!(observed.len(), 3);
    for outcome in observed {
        let reason = outcome.reason.clone().unwrap_or_default();
        assert_eq!(outcome.verdict, verdict, "{}: {reason}", outcome.id);
        assert!(reason.contains(says), "{reason:?} does not say {says:?}");
    }
}

/// A metrics page with a number that the closure makes of how often it was asked for before.
fn page(mut bench: Bench, react: impl Fn(u64) -> Answer + Send + Sync + 'static) -> Bench {
    struct Page<F>(F, AtomicU64);
    impl<F: Fn(u64) -> Answer + Send + Sync> Target for Page<F> {
        fn send<'a>(&'a self, _: &'a Request) -> BoxFuture<'a, Answer> {
            Box::pin(std::future::ready((self.0)(self.1.fetch_add(1, Ordering::Relaxed))))
        }
    }
    let call = Box::new(bench.setup.call.clone());
    let target = Arc::new(Page(react, AtomicU64::new(0)));
    bench.setup.observer = Some(Observer::Metrics { target, call, counter: "refused".to_owned() });
    bench.hasty()
}

fn counting(number: u64) -> Answer {
    let body = format!("refused{{reason=\"x\"}} {number}\n").into_bytes();
    Answer::Response(Response { status: 200, fields: Vec::new(), body })
}

#[tokio::test]
async fn refusals_that_show_and_refusals_that_do_not() {
    for nonce in [NonceMode::Never, NonceMode::Optional, NonceMode::Required] {
        check(&Bench::new(nonce, DefectSet::empty()).await, Pass, "").await;
        let silent = Bench::new(nonce, Defect::RefusalsNotCounted.into()).await.hasty();
        let verdict = Verdict::of_violation(dpop_harness::spec::Level::Should);
        check(&silent, verdict, "refused requests 0 were counted").await;
    }
}

/// The whole run refuses a lot at the same time, and none of that counts here.
#[tokio::test]
async fn nobody_else_is_refused_meanwhile() {
    let silent = Bench::new(NonceMode::Never, Defect::RefusalsNotCounted.into()).await.jobs(8).hasty();
    let found = ids_with(&silent.run().await, Warn).join(" ");
    assert_eq!(found, "rs.observe.proofs rs.observe.other-key rs.observe.bearer");
    let clean = Bench::clean().await.jobs(8).run().await;
    assert!(
        clean.outcomes.iter().filter(|outcome| outcome.scenario == "rs.observe").all(|o| o.verdict == Pass)
    );
}

#[tokio::test]
async fn what_can_not_be_read_shows_nothing() {
    let mut bench = Bench::clean().await;
    bench.setup.observer = None;
    check(&bench, Skip, "no `observe` in the config").await;
    bench.setup.observer = Some(Observer::Log { path: "/no/such/log".into(), pattern: "x".to_owned() });
    check(&bench.hasty(), Inconclusive, "/no/such/log").await;
    let bench = page(Bench::clean().await, |_| Answer::Nothing(NoAnswer::Timeout));
    check(&bench, Inconclusive, "no answer within the deadline").await;
    let bench = page(Bench::clean().await, |_| answer(401, &[]));
    check(&bench, Inconclusive, "answers 401").await;
    let bench = page(Bench::clean().await, |_| {
        let body = vec![b' '; 256 * 1024];
        Answer::Response(Response { status: 200, fields: Vec::new(), body })
    });
    check(&bench, Inconclusive, "too long to be read").await;
}

/// A counter of all requests, or one that others move, shows nothing.
#[tokio::test]
async fn a_counter_that_always_grows_shows_nothing() {
    let bench = page(Bench::clean().await, |asked| counting(asked * 10));
    check(&bench, Inconclusive, "grew by 10 over a correct request").await;
}

/// What was accepted is the finding of another case.
#[tokio::test]
async fn what_is_not_refused_is_not_looked_for() {
    let bench = Bench::clean().await.instead(|_, request| {
        let bearer = field(request, "Authorization").is_some_and(|value| value.starts_with("Bearer"));
        bearer.then(|| answer(200, &[]))
    });
    let results = bench.run_only(&["rs.observe.bearer"]).await;
    assert_eq!(ids_with(&results, Skip), ["rs.observe.bearer"]);
}

/// Some of the refusals only; and a counter that starts anew.
#[tokio::test]
async fn too_few() {
    check(&page(Bench::clean().await, |_| counting(7)), Warn, "0 were counted").await;
    check(&page(Bench::clean().await, |asked| counting(100 - asked)), Warn, "0 were counted").await;
}

#[tokio::test]
async fn a_log_file() {
    for (logged, verdict) in [(true, Pass), (false, Warn)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("server.log");
        let mut log = OpenOptions::new().create(true).append(true).open(&path).expect("a file");
        writeln!(log, "started\nrefused before").expect("written");
        let log = std::sync::Mutex::new(log);
        let mut bench = Bench::clean().await.jobs(1).after(move |_, answer| {
            let word = if logged && status(&answer) != Some(200) { "refused" } else { "seen" };
            writeln!(log.lock().expect("a lock"), "request {word}").expect("written");
            answer
        });
        bench.setup.observer = Some(Observer::Log { path, pattern: "refused".to_owned() });
        check(&bench.hasty(), verdict, "").await;
    }
}
