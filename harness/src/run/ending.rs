//! How a performance of a case ended.

use super::observe::Observation;
use super::transcript::Transcript;
use crate::proof::EditError;
use crate::target::NoRoom;

/// One performance of a case.
#[derive(Debug)]
pub struct Run {
    /// What was sent and what came back.
    pub transcript: Transcript,
    /// The steps that were left out, as what they depend on was not accepted.
    pub left_out: Vec<usize>,
    /// How it ended.
    pub ending: Ending,
}

impl Run {
    /// One that ended before its first step, or in the middle of one.
    pub fn ended(transcript: Transcript, ending: Ending) -> Self {
        Self { transcript, left_out: Vec::new(), ending }
    }
}

/// How a performance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every step was sent, or one that the rest depends on could not be, or was answered against expectation.
    Played,
    /// A step can't be made against this target.
    NotMade(EditError),
    /// The requests of a step can't be sent to this target.
    NotSent(NoRoom),
    /// The resource is not served by the method of a step, which is named, and was answered so.
    NotServed(String, Observation),
    /// The correct request before the case was not accepted; no step was sent.
    ControlBefore,
    /// The correct request after the case was not accepted.
    ControlAfter,
}

impl From<EditError> for Ending {
    fn from(error: EditError) -> Self {
        Self::NotMade(error)
    }
}

impl From<NoRoom> for Ending {
    fn from(error: NoRoom) -> Self {
        Self::NotSent(error)
    }
}
