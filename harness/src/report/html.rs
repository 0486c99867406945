//! `--report html` and `dpop matrix`: one page that contains all it needs, asks nobody for anything, and works from a file. Several
//! results stand side by side in it.
//!
//! The page is drawn by `html/page.js` of the data that is put into it. It sets text only, never markup, and the page's policy
//! lets no other script or style run. What passed comes without its transcript, so that the page stays small.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use super::document::{BadWaiver, Case, Document, Drifted, Entry, Facts, Proof, Summary, Waived};
use crate::guide;
use crate::judge::Verdict;
use crate::reference::defects;
use crate::spec::{Gap, Ledger};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// How many bytes of transcripts a page has; the worst cases come first.
const ROOM: usize = 1_700_000;

/// What the page is drawn of.
#[derive(Serialize)]
struct Data<'a> {
    targets: Vec<Target<'a>>,
    cases: Vec<Row<'a>>,
    requirements: Vec<Requirement<'a>>,
    pages: BTreeMap<&'a str, Page>,
    /// Documents of `dpop measure`.
    facts: &'a [Value],
    bugs: Vec<Bug>,
}

#[derive(Serialize)]
struct Target<'a> {
    name: &'a str,
    profile: &'a str,
    version: &'a str,
    began: Option<&'a str>,
    seconds: Option<f64>,
    requests: usize,
    facts: &'a Facts<'a>,
    summary: &'a Summary,
    drift: &'a Option<Drifted<'a>>,
    bad_waivers: &'a [BadWaiver<'a>],
}

/// A case, and what it showed at each target.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    scenario: &'a str,
    file: &'a str,
    line: usize,
    title: &'a str,
    level: &'a str,
    spec: &'a [String],
    cwe: &'a [u16],
    expected: &'a str,
    why: &'a str,
    attacker: Option<&'a str>,
    pitfall: Option<&'a str>,
    /// A proof of the case, where the results have none of their own.
    proof: Option<Proof<'a>>,
    results: Vec<Option<Cell<'a>>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    verdict: Verdict,
    saw: String,
    reason: Option<&'a str>,
    reproduced: Option<&'a str>,
    waived: &'a Option<Waived<'a>>,
    /// What the snapshot says.
    was: Option<String>,
    /// Where the profile makes another level of it.
    level: Option<&'a str>,
    proof: Option<Proof<'a>>,
    transcript: Option<Vec<Shown>>,
    /// How many requests there were, where the transcript is left out.
    left_out: usize,
}

#[derive(Serialize)]
struct Shown {
    turn: String,
    told: String,
    ms: u64,
    decisive: bool,
    request: String,
    response: String,
}

#[derive(Serialize)]
struct Requirement<'a> {
    id: &'a str,
    source: &'a str,
    level: &'static str,
    text: &'a str,
    gap: Option<String>,
}

#[derive(Serialize)]
struct Page {
    title: &'static str,
    text: &'static str,
}

#[derive(Serialize)]
struct Bug {
    name: &'static str,
    summary: &'static str,
    caught_by: &'static [&'static str],
}

/// Writes the page of one run.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_matrix(std::slice::from_ref(document), &[], out)
}

/// Writes the page of several runs side by side, and of what `dpop measure` found of the same targets.
///
/// # Errors
/// Those of `out`.
pub fn write_matrix(documents: &[Document<'_>], facts: &[Value], out: &mut dyn Write) -> io::Result<()> {
    let data = serde_json::to_string(&data(documents, facts))?;
    let names: BTreeSet<&str> = documents.iter().map(|document| document.target.name.as_ref()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let title = text(&format!("DPoP conformance: {}", names.join(", ")));
    // In a script nothing but `<` could end it.
    let data = data.replace('<', "\\u003c");
    let mut rest = PAGE;
    for (place, value) in [
        ("{{policy}}", policy.as_str()),
        ("{{title}}", &title),
        ("{{css}}", STYLE),
        ("{{title}}", &title),
        ("{{data}}", &data),
        ("{{js}}", SCRIPT),
    ] {
        let (before, after) = rest.split_once(place).unwrap_or((rest, ""));
        out.write_all(before.as_bytes())?;
        out.write_all(value.as_bytes())?;
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// What a content security policy calls a script or style by.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes())))
}

fn text(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn data<'a>(documents: &'a [Document<'_>], facts: &'a [Value]) -> Data<'a> {
    let mut ids: Vec<&str> = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for case in documents.iter().flat_map(|document| &document.cases) {
        if known.insert(&case.id) {
            ids.push(&case.id);
        }
    }
    let by_id: Vec<BTreeMap<&str, &Case<'_>>> = documents
        .iter()
        .map(|document| document.cases.iter().map(|case| (case.id.as_ref(), case)).collect())
        .collect();
    let with_transcript = with_transcript(documents);
    let row = |id: &&str| {
        let cases: Vec<Option<&Case<'_>>> = by_id.iter().map(|cases| cases.get(*id).copied()).collect();
        let first = cases.iter().flatten().next()?;
        let results = cases.iter().enumerate().map(|(at, case)| {
            let document = documents.get(at)?;
            case.map(|case| cell(case, first, document, with_transcript.contains(&(at, case.id.as_ref()))))
        });
        Some(Row {
            id: &first.id,
            scenario: &first.scenario,
            file: &first.file,
            line: first.line,
            title: &first.title,
            level: &first.level,
            spec: &first.spec,
            cwe: &first.cwe,
            expected: &first.expected,
            why: &first.why,
            attacker: first.attacker.as_deref(),
            pitfall: first.pitfall.as_deref(),
            proof: cases.iter().flatten().find_map(|case| proof(case)),
            results: results.collect(),
        })
    };
    let cases: Vec<Row<'_>> = ids.iter().filter_map(row).collect();
    let pitfalls: BTreeSet<&str> = cases.iter().filter_map(|case| case.pitfall).collect();
    let page = |name: &str| guide::page(name).map(|page| Page { title: page.title(), text: page.text });
    Data {
        targets: documents.iter().map(target).collect(),
        pages: pitfalls.iter().filter_map(|name| Some((*name, page(name)?))).collect(),
        cases,
        requirements: requirements(),
        facts,
        bugs: defects()
            .map(|row| Bug { name: row.name, summary: row.summary, caught_by: row.caught_by })
            .collect(),
    }
}

fn target<'a>(document: &'a Document<'_>) -> Target<'a> {
    Target {
        name: &document.target.name,
        profile: &document.profile,
        version: &document.tool.version,
        began: document.began.as_deref(),
        seconds: document.seconds,
        requests: document.cases.iter().map(|case| case.requests).sum(),
        facts: &document.facts,
        summary: &document.summary,
        drift: &document.drift,
        bad_waivers: &document.bad_waivers,
    }
}

/// The cases, by number of the target and id, whose transcripts are shown: the worst ones, as long as there is room.
fn with_transcript<'a>(documents: &'a [Document<'_>]) -> BTreeSet<(usize, &'a str)> {
    let mut room = ROOM;
    let mut chosen = BTreeSet::new();
    for verdict in [Verdict::Fail, Verdict::Warn, Verdict::Inconclusive, Verdict::Note] {
        let all = documents.iter().enumerate().flat_map(|(at, document)| {
            document.cases.iter().filter(move |case| case.verdict == verdict).map(move |case| (at, case))
        });
        for (at, case) in all {
            let size: usize =
                case.transcript.iter().map(|entry| entry.request.len() + entry.response.len() + 100).sum();
            if let Some(left) = room.checked_sub(size) {
                room = left;
                chosen.insert((at, case.id.as_ref()));
            }
        }
    }
    chosen
}

fn cell<'a>(case: &'a Case<'_>, first: &Case<'_>, document: &'a Document<'_>, whole: bool) -> Cell<'a> {
    let was = document.drift.as_ref().and_then(|drift| {
        let changed = drift.changed.iter().find(|changed| changed.id == case.id);
        changed.map(|changed| format!("was {}, is {}", changed.was, changed.is))
    });
    let shown = |(at, entry): (usize, Cow<'_, Entry<'_>>)| Shown {
        turn: entry.turn.clone().into_owned(),
        told: entry.told(),
        ms: entry.ms,
        decisive: case.decisive == Some(at),
        request: entry.request.clone().into_owned(),
        response: entry.response.clone().into_owned(),
    };
    Cell {
        verdict: case.verdict,
        saw: case.saw(),
        reason: case.reason.as_deref(),
        reproduced: case.reproduced.as_deref(),
        waived: &case.waived,
        was,
        level: Some(case.level.as_ref()).filter(|level| *level != first.level),
        proof: if whole { proof(case) } else { None },
        transcript: whole.then(|| case.transcript.iter().enumerate().map(shown).collect()),
        left_out: if whole { 0 } else { case.transcript.len() },
    }
}

/// The proof that a case is about: that of the request that decided, or else of its first step.
fn proof<'a>(case: &'a Case<'_>) -> Option<Proof<'a>> {
    let step = || case.transcript.iter().find(|entry| entry.turn.starts_with("step"));
    case.decisive().or_else(step).and_then(|entry| entry.into_owned().proof)
}

/// What resource servers have to do, as the ledger has it.
fn requirements() -> Vec<Requirement<'static>> {
    let rows = Ledger::embedded().requirements().iter().filter(|row| row.role.includes_resource_server());
    rows.map(|row| Requirement {
        id: &row.id,
        source: &row.source,
        level: row.level.name(),
        text: &row.text,
        gap: row.gap.as_ref().map(|gap| match gap {
            Gap::Untestable(why) => format!("untestable: {why}"),
            Gap::OutOfScope(why) => format!("out of scope: {why}"),
            Gap::Open(why) => format!("open: {why}"),
        }),
    })
    .collect()
}
