//! What a scenario must satisfy beyond its shape.

use std::time::Duration;

use super::expect::Expect;
use super::file::{CaseRow, Endpoint, ScenarioRow, StepRow};
use super::source::{Diagnostic, Fault, Place, Places, Source};
use crate::clock::Span;
use crate::mutation;
use crate::proof::{
    Client, Connection, Each, HttpVersion, JtiEdit, Lines, Node, ProofEdits, RequestEdits, TokenEdits,
    Volley, Watch,
};
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
        let at = case.at.as_deref().unwrap_or(&row.at);
        checker.nodes(case, at, &path)?;
        if case.metadata.is_some() != at.contains(&Endpoint::Metadata) {
            let fault = "what is published is judged by `metadata`, at `metadata`, and nothing else is";
            return checker.contradiction(&path, fault);
        }
    }
    Ok(())
}

/// What a correct proof can have (RFC 9449 section 4.2).
const MEMBERS: &[&str] = &["typ", "alg", "jwk", "jti", "htm", "htu", "iat", "ath", "nonce"];

/// The most copies that are sent at the same time.
const MOST_COPIES: usize = 64;
/// The most trials of a case.
const MOST_TRIALS: usize = 20;
/// The most requests that one step sends one after another.
const MOST_REPEATED: usize = 1000;
/// The longest that a case waits.
const MOST_WAITING: Span = Span(Duration::from_secs(600));
const NAMELESS: &str =
    "a step of which any answer will do needs a name, and a step behind it that depends on it";

const WATCHED: &str = "what is watched is one request that is made anew, and nothing depends on it";

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
            || case.request != RequestEdits::default()
            || case.send.is_some()
            || case.after_lost_answer
            || case.watch.is_some();
        let kinds = [
            in_place,
            case.steps.is_some(),
            case.answers.is_some(),
            case.metadata.is_some(),
            case.preflight.is_some(),
        ];
        match kinds.iter().filter(|present| **present).count() {
            1 => {}
            0 => {
                return self.contradiction(
                    path,
                    "a case needs `expect`, `steps`, `answers`, `metadata` or `preflight`",
                );
            }
            _ => {
                return self.contradiction(
                    path,
                    "a case has only one of `expect` with its edits, `steps`, `answers`, `metadata`, `preflight`",
                );
            }
        }
        let sends = case.answers.is_none() && case.metadata.is_none() && case.preflight.is_none();
        if case.observed && !sends {
            return self
                .contradiction(&format!("{path}.observed"), "a check that sends nothing is not observed");
        }
        if case.client != Client::default() && !sends {
            return self.contradiction(&format!("{path}.client"), "a check that sends nothing has no client");
        }
        if let Some(trials) = case.trials {
            let path = format!("{path}.trials");
            if case.send.is_none() {
                return self
                    .contradiction(&path, "only a case that sends copies of its only step has trials");
            }
            if !(2..=MOST_TRIALS).contains(&trials) {
                return self.contradiction(&path, &format!("2 to {MOST_TRIALS} trials"));
            }
        }
        if let Some(steps) = &case.steps {
            return self.steps(case, steps, path);
        }
        if in_place && case.expect.is_none() {
            return self.contradiction(path, "a case with edits needs `expect`");
        }
        if let Some(expect) = &case.expect {
            self.sending(case.send, case.request.http, expect, false, path)?;
            if *expect == Expect::Any {
                return self.contradiction(&format!("{path}.expect"), NAMELESS);
            }
            if case.watch.is_some() && case.send.is_some() {
                return self.contradiction(&format!("{path}.watch"), WATCHED);
            }
            self.watch(case.watch, &case.proof, path)?;
        }
        self.proof(&case.proof, &[], false, &format!("{path}.proof"))
    }

    /// What can't be done at two nodes, and only there.
    fn nodes(&self, case: &CaseRow, at: &[Endpoint], path: &str) -> Checked {
        let steps = case.steps.as_deref().unwrap_or_default();
        if !at.contains(&Endpoint::Nodes) {
            return match steps.iter().position(|step| step.node != Node::default()) {
                Some(index) => self.contradiction(
                    &format!("{path}.steps[{index}].node"),
                    "only a case at `nodes` has two nodes",
                ),
                None => Ok(()),
            };
        }
        let beside = case.client.connection == Connection::Kept
            || [case.send].into_iter().chain(steps.iter().map(|step| step.send)).any(|send| send.is_some())
            || case.after_lost_answer
            || steps.iter().any(|step| step.after_lost_answer);
        if at.len() > 1 || beside {
            let fault =
                "a case at `nodes` is nowhere else, and has one request at a time, each with its connection";
            return self.contradiction(path, fault);
        }
        Ok(())
    }

    fn steps(&self, case: &CaseRow, steps: &[StepRow], path: &str) -> Checked {
        if steps.is_empty() {
            return self.contradiction(path, "a case needs at least one step");
        }
        let waiting: Duration = steps.iter().filter_map(|step| step.wait).map(|wait| wait.0).sum();
        if waiting > MOST_WAITING.0 {
            let fault = format!("waits of {} in all, and {MOST_WAITING} are the most", Span(waiting));
            return self.contradiction(&format!("{path}.steps"), &fault);
        }
        if case.client.connection == Connection::Kept
            && steps.iter().any(|step| step.after_lost_answer || step.request.http != steps[0].request.http)
        {
            let fault = "a connection that is kept has one version of HTTP, and is not cut";
            return self.contradiction(path, fault);
        }
        let mut refused = steps
            .iter()
            .filter(|step| matches!(step.expect, Expect::Reject(_)))
            .map(|step| step.request.http);
        if let Some(first) = refused.next()
            && refused.any(|other| other != first)
        {
            let fault = "the steps that must be refused go over one version of HTTP, as their controls do";
            return self.contradiction(path, fault);
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
                        && step.request
                            == RequestEdits { http: step.request.http, ..RequestEdits::default() };
                if !only_mutations {
                    return self.contradiction(
                        &path,
                        "what is sent again can only be changed by `proof: { mutate: … }` and `request: { http: … }`",
                    );
                }
            }
            self.proof(&step.proof, &named, step.resend.is_some(), &format!("{path}.proof"))?;
            self.sending(step.send, step.request.http, &step.expect, step.resend.is_some(), &path)?;
            self.repeated(step, &path)?;
            if let Some(name) = &step.if_accepted
                && !named.contains(&name.as_str())
            {
                let place = self.places.value(&format!("{path}.if-accepted"));
                return self.unknown("earlier step", name, &place, named.iter().copied());
            }
            if step.watch.is_some() && (step.name.is_some() || step.resend.is_some()) {
                return self.contradiction(&format!("{path}.watch"), WATCHED);
            }
            self.watch(step.watch, &step.proof, &path)?;
            if step.expect == Expect::Any && step.name.is_none() {
                return self.contradiction(&format!("{path}.expect"), NAMELESS);
            }
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

    /// What is sent at the same time, and what is expected of it.
    fn sending(
        &self,
        send: Option<Volley>,
        http: Option<HttpVersion>,
        expect: &Expect,
        resent: bool,
        path: &str,
    ) -> Checked {
        let expecting = format!("{path}.expect");
        let Some(volley) = send else {
            return match expect {
                Expect::AcceptsExactly(_) => {
                    self.contradiction(&expecting, "`accepts` counts copies: it needs `send`")
                }
                Expect::Accept | Expect::Reject(_) | Expect::Challenge | Expect::Answer | Expect::Any => {
                    Ok(())
                }
            };
        };
        if !(2..=MOST_COPIES).contains(&volley.copies) {
            let path = format!("{path}.send.copies");
            return self.contradiction(&path, &format!("2 to {MOST_COPIES} copies"));
        }
        let lines = format!("{path}.send.connection");
        match (volley.connection, http) {
            (Lines::One, Some(HttpVersion::Http2)) | (Lines::Own, Some(HttpVersion::Http1) | None) => {}
            (Lines::One, _) => {
                return self
                    .contradiction(&lines, "many at once over one connection need `request: { http: 2 }`");
            }
            (Lines::Own, Some(HttpVersion::Http2)) => {
                return self.contradiction(path, "over HTTP/2 many at once go with `connection: one`");
            }
        }
        match (volley.each, expect) {
            (Each::Fresh, _) if resent => {
                self.contradiction(&format!("{path}.send.each"), "what is sent again is never fresh")
            }
            (Each::Same, Expect::AcceptsExactly(number)) if (1..volley.copies).contains(number) => Ok(()),
            (Each::Same, Expect::AcceptsExactly(_)) => {
                self.contradiction(&expecting, "at least one of the copies, and not all of them")
            }
            (
                Each::Same,
                Expect::Accept | Expect::Reject(_) | Expect::Challenge | Expect::Answer | Expect::Any,
            ) => self
                .contradiction(&expecting, "of copies of one request, `expect: { accepts: { exactly: … } }`"),
            (Each::Fresh, Expect::Accept) => Ok(()),
            (
                Each::Fresh,
                Expect::Reject(_)
                | Expect::Challenge
                | Expect::AcceptsExactly(_)
                | Expect::Answer
                | Expect::Any,
            ) => self.contradiction(&expecting, "of requests with a proof each, `expect: accept`"),
        }
    }

    /// A URL of keys in the proof and a look at who calls it belong together.
    fn watch(&self, watch: Option<Watch>, proof: &ProofEdits, path: &str) -> Checked {
        if proof.remote_key.is_some() == (watch == Some(Watch::Calls)) {
            return Ok(());
        }
        self.contradiction(path, "`proof: { remote-key: … }` and `watch: calls` need each other")
    }

    fn repeated(&self, step: &StepRow, path: &str) -> Checked {
        let Some(number) = step.repeat else { return Ok(()) };
        let path = format!("{path}.repeat");
        if !(2..=MOST_REPEATED).contains(&number) {
            return self.contradiction(&path, &format!("2 to {MOST_REPEATED} requests"));
        }
        if step.resend.is_some() || step.send.is_some() || !step.expect.is_accept() {
            return self
                .contradiction(&path, "only what is to be accepted, made anew each time, is repeated");
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
        if let Some(copy) = &edits.copy {
            if !named.contains(&copy.of.as_str()) {
                let place = self.places.value(&format!("{path}.copy.of"));
                return self.unknown("earlier step", &copy.of, &place, named.iter().copied());
            }
            if copy.claims.is_empty() {
                return self.contradiction(&format!("{path}.copy.claims"), "nothing is copied");
            }
        }
        match &edits.jti {
            None => Ok(()),
            Some(jti) => self.jti(jti, named, &format!("{path}.jti")),
        }
    }

    fn jti(&self, jti: &JtiEdit, named: &[&str], path: &str) -> Checked {
        if *jti == JtiEdit::default() {
            return self.contradiction(path, "nothing is changed");
        }
        if jti.length.is_some_and(|length| !JtiEdit::LENGTHS.contains(&length)) {
            let (least, most) = (JtiEdit::LENGTHS.start(), JtiEdit::LENGTHS.end());
            return self.contradiction(&format!("{path}.length"), &format!("{least} to {most} characters"));
        }
        match &jti.of {
            Some(name) if !named.contains(&name.as_str()) => {
                let place = self.places.value(&format!("{path}.of"));
                self.unknown("earlier step", name, &place, named.iter().copied())
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !word.starts_with('-')
        && !word.ends_with('-')
}
