//! HTTP/1.1 over TCP or TLS, with every byte of the request as given and nothing repaired in the answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::answer::{Answer, NoAnswer, Response};
use super::limits::{Limits, Rate};
use super::{BoxFuture, Target};
use crate::clock::Clock;
use crate::jose::uri::Uri;
use crate::proof::Request;

/// How much of a response's head is read.
const MAX_HEAD: usize = 64 * 1024;
/// How much of a response's content is read; the rest is left unread.
const MAX_BODY: usize = HttpTarget::LONGEST_BODY;
const MAX_FIELDS: usize = 128;
/// What a host that is not local gets by default.
const REMOTE_RATE: u32 = 20;

/// A server reached over HTTP. Each request goes over a connection of its own.
pub struct HttpTarget {
    host: String,
    addresses: Vec<SocketAddr>,
    tls: Option<TlsConnector>,
    timeout: Duration,
    requests_left: Arc<AtomicUsize>,
    pace: Option<Pace>,
    clock: Arc<dyn Clock>,
}

/// The moments at which requests may leave.
struct Pace {
    interval: Duration,
    next: Mutex<Option<SystemTime>>,
}

/// Why a host is not tested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAllowed {
    /// The name has no address.
    #[error("can't resolve {0}: {1}")]
    Unresolved(String, String),
    /// The host is neither loopback nor private, and nobody said that it may be tested.
    #[error(
        "{0} ({1}) is not a local or private address; test only what you may: --authorised, or allow-hosts in the config"
    )]
    NotAuthorised(String, IpAddr),
}

impl HttpTarget {
    /// How much of a response's content is read. What is that long may have been longer.
    pub const LONGEST_BODY: usize = 256 * 1024;

    /// Resolves the host of `uri` once, and sees to it that it may be tested.
    ///
    /// # Errors
    /// [`NotAllowed`] where it has no address, or is not local and not authorised.
    pub async fn resolve(
        uri: &Uri,
        limits: &Limits,
        authorised: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NotAllowed> {
        let host = uri.host.trim_matches(['[', ']']).to_owned();
        let unresolved = |why: String| NotAllowed::Unresolved(host.clone(), why);
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), uri.effective_port()))
            .await
            .map_err(|error| unresolved(error.to_string()))?
            .collect();
        if addresses.is_empty() {
            return Err(unresolved("no address".to_owned()));
        }
        if let Some(public) = addresses.iter().map(SocketAddr::ip).find(|ip| !is_local(*ip))
            && !authorised
        {
            return Err(NotAllowed::NotAuthorised(host, public));
        }
        let loopback = addresses.iter().all(|address| address.ip().is_loopback());
        let rate = limits.rate.or_else(|| (!loopback).then(|| Rate::per_second(REMOTE_RATE)));
        Ok(Self {
            tls: uri.is_https().then(connector),
            host,
            addresses,
            timeout: limits.timeout(),
            requests_left: Arc::new(AtomicUsize::new(limits.max_requests())),
            pace: rate.map(|rate| Pace { interval: rate.interval(), next: Mutex::new(None) }),
            clock,
        })
    }

    /// The same, with the cap on requests of `other`: both together may be sent so many.
    #[must_use]
    pub fn sharing_the_cap_of(self, other: &Self) -> Self {
        Self { requests_left: other.requests_left.clone(), ..self }
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|address| address.ip().is_loopback())
    }

    async fn wait_for_turn(&self) {
        let Some(pace) = &self.pace else { return };
        let now = self.clock.now();
        let turn = {
            let mut next = pace.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + pace.interval);
            turn
        };
        if let Ok(wait) = turn.duration_since(now)
            && !wait.is_zero()
        {
            self.clock.sleep(wait).await;
        }
    }

    async fn exchange(&self, request: &Request) -> Result<Response, NoAnswer> {
        let stream = TcpStream::connect(self.addresses.as_slice())
            .await
            .map_err(|error| NoAnswer::Unreachable(error.to_string()))?;
        // Small requests must not wait for each other; where it can't be set, they do.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => converse(stream, request).await,
            Some(connector) => {
                let name = ServerName::try_from(self.host.clone())
                    .map_err(|error| NoAnswer::Unreachable(error.to_string()))?;
                let stream = connector.connect(name, stream).await.map_err(handshake_fault)?;
                converse(stream, request).await
            }
        }
    }
}

impl Target for HttpTarget {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let counted = self
                .requests_left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            if counted.is_err() {
                return Answer::Nothing(NoAnswer::CapReached);
            }
            self.wait_for_turn().await;
            match tokio::time::timeout(self.timeout, self.exchange(request)).await {
                Ok(Ok(response)) => Answer::Response(response),
                Ok(Err(nothing)) => Answer::Nothing(nothing),
                Err(_) => Answer::Nothing(NoAnswer::Timeout),
            }
        })
    }
}

/// Whether an address is loopback, private (RFC 1918, RFC 4193) or link-local.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.to_ipv4_mapped().is_some_and(|ip| is_local(IpAddr::V4(ip)))
        }
    }
}

/// Why a TLS handshake failed.
fn handshake_fault(error: io::Error) -> NoAnswer {
    use rustls::CertificateError::{Other, UnknownIssuer};
    let rustls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match rustls {
        // A self-signed certificate is an issuer that nobody trusts, too.
        Some(rustls::Error::InvalidCertificate(UnknownIssuer | Other(_))) => {
            NoAnswer::Untrusted(error.to_string())
        }
        Some(rustls::Error::InvalidCertificate(_)) => NoAnswer::BadCertificate(error.to_string()),
        Some(_) => NoAnswer::NoTls(error.to_string()),
        None => NoAnswer::Closed,
    }
}

/// TLS with the operating system's roots.
fn connector() -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        match rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions() {
            Ok(builder) => builder,
            Err(error) => unreachable!("aws-lc has the default TLS versions: {error}"),
        };
    TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    request: &Request,
) -> Result<Response, NoAnswer> {
    let closed = |_: io::Error| NoAnswer::Closed;
    // A server may answer and close before it has read everything: the answer counts, not the failed write.
    let written = stream.write_all(&request.to_bytes()).await.and(stream.flush().await);
    let mut reader = Reader { stream, buffer: Vec::new() };
    let mut response = match reader.head().await {
        Err(NoAnswer::Closed) => return Err(written.map_err(closed).err().unwrap_or(NoAnswer::Closed)),
        other => other?,
    };
    while (100..200).contains(&response.status) && response.status != 101 {
        response = reader.head().await?;
    }
    if request.method != "HEAD" && !matches!(response.status, 101 | 204 | 304) {
        response.body = reader.body(&response).await?;
    }
    Ok(response)
}

struct Reader<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    /// Reads more into the buffer; false at the end of the stream.
    async fn more(&mut self) -> Result<bool, NoAnswer> {
        let mut chunk = [0; 8192];
        let read = self.stream.read(&mut chunk).await.map_err(|_| NoAnswer::Closed)?;
        self.buffer.extend(chunk.iter().take(read));
        Ok(read > 0)
    }

    async fn head(&mut self) -> Result<Response, NoAnswer> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
            let mut parsed = httparse::Response::new(&mut fields);
            match parsed.parse(&self.buffer) {
                Ok(httparse::Status::Complete(length)) => {
                    let response = Response {
                        status: parsed.code.unwrap_or_default(),
                        fields: parsed
                            .headers
                            .iter()
                            .map(|field| (field.name.to_owned(), field.value.to_vec()))
                            .collect(),
                        body: Vec::new(),
                    };
                    self.buffer.drain(..length);
                    return Ok(response);
                }
                Ok(httparse::Status::Partial) if self.buffer.len() > MAX_HEAD => {
                    return Err(NoAnswer::Malformed("the head does not end"));
                }
                Ok(httparse::Status::Partial) => {
                    if !self.more().await? {
                        return Err(NoAnswer::Closed);
                    }
                }
                Err(httparse::Error::TooManyHeaders) => {
                    return Err(NoAnswer::Malformed("too many header fields"));
                }
                Err(_) => return Err(NoAnswer::Malformed("status line or header fields")),
            }
        }
    }

    async fn body(&mut self, response: &Response) -> Result<Vec<u8>, NoAnswer> {
        let text =
            |name| response.values(name).next().map(|value| String::from_utf8_lossy(value).trim().to_owned());
        if text("transfer-encoding").is_some_and(|coding| coding.to_ascii_lowercase().ends_with("chunked")) {
            return self.chunked().await;
        }
        match text("content-length") {
            Some(length) => {
                let digits = length.bytes().all(|byte| byte.is_ascii_digit());
                let length: u64 = match length.parse() {
                    Ok(length) if digits => length,
                    _ => return Err(NoAnswer::Malformed("Content-Length")),
                };
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                self.exactly(length.min(MAX_BODY)).await
            }
            None => {
                while self.buffer.len() < MAX_BODY && self.more().await? {}
                self.buffer.truncate(MAX_BODY);
                Ok(std::mem::take(&mut self.buffer))
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, NoAnswer> {
        while self.buffer.len() < length {
            if !self.more().await? {
                return Err(NoAnswer::Closed);
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn chunked(&mut self) -> Result<Vec<u8>, NoAnswer> {
        let mut body = Vec::new();
        loop {
            let (start, size) = match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete(parsed)) => parsed,
                Ok(httparse::Status::Partial) if self.buffer.len() < MAX_HEAD => {
                    if !self.more().await? {
                        return Err(NoAnswer::Closed);
                    }
                    continue;
                }
                _ => return Err(NoAnswer::Malformed("chunk size")),
            };
            self.buffer.drain(..start);
            let room = MAX_BODY.saturating_sub(body.len());
            if size == 0 || room == 0 {
                return Ok(body);
            }
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let chunk = self.exactly(size.min(room)).await?;
            body.extend(chunk);
            if size >= room {
                return Ok(body);
            }
            self.exactly(2).await?; // the CR LF behind the chunk
        }
    }
}
