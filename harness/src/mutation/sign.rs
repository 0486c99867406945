use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::Signature;

use super::{Mutation, Stage};
use crate::jose::PublicJwk;
use crate::proof::{ProofKey, Signed};

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "flipped-signature",
        phrase: "one bit of the signature flipped",
        stage: Stage::Sign(flipped_signature),
    },
    Mutation { name: "empty-signature", phrase: "an empty signature", stage: Stage::Sign(empty_signature) },
    Mutation {
        name: "zero-signature",
        phrase: "a signature with r = 0 and s = 0",
        stage: Stage::SignEs256(zero_signature),
    },
    Mutation {
        name: "der-signature",
        phrase: "the right signature in ASN.1 DER instead of r || s",
        stage: Stage::SignEs256(der_signature),
    },
    Mutation {
        name: "twin-signature",
        phrase: "the signature's twin (r, n - s), valid for the same content",
        stage: Stage::SignEs256(twin_signature),
    },
    Mutation {
        name: "hmac-public-key",
        phrase: "an HMAC keyed with the text of the public JWK",
        stage: Stage::Sign(hmac_public_key),
    },
    Mutation {
        name: "hmac-public-pem",
        phrase: "an HMAC keyed with the public key as PEM",
        stage: Stage::SignEs256(hmac_public_pem),
    },
    Mutation {
        name: "hmac-public-der",
        phrase: "an HMAC keyed with the public key as DER",
        stage: Stage::SignEs256(hmac_public_der),
    },
    Mutation {
        name: "hmac-public-x",
        phrase: "an HMAC keyed with the x coordinate of the public key",
        stage: Stage::SignEs256(hmac_public_x),
    },
    Mutation {
        name: "two-segments",
        phrase: "the signature's segment and its dot left out",
        stage: Stage::Sign(two_segments),
    },
];

fn flipped_signature(signed: &mut Signed, _: &ProofKey) {
    let mut signature = signed.signature();
    if let Some(byte) = signature.last_mut() {
        *byte ^= 1;
    }
    signed.set_signature(&signature);
}

fn empty_signature(signed: &mut Signed, _: &ProofKey) {
    signed.set_signature(&[]);
}

fn zero_signature(signed: &mut Signed, _: &ProofKey) {
    signed.set_signature(&[0; 64]);
}

fn der_signature(signed: &mut Signed, _: &ProofKey) {
    if let Ok(signature) = Signature::from_slice(&signed.signature()) {
        signed.set_signature(signature.to_der().as_bytes());
    }
}

/// For every signature `(r, s)` the pair `(r, n - s)` verifies too: nobody needs the key to make it.
fn twin_signature(signed: &mut Signed, _: &ProofKey) {
    if let Ok(signature) = Signature::from_slice(&signed.signature()) {
        let (r, s) = signature.split_scalars();
        if let Ok(twin) = Signature::from_scalars(r.to_bytes(), (-s).to_bytes()) {
            signed.set_signature(&twin.to_bytes());
        }
    }
}

fn hmac_public_key(signed: &mut Signed, key: &ProofKey) {
    hmac_keyed_with(signed, key.public().to_json().to_text().as_bytes());
}

fn hmac_public_pem(signed: &mut Signed, key: &ProofKey) {
    let base64 = STANDARD.encode(subject_public_key_info(key));
    let (first, second) = base64.split_at(64);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
    hmac_keyed_with(signed, pem.as_bytes());
}

fn hmac_public_der(signed: &mut Signed, key: &ProofKey) {
    hmac_keyed_with(signed, &subject_public_key_info(key));
}

fn hmac_public_x(signed: &mut Signed, key: &ProofKey) {
    let PublicJwk::Ec(point) = key.public() else { return };
    hmac_keyed_with(signed, point.x());
}

fn hmac_keyed_with(signed: &mut Signed, secret: &[u8]) {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let code = hmac::sign(&secret, signed.signing_input().as_bytes());
    signed.set_signature(code.as_ref());
}

/// What stands before the point in the SubjectPublicKeyInfo (RFC 5480 section 2) of a key on P-256.
const P256_PUBLIC_KEY_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The public key as libraries export it. Mutations of [`Stage::SignEs256`] only see keys on P-256.
fn subject_public_key_info(key: &ProofKey) -> Vec<u8> {
    match key.public() {
        PublicJwk::Ec(point) => [&P256_PUBLIC_KEY_HEAD[..], &point.to_uncompressed()].concat(),
        PublicJwk::Rsa(_) | PublicJwk::Ed25519(_) => Vec::new(),
    }
}

fn two_segments(signed: &mut Signed, _: &ProofKey) {
    signed.drop_signature_segment();
}
