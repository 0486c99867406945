//! `cargo xtask shims`: the verifiers of others under `harness/shims/`, each given the test vectors and driven by `dpop run`.
//!
//! What its lock file names is installed in `target/shims/NAME`, and everything that a run says stays there: a finding is about
//! somebody else's software, so it is no error here, and only counts are printed. How many questions a shim answers is counted
//! in processor time, its own and that of `dpop` together, since how long that takes depends on what else the machine does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, bail, ensure};

use crate::Usage;
use crate::targets::results::{Results, Verdict};
use crate::targets::runtime::Runtime;

/// How many questions have to be answered in a second of processor time; of the others it is only told.
const LEAST: &[(&str, f64)] = &[("oauth4webapi", 600.0)];

/// How many times that is measured; the best counts.
const TIMES: usize = 3;

pub(crate) fn run(args: &[String]) -> Result<()> {
    let root = crate::targets::root()?;
    let sources = root.join("harness/shims");
    let known = known(&sources)?;
    if let Some(unknown) = args.iter().find(|name| !known.contains(name)) {
        return Err(Usage(format!("no shim `{unknown}`; there are: {}", known.join(", "))).into());
    }
    let names = if args.is_empty() { known } else { args.to_vec() };
    let dpop = crate::targets::dpop(&root)?;
    let mut failed = 0;
    for name in &names {
        let shim =
            Shim { dpop: &dpop, source: sources.join(name), folder: root.join("target/shims").join(name) };
        match shim.looked_at() {
            Ok(said) => println!("{name}  {said}"),
            Err(error) => {
                failed += 1;
                println!("{name}  {error:#}");
            }
        }
    }
    ensure!(failed == 0, "{failed} of {} shims could not be judged", names.len());
    Ok(())
}

/// The shims, in the order of their names.
fn known(sources: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(sources)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

struct Shim<'a> {
    dpop: &'a Path,
    source: PathBuf,
    folder: PathBuf,
}

impl Shim<'_> {
    /// Installs it, gives it the vectors, and runs the suite; what came of it in a line.
    fn looked_at(&self) -> Result<String> {
        fs::create_dir_all(&self.folder)?;
        let command = self.installed()?;
        let (checked, rate) = self.checked(&command)?;
        let counts = self.ran(&command)?;
        let name = self.source.file_name().context("a name")?;
        if let Some((_, least)) = LEAST.iter().find(|(other, _)| name == *other) {
            ensure!(
                rate >= *least,
                "{checked}; {rate:.0} questions per CPU second, and {least} is the least"
            );
        }
        Ok(format!("vectors: {checked}, {rate:.0} per CPU second; suite: {counts}"))
    }

    /// The command that starts it, once it is installed.
    fn installed(&self) -> Result<String> {
        let runtime = Runtime::of(&self.source)?;
        let shown = self.folder.display();
        for entry in fs::read_dir(&self.source)? {
            let path = entry?.path();
            if path.is_file() {
                fs::copy(&path, self.folder.join(path.file_name().context("a name")?))?;
            }
        }
        runtime.install(&self.source, &self.folder, &AtomicBool::new(false))?;
        if runtime == Runtime::Cargo {
            let name = self.source.file_name().context("a name")?.to_string_lossy();
            return Ok(format!("'{shown}/build/release/{name}-shim'"));
        }
        let files = ["shim.mjs", "shim.cjs", "shim.py"];
        let Some(file) = files.iter().find(|file| self.folder.join(file).is_file()) else {
            bail!("it has no shim")
        };
        let program = match runtime {
            Runtime::Python => format!("'{shown}/venv/bin/python'"),
            Runtime::Node | Runtime::Cargo => "node".to_owned(),
        };
        Ok(format!("{program} '{shown}/{file}'"))
    }

    /// What `dpop vectors check` says in its last line, and how many questions were answered in a second of processor time.
    fn checked(&self, command: &str) -> Result<(String, f64)> {
        let log = self.folder.join("vectors.log");
        let mut best = 0.0_f64;
        let mut said = String::new();
        for _ in 0..TIMES {
            let seconds = self.measured(&["vectors", "check", "-v", "--shim", command], &log)?;
            let text = fs::read_to_string(&log)?;
            text.lines()
                .rev()
                .find(|line| line.contains(" questions in "))
                .unwrap_or_default()
                .clone_into(&mut said);
            best = best.max(questions(&said)? / seconds.max(0.001));
        }
        Ok((said, best))
    }

    /// How many cases came out how.
    fn ran(&self, command: &str) -> Result<String> {
        let results = self.folder.join("results.json");
        let report = format!("json={}", results.display());
        let log = self.folder.join("run.log");
        let status = Command::new(self.dpop)
            .args(["run", "--quiet", "--shim", command, "--report", &report])
            .current_dir(&self.folder)
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            .status()?;
        judged(status, &log)?;
        let results = Results::read(&results)?;
        let inconclusive = results.count(Verdict::Inconclusive);
        ensure!(inconclusive == 0, "{inconclusive} cases are inconclusive: {}", log.display());
        Ok(results.counts().to_string())
    }

    /// Runs `dpop`, and says how much processor time that and whatever it started took.
    fn measured(&self, arguments: &[&str], log: &Path) -> Result<f64> {
        // `times` of the shell has the children's, and theirs, in its second line.
        let status = Command::new("sh")
            .args(["-c", r#""$@" >"$0" 2>&1; code=$?; times >>"$0"; exit $code"#])
            .arg(log)
            .arg(self.dpop)
            .args(arguments)
            .current_dir(&self.folder)
            .status()?;
        judged(status, log)?;
        let text = fs::read_to_string(log)?;
        text.lines()
            .last()
            .and_then(processor_seconds)
            .with_context(|| format!("no times in {}", log.display()))
    }
}

/// Whether something was judged: findings are no error.
fn judged(status: ExitStatus, log: &Path) -> Result<()> {
    ensure!(matches!(status.code(), Some(0 | 1)), "it ended with {status}: {}", log.display());
    Ok(())
}

/// The number before ` questions in `.
fn questions(said: &str) -> Result<f64> {
    let before = said.split(" questions in ").next().and_then(|before| before.split(' ').next_back());
    before
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("no number of questions in {said:?}"))
}

/// `0m1.290s 0m0.100s`: the sum, in seconds.
pub(crate) fn processor_seconds(line: &str) -> Option<f64> {
    let seconds = |word: &str| -> Option<f64> {
        let (minutes, seconds) = word.strip_suffix('s')?.split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    };
    line.split_whitespace().map(seconds).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(processor_seconds("0m1.290s 1m0.100s"), Some(61.39));
        assert_eq!(processor_seconds("1289 agreed"), None);
    }

    #[test]
    fn questions_are_read() {
        let said =
            "oauth4webapi 3.8.8: 1289 agreed, 34 findings, 317 skipped; 1324 questions in 1.2 s (1103/s)";
        assert_eq!(questions(said).unwrap(), 1324.0);
        assert!(questions("nothing").is_err());
    }
}
