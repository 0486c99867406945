//! `cargo xtask targets`: real servers under `harness/targets/`, each driven by a release build of `dpop`.
//!
//! Each folder is copied to `target/real-servers/NAME`, its packages are installed there from the lock file, the server
//! is started, and `dpop run` goes twice over it: the verdicts must be the same both times, and none `inconclusive`.
//! A verifier without a server is driven behind its shim (`harness/shims`): nothing is started but that. With `--matrix` a few
//! facts are measured as well. What can't be judged is one line with the place of its log, and the others go on. A `fail` is a finding about
//! somebody else's software, so it is not an error here, and only counts are printed.

mod addresses;
mod certificates;
mod facts;
pub(crate) mod process;
mod publication;
pub(crate) mod results;
pub(crate) mod runtime;
mod table;
mod target;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};

use self::publication::Publication;
use self::table::Row;
use self::target::{Name, Target, Yard, known};
use crate::Usage;

pub(crate) fn run(args: &[String]) -> Result<()> {
    let root = root()?;
    let (sources, shims) = (root.join("harness/targets"), root.join("harness/shims"));
    let selection = Selection::parse(args, &known(&sources)?)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    let (dpop, works) = (dpop(&root)?, root.join("target/real-servers"));
    let yard = Yard {
        root: &root,
        sources: &sources,
        shims: &shims,
        works: &works,
        dpop: &dpop,
        interrupted: &interrupted,
    };

    let rows = yard.rows(&selection, &mut |line| println!("{line}"))?;
    let failed = rows.iter().filter(|row| row.outcome.is_err()).count();
    if selection.matrix {
        fs::write(works.join("matrix.md"), table::full(&rows))?;
        // What was not asked for, or could not be judged, must not be lost from it.
        if selection.all && failed == 0 && !interrupted.load(Ordering::Relaxed) {
            fs::write(root.join("reports/targets.md"), table::public(&rows))?;
        }
    }
    ensure!(failed == 0, "{failed} of {} targets could not be judged", selection.names.len());
    Ok(())
}

impl Yard<'_> {
    /// Runs one target after another, with a line on each.
    fn rows(&self, selection: &Selection, say: &mut dyn FnMut(String)) -> Result<Vec<Row>> {
        let width = selection.names.iter().map(|name| name.to_string().len()).max().unwrap_or_default();
        let mut rows = Vec::new();
        for name in &selection.names {
            let publication = Publication::read(&self.sources.join(&name.folder))?;
            let target = Target::new(self, name);
            let outcome = target.run(selection.matrix).map_err(|error| format!("{error:#}"));
            let outcome = outcome.and_then(|judged| match table::stale(&publication, &judged.results) {
                // Of the set-ups of one product the first has to show it.
                Some(id) if name.to_string() == name.folder => {
                    Err(format!("publish.yaml shows {id}, which is no finding any more"))
                }
                Some(_) | None => Ok(judged),
            });
            if selection.show {
                say(fs::read_to_string(target.log()).unwrap_or_default());
            }
            let name = name.to_string();
            match &outcome {
                Ok(judged) => say(format!("{name:width$}  {}", judged.results.counts())),
                Err(error) => say(format!("{name:width$}  {error}")),
            }
            rows.push(Row { name, publication, outcome });
            if self.interrupted.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(rows)
    }
}

/// The repository.
pub(crate) fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in no folder")?.to_path_buf())
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Selection {
    names: Vec<Name>,
    all: bool,
    show: bool,
    matrix: bool,
}

impl Selection {
    fn parse(args: &[String], known: &[Name]) -> Result<Self, Usage> {
        let mut selection = Self { names: Vec::new(), all: false, show: false, matrix: false };
        for arg in args {
            match arg.as_str() {
                "--all" => selection.all = true,
                "--show" => selection.show = true,
                "--matrix" => selection.matrix = true,
                option if option.starts_with('-') => return Err(Usage(format!("no option `{option}`"))),
                name => match known.iter().find(|it| it.to_string() == name) {
                    None => {
                        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                        return Err(Usage(format!("no target `{name}`; there are: {}", known.join(", "))));
                    }
                    Some(name) if selection.names.contains(name) => {}
                    Some(name) => selection.names.push(name.clone()),
                },
            }
        }
        match (selection.names.is_empty(), selection.all) {
            (true, false) => Err(Usage("no target given: name some, or say --all".into())),
            (false, true) => Err(Usage("either names or --all".into())),
            (true, true) => Ok(Self { names: known.to_vec(), ..selection }),
            (false, false) => Ok(selection),
        }
    }
}

/// The program under `DPOP_BIN`, else a fresh release build.
pub(crate) fn dpop(root: &Path) -> Result<PathBuf> {
    if let Some(path) = env::var_os("DPOP_BIN") {
        return fs::canonicalize(&path).with_context(|| format!("DPOP_BIN is {}", path.display()));
    }
    let target = root.join("target");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "dpop-harness", "--target-dir"])
        .arg(&target)
        .current_dir(root)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "dpop-harness does not build");
    Ok(target.join("release/dpop"))
}

#[cfg(test)]
mod tests {
    use super::runtime::Runtime;
    use super::*;
    use crate::targets::addresses::Setup;

    fn name(text: &str) -> Name {
        let (folder, variant) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b.to_owned())));
        Name { folder: folder.to_owned(), variant }
    }

    fn parse(args: &[&str]) -> Result<Selection, String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let known = ["express", "koa", "koa/nonces"].map(name);
        Selection::parse(&args, &known).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(args: &[&str], names: &[&str], all: bool, show: bool, matrix: bool) {
        let names = names.iter().copied().map(name).collect();
        assert_eq!(parse(args), Ok(Selection { names, all, show, matrix }));
    }

    #[test]
    fn names_or_all() {
        check(&["koa"], &["koa"], false, false, false);
        check(
            &["koa/nonces", "--show", "express", "koa/nonces"],
            &["koa/nonces", "express"],
            false,
            true,
            false,
        );
        check(&["--all", "--matrix"], &["express", "koa", "koa/nonces"], true, false, true);
    }

    #[test]
    fn wrong_arguments_are_named() {
        assert_eq!(parse(&[]).unwrap_err(), "no target given: name some, or say --all");
        assert_eq!(parse(&["hapi"]).unwrap_err(), "no target `hapi`; there are: express, koa, koa/nonces");
        assert_eq!(parse(&["--al"]).unwrap_err(), "no option `--al`");
        assert_eq!(parse(&["--all", "koa"]).unwrap_err(), "either names or --all");
    }

    /// A repository of three targets, none of which can be judged, each for another reason.
    #[test]
    fn what_cannot_be_judged_is_a_line_and_the_others_go_on() {
        let root = env::temp_dir().join(format!("xtask-targets-{}", std::process::id()));
        let file = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for name in ["a", "b", "c"] {
            file(&format!("sources/{name}/publish.yaml"), "software: x 1\nabout: It does not exist.\n");
        }
        let yaml = "target: { resource: 'GET http://127.0.0.1:1/' }\nauth: {}\n";
        for name in ["a", "b", "c"] {
            file(&format!("sources/{name}/dpop.yaml"), yaml);
        }
        // A workspace that cargo refuses; nothing to install at all; a program that is no server.
        file("sources/a/Cargo.lock", "");
        let lock = "version = 4\n\n[[package]]\nname = \"server\"\nversion = \"1.0.0\"\n";
        file("sources/c/Cargo.lock", lock);
        file(
            "sources/c/Cargo.toml",
            "[workspace]\n[package]\nname='server'\nversion='1.0.0'\nedition='2024'\n",
        );
        file("sources/c/src/main.rs", "fn main() {}\n");

        let interrupted = AtomicBool::new(false);
        let (sources, works, dpop) = (root.join("sources"), root.join("works"), PathBuf::from("dpop"));
        let yard = Yard {
            root: &root,
            sources: &sources,
            shims: &root.join("shims"),
            works: &works,
            dpop: &dpop,
            interrupted: &interrupted,
        };
        let names = known(&sources).unwrap();
        let selection = Selection { names, all: true, show: false, matrix: false };
        let mut lines = Vec::new();
        let rows = yard.rows(&selection, &mut |line| lines.push(line)).unwrap();

        assert!(rows.iter().all(|row| row.outcome.is_err()));
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
        let log = works.join("a/install.log");
        assert!(
            lines[0].starts_with("a  not installed") && lines[0].contains(log.to_str().unwrap()),
            "{lines:?}"
        );
        assert!(!fs::read_to_string(log).unwrap().is_empty());
        assert!(lines[1].starts_with("b  there is no lock file in "), "{lines:?}");
        let end = "server.log: it ended at once (exit status: 0)";
        assert!(lines[2].starts_with("c  not started; see ") && lines[2].ends_with(end), "{lines:?}");
        fs::remove_dir_all(root).unwrap();
    }

    /// Each folder has what the command needs, its glue stays readable, and what it says about versions is true.
    #[test]
    fn every_target_is_complete() {
        let root = root().unwrap();
        let (sources, shims) = (root.join("harness/targets"), root.join("harness/shims"));
        let names = known(&sources).unwrap();
        assert!(!names.is_empty());
        for name in names {
            let source = sources.join(&name.folder);
            let setup = Setup::read(&source.join(name.file("dpop", "yaml"))).unwrap();
            // The glue of a verifier without a server is its shim.
            let folder = if setup.addresses.is_some() { source.clone() } else { shims.join(&name.folder) };
            let runtime = Runtime::of(&folder).unwrap();
            let glue = match runtime {
                Runtime::Node => "server.mjs",
                Runtime::Python => "server.py",
                Runtime::Cargo => "src/main.rs",
            };
            let lines = fs::read_to_string(folder.join(glue)).unwrap().lines().count();
            assert!(lines <= 60, "{name}: the glue has {lines} lines");
            let lock = fs::read_to_string(folder.join(runtime.lock_file())).unwrap();
            let pinned = match runtime {
                Runtime::Node => lock.contains("\"integrity\"") && !lock.contains("\"resolved\""),
                Runtime::Python => lock.contains("--hash=sha256:"),
                Runtime::Cargo => lock.contains("checksum = "),
            };
            assert!(pinned, "{name}: {}", runtime.lock_file());
            let publication = Publication::read(&source).unwrap();
            for software in publication.software.split(", ") {
                let version = software.rsplit(' ').next().unwrap();
                assert!(lock.contains(version), "{name}: {software}");
            }
        }
    }
}
