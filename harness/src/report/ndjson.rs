//! `--report ndjson`: a run as events, one JSON text a line: `run.start`, a `case.end` for every case, `run.end`.
//!
//! Written live, the lines of cases come as they end, in no particular order; a case may have a second line, which then counts
//! in the place of the first.

use std::io::{self, Write};

use serde::Serialize;

use super::document::{BadWaiver, Case, Document, Drifted, Facts, Summary};
use super::from_run;
use crate::suite::Outcome;

/// The value of `format` in the first line.
const FORMAT: &str = "dpop-events/1";

#[derive(Serialize)]
struct Start<'a> {
    event: &'static str,
    format: &'static str,
    version: &'a str,
    target: &'a str,
    profile: &'a str,
    seed: u64,
    /// How many cases there will be.
    cases: usize,
}

#[derive(Serialize)]
struct CaseEnd<'a> {
    event: &'static str,
    case: &'a Case<'a>,
}

#[derive(Serialize)]
struct End<'a> {
    event: &'static str,
    facts: &'a Facts<'a>,
    drift: &'a Option<Drifted<'a>>,
    bad_waivers: &'a [BadWaiver<'a>],
    summary: &'a Summary,
    seconds: Option<f64>,
}

/// A run that is told while it goes on.
pub struct Live<'a> {
    out: Box<dyn Write + Send + 'a>,
}

impl<'a> Live<'a> {
    /// Tells it to `out`.
    pub fn new(out: impl Write + Send + 'a) -> Self {
        Self { out: Box::new(out) }
    }

    /// The run begins, with so many cases.
    ///
    /// # Errors
    /// Those of the output.
    pub fn start(&mut self, target: &str, profile: &str, seed: u64, cases: usize) -> io::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        line(
            &mut self.out,
            &Start { event: "run.start", format: FORMAT, version, target, profile, seed, cases },
        )
    }

    /// A case has its outcome.
    ///
    /// # Errors
    /// Those of the output.
    pub fn case(&mut self, outcome: &Outcome) -> io::Result<()> {
        case_end(&mut self.out, &from_run::case(outcome))
    }

    /// The run is over.
    ///
    /// # Errors
    /// Those of the output.
    pub fn end(&mut self, document: &Document<'_>) -> io::Result<()> {
        end(&mut self.out, document)
    }
}

/// Writes the events of a run that is over.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let start = Start {
        event: "run.start",
        format: FORMAT,
        version: &document.tool.version,
        target: &document.target.name,
        profile: &document.profile,
        seed: document.seed,
        cases: document.cases.len(),
    };
    line(out, &start)?;
    for case in &document.cases {
        case_end(out, case)?;
    }
    end(out, document)
}

fn case_end(out: &mut dyn Write, case: &Case<'_>) -> io::Result<()> {
    line(out, &CaseEnd { event: "case.end", case })
}

fn end(out: &mut dyn Write, document: &Document<'_>) -> io::Result<()> {
    let Document { facts, drift, bad_waivers, summary, seconds, .. } = document;
    line(out, &End { event: "run.end", facts, drift, bad_waivers, summary, seconds: *seconds })
}

/// One line, seen by whoever reads along as soon as it is written.
fn line(out: &mut dyn Write, event: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    out.write_all(b"\n")?;
    out.flush()
}
