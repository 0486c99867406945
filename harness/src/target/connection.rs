use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::{NoAnswer, Response};
use super::http1::Http1;
use super::http2::Http2;
use crate::proof::{HttpVersion, Request};

/// How much of a response's head is read.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// How much of a response's content is read; the rest is left unread.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// Bytes to and from a server, with TLS or without.
pub(super) type Stream = Box<dyn Duplex>;

/// What a stream of bytes can do.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection that a request can be sent over.
pub(super) enum Connection {
    Http1(Http1),
    Http2(Http2),
}

impl Connection {
    pub(super) async fn open(stream: Stream, http: HttpVersion, https: bool) -> Result<Self, NoAnswer> {
        match http {
            HttpVersion::Http1 => Ok(Self::Http1(Http1::new(stream))),
            HttpVersion::Http2 => Ok(Self::Http2(Http2::open(stream, https).await?)),
        }
    }

    /// Sends a request and reads its response.
    pub(super) async fn exchange(&mut self, request: &Request) -> Result<Response, NoAnswer> {
        match self {
            Self::Http1(connection) => connection.exchange(request).await,
            Self::Http2(connection) => connection.exchange(request).await,
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_open(),
            Self::Http2(connection) => connection.is_open(),
        }
    }
}

/// A connection that is kept from one request to the next, once the first has opened it.
#[derive(Default)]
pub struct Kept(State);

#[derive(Default)]
enum State {
    #[default]
    Unopened,
    Open(Connection),
    Closed,
}

impl Kept {
    /// Lets the next request open a connection if the one that was kept is closed.
    pub fn renew(&mut self) {
        if matches!(self.0, State::Closed) {
            self.0 = State::Unopened;
        }
    }

    /// Takes the connection for one request; none where the request has to open it. Until it is put back, or where it no
    /// longer can be, it counts as closed.
    pub(super) fn take(&mut self) -> Result<Option<Connection>, NoAnswer> {
        match std::mem::replace(&mut self.0, State::Closed) {
            State::Unopened => Ok(None),
            State::Open(connection) => Ok(Some(connection)),
            State::Closed => Err(NoAnswer::NotKept),
        }
    }

    /// Puts a connection back after a whole response.
    pub(super) fn put(&mut self, connection: Connection) {
        if connection.is_open() {
            self.0 = State::Open(connection);
        }
    }
}
