//! `cargo xtask costs`: how long the whole suite takes, and how much memory a case costs, within limits.
//!
//! The time is that of a release build against the embedded reference server, where waiting costs nothing. The memory is that of
//! `dpop run` alone, against `dpop serve`: of the suite, and of the suite together with copies of itself under other ids.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::Usage;
use crate::insta::{Server, free_port};

/// What the suite may take, with everything that is sent at the same time.
const SECONDS: f64 = 3.0;
/// How many times it is timed; the shortest counts, for machines do other things as well.
const TIMES: usize = 5;
/// What a case may add to the peak: its rows of the results, its part of the scenarios, and what is known of its secrets.
const BYTES_PER_CASE: u64 = 14 * 1024;
/// How many copies of the suite there are besides itself.
const COPIES: usize = 3;

pub(crate) fn run(args: &[String]) -> Result<()> {
    if let Some(arg) = args.first() {
        return Err(Usage(format!("costs takes no argument, and there is `{arg}`")).into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let status = Command::new("cargo")
        .args(["build", "--release", "-p", "dpop-harness"])
        .current_dir(root)
        .status()?;
    ensure!(status.success(), "dpop does not build");
    let scene = Scene::new(root)?;
    let seconds = scene.shortest()?;
    println!("the suite against the embedded server: {seconds:.2} s, the shortest of {TIMES}");
    let (few, small) = scene.peak(1, &[])?;
    let (cases, large) = scene.peak(0, &[])?;
    let (more, larger) = scene.peak(0, &["--scenarios", "copies"])?;
    for (cases, peak) in [(few, small), (cases, large), (more, larger)] {
        println!("{cases} cases: {:.1} MB", peak as f64 / 1e6);
    }
    let each = larger.saturating_sub(large) / (more - cases).max(1);
    println!("a case more costs {:.1} KB", each as f64 / 1e3);
    ensure!(seconds <= SECONDS, "that is more than {SECONDS} s");
    ensure!(each <= BYTES_PER_CASE, "that is more than {BYTES_PER_CASE} bytes");
    Ok(())
}

struct Scene {
    dpop: PathBuf,
    folder: PathBuf,
    ports: [u16; 2],
}

impl Scene {
    fn new(root: &Path) -> Result<Self> {
        let folder = root.join("target/xtask-costs");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("can't empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder.join("copies"))?;
        for entry in fs::read_dir(root.join("scenarios/resource-server"))? {
            let path = entry?.path();
            let (text, name) = (fs::read_to_string(&path)?, path.file_stem().context("a name")?.to_owned());
            // The preflight is there once.
            if !text.contains("\nid: rs.preflight\n") {
                for copy in 0..COPIES {
                    let copied = text.replace("\nid: rs.", &format!("\nid: rs.copy{copy}-"));
                    fs::write(folder.join(format!("copies/{}-{copy}.yaml", name.display())), copied)?;
                }
            }
        }
        let ports = [free_port()?, free_port()?];
        let [resource, issuer] = ports;
        let config = format!(
            "dpop: 1\n\
             target: {{ name: reference, resource: GET http://127.0.0.1:{resource}/resource, bearer: refused }}\n\
             auth:\n  kind: embedded\n  listen: 127.0.0.1:{issuer}\n  issuer: http://127.0.0.1:{issuer}\n  \
             audience: http://127.0.0.1:{resource}\n\
             limits: {{ max-requests: 100000 }}\n"
        );
        fs::write(folder.join("dpop.yaml"), config)?;
        Ok(Self { dpop: root.join("target/release/dpop"), folder, ports })
    }

    fn shortest(&self) -> Result<f64> {
        let mut shortest = f64::INFINITY;
        for _ in 0..TIMES {
            let began = Instant::now();
            // Outside of the folder with the config: on the embedded server.
            let status = Command::new(&self.dpop)
                .args(["run", "--quiet"])
                .current_dir(self.folder.join("copies"))
                .stdout(Stdio::null())
                .status()?;
            ensure!(status.success(), "the suite against the embedded server: {status}");
            shortest = shortest.min(began.elapsed().as_secs_f64());
        }
        Ok(shortest)
    }

    /// How many cases `dpop run` performs, and the most memory that it has, in bytes.
    fn peak(&self, only: usize, arguments: &[&str]) -> Result<(u64, u64)> {
        let [resource, issuer] = self.ports;
        let _server = Server::start(
            Command::new(&self.dpop)
                .args(["serve", "--listen", &format!("127.0.0.1:{resource}")])
                .args(["--trust", &format!("http://127.0.0.1:{issuer}"), "--quiet"])
                .current_dir(&self.folder),
        )?;
        let report = self.folder.join("results.json");
        let mut command = Command::new(&self.dpop);
        command.arg("run").args(["rs.ath"].iter().take(only)).args(arguments);
        command.args(["--report", &format!("json={}", report.display())]);
        let mut child = command.current_dir(&self.folder).stdout(Stdio::null()).spawn()?;
        let peak = watched(&mut child)?;
        let results: serde_json::Value = serde_json::from_slice(&fs::read(report)?)?;
        let cases = results["cases"].as_array().context("cases")?.len();
        Ok((u64::try_from(cases)?, peak))
    }
}

/// The most memory that a process had when it ended well.
fn watched(child: &mut Child) -> Result<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        // The kernel keeps the peak; what it was in the last milliseconds is not seen.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let high_water = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = high_water.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or_default() * 1024);
        if let Some(ended) = child.try_wait()? {
            if !ended.success() || peak == 0 {
                bail!("`dpop run` ended with {ended}, and had {peak} bytes");
            }
            return Ok(peak);
        }
        thread::sleep(Duration::from_millis(2));
    }
}
