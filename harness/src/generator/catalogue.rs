use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use super::edit::{Edit, Fate, Fates};
use super::kind::Kind;
use super::members;
use super::recipe::Recipe;
use super::rows;
use crate::proof::Shift;

/// The pools of edits by kind.
#[derive(Debug)]
pub struct Catalogue {
    pools: Vec<(Kind, Vec<Arc<Edit>>)>,
}

static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(Catalogue::new);

impl Catalogue {
    /// The most edits that bytes give one recipe.
    pub const MOST_EDITS: usize = 4;

    /// The catalogue of the scenarios that the library was built with.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    fn new() -> Self {
        let cases = rows::cases();
        let mutations = rows::mutations(&cases);
        let pools = Kind::ALL.iter().map(|kind| {
            let pool = match kind {
                Kind::Case => cases.clone(),
                Kind::Claim => members::of_claims(),
                Kind::Header => members::of_header(),
                Kind::Jwk => members::of_jwk(),
                Kind::Omit => omitted(),
                Kind::Retype => retyped(),
                Kind::Htu => of_slot(&cases, "htu"),
                Kind::Binding => bound(),
                Kind::Power => powers(),
                Kind::ClaimsMutation
                | Kind::JwkMutation
                | Kind::JoseMutation
                | Kind::SignatureMutation
                | Kind::WireMutation => {
                    let of_kind = mutations.iter().filter(|(area, _)| Kind::of_mutations(*area) == *kind);
                    of_kind.map(|(_, edit)| edit.clone()).collect()
                }
                Kind::Age | Kind::Text | Kind::Number => Vec::new(),
            };
            (*kind, pool.into_iter().map(Arc::new).collect())
        });
        Self { pools: pools.collect() }
    }

    /// The pool of a kind; empty where its values come out of the bytes.
    pub fn pool(&self, kind: Kind) -> &[Arc<Edit>] {
        self.pools.iter().find(|(of, _)| *of == kind).map_or(&[], |(_, pool)| pool)
    }

    /// Every edit that is in a pool.
    pub fn edits(&self) -> impl Iterator<Item = &Arc<Edit>> {
        self.pools.iter().flat_map(|(_, pool)| pool)
    }

    /// The edits that any bytes stand for: at most [`Self::MOST_EDITS`].
    pub fn decode(&self, bytes: &[u8]) -> Recipe {
        let mut bytes = Bytes(bytes);
        let mut recipe = Recipe::default();
        while recipe.edits().len() < Self::MOST_EDITS && !bytes.0.is_empty() {
            let kind = *choose(Kind::ALL, usize::from(bytes.next())).unwrap_or(&Kind::Case);
            match self.edit(kind, &mut bytes) {
                Some(edit) => recipe = recipe.with(edit),
                None => break,
            }
        }
        recipe
    }

    /// The bytes that give this recipe; none where an edit is in no pool.
    pub fn encode(&self, recipe: &Recipe) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for edit in recipe.edits() {
            let place = |(_, pool): &(Kind, Vec<Arc<Edit>>)| pool.iter().position(|other| other == edit);
            let (kind, place) =
                self.pools.iter().enumerate().find_map(|(at, pool)| Some((at, place(pool)?)))?;
            bytes.push(u8::try_from(kind).ok()?);
            bytes.extend(u16::try_from(place).ok()?.to_be_bytes());
        }
        Some(bytes)
    }

    /// The edit of a kind that the bytes choose.
    pub(super) fn edit(&self, kind: Kind, bytes: &mut Bytes<'_>) -> Option<Arc<Edit>> {
        let member = |at: u8| choose(members::CLAIMS, usize::from(at)).copied().unwrap_or("x");
        match kind {
            Kind::Age => Some(Arc::new(aged(i64::from(i32::from_be_bytes(bytes.array()))))),
            Kind::Text => {
                let (name, length) = (member(bytes.next()), usize::from(bytes.next()));
                let text = String::from_utf8_lossy(bytes.take(length)).into_owned();
                Some(Arc::new(members::claim(name, Value::from(text))))
            }
            Kind::Number => {
                let name = member(bytes.next());
                Some(Arc::new(members::claim(name, json!(i64::from_be_bytes(bytes.array())))))
            }
            Kind::Case
            | Kind::Claim
            | Kind::Header
            | Kind::Jwk
            | Kind::Omit
            | Kind::Retype
            | Kind::Htu
            | Kind::Binding
            | Kind::ClaimsMutation
            | Kind::JwkMutation
            | Kind::JoseMutation
            | Kind::SignatureMutation
            | Kind::WireMutation
            | Kind::Power => {
                let place = usize::from(u16::from_be_bytes(bytes.array()));
                choose(self.pool(kind), place).cloned()
            }
        }
    }
}

/// Bytes that run out: behind their end there are zeros.
#[derive(Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn next(&mut self) -> u8 {
        u8::from_be_bytes(self.array())
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.take(N);
        array.iter_mut().zip(taken).for_each(|(slot, byte)| *slot = *byte);
        array
    }
}

fn choose<T>(pool: &[T], number: usize) -> Option<&T> {
    pool.get(number.checked_rem(pool.len())?)
}

/// A proof dated so many seconds from now.
pub(super) fn aged(seconds: i64) -> Edit {
    let without_nonces = match seconds {
        -5..=5 => Fate::Accepted,
        -86_400..=86_400 => Fate::Either,
        _ => Fate::Refused,
    };
    let with_nonces = if without_nonces == Fate::Refused { Fate::Either } else { without_nonces };
    let shift = json!(Shift(seconds).to_string());
    Edit::of_proof("iat", shift, Fates { without_nonces, with_nonces })
}

/// From a day, so that none is young, to what 64 bits hold.
fn powers() -> Vec<Edit> {
    (17..63).flat_map(|bit| [1 << bit, -1 << bit]).map(aged).collect()
}

fn omitted() -> Vec<Edit> {
    let required = ["typ", "alg", "jwk", "jti", "htm", "htu", "iat", "ath"];
    let required = required.map(|name| Edit::of_proof("omit", json!([name]), Fate::Refused));
    let nonce = Fates { without_nonces: Fate::Accepted, with_nonces: Fate::Either };
    required.into_iter().chain([Edit::of_proof("omit", json!(["nonce"]), nonce)]).collect()
}

fn retyped() -> Vec<Edit> {
    let names = ["typ", "alg", "jwk", "jti", "htm", "htu", "iat", "ath"];
    let mut edits = Vec::new();
    for name in names {
        for json_type in ["array", "object", "string", "fraction"] {
            let same = match json_type {
                "string" => !["jwk", "iat"].contains(&name),
                "fraction" => name != "iat",
                _ => false,
            };
            // A NumericDate may have a fraction (RFC 7519 section 2).
            let fate = if json_type == "fraction" { Fate::Either } else { Fate::Refused };
            if !same {
                edits.push(Edit::of_proof("retype", json!({ name: json_type }), fate));
            }
        }
    }
    edits
}

/// The edits among those of the cases that are of this slot of the proof alone.
fn of_slot(cases: &[Edit], slot: &str) -> Vec<Edit> {
    let alone = |edit: &&Edit| {
        let proof = edit.fragment().get("proof").and_then(Value::as_object);
        edit.is_of_proof() && proof.is_some_and(|slots| slots.keys().all(|name| name == slot))
    };
    cases.iter().filter(alone).cloned().collect()
}

fn bound() -> Vec<Edit> {
    let other = |slot: &str, value: Value| Edit::of_proof(slot, value, Fate::Refused);
    let keys = ["fresh", "stranger"].into_iter();
    let algs = ["ES256", "ES384", "ES512", "EdDSA"].into_iter().map(|alg| json!({ "fresh-for": alg }));
    let choices: Vec<Value> = keys.map(Value::from).chain(algs).collect();
    let hashes = [
        json!({ "sha512": true }),
        json!({ "half": true }),
        json!({ "of": "credentials" }),
        json!({ "of": "spare-token" }),
        json!({ "encode": "hex" }),
        json!({ "encode": "upper-case" }),
    ];
    let mut edits: Vec<Edit> = choices.iter().map(|key| other("key", key.clone())).collect();
    edits.extend(choices.iter().map(|key| other("signer", key.clone())));
    edits.extend(hashes.map(|hash| other("ath", hash)));
    edits
}
