use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::catalogue::{Catalogue, aged};
use super::edit::{Edit, Fate};
use super::members;
use crate::proof::{ProofEdits, RequestEdits, Shift, TokenEdits};

impl Catalogue {
    /// The edit that a fragment of a step writes, with its fate: one of a pool, or a member or a date of any value. None where
    /// it is neither, so that nothing is known of what a server has to do with it.
    pub fn written(&self, fragment: &Map<String, Value>) -> Option<Arc<Edit>> {
        // Of those that are written alike the one that says most.
        let says = |edit: &&Arc<Edit>| [false, true].map(|nonces| edit.fate(nonces) != Fate::Either);
        let known = self.edits().filter(|edit| edit.fragment() == fragment).max_by_key(says);
        known.cloned().or_else(|| of_any_value(fragment).map(Arc::new))
    }

    /// The edits that a fragment is made of, a slot each, and a member each where a slot has members; where nothing is known of one, a
    /// server may do with it what it likes. None where the fragment is no part of a step.
    pub fn taken_apart(&self, fragment: &Map<String, Value>) -> Option<Vec<Arc<Edit>>> {
        if let Some(edit) =
            self.edits().filter(|edit| edit.case().is_none()).find(|edit| edit.fragment() == fragment)
        {
            return Some(vec![edit.clone()]);
        }
        let mut edits = Vec::new();
        for (part, slots) in fragment {
            for (slot, value) in slots.as_object()? {
                for value in single_values(slot, value) {
                    let one = json!({ (part.as_str()): { (slot.as_str()): value } });
                    let one = one.as_object()?;
                    edits.push(self.written(one).or_else(|| of_any_fate(one))?);
                }
            }
        }
        Some(edits)
    }
}

/// An edit of which nothing is known, if it is one.
fn of_any_fate(fragment: &Map<String, Value>) -> Option<Arc<Edit>> {
    for (part, slots) in fragment {
        let fits = match part.as_str() {
            "proof" => ProofEdits::deserialize(slots).is_ok(),
            "token" => TokenEdits::deserialize(slots).is_ok(),
            "request" => RequestEdits::deserialize(slots).is_ok(),
            _ => false,
        };
        if !fits {
            return None;
        }
    }
    Some(Arc::new(Edit::new(Value::Object(fragment.clone()), Fate::Either)))
}

/// The values of a slot that stand for one edit each.
fn single_values(slot: &str, value: &Value) -> Vec<Value> {
    match value {
        Value::Object(members) if ["claims", "header", "jwk", "retype", "again"].contains(&slot) => {
            members.iter().map(|(name, value)| json!({ (name.as_str()): value })).collect()
        }
        Value::Array(names) if ["omit", "mutate", "omit-of-jwk"].contains(&slot) => {
            names.iter().map(|name| json!([name])).collect()
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            vec![value.clone()]
        }
    }
}

/// The only member of an object.
fn single(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = object.iter();
    let (name, value) = members.next()?;
    members.next().is_none().then_some((name, value))
}

fn of_any_value(fragment: &Map<String, Value>) -> Option<Edit> {
    let ("proof", proof) = single(fragment)? else { return None };
    let (slot, value) = single(proof.as_object()?)?;
    if slot == "iat" {
        let Shift(seconds) = Shift::deserialize(value).ok()?;
        return Some(aged(seconds));
    }
    let (name, value) = single(value.as_object()?)?;
    match slot {
        "claims" => Some(members::claim(name, value.clone())),
        "header" => Some(members::parameter(name, value.clone())),
        "jwk" => Some(members::of_key(name, value.clone())),
        _ => None,
    }
}
