//! Edits that the suite has: its cases of one step, and the mutations.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::edit::{Edit, Fate, Fates};
use crate::mutation::{Area, by_area};
use crate::proof::{Client, Step};
use crate::scenario::{Capability, Case, CaseKind, EMBEDDED, Endpoint, Excuse, Expect, load_embedded};
use crate::spec::Level;

/// The cases of the suite that send one request to the resource, each as one edit; fates are those of RFC 9449 alone.
pub(super) fn cases() -> Vec<Edit> {
    let written: BTreeMap<String, Map<String, Value>> =
        EMBEDDED.iter().flat_map(|(_, text)| written(text)).collect();
    let scenarios = load_embedded().unwrap_or_default(); // a test of the scenarios sees to it that they load
    let cases = scenarios.iter().flat_map(|scenario| &scenario.cases);
    let edit = |case: &Case| {
        let fates = fates(case)?;
        let fragment = written.get(&case.id).filter(|fragment| !fragment.is_empty())?;
        Some(Edit::new(Value::Object(fragment.clone()), fates).of_case(&case.id))
    };
    cases.filter_map(edit).collect()
}

/// The mutations by area. Of those that are a case of their own the fate is known.
pub(super) fn mutations(cases: &[Edit]) -> Vec<(Area, Edit)> {
    let known = |name: &str| {
        let alone = json!({ "proof": { "mutate": [name] } });
        cases.iter().find(|case| alone.as_object() == Some(case.fragment()))
    };
    by_area()
        .map(|(area, mutation)| {
            let edit = Edit::of_proof("mutate", json!([mutation.name]), Fate::Either);
            (area, known(mutation.name).cloned().unwrap_or(edit))
        })
        .collect()
}

/// The edits of each case of a file as they stand there, by id.
fn written(text: &str) -> Vec<(String, Map<String, Value>)> {
    let documents = serde_yaml::Deserializer::from_str(text);
    let documents = documents.filter_map(|document| Value::deserialize(document).ok());
    let mut found = Vec::new();
    for document in documents {
        let Some(id) = document.get("id").and_then(Value::as_str) else { continue };
        for (name, case) in document.get("cases").and_then(Value::as_object).into_iter().flatten() {
            let step = case.get("steps").and_then(|steps| steps.get(0)).unwrap_or(case);
            let parts = ["proof", "token", "request"];
            let parts = parts.iter().filter_map(|part| Some(((*part).to_owned(), step.get(part)?.clone())));
            found.push((format!("{id}.{name}"), parts.collect()));
        }
    }
    found
}

/// What a server has to do with the only request of a case; none where the case is more than that.
fn fates(case: &Case) -> Option<Fates> {
    let CaseKind::Script { script, expects } = &case.kind else { return None };
    let ([step], [expect], None) = (&script.steps[..], &expects[..], script.trials) else { return None };
    let edits = Step {
        proof: step.proof.clone(),
        token: step.token.clone(),
        request: step.request.clone(),
        name: step.name.clone(),
        ..Step::default()
    };
    let elsewhere = script.client != Client::default() || !case.at.contains(&Endpoint::Resource);
    if elsewhere || *step != edits || step.proof.copy.is_some() || step.request.http.is_some() {
        return None;
    }
    let fate = match expect {
        _ if case.level != Level::Must || !case.profiles.is_empty() => Fate::Either,
        Expect::Accept => Fate::Accepted,
        Expect::Reject(_) | Expect::Challenge => Fate::Refused,
        Expect::AcceptsExactly(_) | Expect::Answer | Expect::Any => Fate::Either,
    };
    let (mut fates, nonce) = (Fates::from(fate), [Capability::Nonce]);
    match &case.requires[..] {
        [] => {}
        required if *required == nonce => fates.without_nonces = Fate::Either,
        _ => fates = Fate::Either.into(),
    }
    if case.excused_by == Some(Excuse::Nonce) {
        fates.with_nonces = Fate::Either;
    }
    Some(fates)
}
