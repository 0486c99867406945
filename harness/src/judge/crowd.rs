use crate::run::{Crowd, Decision, Exchange, Run, Turn};
use crate::scenario::Expect;

/// What requests that were sent at the same time show: the worst of all trials, with its reason and an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// What was expected.
    Held,
    /// What was expected, in an odd way.
    Odd(String, usize),
    /// Neither the one nor the other.
    Nothing(String, usize),
    /// The contrary.
    Violation(String, usize),
}

impl Shown {
    fn rank(&self) -> usize {
        match self {
            Self::Held => 0,
            Self::Odd(..) => 1,
            Self::Nothing(..) => 2,
            Self::Violation(..) => 3,
        }
    }
}

/// One trial: the exchanges that stand for all of its requests.
struct Trial<'a> {
    crowd: Crowd,
    kept: Vec<(usize, &'a Exchange)>,
}

/// Judges the step `index`, whose requests were sent at the same time.
///
/// One copy too many is a violation whatever else happened. Where too few were accepted, or some were not judged, they
/// did not compete, and nothing is shown.
pub(super) fn judge(run: &Run, index: usize, expect: &Expect) -> Shown {
    let trials = trials(run, index);
    let several = trials.len() > 1;
    let shown = trials.iter().map(|trial| {
        let place = if several { format!(" in trial {}", trial.crowd.trial) } else { String::new() };
        match expect {
            Expect::AcceptsExactly(number) => trial.copies(*number, &place),
            Expect::Accept => trial.distinct(&place),
            Expect::Reject(_) | Expect::Challenge | Expect::Answer | Expect::Any => {
                trial.nothing("nothing is expected of them".to_owned())
            }
        }
    });
    // The first of the worst.
    shown.reduce(|one, other| if other.rank() > one.rank() { other } else { one }).unwrap_or(Shown::Held)
}

impl Trial<'_> {
    /// The exchange that stands for those with one of these decisions.
    fn with(&self, decisions: &[Decision]) -> Option<(usize, &Exchange)> {
        self.kept.iter().copied().find(|(_, exchange)| decisions.contains(&exchange.seen.decision))
    }

    fn nothing(&self, reason: String) -> Shown {
        Shown::Nothing(reason, self.kept.first().map(|(at, _)| *at).unwrap_or_default())
    }

    /// Copies of one request, of which so many may be accepted.
    fn copies(&self, most: usize, place: &str) -> Shown {
        let Crowd { sent, accepted, .. } = self.crowd;
        let counted = |number: usize| match number {
            0 => "none".to_owned(),
            some => some.to_string(),
        };
        let were = if accepted == 1 { "was" } else { "were" };
        let reason = format!("{} of {sent} copies {were} accepted{place}", counted(accepted));
        if accepted > most {
            let at = self.with(&[Decision::Accept]).map(|(at, _)| at).unwrap_or_default();
            return Shown::Violation(reason, at);
        }
        if let Some((at, exchange)) = self.with(&[Decision::NoAnswer, Decision::Other]) {
            let reason =
                format!("{} of {sent} copies were answered {}{place}", exchange.alike, exchange.seen);
            return Shown::Nothing(format!("{reason}, and so did not compete"), at);
        }
        if accepted < most {
            return self.nothing(reason);
        }
        match self.with(&[Decision::Fault]) {
            Some((at, exchange)) => {
                let reason = format!(
                    "{} of {sent} copies were not accepted, but answered {}{place}",
                    exchange.alike, exchange.seen
                );
                Shown::Odd(reason, at)
            }
            None => Shown::Held,
        }
    }

    /// Requests with a proof each, which must all be accepted. Only a refusal says that one is not; and a challenge that
    /// comes again and again says that nonces are good for one request.
    fn distinct(&self, place: &str) -> Shown {
        let sent = self.crowd.sent;
        let told = |exchange: &Exchange| {
            format!(
                "{} of {sent} requests at the same time were answered {}{place}",
                exchange.alike, exchange.seen
            )
        };
        let others = [Decision::Challenge, Decision::Fault, Decision::NoAnswer, Decision::Other];
        match (self.with(&[Decision::Reject]), self.with(&others)) {
            (Some((at, exchange)), _) => Shown::Violation(told(exchange), at),
            (None, Some((at, exchange))) => Shown::Nothing(told(exchange), at),
            (None, None) => Shown::Held,
        }
    }
}

fn trials(run: &Run, index: usize) -> Vec<Trial<'_>> {
    let mut trials: Vec<Trial<'_>> = Vec::new();
    for (at, exchange) in run.transcript.iter().enumerate() {
        let Some(crowd) = exchange.crowd.filter(|_| exchange.turn == Turn::Step(index)) else { continue };
        match trials.iter_mut().find(|trial| trial.crowd.trial == crowd.trial) {
            Some(trial) => trial.kept.push((at, exchange)),
            None => trials.push(Trial { crowd, kept: vec![(at, exchange)] }),
        }
    }
    trials
}
