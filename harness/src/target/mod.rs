//! The server under test: where it is, how to reach it, and where its tokens come from.

mod answer;
mod auth;
mod challenge;
mod config;
mod connection;
mod decoy;
mod discovery;
mod draft;
mod headers;
mod http;
mod http1;
mod http2;
mod limits;
pub mod metadata;
mod nodes;
mod observe;
mod places;
mod race;
mod reach;
pub mod shim;
mod tls;
pub mod tokens;
mod waiver;

use std::future::Future;
use std::pin::Pin;

use crate::proof::Request;

pub use crate::clock::Span;
pub use answer::{Answer, NoAnswer, Response};
pub use auth::{Auth, TlsFiles};
pub use challenge::{Challenge, ChallengeFault, Challenges};
pub use config::{BearerPolicy, Capabilities, Config, NoncePolicy, schema};
pub use connection::Kept;
pub use decoy::Decoy;
pub use discovery::{Discovery, Probe, Unknown, discover};
pub use draft::{config_draft, problems};
pub use headers::SecretHeader;
pub use http::{HttpTarget, NotAllowed};
pub use limits::{Limits, Rate};
pub use nodes::Node;
pub use observe::{Observe, ObserveError, Observer};
pub use places::{Authority, Forbidden, Places, Resource, ResourceClass};
pub use race::NoRoom;
pub use reach::{ConnectTo, Reach};
pub use tls::Authorities;
pub use waiver::{Day, NotADay, Waiver};

/// A boxed future, for traits whose implementations are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that takes requests and answers, or fails to.
pub trait Target: Send + Sync {
    /// Sends one request on a connection of its own and waits for the answer, at most as long as the limits say.
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer>;

    /// Sends one request over a connection that is kept, which the first one opens, and waits for the answer. A
    /// target without such connections says that it keeps none, and the case is skipped.
    fn send_over<'a>(&'a self, _kept: &'a mut Kept, _request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::Nothing(NoAnswer::NotKept)))
    }

    /// Sends one request on a connection of its own, and cuts it before the answer is read. Where that can't be
    /// done, nothing is sent, and the case is skipped.
    fn send_and_cut<'a>(&'a self, _request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::Nothing(NoAnswer::Inexpressible("a lost answer"))))
    }

    /// Sends requests that arrive together: each on a connection of its own, all but the last byte of each first, and then
    /// every last byte. The answers come in the order of the requests.
    ///
    /// # Errors
    /// [`NoRoom`] where they can't be sent so; then none was sent.
    fn release<'a>(&'a self, _requests: &'a [Request]) -> BoxFuture<'a, Result<Vec<Answer>, NoRoom>> {
        Box::pin(std::future::ready(Err(NoRoom::Unsupported)))
    }

    /// Whether it is on this machine, and so reaches what listens on its loopback.
    fn is_on_loopback(&self) -> bool {
        false
    }

    /// Whether it is a verifier without a server around it: of HTTP there is nothing to see, and how a refusal is put is not its
    /// doing.
    fn is_bare_verifier(&self) -> bool {
        false
    }

    /// Sends requests that arrive together over one HTTP/2 connection: all but the last frame of each first, and then every
    /// last frame. The answers come in the order of the requests.
    ///
    /// # Errors
    /// [`NoRoom`] where they can't be sent so; then none was sent.
    fn release_over_one<'a>(
        &'a self,
        _requests: &'a [Request],
    ) -> BoxFuture<'a, Result<Vec<Answer>, NoRoom>> {
        Box::pin(std::future::ready(Err(NoRoom::Unsupported)))
    }

    /// How many more requests may be sent in this run.
    fn requests_left(&self) -> usize {
        usize::MAX
    }
}
