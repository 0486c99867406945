//! The black-box fuzzer: edit scripts sent to a target, judged by what a server has to do with each.
//!
//! A [`Campaign`] draws [recipes](crate::generator::Recipe), sends each as a scenario would, and keeps those that are answered in a way not seen
//! before, to make others of. What looks wrong is looked for again with a fresh key, token and connection, between correct requests that
//! are accepted; then [shrunk](minimize), and written as a scenario on which `dpop run` fails. What a campaign learns is in a journal on
//! disk, so that the next one goes on from there.

mod campaign;
mod class;
mod clause;
mod client;
mod confirm;
mod finding;
mod journal;
mod layer;
mod minimize;
mod shrink;
mod symptom;

pub use campaign::{Campaign, Ended, Plan, Progress, Report};
pub use clause::Clause;
pub use client::Targets;
pub use finding::{Bundle, Finding};
pub use layer::Layer;
pub use minimize::{NotMinimized, minimize, recipe_in};
pub use symptom::Symptom;
