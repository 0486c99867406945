//! Cases that wait: in no time where the clock leaps, beside the others where it does not, and never longer than wanted.

use std::time::Duration;

use dpop_harness::cli::Exit;
use dpop_harness::clock::{Clock as _, SystemClock};
use dpop_harness::judge::Verdict::{Fail, Pass, Skip};
use dpop_harness::plan::{all_of, select};
use dpop_harness::reference::{Defect, NonceMode};
use dpop_harness::scenario::Tag;
use dpop_harness::snapshot::Snapshot;
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Event, Stop, run_until};

use super::bench::{Bench, SCENARIOS, answer, check, claims, ids_with, skips};

const AHEAD: &str = "rs.replay.dated-ahead";
const SOON: &str = "rs.replay.after-2s";

fn seconds_since(began: std::time::SystemTime) -> f64 {
    SystemClock.now().duration_since(began).expect("time goes on").as_secs_f64()
}

/// The whole suite against a server in real time: what waits does so beside the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_real_time() {
    let began = SystemClock.now();
    let bench = Bench::clean().await.in_real_time();
    let results = bench.run().await;
    let took = seconds_since(began);
    check(&results, Exit::Conforms, &[]);
    // Some two seconds; a slow machine may need longer, and whoever waits in turn or for minutes longer still.
    assert!((2.0..30.0).contains(&took), "{took} s");
    assert!(ids_with(&results, Pass).contains(&SOON));
    assert!(ids_with(&results, Skip).contains(&AHEAD));
    let why = "it waits for minutes: `--tag slow`, or its id, has it performed";
    assert!(skips(&results).contains(&why), "{:?}", skips(&results));
    // What nobody asked for says nothing of the target.
    let snapshot = Snapshot::of(&results).contents();
    assert!(snapshot.contains(SOON) && !snapshot.contains(AHEAD), "{snapshot}");
}

/// Where the clock leaps, five minutes pass at once.
#[tokio::test]
async fn in_no_time() {
    let bench = Bench::clean().await;
    let (began, shown) = (SystemClock.now(), bench.setup.clock.now());
    check(&bench.run_only(&[AHEAD, SOON]).await, Exit::Conforms, &[]);
    let passed = bench.setup.clock.now().duration_since(shown).expect("time goes on");
    assert!(passed >= Duration::from_secs(307), "{passed:?}");
    assert!(seconds_since(began) < 10.0);
}

/// Ctrl-C ends a case that would wait for minutes, and the rest is reported.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_wait() {
    for by_tag in [false, true] {
        let mut bench = Bench::clean().await.in_real_time();
        if by_tag {
            bench.setup.opt_in.tags.push(Tag::Slow);
        } else {
            bench.setup.opt_in.ids.push(AHEAD.to_owned());
        }
        let selected = select(&SCENARIOS, &[AHEAD.to_owned(), "rs.ath".to_owned()]).expect("known cases");
        let others = selected.len() - 1;
        let stop = Stop::default();
        let (began, mut finished) = (SystemClock.now(), 0);
        let mut events = |event: Event<'_>| {
            let Event::Finished(outcome) = event else { return };
            finished += usize::from(outcome.scenario == "rs.ath");
            if finished == others {
                stop.request(); // nothing is left but the one that waits
            }
        };
        let results = run_until(&stop, &bench.setup, &SCENARIOS, &selected, &mut events).await;
        let took = seconds_since(began);
        assert!(took < 30.0, "{took} s");
        assert_eq!(ids_with(&results, Skip), [AHEAD]);
        assert_eq!(skips(&results), ["interrupted"]);
        assert_eq!(ids_with(&results, Pass).len(), others);
    }
}

/// A server may refuse every date ahead of its clock: then there is nothing to see, and nothing to wait for.
#[tokio::test]
async fn no_date_ahead_is_good() {
    let bench = Bench::clean().await.in_real_time();
    let mut bench = bench.instead(|_, request| {
        let iat = claims(request).get("iat").and_then(serde_json::Value::as_i64).unwrap_or_default();
        let ahead = iat > SystemClock.unix_seconds() + 2;
        ahead.then(|| answer(401, &[("WWW-Authenticate", "DPoP error=\"invalid_dpop_proof\"")]))
    });
    bench.setup.opt_in.tags.push(Tag::Slow);
    let began = SystemClock.now();
    let results = bench.run_only(&[AHEAD]).await;
    assert!(seconds_since(began) < 10.0);
    check(&results, Exit::Conforms, &[]);
    assert_eq!(ids_with(&results, Skip), [AHEAD]);
    assert!(
        skips(&results)[0].contains("what it depends on was answered reject 401"),
        "{:?}",
        skips(&results)
    );
}

/// Bugs in what is remembered show whether the server uses nonces or not, and whatever else is performed.
#[tokio::test]
async fn bugs_of_the_memory_with_nonces_and_without() {
    use Defect::{
        ForgottenAfterASecond, OneRequestAKey, ReplayCheckedThenStored, ReplayKeyIsProof, ReplayStoreEvicts,
        RetentionFromReceipt,
    };
    for mode in [NonceMode::Never, NonceMode::Required] {
        for defect in [
            ReplayKeyIsProof,
            ReplayCheckedThenStored,
            OneRequestAKey,
            ForgottenAfterASecond,
            RetentionFromReceipt,
            ReplayStoreEvicts,
        ] {
            let bench = Bench::new(mode, defect.into()).await;
            let replay: Vec<_> = all_of(&SCENARIOS, Profile::Strict)
                .into_iter()
                .filter(|selected| selected.scenario.id == "rs.replay")
                .collect();
            let results = bench.run_selected(&replay).await;
            let mut expected = defect.row().caught_by.to_vec();
            expected.sort_unstable();
            let mut found = ids_with(&results, Fail);
            found.sort_unstable();
            // 200 requests may or may not take longer than a second.
            found.retain(|id| defect != ForgottenAfterASecond || *id != "rs.replay.after-200-own");
            assert_eq!(found, expected, "{defect:?} with nonces {mode:?}");
        }
    }
}
