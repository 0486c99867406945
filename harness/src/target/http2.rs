//! HTTP/2 (RFC 9113). What it can't express is not sent: nothing is changed to fit.

use std::io::Cursor;

use futures_util::future::join_all;
use http::{HeaderName, HeaderValue, Method, Uri, uri};
use tokio::task::JoinHandle;

use super::answer::{NoAnswer, Response};
use super::connection::{MAX_BODY, MAX_HEAD, Stream};
use crate::proof::{Field, Request};

/// A connection that speaks HTTP/2.
pub(super) struct Http2 {
    sender: h2::client::SendRequest<Cursor<Vec<u8>>>,
    /// Reads and writes frames until this value is dropped.
    driver: JoinHandle<Result<(), h2::Error>>,
    /// The `:scheme` of its requests.
    scheme: uri::Scheme,
    /// Asks the server whether it has read what was written.
    pings: Option<h2::PingPong>,
    /// Whether a response has come over it.
    used: bool,
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Http2 {
    /// Sends the connection preface; the server's comes with its first answer.
    pub(super) async fn open(stream: Stream, https: bool) -> Result<Self, NoAnswer> {
        let scheme = if https { uri::Scheme::HTTPS } else { uri::Scheme::HTTP };
        let (sender, mut connection) = h2::client::Builder::new()
            .enable_push(false)
            .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
            .initial_window_size(u32::try_from(MAX_BODY).unwrap_or(u32::MAX))
            .handshake(stream)
            .await
            .map_err(|error| fact(&error))?;
        let pings = connection.ping_pong();
        let driver = tokio::spawn(connection);
        Ok(Self { sender, driver, scheme, pings, used: false })
    }

    /// How many requests the server takes at the same time, once its settings have come (RFC 9113 section 5.1.2).
    pub(super) async fn room(&mut self) -> Result<usize, NoAnswer> {
        self.arrived().await?;
        Ok(self.sender.current_max_send_streams())
    }

    /// Waits until the server has read all that was written: it answers a PING behind that (section 6.7).
    async fn arrived(&mut self) -> Result<(), NoAnswer> {
        let Some(pings) = &mut self.pings else { return Ok(()) };
        pings.ping(h2::Ping::opaque()).await.map(|_| ()).map_err(|error| fact(&error))
    }

    /// Sends requests without their last frames and, once the server has all that, the last frames of all together.
    pub(super) async fn together(
        &mut self,
        requests: &[Request],
    ) -> Result<Vec<Result<Response, NoAnswer>>, NoAnswer> {
        let heads: Vec<_> =
            requests.iter().map(|request| frames(request, self.scheme.clone())).collect::<Result<_, _>>()?;
        let (mut answers, mut open) = (Vec::new(), Vec::new());
        for (head, request) in heads.into_iter().zip(requests) {
            let mut sender = self.sender.clone().ready().await.map_err(|error| fact(&error))?;
            let (answer, mut stream) = sender.send_request(head, false).map_err(|error| fact(&error))?;
            if !request.content.is_empty() {
                let content = Cursor::new(request.content.clone().into_bytes());
                stream.send_data(content, false).map_err(|error| fact(&error))?;
            }
            answers.push(answer);
            open.push(stream);
        }
        self.arrived().await?;
        for stream in &mut open {
            // Whom the server has answered already it does not want to hear to the end.
            let _ = stream.send_data(Cursor::default(), true);
        }
        let read = answers.into_iter().map(async |answer| {
            let (head, body) = answer.await.map_err(|error| fact(&error))?.into_parts();
            read(head, body).await
        });
        Ok(join_all(read).await)
    }

    /// Sends a request and reads its response.
    pub(super) async fn exchange(&mut self, request: &Request) -> Result<Response, NoAnswer> {
        match self.converse(request).await {
            // To the stream that is all; the connection knows if the server said why.
            Err(NoAnswer::Closed) => Err(match (&mut self.driver).await {
                Ok(Err(error)) => fact(&error),
                Ok(Ok(())) | Err(_) => NoAnswer::Closed,
            }),
            other => other,
        }
    }

    async fn converse(&mut self, request: &Request) -> Result<Response, NoAnswer> {
        let frames = frames(request, self.scheme.clone())?;
        let used = self.used;
        // A server may end a connection that nobody waits on; what it did not look at can't have been answered.
        let fact_of = |error: h2::Error| {
            let ended = error.is_io() || error.is_go_away() && error.is_remote();
            if used && ended { NoAnswer::NotKept } else { fact(&error) }
        };
        let mut sender = self.sender.clone().ready().await.map_err(fact_of)?;
        let content = request.content.clone().into_bytes();
        let (response, mut stream) = sender.send_request(frames, content.is_empty()).map_err(fact_of)?;
        if !content.is_empty() {
            stream.send_data(Cursor::new(content), true).map_err(fact_of)?;
        }
        let (head, body) = response.await.map_err(fact_of)?.into_parts();
        self.used = true;
        read(head, body).await
    }

    /// Whether another request can be sent.
    pub(super) fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }
}

/// A response with all of its content.
async fn read(head: http::response::Parts, mut body: h2::RecvStream) -> Result<Response, NoAnswer> {
    let field =
        |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), value.as_bytes().to_vec());
    let mut response = Response {
        status: head.status.as_u16(),
        fields: head.headers.iter().map(field).collect(),
        body: Vec::new(),
    };
    while response.body.len() < MAX_BODY {
        let Some(data) = body.data().await else { break };
        let data = match data {
            // The whole response has come, and the server does not want the rest of the request (section 8.1).
            Err(error) if error.is_reset() && error.reason() == Some(h2::Reason::NO_ERROR) => break,
            other => other.map_err(|error| fact(&error))?,
        };
        response.body.extend_from_slice(&data);
        // Where nothing can be given back, the stream has ended.
        let _ = body.flow_control().release_capacity(data.len());
    }
    response.body.truncate(MAX_BODY);
    Ok(response)
}

/// What an error of the connection or of a stream says about the server.
fn fact(error: &h2::Error) -> NoAnswer {
    let reason = || error.reason().map_or_else(|| error.to_string(), |reason| format!("{reason:?}"));
    if error.is_io() {
        NoAnswer::Closed
    } else if error.is_remote() && error.is_go_away() {
        NoAnswer::GoAway(reason())
    } else if error.is_remote() && error.is_reset() {
        NoAnswer::Reset(reason())
    } else {
        NoAnswer::NotHttp2(reason())
    }
}

/// The request as HTTP/2 has it: `Host` is `:authority`, and names are in lower case (sections 8.2 and 8.3.1). Of two `Host`
/// fields the second is a field there, too.
fn frames(request: &Request, scheme: uri::Scheme) -> Result<http::Request<()>, NoAnswer> {
    let not = |why| Err(NoAnswer::Inexpressible(why));
    let Ok(method) = Method::from_bytes(request.method.as_bytes()) else { return not("the method") };
    if method == Method::CONNECT {
        return not("CONNECT, which has another form there");
    }
    let is_host = |field: &&Field| field.name.eq_ignore_ascii_case("host");
    let mut hosts = request.fields.iter().filter(is_host);
    let (Some(host), second, None) = (hosts.next(), hosts.next(), hosts.next()) else {
        return not("no Host field, or more than two");
    };
    let authority = uri::Authority::try_from(host.value.as_str());
    let path = uri::PathAndQuery::try_from(request.target.as_str());
    let (Ok(authority), Ok(path)) = (authority, path) else { return not("the request target") };
    if path.as_str() != request.target || authority.as_str() != host.value {
        return not("the request target");
    }
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build();
    let Ok(uri) = uri else { return not("the request target") };
    let mut frames = http::Request::new(());
    (*frames.method_mut(), *frames.uri_mut()) = (method, uri);
    *frames.version_mut() = http::Version::HTTP_2;
    for field in request.fields.iter().filter(|field| !is_host(field)).chain(second) {
        if !field.is_spelled_usually() {
            return not("a field name in unusual case");
        }
        let name = field.name.to_ascii_lowercase();
        if CONNECTION_SPECIFIC.contains(&name.as_str()) {
            return not("a field that is about a connection of HTTP/1.1");
        }
        let value = HeaderValue::from_bytes(field.value.as_bytes());
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) else {
            return not("a field name or value");
        };
        if field.value.trim_matches([' ', '\t']) != field.value {
            return not("white space around a field value");
        }
        frames.headers_mut().append(name, value);
    }
    Ok(frames)
}

/// Fields that HTTP/2 does not have (RFC 9113 section 8.2.2).
const CONNECTION_SPECIFIC: &[&str] =
    &["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];
