//! What is judged of every answer: its status, its challenge, its error and its nonce.

use super::*;

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
