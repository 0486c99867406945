use std::time::Duration;

use super::{Case, CaseKind};

/// How long a case may wait before it is slow.
const SHORT: Duration = Duration::from_secs(5);
/// How many requests one after another are a load.
const MANY: usize = 50;

/// What makes a case one that is performed only where somebody asks for it, or where it costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// It waits for longer than 5 seconds.
    Slow,
    /// It sends many requests, one after another.
    Load,
}

impl Tag {
    /// Every tag.
    pub const ALL: &[Self] = &[Self::Slow, Self::Load];

    /// The word for `--tag`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Load => "load",
        }
    }
}

impl Case {
    /// Its tags: what it does says which.
    pub fn tags(&self) -> impl Iterator<Item = Tag> {
        let script = match &self.kind {
            CaseKind::Script { script, .. } => Some(script),
            CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => None,
        };
        Tag::ALL.iter().copied().filter(move |tag| match tag {
            Tag::Slow => script.is_some_and(|script| script.waiting() > SHORT),
            Tag::Load => script
                .is_some_and(|script| script.steps.iter().any(|step| step.repeat.is_some_and(|n| n >= MANY))),
        })
    }
}
