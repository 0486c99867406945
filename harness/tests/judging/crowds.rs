//! The judge over requests that were sent at the same time, and over steps that depend on others.

use dpop_harness::judge::Verdict::{Fail, Inconclusive, Note, Pass, Skip, Warn};
use dpop_harness::judge::{Compliance, Judgement, Verdict, judge, judge_answer};
use dpop_harness::run::Decision::{Accept, Challenge, Fault, NoAnswer, Other, Reject};
use dpop_harness::run::Turn::{ControlAfter, ControlBefore, Step};
use dpop_harness::run::{Crowd, Decision, Ending, Exchange, Run};
use dpop_harness::scenario::{AnswerCheck, Expect};
use dpop_harness::spec::Level;
use dpop_harness::target::NoRoom;

use super::exchange;

/// How many requests of one trial were decided how.
type Trial<'a> = &'a [(usize, Decision)];

/// What the runner brings home of a step of many requests, between controls.
fn run(trials: &[Trial<'_>], after: Decision) -> Run {
    let mut transcript = vec![exchange(ControlBefore, Accept)];
    for (trial, decided) in (1..).zip(trials) {
        let number =
            |wanted| decided.iter().filter(|(_, decision)| *decision == wanted).map(|(n, _)| n).sum();
        let crowd = Crowd { trial, sent: decided.iter().map(|(n, _)| n).sum(), accepted: number(Accept) };
        transcript.extend(decided.iter().map(|(alike, decision)| Exchange {
            alike: *alike,
            crowd: Some(crowd),
            ..exchange(Step(0), *decision)
        }));
    }
    transcript.push(exchange(ControlAfter, after));
    let ending = if after == Accept { Ending::Played } else { Ending::ControlAfter };
    Run { transcript, left_out: Vec::new(), ending }
}

/// The verdict at MUST, and a part of the reason.
#[track_caller]
fn check(run: &Run, expects: &[Expect], verdict: Verdict, reason: &str) -> Judgement {
    let judgement = judge(run, expects, Level::Must, None);
    let said = judgement.reason.clone().unwrap_or_default();
    assert_eq!(judgement.verdict, verdict, "{said}\n{run:?}");
    assert!(said.contains(reason), "{said:?} does not say {reason:?}");
    judgement
}

const HELD: Trial<'_> = &[(1, Accept), (31, Reject)];

#[test]
fn copies_of_which_one_may_be_accepted() {
    let one = [Expect::AcceptsExactly(1)];
    for (trials, verdict, reason) in [
        (vec![HELD], Pass, ""),
        (vec![HELD; 10], Pass, ""),
        // A nonce that is good once refuses the others in its own words.
        (vec![&[(1, Accept), (31, Challenge)][..]], Pass, ""),
        (vec![&[(3, Accept), (29, Reject)][..]], Fail, "3 of 32 copies were accepted"),
        (vec![&[(32, Accept)][..]], Fail, "32 of 32 copies were accepted"),
        (
            vec![HELD, HELD, HELD, &[(3, Accept), (29, Reject)]],
            Fail,
            "3 of 32 copies were accepted in trial 4",
        ),
        // Whatever else happened.
        (
            vec![&[(32, Reject)], &[(2, Accept), (30, NoAnswer)]],
            Fail,
            "2 of 32 copies were accepted in trial 2",
        ),
        (vec![&[(32, Reject)][..]], Inconclusive, "none of 32 copies were accepted"),
        (vec![HELD, &[(32, Challenge)], HELD], Inconclusive, "none of 32 copies were accepted in trial 2"),
        (vec![&[(1, Accept), (31, NoAnswer)][..]], Inconclusive, "31 of 32 copies were answered no-answer"),
        (vec![HELD, &[(1, Accept), (30, Reject), (1, Other)]], Inconclusive, "did not compete"),
        (vec![&[(32, NoAnswer)][..]], Inconclusive, "32 of 32 copies were answered no-answer"),
        (
            vec![HELD, &[(1, Accept), (31, Fault)]],
            Note,
            "31 of 32 copies were not accepted, but answered fault",
        ),
        (vec![&[(32, Fault)][..]], Inconclusive, "none of 32 copies were accepted"),
    ] {
        check(&run(&trials, Accept), &one, verdict, reason);
        // A failed control takes away what was shown, but not that too many were accepted.
        let after = if verdict == Fail { Fail } else { Inconclusive };
        check(&run(&trials, Reject), &one, after, "");
    }
    let three = run(&[&[(3, Accept), (29, Reject)]], Accept);
    let judgement = judge(&three, &one, Level::Should, None);
    assert_eq!((judgement.verdict, judgement.decisive), (Warn, Some(1)));
    assert_eq!(three.transcript[1].told(), "accepted 3 of 32");
    check(&run(&[&[(2, Accept), (30, Reject)]], Accept), &[Expect::AcceptsExactly(2)], Pass, "");
}

#[test]
fn requests_with_a_proof_each() {
    let all = [Expect::Accept];
    for (decided, verdict, reason) in [
        (&[(8, Accept)][..], Pass, ""),
        (&[(6, Accept), (2, Reject)], Fail, "2 of 8 requests at the same time were answered reject 401"),
        (&[(8, Reject)], Fail, "8 of 8 requests"),
        (&[(5, Accept), (1, Reject), (2, NoAnswer)], Fail, "1 of 8 requests"),
        // A busy server, and one whose nonces are good once, refuse nothing.
        (
            &[(7, Accept), (1, Challenge)],
            Inconclusive,
            "1 of 8 requests at the same time were answered challenge",
        ),
        (&[(7, Accept), (1, Fault)], Inconclusive, "answered fault 500"),
        (&[(7, Accept), (1, NoAnswer)], Inconclusive, "answered no-answer"),
        (&[(7, Accept), (1, Other)], Inconclusive, "answered other 404"),
    ] {
        check(&run(&[decided], Accept), &all, verdict, reason);
    }
}

#[test]
fn what_is_not_sent_is_skipped() {
    for (why, reason) in [
        (NoRoom::Rate(32), "limits.rate allows fewer"),
        (
            NoRoom::Cap { needed: 32, left: 3 },
            "needs 32 requests, and the cap (limits.max-requests) leaves 3",
        ),
        (NoRoom::Unsupported, "can't be sent requests at the same time"),
    ] {
        let run = Run::ended(vec![exchange(ControlBefore, Accept)], Ending::NotSent(why));
        check(&run, &[Expect::AcceptsExactly(1)], Skip, reason);
    }
    let control = [exchange(ControlBefore, Accept), exchange(ControlAfter, Accept)].to_vec();
    let nothing = Run { transcript: control, left_out: Vec::new(), ending: Ending::Played };
    check(&nothing, &[Expect::AcceptsExactly(1)], Inconclusive, "step 1 was not sent");
    // One request is no crowd.
    let alone = run(&[], Accept);
    let alone = Run { transcript: [alone.transcript, vec![exchange(Step(0), Accept)]].concat(), ..alone };
    check(&alone, &[Expect::AcceptsExactly(1)], Inconclusive, "not sent at the same time");
}

/// An original, what shows that its date is still good, and the replay.
#[test]
fn steps_that_depend_on_others() {
    let expects = [Expect::Any, Expect::Any, Expect::Reject(Vec::new())];
    let played = |steps: &[Decision], left_out: &[usize]| {
        let mut transcript = vec![exchange(ControlBefore, Accept)];
        transcript.extend(steps.iter().enumerate().map(|(index, decision)| exchange(Step(index), *decision)));
        transcript.push(exchange(ControlAfter, Accept));
        Run { transcript, left_out: left_out.to_vec(), ending: Ending::Played }
    };
    let judgement = check(&played(&[Accept, Accept, Reject], &[]), &expects, Pass, "");
    assert_eq!(judgement.decisive, Some(3), "the replay, not what shows that it means something");
    check(&played(&[Accept, Accept, Accept], &[]), &expects, Fail, "must be refused was accepted");
    let depends = "what it depends on was answered";
    check(&played(&[Accept, Reject], &[2]), &expects, Skip, depends);
    check(&played(&[Reject], &[1, 2]), &expects, Skip, depends);
    for decision in [Challenge, Fault, NoAnswer, Other] {
        check(&played(&[decision], &[1, 2]), &expects, Skip, depends);
    }
    // One delay that shows something is enough, and one that does not takes nothing away.
    let twice = [&expects[..], &expects[..]].concat();
    check(&played(&[Accept, Accept, Reject, Accept, Reject], &[5]), &twice, Pass, "");
    check(&played(&[Accept, Accept, Accept, Accept, Reject], &[5]), &twice, Fail, "was accepted");
    // Not sent and not left out is neither.
    check(&played(&[Accept, Accept], &[]), &expects, Inconclusive, "step 3 was not sent");
}

/// A server may be busy under many requests at once: that is no fault of its answers.
#[test]
fn a_crowd_shows_no_fault_of_answers() {
    for decision in [Fault, NoAnswer] {
        let alone = exchange(Step(0), decision);
        assert!(matches!(judge_answer(AnswerCheck::Fault, &alone), Compliance::Deviates(_)));
        let crowd = Some(Crowd { trial: 1, sent: 32, accepted: 1 });
        let together = Exchange { crowd, ..alone };
        assert_eq!(judge_answer(AnswerCheck::Fault, &together), Compliance::NotApplicable);
    }
}
