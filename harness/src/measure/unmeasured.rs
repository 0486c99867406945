use crate::proof::EditError;
use crate::run::{CastError, Observation};

/// Why a fact could not be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unmeasured {
    /// Without it there is nothing to compare with.
    #[error("a correct request was answered {0}")]
    ControlRefused(Box<Observation>),
    /// An answer that is neither yes nor no: routing, a fault, or none at all.
    #[error("a probe was answered {0}, which is neither yes nor no")]
    NoVerdict(Box<Observation>),
    /// The cap on requests.
    #[error("the cap on requests (limits.max-requests) was reached")]
    Cap,
    /// No token for another client or key.
    #[error("no token: {0}")]
    NoToken(String),
    /// The probe can't be made against this target.
    #[error("{0}")]
    NotMade(#[from] EditError),
    /// The server does not have what would be measured.
    #[error("{0}")]
    Lacks(&'static str),
    /// The preflight did not pass.
    #[error("{0}")]
    Trouble(String),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Unmeasured {
    /// Whether the surroundings are to blame, so that another try may bring it.
    pub fn is_of_the_environment(&self) -> bool {
        match self {
            Self::ControlRefused(_)
            | Self::NoVerdict(_)
            | Self::Cap
            | Self::NoToken(_)
            | Self::Trouble(_)
            | Self::Interrupted => true,
            Self::NotMade(_) | Self::Lacks(_) => false,
        }
    }
}

impl From<CastError> for Unmeasured {
    fn from(error: CastError) -> Self {
        Self::NoToken(error.to_string())
    }
}
