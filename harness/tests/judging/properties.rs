//! What holds of the judge whatever a runner brings home.

use super::*;

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
