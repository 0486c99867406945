//! Named structural faults, and the making of a whole request from a step of a script.
//!
//! A fault that is a changed claim or header parameter is data ([`crate::proof::ProofEdits`]); what data can't say is a
//! mutation: one row in the table of its stage. YAML, schema, `dpop explain` and the fuzzer see it by itself.

mod carry;
mod certificate;
mod cost;
mod describe;
mod draft;
mod kind;
mod mac;
mod members;
mod mint;
mod odd_key;
mod respell;
mod rsa;
mod sign;
mod text;
mod unsigned;

use odd_key::OddKey;

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

/// A layer of a request with a proof, from the inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Members of the claims.
    Claims,
    /// The key.
    Jwk,
    /// The header, the JSON texts and the segments.
    Jose,
    /// The signature, and who makes it.
    Signature,
    /// The fields that carry proof and token.
    Wire,
}

impl Area {
    /// Every layer.
    pub const ALL: &[Self] = &[Self::Claims, Self::Jwk, Self::Jose, Self::Signature, Self::Wire];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Jwk => "jwk",
            Self::Jose => "jose",
            Self::Signature => "signature",
            Self::Wire => "wire",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Before signing; the key is the one in `jwk`.
    Draft(fn(&mut Draft, &ProofKey)),
    /// The same, for ES256 only: other keys don't have the members that it plays with.
    DraftEs256(fn(&mut Draft, &ProofKey)),
    /// Before signing; the first key is the one in `jwk`, the second one signs.
    DraftBySigner(fn(&mut Draft, &ProofKey, &ProofKey)),
    /// The same, for ES256 only.
    DraftBySignerEs256(fn(&mut Draft, &ProofKey, &ProofKey)),
    /// Before signing, and after: another key than a client's stands in `jwk`, with its `alg`, and signs.
    By(OddKey),
    /// When the JSON texts of a proof are written and encoded; it is signed again afterwards.
    Text(fn(&mut Signed)),
    /// After signing; the key is the one in `jwk`.
    Sign(fn(&mut Signed, &ProofKey)),
    /// The same, for ES256 only: other keys or signatures don't have the form that it plays with.
    SignEs256(fn(&mut Signed, &ProofKey)),
    /// The same, for EdDSA only.
    SignEdDsa(fn(&mut Signed, &ProofKey)),
    /// After signing: the signature's text in another spelling that a lenient decoder reads as the same bytes; none
    /// where this one has none of the kind.
    Respell(fn(&str) -> Option<String>),
    /// When the request is put together; the text is one more correct proof for the same request.
    Carry(fn(&mut Request, &str)),
}

impl Mutation {
    /// Whether it means something for a proof that `key` signs.
    fn applies_to(&self, key: &ProofKey) -> bool {
        match self.stage {
            Stage::DraftEs256(_) | Stage::DraftBySignerEs256(_) | Stage::SignEs256(_) => {
                key.alg() == Alg::Es256
            }
            Stage::SignEdDsa(_) => key.alg() == Alg::EdDsa,
            Stage::Draft(_)
            | Stage::DraftBySigner(_)
            | Stage::By(_)
            | Stage::Text(_)
            | Stage::Sign(_)
            | Stage::Respell(_)
            | Stage::Carry(_) => true,
        }
    }

    /// Applies it to a proof that is not yet written, if that is its stage.
    fn edit(&self, draft: &mut Draft, key: &ProofKey, signer: &ProofKey) {
        match self.stage {
            Stage::Draft(apply) | Stage::DraftEs256(apply) => apply(draft, key),
            Stage::DraftBySigner(apply) | Stage::DraftBySignerEs256(apply) => apply(draft, key, signer),
            Stage::By(odd) => {
                draft.header.set("alg", odd.alg());
                draft.header.set("jwk", odd.jwk());
            }
            Stage::Text(_)
            | Stage::Sign(_)
            | Stage::SignEs256(_)
            | Stage::SignEdDsa(_)
            | Stage::Respell(_)
            | Stage::Carry(_) => {}
        }
    }

    /// Applies it to the texts of a proof, if that is its stage.
    fn rewrite(&self, signed: &mut Signed, signer: &ProofKey) {
        if let Stage::Text(apply) = self.stage {
            apply(signed);
            signed.sign_again(signer);
        }
    }

    /// Applies it to a signed proof, if that is its stage; `key` is the one in `jwk`.
    fn spoil(&self, signed: &mut Signed, key: &ProofKey) -> Result<(), EditError> {
        match self.stage {
            Stage::Sign(apply) | Stage::SignEs256(apply) | Stage::SignEdDsa(apply) => apply(signed, key),
            // No verifier looks at it, as the key is refused: fuzzers have no time for RSA by hand.
            Stage::By(_) if key.makes_null_signatures() => {}
            Stage::By(odd) => signed.set_signature(&odd.sign(signed.signing_input().as_bytes())),
            Stage::Respell(respelled) if !signed.respell_signature(respelled) => {
                return Err(EditError::NoOtherSpelling(self.name));
            }
            Stage::Draft(_)
            | Stage::DraftEs256(_)
            | Stage::DraftBySigner(_)
            | Stage::DraftBySignerEs256(_)
            | Stage::Text(_)
            | Stage::Respell(_)
            | Stage::Carry(_) => {}
        }
        Ok(())
    }

    /// Applies it to a request, if that is its stage; `another` is one more correct proof for it.
    fn carry(&self, request: &mut Request, another: impl FnOnce() -> String) {
        match self.stage {
            Stage::Carry(apply) => apply(request, &another()),
            Stage::Draft(_)
            | Stage::DraftEs256(_)
            | Stage::DraftBySigner(_)
            | Stage::DraftBySignerEs256(_)
            | Stage::By(_)
            | Stage::Text(_)
            | Stage::Sign(_)
            | Stage::SignEs256(_)
            | Stage::SignEdDsa(_)
            | Stage::Respell(_) => {}
        }
    }

    /// Whether it is about HTTP and not about the proof.
    fn is_about_http(&self) -> bool {
        matches!(self.stage, Stage::Carry(_))
    }

    /// Whether it can be applied to a proof that was signed and sent before.
    pub fn applies_to_resent(&self) -> bool {
        match self.stage {
            Stage::Sign(_)
            | Stage::SignEs256(_)
            | Stage::SignEdDsa(_)
            | Stage::Respell(_)
            | Stage::Carry(_) => true,
            Stage::Draft(_)
            | Stage::DraftEs256(_)
            | Stage::DraftBySigner(_)
            | Stage::DraftBySignerEs256(_)
            | Stage::By(_)
            | Stage::Text(_) => false,
        }
    }
}

/// The tables, in the order in which they are listed.
const TABLES: &[(Area, &[Mutation])] = &[
    (Area::Jwk, draft::MUTATIONS),
    (Area::Claims, members::MUTATIONS),
    (Area::Jwk, kind::MUTATIONS),
    (Area::Jwk, odd_key::MUTATIONS),
    (Area::Jwk, certificate::MUTATIONS),
    (Area::Jose, cost::MUTATIONS),
    (Area::Signature, mac::MUTATIONS),
    (Area::Jose, text::MUTATIONS),
    (Area::Signature, sign::MUTATIONS),
    (Area::Signature, rsa::MUTATIONS),
    (Area::Signature, unsigned::MUTATIONS),
    (Area::Signature, respell::MUTATIONS),
    (Area::Wire, carry::MUTATIONS),
];

/// Every mutation. Whatever their order here, each is applied in its stage.
pub fn catalogue() -> impl Iterator<Item = &'static Mutation> {
    by_area().map(|(_, mutation)| mutation)
}

/// Every mutation with the layer that it is of.
pub fn by_area() -> impl Iterator<Item = (Area, &'static Mutation)> {
    TABLES.iter().flat_map(|(area, table)| table.iter().map(|mutation| (*area, mutation)))
}

/// The mutation called `name`.
pub fn find(name: &str) -> Option<&'static Mutation> {
    catalogue().find(|mutation| mutation.name == name)
}

#[cfg(test)]
mod tests;
