//! Keys in other places than `jwk`: certificates in the header (RFC 7515 section 4.1.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::Signature;

use super::mac::subject_public_key_info;
use super::{Mutation, Stage};
use crate::jose::json::Json;
use crate::proof::{Draft, ProofKey};

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "x5c-of-signer",
        phrase: "x5c with a certificate of the key that signed, by that key itself",
        stage: Stage::DraftBySignerEs256(|draft, _, signer| put_certificate(draft, signer, signer)),
    },
    Mutation {
        name: "x5c-of-bound-key",
        phrase: "jwk is the key that signed, x5c has a certificate of the bound key",
        stage: Stage::DraftBySignerEs256(|draft, key, signer| {
            draft.header.set("jwk", signer.public().to_json());
            put_certificate(draft, key, signer);
        }),
    },
];

fn put_certificate(draft: &mut Draft, of: &ProofKey, by: &ProofKey) {
    let certificate = certificate(of, by);
    draft.header.set("x5c", Json::Array(vec![Json::from(STANDARD.encode(certificate))]));
}

/// The algorithm ECDSA with SHA-256 (RFC 5758 section 3.2).
const ECDSA_WITH_SHA256: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// A certificate (RFC 5280 section 4.1) for the key `of`, signed with `by`, both on P-256; good from 2000 to 2049.
fn certificate(of: &ProofKey, by: &ProofKey) -> Vec<u8> {
    let common_name = [&[0x06, 0x03, 0x55, 0x04, 0x03][..], &der(0x0c, &[b"dpop-harness"])].concat();
    let name = der(0x30, &[&der(0x31, &[&der(0x30, &[&common_name])])]);
    let validity = der(0x30, &[&der(0x17, &[b"000101000000Z"]), &der(0x17, &[b"491231235959Z"])]);
    let version = der(0xa0, &[&der(0x02, &[&[2]])]);
    let serial = der(0x02, &[&[1]]);
    let key = subject_public_key_info(of);
    let to_sign = der(0x30, &[&version, &serial, &ECDSA_WITH_SHA256, &name, &validity, &name, &key]);
    let signature = Signature::from_slice(&by.sign(&to_sign)).map(|signature| signature.to_der());
    let signature = signature.map(|signature| signature.as_bytes().to_vec()).unwrap_or_default();
    der(0x30, &[&to_sign, &ECDSA_WITH_SHA256, &der(0x03, &[&[0], &signature])])
}

/// A value in DER, of less than 64 KiB.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [.., high, low] = content.len().to_be_bytes();
    let head = match content.len() {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    /// A library takes it for the certificate that it is to be: one that signed itself.
    #[test]
    fn a_library_reads_it() {
        let key = ProofKey::generate(&SystemEntropy);
        let certificate = rustls::pki_types::CertificateDer::from(certificate(&key, &key));
        let mut roots = rustls::RootCertStore::empty();
        assert_eq!(roots.add(certificate), Ok(()));
    }
}
