use std::io::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;

use super::reports::{Page, Reports};
use super::run::{perform, seconds_since};
use super::{Context, Exit, Failure};
use crate::clock::{Clock as _, LeapingClock, SystemClock};
use crate::entropy::SystemEntropy;
use crate::plan::all_of;
use crate::reference::{Defect, DefectRow, DefectSet, NonceMode};
use crate::report::{Human, Report, Style};
use crate::scenario::Scenario;
use crate::spec::Profile;
use crate::suite::{Results, against_reference};
use crate::target::Limits;

/// How the demonstration is reported.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    reports: Reports,
}

/// The bugs of the demonstration: each leaves honest clients a 200, and DPoP worthless.
const BUGS: &[Defect] = &[Defect::CnfIgnored, Defect::AthNotChecked, Defect::BearerAccepted];

const INTRODUCTION: &str = "\
DPoP (RFC 9449) ties an access token to a key: every request carries a fresh proof, signed with that
key. A server that forgets one check of it still answers 200 to every honest client, so nobody notices.

dpop finds out by asking: it sends a correct request, then the same with one thing wrong, then the
correct one again. The wrong one must be refused. Here it does so with a server of its own.
";

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    arguments.reports.check()?;
    let scenarios = context.scenarios()?;
    let runtime = super::runtime()?;
    if !context.common.quiet {
        writeln!(context.out, "{INTRODUCTION}\n1. A correct server: everything must pass")?;
        context.out.flush()?;
    }
    let began = SystemClock.now();
    let (clean, seconds) = runtime.block_on(suite(&scenarios, DefectSet::empty(), context.common.quiet))?;
    let report = Report { results: &clean, drift: None, began, seconds, partition: None, config: None };
    arguments.reports.write(&report, context, Page::Cases(String::new()))?;
    let mut exit = Exit::of(&clean, None, true);

    for (index, defect) in BUGS.iter().enumerate() {
        let row = defect.row();
        writeln!(
            context.out,
            "\n\n{}. The same server with the bug `{}`:\n   {}",
            index + 2,
            row.name,
            row.summary
        )?;
        context.out.flush()?;
        let (found, seconds) =
            runtime.block_on(suite(&scenarios, DefectSet::from(*defect), context.common.quiet))?;
        let caught = |id: &&str| {
            found.outcomes.iter().any(|outcome| outcome.id == **id && outcome.verdict.is_finding())
        };
        if !row.caught_by.iter().all(caught) {
            writeln!(context.out, "   NOT caught by {}", row.caught_by.join(", "))?;
            exit = Exit::Nonconformity;
        }
        show(&found, row, seconds, context)?;
    }
    if !context.common.quiet {
        writeln!(
            context.out,
            "\n\nYour server: write a dpop.yaml (see the README) and `dpop run`. More: `dpop explain pitfalls`, `dpop list`,\n\
             `dpop explain rs.ath.missing`, `dpop serve --list-defects`."
        )?;
    }
    Ok(exit)
}

/// The first finding in full, the others by name.
fn show(found: &Results, row: &DefectRow, seconds: f64, context: &mut Context) -> Result<(), Failure> {
    let findings: Vec<_> =
        found.outcomes.iter().filter(|outcome| outcome.verdict.is_finding()).cloned().collect();
    let first =
        findings.iter().position(|outcome| row.caught_by.contains(&outcome.id.as_str())).unwrap_or_default();
    let more: Vec<&str> = findings
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != first)
        .map(|(_, outcome)| outcome.id.as_str())
        .collect();
    let outcomes: Vec<_> = findings.get(first).cloned().into_iter().collect();
    let style = Style { verbosity: context.style().verbosity.min(0), ..context.style() };
    let excerpt = Results { outcomes, ..found.clone() };
    if style.verbosity == 0 {
        Human::new(&mut context.out, style, format!(" --defect {}", row.name)).findings(&excerpt)?;
        if !more.is_empty() {
            Human::new(&mut context.out, style, String::new()).labelled("Also", &more.join(", "))?;
        }
    }
    Human::new(&mut context.out, style, String::new()).summary(&Report {
        results: found,
        drift: None,
        began: SystemTime::UNIX_EPOCH, // not shown
        seconds,
        partition: None,
        config: None,
    })?;
    Ok(())
}

async fn suite(scenarios: &[Scenario], defects: DefectSet, quiet: bool) -> Result<(Results, f64), Failure> {
    let (clock, entropy) = (Arc::new(LeapingClock::default()), Arc::new(SystemEntropy));
    let began = SystemClock.now();
    let limits = Limits::default();
    let (_running, setup) =
        against_reference(NonceMode::Required, defects, Profile::Rfc9449, &limits, clock, entropy)
            .await
            .map_err(|error| Failure::Environment(format!("can't start the reference servers: {error}")))?;
    let (results, stop) =
        perform(&setup, scenarios, &all_of(scenarios, setup.profile), quiet, &mut |_, _| {}).await;
    if stop.is_requested() {
        return Err(Failure::Interrupted);
    }
    Ok((results, seconds_since(began)))
}
