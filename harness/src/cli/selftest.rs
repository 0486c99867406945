use std::fs;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::list::Form;
use super::progress::Progress;
use super::run::{seconds_since, stop_on_ctrl_c};
use super::{Context, Exit, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::reference::defects;
use crate::report::hanging;
use crate::scenario::Scenario;
use crate::selftest::{self, Caught, Found, Plan, Proven, Sight, as_markdown};

/// What is tested, and how it is shown.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this planted bug, and no clean servers. May be given several times.
    #[arg(
        long = "defect",
        value_name = "NAME",
        env = "DPOP_DEFECT",
        value_delimiter = ',',
        conflicts_with_all = ["output", "check"]
    )]
    defects: Vec<String>,
    /// How many runs of the suite are made at the same time; without it, two for each processor.
    #[arg(short, long, value_name = "N", env = "DPOP_JOBS")]
    jobs: Option<NonZeroUsize>,
    /// The form of the result.
    #[arg(long, value_name = "FORMAT", env = "DPOP_FORMAT", default_value = "human")]
    format: Form,
    /// Write which cases catch which bug to this file, as Markdown.
    #[arg(short, long, value_name = "PATH", env = "DPOP_OUTPUT")]
    output: Option<PathBuf>,
    /// Compare that with this file, and fail where it differs.
    #[arg(long, value_name = "PATH", env = "DPOP_CHECK", conflicts_with = "output")]
    check: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let scenarios = context.scenarios()?;
    let chosen = super::serve::planted(&arguments.defects)?;
    let partial = !chosen.is_empty();
    let plan = Plan {
        scenarios: &scenarios,
        defects: defects().filter(|row| !partial || chosen.contains(row.defect)).collect(),
        clean: !partial,
        jobs: arguments.jobs.unwrap_or_else(jobs),
    };
    let runtime = super::runtime()?;
    let (stop, _listener) = {
        let _inside = runtime.enter();
        stop_on_ctrl_c()
    };
    let began = SystemClock.now();
    let found = {
        let bar = Progress::new(context.common.quiet);
        selftest::run(&plan, &stop, &|at| bar.reached(at.done, at.of, at.name))
            .map_err(|error| Failure::Environment(format!("can't start threads: {error}")))?
    };
    let seconds = seconds_since(began);
    let mut verdict = Verdict { found, cases: Vec::new(), drift: Vec::new(), partial, seconds };
    if !partial && verdict.found.unfinished == 0 {
        verdict.cases = verdict.found.proven(&scenarios);
    }
    if !stop.is_requested() {
        verdict.drift = matrix(arguments, &verdict.found, &scenarios)?;
    }
    match arguments.format {
        Form::Human => human(&verdict, context.style().verbosity, &mut context.out)?,
        Form::Json => {
            serde_json::to_writer_pretty(&mut context.out, &document(&verdict)).map_err(io::Error::from)?;
            writeln!(context.out)?;
        }
    }
    Ok(if stop.is_requested() { Exit::Interrupted } else { verdict.exit() })
}

fn jobs() -> NonZeroUsize {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::MIN.saturating_add(2 * processors - 1)
}

/// What was found, and whether it is as it must be.
struct Verdict {
    found: Found,
    /// Which bugs each case is needed by; empty where not all bugs were planted, so that nothing can be said of that.
    cases: Vec<Proven>,
    /// The lines in which the file to compare with differs.
    drift: Vec<String>,
    /// Whether only some of the bugs were asked for.
    partial: bool,
    seconds: f64,
}

impl Verdict {
    fn unaccounted(&self) -> impl Iterator<Item = &Proven> {
        self.cases.iter().filter(|case| !case.is_accounted_for())
    }

    fn exit(&self) -> Exit {
        let found = &self.found;
        if !found.holds() || self.unaccounted().next().is_some() || !self.drift.is_empty() {
            Exit::Nonconformity
        } else if !found.errors.is_empty() {
            Exit::Environment
        } else {
            Exit::Conforms
        }
    }
}

/// Writes the page, or compares it: the lines that differ.
fn matrix(arguments: &Arguments, found: &Found, scenarios: &[Scenario]) -> Result<Vec<String>, Failure> {
    let page = as_markdown(found, scenarios);
    let failed = |path: &Path, what: &str, error: &io::Error| {
        Failure::Environment(format!("can't {what} {}: {error}", path.display()))
    };
    if let Some(path) = &arguments.output {
        fs::write(path, &page).map_err(|error| failed(path, "write", &error))?;
    }
    let Some(path) = &arguments.check else { return Ok(Vec::new()) };
    let known = fs::read_to_string(path).map_err(|error| failed(path, "read", &error))?;
    let differences = TextDiff::from_lines(&known, &page);
    let line = |sign: &str, text: &str| Some(format!("{sign} {}", text.trim_end()));
    Ok(differences
        .iter_all_changes()
        .filter_map(|change| match change.tag() {
            ChangeTag::Delete => line("- was", change.value()),
            ChangeTag::Insert => line("+ is ", change.value()),
            ChangeTag::Equal => None,
        })
        .collect())
}

/// Every bug in a line or more, what is wrong, and four lines that say it all.
fn human(verdict: &Verdict, verbosity: i8, out: &mut dyn Write) -> io::Result<()> {
    let found = &verdict.found;
    if verbosity >= 0 {
        for caught in &found.caught {
            show(caught, verbosity, out)?;
        }
        for case in verdict.cases.iter().filter(|case| verbosity > 0 || case.needed_by.is_empty()) {
            let text = match case.reason {
                Some(reason) if case.needed_by.is_empty() => format!("no planted bug needs it: {reason}"),
                Some(_) => format!("needed by {}, and has a reason why not", case.needed_by.join(", ")),
                None if case.needed_by.is_empty() => "NO planted bug needs it".to_owned(),
                None => {
                    let more = match case.also_catches {
                        0 => String::new(),
                        number => format!("; catches {number} more"),
                    };
                    format!("needed by {}{more}", case.needed_by.join(", "))
                }
            };
            hanging(out, &format!("{:36} ", case.id), &text)?;
        }
    }
    for clean in &found.clean {
        for alarm in &clean.false_alarms {
            hanging(out, "FALSE ALARM ", &format!("{}: {alarm}", clean.name))?;
        }
    }
    for dependence in &found.independence {
        for difference in &dependence.differences {
            hanging(out, "DEPENDS     ", &format!("{}: {difference}", dependence.name))?;
        }
    }
    for case in verdict.unaccounted() {
        hanging(out, "UNPROVEN    ", &case.id)?;
    }
    for error in &found.errors {
        hanging(out, "ERROR       ", error)?;
    }
    for line in &verdict.drift {
        writeln!(out, "{line}")?;
    }
    summary(verdict, out)
}

fn show(caught: &Caught, verbosity: i8, out: &mut dyn Write) -> io::Result<()> {
    let by = |wanted: bool| {
        let named = caught.named.iter().filter(move |(_, sight)| (*sight == Sight::Caught) == wanted);
        named.map(move |(id, sight)| if wanted { (*id).to_owned() } else { format!("{id} ({sight})") })
    };
    let mut text = by(true).collect::<Vec<_>>().join(", ");
    match (caught.also.len(), verbosity > 0) {
        (0, _) => {}
        (_, true) => text += &format!("; also {}", caught.also.join(", ")),
        (number, false) => text += &format!("; and {number} more"),
    }
    let head = format!("{:36} ", caught.row.name);
    let mark = if caught.is_caught() { "caught by " } else { "ESCAPED   " };
    hanging(out, &format!("{head}{mark}"), &text)?;
    for escaped in by(false) {
        hanging(out, &format!("{:36} NOT by    ", ""), &escaped)?;
    }
    for (mode, id, sight) in &caught.elsewhere {
        hanging(out, &format!("{:36} NOT by    ", ""), &format!("{id} with {mode} ({sight})"))?;
    }
    Ok(())
}

fn summary(verdict: &Verdict, out: &mut dyn Write) -> io::Result<()> {
    let found = &verdict.found;
    let (caught, planted) = (found.caught_count(), found.caught.len());
    let share = if caught == planted { 100.0 } else { (caught * 1000 / planted) as f64 / 10.0 };
    writeln!(out, "caught / planted    {caught} / {planted} = {share} %")?;
    if !verdict.partial {
        let clean = found.clean.len();
        writeln!(out, "false alarms        {} against {clean} clean servers", found.false_alarms())?;
        let compared: usize = found.independence.iter().map(|dependence| dependence.compared).sum();
        writeln!(out, "order and company   {} of {compared} verdicts depend on them", found.differences())?;
    }
    if !verdict.cases.is_empty() {
        let needed = verdict.cases.iter().filter(|case| !case.needed_by.is_empty()).count();
        let excused = verdict.cases.iter().filter(|case| case.reason.is_some()).count();
        let cases = verdict.cases.len();
        writeln!(
            out,
            "cases               {needed} of {cases} are needed by a planted bug, {excused} have a reason"
        )?;
    }
    if found.unfinished > 0 {
        writeln!(out, "not finished        {}", found.unfinished)?;
    }
    writeln!(out, "time                {:.0} s", verdict.seconds)
}

fn document(verdict: &Verdict) -> Value {
    let found = &verdict.found;
    let sight = |id: &str, sight: &Sight| json!({ "case": id, "caught": *sight == Sight::Caught, "seen": sight.to_string() });
    let defect = |caught: &Caught| {
        json!({
            "name": caught.row.name,
            "summary": caught.row.summary,
            "nonce": caught.row.nonce.name(),
            "caught": caught.is_caught(),
            "named": caught.named.iter().map(|(id, seen)| sight(id, seen)).collect::<Vec<_>>(),
            "also": caught.also,
            "missed_elsewhere": caught
                .elsewhere
                .iter()
                .map(|(mode, id, seen)| json!({ "mode": mode, "case": id, "seen": seen.to_string() }))
                .collect::<Vec<_>>(),
        })
    };
    let case = |case: &Proven| {
        json!({
            "id": case.id,
            "needed_by": case.needed_by,
            "also_catches": case.also_catches,
            "reason": case.reason,
        })
    };
    json!({
        "defects": found.caught.iter().map(defect).collect::<Vec<_>>(),
        "cases": verdict.cases.iter().map(case).collect::<Vec<_>>(),
        "clean": found
            .clean
            .iter()
            .map(|clean| json!({ "name": clean.name, "cases": clean.cases, "false_alarms": clean.false_alarms }))
            .collect::<Vec<_>>(),
        "independence": found
            .independence
            .iter()
            .map(|one| json!({ "name": one.name, "compared": one.compared, "differences": one.differences }))
            .collect::<Vec<_>>(),
        "errors": found.errors,
        "drift": verdict.drift,
        "summary": {
            "planted": found.caught.len(),
            "caught": found.caught_count(),
            "false_alarms": found.false_alarms(),
            "differences": found.differences(),
            "unaccounted": verdict.unaccounted().count(),
            "unfinished": found.unfinished,
            "seconds": verdict.seconds,
        },
    })
}
