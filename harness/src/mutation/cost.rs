//! Proofs that cost their sender nothing, and a careless server much.

use super::members::with_jwk;
use super::{Mutation, Stage};
use crate::jose::json::Json;

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "many-parameters",
        phrase: "100 unknown header parameters",
        stage: Stage::Draft(|draft, _| {
            (0..100).for_each(|number| draft.header.append(&format!("example{number}"), number));
        }),
    },
    Mutation {
        name: "many-claims",
        phrase: "1000 unknown claims",
        stage: Stage::Draft(|draft, _| {
            (0..1000).for_each(|number| draft.claims.append(&format!("x{number}"), 0));
        }),
    },
    Mutation {
        name: "deep-claim",
        phrase: "a claim that is 1000 arrays, each in the one before",
        stage: Stage::Draft(|draft, _| {
            let deep = (0..1000).fold(Json::Null, |inner, _| Json::Array(vec![inner]));
            draft.claims.append("example", deep);
        }),
    },
    Mutation {
        name: "large-jwk",
        phrase: "jwk with an unknown member of 20,000 characters",
        stage: Stage::Draft(|draft, _| with_jwk(draft, |jwk| jwk.append("example", "x".repeat(20_000)))),
    },
];
