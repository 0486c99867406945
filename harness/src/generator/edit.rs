use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What a server has to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Let it through: nothing about it is wrong.
    Accepted,
    /// What it likes: specifications leave the choice, or what it is depends on the server.
    Either,
    /// Refuse it: a requirement says so.
    Refused,
}

impl Fate {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Either => "either",
            Self::Refused => "refused",
        }
    }
}

/// What a server has to do, by whether it uses nonces: with them, `nonce` is checked, and it may tell the time by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fates {
    pub(super) without_nonces: Fate,
    pub(super) with_nonces: Fate,
}

impl From<Fate> for Fates {
    fn from(fate: Fate) -> Self {
        Self { without_nonces: fate, with_nonces: fate }
    }
}

/// One departure from a correct step, as a scenario writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    fragment: Map<String, Value>,
    subjects: BTreeSet<String>,
    fates: Fates,
    case: Option<String>,
}

impl Edit {
    /// The edit that `fragment` writes: an object with `proof`, `token` or `request`.
    pub(super) fn new(fragment: Value, fates: impl Into<Fates>) -> Self {
        let fragment = match fragment {
            Value::Object(fragment) => fragment,
            other => Map::from_iter([("proof".to_owned(), other)]),
        };
        Self { subjects: subjects(&fragment), fragment, fates: fates.into(), case: None }
    }

    /// An edit of the proof alone: `slot` has `value`.
    pub(super) fn of_proof(slot: &str, value: Value, fates: impl Into<Fates>) -> Self {
        Self::new(json!({ "proof": { slot: value } }), fates)
    }

    /// The same, as the case called `id` has it.
    #[must_use]
    pub(super) fn of_case(self, id: &str) -> Self {
        Self { case: Some(id.to_owned()), ..self }
    }

    /// The fragment of a step that it is.
    pub fn fragment(&self) -> &Map<String, Value> {
        &self.fragment
    }

    /// What a server, which uses `nonces` or not, has to do where it is the only edit.
    pub fn fate(&self, nonces: bool) -> Fate {
        if nonces { self.fates.with_nonces } else { self.fates.without_nonces }
    }

    /// The case of the suite that it is taken from.
    pub fn case(&self) -> Option<&str> {
        self.case.as_deref()
    }

    /// What it touches: names of members, `binding` for key and token, `mutate`, and fields of the request.
    pub fn subjects(&self) -> &BTreeSet<String> {
        &self.subjects
    }

    /// Whether it leaves the token and the request alone, so that a verifier of proofs sees all of it.
    pub fn is_of_proof(&self) -> bool {
        self.fragment.keys().all(|part| part == "proof")
    }

    /// The mutations that it names.
    pub fn mutations(&self) -> impl Iterator<Item = &str> {
        let names =
            self.fragment.get("proof").and_then(|proof| proof.get("mutate")).and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    }
}

fn subjects(fragment: &Map<String, Value>) -> BTreeSet<String> {
    let mut subjects = BTreeSet::new();
    for (part, slots) in fragment {
        for (slot, value) in slots.as_object().into_iter().flatten() {
            let touched = |name: &str| name.to_owned();
            match (part.as_str(), slot.as_str(), value) {
                ("proof", "claims" | "header" | "retype" | "dates" | "again", Value::Object(members)) => {
                    subjects.extend(members.keys().cloned());
                }
                ("proof", "omit", Value::Array(names)) => {
                    subjects.extend(names.iter().filter_map(Value::as_str).map(touched));
                }
                ("proof", "for", _) => subjects.extend(["htm", "htu"].map(touched)),
                ("proof", "key" | "signer", _) => subjects.extend(["binding", "jwk", "alg"].map(touched)),
                ("proof", "jwk" | "omit-of-jwk", _) => {
                    subjects.insert("jwk".to_owned());
                }
                ("proof", "kid", _) => subjects.extend(["kid", "jwk"].map(touched)),
                ("token", _, _) => subjects.extend(["binding", "ath"].map(touched)),
                ("request", "method", _) => subjects.extend(["htm", "method"].map(touched)),
                (_, slot, _) => {
                    subjects.insert(slot.to_owned());
                }
            }
        }
    }
    subjects
}
