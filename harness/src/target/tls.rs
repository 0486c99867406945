//! TLS towards a target: whose certificates are trusted, and how HTTP/2 is chosen (RFC 7301).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::answer::NoAnswer;
use super::connection::Stream;
use crate::proof::HttpVersion;

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Authorities {
    /// Those that the operating system trusts.
    #[default]
    System,
    /// Those in this PEM file, and no others.
    File(PathBuf),
    /// Anybody's: nothing is known of who answers.
    Anybody,
}

/// Ready for handshakes.
pub(super) struct Tls {
    http1: TlsConnector,
    http2: TlsConnector,
}

impl Tls {
    /// Reads the certificates.
    pub(super) fn new(authorities: &Authorities) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = match ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
        {
            Ok(builder) => builder,
            Err(error) => unreachable!("aws-lc has the default TLS versions: {error}"),
        };
        let config = match authorities {
            Authorities::System => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                builder.with_root_certificates(roots).with_no_client_auth()
            }
            Authorities::File(path) => {
                builder.with_root_certificates(certificates(path)?).with_no_client_auth()
            }
            Authorities::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
                .with_no_client_auth(),
        };
        let offering = |protocol: &[u8]| {
            let mut config = config.clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Ok(Self { http1: offering(b"http/1.1"), http2: offering(b"h2") })
    }

    /// Makes a handshake in which `http` is the only protocol that is offered.
    pub(super) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
        http: HttpVersion,
    ) -> Result<Stream, NoAnswer> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| NoAnswer::Unreachable(error.to_string()))?;
        let connector = match http {
            HttpVersion::Http1 => &self.http1,
            HttpVersion::Http2 => &self.http2,
        };
        let stream = connector.connect(name, stream).await.map_err(|error| fact(&error, http))?;
        let chosen = stream.get_ref().1.alpn_protocol();
        if http == HttpVersion::Http2 && chosen != Some(b"h2") {
            return Err(NoAnswer::NotHttp2("it was not chosen in the TLS handshake (ALPN)".to_owned()));
        }
        Ok(Box::new(stream))
    }
}

/// What a failed handshake says about the server.
fn fact(error: &io::Error, http: HttpVersion) -> NoAnswer {
    use rustls::CertificateError::{Other, UnknownIssuer};
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        // A self-signed certificate is an issuer that nobody trusts, too.
        Some(rustls::Error::InvalidCertificate(UnknownIssuer | Other(_))) => {
            NoAnswer::Untrusted(error.to_string())
        }
        Some(rustls::Error::InvalidCertificate(_)) => NoAnswer::BadCertificate(error.to_string()),
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol))
            if http == HttpVersion::Http2 =>
        {
            NoAnswer::NotHttp2("it was refused in the TLS handshake (ALPN)".to_owned())
        }
        Some(_) => NoAnswer::NoTls(error.to_string()),
        None => NoAnswer::Closed,
    }
}

fn certificates(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(roots) }
}

/// Takes every certificate; only the handshake itself has to be sound.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
