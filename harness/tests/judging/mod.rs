//! The judge over made-up transcripts: every combination of expectation, answer and controls, and what must hold of all.

mod answers;
mod crowds;
mod decisions;
mod properties;
mod wording;

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
use std::sync::Arc;
const DECISIONS: [Decision; 6] = [
    Decision::Accept,
    Decision::Reject,
    Decision::Challenge,
    Decision::Fault,
    Decision::NoAnswer,
    Decision::Other,
];

const LEVELS: [Level; 3] = [Level::Must, Level::Should, Level::May];

const CHECKS: [AnswerCheck; 7] = [
    AnswerCheck::Status,
    AnswerCheck::Challenge,
    AnswerCheck::Error,
    AnswerCheck::Fault,
    AnswerCheck::NonceField,
    AnswerCheck::EndlessChallenge,
    AnswerCheck::SuccessNonce,
];

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
