use std::ops::Range;

use aws_lc_rs::digest::{SHA256, digest};
use p256::ecdsa::Signature;

use super::kind::NEUTRAL_POINT;
use super::text::with_a_space;
use super::{Mutation, Stage};
use crate::jose::PublicJwk;
use crate::jose::json::{Json, Object};
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
        name: "all-zero-signature",
        phrase: "a signature of the right length, all zero",
        stage: Stage::Sign(all_zero_signature),
    },
    Mutation {
        name: "order-signature",
        phrase: "a signature with r = n and s = n, which are 0 modulo n",
        stage: Stage::SignEs256(order_signature),
    },
    Mutation {
        name: "r-zero-signature",
        phrase: "the right signature with r = 0",
        stage: Stage::SignEs256(|signed, _| with_octets(signed, 0..32, 0)),
    },
    Mutation {
        name: "s-zero-signature",
        phrase: "the right signature with s = 0",
        stage: Stage::SignEs256(|signed, _| with_octets(signed, 32..64, 0)),
    },
    Mutation {
        name: "all-ones-signature",
        phrase: "a signature of 64 octets 255, r and s larger than n",
        stage: Stage::SignEs256(|signed, _| with_octets(signed, 0..64, 0xff)),
    },
    Mutation {
        name: "one-signature",
        phrase: "a signature of the right length that is the number 1",
        stage: Stage::Sign(one_signature),
    },
    Mutation {
        name: "modulus-signature",
        phrase: "the modulus itself as signature, which is 0 modulo the modulus",
        stage: Stage::Sign(modulus_signature),
    },
    Mutation {
        name: "neutral-signature",
        phrase: "a signature whose R is the neutral point and whose S is 0",
        stage: Stage::SignEdDsa(|signed, _| signed.set_signature(&[NEUTRAL_POINT, [0; 32]].concat())),
    },
    Mutation {
        name: "short-signature",
        phrase: "the right signature without its last octet, which is 0",
        stage: Stage::SignEs256(short_signature),
    },
    Mutation {
        name: "long-signature",
        phrase: "the right signature and a zero octet behind it",
        stage: Stage::Sign(long_signature),
    },
    Mutation {
        name: "signature-for-infinity",
        phrase: "a signature that anybody can make for the point at infinity",
        stage: Stage::SignEs256(signature_for_infinity),
    },
    Mutation {
        name: "signature-plus-order",
        phrase: "the right signature with the order of the group added to S, which is the same modulo the order",
        stage: Stage::SignEdDsa(signature_plus_order),
    },
    Mutation {
        name: "padded-signature-segment",
        phrase: "padding behind the signature's base64url",
        stage: Stage::Sign(|signed, _| signed.respell(2, |segment| format!("{segment}=="))),
    },
    Mutation {
        name: "spaced-signature",
        phrase: "a space in the middle of the signature's base64url",
        stage: Stage::Sign(|signed, _| signed.respell(2, with_a_space)),
    },
    Mutation {
        name: "two-segments",
        phrase: "the signature's segment and its dot left out",
        stage: Stage::Sign(two_segments),
    },
    Mutation {
        name: "one-segment",
        phrase: "the header and the signature left out, and the dots",
        stage: Stage::Sign(one_segment),
    },
    Mutation {
        name: "four-segments",
        phrase: "a fourth segment behind the signature",
        stage: Stage::Sign(|signed, _| with_more_segments(signed, 1)),
    },
    Mutation {
        name: "five-segments",
        phrase: "two more segments behind the signature, as many as an encrypted JWT has",
        stage: Stage::Sign(|signed, _| with_more_segments(signed, 2)),
    },
    Mutation {
        name: "json-serialisation",
        phrase: "the JWS in its flattened JSON serialisation",
        stage: Stage::Sign(json_serialisation),
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

fn all_zero_signature(signed: &mut Signed, _: &ProofKey) {
    let length = signed.signature().len();
    signed.set_signature(&vec![0; length]);
}

fn with_octets(signed: &mut Signed, range: Range<usize>, octet: u8) {
    let mut signature = signed.signature();
    if let Some(octets) = signature.get_mut(range) {
        octets.fill(octet);
    }
    signed.set_signature(&signature);
}

fn one_signature(signed: &mut Signed, _: &ProofKey) {
    let mut signature = vec![0; signed.signature().len()];
    if let Some(last) = signature.last_mut() {
        *last = 1;
    }
    signed.set_signature(&signature);
}

fn modulus_signature(signed: &mut Signed, key: &ProofKey) {
    if let PublicJwk::Rsa(rsa) = key.public() {
        signed.set_signature(rsa.n());
    }
}

/// The order of the group on P-256 (FIPS 186-4 appendix D.1.2.3).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn order_signature(signed: &mut Signed, _: &ProofKey) {
    signed.set_signature(&[P256_ORDER, P256_ORDER].concat());
}

/// Signs until the last octet is zero: one signature of 256 has it.
fn short_signature(signed: &mut Signed, key: &ProofKey) {
    let input = signed.signing_input();
    let mut signature = key.sign(input.as_bytes());
    while signature.last().is_some_and(|last| *last != 0) {
        signature = key.sign(input.as_bytes());
    }
    signature.pop();
    signed.set_signature(&signature);
}

fn long_signature(signed: &mut Signed, _: &ProofKey) {
    signed.set_signature(&[signed.signature(), vec![0]].concat());
}

/// The x coordinate of the base point of P-256 (FIPS 186-4 appendix D.1.2.3).
const P256_BASE_X: [u8; 32] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77,
    0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
];

/// With infinity as the key, ECDSA finds the x coordinate of `(hash / s) G`. Where `s` is the hash, that is `G`'s.
fn signature_for_infinity(signed: &mut Signed, _: &ProofKey) {
    let hash = digest(&SHA256, signed.signing_input().as_bytes());
    signed.set_signature(&[&P256_BASE_X, hash.as_ref()].concat());
}

/// The order of the group of Ed25519, little-endian (RFC 8032 section 5.1).
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// RFC 8032 section 5.1.7 has S below the order; S is below 2^253, so the sum fits.
fn signature_plus_order(signed: &mut Signed, _: &ProofKey) {
    let mut signature = signed.signature();
    let mut carry = 0;
    for (octet, order) in signature.iter_mut().skip(32).zip(ED25519_ORDER) {
        let sum = u16::from(*octet) + u16::from(order) + carry;
        [*octet, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    signed.set_signature(&signature);
}

fn one_segment(signed: &mut Signed, _: &ProofKey) {
    if let [_, claims, ..] = signed.segments() {
        let claims = claims.clone();
        signed.write_as([claims]);
    }
}

fn with_more_segments(signed: &mut Signed, number: usize) {
    signed.respell(2, |signature| format!("{signature}{}", ".AAAA".repeat(number)));
}

/// RFC 7515 section 7.2.2.
fn json_serialisation(signed: &mut Signed, _: &ProofKey) {
    if let [header, claims, signature] = signed.segments() {
        let members = [("payload", claims), ("protected", header), ("signature", signature)];
        let object = Object::from(members.map(|(name, value)| (name, Json::from(value.as_str()))));
        signed.write_as([object.to_text()]);
    }
}

fn two_segments(signed: &mut Signed, _: &ProofKey) {
    signed.drop_signature_segment();
}
