use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::transport::Trust;
use super::{Context, Exit, Failure};
use crate::clock::SystemClock;
use crate::jose::uri::Uri;
use crate::target::{Limits, Span, config_draft, discover, problems};

/// What to write a config for, and where.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A protected resource that answers GET, and that GET does not change.
    #[arg(value_name = "URL")]
    url: Uri,
    /// Where the config goes; `-` is standard output.
    #[arg(short, long, value_name = "FILE", env = "DPOP_OUTPUT", default_value = "dpop.yaml")]
    output: PathBuf,
    /// Overwrite a file that is there.
    #[arg(long, env = "DPOP_FORCE", value_parser = BoolishValueParser::new())]
    force: bool,
    /// How long to wait for one answer, e.g. 500ms or 5s.
    #[arg(long, value_name = "TIME", env = "DPOP_TIMEOUT")]
    timeout: Option<Span>,
    /// I may test this host although it is neither local nor private; its authorization server may be asked as well.
    #[arg(long, env = "DPOP_AUTHORISED", value_parser = BoolishValueParser::new())]
    authorised: bool,
    #[command(flatten)]
    trust: Trust,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let Arguments { url, output, force, timeout, authorised, trust } = arguments;
    if url.userinfo.is_some() || url.fragment.is_some() {
        return Err(Failure::Usage(format!(
            "{url}: a user, a password or a #fragment is not part of a request"
        )));
    }
    trust.warn(context);
    let to_stdout = output.as_os_str() == "-";
    let there = || {
        Failure::Usage(format!(
            "{} is there already; --force overwrites it, -o names another",
            output.display()
        ))
    };
    if !to_stdout && !force && output.exists() {
        return Err(there());
    }
    let limits = Limits { timeout: *timeout, ..Limits::default() };
    let found = super::runtime()?
        .block_on(discover(url, &trust.reach(), &limits, *authorised, Arc::new(SystemClock)))
        .map_err(|unknown| Failure::Environment(unknown.to_string()))?;
    let draft = config_draft(&found);
    for problem in problems(&found) {
        context.tell(&problem);
    }
    if to_stdout {
        context.out.write_all(draft.as_bytes())?;
        return Ok(Exit::Conforms);
    }
    let mut options = OpenOptions::new();
    options.write(true);
    // A file that came into being in the meantime is not overwritten either.
    if *force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(output).and_then(|mut file| file.write_all(draft.as_bytes()));
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(there()),
        Err(error) => return Err(Failure::Environment(format!("can't write {}: {error}", output.display()))),
    }
    let left = draft.matches("FILL IN").count();
    let config = if output.as_os_str() == "dpop.yaml" {
        String::new()
    } else {
        format!(" --config {}", output.display())
    };
    if !context.common.quiet {
        writeln!(
            context.out,
            "wrote {}: {left} FILL IN to look at. Next: dpop doctor{config}, then dpop run{config}",
            output.display()
        )?;
    }
    Ok(Exit::Conforms)
}
