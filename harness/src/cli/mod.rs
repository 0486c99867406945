//! The command line: one file a command. The only part of the library that prints.

mod aim;
mod bundles;
mod coverage;
mod curl;
mod demo;
mod diff;
mod doctor;
mod exit;
mod explain;
mod fuzz;
mod init;
mod issuer_key;
mod key;
mod last;
mod list;
mod log;
mod matrix;
mod measure;
mod merge;
mod output;
mod progress;
mod proof;
mod replay;
mod report;
mod reports;
mod review;
mod rounds;
mod run;
mod schema;
mod selection;
mod selftest;
mod serve;
mod shell;
mod token;
mod transport;
mod vectors;
mod verifier;

use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::Style;
use crate::scenario::{Diagnostic, Scenario, load_embedded_and, read_dir};

pub use exit::Exit;
use output::Output;

/// Proves that a server's OAuth DPoP (RFC 9449) holds: drives it with right and wrong proofs and judges the answers.
#[derive(Debug, Parser)]
#[command(name = "dpop", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

const EXIT_CODES: &str = "Exit codes: 0 conforms · 1 nonconformity, drift or a stale waiver · 2 bad command line, config or scenario · \
3 environment: unreachable, no token, control failed, inconclusive · 4 nothing selected · 130 interrupted\n\
Every option can be set by an environment variable: --jobs by DPOP_JOBS, and so on.";

#[derive(Debug, Args)]
struct Common {
    /// More scenarios than the ones built in: every *.yaml below this folder.
    #[arg(long, global = true, value_name = "DIR", env = "DPOP_SCENARIOS")]
    scenarios: Option<PathBuf>,
    /// Colour in the output.
    #[arg(long, global = true, value_name = "WHEN", env = "DPOP_COLOR", default_value = "auto")]
    color: Colour,
    /// Only the last line.
    #[arg(short, long, global = true, env = "DPOP_QUIET", value_parser = BoolishValueParser::new(), conflicts_with = "verbose")]
    quiet: bool,
    /// -v: every case; -vv: every request and answer, redacted.
    #[arg(short, long, global = true, env = "DPOP_VERBOSE", action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR says no.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what the tool does: the suite against its own reference server, clean and with three planted bugs.
    Demo(demo::Arguments),
    /// Drive a server with right and wrong proofs and judge the answers.
    Run(run::Arguments),
    /// Write a dpop.yaml for a protected resource: what can be found out about it, and what is left to fill in.
    Init(init::Arguments),
    /// Say whether a target can be judged, and if not, what is wrong and whose it is.
    Doctor(doctor::Arguments),
    /// Measure a target: how old a proof may be, what is remembered of it, how nonces are used, and more. Nothing is judged.
    Measure(measure::Arguments),
    /// Look for inputs that nobody wrote a case for: requests with random faults, and what is wrong with the answers.
    Fuzz(fuzz::Arguments),
    /// List the cases.
    List(list::Arguments),
    /// Show which requirements of the specifications the cases cover, and why not the others.
    Coverage(coverage::Arguments),
    /// Explain a case, scenario, pitfall, rule, requirement, planted bug or mutation; `guide` lists the pages of the guide.
    Explain(explain::Arguments),
    /// Show how outcomes differ from those reviewed last, and accept them.
    Review(review::Arguments),
    /// Show what changed in a target's behaviour between two runs: before and after an upgrade, on two nodes.
    Diff(diff::Arguments),
    /// Send again what failed in a run, minted afresh, and compare.
    Replay(replay::Arguments),
    /// Make reports of results that are there already.
    Report(report::Arguments),
    /// Write one page that shows results side by side: cases by targets, and each case in full.
    Matrix(matrix::Arguments),
    /// Put the results of jobs side by side together, and judge them as one run.
    Merge(merge::Arguments),
    /// Run the reference issuer and resource server, clean or with planted bugs.
    Serve(serve::Arguments),
    /// Test the suite itself: every planted bug must be caught, and no correct server accused.
    Selftest(selftest::Arguments),
    /// Make a key for your own requests.
    Key(key::Arguments),
    /// Print a fresh proof for one request: curl -H "DPoP: $(dpop proof GET URL --jwk FILE --token-file FILE)".
    Proof(proof::Arguments),
    /// Print an access token that is bound to your key, from where dpop.yaml says that tokens come from.
    Token(token::Arguments),
    /// Test vectors: write them, or give them to a verifier in any language.
    Vectors(vectors::Arguments),
    /// Print the JSON Schema of a file format.
    Schema(schema::Arguments),
    /// Print what makes a shell complete commands and options.
    Completions(shell::Completions),
    /// Write the manual pages.
    Man(shell::Man),
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// A file is wrong, at a place.
    #[error("{0}")]
    Diagnostic(#[from] Box<Diagnostic>),
    /// The command line asks for something that can't be.
    #[error("{0}")]
    Usage(String),
    /// Nothing was selected.
    #[error("{0}")]
    Nothing(String),
    /// The surroundings don't let it.
    #[error("{0}")]
    Environment(String),
    /// Ctrl-C, where there is nothing to report of what was done.
    #[error("interrupted")]
    Interrupted,
    /// Output that can't be written.
    #[error("can't write: {0}")]
    Output(#[from] io::Error),
}

/// Where a command writes, and how.
struct Context {
    out: Output,
    common: Common,
    colour: bool,
}

impl Context {
    fn new(common: Common) -> Self {
        let choice = match common.color {
            Colour::Auto => AutoStream::choice(&io::stdout()),
            Colour::Always => ColorChoice::AlwaysAnsi,
            Colour::Never => ColorChoice::Never,
        };
        let colour = matches!(choice, ColorChoice::Always | ColorChoice::AlwaysAnsi);
        Self { out: Output::new(choice), common, colour }
    }

    fn style(&self) -> Style {
        let verbosity =
            if self.common.quiet { -1 } else { i8::try_from(self.common.verbose).unwrap_or(i8::MAX) };
        Style { colour: self.colour, ascii: !speaks_unicode(), verbosity }
    }

    /// Says something beside the result, on standard error.
    #[expect(clippy::print_stderr, reason = "what is not the result goes there")]
    fn tell(&self, text: &str) {
        if !self.common.quiet {
            eprintln!("dpop: {text}");
        }
    }

    fn scenarios(&self) -> Result<Vec<Scenario>, Failure> {
        let more = match &self.common.scenarios {
            Some(dir) => read_dir(dir)?,
            None => Vec::new(),
        };
        Ok(load_embedded_and(&more)?)
    }
}

/// Whether the terminal shows more than ASCII. Where nothing is said of it, it does, as most do.
fn speaks_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(std::env::var_os)
        .map(|value| value.to_string_lossy().to_ascii_lowercase())
        .find(|value| !value.is_empty());
    locale.is_none_or(|locale| locale.contains("utf-8") || locale.contains("utf8"))
}

/// Whether a machine reads along: no progress bar, and snapshots are not written.
fn under_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// Parses the command line, does what it says, and answers with the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done about a terminal that is gone.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Conforms.into() };
        }
    };
    let mut context = Context::new(cli.common);
    let result = match &cli.command {
        Command::Demo(arguments) => demo::run(arguments, &mut context),
        Command::Run(arguments) => run::run(arguments, &mut context),
        Command::Init(arguments) => init::run(arguments, &mut context),
        Command::Doctor(arguments) => doctor::run(arguments, &mut context),
        Command::Measure(arguments) => measure::run(arguments, &mut context),
        Command::Fuzz(arguments) => fuzz::run(arguments, &mut context),
        Command::List(arguments) => list::run(arguments, &mut context),
        Command::Coverage(arguments) => coverage::run(arguments, &mut context),
        Command::Explain(arguments) => explain::run(arguments, &mut context),
        Command::Review(arguments) => review::run(arguments, &mut context),
        Command::Diff(arguments) => diff::run(arguments, &mut context),
        Command::Replay(arguments) => replay::run(arguments, &mut context),
        Command::Report(arguments) => report::run(arguments, &mut context),
        Command::Matrix(arguments) => matrix::run(arguments, &mut context),
        Command::Merge(arguments) => merge::run(arguments, &mut context),
        Command::Serve(arguments) => serve::run(arguments, &mut context),
        Command::Selftest(arguments) => selftest::run(arguments, &mut context),
        Command::Key(arguments) => key::run(arguments, &mut context),
        Command::Proof(arguments) => proof::run(arguments, &mut context),
        Command::Token(arguments) => token::run(arguments, &mut context),
        Command::Vectors(arguments) => vectors::run(arguments, &mut context),
        Command::Schema(arguments) => schema::run(arguments, &mut context),
        Command::Completions(arguments) => shell::completions(arguments, &mut context),
        Command::Man(arguments) => shell::man(arguments),
    };
    match result.and_then(|exit| Ok(context.out.flush().map(|()| exit)?)) {
        Ok(exit) => exit.into(),
        Err(failure) => complain(&failure, context.common.color),
    }
}

#[expect(clippy::print_stderr, reason = "the last word of the program")]
fn complain(failure: &Failure, colour: Colour) -> ExitCode {
    let colour = match colour {
        Colour::Auto => io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        Colour::Always => true,
        Colour::Never => false,
    };
    match failure {
        Failure::Diagnostic(diagnostic) => eprintln!("{}", diagnostic.render(colour)),
        other => eprintln!("dpop: {other}"),
    }
    match failure {
        Failure::Diagnostic(_) | Failure::Usage(_) => Exit::Usage,
        Failure::Nothing(_) => Exit::NothingSelected,
        Failure::Interrupted => Exit::Interrupted,
        Failure::Environment(_) | Failure::Output(_) => Exit::Environment,
    }
    .into()
}

/// The runtime for the commands that use the network.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Runtime::new()
        .map_err(|error| Failure::Environment(format!("can't start threads: {error}")))
}
