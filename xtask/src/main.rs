//! The repository's own chores: `cargo xtask COMMAND`. One file per command, one row in [`COMMANDS`].

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]
#![expect(clippy::disallowed_methods, reason = "chores run in real time")]

mod bench;
mod codegen;
mod costs;
mod insta;
mod nginx;
mod reports;
mod shards;
mod shims;
mod targets;
mod throughput;
mod tutorials;

use std::fmt;
use std::process::ExitCode;

/// One chore: what is typed, what it does, and the function that does it.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "bench",
        arguments: "fuzz [SECONDS] | throughput [SECONDS]",
        about: "under libFuzzer: how soon planted bugs are found by edits and by bytes, and how fast the targets are",
        run: bench::run,
    },
    Command {
        name: "codegen",
        arguments: "",
        about: "write the files that are made from the code: schemas, coverage, the reference server's snapshot",
        run: codegen::run,
    },
    Command {
        name: "costs",
        arguments: "",
        about: "see that the suite is quick, and that many cases need little more memory than few",
        run: costs::run,
    },
    Command {
        name: "insta",
        arguments: "",
        about: "see that the real `cargo insta` reads the snapshots of `dpop run`",
        run: insta::run,
    },
    Command {
        name: "nginx",
        arguments: "[NAME…]",
        about: "run the suite against the reference server behind nginx, set up well and badly",
        run: nginx::run,
    },
    Command {
        name: "reports",
        arguments: "",
        about: "have programs of others read the reports (a browser, parsers of JUnit, SARIF and HAR) and the workflows",
        run: reports::run,
    },
    Command {
        name: "shards",
        arguments: "",
        about: "run the whole suite, and again as eight jobs side by side, and compare",
        run: shards::run,
    },
    Command {
        name: "shims",
        arguments: "[NAME…]",
        about: "give the vectors and the suite to the verifiers of others behind shims, and count what came of it",
        run: shims::run,
    },
    Command {
        name: "targets",
        arguments: "[NAME…] [--all] [--show] [--matrix]",
        about: "run the suite against real servers, twice, and print how many cases passed",
        run: targets::run,
    },
    Command {
        name: "throughput",
        arguments: "",
        about: "how many requests a second `dpop fuzz` sends, against what `dpop run` does",
        run: throughput::run,
    },
    Command {
        name: "tutorials",
        arguments: "[NAME…]",
        about: "do what docs/tutorials say, word for word",
        run: tutorials::run,
    },
];

/// A wrong command line: exit code 2, with the usage.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Usage>() => {
            eprintln!("error: {error}\n\n{}", usage());
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> anyhow::Result<()> {
    let Some((name, rest)) = args.split_first() else {
        return Err(Usage("no command given".into()).into());
    };
    if ["help", "--help", "-h"].contains(&name.as_str())
        || rest.iter().any(|arg| arg == "--help" || arg == "-h")
    {
        println!("{}", usage());
        return Ok(());
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => Err(Usage(format!("no command `{name}`")).into()),
    }
}

fn usage() -> String {
    let mut text = String::from("usage:");
    for Command { name, arguments, about, .. } in COMMANDS {
        text += &format!("\n  cargo xtask {name} {arguments}\n      {about}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_usage_error(args: &[&str], expected: &str) {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let error = dispatch(&args).unwrap_err();
        assert!(error.is::<Usage>(), "not a usage error: {error:#}");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_wrong_command_is_a_usage_error() {
        check_usage_error(&[], "no command given");
        check_usage_error(&["target"], "no command `target`");
        check_usage_error(&["targets"], "no target given: name some, or say --all");
    }

    #[test]
    fn the_usage_names_every_command_once() {
        for Command { name, .. } in COMMANDS {
            assert_eq!(usage().matches(&format!("cargo xtask {name} ")).count(), 1, "{name}");
        }
    }
}
