//! Members of header, key and claims that no JSON object of a correct proof has: repeated, hidden, out of range.

use super::{Mutation, Stage};
use crate::jose::json::{Json, Object};
use crate::jose::{PublicJwk, base64url};
use crate::proof::{Draft, ProofKey};

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "duplicate-typ",
        phrase: "two typ parameters, the right one first and \"JWT\" behind it",
        stage: Stage::Draft(|draft, _| draft.header.append("typ", "JWT")),
    },
    Mutation {
        name: "none-before-alg",
        phrase: "two alg parameters, \"none\" first and the right one behind it",
        stage: Stage::Draft(|draft, _| draft.header.prepend("alg", "none")),
    },
    Mutation {
        name: "none-behind-alg",
        phrase: "two alg parameters, the right one first and \"none\" behind it",
        stage: Stage::Draft(|draft, _| draft.header.append("alg", "none")),
    },
    Mutation {
        name: "signer-behind-jwk",
        phrase: "two jwk parameters, the right one first and the signer's behind it",
        stage: Stage::DraftBySigner(|draft, _, signer| draft.header.append("jwk", signer.public().to_json())),
    },
    Mutation {
        name: "signer-before-jwk",
        phrase: "two jwk parameters, the signer's first and the right one behind it",
        stage: Stage::DraftBySigner(|draft, _, signer| {
            draft.header.prepend("jwk", signer.public().to_json())
        }),
    },
    Mutation {
        name: "signer-behind-x",
        phrase: "a jwk with each coordinate twice, the right ones first and the signer's behind them",
        stage: Stage::DraftBySigner(|draft, _, signer| {
            with_jwk(draft, |jwk| coordinates(signer).for_each(|(name, value)| jwk.append(&name, value)));
        }),
    },
    Mutation {
        name: "signer-before-x",
        phrase: "a jwk with each coordinate twice, the signer's first and the right ones behind them",
        stage: Stage::DraftBySigner(|draft, _, signer| {
            with_jwk(draft, |jwk| coordinates(signer).for_each(|(name, value)| jwk.prepend(&name, value)));
        }),
    },
    Mutation {
        name: "duplicate-htu",
        phrase: "two htu claims, the right one first and another one behind it",
        stage: Stage::Draft(|draft, _| draft.claims.append("htu", "https://other.example/")),
    },
    Mutation {
        name: "duplicate-iat",
        phrase: "two iat claims, the right one first and one of 1970 behind it",
        stage: Stage::Draft(|draft, _| draft.claims.append("iat", 1)),
    },
    Mutation {
        name: "duplicate-ath",
        phrase: "two ath claims, the right one first and another one behind it",
        stage: Stage::Draft(|draft, _| draft.claims.append("ath", base64url::encode([0; 32]))),
    },
    Mutation {
        name: "claims-of-prototype",
        phrase: "htm, htu and ath only within a claim called __proto__",
        stage: Stage::Draft(|draft, _| into_prototype(&mut draft.claims, &["htm", "htu", "ath"])),
    },
    Mutation {
        name: "parameters-of-prototype",
        phrase: "typ and jwk only within a header parameter called __proto__",
        stage: Stage::Draft(|draft, _| into_prototype(&mut draft.header, &["typ", "jwk"])),
    },
    Mutation {
        name: "private-primes",
        phrase: "jwk with the private members p, q, dp, dq and qi, but not d",
        stage: Stage::Draft(private_primes),
    },
    Mutation {
        name: "off-curve-y",
        phrase: "jwk with another y, so that the point is not on the curve",
        stage: Stage::DraftEs256(|draft, key| {
            with_coordinate(draft, key, "y", |bytes| {
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
            });
        }),
    },
    Mutation {
        name: "huge-x",
        phrase: "jwk with an x of 32 octets 255, more than the curve's field has",
        stage: Stage::DraftEs256(|draft, key| with_coordinate(draft, key, "x", |bytes| bytes.fill(0xff))),
    },
    Mutation {
        name: "zero-point",
        phrase: "jwk with x = 0 and y = 0, which some libraries take for the point at infinity",
        stage: Stage::DraftEs256(|draft, key| {
            with_coordinate(draft, key, "x", |bytes| bytes.fill(0));
            with_coordinate(draft, key, "y", |bytes| bytes.fill(0));
        }),
    },
    Mutation {
        name: "nan-iat",
        phrase: "iat NaN, which is not JSON",
        stage: Stage::Draft(|draft, _| draft.claims.set("iat", number("NaN"))),
    },
    Mutation {
        name: "infinite-iat",
        phrase: "iat Infinity, which is not JSON",
        stage: Stage::Draft(|draft, _| draft.claims.set("iat", number("Infinity"))),
    },
    Mutation {
        name: "overflowing-iat",
        phrase: "iat 1e400, more than a double holds",
        stage: Stage::Draft(|draft, _| draft.claims.set("iat", number("1e400"))),
    },
    Mutation {
        name: "negative-overflowing-iat",
        phrase: "iat -1e400, less than a double holds",
        stage: Stage::Draft(|draft, _| draft.claims.set("iat", number("-1e400"))),
    },
    Mutation {
        name: "long-iat",
        phrase: "iat with 400 digits",
        stage: Stage::Draft(|draft, _| draft.claims.set("iat", number(&"9".repeat(400)))),
    },
    Mutation {
        name: "wrapping-iat",
        phrase: "iat now and 2^64 seconds, which 64 bits hold as now",
        stage: Stage::Draft(|draft, _| {
            let now = draft.claims.member("iat").and_then(Json::as_i64).unwrap_or_default();
            draft.claims.set("iat", number(&((1_i128 << 64) + i128::from(now)).to_string()));
        }),
    },
    Mutation {
        name: "milliseconds-iat",
        phrase: "iat in milliseconds",
        stage: Stage::Draft(|draft, _| with_iat(draft, |digits| format!("{digits}000"))),
    },
    Mutation {
        name: "exponent-iat",
        phrase: "iat with an exponent, the right number in another form",
        stage: Stage::Draft(|draft, _| with_iat(draft, |digits| format!("{digits}.0e0"))),
    },
];

pub(super) fn with_jwk(draft: &mut Draft, change: impl FnOnce(&mut Object)) {
    if let Some(mut jwk) = draft.header.member("jwk").and_then(Json::as_object).cloned() {
        change(&mut jwk);
        draft.header.set("jwk", jwk);
    }
}

/// What makes a public key this key: every member but its kind.
fn coordinates(key: &ProofKey) -> impl Iterator<Item = (String, Json)> {
    let members = key.public().to_json().members().to_vec();
    members.into_iter().filter(|(name, _)| ["x", "y", "n"].contains(&name.as_str()))
}

fn into_prototype(object: &mut Object, names: &[&str]) {
    let mut prototype = Object::new();
    for name in names {
        if let Some(value) = object.member(name).cloned() {
            object.remove(name);
            prototype.append(name, value);
        }
    }
    object.append("__proto__", prototype);
}

fn private_primes(draft: &mut Draft, key: &ProofKey) {
    let private = key.to_private_jwk();
    with_jwk(draft, |jwk| {
        for name in ["p", "q", "dp", "dq", "qi"] {
            private.member(name).into_iter().for_each(|value| jwk.append(name, value.clone()));
        }
    });
}

/// Changes a coordinate of a key on a curve; those of other keys stay.
pub(super) fn with_coordinate(
    draft: &mut Draft,
    key: &ProofKey,
    name: &str,
    change: impl FnOnce(&mut Vec<u8>),
) {
    let PublicJwk::Ec(point) = key.public() else { return };
    let mut bytes = if name == "x" { point.x() } else { point.y() }.to_vec();
    change(&mut bytes);
    with_jwk(draft, |jwk| jwk.set(name, base64url::encode(bytes)));
}

/// A number by its spelling.
fn number(text: &str) -> Json {
    Json::Number(text.to_owned())
}

fn with_iat(draft: &mut Draft, spelled: impl FnOnce(&str) -> String) {
    if let Some(Json::Number(digits)) = draft.claims.member("iat") {
        let other = spelled(digits);
        draft.claims.set("iat", number(&other));
    }
}
