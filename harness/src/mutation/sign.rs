use aws_lc_rs::hmac;
use p256::ecdsa::Signature;

use super::{Mutation, Stage};
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

fn zero_signature(signed: &mut Signed) {
    signed.set_signature(&[0; 64]);
}

fn der_signature(signed: &mut Signed) {
    if let Ok(signature) = Signature::from_slice(&signed.signature()) {
        signed.set_signature(signature.to_der().as_bytes());
    }
}

/// For every signature `(r, s)` the pair `(r, n - s)` verifies too: nobody needs the key to make it.
fn twin_signature(signed: &mut Signed) {
    if let Ok(signature) = Signature::from_slice(&signed.signature()) {
        let (r, s) = signature.split_scalars();
        if let Ok(twin) = Signature::from_scalars(r.to_bytes(), (-s).to_bytes()) {
            signed.set_signature(&twin.to_bytes());
        }
    }
}

fn hmac_public_key(signed: &mut Signed, key: &ProofKey) {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public().to_json().to_text().as_bytes());
    let code = hmac::sign(&secret, signed.signing_input().as_bytes());
    signed.set_signature(code.as_ref());
}

fn two_segments(signed: &mut Signed, _: &ProofKey) {
    signed.drop_signature_segment();
}
