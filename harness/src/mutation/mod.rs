//! Named structural faults, and the making of a whole request from a step of a script.
//!
//! A fault that is a changed claim or header parameter is data ([`crate::proof::ProofEdits`]); what data can't say is a
//! mutation: one row in the table of its stage. YAML, schema, `dpop explain` and the fuzzer see it by itself.

mod carry;
mod describe;
mod draft;
mod mint;
mod respell;
mod sign;

use crate::jose::Alg;
use crate::proof::{Draft, EditError, ProofKey, Request, Signed};

pub use describe::describe;
pub use mint::{Minted, MintedProof, mint};

/// A named structural fault.
#[derive(Debug, Clone, Copy)]
pub struct Mutation {
    /// Its name in YAML.
    pub name: &'static str,
    /// What it does, as a phrase that fits behind "sent:".
    pub phrase: &'static str,
    stage: Stage,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Before signing; the key is the one in `jwk`.
    Draft(fn(&mut Draft, &ProofKey)),
    /// After signing; the key is the one in `jwk`.
    Sign(fn(&mut Signed, &ProofKey)),
    /// The same, for ES256 only: other keys or signatures don't have the form that it plays with.
    SignEs256(fn(&mut Signed, &ProofKey)),
    /// After signing: the signature's text in another spelling that a lenient decoder reads as the same bytes; none
    /// where this one has none of the kind.
    Respell(fn(&str) -> Option<String>),
    /// When the request is put together; the text is one more correct proof for the same request.
    Carry(fn(&mut Request, &str)),
}

impl Mutation {
    /// Whether it means something for a proof that `key` signs.
    fn applies_to(&self, key: &ProofKey) -> bool {
        !matches!(self.stage, Stage::SignEs256(_)) || key.alg() == Alg::Es256
    }

    /// Applies it to a signed proof, if that is its stage; `key` is the one in `jwk`.
    fn spoil(&self, signed: &mut Signed, key: &ProofKey) -> Result<(), EditError> {
        match self.stage {
            Stage::Sign(apply) | Stage::SignEs256(apply) => apply(signed, key),
            Stage::Respell(respelled) if !signed.respell_signature(respelled) => {
                return Err(EditError::NoOtherSpelling(self.name));
            }
            Stage::Draft(_) | Stage::Respell(_) | Stage::Carry(_) => {}
        }
        Ok(())
    }

    /// Whether it can be applied to a proof that was signed and sent before.
    pub fn applies_to_resent(&self) -> bool {
        !matches!(self.stage, Stage::Draft(_))
    }
}

/// Every mutation, in the order of the stages.
pub fn catalogue() -> impl Iterator<Item = &'static Mutation> {
    draft::MUTATIONS.iter().chain(sign::MUTATIONS).chain(respell::MUTATIONS).chain(carry::MUTATIONS)
}

/// The mutation called `name`.
pub fn find(name: &str) -> Option<&'static Mutation> {
    catalogue().find(|mutation| mutation.name == name)
}

#[cfg(test)]
mod tests;
