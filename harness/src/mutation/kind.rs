//! Keys that are not what they say they are: another curve, another purpose, numbers in another form.

use super::members::{with_coordinate, with_jwk};
use super::{Mutation, Stage};
use crate::jose::json::{Json, Object};
use crate::jose::{Alg, PublicJwk, base64url};
use crate::proof::{Draft, ProofKey};

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "p384-label",
        phrase: "jwk with crv P-384 and the coordinates of a point on P-256",
        stage: Stage::DraftEs256(|draft, _| label(draft, "P-384")),
    },
    Mutation {
        name: "p192-label",
        phrase: "jwk with crv P-192 and the coordinates of a point on P-256",
        stage: Stage::DraftEs256(|draft, _| label(draft, "P-192")),
    },
    Mutation {
        name: "secp256k1-label",
        phrase: "jwk with crv secp256k1 and the coordinates of a point on P-256",
        stage: Stage::DraftEs256(|draft, _| label(draft, "secp256k1")),
    },
    Mutation {
        name: "x25519-label",
        phrase: "jwk with crv X25519, which is for key agreement, and an Ed25519 key",
        stage: Stage::Draft(|draft, key| of_ed25519(draft, key, |jwk| jwk.set("crv", "X25519"))),
    },
    Mutation {
        name: "ed448-label",
        phrase: "jwk with crv Ed448 and an Ed25519 key",
        stage: Stage::Draft(|draft, key| of_ed25519(draft, key, |jwk| jwk.set("crv", "Ed448"))),
    },
    Mutation {
        name: "no-crv",
        phrase: "jwk with an Ed25519 key and without crv",
        stage: Stage::Draft(|draft, key| {
            of_ed25519(draft, key, |jwk| {
                jwk.remove("crv");
            });
        }),
    },
    Mutation {
        name: "small-order-jwk",
        phrase: "jwk with the neutral point of Ed25519, for which anybody can sign",
        stage: Stage::Draft(|draft, key| {
            of_ed25519(draft, key, |jwk| jwk.set("x", base64url::encode(NEUTRAL_POINT)));
        }),
    },
    Mutation {
        name: "encryption-use",
        phrase: "jwk with use enc",
        stage: Stage::Draft(|draft, _| with_jwk(draft, |jwk| jwk.append("use", "enc"))),
    },
    Mutation {
        name: "encryption-key-ops",
        phrase: "jwk with key_ops encrypt",
        stage: Stage::Draft(|draft, _| {
            with_jwk(draft, |jwk| jwk.append("key_ops", Json::Array(vec![Json::from("encrypt")])));
        }),
    },
    Mutation {
        name: "foreign-alg",
        phrase: "jwk with the alg of another kind of key",
        stage: Stage::Draft(|draft, key| {
            let other = if key.alg() == Alg::Es256 { Alg::Rs256 } else { Alg::Es256 };
            with_jwk(draft, |jwk| jwk.append("alg", other.name()));
        }),
    },
    Mutation {
        name: "zero-before-x",
        phrase: "jwk with a zero octet before x, 33 octets in all",
        stage: Stage::DraftEs256(|draft, key| {
            with_coordinate(draft, key, "x", |bytes| bytes.insert(0, 0));
        }),
    },
    Mutation {
        name: "short-x",
        phrase: "jwk without the zero octet that x begins with",
        stage: Stage::Draft(|draft, _| {
            with_jwk(draft, |jwk| {
                let x = jwk.member("x").and_then(Json::as_str).and_then(base64url::decode);
                if let Some([0, rest @ ..]) = x.as_deref() {
                    jwk.set("x", base64url::encode(rest));
                }
            });
        }),
    },
    Mutation {
        name: "padded-x",
        phrase: "jwk with padding behind x",
        stage: Stage::DraftEs256(|draft, _| {
            with_jwk(draft, |jwk| {
                if let Some(x) = jwk.member("x").and_then(Json::as_str).map(|x| format!("{x}=")) {
                    jwk.set("x", x);
                }
            });
        }),
    },
    Mutation {
        name: "zero-before-n",
        phrase: "jwk with a zero octet before the modulus",
        stage: Stage::Draft(|draft, key| zero_before(draft, key, "n")),
    },
    Mutation {
        name: "zero-before-e",
        phrase: "jwk with a zero octet before the exponent",
        stage: Stage::Draft(|draft, key| zero_before(draft, key, "e")),
    },
];

/// The encoding of the neutral point of Ed25519: y is 1 (RFC 8032 section 5.1.2).
pub(super) const NEUTRAL_POINT: [u8; 32] =
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn label(draft: &mut Draft, crv: &str) {
    with_jwk(draft, |jwk| jwk.set("crv", crv));
}

fn of_ed25519(draft: &mut Draft, key: &ProofKey, change: impl FnOnce(&mut Object)) {
    if let PublicJwk::Ed25519(_) = key.public() {
        with_jwk(draft, change);
    }
}

fn zero_before(draft: &mut Draft, key: &ProofKey, name: &str) {
    if let PublicJwk::Rsa(rsa) = key.public() {
        let number = if name == "n" { rsa.n() } else { rsa.e() };
        with_jwk(draft, |jwk| jwk.set(name, base64url::encode([&[0], number].concat())));
    }
}
