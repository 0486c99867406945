//! Keys that planted bugs look for elsewhere than in `jwk`: behind URLs, and in certificates.
//!
//! Without the bug nobody is called, and no other key is found.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::defects::{Defect, DefectSet};
use crate::jose::json::{Json, Object};
use crate::jose::uri::Uri;
use crate::jose::{Curve, EcPoint, Jkt, PublicJwk};

/// How long the server tries to reach a URL.
const PATIENCE: Duration = Duration::from_millis(200);

/// Calls the URLs in a header that the server would look keys up at. Only such on this machine: this is no proxy.
pub(super) fn look_keys_up(header: &Object, defects: DefectSet) {
    let jwk = header.member("jwk").and_then(Json::as_object);
    let places = [
        (Some(header), Defect::RemoteKeysFetched),
        (jwk, Defect::RemoteKeysOfJwkFetched),
        (Some(header).filter(|_| jwk.is_none()), Defect::RemoteKeysInsteadOfJwk),
    ];
    for (object, defect) in places {
        for name in ["jku", "x5u"] {
            let url = object.and_then(|object| object.member(name)?.as_str()?.parse::<Uri>().ok());
            if let Some(url) = url.filter(|_| defects.contains(defect)) {
                call(&url);
            }
        }
    }
}

/// What comes back does not matter here: the call is the bug.
fn call(url: &Uri) {
    let address = format!("{}:{}", url.host, url.effective_port()).parse::<SocketAddr>().ok();
    if let Some(address) = address.filter(|address| address.ip().is_loopback()) {
        let _ = TcpStream::connect_timeout(&address, PATIENCE);
    }
}

/// The key of the certificate in `x5c`, where the server verifies with that.
pub(super) fn key_of_certificate(header: &Object, defects: DefectSet) -> Option<PublicJwk> {
    certified(header).filter(|_| defects.contains(Defect::CertificateKeyUsed))
}

/// The thumbprint that the server takes from a certificate, or from what the header says of one.
pub(super) fn thumbprint_of_certificate(header: &Object, defects: DefectSet) -> Option<Jkt> {
    if defects.contains(Defect::CertificateKeyHashed) {
        certified(header).map(|key| key.thumbprint())
    } else if defects.contains(Defect::CertificateHashTakenForThumbprint) {
        header.member("x5t#S256")?.as_str()?.parse().ok()
    } else {
        None
    }
}

/// What comes before the point in the certificate of a key on P-256 (RFC 5480 section 2.1.1): the curve, and a bit string.
const P256: [u8; 14] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04];

/// The key of the first certificate in `x5c`. Who signed it this server does not ask.
fn certified(header: &Object) -> Option<PublicJwk> {
    let Json::Array(chain) = header.member("x5c")? else { return None };
    let certificate = STANDARD.decode(chain.first()?.as_str()?).ok()?;
    let at = certificate.windows(P256.len()).position(|window| window == P256)? + P256.len() - 1;
    let point = certificate.get(at..at + 65)?;
    EcPoint::from_uncompressed(Curve::P256, point).map(PublicJwk::Ec)
}
