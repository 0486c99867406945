//! Message authentication codes in the place of a signature: their keys are no secret.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::members::with_jwk;
use super::{Mutation, Stage};
use crate::jose::json::{self, Json, Object};
use crate::jose::{PublicJwk, base64url};
use crate::proof::{ProofKey, Signed};

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "oct-jwk",
        phrase: "jwk with kty oct and k, a symmetric key that everybody reads",
        stage: Stage::Draft(|draft, _| {
            let oct = [("k", Json::from(base64url::encode(K))), ("kty", Json::from("oct"))];
            draft.header.set("jwk", Object::from(oct));
        }),
    },
    Mutation {
        name: "k-in-jwk",
        phrase: "jwk with a member k beside those of the public key",
        stage: Stage::Draft(|draft, _| with_jwk(draft, |jwk| jwk.append("k", base64url::encode(K)))),
    },
    Mutation {
        name: "hmac-k",
        phrase: "an HMAC keyed with the k in jwk",
        stage: Stage::Sign(|signed, _| key_with(signed, &K)),
    },
    Mutation {
        name: "hmac-public-key",
        phrase: "an HMAC keyed with the text of the public JWK",
        stage: Stage::Sign(|signed, key| key_with(signed, key.public().to_json().to_text().as_bytes())),
    },
    Mutation {
        name: "hmac-sent-jwk",
        phrase: "an HMAC keyed with the text of jwk as it is sent",
        stage: Stage::Sign(hmac_sent_jwk),
    },
    Mutation {
        name: "hmac-public-pem",
        phrase: "an HMAC keyed with the public key as PEM",
        stage: Stage::SignEs256(|signed, key| key_with(signed, format!("{}\n", pem(key)).as_bytes())),
    },
    Mutation {
        name: "hmac-public-pem-bare",
        phrase: "an HMAC keyed with the public key as PEM without a newline at its end",
        stage: Stage::SignEs256(|signed, key| key_with(signed, pem(key).as_bytes())),
    },
    Mutation {
        name: "hmac-public-der",
        phrase: "an HMAC keyed with the public key as DER",
        stage: Stage::SignEs256(|signed, key| key_with(signed, &subject_public_key_info(key))),
    },
    Mutation {
        name: "hmac-public-x",
        phrase: "an HMAC keyed with the x coordinate of the public key",
        stage: Stage::SignEs256(|signed, key| {
            if let PublicJwk::Ec(point) = key.public() {
                key_with(signed, point.x());
            }
        }),
    },
    Mutation {
        name: "hmac-public-coordinates",
        phrase: "an HMAC keyed with both coordinates of the public key",
        stage: Stage::SignEs256(|signed, key| {
            if let PublicJwk::Ec(point) = key.public() {
                key_with(signed, &[point.x(), point.y()].concat());
            }
        }),
    },
];

/// A symmetric key.
const K: [u8; 32] = [0x5a; 32];

fn hmac_sent_jwk(signed: &mut Signed, _: &ProofKey) {
    let header = json::read(signed.header_text().as_bytes()).ok();
    let jwk = header.as_ref().and_then(|header| header.as_object()?.member("jwk"));
    if let Some(jwk) = jwk {
        key_with(signed, jwk.to_text().as_bytes());
    }
}

/// Puts the code that `alg` asks for (RFC 7518 section 3.2) into the place of the signature; of 256 bits where `alg` is
/// about something else.
fn key_with(signed: &mut Signed, secret: &[u8]) {
    let header = json::read(signed.header_text().as_bytes()).ok();
    let alg = header.as_ref().and_then(|header| header.as_object()?.member("alg")?.as_str());
    let hash = match alg {
        Some("HS384") => hmac::HMAC_SHA384,
        Some("HS512") => hmac::HMAC_SHA512,
        Some(_) | None => hmac::HMAC_SHA256,
    };
    let code = hmac::sign(&hmac::Key::new(hash, secret), signed.signing_input().as_bytes());
    signed.set_signature(code.as_ref());
}

/// What stands before the point in the SubjectPublicKeyInfo (RFC 5480 section 2) of a key on P-256.
const P256_PUBLIC_KEY_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The public key as libraries export it. Mutations of [`Stage::SignEs256`] only see keys on P-256.
pub(super) fn subject_public_key_info(key: &ProofKey) -> Vec<u8> {
    match key.public() {
        PublicJwk::Ec(point) => [&P256_PUBLIC_KEY_HEAD[..], &point.to_uncompressed()].concat(),
        PublicJwk::Rsa(_) | PublicJwk::Ed25519(_) => Vec::new(),
    }
}

/// The public key as PEM (RFC 7468), without a newline behind its last line.
fn pem(key: &ProofKey) -> String {
    let base64 = STANDARD.encode(subject_public_key_info(key));
    let (first, second) = base64.split_at(64);
    format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----")
}
