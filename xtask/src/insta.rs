//! `cargo xtask insta`: the real `cargo insta` reads the snapshots that `dpop run` writes, and accepts what waits for
//! review so that `dpop review` has nothing left.
//!
//! Below `target/xtask-insta/` lies a crate that holds nothing but a `dpop.yaml` and the snapshots of its target, which is
//! `dpop serve`, first clean and then with a bug. `cargo-insta` is installed below `target/tools` where it is missing.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::iter;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::Usage;

/// The release of `cargo-insta`; that of the library `insta` in `Cargo.lock`, as a test has it.
const VERSION: &str = "1.49.0";

/// A bug of the reference server, and a case whose outcome it changes from `reject` to `accept`.
const BUG: (&str, &str) = ("ath-not-checked", "rs.ath.missing");

pub(crate) fn run(args: &[String]) -> Result<()> {
    if let Some(arg) = args.first() {
        return Err(Usage(format!("insta takes no argument, and there is `{arg}`")).into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let scene = Scene::new(root, &tools(root)?)?;
    let (bug, case) = BUG;

    scene.dpop_run(&[], 0)?;
    scene.is_listed()?;
    scene.dpop_review(&["--accept"], 0, "accepted: ")?;
    scene.dpop_run(&["--defect", bug], 1)?;
    let reviewed = read(&scene.snap)?;
    ensure!(reviewed.contains(&format!("\n{case}: reject\n")), "{case} was not refused: {reviewed}");
    scene.is_listed()?;
    scene.dpop_review(&[], 1, &format!("+ is   {case}: accept"))?;

    scene.cargo_insta(&["accept"])?;
    ensure!(!scene.pending.exists(), "`cargo insta accept` left {}", scene.pending.display());
    let accepted = read(&scene.snap)?;
    ensure!(accepted.contains(&format!("\n{case}: accept\n")), "`cargo insta accept` wrote {accepted}");
    scene.dpop_review(&[], 0, "nothing to review")?;
    // The bug is still one; but nothing has drifted, so nothing waits for review.
    scene.dpop_run(&["--defect", bug], 1)?;
    ensure!(!scene.pending.exists(), "what `cargo insta accept` wrote reads as another outcome");

    println!("cargo insta {VERSION} lists and accepts the snapshots of `dpop run`, and `dpop review` agrees");
    Ok(())
}

/// The search path with `cargo-insta` first; it is installed if need be.
fn tools(root: &Path) -> Result<OsString> {
    let tools = root.join("target/tools");
    let version = Command::new(tools.join("bin/cargo-insta")).arg("--version").output();
    let wanted = |output: Output| String::from_utf8_lossy(&output.stdout).contains(VERSION);
    if !version.is_ok_and(wanted) {
        println!("installing cargo-insta {VERSION}");
        // Its speed does not matter, the time to build it does.
        let status = Command::new("cargo")
            .args(["install", "cargo-insta", "--locked", "--quiet", "--debug"])
            .args(["--version", &format!("={VERSION}"), "--root"])
            .arg(&tools)
            .status()
            .context("can't start cargo")?;
        ensure!(status.success(), "cargo-insta can't be installed");
    }
    let others = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths(iter::once(tools.join("bin")).chain(env::split_paths(&others)))?)
}

/// The crate with the snapshots, and its target.
struct Scene {
    folder: PathBuf,
    /// The search path.
    path: OsString,
    dpop: PathBuf,
    resource: u16,
    issuer: u16,
    snap: PathBuf,
    pending: PathBuf,
}

impl Scene {
    fn new(root: &Path, path: &OsStr) -> Result<Self> {
        let folder = root.join("target/xtask-insta");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("can't empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder.join("src"))?;
        let (resource, issuer) = (free_port()?, free_port()?);
        let manifest = "[workspace]\n[package]\nname = \"snapshots-of-dpop\"\nedition = \"2024\"\n";
        let config = format!(
            "dpop: 1\n\
             target: {{ name: reference, resource: GET http://127.0.0.1:{resource}/resource, bearer: refused }}\n\
             auth:\n  kind: embedded\n  listen: 127.0.0.1:{issuer}\n  issuer: http://127.0.0.1:{issuer}\n  \
             audience: http://127.0.0.1:{resource}\n"
        );
        for (name, text) in [("Cargo.toml", manifest), ("src/lib.rs", ""), ("dpop.yaml", &config)] {
            fs::write(folder.join(name), text)?;
        }
        let snap = folder.join("snapshots/reference.snap");
        let pending = folder.join("snapshots/reference.snap.new");
        Ok(Self { dpop: dpop(root)?, path: path.to_owned(), folder, resource, issuer, snap, pending })
    }

    /// `dpop run` against a freshly started server, so that it fetches this run's issuer key.
    fn dpop_run(&self, serve: &[&str], code: i32) -> Result<()> {
        let _server = Server::start(
            self.command(&self.dpop)
                .args(["serve", "--listen", &format!("127.0.0.1:{}", self.resource)])
                .args(["--trust", &format!("http://127.0.0.1:{}", self.issuer)])
                .args(serve),
        )?;
        ended(self.command(&self.dpop).args(["run", "--quiet"]), code).map(|_| ())
    }

    fn dpop_review(&self, arguments: &[&str], code: i32, said: &str) -> Result<()> {
        let text = ended(self.command(&self.dpop).arg("review").args(arguments), code)?;
        ensure!(text.contains(said), "`dpop review` did not say `{said}` but {text}");
        Ok(())
    }

    fn cargo_insta(&self, arguments: &[&str]) -> Result<String> {
        ended(self.command(Path::new("cargo")).arg("insta").args(arguments), 0)
    }

    /// `cargo insta pending-snapshots` names ours, and nothing else.
    fn is_listed(&self) -> Result<()> {
        let text = self.cargo_insta(&["pending-snapshots", "--as-json"])?;
        let rows: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let [row] = rows.as_slice() else { bail!("one pending snapshot is there, and insta lists {text}") };
        let path = row.get("path").and_then(Value::as_str).unwrap_or_default();
        // insta names the file that accepting writes, and not the one that waits.
        ensure!(Path::new(path) == self.snap, "insta lists {path} and not {}", self.snap.display());
        Ok(())
    }

    /// A program in the crate's folder, without settings that change what is written.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .env_remove("CI")
            .env("NO_COLOR", "1")
            .env("PATH", &self.path);
        for (name, _) in env::vars_os() {
            if ["DPOP_", "INSTA_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command
    }
}

/// `dpop serve`; killed when dropped.
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut server = Self(command.stdout(Stdio::piped()).spawn().context("can't start `dpop serve`")?);
        let lines = BufReader::new(server.0.stdout.take().context("a pipe")?).lines();
        for line in lines {
            if line?.contains("Ctrl-C ends it") {
                return Ok(server);
            }
        }
        bail!("`dpop serve` did not start")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program, built as it is now.
pub(crate) fn dpop(root: &Path) -> Result<PathBuf> {
    let xtask = env::current_exe().context("where am I?")?;
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--package", "dpop-harness", "--bin", "dpop"])
        .current_dir(root)
        .status()
        .context("can't start cargo")?;
    ensure!(status.success(), "dpop does not build");
    Ok(xtask.with_file_name("dpop"))
}

/// What the command printed, if it ended with `code`.
fn ended(command: &mut Command, code: i32) -> Result<String> {
    let output = command.output().with_context(|| format!("can't start {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(code),
        "{command:?} ended with {} and not with {code}:\n{text}{errors}",
        output.status
    );
    Ok(text)
}

pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_is_as_old_as_the_library() {
        let lock = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).unwrap();
        assert!(lock.contains(&format!("name = \"insta\"\nversion = \"{VERSION}\"\n")));
    }
}
