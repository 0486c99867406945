//! What `dpop fuzz` takes for wrong, one test each, against servers that do just that; and beside each a server that does something
//! much like it for another reason, and must not be accused.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::{Entropy as _, SeededEntropy};
use dpop_harness::fuzz::{Campaign, Ended, Finding, Layer, Plan, Report, Symptom, Targets};
use dpop_harness::proof::Request;
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::scenario::{Source, load_embedded_and};
use dpop_harness::suite::{Approach, Stop};
use dpop_harness::target::{Answer, NoAnswer};
use serde_json::Value;

use crate::hostile::bench::{Bench, SCENARIOS, answer, segments, status};
use crate::hostile::server::{Reaction, Server};

/// What comes of a campaign of edits to the header against this target, whose state is in `state`.
async fn campaign_in(state: &Path, bench: &Bench, against: Option<&Bench>) -> Report {
    campaign_until(&Stop::default(), state, bench, against).await
}

/// The same, until somebody stops it.
async fn campaign_until(stop: &Stop, state: &Path, bench: &Bench, against: Option<&Bench>) -> Report {
    let plan = Plan {
        layers: vec![Layer::Jose],
        seed: 11,
        time: Duration::from_secs(40),
        share: None,
        state: state.to_owned(),
        repeat_with: String::new(),
        compare_with: String::new(),
    };
    let subject = Approach::make(stop, &bench.setup, &SCENARIOS).await;
    assert_eq!(subject.obstacle, None);
    let against = match against {
        Some(other) => Some(Approach::make(stop, &other.setup, &SCENARIOS).await),
        None => None,
    };
    let targets = Targets { subject: &subject, against: against.as_ref() };
    let campaign = Campaign::open(&targets, &SCENARIOS, &plan, &SystemClock, stop).expect("writable");
    campaign.run(&|_| {}).await
}

async fn campaign(bench: &Bench) -> Report {
    let state = tempfile::tempdir().expect("a folder");
    campaign_in(state.path(), bench, None).await
}

/// The reference server for so many requests, one at a time: what it does can be told by their number.
async fn clean(requests: usize) -> Bench {
    let bench = Bench::clean().await;
    let upstream = bench.upstream();
    bench.limited(upstream, Duration::from_secs(10), requests).await.jobs(1)
}

/// Whether the proof has no `typ`, or another one than it should have.
fn wrong_typ(header: &[u8]) -> bool {
    let header: Value = serde_json::from_slice(header).unwrap_or_default();
    header.is_object() && header["typ"] != "dpop+jwt"
}

fn has_wrong_typ(request: &Request) -> bool {
    segments(request).first().is_some_and(|header| wrong_typ(header))
}

/// The same of the head of a request.
fn head_has_wrong_typ(head: &str) -> bool {
    let proof = head.lines().find_map(|line| line.strip_prefix("DPoP: ")).unwrap_or_default();
    let header = proof.split('.').next().and_then(dpop_harness::jose::base64url::decode);
    header.is_some_and(|header| wrong_typ(&header))
}

/// There is one finding, of this symptom and about `typ`, and it is a scenario that can be read.
#[track_caller]
fn found(report: &Report, symptom: Symptom) -> &Finding {
    let [finding] = &report.findings[..] else { panic!("{report:#?}") };
    assert_eq!(finding.symptom, symptom, "{report:#?}");
    assert!(
        finding.recipe.edits().len() == 1 && finding.recipe.yaml().contains("typ"),
        "{}",
        finding.recipe.yaml()
    );
    let text = finding.scenario();
    let read = load_embedded_and(&[Source { file: "found.yaml".to_owned(), text: text.clone() }]);
    assert!(read.is_ok(), "{text}: {}", read.err().map(|error| error.render(false)).unwrap_or_default());
    finding
}

#[track_caller]
fn reproducible(report: &Report, symptom: Symptom) {
    assert_eq!(found(report, symptom).seen(), "3/3");
}

/// Nothing is found, although so many requests were sent.
#[track_caller]
fn nothing(report: &Report, at_least: u64) {
    let told: Vec<String> = report.findings.iter().map(Finding::scenario).collect();
    assert!(told.is_empty(), "{told:?}");
    assert!(report.executions >= at_least, "{report:#?}");
}

/// Whether this is one of every `nth`.
fn now_and_then(nth: usize) -> impl Fn() -> bool {
    let count = AtomicUsize::new(0);
    move || count.fetch_add(1, Ordering::Relaxed) % nth == nth - 1
}

#[tokio::test]
async fn what_is_refused_although_it_is_as_good_as_a_correct_request() {
    let defects = [Defect::UnknownParametersRefused].into_iter().collect::<DefectSet>();
    let bench = Bench::new(NonceMode::Never, defects).await;
    let upstream = bench.upstream();
    let report = campaign(&bench.limited(upstream, Duration::from_secs(10), 700).await).await;
    let [finding] = &report.findings[..] else { panic!("{report:#?}") };
    assert_eq!((finding.symptom, finding.seen()), (Symptom::Refused, "3/3".to_owned()));
    assert!(finding.scenario().contains("expect: accept"), "{}", finding.scenario());
}

#[tokio::test]
async fn a_server_error_that_comes_of_the_input() {
    let fault = |_, request: &Request| has_wrong_typ(request).then(|| answer(500, &[]));
    reproducible(&campaign(&clean(500).await.instead(fault)).await, Symptom::Fault);
}

/// So it is with a server that is overloaded, or behind a proxy that loses it now and then.
#[tokio::test]
async fn a_server_error_now_and_then_is_nobodys() {
    let now = now_and_then(23);
    let report =
        campaign(&clean(500).await.instead(move |at, _| (at > 20 && now()).then(|| answer(503, &[])))).await;
    nothing(&report, 200);
    assert!(report.unreproduced > 5, "{report:#?}");
}

/// Whoever limits the rate answers many in a row so, and others not.
#[tokio::test]
async fn a_server_error_by_chance_is_nobodys() {
    let chance = SeededEntropy::new(5);
    let drawn = move |at, _: &Request| {
        let mut byte = [0];
        chance.fill(&mut byte);
        (at > 20 && byte[0] < 77).then(|| answer(503, &[]))
    };
    let bench = clean(4000).await;
    let report = campaign(&bench.instead(drawn)).await;
    nothing(&report, 100);
    assert!(report.unreproduced + report.not_looked_at > 20, "{report:#?}");
}

#[tokio::test]
async fn no_answer() {
    let upstream = Bench::clean().await;
    let addr = upstream.upstream();
    let hangs =
        move |_, head: &str| if head_has_wrong_typ(head) { Reaction::Hang } else { Reaction::Once(addr) };
    let server = Server::start(hangs).await;
    let finding = |bench: Bench| async move { campaign(&bench).await };
    let bench = upstream.limited(server.addr, Duration::from_millis(800), 150).await.jobs(2);
    reproducible(&finding(bench).await, Symptom::NoAnswer);
}

#[tokio::test]
async fn a_connection_that_is_cut() {
    let upstream = Bench::clean().await;
    let addr = upstream.upstream();
    let cuts =
        move |_, head: &str| if head_has_wrong_typ(head) { Reaction::Close } else { Reaction::Once(addr) };
    let server = Server::start(cuts).await;
    let bench = upstream.limited(server.addr, Duration::from_secs(5), 400).await.jobs(2);
    reproducible(&campaign(&bench).await, Symptom::NoAnswer);
}

#[tokio::test]
async fn no_answer_now_and_then_is_nobodys() {
    let now = now_and_then(23);
    let lost = move |at, _: &Request| {
        (at > 20 && now()).then_some(Answer::Nothing(if at % 2 == 0 {
            NoAnswer::Timeout
        } else {
            NoAnswer::Closed
        }))
    };
    let report = campaign(&clean(500).await.instead(lost)).await;
    nothing(&report, 200);
    assert!(report.unreproduced > 5, "{report:#?}");
}

const LONG: Duration = Duration::from_secs(4);

#[tokio::test]
async fn an_answer_that_takes_ten_times_as_long() {
    let late = |request: &Request, _: &Answer| if has_wrong_typ(request) { LONG } else { Duration::ZERO };
    reproducible(&campaign(&clean(1000).await.late(late)).await, Symptom::Slow);
}

#[tokio::test]
async fn a_pause_now_and_then_is_nobodys() {
    let now = now_and_then(23);
    let late = move |_: &Request, _: &Answer| if now() { LONG } else { Duration::ZERO };
    let report = campaign(&clean(500).await.late(late)).await;
    nothing(&report, 200);
    assert!(report.unreproduced > 5, "{report:#?}");
}

/// Some servers make whoever tries things wait: over whatever they refuse, and not over this input.
#[tokio::test]
async fn a_server_that_takes_its_time_over_refusals_is_not_accused() {
    let late = |_: &Request, answer: &Answer| if status(answer) == Some(401) { LONG } else { Duration::ZERO };
    nothing(&campaign(&clean(500).await.late(late)).await, 200);
}

/// The answer with this text in its content, where it is a refusal.
fn saying(answer: Answer, text: &str) -> Answer {
    match answer {
        Answer::Response(mut response) if response.status == 401 => {
            response.body = text.as_bytes().to_vec();
            Answer::Response(response)
        }
        other => other,
    }
}

#[tokio::test]
async fn a_refusal_that_tells_too_much() {
    let trace = "java.lang.IllegalArgumentException: typ\n\tat com.example.Proof.check(Proof.java:12)\n";
    let bench = clean(600).await.after(
        move |request, answer| {
            if has_wrong_typ(request) { saying(answer, trace) } else { answer }
        },
    );
    reproducible(&campaign(&bench).await, Symptom::Leak);
}

/// The URL and the reason are no secrets, and the name of an exception is not worth an accusation.
#[tokio::test]
async fn a_refusal_that_says_why_tells_nothing() {
    let bench = clean(600).await.after(|request, answer| {
        let proof = request.fields.iter().find(|field| field.name == "DPoP");
        let proof = proof.map(|field| field.value.clone()).unwrap_or_default();
        let text = format!("no.jose.ProofException: {} {} {proof}", request.method, request.target);
        saying(answer, &text)
    });
    nothing(&campaign(&bench).await, 300);
}

#[tokio::test]
async fn two_targets_that_only_ask_in_another_way_agree() {
    let bench = clean(500).await;
    let other = Bench::new(NonceMode::Required, DefectSet::empty()).await;
    let state = tempfile::tempdir().expect("a folder");
    nothing(&campaign_in(state.path(), &bench, Some(&other)).await, 200);
}

/// What ends the server is named at once, and is a finding as soon as it has ended it twice.
#[tokio::test]
async fn an_input_that_ends_the_server() {
    let state = tempfile::tempdir().expect("a folder");
    let mut reports = Vec::new();
    for _ in 0..2 {
        let upstream = Bench::clean().await;
        let addr = upstream.upstream();
        let dies =
            move |_, head: &str| if head_has_wrong_typ(head) { Reaction::Die } else { Reaction::Once(addr) };
        let server = Server::start(dies).await;
        let bench = upstream.limited(server.addr, Duration::from_secs(5), 400).await.jobs(2);
        let report = campaign_in(state.path(), &bench, None).await;
        assert!(matches!(report.ended, Some(Ended::Lost(_))), "{report:#?}");
        reports.push(report);
    }
    let [first, second] = &reports[..] else { panic!("{reports:#?}") };
    assert!(first.findings.is_empty(), "{first:#?}");
    assert!(first.suspects.iter().any(|suspect| suspect.yaml().contains("typ")), "{first:#?}");
    let [finding] = &second.findings[..] else { panic!("{second:#?}") };
    assert_eq!((finding.symptom, finding.seen()), (Symptom::NoAnswer, "1/1".to_owned()));
    assert!(finding.recipe.yaml().contains("typ"), "{}", finding.recipe.yaml());
}

/// One that is started anew by somebody is asked on, and the input comes down to the smallest.
#[tokio::test]
async fn an_input_that_ends_a_server_which_comes_back() {
    let left_out = AtomicUsize::new(0);
    let bench = clean(700).await.instead(move |_, request| {
        if has_wrong_typ(request) {
            left_out.store(3, Ordering::Relaxed);
            return Some(Answer::Nothing(NoAnswer::Closed));
        }
        let away = left_out.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        away.is_ok().then(|| Answer::Nothing(NoAnswer::Unreachable("connection refused".to_owned())))
    });
    reproducible(&campaign(&bench).await, Symptom::NoAnswer);
}

/// It was at the wrong place: what a server that ended for another reason had not answered is forgotten.
#[tokio::test]
async fn a_server_that_ends_for_another_reason() {
    let state = tempfile::tempdir().expect("a folder");
    let ends = |at: usize, _: &Request| {
        (at >= 150).then(|| {
            Answer::Nothing(if at == 150 {
                NoAnswer::Closed
            } else {
                NoAnswer::Unreachable("refused".to_owned())
            })
        })
    };
    let report = campaign_in(state.path(), &clean(500).await.instead(ends), None).await;
    assert!(matches!(report.ended, Some(Ended::Lost(_))), "{report:#?}");
    assert_eq!(report.suspects.len(), 1, "{report:#?}");
    let again = campaign_in(state.path(), &clean(200).await, None).await;
    nothing(&again, 100);
    assert!(again.suspects.is_empty(), "{again:#?}");
}

/// Ctrl-C while a finding is made smaller: it is told as it is by then.
#[tokio::test]
async fn a_campaign_that_is_stopped_tells_of_what_it_looks_at() {
    let state = tempfile::tempdir().expect("a folder");
    let stop = Stop::default();
    let (asked, count) = (stop.clone(), AtomicUsize::new(0));
    let bench = clean(5000).await.instead(move |_, request| {
        let wrong = has_wrong_typ(request);
        // Once it was seen, and twice when it was looked for.
        if wrong && count.fetch_add(1, Ordering::Relaxed) == 4 {
            asked.request();
        }
        wrong.then(|| answer(500, &[]))
    });
    let report = campaign_until(&stop, state.path(), &bench, None).await;
    let [finding] = &report.findings[..] else { panic!("{report:#?}") };
    assert_eq!((finding.symptom, finding.seen()), (Symptom::Fault, "2/2".to_owned()));
    assert!(state.path().join("findings").join(finding.name()).join("bundle.json").is_file());
    // The same finding is there in the next campaign, which looks for it first.
    let again = campaign_in(state.path(), &clean(100).await, None).await;
    nothing(&again, 10);
}
