//! From what was seen to what it means. Pure: the same transcript gives the same verdict.

mod answers;
mod crowd;
mod metadata;

use serde::{Deserialize, Serialize};

pub use self::answers::{Compliance, judge_answer, judge_code};
use self::crowd::Shown;
pub use self::metadata::judge_metadata;
use crate::run::{Decision, Ending, Exchange, MAX_CHALLENGES, Run, Turn, Watched, is_slow};
use crate::scenario::{Endpoint, Excuse, Expect};
use crate::spec::Level;
use crate::target::NoAnswer;

/// What an outcome means.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As expected, and shown by controls.
    Pass,
    /// A missed MAY, or something worth knowing that is no fault.
    Note,
    /// A missed SHOULD.
    Warn,
    /// A missed MUST.
    Fail,
    /// Not performed, for a reason that is given.
    Skip,
    /// Performed, but it shows nothing, for a reason that is given.
    Inconclusive,
}

impl Verdict {
    /// Every verdict, in the order of the summary.
    pub const ALL: &[Self] =
        &[Self::Pass, Self::Note, Self::Warn, Self::Fail, Self::Skip, Self::Inconclusive];

    /// The word in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// What a violation at `level` is. A policy is resolved by the profile before this.
    pub fn of_violation(level: Level) -> Self {
        match level {
            Level::Must => Self::Fail,
            Level::Should | Level::Policy => Self::Warn,
            Level::May => Self::Note,
        }
    }

    /// Whether it accuses the target, and so has to be seen twice.
    pub fn is_finding(self) -> bool {
        matches!(self, Self::Warn | Self::Fail)
    }
}

/// A verdict and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why; always there unless the verdict is `pass`.
    pub reason: Option<String>,
    /// The exchange that decided, as an index into the transcript.
    pub decisive: Option<usize>,
}

impl Judgement {
    fn new(verdict: Verdict, reason: impl Into<String>, decisive: Option<usize>) -> Self {
        Self { verdict, reason: Some(reason.into()), decisive }
    }

    /// The same, where so many exchanges come before the ones that were judged.
    #[must_use]
    pub fn behind(self, exchanges: usize) -> Self {
        Self { decisive: self.decisive.map(|at| at + exchanges), ..self }
    }

    /// The same, where the reason has to say what place it is about.
    #[must_use]
    pub fn about(self, place: &str) -> Self {
        Self { reason: self.reason.map(|reason| format!("{place}: {reason}")), ..self }
    }

    /// Whether this is what is said of a case that was judged at two places: what accuses comes first, and what was shown
    /// last.
    pub fn outweighs(&self, other: &Self) -> bool {
        let weight = |judgement: &Self| match judgement.verdict {
            Verdict::Pass => 0,
            Verdict::Note => 1,
            Verdict::Skip => 2,
            Verdict::Inconclusive => 3,
            Verdict::Warn => 4,
            Verdict::Fail => 5,
        };
        weight(self) > weight(other)
    }

    /// Something that was performed and shows nothing.
    pub fn inconclusive(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Inconclusive, reason, None)
    }

    /// Something that was not performed.
    pub fn skip(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Skip, reason, None)
    }
}

/// Judges one performance of a case whose level, after the profile, is `level`.
///
/// A step that must be refused and was accepted is a violation whatever the controls did. It was refused only if the
/// correct request was accepted before and after, and the transcript has to show that.
pub fn judge(run: &Run, expects: &[Expect], level: Level, excused_by: Option<Excuse>) -> Judgement {
    match &run.ending {
        Ending::NotMade(error) => return Judgement::skip(error.to_string()),
        Ending::NotSent(why) => return Judgement::skip(why.to_string()),
        Ending::NotServed(method, seen) => {
            return Judgement::skip(format!("the resource does not serve {method}: answered {seen}"));
        }
        Ending::ControlBefore => {
            return Judgement::inconclusive(format!(
                "the correct request before it was answered {}",
                last_seen(run)
            ));
        }
        Ending::Played | Ending::ControlAfter => {}
    }
    let only_acceptance = expects.iter().all(Expect::is_accept);
    let mut result = Judgement { verdict: Verdict::Pass, reason: None, decisive: None };
    for (index, expect) in expects.iter().enumerate() {
        if run.left_out.contains(&index) {
            continue;
        }
        // A challenge that was answered is not the last exchange of its step.
        let Some((at, exchange)) = last_of_step(run, index) else {
            return Judgement::inconclusive(format!("step {} was not sent", index + 1));
        };
        if result.verdict == Verdict::Pass && *expect != Expect::Any {
            result.decisive = Some(at); // a note stays with what it is about
        }
        let seen = &exchange.seen;
        if let Some(why) = seen.nothing.as_ref().filter(|why| why.is_not_sent()) {
            return Judgement::new(Verdict::Skip, why.to_string(), Some(at));
        }
        if seen.nothing == Some(NoAnswer::CapReached) {
            return Judgement::new(Verdict::Inconclusive, NoAnswer::CapReached.to_string(), Some(at));
        }
        if exchange.crowd.is_some() {
            match crowd::judge(run, index, expect) {
                Shown::Held => {}
                Shown::Odd(reason, at) => result = Judgement::new(Verdict::Note, reason, Some(at)),
                Shown::Nothing(reason, at) => {
                    return Judgement::new(Verdict::Inconclusive, reason, Some(at));
                }
                Shown::Violation(reason, at) => {
                    return Judgement::new(Verdict::of_violation(level), reason, Some(at));
                }
            }
            continue;
        }
        if let Some(reason) = watched(exchange, run) {
            return Judgement::new(Verdict::of_violation(level), reason, Some(at));
        }
        match (expect, seen.decision) {
            (Expect::Reject(_) | Expect::Challenge, Decision::Accept) => {
                return accepted(exchange, at, level, excused_by);
            }
            (Expect::Answer, Decision::Accept | Decision::Reject | Decision::Challenge | Decision::Other)
            | (Expect::Any, _)
            | (Expect::Accept, Decision::Accept)
            | (Expect::Reject(_), Decision::Challenge)
            | (Expect::Challenge, Decision::Challenge) => {}
            (Expect::AcceptsExactly(_), _) => {
                return Judgement::inconclusive("the copies were not sent at the same time");
            }
            (Expect::Reject(_), Decision::Other) if exchange.odd => {}
            (Expect::Reject(_) | Expect::Answer, Decision::NoAnswer) if closed_on_odd(exchange) => {}
            (Expect::Answer, Decision::Fault | Decision::NoAnswer) => {
                let reason = format!("neither accepted nor refused, but answered {seen}");
                return Judgement::new(Verdict::of_violation(level), reason, Some(at));
            }
            (Expect::Accept, Decision::Other) if exchange.odd => {
                let reason = format!("answered {seen}, which is routing: it did not come to a verdict");
                return Judgement::new(Verdict::Note, reason, Some(at));
            }
            // Where nothing should be served, no answer and any other are as good as a refusal.
            (Expect::Reject(_), _) if exchange.at == Endpoint::PlainHttp => {}
            (Expect::Reject(_), Decision::Reject | Decision::Other) => match doubt(run, exchange) {
                Doubt::None => {}
                Doubt::Some(reason) => result = Judgement::new(Verdict::Note, reason, Some(at)),
                Doubt::Whole(reason) => return Judgement::new(Verdict::Inconclusive, reason, Some(at)),
            },
            (Expect::Challenge, Decision::Reject) => {
                let reason = format!("answered {seen}, for another reason than the nonce that it lacks");
                return Judgement::new(Verdict::Inconclusive, reason, Some(at));
            }
            (Expect::Accept | Expect::Challenge, Decision::Other) => {
                return Judgement::new(Verdict::Inconclusive, routing(exchange), Some(at));
            }
            (Expect::Accept, _) if only_acceptance => {
                let reason = if exchange.is_endless_challenge() {
                    endless(exchange)
                } else if level == Level::May {
                    format!("answered {seen}, as a server may do")
                } else {
                    format!("a request that must be accepted was answered {seen}")
                };
                return Judgement::new(Verdict::of_violation(level), reason, Some(at));
            }
            // Nothing depends on it, so it is what the steps before it were for.
            (Expect::Accept, _) if index + 1 == expects.len() => {
                let reason = format!("step {}, a correct request, was answered {seen}", index + 1);
                result = Judgement::new(Verdict::of_violation(level), reason, Some(at));
            }
            (Expect::Accept, _) => {
                let reason = format!("step {}, a correct request, was answered {seen}", index + 1);
                return Judgement::new(Verdict::Inconclusive, reason, Some(at));
            }
            (Expect::Reject(_) | Expect::Challenge, Decision::Fault | Decision::NoAnswer) => {
                let reason = format!("not accepted, but answered {seen}: see rs.answer.fault");
                result = Judgement::new(Verdict::Note, reason, Some(at));
            }
        }
    }
    if run.ending == Ending::ControlAfter {
        return Judgement::inconclusive(format!(
            "the correct request after it was answered {}",
            last_seen(run)
        ));
    }
    if let (None, Some(first)) = (result.decisive, run.left_out.first()) {
        return Judgement::skip(left_out(run, *first));
    }
    if result.decisive.is_none() {
        return Judgement::inconclusive("nothing was sent");
    }
    let held = |turn| run.transcript.iter().rfind(|exchange| exchange.turn == turn).is_some_and(accepts);
    let controlled = held(Turn::ControlBefore) && held(Turn::ControlAfter);
    if !(only_acceptance || controlled) {
        return Judgement::inconclusive("no correct request was accepted before and after it");
    }
    result
}

/// What is wrong with what was seen beside the answer.
fn watched(exchange: &Exchange, run: &Run) -> Option<String> {
    match exchange.watched? {
        Watched::Calls(false) => None,
        Watched::Calls(true) => Some("the server called the URL that stands in the proof".to_owned()),
        Watched::Time if !is_slow(exchange, &run.transcript) => None,
        Watched::Time => Some(format!(
            "the answer took {} ms, more than ten times as long as one to a correct request",
            exchange.milliseconds
        )),
    }
}

impl Exchange {
    /// Whether a proof was challenged although it, and those before it, carried the nonce that was supplied just before.
    fn is_endless_challenge(&self) -> bool {
        self.seen.decision == Decision::Challenge && self.challenges_before >= MAX_CHALLENGES
    }
}

fn endless(exchange: &Exchange) -> String {
    let times = exchange.challenges_before + 1;
    format!(
        "challenged {times} times in a row, although each proof had the nonce that the server had just supplied"
    )
}

/// How far an answer that is no acceptance may be something else than a refusal of what is wrong with the request.
enum Doubt {
    /// It is a refusal.
    None,
    /// It may be, and the resource was not had.
    Some(String),
    /// It shows nothing.
    Whole(String),
}

/// Where no correct request was accepted at the very place, a refusal may have other reasons: its content, its path.
fn doubt(run: &Run, exchange: &Exchange) -> Doubt {
    let seen = &exchange.seen;
    let same_place = |other: &Exchange| other.turn == Turn::ControlBefore && other.at == exchange.at;
    let known = run.transcript.iter().any(same_place);
    match (seen.decision, exchange.at) {
        (Decision::Other, Endpoint::Forbidden) if seen.status == Some(404) => Doubt::Some(
            "answered 404: what is forbidden is hidden, or there is nothing on this path".to_owned(),
        ),
        (Decision::Other, _) => Doubt::Whole(routing(exchange)),
        (_, _) if !known && seen.status == Some(400) && seen.error.is_none() => {
            Doubt::Some("answered 400 without an error code: perhaps for its content alone".to_owned())
        }
        (_, _) => Doubt::None,
    }
}

fn routing(exchange: &Exchange) -> String {
    format!("answered {}, which is routing and no verdict on the proof", exchange.seen)
}

fn accepts(exchange: &Exchange) -> bool {
    exchange.seen.decision == Decision::Accept
}

/// Whether the server hung up on a request whose fault is one of HTTP, or which may be too large for it.
fn closed_on_odd(exchange: &Exchange) -> bool {
    let closed = |why: &NoAnswer| matches!(why, NoAnswer::Closed | NoAnswer::GoAway(_) | NoAnswer::Reset(_));
    let large = exchange.watched == Some(Watched::Time);
    (exchange.odd || large) && exchange.seen.nothing.as_ref().is_some_and(closed)
}

fn accepted(exchange: &Exchange, at: usize, level: Level, excused_by: Option<Excuse>) -> Judgement {
    match excused_by {
        Some(Excuse::Nonce) if exchange.with_nonce => Judgement::new(
            Verdict::Note,
            "accepted with a nonce that the server supplied, by which it may tell the time (RFC 9449 section 4.3, check 11)",
            Some(at),
        ),
        _ if level == Level::May => Judgement::new(Verdict::Note, "accepted, as a server may do", Some(at)),
        _ => Judgement::new(
            Verdict::of_violation(level),
            "a request that must be refused was accepted",
            Some(at),
        ),
    }
}

/// Why there is nothing to judge, where what the judged steps depend on was not accepted.
fn left_out(run: &Run, first: usize) -> String {
    let shown = run.transcript.iter().rfind(|exchange| matches!(exchange.turn, Turn::Step(at) if at < first));
    let seen = shown.map(|exchange| exchange.seen.to_string()).unwrap_or_default();
    format!("what it depends on was answered {seen}, so there is nothing to see")
}

fn last_of_step(run: &Run, index: usize) -> Option<(usize, &Exchange)> {
    run.transcript.iter().enumerate().rfind(|(_, exchange)| exchange.turn == Turn::Step(index))
}

fn last_seen(run: &Run) -> String {
    run.transcript.last().map(|exchange| exchange.seen.to_string()).unwrap_or_default()
}
