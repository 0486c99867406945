//! `cargo xtask shards`: the whole suite, and again as eight jobs that find out by the variables of a Kubernetes Indexed Job which
//! one they are, as `docs/ci/kubernetes.yaml` has it; merged, they say the same of every case.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::Usage;

const JOBS: usize = 8;
/// So that something fails, too.
const BUGS: [&str; 4] = ["--defect", "ath-not-checked", "--defect", "htu-literal"];

pub(crate) fn run(args: &[String]) -> Result<()> {
    if let Some(arg) = args.first() {
        return Err(Usage(format!("shards takes no argument, and there is `{arg}`")).into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let work = root.join("target/xtask-shards");
    fs::create_dir_all(&work)?;
    let dpop = crate::insta::dpop(root)?;
    let job = |report: &str, index: Option<usize>| {
        let mut command = Command::new(&dpop);
        command.args(["run", "-q", "--report", &format!("json={report}")]).args(BUGS).current_dir(&work);
        if let Some(index) = index {
            command
                .env("JOB_COMPLETION_INDEX", index.to_string())
                .args(["--partition", &format!("hash:auto/{JOBS}")]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let whole = job("whole.json", None).status()?;
    ensure!(whole.code() == Some(1), "the whole run: {whole}");
    let jobs: Vec<_> = (0..JOBS)
        .map(|index| Ok(job(&format!("job-{index}.json"), Some(index)).spawn()?))
        .collect::<Result<_>>()?;
    for mut job in jobs {
        let ended = job.wait()?;
        ensure!(matches!(ended.code(), Some(0 | 1)), "a job: {ended}");
    }
    let names = (0..JOBS).map(|index| format!("job-{index}.json"));
    let merge = Command::new(&dpop)
        .arg("merge")
        .args(names)
        .args(["--report", "json=merged.json"])
        .current_dir(&work)
        .status()?;
    ensure!(merge.code() == whole.code(), "dpop merge: {merge}, and the whole run: {whole}");
    let (whole, merged) = (read(&work.join("whole.json"))?, read(&work.join("merged.json"))?);
    for (one, other) in whole.iter().zip(&merged) {
        ensure!(one == other, "the whole run has {one:?}, the jobs {other:?}");
    }
    ensure!(whole.len() == merged.len(), "{} cases, and {} of the jobs", whole.len(), merged.len());
    println!("{} cases: {JOBS} jobs say what one run says", whole.len());
    Ok(())
}

/// Id, verdict, decision, status and error of every case.
fn read(path: &Path) -> Result<Vec<[Value; 5]>> {
    let document: Value = serde_json::from_slice(&fs::read(path)?)?;
    let cases = document["cases"].as_array().context("cases")?;
    Ok(cases
        .iter()
        .map(|case| ["id", "verdict", "decision", "status", "error"].map(|name| case[name].clone()))
        .collect())
}
