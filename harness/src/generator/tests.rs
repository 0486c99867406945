use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::Deserialize as _;
use serde_json::Value;

use super::*;
use crate::scenario::{CaseKind, load_embedded};

fn catalogue() -> &'static Catalogue {
    Catalogue::embedded()
}

/// A recipe of the edits at these places of the whole catalogue: fewer edits are simpler.
fn recipes() -> impl Strategy<Value = Recipe> {
    let edits: Vec<_> = catalogue().edits().cloned().collect();
    proptest::collection::vec(proptest::sample::select(edits), 0..4)
        .prop_map(|edits| edits.into_iter().fold(Recipe::default(), Recipe::with))
}

#[test]
fn every_edit_is_one_that_a_scenario_can_write() {
    for kind in Kind::ALL {
        let open = [Kind::Age, Kind::Text, Kind::Number].contains(kind);
        assert_eq!(catalogue().pool(*kind).is_empty(), open, "{kind:?}");
        for edit in catalogue().pool(*kind) {
            let recipe = Recipe::default().with(edit.clone());
            assert_ne!(recipe.step(), crate::proof::Step::default(), "{}", recipe.yaml());
            assert!(!edit.subjects().is_empty(), "{}", recipe.yaml());
        }
    }
}

#[test]
fn pools_have_no_edit_twice() {
    for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Case) {
        let pool = catalogue().pool(*kind);
        let texts: BTreeSet<String> =
            pool.iter().map(|edit| Value::Object(edit.fragment().clone()).to_string()).collect();
        assert_eq!(texts.len(), pool.len(), "{kind:?}");
    }
}

/// The raw text of a case and what the loader makes of it are the same step.
#[test]
fn a_case_is_the_step_that_it_writes() {
    let scenarios = load_embedded().expect("valid");
    let step_of = |id: &str| {
        let case = scenarios.iter().flat_map(|scenario| &scenario.cases).find(|case| case.id == id);
        match &case.expect("a case of the suite").kind {
            CaseKind::Script { script, .. } => script.steps[0].clone(),
            CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => {
                panic!("{id} has no step")
            }
        }
    };
    let cases = catalogue().pool(Kind::Case);
    assert!(cases.len() > 250, "{}", cases.len());
    for edit in cases {
        let id = edit.case().expect("an id");
        let written = Recipe::default().with(edit.clone()).step();
        let loaded = crate::proof::Step { name: None, ..step_of(id) };
        assert_eq!(written, loaded, "{id}");
    }
}

#[test]
fn fates_add_up() {
    let edit = |kind, place: usize| catalogue().pool(kind)[place].clone();
    let [typ, jti] = [0, 3].map(|place| edit(Kind::Omit, place));
    let harmless =
        catalogue().pool(Kind::Claim).iter().find(|edit| edit.fate(false) == Fate::Accepted).expect("one");
    let one = Recipe::default().with(typ.clone());
    assert_eq!((Recipe::default().fate(false), one.fate(false)), (Fate::Accepted, Fate::Refused));
    assert_eq!(one.clone().with(jti).fate(true), Fate::Refused);
    let both = Recipe::default().with(harmless.clone()).with(typ.clone());
    assert_eq!((both.edits().len(), both.fate(false)), (2, Fate::Refused));
    let mutated = one.with(edit(Kind::JoseMutation, 0));
    assert_eq!(mutated.fate(false), Fate::Either, "a mutation may undo the other edit");
    assert_eq!(mutated.without(1), Recipe::default().with(typ));
}

/// Of edits that are written alike none has to be refused where another has to be accepted, or a case leaves it to the server.
#[test]
fn what_is_written_alike_has_no_two_fates() {
    let scenarios = load_embedded().expect("valid");
    let cases: Vec<_> = scenarios.iter().flat_map(|scenario| &scenario.cases).collect();
    let is_left = |id: &str| {
        let case = cases.iter().find(|case| case.id == id).unwrap_or_else(|| panic!("{id}"));
        case.level != crate::spec::Level::Must && !case.observed
    };
    let mut compared = 0;
    for edit in catalogue().edits() {
        for other in catalogue().edits().filter(|other| other.fragment() == edit.fragment()) {
            for nonces in [false, true] {
                let fates = [edit.fate(nonces), other.fate(nonces)];
                let left = fates[0] == Fate::Refused && other.case().is_some_and(is_left);
                assert!(fates != [Fate::Refused, Fate::Accepted] && !left, "{:?}", edit.fragment());
                compared += 1;
            }
        }
    }
    assert!(compared > 2 * catalogue().edits().count(), "some are written alike");
}

/// RFC 7517 section 4: members that a key has not may be ignored, whatever they mean to another kind of key.
#[test]
fn members_of_another_kind_of_key_are_left_to_the_server() {
    let fate = |member: &str| {
        let written = serde_json::json!({ "proof": { "jwk": { (member): "other" } } });
        let edit = catalogue().written(written.as_object().expect("an object")).expect("known");
        edit.fate(false)
    };
    assert_eq!(["d", "k", "n", "e"].map(fate), [Fate::Refused, Fate::Either, Fate::Either, Fate::Either]);
}

#[test]
fn of_two_edits_of_one_thing_the_later_counts() {
    let of = |text: &str| {
        let fits = |edit: &&std::sync::Arc<Edit>| Recipe::default().with((*edit).clone()).yaml() == text;
        catalogue().edits().find(fits).unwrap_or_else(|| panic!("{text}")).clone()
    };
    let (omit, null) = (of("{ proof: { omit: [htm] } }"), of("{ proof: { claims: { htm: null } } }"));
    let recipe = Recipe::default().with(omit).with(of("{ proof: { omit: [jti] } }")).with(null);
    assert_eq!(recipe.yaml(), "{ proof: { omit: [jti], claims: { htm: null } } }");
}

#[test]
fn a_run_is_repeated_by_its_seed() {
    let recipes = |seed| {
        let mut draw = Draw::new(catalogue(), seed);
        let first: Vec<Recipe> = (0..50).map(|_| draw.recipe()).collect();
        let varied: Vec<Recipe> = first.iter().map(|recipe| draw.variation(recipe)).collect();
        (draw.kinds().to_vec(), first, varied)
    };
    assert_eq!(recipes(1), recipes(1));
    assert_ne!(recipes(1), recipes(2));
    let (kinds, first, varied) = recipes(3);
    assert_eq!(kinds.len(), Kind::ALL.len() / 2);
    assert!(first.iter().all(|recipe| !recipe.edits().is_empty()));
    let single = first.iter().filter(|recipe| recipe.edits().len() == 1).count();
    assert!((25..=45).contains(&single), "{single} of 50 have one edit");
    assert!(first.iter().zip(&varied).filter(|(one, other)| one != other).count() > 40);
}

proptest! {
    #[test]
    fn bytes_and_recipes(recipe in recipes()) {
        let bytes = catalogue().encode(&recipe).expect("edits of the pools");
        let decoded = catalogue().decode(&bytes);
        prop_assert_eq!(decoded.yaml(), recipe.yaml());
    }

    #[test]
    fn any_bytes_are_a_recipe(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let recipe = catalogue().decode(&bytes);
        prop_assert!(recipe.edits().len() <= Catalogue::MOST_EDITS);
        recipe.step();
    }

    /// What is printed is read as the same step: a finding is a scenario.
    #[test]
    fn the_text_is_read_as_the_same_step(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let recipe = catalogue().decode(&bytes);
        let text = recipe.yaml();
        let read = Value::deserialize(serde_yaml::Deserializer::from_str(&text));
        let same = read.map(|read| read == Value::Object(recipe.fragment()));
        prop_assert!(same.unwrap_or(false), "{}", text);
    }
}
