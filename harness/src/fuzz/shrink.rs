//! From a finding to the smallest input that shows the same: fewer edits first, then plainer ones, then smaller values.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::client::Targets;
use super::confirm::{Look, plainly_wrong};
use super::symptom::Symptom;
use crate::generator::{Catalogue, Edit, Recipe};
use crate::mutation::{Area, by_area};
use crate::run::Exchange;

/// How many other edits of the same thing are tried in the place of one.
const PLAINER_TRIED: usize = 16;
/// How many smaller values are tried.
const VALUES_TRIED: usize = 40;

/// An input that shows a symptom, and what was sent and came back when it did.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) recipe: Recipe,
    pub(super) exchanges: Vec<Exchange>,
}

/// Makes `best` smaller as long as the same symptom shows, each time with a fresh key, token and proof. What it has come to is there
/// whenever this is dropped.
pub(super) async fn shrink(targets: &Targets<'_>, symptom: Symptom, best: &mut Shown) {
    let shows = async |recipe: Recipe| -> Option<Shown> {
        match targets.look_again(&recipe, symptom, 2).await {
            Look::There(exchanges) => Some(Shown { recipe, exchanges }),
            Look::Lost(_) | Look::Gone | Look::Unclear | Look::Cap => None,
        }
    };
    // Where a plain refusal shows it, the input is not why.
    if symptom.is_of_refusals()
        && let Some(shown) = shows(plainly_wrong()).await
    {
        *best = shown;
        return;
    }
    if let Some(apart) = taken_apart(&best.recipe)
        && apart.edits().len() > best.recipe.edits().len()
        && let Some(shown) = shows(apart).await
    {
        *best = shown;
    }
    let mut at = 0;
    while best.recipe.edits().len() > 1 && at < best.recipe.edits().len() {
        match shows(best.recipe.without(at)).await {
            Some(shown) => (*best, at) = (shown, 0),
            None => at += 1,
        }
    }
    for at in 0..best.recipe.edits().len() {
        for edit in plainer(&best.recipe, at) {
            let other = best.recipe.without(at).with(edit);
            if other.edits().len() == best.recipe.edits().len()
                && let Some(shown) = shows(other).await
            {
                *best = shown;
                break;
            }
        }
    }
    let mut tried = 0;
    'smaller: loop {
        for other in smaller(&best.recipe) {
            tried += 1;
            if tried > VALUES_TRIED {
                return;
            }
            if let Some(shown) = shows(other).await {
                *best = shown;
                continue 'smaller;
            }
        }
        return;
    }
}

/// A recipe with an edit for each slot and member of its edits.
fn taken_apart(recipe: &Recipe) -> Option<Recipe> {
    let mut apart = Recipe::default();
    for edit in recipe.edits() {
        let parts = Catalogue::embedded().taken_apart(edit.fragment())?;
        apart = parts.into_iter().fold(apart, Recipe::with);
    }
    Some(apart)
}

/// Other edits of what the one at `at` touches, the shortest first: a fault that they show, too, is that of the check as a whole.
fn plainer(recipe: &Recipe, at: usize) -> Vec<Arc<Edit>> {
    let Some(edit) = recipe.edits().get(at) else { return Vec::new() };
    let length = |edit: &Edit| Value::Object(edit.fragment().clone()).to_string().len();
    let of_signature = edit
        .mutations()
        .any(|name| by_area().any(|(area, mutation)| area == Area::Signature && mutation.name == name));
    if of_signature {
        // Where another key's signature will do, nobody looks at signatures.
        let signer = json!({ "proof": { "signer": "fresh" } });
        return signer.as_object().and_then(|one| Catalogue::embedded().written(one)).into_iter().collect();
    }
    if edit.mutations().next().is_some() {
        return Vec::new();
    }
    let own = length(edit);
    let same = |other: &&Arc<Edit>| other.subjects() == edit.subjects() && length(other) < own;
    let mut others: Vec<_> = Catalogue::embedded().edits().filter(same).cloned().collect();
    others.sort_by_key(|edit| (length(edit), Value::Object(edit.fragment().clone()).to_string()));
    others.dedup_by(|one, other| one.fragment() == other.fragment());
    others.truncate(PLAINER_TRIED);
    others
}

/// The recipe with one value that is smaller.
fn smaller(recipe: &Recipe) -> Vec<Recipe> {
    let of_edit = |(at, edit): (usize, &Arc<Edit>)| {
        let fragments = smaller_fragments(edit.fragment());
        let edits = fragments.into_iter().filter_map(|fragment| Catalogue::embedded().written(&fragment));
        edits.map(move |edit| recipe.without(at).with(edit)).collect::<Vec<_>>()
    };
    let recipes = recipe.edits().iter().enumerate().flat_map(of_edit);
    recipes.filter(|other| other.edits().len() == recipe.edits().len()).collect()
}

/// The fragment of one member, with smaller values in it.
fn smaller_fragments(fragment: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let mut found = Vec::new();
    let Some(Value::Object(proof)) = fragment.get("proof") else { return found };
    for slot in ["claims", "header", "jwk"] {
        let Some(Value::Object(members)) = proof.get(slot) else { continue };
        for (name, value) in members {
            for value in smaller_values(value) {
                let one = json!({ "proof": { slot: { (name.as_str()): value } } });
                found.extend(one.as_object().cloned());
            }
        }
    }
    found
}

/// Values that are smaller than one, of the same type, the smallest first.
fn smaller_values(value: &Value) -> Vec<Value> {
    match value {
        Value::Null | Value::Bool(_) => Vec::new(),
        Value::Number(number) => match number.as_i64() {
            Some(0) | None => Vec::new(),
            Some(number) => [0, 1, number / 1000, number / 2]
                .into_iter()
                .filter(|other| other.unsigned_abs() < number.unsigned_abs())
                .map(Value::from)
                .collect(),
        },
        Value::String(text) => {
            let length = text.chars().count();
            let first = |number: usize| text.chars().take(number).collect::<String>();
            let shorter = [0, 1, length / 2, length.saturating_sub(1)];
            let mut texts: Vec<String> =
                shorter.into_iter().filter(|number| *number < length).map(first).collect();
            texts.dedup();
            texts.into_iter().map(Value::from).collect()
        }
        Value::Array(values) => match &values[..] {
            [] => Vec::new(),
            [_] => vec![json!([])],
            [first, .., last] => vec![json!([]), json!([first]), json!([last])],
        },
        Value::Object(members) => {
            let without = |name: &String| {
                let fewer = members.iter().filter(|(other, _)| *other != name);
                Value::Object(fewer.map(|(name, value)| (name.clone(), value.clone())).collect())
            };
            members.keys().map(without).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_values_are_smaller_and_end() {
        for value in [json!("abcdef"), json!(-86401), json!([1, 2, 3]), json!({"a": 1, "b": 2}), json!(null)]
        {
            let mut value = value;
            let mut steps = 0;
            while let Some(smaller) = smaller_values(&value).into_iter().next() {
                assert!(smaller.to_string().len() <= value.to_string().len(), "{value} {smaller}");
                value = smaller;
                steps += 1;
                assert!(steps < 20, "{value}");
            }
        }
    }

    #[test]
    fn every_edit_that_is_plainer_touches_the_same() {
        for edit in Catalogue::embedded().edits() {
            let recipe = Recipe::default().with(edit.clone());
            for other in plainer(&recipe, 0) {
                let of_signature = edit.mutations().next().is_some();
                assert!(of_signature || other.subjects() == edit.subjects(), "{}", recipe.yaml());
            }
        }
    }
}
