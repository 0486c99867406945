use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use similar::{ChangeTag, TextDiff};

use super::{Context, Exit, Failure};
use crate::snapshot::{Snapshot, SnapshotError};
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
    let (was, text) = (was.contents(), is.contents());
    for change in TextDiff::from_lines(&was, &text).iter_all_changes() {
        let (sign, colour) = match change.tag() {
            ChangeTag::Delete => ("- was", "31"),
            ChangeTag::Insert => ("+ is ", "32"),
            ChangeTag::Equal => continue,
        };
        let line = change.value().trim_end();
        if context.colour {
            writeln!(context.out, "\u{1b}[{colour}m{sign}  {line}\u{1b}[0m")?;
        } else {
            writeln!(context.out, "{sign}  {line}")?;
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
