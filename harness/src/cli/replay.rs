use std::path::PathBuf;

use clap::Args;

use super::aim::Subject;
use super::reports::{Page, Reports};
use super::run::{perform, seconds_since};
use super::{Context, Exit, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::plan::select_for;
use crate::report::{Comparison, Document, Report};

/// What is sent again.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What `dpop run` left of a failure in `.dpop/bundles` beside the config; or the results of a run, whose findings are meant.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    reports: Reports,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    arguments.reports.check()?;
    let was = Document::open(&arguments.bundle).map_err(|error| Failure::Usage(error.to_string()))?;
    let profile = super::run::profile(was.profile()).map_err(Failure::Usage)?;
    let ids: Vec<String> = was.findings().map(str::to_owned).collect();
    if ids.is_empty() {
        return Err(Failure::Nothing(format!("{}: nothing in it failed", arguments.bundle.display())));
    }
    let scenarios = context.scenarios()?;
    let selected =
        select_for(&scenarios, &ids, profile).map_err(|nothing| Failure::Nothing(nothing.to_string()))?;
    let config = arguments.subject.config(context, "testing")?;
    let began = SystemClock.now();
    let results = super::runtime()?.block_on(async {
        let (_servers, mut setup) = arguments.subject.set_up(config.as_ref(), profile, None).await?;
        if setup.name != was.target() {
            return Err(Failure::Usage(format!(
                "{} is of the target \"{}\", and this is \"{}\"",
                arguments.bundle.display(),
                was.target(),
                setup.name
            )));
        }
        setup.seed = was.seed();
        setup.opt_in.ids.clone_from(&ids);
        let (results, stop) =
            perform(&setup, &scenarios, &selected, context.common.quiet, &mut |_, _| {}).await;
        if stop.is_requested() { Err(Failure::Interrupted) } else { Ok(results) }
    })?;
    let place = config.as_ref().map(super::run::config_place);
    let report = Report {
        results: &results,
        drift: None,
        began,
        seconds: seconds_since(began),
        partition: None,
        config: place.as_ref(),
    };
    let page = Page::Cases(arguments.subject.repeat_with());
    arguments.reports.write(&report, context, page)?;
    if !context.common.quiet && !arguments.reports.to_stdout() {
        Comparison::between(&was.only(&ids), &Document::from(&report)).write(&mut context.out)?;
    }
    Ok(Exit::of(&results, None, false))
}
