use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::campaign::Plan;
use super::client::{Client, Clock, Targets, Unseen, redactors};
use super::confirm::Look;
use super::finding::Finding;
use super::shrink::{Shown, shrink};
use crate::generator::{Catalogue, Recipe};
use crate::run::Turn;
use crate::scenario::Scenario;

/// Why there is nothing smaller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotMinimized {
    /// The file is no scenario with one case of one step.
    #[error("no scenario with one case of one step is in it: {0}")]
    NoCase(String),
    /// The case has something in it that is no edit.
    #[error("`{0}` is no part of a step")]
    NoEdit(String),
    /// The target did what it should.
    #[error("the target does what it should with it: it was answered {0}")]
    NothingWrong(String),
    /// A correct request was not accepted, or there was no token.
    #[error("{0}")]
    Unclear(String),
}

/// The input that the only case of a scenario writes.
///
/// # Errors
/// [`NotMinimized`] where there is no such case, or something in it that is no edit.
pub fn recipe_in(text: &str) -> Result<Recipe, NotMinimized> {
    let no_case = |why: &str| NotMinimized::NoCase(why.to_owned());
    let document = Value::deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| NotMinimized::NoCase(error.to_string()))?;
    let cases =
        document.get("cases").and_then(Value::as_object).ok_or_else(|| no_case("it has no `cases`"))?;
    let mut cases = cases.values();
    let (Some(case), None) = (cases.next(), cases.next()) else { return Err(no_case("it has not one case")) };
    let step = match case.get("steps").and_then(Value::as_array).map(Vec::as_slice) {
        None => case,
        Some([step]) => step,
        Some(_) => return Err(no_case("the case has several steps")),
    };
    let parts = ["proof", "token", "request"];
    let fragment: Map<String, Value> =
        parts.iter().filter_map(|part| Some(((*part).to_owned(), step.get(part)?.clone()))).collect();
    let catalogue = Catalogue::embedded();
    let edits = catalogue
        .written(&fragment)
        .map(|edit| vec![edit])
        .or_else(|| catalogue.taken_apart(&fragment))
        .ok_or_else(|| NotMinimized::NoEdit(Value::Object(fragment).to_string()))?;
    Ok(edits.into_iter().fold(Recipe::default(), Recipe::with))
}

/// The smallest input that shows the same as `recipe`, as a finding; its files are written below the `state` of `plan`.
///
/// # Errors
/// [`NotMinimized`] where the target does nothing wrong, or can't be judged.
pub async fn minimize(
    targets: &Targets<'_>,
    scenarios: &[Scenario],
    recipe: &Recipe,
    plan: &Plan,
) -> Result<Finding, NotMinimized> {
    let redactors = redactors(targets);
    let unclear = |why: String| NotMinimized::Unclear(redactors[0].clean(&why));
    let client = Client::new(targets, &redactors, Clock::Usual).await;
    let mut client = client.map_err(|error| unclear(format!("no access token: {error}")))?;
    let control = client.control(Turn::ControlBefore).await;
    let control =
        control.map_err(|none| unclear(format!("a correct request was answered {}", none.exchange.seen)))?;
    let seen = client.send(recipe).await.map_err(|unseen| match unseen {
        Unseen::NotMade(error) => unclear(error.to_string()),
        Unseen::NotAsked => unclear("this target is not asked about such a request".to_owned()),
        Unseen::Cap => unclear("no more requests may be sent (limits.max-requests)".to_owned()),
    })?;
    let symptom = targets.symptom_of(recipe, &seen, control.milliseconds);
    let Some(symptom) = symptom else {
        return Err(NotMinimized::NothingWrong(seen.exchange.seen.to_string()));
    };
    let mut smallest = Shown { recipe: recipe.clone(), exchanges: Vec::new() };
    shrink(targets, symptom, &mut smallest).await;
    let mut finding = Finding::new(symptom, recipe.clone(), smallest.recipe, scenarios);
    for turn in 0..3 {
        let there = match targets.look(&finding.recipe, symptom, Clock::of_turn(turn)).await {
            Look::There(exchanges) => Some(exchanges),
            Look::Gone => None,
            Look::Unclear if symptom.is_of_load() => None,
            Look::Lost(_) | Look::Unclear | Look::Cap => break,
        };
        finding.looked_for(there);
    }
    if finding.reproduced < symptom.least_of_three() {
        return Err(NotMinimized::Unclear("what was seen of it once was not seen again".to_owned()));
    }
    let written = finding.write(plan, targets);
    written.map_err(|error| NotMinimized::Unclear(format!("{}: {error}", plan.state.display())))?;
    Ok(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_of_a_scenario_is_read_an_edit_for_each_slot() {
        let recipe = recipe_in(
            "id: rs.found.x\ncases:\n  again: { proof: { omit: [typ, jti], claims: { x: 1 } }, expect: reject }\n",
        );
        let recipe = recipe.expect("known edits");
        assert_eq!(recipe.edits().len(), 3);
        assert_eq!(recipe.yaml(), "{ proof: { omit: [typ, jti], claims: { x: 1 } } }");
    }

    #[test]
    fn what_is_no_case_of_one_step() {
        for text in ["", "{", "a: 1", "cases: {}", "cases: { a: { steps: [{}, {}] } }"] {
            assert!(matches!(recipe_in(text), Err(NotMinimized::NoCase(_))), "{text}");
        }
        let unknown = recipe_in("cases: { a: { proof: { x: 1 } } }");
        assert!(matches!(unknown, Err(NotMinimized::NoEdit(_))), "{unknown:?}");
    }
}
