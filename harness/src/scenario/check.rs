//! What a scenario must satisfy beyond its shape.

use super::file::{CaseRow, ScenarioRow, StepRow};
use super::source::{Diagnostic, Fault, Place, Places, Source};
use crate::mutation;
use crate::proof::{Client, JtiEdit, ProofEdits, RequestEdits, TokenEdits};
use crate::spec::Ledger;

type Checked = Result<(), Box<Diagnostic>>;

pub(super) fn scenario(row: &ScenarioRow, source: &Source, places: &Places) -> Checked {
    let checker = Checker { source, places };
    if !(row.id.starts_with("rs.") && row.id.split('.').all(is_name)) {
        let fault = "an id is `rs.` and lower-case words, such as `rs.ath`";
        return checker.contradiction("id", fault);
    }
    checker.spec(&row.spec, "spec")?;
    if row.at.is_empty() {
        return checker.contradiction("at", "a scenario needs a place to send its requests to");
    }
    if row.cases.0.is_empty() {
        return checker.contradiction("cases", "a scenario needs at least one case");
    }
    for (name, case) in &row.cases.0 {
        let path = format!("cases.{name}");
        if !is_name(name) {
            return checker.contradiction(&path, "a case's name is a lower-case word, with hyphens");
        }
        checker.case(case, &path)?;
    }
    Ok(())
}

/// What a correct proof can have (RFC 9449 section 4.2).
const MEMBERS: &[&str] = &["typ", "alg", "jwk", "jti", "htm", "htu", "iat", "ath", "nonce"];

struct Checker<'a> {
    source: &'a Source,
    places: &'a Places,
}

impl Checker<'_> {
    fn contradiction(&self, path: &str, message: &str) -> Checked {
        Err(self.source.diagnostic(Fault::Contradiction(message.to_owned()), &self.places.key(path)))
    }

    fn unknown<'a>(
        &self,
        what: &'static str,
        name: &str,
        place: &Place,
        candidates: impl Iterator<Item = &'a str>,
    ) -> Checked {
        let fault = Fault::Unknown { what, name: name.to_owned() };
        Err(self.source.diagnostic(fault, place).with_hint(name, candidates))
    }

    fn spec(&self, rows: &[String], path: &str) -> Checked {
        let ledger = Ledger::embedded();
        for (index, id) in rows.iter().enumerate() {
            if ledger.requirement(id).is_none() {
                let known = ledger.requirements().iter().map(|row| row.id.as_str());
                let place = self.places.value(&format!("{path}[{index}]"));
                return self.unknown("requirement", id, &place, known);
            }
        }
        if rows.is_empty() {
            return self.contradiction(path, "a case cites at least one requirement");
        }
        Ok(())
    }

    fn case(&self, case: &CaseRow, path: &str) -> Checked {
        if let Some(rows) = &case.spec {
            self.spec(rows, &format!("{path}.spec"))?;
        }
        if case.at.as_ref().is_some_and(Vec::is_empty) {
            return self.contradiction(&format!("{path}.at"), "a case needs a place to send its requests to");
        }
        let in_place = case.expect.is_some()
            || case.proof != ProofEdits::default()
            || case.token != TokenEdits::default()
            || case.request != RequestEdits::default();
        let kinds = [in_place, case.steps.is_some(), case.answers.is_some(), case.preflight.is_some()];
        match kinds.iter().filter(|present| **present).count() {
            1 => {}
            0 => return self.contradiction(path, "a case needs `expect`, `steps`, `answers` or `preflight`"),
            _ => {
                return self.contradiction(
                    path,
                    "a case has only one of `expect` with its edits, `steps`, `answers`, `preflight`",
                );
            }
        }
        if case.observed && (case.answers.is_some() || case.preflight.is_some()) {
            return self
                .contradiction(&format!("{path}.observed"), "a check that sends nothing is not observed");
        }
        if case.client != Client::default() && (case.answers.is_some() || case.preflight.is_some()) {
            return self.contradiction(&format!("{path}.client"), "a check that sends nothing has no client");
        }
        if let Some(steps) = &case.steps {
            return self.steps(steps, path);
        }
        if in_place && case.expect.is_none() {
            return self.contradiction(path, "a case with edits needs `expect`");
        }
        self.proof(&case.proof, &[], false, &format!("{path}.proof"))
    }

    fn steps(&self, steps: &[StepRow], path: &str) -> Checked {
        if steps.is_empty() {
            return self.contradiction(path, "a case needs at least one step");
        }
        let mut named: Vec<&str> = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let path = format!("{path}.steps[{index}]");
            if let Some(name) = &step.resend {
                if !named.contains(&name.as_str()) {
                    let place = self.places.value(&format!("{path}.resend"));
                    return self.unknown("earlier step", name, &place, named.iter().copied());
                }
                let only_mutations =
                    ProofEdits { mutate: step.proof.mutate.clone(), ..ProofEdits::default() } == step.proof
                        && step.token == TokenEdits::default()
                        && step.request == RequestEdits::default();
                if !only_mutations {
                    return self.contradiction(
                        &path,
                        "what is sent again can only be changed by `proof: { mutate: … }`",
                    );
                }
            }
            self.proof(&step.proof, &named, step.resend.is_some(), &format!("{path}.proof"))?;
            if let Some(name) = step.name.as_deref() {
                if named.contains(&name) {
                    let fault = format!("an earlier step is called `{name}`, too");
                    return self.contradiction(&format!("{path}.as"), &fault);
                }
                named.push(name);
            }
        }
        Ok(())
    }

    fn proof(&self, edits: &ProofEdits, named: &[&str], resent: bool, path: &str) -> Checked {
        for (index, name) in edits.mutate.iter().enumerate() {
            let path = format!("{path}.mutate[{index}]");
            let Some(mutation) = mutation::find(name) else {
                let known = mutation::catalogue().map(|mutation| mutation.name);
                return self.unknown("mutation", name, &self.places.value(&path), known);
            };
            if resent && !mutation.applies_to_resent() {
                return self.contradiction(
                    &path,
                    "this mutation comes before the signature, and what is sent again is signed",
                );
            }
        }
        let added = |name: &str| edits.claims.member(name).or(edits.header.member(name)).is_some();
        let there = |name: &str| MEMBERS.contains(&name) || added(name);
        let omitted = edits.omit.iter().enumerate();
        let omitted = omitted.map(|(index, name)| (name, format!("{path}.omit[{index}]")));
        let retyped = edits.retype.keys().map(|name| (name, format!("{path}.retype.{name}")));
        if let Some((name, path)) = omitted.chain(retyped).find(|(name, _)| !there(name)) {
            let place = self.places.key(&path);
            return self.unknown("claim or header parameter", name, &place, MEMBERS.iter().copied());
        }
        match &edits.jti {
            Some(JtiEdit::Of(name)) if !named.contains(&name.as_str()) => {
                let place = self.places.value(&format!("{path}.jti.of"));
                self.unknown("earlier step", name, &place, named.iter().copied())
            }
            _ => Ok(()),
        }
    }
}

fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !word.starts_with('-')
        && !word.ends_with('-')
}
