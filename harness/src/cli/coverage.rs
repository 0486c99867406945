use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::list::Form;
use super::{Context, Exit, Failure};
use crate::coverage::{Coverage, Row, State};
use crate::report::hanging;
use crate::spec::Ledger;

/// How to show it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The form of the list.
    #[arg(long, value_name = "FORMAT", env = "DPOP_FORMAT", default_value = "human")]
    format: Form,
}

#[derive(Serialize)]
struct Document<'a> {
    requirements: Vec<Line<'a>>,
    summary: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    role: &'static str,
    level: &'static str,
    source: &'a str,
    also: Option<&'a str>,
    read: &'static str,
    text: &'a str,
    state: &'static str,
    reason: Option<&'a str>,
    cases: &'a [&'a str],
    facts: Vec<&'static str>,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let scenarios = context.scenarios()?;
    let coverage = Coverage::of(Ledger::embedded(), &scenarios);
    match arguments.format {
        Form::Human => {
            let verbosity = context.style().verbosity;
            human(&coverage, verbosity, &mut context.out)?;
        }
        Form::Json => {
            let count = |state: &State| (state.name().to_owned(), coverage.count(*state).into());
            let document = Document {
                requirements: coverage.rows().iter().map(line).collect(),
                summary: State::ALL.iter().map(count).collect(),
            };
            serde_json::to_writer_pretty(&mut context.out, &document).map_err(io::Error::from)?;
            writeln!(context.out)?;
        }
    }
    Ok(Exit::Conforms)
}

/// Section by section, what is covered only in numbers unless more is asked for; the sum comes last.
fn human(coverage: &Coverage<'_>, verbosity: i8, out: &mut dyn Write) -> io::Result<()> {
    if verbosity >= 0 {
        for section in coverage.sections() {
            let (covered, all) = (section.count(State::Covered), section.rows.len());
            writeln!(out, "\u{1b}[1m{}: {covered}/{all}\u{1b}[0m", section.source)?;
            for row in section.rows.iter().filter(|row| verbosity > 0 || row.state() != State::Covered) {
                show(row, out)?;
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", coverage.summary())
}

fn show(row: &Row<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head = format!("  {:18}{:14}", row.requirement.id, row.state().name());
    hanging(out, &head, &row.requirement.text)?;
    let label = match row.state() {
        State::Covered | State::Measured => "by ",
        State::Open => "needs ",
        State::Untestable | State::OutOfScope | State::NoSuite | State::Forgotten => "because ",
    };
    let proof = row.reason().map_or_else(|| row.proofs().join(", "), str::to_owned);
    hanging(out, &format!("{:34}{label}", ""), &proof)
}

fn line<'a>(row: &'a Row<'a>) -> Line<'a> {
    let requirement = row.requirement;
    Line {
        id: &requirement.id,
        role: requirement.role.name(),
        level: requirement.level.name(),
        source: &requirement.source,
        also: requirement.also.as_deref(),
        read: requirement.read.name(),
        text: &requirement.text,
        state: row.state().name(),
        reason: row.reason(),
        cases: &row.cases,
        facts: row.facts.iter().map(|fact| fact.name()).collect(),
    }
}
