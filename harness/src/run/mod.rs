//! Driving a target: one step, one control, one case at a time, with everything that was sent and seen kept.

mod cast;
mod ending;
mod evidence;
mod exchange;
mod leak;
mod many;
mod observe;
mod published;
mod redact;
mod session;
mod skew;
mod transcript;
mod wording;

pub use cast::{Cast, CastError, Needs};
pub use ending::{Ending, Run};
pub(crate) use evidence::Archive;
pub use evidence::{Evidence, Texts};
pub use leak::Leak;
pub use observe::{Decision, Observation, observe};
pub use published::{Document, Link, Published};
pub use redact::{Redactor, visible};
pub(crate) use session::MAX_CHALLENGES;
pub use session::{Elsewhere, Session};
pub use skew::Skew;
pub use transcript::{Asked, Credentials, Crowd, Exchange, Transcript, Turn, Watched, is_slow, slow_beyond};
pub use wording::{AllowedOrigin, Caching, Wording};
