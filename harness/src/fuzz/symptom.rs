use crate::generator::Fate;
use crate::judge::{Compliance, judge_answer};
use crate::run::{Decision, Exchange, slow_beyond};
use crate::scenario::AnswerCheck;

/// What is wrong with what a target did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symptom {
    /// It accepted what a requirement says is to be refused.
    Accepted,
    /// It refused what is as good as a correct request.
    Refused,
    /// It answered with a server error.
    Fault,
    /// It hung, or cut the connection.
    NoAnswer,
    /// It took more than ten times as long as for other requests.
    Slow,
    /// Its refusal tells a secret, or shows a stack trace.
    Leak,
    /// It accepted what the other target refused, or the reverse.
    Disagreement,
}

impl Symptom {
    /// Every symptom.
    pub const ALL: &[Self] = &[
        Self::Accepted,
        Self::Refused,
        Self::Fault,
        Self::NoAnswer,
        Self::Slow,
        Self::Leak,
        Self::Disagreement,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Fault => "fault",
            Self::NoAnswer => "no-answer",
            Self::Slow => "slow",
            Self::Leak => "leak",
            Self::Disagreement => "disagreement",
        }
    }

    /// The symptom called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|symptom| symptom.name() == name)
    }

    /// What it means, as a sentence.
    pub fn told(self) -> &'static str {
        match self {
            Self::Accepted => "a request that must be refused was accepted",
            Self::Refused => "a request as good as a correct one was refused",
            Self::Fault => "a request was answered with a server error",
            Self::NoAnswer => "a request was not answered",
            Self::Slow => "a request was answered more than ten times as slowly as others",
            Self::Leak => "a refusal gave away a secret or a stack trace",
            Self::Disagreement => "one target accepted what the other refused",
        }
    }

    /// Whether a request of this fate can show it.
    pub(super) fn can_come_of(self, fate: Fate) -> bool {
        match self {
            Self::Accepted => fate == Fate::Refused,
            Self::Refused => fate == Fate::Accepted,
            Self::Fault | Self::NoAnswer | Self::Slow | Self::Leak | Self::Disagreement => true,
        }
    }

    /// Whether other requests that are under way can bring it about: what takes long, is cut off, or is refused for want of room.
    pub(super) fn is_of_load(self) -> bool {
        match self {
            Self::Fault | Self::NoAnswer | Self::Slow => true,
            Self::Accepted | Self::Refused | Self::Leak | Self::Disagreement => false,
        }
    }

    /// Whether it may be about how the target refuses, whatever it is that it refuses.
    pub(super) fn is_of_refusals(self) -> bool {
        match self {
            Self::Fault | Self::Leak => true,
            Self::Accepted | Self::Refused | Self::NoAnswer | Self::Slow | Self::Disagreement => false,
        }
    }

    /// Of three looks at the smallest input that shows it, how many have to show it again: a machine may be busy at times.
    pub(super) fn least_of_three(self) -> usize {
        if self.is_of_load() { 3 } else { 1 }
    }
}

/// What was seen of one input.
#[derive(Debug)]
pub(super) struct Sighting<'a> {
    /// What the target answered in the end.
    pub(super) exchange: &'a Exchange,
    /// What the other target answered, where there are two.
    pub(super) against: Option<&'a Exchange>,
    /// What the target had to do.
    pub(super) fate: Fate,
    /// How long an answer usually takes.
    pub(super) usual_milliseconds: u64,
}

impl Sighting<'_> {
    /// What is wrong, if anything: the worst first.
    pub(super) fn symptom(&self) -> Option<Symptom> {
        let seen = &self.exchange.seen;
        let deviates = |check| matches!(judge_answer(check, self.exchange), Compliance::Deviates(_));
        let refused = matches!(seen.decision, Decision::Reject | Decision::Challenge);
        match (self.fate, seen.decision) {
            (Fate::Refused, Decision::Accept) => Some(Symptom::Accepted),
            (_, Decision::Fault) if deviates(AnswerCheck::Fault) => Some(Symptom::Fault),
            (_, Decision::NoAnswer) if deviates(AnswerCheck::Fault) && !self.exchange.never_connected() => {
                Some(Symptom::NoAnswer)
            }
            _ if deviates(AnswerCheck::Leak) => Some(Symptom::Leak),
            (Fate::Accepted, _) if refused => Some(Symptom::Refused),
            _ if self.is_slow() => Some(Symptom::Slow),
            _ if self.differs() => Some(Symptom::Disagreement),
            _ => None,
        }
    }

    fn is_slow(&self) -> bool {
        self.exchange.seen.status.is_some()
            && self.exchange.milliseconds > slow_beyond(self.usual_milliseconds)
    }

    /// Whether one target accepts and the other refuses; answers that are no verdict on the proof don't count.
    fn differs(&self) -> bool {
        let accepts = |exchange: &Exchange| match exchange.seen.decision {
            Decision::Accept => Some(true),
            Decision::Reject | Decision::Challenge => Some(false),
            Decision::Fault | Decision::NoAnswer | Decision::Other => None,
        };
        let ours = accepts(self.exchange);
        let theirs = self.against.and_then(accepts);
        matches!((ours, theirs), (Some(one), Some(other)) if one != other)
    }
}
