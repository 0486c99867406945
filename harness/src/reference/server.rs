//! Starting and stopping the servers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::access_token::Trust;
use super::claims::{FUTURE_WINDOW, PAST_WINDOW};
use super::connections::{ConnectionId, Prompt};
use super::defects::{Defect, DefectSet};
use super::front::Front;
use super::issuer::Issuer;
use super::nonce::NonceMode;
use super::resource::{ResourceOptions, ResourceServer};
use super::tls::{Certificate, TlsListener};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::jose::uri::{Uri, UriError};
use crate::jose::{Alg, AlgSet};
use crate::spec::Profile;

/// How long [`Server::shutdown`] waits for requests that are under way.
const GRACE: Duration = Duration::from_secs(2);

/// How to set up an issuer and a resource server that trusts it.
#[derive(Clone)]
pub struct Options {
    /// Where the resource server listens: a loopback address; port 0 takes a free one.
    pub resource_addr: SocketAddr,
    /// Where the issuer listens, likewise.
    pub issuer_addr: SocketAddr,
    /// The name that stands in the URLs of both instead of the address, e.g. `localhost`. An address has no letters whose
    /// case could be normalised.
    pub host: Option<String>,
    /// The origin of the resource server as its clients know it, where a proxy stands in front; it is also the audience of
    /// its tokens. Otherwise the one at which it listens.
    pub public_url: Option<String>,
    /// The URL by which clients know the resource, where a proxy stands in front: proofs name it. Its path is the
    /// resource's. Otherwise it is `/resource` where the server listens.
    pub public_resource: Option<Uri>,
    /// The algorithm that the issuer signs tokens with.
    pub token_alg: Alg,
    /// The algorithms of the proofs that the resource server accepts.
    pub algs: AlgSet,
    /// How far ahead of the resource server's clock proofs may be dated, in seconds.
    pub future_window: i64,
    /// How far ahead an `nbf` in a proof may lie, in seconds; none where nobody looks at it.
    pub nbf_window: Option<i64>,
    /// Whether the resource server uses nonces.
    pub nonce: NonceMode,
    /// Whether the resource server remembers proofs.
    pub replay: bool,
    /// Whether the resource server still serves unbound tokens as `Bearer`, while clients migrate.
    pub unbound_bearer: bool,
    /// Whether the resource server publishes metadata.
    pub publishes: bool,
    /// The scope that a token needs at the resources; without one it needs none.
    pub scope: Option<String>,
    /// Where a second node of the resource server listens, if there is one: a loopback address, likewise.
    pub second_node: Option<SocketAddr>,
    /// Whether something listens on another port that stands for the resource without TLS. It serves nothing.
    pub plain_http: bool,
    /// The bugs planted in the resource server.
    pub defects: DefectSet,
    /// The clock of both.
    pub clock: Arc<dyn Clock>,
    /// Chance for both.
    pub entropy: Arc<dyn Entropy>,
}

impl Options {
    /// Two clean servers on free ports of 127.0.0.1, which remember proofs and don't use nonces, with ES256 tokens and
    /// proofs of every algorithm.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            resource_addr: free,
            issuer_addr: free,
            host: None,
            public_url: None,
            public_resource: None,
            token_alg: Alg::Es256,
            algs: AlgSet::all(),
            future_window: FUTURE_WINDOW,
            nbf_window: None,
            nonce: NonceMode::Never,
            replay: true,
            unbound_bearer: false,
            publishes: true,
            scope: None,
            second_node: None,
            plain_http: false,
            defects: DefectSet::empty(),
            clock,
            entropy,
        }
    }

    /// The same, set up as `profile` demands.
    #[must_use]
    pub fn conforming_to(self, profile: Profile) -> Self {
        match profile {
            Profile::Rfc9449 | Profile::Strict | Profile::Solid => self,
            // FAPI 2.0 Security Profile sections 5.3.2.1 and 5.4.1.
            Profile::Fapi2 => Self {
                algs: [Alg::Ps256, Alg::Es256, Alg::EdDsa].into_iter().collect(),
                nbf_window: Some(FUTURE_WINDOW),
                ..self
            },
            // SEP-1932: five minutes in both directions.
            Profile::Mcp => Self { future_window: PAST_WINDOW, ..self },
            // Nonces are good for five minutes at most, and come with every answer.
            Profile::Atproto => Self { nonce: NonceMode::Required, ..self },
        }
    }
}

/// An issuer and a resource server at work. Dropping it stops both.
#[derive(Debug)]
pub struct Running {
    /// The origin at which the resource server listens.
    pub base_url: String,
    /// Its origin as clients know it, the same unless a proxy is said to stand in front.
    pub public_url: String,
    /// The protected resource, where it is reached: answers GET, HEAD, POST, PUT and DELETE.
    pub resource_url: String,
    /// The protected resource as proofs name it: where a proxy stands in front, its public URL.
    pub htu: String,
    /// A second protected resource beside it.
    pub other_url: String,
    /// What a token needs the scope `admin` for.
    pub admin_url: String,
    /// The resource without TLS, where that was asked for.
    pub plain_url: Option<String>,
    /// Where the second node of the resource server listens, where one was asked for.
    pub second_node: Option<SocketAddr>,
    /// The value of `iss`.
    pub issuer_url: String,
    /// The issuer, for tokens without a request.
    pub issuer: Arc<Issuer>,
    resource_server: Server,
    issuer_server: Server,
    plain_server: Option<Server>,
    second_server: Option<Server>,
}

impl Running {
    /// The audience that tokens must name.
    pub fn audience(&self) -> &str {
        &self.public_url
    }

    /// Stops both servers and waits until their ports are free.
    pub async fn shutdown(self) {
        self.resource_server.shutdown().await;
        self.issuer_server.shutdown().await;
        for server in [self.plain_server, self.second_server].into_iter().flatten() {
            server.shutdown().await;
        }
    }
}

/// Starts an issuer and a resource server, of one node or two.
///
/// # Errors
/// Where an address is taken, or is not on loopback.
pub async fn start(options: Options) -> io::Result<Running> {
    let issuer_listener = Listener::bind(options.issuer_addr).await?;
    let resource_listener = Listener::bind(options.resource_addr).await?;
    let url = |listener: &Listener| match &options.host {
        Some(host) => format!("http://{host}:{}", listener.addr.port()),
        None => listener.url(),
    };
    let (issuer_url, base_url) = (url(&issuer_listener), url(&resource_listener));
    let public_url = options.public_url.clone().unwrap_or_else(|| base_url.clone());
    let issuer = Issuer::new(issuer_url.clone(), options.clock.clone(), options.entropy.clone());
    let issuer = Arc::new(issuer.with_audience(public_url.clone()).with_alg(options.token_alg));
    let resource_options = ResourceOptions {
        base_url: options.public_resource.as_ref().map_or_else(|| public_url.clone(), origin),
        protects_root: options.public_resource.as_ref().is_some_and(|url| url.origin_form() == "/"),
        audience: public_url.clone(),
        trust: Trust::Issuer(issuer.clone()),
        algs: options.algs,
        future_window: options.future_window,
        nbf_window: options.nbf_window,
        nonce: options.nonce,
        replay: options.replay,
        unbound_bearer: options.unbound_bearer,
        publishes: options.publishes,
        scope: options.scope,
        defects: options.defects,
        clock: options.clock,
        entropy: options.entropy,
    };
    let (plain_url, plain_server) = if options.plain_http {
        let listener = Listener::bind(SocketAddr::new(options.resource_addr.ip(), 0)).await?;
        let base_url = url(&listener);
        let router = plain_http_router(&base_url, &resource_options)?;
        (Some(format!("{base_url}/resource")), Some(listener.serve(router)))
    } else {
        (None, None)
    };
    let second_listener = match options.second_node {
        Some(addr) => Some(Listener::bind(addr).await?),
        None => None,
    };
    let resource_server = resource_server(resource_options.clone())?;
    let second_node = second_listener.as_ref().map(|listener| listener.addr);
    let second_server = match second_listener {
        Some(listener) => {
            let node = ResourceServer::beside(&resource_server, resource_options).map_err(invalid)?;
            Some(listener.serve_behind(Arc::new(node).router(), options.defects))
        }
        None => None,
    };
    let resource_url = match &options.public_resource {
        Some(url) => format!("{base_url}{}", url.origin_form()),
        None => format!("{base_url}/resource"),
    };
    Ok(Running {
        htu: options.public_resource.map_or_else(|| resource_url.clone(), |url| url.to_string()),
        resource_url,
        other_url: format!("{base_url}/other"),
        admin_url: format!("{base_url}/admin"),
        base_url,
        public_url,
        issuer_url,
        resource_server: resource_listener.serve_behind(resource_server.router(), options.defects),
        issuer_server: issuer_listener.serve(issuer.clone().router()),
        issuer,
        plain_url,
        plain_server,
        second_node,
        second_server,
    })
}

fn origin(url: &Uri) -> String {
    Uri { path: String::new(), ..url.without_query() }.to_string()
}

/// Starts an issuer alone: the one that a server under test is set up to trust. With a certificate it speaks TLS.
///
/// # Errors
/// Where the address is taken, or is not on loopback.
pub async fn serve_issuer(
    addr: SocketAddr,
    issuer: Arc<Issuer>,
    certificate: Option<Certificate>,
) -> io::Result<Server> {
    let listener = Listener::bind(addr).await?;
    Ok(match certificate {
        None => listener.serve(issuer.router()),
        Some(certificate) => listener.serve_over_tls(issuer.router(), certificate),
    })
}

/// Starts a resource server alone.
///
/// # Errors
/// Where the address is taken, or is not on loopback, or the base URL is none.
pub async fn serve_resource(addr: SocketAddr, options: ResourceOptions) -> io::Result<Server> {
    let defects = options.defects;
    let server = resource_server(options)?;
    Ok(Listener::bind(addr).await?.serve_behind(server.router(), defects))
}

/// What listens where there is no TLS: it serves nothing to nobody, and does not ask for credentials either. Defects serve
/// the resource there.
fn plain_http_router(base_url: &str, options: &ResourceOptions) -> io::Result<Router> {
    let has = |defect| options.defects.contains(defect);
    let served = |base_url: &str, defects| {
        let options = ResourceOptions { base_url: base_url.to_owned(), defects, ..options.clone() };
        resource_server(options).map(ResourceServer::router)
    };
    if has(Defect::PlainHttpServed) {
        served(base_url, options.defects)
    } else if has(Defect::PlainHttpBehindTheProxy) {
        served(&options.base_url, options.defects)
    } else if has(Defect::PlainHttpOpen) {
        served(base_url, Defect::ProtectsNothing.into())
    } else {
        Ok(Router::new().fallback(async || (StatusCode::FORBIDDEN, "HTTPS only\n")))
    }
}

fn resource_server(options: ResourceOptions) -> io::Result<Arc<ResourceServer>> {
    ResourceServer::new(options).map(Arc::new).map_err(invalid)
}

fn invalid(error: UriError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// A loopback address that is taken, and served later: what is served may need to know its own URL.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    addr: SocketAddr,
}

impl Listener {
    /// Takes `addr`.
    ///
    /// # Errors
    /// Where it is taken already, or is not on loopback.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        if !addr.ip().is_loopback() {
            let message = format!("the reference servers listen on loopback only, not on {addr}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let socket = TcpListener::bind(addr).await?;
        let addr = socket.local_addr()?;
        Ok(Self { socket, addr })
    }

    /// The origin, e.g. `http://127.0.0.1:9401`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Serves `router` over HTTP/1.1 and, with prior knowledge, HTTP/2 in a task of the current runtime.
    pub fn serve(self, router: Router) -> Server {
        self.serve_behind(router, DefectSet::empty())
    }

    /// The same, with what planted bugs make of requests before the HTTP library sees them.
    fn serve_behind(self, router: Router, defects: DefectSet) -> Server {
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            // It ends with Ok after the signal, and not otherwise.
            let service = router.into_make_service_with_connect_info::<ConnectionId>();
            let front = Front { socket: Prompt(self.socket), defects };
            let _ = axum::serve(front, service).with_graceful_shutdown(signal(stopped)).await;
        });
        Server { addr: self.addr, stop, task }
    }

    /// The same over TLS, for a router that does not ask about connections.
    fn serve_over_tls(self, router: Router, certificate: Certificate) -> Server {
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let listener = TlsListener::new(Prompt(self.socket), certificate);
            let _ = axum::serve(listener, router).with_graceful_shutdown(signal(stopped)).await;
        });
        Server { addr: self.addr, stop, task }
    }
}

/// Until the other end is dropped.
async fn signal(stopped: oneshot::Receiver<()>) {
    // An error means that the sender was dropped, which is a signal as well.
    let _ = stopped.await;
}

/// A server at work. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The origin, e.g. `http://127.0.0.1:9401`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops it, gives requests that are under way two seconds to end, and waits until the port is free.
    pub async fn shutdown(self) {
        drop(self.stop);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(GRACE, self.task).await.is_err() {
            abort.abort();
        }
    }
}
