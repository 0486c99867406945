use std::io::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Context, Exit, Failure};
use crate::plan::{Selected, names};

/// What to list, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Cases or scenarios, e.g. `rs.ath` or `rs.*.missing`; without any, all.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    filters: super::run::Filters,
    /// The form of the list.
    #[arg(long, value_name = "FORMAT", env = "DPOP_FORMAT", default_value = "human")]
    format: Form,
}

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// A line each.
    Human,
    /// For programs.
    Json,
}

#[derive(Serialize)]
struct Document<'a> {
    cases: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    at: Vec<&'static str>,
    level: &'static str,
    spec: &'a [String],
    tags: Vec<&'static str>,
    file: &'a str,
    line: usize,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let scenarios = context.scenarios()?;
    let cases = arguments.filters.select(&scenarios, &arguments.ids)?;
    match arguments.format {
        Form::Human => {
            let width = cases.iter().map(|selected| selected.case.id.len()).max().unwrap_or_default();
            for Selected { case, .. } in cases {
                writeln!(context.out, "{:width$}  {:6}  {}", case.id, case.level.name(), case.title)?;
            }
        }
        Form::Json => {
            let document = Document { cases: cases.iter().map(row).collect() };
            serde_json::to_writer_pretty(&mut context.out, &document).map_err(std::io::Error::from)?;
            writeln!(context.out)?;
        }
    }
    Ok(Exit::Conforms)
}

fn row<'a>(selected: &Selected<'a>) -> Row<'a> {
    let Selected { scenario, case } = *selected;
    Row {
        id: &case.id,
        title: &case.title,
        at: case.at.iter().map(|endpoint| endpoint.name()).collect(),
        level: case.level.name(),
        spec: &case.spec,
        tags: names(scenario, case).collect(),
        file: &scenario.file,
        line: case.line,
    }
}
