use super::finding::touched;
use super::symptom::Symptom;
use crate::generator::{Catalogue, Recipe};
use crate::plan::all;
use crate::scenario::{AnswerCheck, Case, CaseKind, PreflightCheck, Scenario};

/// The requirement that a finding breaks: that of the case which is nearest to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clause {
    /// Rows of the ledger.
    pub spec: Vec<String>,
    /// The case that is nearest; none where none touches the same.
    pub nearest: Option<String>,
    /// Whether it has the very same edits, so that the suite fails, too.
    pub exact: bool,
}

impl Clause {
    pub(super) fn of(symptom: Symptom, recipe: &Recipe, scenarios: &[Scenario]) -> Self {
        let cases = all(scenarios);
        let by = |fits: &dyn Fn(&Case) -> bool| cases.iter().map(|one| one.case).find(|case| fits(case));
        let answers = |check| by(&|case| matches!(&case.kind, CaseKind::Answers(of) if *of == check));
        let nearest = nearest(recipe).and_then(|id| by(&|case| case.id == id));
        let case = match symptom {
            Symptom::Fault | Symptom::NoAnswer | Symptom::Slow => answers(AnswerCheck::Fault),
            Symptom::Leak => answers(AnswerCheck::Leak),
            Symptom::Accepted | Symptom::Refused | Symptom::Disagreement => nearest,
        };
        let case =
            case.or_else(|| by(&|case| matches!(&case.kind, CaseKind::Preflight(PreflightCheck::Control))));
        let exact = |case: &Case| {
            let same = |edit: &&std::sync::Arc<crate::generator::Edit>| edit.case() == Some(case.id.as_str());
            let edit = Catalogue::embedded().edits().find(same);
            edit.is_some_and(|edit| *edit.fragment() == recipe.fragment())
        };
        Self {
            spec: case.map(|case| case.spec.clone()).unwrap_or_default(),
            nearest: case.map(|case| case.id.clone()),
            exact: case.is_some_and(exact),
        }
    }
}

/// The case with the same edits, or with those that touch nearly the same.
fn nearest(recipe: &Recipe) -> Option<&'static str> {
    let (fragment, ours) = (recipe.fragment(), touched(recipe));
    let score = |edit: &std::sync::Arc<crate::generator::Edit>| {
        let theirs = touched(&Recipe::default().with(edit.clone()));
        let (common, either) = (ours.intersection(&theirs).count(), ours.union(&theirs).count());
        let same = *edit.fragment() == fragment;
        // In thousandths, so that there is an order.
        if same { 2000 } else { 1000 * common / either.max(1) }
    };
    let cases = Catalogue::embedded().edits().filter_map(|edit| Some((score(edit), edit.case()?)));
    // The first of those that are as near.
    let best = cases.filter(|(score, _)| *score > 0).min_by_key(|(score, _)| 2000 - *score);
    best.map(|(_, id)| id)
}
