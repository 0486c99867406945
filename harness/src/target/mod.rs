//! The server under test: where it is, how to reach it, and where its tokens come from.

mod answer;
mod auth;
mod config;
mod discovery;
mod draft;
mod http;
mod limits;
pub mod metadata;
mod observe;
mod places;
pub mod tokens;
mod waiver;

use std::future::Future;
use std::pin::Pin;

use crate::proof::Request;

pub use answer::{Answer, Challenge, NoAnswer, Response};
pub use auth::Auth;
pub use config::{BearerPolicy, Capabilities, Config, NoncePolicy, schema};
pub use discovery::{Discovery, Probe, Unknown, discover};
pub use draft::{config_draft, problems};
pub use http::{HttpTarget, NotAllowed};
pub use limits::{Limits, Rate, Span};
pub use observe::{Observe, ObserveError, Observer};
pub use places::{Authority, Forbidden, Places, Resource, ResourceClass};
pub use waiver::{Day, Waiver};

/// A boxed future, for traits whose implementations are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that takes requests and answers, or fails to.
pub trait Target: Send + Sync {
    /// Sends one request on a connection of its own and waits for the answer, at most as long as the limits say.
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer>;
}
