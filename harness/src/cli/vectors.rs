use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::run::seconds_since;
use super::{Context, Exit, Failure, runtime};
use crate::clock::{Clock as _, Span, SystemClock};
use crate::target::shim::{Shim, ShimError};
use crate::vectors::{Checked, check, document, hello, vectors};

/// How many findings are shown where nobody asked for all.
const SHOWN: usize = 20;

/// How long a shim has to answer where nobody says.
const PATIENCE: Span = Span(std::time::Duration::from_secs(5));

/// What to do with the vectors.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write them as JSON in Wycheproof's frame: `scenarios/vectors/` holds the same.
    Export {
        /// The file, instead of standard output.
        #[arg(short, long, value_name = "FILE", env = "DPOP_OUTPUT")]
        output: Option<PathBuf>,
    },
    /// Give them to a verifier in any language, behind a shim (docs/shim.md).
    Check {
        /// The command that starts the shim, for the shell.
        #[arg(long, value_name = "CMD", env = "DPOP_SHIM")]
        shim: String,
        /// How long it has to answer one question.
        #[arg(long, value_name = "TIME", env = "DPOP_TIMEOUT", default_value_t = PATIENCE)]
        timeout: Span,
    },
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    match &arguments.what {
        What::Export { output } => {
            let text = document(&vectors());
            match output {
                Some(path) => BufWriter::new(std::fs::File::create(path)?).write_all(text.as_bytes())?,
                None => context.out.write_all(text.as_bytes())?,
            }
            Ok(Exit::Conforms)
        }
        What::Check { shim, timeout } => {
            let checking = async {
                let mut shim = Shim::start(shim, Path::new("."), &hello(), timeout.0).await?;
                let vectors = vectors();
                let began = SystemClock.now();
                let checked = check(&mut shim, &vectors).await?;
                let (seconds, asked) = (seconds_since(began), shim.asked());
                let about = format!("{} {}", shim.about().name, shim.about().version);
                shim.end().await;
                let rate = asked as f64 / seconds.max(0.001);
                Ok::<_, ShimError>((
                    about,
                    checked,
                    format!("{asked} questions in {seconds:.1} s ({rate:.0}/s)"),
                ))
            };
            let checked = runtime()?.block_on(checking);
            let (about, checked, speed) = checked.map_err(|error| Failure::Environment(error.to_string()))?;
            let shown = if context.style().verbosity > 0 { usize::MAX } else { SHOWN };
            tell((&about, &speed), &checked, shown, &mut context.out)?;
            Ok(match (checked.findings.is_empty(), checked.agreed) {
                (false, _) => Exit::Nonconformity,
                (true, 0) => Exit::NothingSelected,
                (true, _) => Exit::Conforms,
            })
        }
    }
}

fn tell(
    (about, speed): (&str, &str),
    checked: &Checked,
    shown: usize,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    for finding in checked.findings.iter().take(shown) {
        let vector = &finding.vector;
        let case = vector.case.as_deref().unwrap_or("no case");
        writeln!(out, "{} {case}: {} ({})", vector.id, vector.comment, vector.fate.name())?;
        writeln!(out, "    {}\n    {}", vector.edits, finding.reply)?;
    }
    if let Some(more @ 1..) = checked.findings.len().checked_sub(shown) {
        writeln!(out, "and {more} more: -v shows them")?;
    }
    let skipped: usize = checked.skipped.iter().map(|(_, number)| number).sum();
    for (why, number) in &checked.skipped {
        writeln!(out, "skipped {number}: {why}")?;
    }
    let findings = checked.findings.len();
    writeln!(out, "{about}: {} agreed, {findings} findings, {skipped} skipped; {speed}", checked.agreed)
}
