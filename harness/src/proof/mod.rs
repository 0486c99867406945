//! Building proofs at byte level: [`Draft`] -> [`Signed`] -> [`Request`], and the edit scripts that spoil them.
//!
//! Stages are types: a claim can't be edited after signing, a signature not after the request was put together. A step
//! of a [`Script`] says in data how it departs from a correct proof, token and request; the structural faults that data
//! can't say are named in it and live in [`crate::mutation`]. Nothing here looks at [`crate::reference`], so that a
//! mistake in one can't hide in the other.

mod carry;
mod cross_origin;
mod draft;
mod edit;
mod http;
mod htu;
mod jti;
mod key;
mod nonce;
mod pretence;
mod script;
mod secret;
mod shift;
mod success;
mod token;
mod volley;

pub use carry::{Call, Field, Request, form_encoded};
pub use cross_origin::CrossOrigin;
pub use draft::{Draft, Signed, Statement};
pub use edit::{EditError, Material, StepRecord};
pub use http::{HttpChoice, HttpVersion};
pub use htu::HtuEdit;
pub use jti::JtiEdit;
pub use key::{KeyError, ProofKey};
pub use nonce::NonceEdit;
pub use pretence::Pretence;
pub use script::{
    AthEdit, AthSource, Client, Connection, CopyEdit, Encoding, HtmEdit, JsonType, KeyChoice, KeyUrl,
    KidPlace, MadeFor, Node, OmittedField, ProofEdits, RemoteKey, RequestEdits, Script, Step, TokenPlace,
    Watch,
};
pub use secret::{AccessToken, SHORTEST_SECRET, tag};
pub use shift::Shift;
pub use success::Success;
pub use token::{BoundTo, IssuerKey, JktEdit, TokenChoice, TokenEdits, TokenSigner};
pub use volley::{Each, Gate, Lines, Volley};
