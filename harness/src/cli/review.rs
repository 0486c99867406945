use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::{Context, Exit, Failure};
use crate::plan::{Selected, all};
use crate::snapshot::{Snapshot, SnapshotError};
use crate::spec::Ledger;
use crate::target::Config;

/// What to review.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The target: a dpop.yaml.
    #[arg(short, long, value_name = "FILE", env = "DPOP_CONFIG", default_value = "dpop.yaml")]
    config: PathBuf,
    /// Take the outcomes of the last run as reviewed.
    #[arg(long, env = "DPOP_ACCEPT", value_parser = BoolishValueParser::new())]
    accept: bool,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let environment = |error: SnapshotError| Failure::Environment(error.to_string());
    let config = Config::open(&arguments.config)?;
    let path = Snapshot::path(&config.folder, &config.name);
    let pending = Snapshot::pending_path(&path);
    let Some(is) = Snapshot::open(&pending).map_err(environment)? else {
        writeln!(context.out, "nothing to review: the last run showed what {} has", path.display())?;
        return Ok(Exit::Conforms);
    };
    let was = Snapshot::open(&path).map_err(environment)?.unwrap_or_default();
    let scenarios = context.scenarios()?;
    let cases = all(&scenarios);
    for id in was.differing(&is) {
        let known = cases.iter().find(|selected| selected.case.id == id);
        // What is new to a snapshot is no surprise; what changed is looked at closely.
        if let (Some(_), Some(Selected { case, .. })) = (was.class(id), known) {
            writeln!(context.out, "\n{id}: {}", case.title)?;
            for row in case.spec.iter().filter_map(|id| Ledger::embedded().requirement(id)) {
                writeln!(context.out, "       {} ({})", row.text, row.source)?;
            }
        }
        for (sign, colour, class) in [("- was", "31", was.class(id)), ("+ is ", "32", is.class(id))] {
            let Some(class) = class else { continue };
            if context.colour {
                writeln!(context.out, "\u{1b}[{colour}m{sign}  {id}: {class}\u{1b}[0m")?;
            } else {
                writeln!(context.out, "{sign}  {id}: {class}")?;
            }
        }
    }
    if !arguments.accept {
        writeln!(context.out, "\nnot accepted yet: `dpop review --accept` writes {}", path.display())?;
        return Ok(Exit::Nonconformity);
    }
    if super::under_ci() {
        return Err(Failure::Usage(
            "snapshots are not written under CI: accept them where you can look at them".into(),
        ));
    }
    is.write(&path, &config.name).map_err(environment)?;
    std::fs::remove_file(&pending).map_err(|error| environment(SnapshotError::Io(pending, error)))?;
    writeln!(context.out, "\naccepted: {}", path.display())?;
    Ok(Exit::Conforms)
}
