//! `cargo xtask throughput`: how many requests a second `dpop fuzz` sends, against what `dpop run` sends, to the same `dpop serve`.
//!
//! Both send proofs with faults of the same kinds, and what they sent is counted by the server. They take turns, for other things
//! go on on the machine, and the median of their ratios counts; beside it stands the ratio of the processor time per request.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::Usage;
use crate::insta::{Server, free_port};
use crate::targets::{dpop, root};

/// What `dpop run` performs: what is about one proof, and waits for nothing.
const CASES: &[&str] = &[
    "rs.ath",
    "rs.token",
    "rs.confirmation",
    "rs.kind",
    "rs.jws",
    "rs.duplicate",
    "rs.jwk",
    "rs.jose",
    "rs.jti",
    "rs.signature",
    "rs.mac",
    "rs.htm",
    "rs.htu",
];
/// The same for `dpop fuzz`.
const LAYERS: &str = "jose,claims,jwk,signature";
/// How many times `dpop run` performs all that, so that starting does not count.
const ROUNDS: &str = "4";
/// How many pairs there are.
const PAIRS: usize = 5;
/// The least that `dpop fuzz` has to reach of what `dpop run` does.
const LEAST: f64 = 0.8;

pub(crate) fn run(args: &[String]) -> Result<()> {
    if let Some(arg) = args.first() {
        return Err(Usage(format!("throughput takes no argument, and there is `{arg}`")).into());
    }
    let root = root()?;
    let scene = Scene::new(&root)?;
    let (mut wall, mut processor) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let run = scene.sent(&["run", "--repeat", ROUNDS], CASES)?;
        let requests = run.requests.to_string();
        let (state, seed) = (format!("state-{pair}"), pair.to_string());
        let options = ["fuzz", "--for", "2m", "--requests", &requests, "--layer", LAYERS, "--seed", &seed];
        let fuzz = scene.sent(&options, &["--state", &state])?;
        println!(
            "run {} requests, {:.0}/s, {:.2} ms CPU each; fuzz {} requests, {:.0}/s, {:.2} ms CPU each",
            run.requests,
            run.rate(),
            run.processor_each() * 1e3,
            fuzz.requests,
            fuzz.rate(),
            fuzz.processor_each() * 1e3,
        );
        wall.push(fuzz.rate() / run.rate());
        processor.push(run.processor_each() / fuzz.processor_each());
    }
    let (wall, processor) = (median(&mut wall), median(&mut processor));
    println!(
        "dpop fuzz sends {wall:.2} of the requests a second that dpop run does, and {processor:.2} a second of processor time"
    );
    ensure!(wall >= LEAST, "{LEAST} is the least");
    Ok(())
}

/// What one command sent, and what that took.
struct Sent {
    requests: u64,
    seconds: f64,
    processor_seconds: f64,
}

impl Sent {
    fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    fn processor_each(&self) -> f64 {
        self.processor_seconds / self.requests as f64
    }
}

struct Scene {
    dpop: PathBuf,
    folder: PathBuf,
    resource: u16,
    issuer: u16,
}

impl Scene {
    fn new(root: &Path) -> Result<Self> {
        let folder = root.join("target/xtask-throughput");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("can't empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        let (resource, issuer) = (free_port()?, free_port()?);
        let config = format!(
            "dpop: 1\n\
             target: {{ name: reference, resource: GET http://127.0.0.1:{resource}/resource, bearer: refused }}\n\
             auth:\n  kind: embedded\n  listen: 127.0.0.1:{issuer}\n  issuer: http://127.0.0.1:{issuer}\n  \
             audience: http://127.0.0.1:{resource}\n\
             limits: {{ max-requests: 1000000 }}\n"
        );
        fs::write(folder.join("dpop.yaml"), config)?;
        Ok(Self { dpop: dpop(root)?, folder, resource, issuer })
    }

    /// What `dpop` sends to a fresh server.
    fn sent(&self, options: &[&str], more: &[&str]) -> Result<Sent> {
        let _server = Server::start(
            Command::new(&self.dpop)
                .args(["serve", "--listen", &format!("127.0.0.1:{}", self.resource)])
                .args(["--trust", &format!("http://127.0.0.1:{}", self.issuer), "--quiet"])
                .current_dir(&self.folder),
        )?;
        let log = self.folder.join("log");
        let began = Instant::now();
        // `times` of the shell has the processor time of what it ran in its second line.
        let status = Command::new("sh")
            .args(["-c", r#""$@" >"$0" 2>&1; code=$?; times >>"$0"; exit $code"#])
            .arg(&log)
            .arg(&self.dpop)
            .args(options)
            .args(more)
            .current_dir(&self.folder)
            .status()?;
        let seconds = began.elapsed().as_secs_f64();
        ensure!(status.success(), "dpop {} ended with {status}: {}", options.join(" "), log.display());
        let text = fs::read_to_string(&log)?;
        let processor_seconds = text.lines().last().and_then(crate::shims::processor_seconds);
        let processor_seconds =
            processor_seconds.with_context(|| format!("no times in {}", log.display()))?;
        Ok(Sent { requests: self.counted()?, seconds, processor_seconds })
    }

    /// How many requests the server decided.
    fn counted(&self) -> Result<u64> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.resource))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let counts = text.lines().filter(|line| line.starts_with("dpop_"));
        let counts = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }
}

fn median(ratios: &mut [f64]) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or_default()
}
