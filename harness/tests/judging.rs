//! The judge over made-up transcripts: every combination of expectation, answer and controls, and what must hold of all.

use std::sync::Arc;

use dpop_harness::jose::Nonce;
use dpop_harness::judge::Compliance::{Complies, Deviates, NotApplicable, Tolerated, Weak};
use dpop_harness::judge::Verdict::{Fail, Inconclusive, Note, Pass, Skip, Warn};
use dpop_harness::judge::{Compliance, Judgement, Verdict, judge, judge_answer};
use dpop_harness::proof::EditError;
use dpop_harness::run::Turn::{Canary, ControlAfter, ControlBefore, Step};
use dpop_harness::run::{
    Asked, Decision, Ending, Evidence, Exchange, Observation, Run, Texts, Turn, Watched,
};
use dpop_harness::scenario::{AnswerCheck, Endpoint, Excuse, Expect};
use dpop_harness::spec::Level;
use dpop_harness::target::NoAnswer;
use proptest::prelude::*;

const DECISIONS: [Decision; 6] = [
    Decision::Accept,
    Decision::Reject,
    Decision::Challenge,
    Decision::Fault,
    Decision::NoAnswer,
    Decision::Other,
];
const LEVELS: [Level; 3] = [Level::Must, Level::Should, Level::May];

fn seen(decision: Decision) -> Observation {
    let (status, error) = match decision {
        Decision::Accept => (Some(200), None),
        Decision::Reject => (Some(401), Some("invalid_dpop_proof")),
        Decision::Challenge => (Some(401), Some("use_dpop_nonce")),
        Decision::Fault => (Some(500), None),
        Decision::NoAnswer => (None, None),
        Decision::Other => (Some(404), None),
    };
    Observation {
        decision,
        status,
        error: error.map(str::to_owned),
        nonce: None,
        nonce_fields: 0,
        challenged: status == Some(401),
        algs: None,
        offers_dpop: status == Some(401),
        said: None,
        wording: Arc::default(),
        nothing: (decision == Decision::NoAnswer).then_some(NoAnswer::Closed),
    }
}

fn exchange(turn: Turn, decision: Decision) -> Exchange {
    Exchange {
        turn,
        at: Endpoint::Resource,
        method: "GET".to_owned(),
        evidence: Evidence::from(Texts::default()),
        presented: true,
        asked: Asked::default(),
        odd: false,
        with_nonce: false,
        challenges_before: 0,
        with_nonce_of_success: false,
        shared: false,
        alike: 1,
        crowd: None,
        watched: None,
        seen: seen(decision),
        sent: 0,
        milliseconds: 0,
    }
}

fn run(ending: Ending, exchanges: &[(Turn, Decision)]) -> Run {
    let transcript = exchanges.iter().map(|(turn, decision)| exchange(*turn, *decision)).collect();
    Run { transcript, left_out: Vec::new(), ending }
}

fn rejected() -> Expect {
    Expect::Reject(Vec::new())
}

/// What the runner would bring home from a server that decides so: control, steps, control.
fn played(before: Decision, steps: &[Decision], expects: &[Expect], after: Decision) -> Run {
    if before != Decision::Accept {
        return run(Ending::ControlBefore, &[(ControlBefore, before)]);
    }
    let mut exchanges = vec![(ControlBefore, before)];
    for (index, (decision, expect)) in steps.iter().zip(expects).enumerate() {
        exchanges.push((Step(index), *decision));
        if expect.is_accept() && *decision != Decision::Accept {
            break;
        }
    }
    exchanges.push((ControlAfter, after));
    let ending = if after == Decision::Accept { Ending::Played } else { Ending::ControlAfter };
    run(ending, &exchanges)
}

/// The verdict, and a part of the reason.
#[track_caller]
fn check(run: &Run, expects: &[Expect], level: Level, verdict: Verdict, reason: &str) -> Judgement {
    let judgement = judge(run, expects, level, None);
    let said = judgement.reason.clone().unwrap_or_default();
    assert_eq!(judgement.verdict, verdict, "{said}\n{run:?}");
    assert!(said.contains(reason), "{said:?} does not say {reason:?}");
    assert_eq!(said.is_empty(), verdict == Pass, "{said:?}");
    judgement
}

fn of_violation(level: Level) -> Verdict {
    match level {
        Level::Must => Fail,
        Level::Should | Level::Policy => Warn,
        Level::May => Note,
    }
}

#[test]
fn one_step_that_must_be_refused() {
    for level in LEVELS {
        for decision in DECISIONS {
            for after in DECISIONS {
                let run = played(Decision::Accept, &[decision], &[rejected()], after);
                let held = after == Decision::Accept;
                let (verdict, reason) = match decision {
                    Decision::Accept if level == Level::May => (Note, "accepted, as a server may do"),
                    Decision::Accept => (of_violation(level), "must be refused was accepted"),
                    Decision::Other => (Inconclusive, "no verdict on the proof"),
                    _ if !held => (Inconclusive, "the correct request after it was answered"),
                    Decision::Reject | Decision::Challenge => (Pass, ""),
                    Decision::Fault | Decision::NoAnswer => (Note, "see rs.answer.fault"),
                };
                let judgement = check(&run, &[rejected()], level, verdict, reason);
                let expected = if reason.contains("after it") { None } else { Some(1) };
                assert_eq!(judgement.decisive, expected);
            }
        }
    }
}

#[test]
fn a_correct_step_behind_a_refused_one_is_what_it_was_for() {
    let expects = [rejected(), Expect::Accept];
    for level in LEVELS {
        for after in [Decision::Accept, Decision::Reject] {
            let run = played(Decision::Accept, &[Decision::Reject, Decision::Reject], &expects, after);
            let (verdict, reason) = match after {
                Decision::Accept => (of_violation(level), "step 2, a correct request, was answered reject"),
                _ => (Inconclusive, "the correct request after it was answered"),
            };
            check(&run, &expects, level, verdict, reason);
        }
    }
}

#[test]
fn whatever_the_answer_as_long_as_there_is_one() {
    for decision in DECISIONS {
        let run = played(Decision::Accept, &[decision], &[Expect::Answer], Decision::Accept);
        let (verdict, reason) = match decision {
            Decision::Fault | Decision::NoAnswer => (Warn, "neither accepted nor refused"),
            Decision::Accept | Decision::Reject | Decision::Challenge | Decision::Other => (Pass, ""),
        };
        check(&run, &[Expect::Answer], Level::Should, verdict, reason);
    }
}

#[test]
fn a_control_before_that_is_not_accepted() {
    for before in DECISIONS.into_iter().filter(|decision| *decision != Decision::Accept) {
        for expects in [vec![rejected()], vec![Expect::Accept, rejected()]] {
            let run = played(before, &[], &expects, before);
            check(&run, &expects, Level::Must, Inconclusive, "the correct request before it was answered");
        }
    }
}

#[test]
fn one_step_that_must_be_accepted() {
    for level in LEVELS {
        for decision in DECISIONS {
            // No controls: there is nothing that they could add.
            let run = run(Ending::Played, &[(Step(0), decision)]);
            let (verdict, reason) = match decision {
                Decision::Accept => (Pass, ""),
                Decision::Other => (Inconclusive, "no verdict on the proof"),
                Decision::Reject | Decision::Challenge | Decision::Fault | Decision::NoAnswer => {
                    let may = level == Level::May;
                    (
                        of_violation(level),
                        if may { ", as a server may do" } else { "must be accepted was answered" },
                    )
                }
            };
            assert_eq!(check(&run, &[Expect::Accept], level, verdict, reason).decisive, Some(0));
        }
    }
}

/// A replay: the first step is a correct request, and the second must be refused.
#[test]
fn two_steps() {
    let expects = [Expect::Accept, rejected()];
    for (first, second) in DECISIONS.into_iter().flat_map(|one| DECISIONS.map(|other| (one, other))) {
        let run = played(Decision::Accept, &[first, second], &expects, Decision::Accept);
        let (verdict, reason) = match (first, second) {
            (Decision::Accept, Decision::Accept) => (Fail, "was accepted"),
            (Decision::Accept, Decision::Reject | Decision::Challenge) => (Pass, ""),
            (Decision::Accept, Decision::Fault | Decision::NoAnswer) => (Note, "see rs.answer.fault"),
            (Decision::Accept, Decision::Other) | (Decision::Other, _) => (Inconclusive, "no verdict"),
            // The server may have its reasons; nothing follows for the second.
            (_, _) => (Inconclusive, "step 1, a correct request, was answered"),
        };
        check(&run, &expects, Level::Must, verdict, reason);
    }
}

/// The last answer of a step counts: what came before it is a challenge that was answered.
#[test]
fn an_answered_challenge_is_not_the_answer() {
    use Decision::{Accept, Challenge, Reject};
    let steps = |decisions: &[Decision]| {
        let mut exchanges = vec![(ControlBefore, Challenge), (ControlBefore, Accept)];
        exchanges.extend(decisions.iter().map(|decision| (Step(0), *decision)));
        exchanges.extend([(ControlAfter, Challenge), (ControlAfter, Accept)]);
        run(Ending::Played, &exchanges)
    };
    for (decisions, verdict) in [
        (&[Challenge, Reject][..], Pass),
        (&[Challenge, Challenge, Challenge], Pass),
        (&[Challenge, Accept], Fail),
        (&[Challenge, Decision::Other], Inconclusive),
        (&[Challenge, Decision::Fault], Note),
    ] {
        let judgement = judge(&steps(decisions), &[rejected()], Level::Must, None);
        assert_eq!(judgement.verdict, verdict, "{decisions:?}");
        assert_eq!(judgement.decisive, Some(1 + decisions.len()));
    }
}

/// Beside any answer: a call to the URL in the proof, and one that takes ten times as long as a control, and half a second.
#[test]
fn what_is_seen_beside_the_answer() {
    for decision in [Decision::Accept, Decision::Reject, Decision::Challenge, Decision::Other] {
        for (watched, control, took, verdict, reason) in [
            (Watched::Calls(false), 1, 9_000, Pass, ""),
            (Watched::Calls(true), 1, 1, Warn, "called the URL"),
            (Watched::Time, 0, 500, Pass, ""),
            (Watched::Time, 0, 501, Warn, "took 501 ms"),
            (Watched::Time, 100, 1_500, Pass, ""),
            (Watched::Time, 100, 1_501, Warn, "took 1501 ms"),
        ] {
            let mut run = played(Decision::Accept, &[decision], &[Expect::Answer], Decision::Accept);
            run.transcript[1].watched = Some(watched);
            run.transcript[1].milliseconds = took;
            run.transcript[2].milliseconds = control;
            check(&run, &[Expect::Answer], Level::Should, verdict, reason);
        }
    }
    // An edge may hang up on what is too large for it.
    let mut run = played(Decision::Accept, &[Decision::NoAnswer], &[Expect::Answer], Decision::Accept);
    check(&run, &[Expect::Answer], Level::Should, Warn, "neither accepted nor refused");
    run.transcript[1].watched = Some(Watched::Time);
    check(&run, &[Expect::Answer], Level::Should, Pass, "");
}

#[test]
fn what_is_excused_by_a_nonce() {
    for decision in DECISIONS {
        for (with_nonce, excuse) in [(true, Some(Excuse::Nonce)), (true, None), (false, Some(Excuse::Nonce))]
        {
            let mut run = played(Decision::Accept, &[decision], &[rejected()], Decision::Accept);
            run.transcript[1].with_nonce = with_nonce;
            let judgement = judge(&run, &[rejected()], Level::Must, excuse);
            let excused = with_nonce && excuse.is_some() && decision == Decision::Accept;
            let otherwise = judge(&run, &[rejected()], Level::Must, None);
            if excused {
                assert_eq!(judgement.verdict, Note);
                assert!(judgement.reason.is_some_and(|reason| reason.contains("nonce")));
            } else {
                assert_eq!(judgement, otherwise, "{decision:?}");
            }
        }
    }
}

/// Transcripts that no runner makes: the judge believes what it sees, and nothing else.
#[test]
fn what_is_not_shown_does_not_pass() {
    use Decision::{Accept, Reject};
    let one = [rejected()];
    let two = [Expect::Accept, rejected()];
    let controls = [(ControlBefore, Accept), (Step(0), Reject), (ControlAfter, Accept)];
    check(&run(Ending::Played, &controls), &one, Level::Must, Pass, "");
    for (exchanges, expects, reason) in [
        (&[][..], &[][..], "nothing was sent"),
        (&[], &one, "step 1 was not sent"),
        (&[], &[Expect::Accept], "step 1 was not sent"),
        (&[(ControlBefore, Accept), (ControlAfter, Accept)], &one, "step 1 was not sent"),
        (&[(ControlBefore, Accept), (Step(0), Accept), (ControlAfter, Accept)], &two, "step 2 was not sent"),
        (&controls[1..], &one, "no correct request was accepted before and after"),
        (&controls[..2], &one, "no correct request was accepted before and after"),
        (&[(ControlBefore, Reject), controls[1], controls[2]], &one, "before and after"),
        (&[controls[0], controls[1], (ControlAfter, Reject)], &one, "before and after"),
        (&[controls[0], controls[2], (Canary, Reject)], &one, "step 1 was not sent"),
    ] {
        check(&run(Ending::Played, exchanges), expects, Level::Must, Inconclusive, reason);
    }
}

#[test]
fn what_could_not_be_made_is_skipped() {
    for error in [EditError::NoChange, EditError::NeedsIssuer, EditError::NoSpareToken, EditError::NoStranger]
    {
        let reason = error.to_string();
        let run = run(Ending::NotMade(error), &[(ControlBefore, Decision::Accept)]);
        check(&run, &[rejected()], Level::Must, Skip, &reason);
    }
}

#[test]
fn a_method_that_is_not_served_is_skipped() {
    let ending = Ending::NotServed("HEAD".to_owned(), seen(Decision::Other));
    let run = run(ending, &[(ControlBefore, Decision::Accept), (Step(0), Decision::Other)]);
    for expects in [&[Expect::Accept][..], &[Expect::Accept, rejected()]] {
        check(&run, expects, Level::Must, Skip, "the resource does not serve HEAD: answered other 404");
    }
}

/// What came before it counts all the same.
#[test]
fn what_could_not_be_sent_is_skipped() {
    for why in [NoAnswer::NotKept, NoAnswer::Inexpressible("it")] {
        let unsent = |step| {
            let mut exchange = exchange(Step(step), Decision::NoAnswer);
            exchange.seen.nothing = Some(why.clone());
            exchange
        };
        for (first, expects, verdict) in [
            (Decision::Accept, [Expect::Accept, rejected()], Skip),
            (Decision::Reject, [rejected(), rejected()], Skip),
            (Decision::Accept, [rejected(), rejected()], Fail),
        ] {
            let mut run = run(Ending::Played, &[(ControlBefore, Decision::Accept), (Step(0), first)]);
            run.transcript.push(unsent(1));
            let reason = if verdict == Skip { why.to_string() } else { "was accepted".to_owned() };
            check(&run, &expects, Level::Must, verdict, &reason);
        }
        for check in [AnswerCheck::Status, AnswerCheck::Challenge, AnswerCheck::Error, AnswerCheck::Fault] {
            assert_eq!(judge_answer(check, &unsent(0)), NotApplicable, "{check:?}");
        }
    }
    let mut lost = exchange(Step(0), Decision::NoAnswer);
    lost.seen.nothing = Some(NoAnswer::Cut);
    assert_eq!(judge_answer(AnswerCheck::Fault, &lost), NotApplicable);
}

/// What was not sent shows nothing, whatever was expected.
#[test]
fn the_cap_is_no_answer_of_the_targets() {
    for expects in [[rejected()], [Expect::Accept]] {
        let mut run = played(Decision::Accept, &[Decision::NoAnswer], &expects, Decision::Accept);
        run.transcript[1].seen.nothing = Some(NoAnswer::CapReached);
        check(&run, &expects, Level::Must, Inconclusive, "limits.max-requests");
        for check in CHECKS {
            assert_eq!(judge_answer(check, &run.transcript[1]), NotApplicable, "{check:?}");
        }
    }
}

const CHECKS: [AnswerCheck; 7] = [
    AnswerCheck::Status,
    AnswerCheck::Challenge,
    AnswerCheck::Error,
    AnswerCheck::Fault,
    AnswerCheck::NonceField,
    AnswerCheck::EndlessChallenge,
    AnswerCheck::SuccessNonce,
];

/// The compliance of an answer that departs from `decision`'s usual one by `edit`.
#[track_caller]
fn answer(
    checked: AnswerCheck,
    turn: Turn,
    decision: Decision,
    edit: impl Fn(&mut Exchange),
    expected: Compliance,
) {
    let mut exchange = exchange(turn, decision);
    edit(&mut exchange);
    let found = judge_answer(checked, &exchange);
    let same = match (found, expected) {
        (Deviates(found), Deviates(part))
        | (Weak(found), Weak(part))
        | (Tolerated(found), Tolerated(part)) => found.contains(part),
        (found, expected) => found == expected,
    };
    assert!(same, "{checked:?} {turn:?} {decision:?}: {found:?} instead of {expected:?}");
}

#[test]
fn the_status_of_refused_proofs() {
    let status = |status| move |exchange: &mut Exchange| exchange.seen.status = Some(status);
    let (check, turn) = (AnswerCheck::Status, Step(0));
    answer(check, turn, Decision::Reject, status(401), Complies);
    answer(check, turn, Decision::Reject, status(400), Tolerated("400 where"));
    answer(check, turn, Decision::Reject, status(403), Deviates("not answered with 401"));
    answer(check, turn, Decision::Reject, |exchange| exchange.presented = false, NotApplicable);
    for decision in DECISIONS.into_iter().filter(|decision| *decision != Decision::Reject) {
        answer(check, turn, decision, |_| {}, NotApplicable);
    }
}

#[test]
fn the_challenge_of_every_401() {
    let check = AnswerCheck::Challenge;
    for turn in [Canary, ControlBefore, Step(1), ControlAfter] {
        for decision in [Decision::Reject, Decision::Challenge] {
            answer(check, turn, decision, |_| {}, Complies);
            answer(
                check,
                turn,
                decision,
                |exchange| exchange.seen.challenged = false,
                Deviates("without WWW-Authenticate"),
            );
            answer(
                check,
                turn,
                decision,
                |exchange| exchange.seen.offers_dpop = false,
                Weak("does not offer"),
            );
            let bare = |exchange: &mut Exchange| {
                exchange.seen.offers_dpop = false;
                exchange.presented = false;
            };
            answer(check, turn, decision, bare, Complies);
            answer(check, turn, decision, |exchange| exchange.seen.status = Some(400), NotApplicable);
        }
        for decision in [Decision::Accept, Decision::Fault, Decision::NoAnswer, Decision::Other] {
            answer(check, turn, decision, |_| {}, NotApplicable);
        }
    }
}

#[test]
fn the_error_code_of_refused_proofs() {
    let check = AnswerCheck::Error;
    answer(check, Step(0), Decision::Reject, |_| {}, Complies);
    answer(
        check,
        Step(0),
        Decision::Reject,
        |exchange| exchange.seen.error = None,
        Deviates("without an error code"),
    );
    let bare = |exchange: &mut Exchange| {
        exchange.seen.error = None;
        exchange.presented = false;
    };
    answer(check, Step(0), Decision::Reject, bare, NotApplicable);
    // It would stand in the content, which an answer to HEAD does not have.
    let head = |exchange: &mut Exchange| {
        exchange.seen.error = None;
        exchange.method = "HEAD".to_owned();
    };
    answer(check, Step(0), Decision::Reject, head, NotApplicable);
    for decision in DECISIONS.into_iter().filter(|decision| *decision != Decision::Reject) {
        answer(check, Step(0), decision, |_| {}, NotApplicable);
    }
}

#[test]
fn faults_whatever_was_sent() {
    for turn in [Canary, Step(0), Step(3)] {
        for decision in DECISIONS {
            let expected = match decision {
                Decision::Fault => Deviates("a server error"),
                Decision::NoAnswer => Deviates("no answer"),
                Decision::Accept | Decision::Reject | Decision::Challenge | Decision::Other => Complies,
            };
            answer(AnswerCheck::Fault, turn, decision, |_| {}, expected);
        }
    }
    // A control that fails is judged by what depends on it.
    for (turn, decision) in
        [ControlBefore, ControlAfter].into_iter().flat_map(|turn| DECISIONS.map(|one| (turn, one)))
    {
        answer(AnswerCheck::Fault, turn, decision, |_| {}, NotApplicable);
    }
}

#[test]
fn the_nonce_of_challenges() {
    let fields = |number: usize, nonce: Option<&'static str>| {
        move |exchange: &mut Exchange| {
            exchange.seen.nonce_fields = number;
            exchange.seen.nonce = nonce.map(|nonce| nonce.parse::<Nonce>().expect("a nonce"));
        }
    };
    for turn in [Canary, ControlBefore, Step(0)] {
        let check = AnswerCheck::NonceField;
        answer(check, turn, Decision::Challenge, fields(1, Some("n")), Complies);
        answer(check, turn, Decision::Challenge, fields(0, None), Deviates("without DPoP-Nonce"));
        // These have a check of their own.
        answer(check, turn, Decision::Challenge, fields(1, None), Complies);
        answer(check, turn, Decision::Challenge, fields(2, Some("n")), Complies);
        answer(AnswerCheck::OneNonce, turn, Decision::Challenge, fields(1, Some("n")), Complies);
        answer(
            AnswerCheck::OneNonce,
            turn,
            Decision::Accept,
            fields(2, Some("n")),
            Deviates("more than one"),
        );
        answer(AnswerCheck::OneNonce, turn, Decision::Accept, fields(0, None), NotApplicable);
        for decision in DECISIONS.into_iter().filter(|decision| *decision != Decision::Challenge) {
            answer(check, turn, decision, fields(0, None), NotApplicable);
        }
    }
}

#[test]
fn challenges_without_end() {
    let after = |challenges| move |exchange: &mut Exchange| exchange.challenges_before = challenges;
    let check = AnswerCheck::EndlessChallenge;
    for turn in [ControlBefore, Step(0), ControlAfter] {
        answer(check, turn, Decision::Challenge, after(0), NotApplicable);
        // A nonce may have been replaced by a newer one in between.
        answer(check, turn, Decision::Challenge, after(1), Complies);
        answer(check, turn, Decision::Challenge, after(2), Deviates("again and again"));
        for decision in DECISIONS.into_iter().filter(|decision| *decision != Decision::Challenge) {
            answer(check, turn, decision, after(0), NotApplicable);
            answer(check, turn, decision, after(2), Complies);
        }
    }
}

#[test]
fn a_correct_request_that_is_challenged_without_end() {
    let mut run = run(Ending::Played, &[(Step(0), Decision::Challenge); 3]);
    check(
        &run,
        &[Expect::Accept],
        Level::Must,
        Fail,
        "a request that must be accepted was answered challenge",
    );
    run.transcript[2].challenges_before = 2;
    check(
        &run,
        &[Expect::Accept],
        Level::Must,
        Fail,
        "challenged 3 times in a row, although each proof had the",
    );
}

#[test]
fn the_nonce_of_a_success() {
    let carried = |exchange: &mut Exchange| exchange.with_nonce_of_success = true;
    let check = AnswerCheck::SuccessNonce;
    for turn in [ControlBefore, Step(1), ControlAfter] {
        answer(check, turn, Decision::Accept, carried, Complies);
        answer(check, turn, Decision::Challenge, carried, Deviates("come with a 200"));
        for decision in [Decision::Reject, Decision::Fault, Decision::NoAnswer, Decision::Other] {
            answer(check, turn, decision, carried, NotApplicable);
        }
        answer(check, turn, Decision::Challenge, |_| {}, NotApplicable);
        let twice =
            |exchange: &mut Exchange| (exchange.with_nonce_of_success, exchange.shared) = (true, true);
        answer(check, turn, Decision::Challenge, twice, NotApplicable);
    }
}

fn decision() -> impl Strategy<Value = Decision> {
    // Mostly what lets a case get far.
    prop_oneof![4 => Just(Decision::Accept), 3 => Just(Decision::Reject), 3 => prop::sample::select(&DECISIONS[..])]
}

fn expect() -> impl Strategy<Value = Expect> {
    prop_oneof![
        Just(Expect::Accept),
        Just(rejected()),
        Just(Expect::Reject(vec!["invalid_token".to_owned()]))
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![Just(Canary), Just(ControlBefore), Just(ControlAfter), (0_usize..4).prop_map(Step)]
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        6 => Just(Ending::Played),
        1 => Just(Ending::ControlBefore),
        1 => Just(Ending::ControlAfter),
        1 => Just(Ending::NotMade(EditError::NoSpareToken)),
        1 => Just(Ending::NotServed("HEAD".to_owned(), seen(Decision::Other))),
    ]
}

/// Any exchanges in any order: half of the time those of a runner, otherwise ones that none would make.
fn any_run() -> impl Strategy<Value = (Run, Vec<Expect>)> {
    let nonce = prop::collection::vec(any::<bool>(), 16);
    let wild =
        (ending(), prop::collection::vec((turn(), decision()), 0..10), prop::collection::vec(expect(), 0..4))
            .prop_map(|(ending, exchanges, expects)| (run(ending, &exchanges), expects));
    let tame = (decision(), prop::collection::vec((decision(), expect()), 1..4), decision()).prop_map(
        |(before, steps, after)| {
            let (decisions, expects): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
            (played(before, &decisions, &expects, after), expects)
        },
    );
    (prop_oneof![wild, tame], nonce).prop_map(|((mut run, expects), nonces)| {
        for (exchange, with_nonce) in run.transcript.iter_mut().zip(nonces) {
            exchange.with_nonce = with_nonce;
        }
        (run, expects)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_said_that_was_not_seen(
        (run, expects) in any_run(),
        level in prop::sample::select(&LEVELS[..]),
        excuse in prop::option::of(Just(Excuse::Nonce)),
    ) {
        let judgement = judge(&run, &expects, level, excuse);
        let last = |turn| run.transcript.iter().rfind(|exchange| exchange.turn == turn);
        let did = |turn| last(turn).map(|exchange: &Exchange| exchange.seen.decision);
        let negative = !expects.iter().all(Expect::is_accept);
        let any_step = |wanted: &dyn Fn(&Expect, Decision) -> bool| {
            expects.iter().enumerate().any(|(index, expect)| did(Step(index)).is_some_and(|seen| wanted(expect, seen)))
        };
        let decisive = judgement.decisive.and_then(|at| run.transcript.get(at));
        prop_assert_eq!(judgement.decisive.is_some(), decisive.is_some());
        prop_assert_eq!(judgement.reason.is_none(), judgement.verdict == Pass);
        prop_assert!(judgement.reason.as_ref().is_none_or(|reason| !reason.is_empty()));

        match judgement.verdict {
            Pass => {
                prop_assert!(!expects.is_empty());
                for (index, expect) in expects.iter().enumerate() {
                    let seen = did(Step(index));
                    let wanted = if expect.is_accept() { seen == Some(Decision::Accept) }
                        else { matches!(seen, Some(Decision::Reject | Decision::Challenge)) };
                    prop_assert!(wanted, "step {} was {:?}", index + 1, seen);
                }
                if negative {
                    prop_assert_eq!(did(ControlBefore), Some(Decision::Accept));
                    prop_assert_eq!(did(ControlAfter), Some(Decision::Accept));
                }
            }
            Fail | Warn => {
                // A wrong proof was accepted; or a correct one was not, where everything is correct or it is the last.
                let seen = decisive.expect("a finding was seen").seen.decision;
                let Some(Step(at)) = decisive.map(|exchange| exchange.turn) else { panic!("no step") };
                let correct = expects[at].is_accept();
                prop_assert_eq!(seen == Decision::Accept, !correct);
                if correct && negative {
                    prop_assert_eq!(at + 1, expects.len());
                    prop_assert_eq!(did(ControlBefore), Some(Decision::Accept));
                    prop_assert_eq!(did(ControlAfter), Some(Decision::Accept));
                }
                prop_assert_ne!(seen, Decision::Other);
                prop_assert_eq!(judgement.verdict, of_violation(level));
            }
            Note => {
                let seen = decisive.expect("a note was seen").seen.decision;
                prop_assert_ne!(seen, Decision::Other);
                let excused = excuse.is_some() && seen == Decision::Accept;
                let fault = negative && matches!(seen, Decision::Fault | Decision::NoAnswer);
                prop_assert!(excused || fault || level == Level::May);
            }
            Skip => prop_assert!(matches!(run.ending, Ending::NotMade(_) | Ending::NotServed(..))),
            Inconclusive => {}
        }
        // What must be refused and was accepted is never passed over, as far as the steps before it let one see.
        let accepted = any_step(&|expect, seen| !expect.is_accept() && seen == Decision::Accept);
        prop_assert!(!(accepted && judgement.verdict == Pass));
        prop_assert_eq!(judge(&run, &expects, level, excuse), judgement, "the judge is a function");
    }

    /// Nothing but the decisions matters for the decision's verdict: not the text, not the time, not who shared it.
    #[test]
    fn only_what_was_decided_counts((mut run, expects) in any_run(), shared in any::<bool>()) {
        let before = judge(&run, &expects, Level::Must, None).verdict;
        for exchange in &mut run.transcript {
            let (request, response) = ("x".to_owned(), "y".to_owned());
            exchange.evidence = Evidence::from(Texts { request, response, ..Texts::default() });
            exchange.milliseconds = 17;
            exchange.shared = shared;
            exchange.presented = false;
            exchange.seen.challenged = !exchange.seen.challenged;
        }
        prop_assert_eq!(judge(&run, &expects, Level::Must, None).verdict, before);
    }

    /// A routing answer is never a finding, nor is an answer judged for what it is not.
    #[test]
    fn no_finding_comes_from_routing(turn in turn(), presented: bool, challenged: bool, offers_dpop: bool, nonce_fields in 0_usize..3) {
        let mut exchange = exchange(turn, Decision::Other);
        exchange.presented = presented;
        exchange.seen = Observation { challenged, offers_dpop, nonce_fields, ..exchange.seen };
        for check in CHECKS {
            prop_assert!(matches!(judge_answer(check, &exchange), NotApplicable | Complies), "{:?}", check);
        }
    }
}
