//! `cargo xtask targets`: real servers under `harness/targets/`, each driven by a release build of `dpop`.
//!
//! Each folder is copied to `target/real-servers/NAME`, its packages are installed there from the lock file, the server
//! is started, and `dpop run` goes twice over it: the verdicts must be the same both times, and none `inconclusive`.
//! A `fail` is a finding about somebody else's software, so it is not an error here, and only counts are printed.

mod addresses;
pub(crate) mod process;
pub(crate) mod results;

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use self::addresses::Addresses;
use self::process::{Group, Watch};
use self::results::{Results, Verdict};
use crate::Usage;

/// The oldest Node.js the servers run on.
const NODE: u32 = 20;
const INSTALL: Duration = Duration::from_secs(120);
const START: Duration = Duration::from_secs(30);
const RUNS: Duration = Duration::from_secs(120);

pub(crate) fn run(args: &[String]) -> Result<()> {
    let root = root()?;
    let known = known(&root)?;
    let selection = Selection::parse(args, &known)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    let node = version("node")?;
    ensure!(node >= NODE, "the servers need Node.js {NODE} or newer, and this is {node}");
    version("npm")?;
    let dpop = dpop(&root)?;

    let width = selection.names.iter().map(String::len).max().unwrap_or_default();
    let mut failed = 0;
    for name in &selection.names {
        let target = Target {
            source: root.join("harness/targets").join(name),
            work: root.join("target/real-servers").join(name),
            dpop: &dpop,
            interrupted: &interrupted,
            show: selection.show,
        };
        let outcome = target.run();
        if selection.show {
            print!("{}", fs::read_to_string(target.work.join("run.log")).unwrap_or_default());
        }
        match outcome {
            Ok(results) => println!("{name:width$}  {}", results.counts()),
            Err(error) => {
                failed += 1;
                eprintln!("{name}: {error:#}");
            }
        }
        if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            break;
        }
    }
    ensure!(failed == 0, "{failed} of {} targets could not be judged", selection.names.len());
    Ok(())
}

/// The repository.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in no folder")?.to_path_buf())
}

/// The folders of `harness/targets`, sorted.
fn known(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("harness/targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if entry.path().join("dpop.yaml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Selection {
    names: Vec<String>,
    show: bool,
}

impl Selection {
    fn parse(args: &[String], known: &[String]) -> Result<Self, Usage> {
        let (mut names, mut all, mut show) = (Vec::new(), false, false);
        for arg in args {
            match arg.as_str() {
                "--all" => all = true,
                "--show" => show = true,
                option if option.starts_with('-') => return Err(Usage(format!("no option `{option}`"))),
                name if !known.iter().any(|it| it == name) => {
                    return Err(Usage(format!("no target `{name}`; there are: {}", known.join(", "))));
                }
                name if names.iter().any(|it| it == name) => {}
                name => names.push(name.to_owned()),
            }
        }
        match (names.is_empty(), all) {
            (true, false) => Err(Usage("no target given: name some, or say --all".into())),
            (false, true) => Err(Usage("either names or --all".into())),
            (true, true) => Ok(Self { names: known.to_vec(), show }),
            (false, false) => Ok(Self { names, show }),
        }
    }
}

/// The major version of `program`, as `program --version` says it: `v20.20.2` or `11.19.1`.
fn version(program: &str) -> Result<u32> {
    let output = Command::new(program).arg("--version").output().with_context(|| {
        format!("cannot start `{program}`: the servers need Node.js {NODE} or newer, with npm")
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    major(&text).with_context(|| format!("`{program} --version` says {text:?}"))
}

fn major(version: &str) -> Option<u32> {
    version.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}

/// The program under `DPOP_BIN`, else a fresh release build.
fn dpop(root: &Path) -> Result<PathBuf> {
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

/// One server, and the folder it runs in.
struct Target<'a> {
    source: PathBuf,
    work: PathBuf,
    dpop: &'a Path,
    interrupted: &'a AtomicBool,
    show: bool,
}

impl Target<'_> {
    fn run(&self) -> Result<Results> {
        self.copy()?;
        self.install()?;
        let addresses = Addresses::read(&self.work.join("dpop.yaml"))?;
        addresses.check_free()?;

        let watch = Watch::new(RUNS, self.interrupted);
        let mut server = self.start(&addresses)?;
        let log = File::create(self.work.join("run.log"))?;
        let first = self.drive("results.json", &log, &watch)?;
        let second = self.drive("results-2.json", &log, &watch)?;
        if let Some(status) = server.ended()? {
            bail!("the server ended on its own ({status}); the end of its log:\n{}", self.tail("server.log"));
        }
        drop(server);

        let different = first.differences(&second);
        let names = if self.show { format!(": {}", different.join(", ")) } else { String::new() };
        let count = different.len();
        ensure!(count == 0, "{count} of {} verdicts differ between two runs{names}", first.len());
        Ok(first)
    }

    /// Copies the files of the source folder, and takes what an earlier run left out of the way.
    fn copy(&self) -> Result<()> {
        fs::create_dir_all(&self.work)?;
        for leftover in ["npm.log", "server.log", "run.log", "results.json", "results-2.json"] {
            match fs::remove_file(self.work.join(leftover)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        for entry in fs::read_dir(&self.source)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), self.work.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Installs exactly what the lock file names, unless that was done already. Packages run no scripts.
    fn install(&self) -> Result<()> {
        let lock = fs::read(self.work.join("package-lock.json"))?;
        let installed = self.work.join("node_modules/.installed-lock.json");
        if fs::read(&installed).is_ok_and(|it| it == lock) {
            return Ok(());
        }
        let log = File::create(self.work.join("npm.log"))?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&self.work);
        let status = Group::spawn(&mut npm, &log)?.wait(&Watch::new(INSTALL, self.interrupted), "npm ci")?;
        ensure!(status.success(), "`npm ci` failed:\n{}", self.tail("npm.log"));
        fs::write(installed, lock)?;
        Ok(())
    }

    /// Starts the server and waits until it takes connections.
    fn start(&self, addresses: &Addresses) -> Result<Group> {
        let watch = Watch::new(START, self.interrupted);
        let log = File::create(self.work.join("server.log"))?;
        let mut node = Command::new("node");
        node.arg("server.mjs").current_dir(&self.work).env_remove("NODE_ENV");
        let mut server = Group::spawn(&mut node, &log)?;
        loop {
            let over = match server.ended()? {
                Some(status) => bail!("the server ended at once ({status}):\n{}", self.tail("server.log")),
                None => watch.pause("starting the server"),
            };
            over.with_context(|| format!("the server does not listen:\n{}", self.tail("server.log")))?;
            if TcpStream::connect_timeout(&addresses.server, Duration::from_secs(1)).is_ok() {
                return Ok(server);
            }
        }
    }

    /// One run of `dpop`, which must judge every case.
    fn drive(&self, results: &str, mut log: &File, watch: &Watch<'_>) -> Result<Results> {
        writeln!(log, "# {results}")?;
        let path = self.work.join(results);
        let mut report = OsStr::new("json=").to_owned();
        report.push(&path);
        let mut dpop = Command::new(self.dpop);
        dpop.args(["run", "--config"]).arg(self.work.join("dpop.yaml")).arg("--report").arg(report);
        dpop.env_remove("DPOP_BIN").env("NO_COLOR", "1");
        let status = Group::spawn(&mut dpop, log)?.wait(watch, "dpop run")?;
        let see = format!("see {}", self.work.join("run.log").display());
        ensure!(matches!(status.code(), Some(0 | 1 | 3)), "`dpop run` ended with {status}; {see}");
        let found = Results::read(&path).with_context(|| format!("`dpop run` ended with {status}; {see}"))?;
        let inconclusive = found.count(Verdict::Inconclusive);
        ensure!(inconclusive == 0, "{inconclusive} of {} cases are inconclusive; {see}", found.len());
        ensure!(
            status.code() != Some(3),
            "`dpop run` ended with {status}, though no case is inconclusive; {see}"
        );
        Ok(found)
    }

    fn tail(&self, log: &str) -> String {
        let text = fs::read(self.work.join(log)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Selection, String> {
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        Selection::parse(&own(args), &own(&["express", "koa"])).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(args: &[&str], names: &[&str], show: bool) {
        let names = names.iter().map(ToString::to_string).collect();
        assert_eq!(parse(args), Ok(Selection { names, show }));
    }

    #[test]
    fn names_or_all() {
        check(&["koa"], &["koa"], false);
        check(&["koa", "--show", "express", "koa"], &["koa", "express"], true);
        check(&["--all"], &["express", "koa"], false);
    }

    #[test]
    fn wrong_arguments_are_named() {
        assert_eq!(parse(&[]).unwrap_err(), "no target given: name some, or say --all");
        assert_eq!(parse(&["hapi"]).unwrap_err(), "no target `hapi`; there are: express, koa");
        assert_eq!(parse(&["--al"]).unwrap_err(), "no option `--al`");
        assert_eq!(parse(&["--all", "koa"]).unwrap_err(), "either names or --all");
    }

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("11.19.1"), Some(11));
        assert_eq!(major("node"), None);
    }

    /// Each folder has what the command needs, and its glue stays readable.
    #[test]
    fn every_target_is_complete() {
        let root = root().unwrap();
        let names = known(&root).unwrap();
        assert!(!names.is_empty());
        for name in names {
            let folder = root.join("harness/targets").join(&name);
            Addresses::read(&folder.join("dpop.yaml")).unwrap();
            let lines = fs::read_to_string(folder.join("server.mjs")).unwrap().lines().count();
            assert!(lines <= 60, "{name}: the glue has {lines} lines");
            let lock = fs::read_to_string(folder.join("package-lock.json")).unwrap();
            assert!(
                lock.contains("\"integrity\"") && !lock.contains("\"resolved\""),
                "{name}: package-lock.json"
            );
        }
    }
}
