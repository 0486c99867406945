//! TLS for the issuer (RFC 8414 section 2: the issuer is an https URL): many servers trust no other.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connections::Prompt;

/// How long a client may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// A certificate that is shown, and its private key.
#[derive(Clone)]
pub struct Certificate(TlsAcceptor);

/// Why there is no [`Certificate`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file can't be read, or is no PEM.
    #[error("{0}: {1}")]
    File(String, String),
    /// The certificate file has none.
    #[error("{0}: there is no certificate in it")]
    Empty(String),
    /// The two don't fit together.
    #[error("the certificate and the key: {0}")]
    Pair(#[from] rustls::Error),
}

impl Certificate {
    /// Reads PEM files: the certificate itself, followed by those that vouch for it, and its private key.
    ///
    /// # Errors
    /// Where there is nothing of that in them.
    pub fn open(certificates: &Path, key: &Path) -> Result<Self, CertificateError> {
        let wrong = |path: &Path, error: rustls::pki_types::pem::Error| {
            CertificateError::File(path.display().to_string(), error.to_string())
        };
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(certificates, error))?;
        if chain.is_empty() {
            return Err(CertificateError::Empty(certificates.display().to_string()));
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

/// A listener whose connections have made their handshakes: one that is slow keeps nobody waiting.
pub(super) struct TlsListener {
    socket: Prompt,
    certificate: Certificate,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    pub(super) fn new(socket: Prompt, certificate: Certificate) -> Self {
        Self { socket, certificate, handshakes: JoinSet::new() }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            tokio::select! {
                (stream, peer) = self.socket.accept() => {
                    let acceptor = self.certificate.0.clone();
                    self.handshakes.spawn(async move {
                        let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
                        handshake.await.ok()?.ok().map(|stream| (stream, peer))
                    });
                }
                Some(done) = self.handshakes.join_next() => {
                    // Whoever does not trust the certificate has gone.
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}
