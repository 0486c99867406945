//! What was decided of each step: the verdict, and its reason.

use super::*;

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
