//! Proofs of which one part was changed after signing: everything that is sent is right, and the signature is one of the
//! bound key, but not over this.

use super::{Mutation, Stage};
use crate::jose::base64url;
use crate::jose::json::{self, Json, Object};
use crate::proof::{ProofKey, Signed};

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "typ-after-signing",
        phrase: "typ changed after signing, from JWT to the right one",
        stage: Stage::Sign(|signed, key| sign_header(signed, key, |header| header.set("typ", "JWT"))),
    },
    Mutation {
        name: "parameter-after-signing",
        phrase: "an unknown header parameter put in after signing",
        stage: Stage::Sign(|signed, _| write_header(signed, |header| header.append("example", "1"))),
    },
    Mutation {
        name: "kid-after-signing",
        phrase: "kid put into jwk after signing",
        stage: Stage::Sign(|signed, _| {
            write_header(signed, |header| {
                if let Some(mut jwk) = header.member("jwk").and_then(Json::as_object).cloned() {
                    jwk.append("kid", "1");
                    header.set("jwk", jwk);
                }
            });
        }),
    },
    Mutation {
        name: "htm-after-signing",
        phrase: "htm changed after signing, from another method to the right one",
        stage: Stage::Sign(|signed, key| sign_claims(signed, key, |claims| claims.set("htm", "DELETE"))),
    },
    Mutation {
        name: "htu-after-signing",
        phrase: "htu changed after signing, from another URL to the right one",
        stage: Stage::Sign(|signed, key| {
            sign_claims(signed, key, |claims| claims.set("htu", "https://other.example/"));
        }),
    },
    Mutation {
        name: "ath-after-signing",
        phrase: "ath changed after signing, from that of another token to the right one",
        stage: Stage::Sign(|signed, key| {
            sign_claims(signed, key, |claims| claims.set("ath", base64url::encode([0; 32])));
        }),
    },
    Mutation {
        name: "iat-after-signing",
        phrase: "iat changed after signing, from 1970 to now",
        stage: Stage::Sign(|signed, key| sign_claims(signed, key, |claims| claims.set("iat", 1))),
    },
    Mutation {
        name: "jti-after-signing",
        phrase: "jti changed after signing, the signature left as it was",
        stage: Stage::Sign(|signed, _| {
            signed.rewrite_claims(|text| {
                changed(text, |claims| {
                    let jti = claims.member("jti").and_then(Json::as_str).unwrap_or_default();
                    let other = format!("{jti}-2");
                    claims.set("jti", other);
                })
            });
        }),
    },
];

/// Signs the proof as it was with another header.
fn sign_header(signed: &mut Signed, key: &ProofKey, before: impl FnOnce(&mut Object)) {
    let header = changed(signed.header_text(), before);
    if header != signed.header_text().as_bytes()
        && let [_, claims, ..] = signed.segments()
    {
        let input = format!("{}.{claims}", base64url::encode(header));
        signed.set_signature(&key.sign(input.as_bytes()));
    }
}

/// Signs the proof as it was with other claims.
fn sign_claims(signed: &mut Signed, key: &ProofKey, before: impl FnOnce(&mut Object)) {
    let claims = changed(signed.claims_text(), before);
    if claims != signed.claims_text().as_bytes()
        && let [header, ..] = signed.segments()
    {
        let input = format!("{header}.{}", base64url::encode(claims));
        signed.set_signature(&key.sign(input.as_bytes()));
    }
}

/// Writes another header, and leaves the signature as it is.
fn write_header(signed: &mut Signed, change: impl FnOnce(&mut Object)) {
    signed.rewrite_header(|text| changed(text, change));
}

/// The JSON text of an object with the change; what is no object stays as it is.
fn changed(text: &str, change: impl FnOnce(&mut Object)) -> Vec<u8> {
    match json::read(text.as_bytes()) {
        Ok(Json::Object(mut object)) => {
            change(&mut object);
            object.to_text().into_bytes()
        }
        Ok(_) | Err(_) => text.as_bytes().to_vec(),
    }
}
