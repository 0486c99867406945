use std::sync::Arc;

use serde_json::{Map, Value};

use super::edit::{Edit, Fate};
use super::yaml;
use crate::proof::{ProofEdits, RequestEdits, Step, TokenEdits};

/// Edits to a correct step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recipe {
    edits: Vec<Arc<Edit>>,
}

impl Recipe {
    /// The recipe with one more edit, which takes the place of those that touch the same.
    #[must_use]
    pub fn with(mut self, edit: Arc<Edit>) -> Self {
        self.edits.retain(|other| other.subjects().is_disjoint(edit.subjects()));
        self.edits.push(edit);
        self
    }

    /// The recipe without the edit at `place`, counted from 0.
    #[must_use]
    pub fn without(&self, place: usize) -> Self {
        let kept = self.edits.iter().enumerate().filter(|(at, _)| *at != place);
        Self { edits: kept.map(|(_, edit)| edit.clone()).collect() }
    }

    /// The edits.
    pub fn edits(&self) -> &[Arc<Edit>] {
        &self.edits
    }

    /// Whether a verifier of proofs sees all of it.
    pub fn is_of_proof(&self) -> bool {
        self.edits.iter().all(|edit| edit.is_of_proof())
    }

    /// What a server, which uses `nonces` or not, has to do with the step: to refuse it where one edit is a reason to, and to accept it where none is and
    /// none leaves it the choice.
    ///
    /// A mutation may undo another edit: it is never foreseen what both together are.
    pub fn fate(&self, nonces: bool) -> Fate {
        let mutated = self.edits.iter().any(|edit| edit.mutations().next().is_some());
        match &self.edits[..] {
            [] => Fate::Accepted,
            [edit] => edit.fate(nonces),
            _ if mutated => Fate::Either,
            edits => edits.iter().map(|edit| edit.fate(nonces)).max().unwrap_or(Fate::Accepted),
        }
    }

    /// Whether it writes members of the key, or the algorithm, by value: for another kind of key they mean something else.
    pub fn writes_key_or_alg(&self) -> bool {
        let proofs = self.edits.iter().filter_map(|edit| edit.fragment().get("proof"));
        proofs.into_iter().any(|proof| {
            let alg = |slot: &str| proof.get(slot).is_some_and(|members| members.get("alg").is_some());
            proof.get("jwk").is_some() || proof.get("omit-of-jwk").is_some() || alg("header") || alg("again")
        })
    }

    /// The fragment of a step that all edits together are.
    pub fn fragment(&self) -> Map<String, Value> {
        let mut whole = Map::new();
        for edit in &self.edits {
            for (part, slots) in edit.fragment() {
                let part = whole.entry(part.clone()).or_insert_with(|| Value::Object(Map::new()));
                for (slot, value) in slots.as_object().into_iter().flatten() {
                    merge(part, slot, value);
                }
            }
        }
        whole
    }

    /// The step.
    ///
    /// # Panics
    /// Where an edit of the catalogue is none that a scenario can write; a test sees to it that there is none.
    pub fn step(&self) -> Step {
        let mut fragment = self.fragment();
        let mut part = |name: &str| fragment.remove(name).unwrap_or_else(|| Value::Object(Map::new()));
        let (proof, token, request) = (part("proof"), part("token"), part("request"));
        let read = || -> serde_json::Result<Step> {
            Ok(Step {
                proof: serde_json::from_value::<ProofEdits>(proof)?,
                token: serde_json::from_value::<TokenEdits>(token)?,
                request: serde_json::from_value::<RequestEdits>(request)?,
                ..Step::default()
            })
        };
        read().unwrap_or_else(|error| unreachable!("{}: {error}", self.yaml()))
    }

    /// The step as a scenario writes it, on one line: `{ proof: { omit: [ath] } }`.
    pub fn yaml(&self) -> String {
        yaml::flow(&Value::Object(self.fragment()))
    }
}

/// Puts a slot of a fragment into the same part of another.
fn merge(part: &mut Value, slot: &str, value: &Value) {
    let Value::Object(part) = part else { return };
    match (part.get_mut(slot), value) {
        (Some(Value::Object(members)), Value::Object(more))
            if ["claims", "header", "retype", "dates", "again", "shift", "cnf"].contains(&slot) =>
        {
            members.extend(more.clone());
        }
        (Some(Value::Array(names)), Value::Array(more)) => {
            let new = more.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>();
            names.extend(new);
        }
        _ => {
            part.insert(slot.to_owned(), value.clone());
        }
    }
}
