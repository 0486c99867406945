use super::members::with_jwk;
use super::{Mutation, Stage};
use crate::jose::json::{Json, Object};
use crate::proof::{Draft, ProofKey};

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "duplicate-htm",
        phrase: "two htm claims, the right one first and a wrong one behind it",
        stage: Stage::Draft(duplicate_htm),
    },
    Mutation {
        name: "private-jwk",
        phrase: "jwk with the private member d of the signing key",
        stage: Stage::Draft(private_jwk),
    },
    Mutation {
        name: "jwk-set",
        phrase: "jwk is a JWK Set with the right key in it",
        stage: Stage::Draft(jwk_set),
    },
    Mutation {
        name: "extra-jwk-members",
        phrase: "jwk with kid, use and key_ops in front of the required members",
        stage: Stage::Draft(extra_jwk_members),
    },
    Mutation {
        name: "reversed-members",
        phrase: "header parameters, jwk members and claims in reverse order",
        stage: Stage::Draft(reversed_members),
    },
];

fn duplicate_htm(draft: &mut Draft, _: &ProofKey) {
    let wrong =
        if draft.claims.member("htm").and_then(Json::as_str) == Some("POST") { "GET" } else { "POST" };
    draft.claims.append("htm", wrong);
}

fn private_jwk(draft: &mut Draft, key: &ProofKey) {
    with_jwk(draft, |jwk| jwk.append("d", key.private_member()));
}

fn jwk_set(draft: &mut Draft, _: &ProofKey) {
    if let Some(jwk) = draft.header.member("jwk").cloned() {
        draft.header.set("jwk", Object::from([("keys", Json::Array(vec![jwk]))]));
    }
}

fn extra_jwk_members(draft: &mut Draft, _: &ProofKey) {
    with_jwk(draft, |jwk| {
        jwk.prepend("key_ops", Json::Array(vec![Json::from("verify")]));
        jwk.prepend("use", "sig");
        jwk.prepend("kid", "key-1");
    });
}

fn reversed_members(draft: &mut Draft, _: &ProofKey) {
    with_jwk(draft, Object::reverse);
    draft.header.reverse();
    draft.claims.reverse();
}
