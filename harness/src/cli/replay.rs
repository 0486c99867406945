use std::path::PathBuf;

use clap::Args;

use super::aim::Subject;
use super::reports::{Page, Reports};
use super::run::{perform, seconds_since};
use super::{Context, Exit, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::fuzz::Bundle;
use crate::plan::select_for;
use crate::report::{Comparison, Document, Report};
use crate::scenario::{Source, load_embedded_and};

/// What is sent again.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What `dpop run` left of a failure in `.dpop/bundles` beside the config, or `dpop fuzz` of a finding (`bundle.json`); or the
    /// results of a run, whose findings are meant.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    #[command(flatten)]
    subject: Subject,
    #[command(flatten)]
    reports: Reports,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    arguments.reports.check()?;
    let text = std::fs::read_to_string(&arguments.bundle).ok();
    let found = text.as_deref().and_then(Bundle::read);
    let past = match found {
        Some(bundle) => Past::Finding(bundle),
        None => {
            let was = Document::open(&arguments.bundle).map_err(|error| Failure::Usage(error.to_string()))?;
            Past::Results(Box::new(was))
        }
    };
    let ids = past.ids();
    if ids.is_empty() && matches!(past, Past::Finding(_)) {
        let why = "it takes two targets to see it; dpop fuzz --minimize with --against looks at it again";
        return Err(Failure::Nothing(format!("{}: {why}", arguments.bundle.display())));
    }
    if ids.is_empty() {
        return Err(Failure::Nothing(format!("{}: nothing in it failed", arguments.bundle.display())));
    }
    let scenarios = match &past {
        Past::Results(_) => context.scenarios()?,
        Past::Finding(bundle) => {
            let (file, text) = (arguments.bundle.display().to_string(), bundle.scenario.clone());
            load_embedded_and(&[Source { file, text }])?
        }
    };
    let config = arguments.subject.config(context, "testing")?;
    let profile = match &past {
        Past::Results(was) => super::run::profile(was.profile()).map_err(Failure::Usage)?,
        Past::Finding(_) => config.as_ref().map(|config| config.profile).unwrap_or_default(),
    };
    let selected =
        select_for(&scenarios, &ids, profile).map_err(|nothing| Failure::Nothing(nothing.to_string()))?;
    let began = SystemClock.now();
    let results = super::runtime()?.block_on(async {
        let (_servers, mut setup) = arguments.subject.set_up(config.as_ref(), profile, None).await?;
        if setup.name != past.target() {
            return Err(Failure::Usage(format!(
                "{} is of the target \"{}\", and this is \"{}\"",
                arguments.bundle.display(),
                past.target(),
                setup.name
            )));
        }
        if let Past::Results(was) = &past {
            setup.seed = was.seed();
        }
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
    // What is a warning at most is why it was found, and still there.
    let deny_warnings = matches!(past, Past::Finding(_));
    if let Past::Results(was) = past
        && !context.common.quiet
        && !arguments.reports.to_stdout()
    {
        Comparison::between(&was.only(&ids), &Document::from(&report)).write(&mut context.out)?;
    }
    Ok(Exit::of(&results, None, deny_warnings))
}

/// What was seen before.
enum Past {
    /// The results of a run, or one case of them.
    Results(Box<Document<'static>>),
    /// What the fuzzer found.
    Finding(Bundle),
}

impl Past {
    fn ids(&self) -> Vec<String> {
        match self {
            Self::Results(was) => was.findings().map(str::to_owned).collect(),
            Self::Finding(bundle) => bundle.cases.clone(),
        }
    }

    fn target(&self) -> &str {
        match self {
            Self::Results(was) => was.target(),
            Self::Finding(bundle) => bundle.target(),
        }
    }
}
