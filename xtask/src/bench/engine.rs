//! libFuzzer: the targets that `cargo fuzz` builds, and runs of them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

/// As `fuzz/build.sh` builds them without a sanitizer, so that nothing is built twice.
const BUILD: &[&str] = &[
    "fuzz",
    "build",
    "-s",
    "none",
    "-O",
    "--debug-assertions",
    "--codegen-units",
    "16",
    "--features",
    "bench",
];

/// The programs, and a folder for what they leave.
pub(super) struct Engine {
    root: PathBuf,
    programs: PathBuf,
    folder: PathBuf,
}

/// One run of a target from an empty corpus.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) folder: PathBuf,
}

impl Running {
    /// What is written of it: the end of the log where libFuzzer found something, which none of these targets may.
    pub(super) fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("log"))?)
    }

    /// Waits for the end.
    pub(super) fn end(mut self) -> Result<Ended> {
        let status = self.child.wait()?;
        let log = self.log()?;
        if !status.success() {
            bail!("{} ended with {status}:\n{log}", self.folder.display());
        }
        let corpus = self.folder.join("corpus");
        Ok(Ended { log, corpus })
    }
}

/// What a run left.
pub(super) struct Ended {
    pub(super) log: String,
    pub(super) corpus: PathBuf,
}

impl Ended {
    /// How many inputs there were.
    pub(super) fn inputs(&self) -> Result<u64> {
        let line = self.log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        line.and_then(|number| number.trim().parse().ok()).context("libFuzzer does not say how many inputs")
    }

    /// How much of the target's code was reached.
    pub(super) fn coverage(&self) -> Result<u64> {
        let number = |line: &str| line.split_once(" cov: ")?.1.split(' ').next()?.parse().ok();
        self.log.lines().rev().find_map(number).context("libFuzzer does not say what it reached")
    }
}

impl Engine {
    pub(super) fn new(root: &Path) -> Result<Self> {
        let folder = root.join("target/xtask-bench");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("can't empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        let host = Command::new("rustc").arg("-vV").output().context("can't start rustc")?;
        let host = String::from_utf8(host.stdout)?;
        let triple = host.lines().find_map(|line| line.strip_prefix("host: ")).context("the host")?;
        let programs = root.join("fuzz/target").join(triple).join("release");
        Ok(Self { root: root.to_owned(), programs, folder })
    }

    /// Builds a target with `cargo fuzz`.
    pub(super) fn build(&self, target: &str) -> Result<()> {
        let mut path = vec![self.root.join("target/tools/bin")];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let status = Command::new("cargo")
            .args(BUILD)
            .arg(target)
            .env("PATH", std::env::join_paths(path)?)
            .current_dir(&self.root)
            .status()
            .context("can't start cargo")?;
        ensure!(
            status.success(),
            "{target} is not built; `cargo install cargo-fuzz --version 0.13.2 --locked`?"
        );
        Ok(())
    }

    /// Starts a target for so long, from an empty corpus.
    pub(super) fn start(&self, target: &str, seed: u64, budget: Duration, more: &[&str]) -> Result<Running> {
        let folder = self.folder.join(format!("{target}-{seed}"));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("corpus"))?;
        let log = fs::File::create(folder.join("log"))?;
        let child = Command::new(self.programs.join(target))
            .arg("corpus")
            .args([format!("-seed={seed}"), format!("-max_total_time={}", budget.as_secs())])
            .args(["-print_final_stats=1", "-artifact_prefix=./"])
            .args(more)
            .env(planted::FOUND, folder.join("found"))
            .current_dir(&folder)
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("can't start {target}"))?;
        Ok(Running { child, folder })
    }

    /// Shows the inputs in a folder to a target, each once.
    pub(super) fn replay(&self, target: &str, corpus: &Path, variable: (&str, &OsStr)) -> Result<Ended> {
        let folder = self.folder.join(format!("{target}-replay"));
        fs::create_dir_all(&folder)?;
        let output = Command::new(self.programs.join(target))
            .arg(corpus)
            .arg("-runs=0")
            .env(variable.0, variable.1)
            .current_dir(&folder)
            .output()
            .with_context(|| format!("can't start {target}"))?;
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{target} ended with {}:\n{log}", output.status);
        Ok(Ended { log, corpus: corpus.to_owned() })
    }
}
