//! A verifier of proofs in any language, behind a pipe: one JSON object a line, as `docs/shim.md` says.
//!
//! A shim that dies or hangs is charged with the oldest question that it had not answered, started anew, and asked the rest.

mod process;
mod protocol;
mod target;

pub use process::{Shim, ShimError};
pub use protocol::{About, Hello, Question, Reply};
pub use target::{ShimTarget, shim_call};
