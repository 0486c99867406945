//! Lists check themselves: cases, defects, mutations and requirements refer to each other, and nothing is orphaned.

use std::collections::{BTreeMap, BTreeSet};

use dpop_harness::coverage::{Coverage, State};
use dpop_harness::mutation;
use dpop_harness::plan::{Selected, all, matches};
use dpop_harness::proof::Script;
use dpop_harness::reference::defects;
use dpop_harness::scenario::{Case, CaseKind, Pitfall, Rules, Scenario, load_embedded};
use dpop_harness::selftest::UNPROVEN;
use dpop_harness::spec::{Gap, Ledger, Level, Profile, Read, Requirement};

fn scenarios() -> Vec<Scenario> {
    load_embedded().expect("valid")
}

#[test]
fn case_ids_are_unique() {
    let scenarios = scenarios();
    let cases = all(&scenarios);
    let ids: BTreeSet<_> = cases.iter().map(|selected| &selected.case.id).collect();
    assert_eq!(ids.len(), cases.len());
}

/// Every case is proven able to fail: a planted bug is there for it, or a reason says what shows it instead.
#[test]
fn every_case_is_needed_by_a_planted_defect() {
    let needed: BTreeSet<&str> = defects().flat_map(|row| row.caught_by).copied().collect();
    let excused: BTreeSet<&str> = UNPROVEN.iter().map(|(id, _)| *id).collect();
    let scenarios = scenarios();
    let cases: BTreeSet<&str> = all(&scenarios).iter().map(|selected| selected.case.id.as_str()).collect();
    let proven: BTreeSet<&str> = needed.union(&excused).copied().collect();
    let orphans: Vec<_> = cases.difference(&proven).collect();
    assert!(orphans.is_empty(), "no defect shows that these can fail: {orphans:?}");
    let stale: Vec<_> = excused.iter().filter(|id| needed.contains(*id) || !cases.contains(*id)).collect();
    assert!(stale.is_empty(), "delete from UNPROVEN: {stale:?}");
}

#[test]
fn every_defect_names_cases_that_exist() {
    let scenarios = scenarios();
    let cases: BTreeSet<&str> = all(&scenarios).iter().map(|selected| selected.case.id.as_str()).collect();
    for row in defects() {
        assert!(!row.caught_by.is_empty(), "{} names no case", row.name);
        for id in row.caught_by {
            assert!(cases.contains(id), "{} names {id}", row.name);
        }
    }
}

#[test]
fn every_mutation_is_used_by_a_case() {
    let scenarios = scenarios();
    let used: BTreeSet<&str> = all(&scenarios)
        .iter()
        .filter_map(|selected| match &selected.case.kind {
            CaseKind::Script { script, .. } => Some(script),
            CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => None,
        })
        .flat_map(|script: &Script| script.steps.iter().flat_map(|step| &step.proof.mutate))
        .map(String::as_str)
        .collect();
    for mutation in mutation::catalogue() {
        assert!(used.contains(mutation.name), "no case uses {}", mutation.name);
    }
}

/// The card: each of these pitfalls has at least three cases.
#[test]
fn every_pitfall_has_three_cases() {
    let mut cases: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in &scenarios() {
        if let Some(pitfall) = scenario.pitfall {
            *cases.entry(pitfall.name()).or_default() += scenario.cases.len();
        }
    }
    for pitfall in Pitfall::ALL {
        let number = cases.get(pitfall.name()).copied().unwrap_or_default();
        assert!(number >= 3, "{} has {number} cases", pitfall.name());
    }
}

/// A verdict cites what somebody has to do: not a duty of clients or of authorization servers.
#[test]
fn cited_requirements_are_duties_of_a_resource_server() {
    let scenarios = scenarios();
    for row in Coverage::of(Ledger::embedded(), &scenarios).rows() {
        let Requirement { id, role, .. } = row.requirement;
        assert!(
            role.includes_resource_server() || row.cases.is_empty(),
            "{:?} cite {id}, a duty of {role:?}",
            row.cases
        );
    }
}

/// Every duty of a resource server is accounted for, once: by cases, or by what the row says of itself.
#[test]
fn every_requirement_is_covered_or_says_why_not() {
    let scenarios = scenarios();
    let mut faults = Vec::new();
    for row in Coverage::of(Ledger::embedded(), &scenarios).rows() {
        let id = &row.requirement.id;
        let (field, text) = match &row.requirement.gap {
            Some(Gap::Untestable(text)) => ("untestable", text.as_str()),
            Some(Gap::OutOfScope(text)) => ("out-of-scope", text.as_str()),
            Some(Gap::Open(text)) => ("open", text.as_str()),
            None if row.state() == State::Forgotten => {
                faults.push(format!(
                    "{id}: no case cites it, no fact measures it; write one, or say `untestable`, `out-of-scope` or `open`"
                ));
                continue;
            }
            None => continue,
        };
        if !row.cases.is_empty() {
            let cases = row.cases.join(", ");
            faults.push(format!("{id}: delete its line `{field}: …`, as it is cited by {cases}"));
        }
        for fact in &row.facts {
            faults.push(format!("{id}: delete its line `{field}: …`, as {} measures it", fact.name()));
        }
        if !row.requirement.role.includes_resource_server() {
            faults.push(format!("{id}: delete its line `{field}: …`, as its role has no suite yet"));
        }
        if text.trim().is_empty() {
            faults.push(format!("{id}: `{field}` without a reason"));
        }
    }
    assert!(faults.is_empty(), "scenarios/ledger.yaml:\n{}", faults.join("\n"));
}

/// No verdict rests on what nobody has looked up.
#[test]
fn cited_requirements_were_read() {
    let scenarios = scenarios();
    for row in Coverage::of(Ledger::embedded(), &scenarios).rows() {
        let Requirement { id, source, read, .. } = row.requirement;
        assert!(
            *read != Read::Unread || (row.cases.is_empty() && row.facts.is_empty()),
            "{:?} and {:?} cite {id}: look it up in {source}",
            row.cases,
            row.facts
        );
    }
}

/// What a profile demands stands in what it cites, and is shown by cases.
#[test]
fn no_profile_is_stricter_than_what_it_cites() {
    let scenarios = scenarios();
    for rules in Profile::ALL.iter().map(|profile| Rules::of(*profile)) {
        let name = rules.profile.name();
        for demand in &rules.demands {
            let rows: Vec<_> =
                demand.spec.iter().map(|id| Ledger::embedded().requirement(id).expect(id)).collect();
            let strictest = rows.iter().map(|row| row.level).min().expect("a demand cites something");
            assert!(demand.level >= strictest, "{name}: {:?} is at most {strictest:?}", demand.spec);
            for row in rows {
                assert!(
                    row.read != Read::Unread && row.role.includes_resource_server(),
                    "{name}: {}",
                    row.id
                );
            }
            for pattern in &demand.cases {
                let shows = |case: &Case| matches(pattern, &case.id) && case.is_for(rules.profile);
                let mut cases = all(&scenarios).into_iter();
                assert!(cases.any(|selected| shows(selected.case)), "{name}: no case for {pattern}");
            }
        }
    }
}

/// Cases that ask for more than what they cite, and why.
const STRICTER: &[(&str, &str)] = &[
    (
        "rs.accept.iat-slightly-ahead",
        "a server may refuse it, and then refuses honest clients whose clock is a little ahead of its own",
    ),
    (
        "rs.downgrade.unbound-bearer-ok",
        "only where the config says that unbound tokens are still served: who refuses them locks its clients out",
    ),
    (
        "rs.answer.success-nonce",
        "a nonce comes with a 200 to spare the challenge; a server that challenges it costs every request two",
    ),
    (
        "rs.credentials.junk-around",
        "a server that tries one field after the other lets two of its parts decide about different tokens",
    ),
];

/// A missed MUST is a failure, so the text has to say MUST. What is policy is decided by the profile.
#[test]
fn no_case_is_stricter_than_what_it_cites() {
    let scenarios = scenarios();
    let mut stricter = BTreeSet::new();
    for Selected { case, .. } in all(&scenarios) {
        let levels =
            case.spec.iter().filter_map(|id| Ledger::embedded().requirement(id)).map(|row| row.level);
        let strictest = levels.min().expect("a case cites something");
        if case.level != Level::Policy && case.level < strictest {
            stricter.insert(case.id.as_str());
        }
    }
    let excused: BTreeSet<&str> = STRICTER.iter().map(|(id, _)| *id).collect();
    let found: Vec<_> = stricter.difference(&excused).collect();
    assert!(found.is_empty(), "lower `level`, or cite the row that says so: {found:?}");
    let stale: Vec<_> = excused.difference(&stricter).collect();
    assert!(stale.is_empty(), "delete from STRICTER: {stale:?}");
}
