use std::io::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Context, Exit, Failure};
use crate::plan::{Selected, names};
use crate::scenario::{Case, Rules};
use crate::spec::{Level, Profile};

/// What to list, and how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Cases or scenarios, e.g. `rs.ath` or `rs.*.missing`; without any, all.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    filters: super::selection::Filters,
    /// Only cases of this profile, with its levels; otherwise the cases of all.
    #[arg(long, value_name = "NAME", env = "DPOP_PROFILE", value_parser = super::run::profile)]
    profile: Option<Profile>,
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
    let cases = arguments.filters.select(&scenarios, &arguments.ids, arguments.profile)?;
    match arguments.format {
        Form::Human => {
            let width = cases.iter().map(|selected| selected.case.id.len()).max().unwrap_or_default();
            for Selected { case, .. } in cases {
                let level = level(case, arguments.profile).name();
                let only = match case.profiles.as_slice() {
                    [] => String::new(),
                    some => format!(" [{}]", names_of(some).join(", ")),
                };
                writeln!(context.out, "{:width$}  {level:6}  {}{only}", case.id, case.title)?;
            }
        }
        Form::Json => {
            let document =
                Document { cases: cases.iter().map(|case| row(case, arguments.profile)).collect() };
            serde_json::to_writer_pretty(&mut context.out, &document).map_err(std::io::Error::from)?;
            writeln!(context.out)?;
        }
    }
    Ok(Exit::Conforms)
}

/// How binding a case is: under a profile, or as it says itself.
fn level(case: &Case, profile: Option<Profile>) -> Level {
    profile.map_or(case.level, |profile| Rules::of(profile).level(case))
}

fn names_of(profiles: &[Profile]) -> Vec<&'static str> {
    profiles.iter().map(|profile| profile.name()).collect()
}

fn row<'a>(selected: &Selected<'a>, profile: Option<Profile>) -> Row<'a> {
    let Selected { scenario, case } = *selected;
    Row {
        id: &case.id,
        title: &case.title,
        at: case.at.iter().map(|endpoint| endpoint.name()).collect(),
        level: level(case, profile).name(),
        spec: &case.spec,
        tags: names(scenario, case).collect(),
        file: &scenario.file,
        line: case.line,
    }
}
