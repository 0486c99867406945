use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::check;
use super::embedded::EMBEDDED;
use super::file::{CaseRow, ScenarioRow, StepRow};
use super::source::{Diagnostic, Fault, Source};
use super::{Case, CaseKind, Expect, Scenario};
use crate::mutation::describe;
use crate::proof::{Connection, Node, Script, Step};

/// Reads scenarios from their texts.
///
/// # Errors
/// The first [`Diagnostic`]: syntax, unknown keys, wrong types, names that refer to nothing, ids that stand twice.
pub fn load(sources: &[Source]) -> Result<Vec<Scenario>, Box<Diagnostic>> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for source in sources {
        let documents = source.documents::<ScenarioRow>()?;
        if documents.is_empty() {
            let fault = Fault::Shape("there is no scenario in this file".to_owned());
            return Err(source.at("", fault));
        }
        for (row, places) in documents {
            check::scenario(&row, source, &places)?;
            let line = source.line_of(&places.key("id"));
            let place = format!("{}:{line}", source.file);
            if let Some(first) = seen.insert(row.id.clone(), place) {
                let fault = Fault::Contradiction(format!("the id `{}` is taken by {first}", row.id));
                return Err(source.diagnostic(fault, &places.value("id")));
            }
            let line_of = |case: &str| source.line_of(&places.key(&format!("cases.{case}")));
            scenarios.push(scenario(row, source, line, &line_of));
        }
    }
    Ok(scenarios)
}

/// The scenarios that the library was built with.
///
/// # Errors
/// As [`load`]; a test sees to it that there are none.
pub fn load_embedded() -> Result<Vec<Scenario>, Box<Diagnostic>> {
    load_embedded_and(&[])
}

/// The scenarios that the library was built with, and `more`.
///
/// # Errors
/// As [`load`].
pub fn load_embedded_and(more: &[Source]) -> Result<Vec<Scenario>, Box<Diagnostic>> {
    let source = |(file, text): &(&str, &str)| Source { file: (*file).to_owned(), text: (*text).to_owned() };
    load(&EMBEDDED.iter().map(source).chain(more.iter().cloned()).collect::<Vec<_>>())
}

/// Every `*.yaml` below `dir`, in the order of the paths.
///
/// # Errors
/// A [`Diagnostic`] for a folder or file that can't be read, and for a folder without any such file.
pub fn read_dir(dir: &Path) -> Result<Vec<Source>, Box<Diagnostic>> {
    let mut paths = Vec::new();
    collect(dir, &mut paths)?;
    if paths.is_empty() {
        let fault = Fault::Shape("there is no *.yaml file below this folder".to_owned());
        return Err(Diagnostic::at_start(dir, fault));
    }
    paths.sort();
    paths.iter().map(|path| Source::open(path)).collect()
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Box<Diagnostic>> {
    let entries = std::fs::read_dir(dir).map_err(|error| Diagnostic::unreadable(dir, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| Diagnostic::unreadable(dir, &error))?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            paths.push(path);
        }
    }
    Ok(())
}

fn scenario(row: ScenarioRow, source: &Source, line: usize, line_of: &dyn Fn(&str) -> usize) -> Scenario {
    let cases = row
        .cases
        .0
        .into_iter()
        .map(|(name, case)| {
            let line = line_of(&name);
            let requires = case.requires.clone().unwrap_or_else(|| row.requires.clone());
            let profiles = case.profiles.clone().unwrap_or_else(|| row.profiles.clone());
            let at = case.at.clone().unwrap_or_else(|| row.at.clone());
            let spec = case.spec.clone().unwrap_or_else(|| row.spec.clone());
            let (level, excused_by, title) =
                (case.level.unwrap_or(row.level), case.excused_by, case.title.clone());
            let observed = case.observed;
            let kind = kind(case);
            let title = title.unwrap_or_else(|| words(&kind));
            Case {
                id: format!("{}.{name}", row.id),
                title,
                at,
                level,
                spec,
                requires,
                profiles,
                excused_by,
                observed,
                kind,
                line,
            }
        })
        .collect();
    Scenario {
        id: row.id,
        title: row.title,
        why: row.why,
        pitfall: row.pitfall,
        cwe: row.cwe,
        attacker: row.attacker,
        cases,
        file: source.file.clone(),
        line,
    }
}

fn kind(case: CaseRow) -> CaseKind {
    if let Some(check) = case.answers {
        return CaseKind::Answers(check);
    }
    if let Some(check) = case.metadata {
        return CaseKind::Metadata(check);
    }
    if let Some(check) = case.preflight {
        return CaseKind::Preflight(check);
    }
    let (client, trials) = (case.client, case.trials);
    let rows = case.steps.unwrap_or_else(|| {
        let expect = case.expect.unwrap_or(Expect::Accept); // `check` has seen to it that there is one
        vec![StepRow {
            name: None,
            resend: None,
            proof: case.proof,
            token: case.token,
            request: case.request,
            node: Node::default(),
            wait: None,
            if_accepted: None,
            send: case.send,
            repeat: None,
            after_lost_answer: case.after_lost_answer,
            watch: case.watch,
            expect,
        }]
    });
    let (steps, expects) = rows
        .into_iter()
        .map(|row| {
            let StepRow {
                name,
                resend,
                proof,
                token,
                request,
                node,
                wait,
                if_accepted,
                send,
                repeat,
                after_lost_answer,
                watch,
                expect,
            } = row;
            let step = Step {
                name,
                resend,
                proof,
                token,
                request,
                node,
                wait,
                if_accepted,
                send,
                repeat,
                after_lost_answer,
                watch,
            };
            (step, expect)
        })
        .unzip();
    CaseKind::Script { script: Script { client, steps, trials }, expects }
}

/// A title made from the edits.
fn words(kind: &CaseKind) -> String {
    match kind {
        CaseKind::Script { script, .. } => {
            let mut phrases: Vec<String> = script.steps.iter().flat_map(describe).collect();
            if phrases.is_empty() {
                phrases.push("a correct request".to_owned());
            }
            if script.client.connection == Connection::Kept {
                phrases.push("over a kept connection".to_owned());
            }
            phrases.extend(script.trials.map(|trials| format!("{trials} times")));
            phrases.extend(script.client.alg.map(|alg| format!("by a client with a key for {}", alg.name())));
            phrases.join(", ")
        }
        CaseKind::Answers(check) => format!("answers: {check:?}"),
        CaseKind::Metadata(check) => format!("metadata: {check:?}"),
        CaseKind::Preflight(check) => format!("preflight: {check:?}"),
    }
}
