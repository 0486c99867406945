use super::{Mutation, Stage};
use crate::proof::{Field, Request};

pub(super) const MUTATIONS: &[Mutation] = &[Mutation {
    name: "two-proofs",
    phrase: "two DPoP header fields, each with a correct proof",
    stage: Stage::Carry(two_proofs),
}];

fn two_proofs(request: &mut Request, another: &str) {
    request.fields.push(Field::new("DPoP", another));
}
