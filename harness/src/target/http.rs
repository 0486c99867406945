//! A server reached over TCP or TLS: who may be reached, how often, and for how long.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;

use super::answer::{Answer, NoAnswer};
use super::connection::{Connection, Kept, Stream};
use super::http1::Http1;
use super::limits::{Limits, Rate};
use super::race::NoRoom;
use super::reach::Reach;
use super::tls::Tls;
use super::{BoxFuture, Target};
use crate::clock::Clock;
use crate::jose::uri::Uri;
use crate::proof::{HttpVersion, Request};

/// What a host that is not local gets by default.
const REMOTE_RATE: u32 = 20;
/// How long a server has to begin with a request whose answer it never gets rid of.
const BEFORE_THE_CUT: Duration = Duration::from_millis(20);

/// A server reached over HTTP.
pub struct HttpTarget {
    host: String,
    pub(super) addresses: Vec<SocketAddr>,
    tls: Option<Tls>,
    pub(super) timeout: Duration,
    pub(super) requests_left: Arc<AtomicUsize>,
    pub(super) pace: Option<Arc<Pace>>,
    clock: Arc<dyn Clock>,
}

/// The moments at which requests may leave.
pub(super) struct Pace {
    pub(super) interval: Duration,
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
    /// The certificates of the authorities that are trusted can't be read.
    #[error("can't take the certificates of --cacert: {0}")]
    Certificates(String),
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
        Self::resolve_with(&Reach::default(), uri, limits, authorised, clock).await
    }

    /// The same, reached as `reach` says: it is the address there that has to be local or authorised.
    ///
    /// # Errors
    /// As [`HttpTarget::resolve`], and where certificates can't be read.
    pub async fn resolve_with(
        reach: &Reach,
        uri: &Uri,
        limits: &Limits,
        authorised: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NotAllowed> {
        let host = uri.host.trim_matches(['[', ']']).to_owned();
        let (place, port) = reach.place(&host, uri.effective_port());
        let unresolved = |why: String| NotAllowed::Unresolved(place.clone(), why);
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((place.as_str(), port))
            .await
            .map_err(|error| unresolved(error.to_string()))?
            .collect();
        if addresses.is_empty() {
            return Err(unresolved("no address".to_owned()));
        }
        if let Some(public) = addresses.iter().map(SocketAddr::ip).find(|ip| !is_local(*ip))
            && !authorised
        {
            return Err(NotAllowed::NotAuthorised(place, public));
        }
        let tls = uri.is_https().then(|| Tls::new(&reach.authorities)).transpose();
        let loopback = addresses.iter().all(|address| address.ip().is_loopback());
        let rate = limits.rate.or_else(|| (!loopback).then(|| Rate::per_second(REMOTE_RATE)));
        Ok(Self {
            tls: tls.map_err(NotAllowed::Certificates)?,
            host,
            addresses,
            timeout: limits.timeout(),
            requests_left: Arc::new(AtomicUsize::new(limits.max_requests())),
            pace: rate.map(|rate| Arc::new(Pace { interval: rate.interval(), next: Mutex::new(None) })),
            clock,
        })
    }

    /// The same, with the cap on requests and the rate of `other`: both together are sent so many, and so fast.
    #[must_use]
    pub fn sharing_the_limits_of(self, other: &Self) -> Self {
        let pace = other.pace.clone().or(self.pace);
        Self { requests_left: other.requests_left.clone(), pace, ..self }
    }

    /// Whether it is reached over TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|address| address.ip().is_loopback())
    }

    async fn wait_for_turn(&self) {
        self.wait(self.take_turn()).await;
    }

    pub(super) async fn wait(&self, wait: Duration) {
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
    }

    /// Takes the next moment at which a request may leave; how far off it is.
    pub(super) fn take_turn(&self) -> Duration {
        let Some(pace) = &self.pace else { return Duration::ZERO };
        let now = self.clock.now();
        let mut next = pace.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + pace.interval);
        turn.duration_since(now).unwrap_or_default()
    }

    /// Connects, and makes the handshake where there is TLS.
    pub(super) async fn stream(&self, http: HttpVersion) -> Result<Stream, NoAnswer> {
        let stream = TcpStream::connect(self.addresses.as_slice())
            .await
            .map_err(|error| NoAnswer::Unreachable(error.to_string()))?;
        // Small requests must not wait for each other; where it can't be set, they do.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some(tls) => tls.connect(&self.host, stream, http).await,
        }
    }

    async fn connection(&self, http: HttpVersion) -> Result<Connection, NoAnswer> {
        Connection::open(self.stream(http).await?, http, self.tls.is_some()).await
    }

    /// Does what takes one request, within the limits.
    async fn within_limits<T>(&self, work: impl Future<Output = Result<T, NoAnswer>>) -> Result<T, NoAnswer> {
        let counted =
            self.requests_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if counted.is_err() {
            return Err(NoAnswer::CapReached);
        }
        self.wait_for_turn().await;
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(NoAnswer::Timeout))
    }
}

impl Target for HttpTarget {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        let exchange = async { self.connection(request.http).await?.exchange(request).await };
        Box::pin(async { self.within_limits(exchange).await.into() })
    }

    fn send_over<'a>(&'a self, kept: &'a mut Kept, request: &'a Request) -> BoxFuture<'a, Answer> {
        let exchange = async {
            let mut connection = match kept.take()? {
                Some(connection) => connection,
                None => self.connection(request.http).await?,
            };
            let response = connection.exchange(request).await?;
            kept.put(connection);
            Ok(response)
        };
        Box::pin(async { self.within_limits(exchange).await.into() })
    }

    fn send_and_cut<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        let send = async {
            if request.http != HttpVersion::Http1 {
                return Err(NoAnswer::Inexpressible("a request whose answer is lost"));
            }
            let mut connection = Http1::new(self.stream(request.http).await?);
            connection.send(request).await.map_err(|_| NoAnswer::Closed)?;
            // Where the answer has not begun by then, it is cut in the midst of the server's work.
            let _ = tokio::time::timeout(BEFORE_THE_CUT, connection.answered()).await;
            Ok(())
        };
        Box::pin(async { Answer::Nothing(self.within_limits(send).await.err().unwrap_or(NoAnswer::Cut)) })
    }

    fn release<'a>(&'a self, requests: &'a [Request]) -> BoxFuture<'a, Result<Vec<Answer>, NoRoom>> {
        Box::pin(self.released(requests))
    }

    fn is_on_loopback(&self) -> bool {
        self.is_loopback()
    }

    fn release_over_one<'a>(&'a self, requests: &'a [Request]) -> BoxFuture<'a, Result<Vec<Answer>, NoRoom>> {
        Box::pin(self.released_over_one(requests))
    }

    fn requests_left(&self) -> usize {
        self.requests_left.load(Ordering::Relaxed)
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
