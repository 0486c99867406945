//! `cargo xtask tutorials`: what `docs/tutorials` say, done word for word, each page in an empty folder below
//! `target/xtask-tutorials/`.
//!
//! What follows the language of a code block says what becomes of it: `file=NAME` is written, `server=PORT` runs until the page
//! ends, `alone` runs behind the end of all servers, and any other `sh` block has to end well. The ports that a page names
//! in its comment `ports:` are changed to free ones, and `/path/to/dpop` is this checkout. Cases that a page names exist.

use std::env;
use std::fs::{self, File};
use std::iter;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::Usage;
use crate::insta::free_port;
use crate::nginx::install::Nginx;
use crate::targets::process::{Group, Watch};

const START: Duration = Duration::from_secs(30);
/// One may have to build the harness.
const STEP: Duration = Duration::from_secs(900);
/// Where pages say that the checkout is.
const CHECKOUT: &str = "/path/to/dpop";

pub(crate) fn run(args: &[String]) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let pages = pages(root, args)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    let nginx = Nginx::find(root)?;
    let dpop = crate::insta::dpop(root)?;
    let ids = ids(&dpop)?;
    for name in pages {
        let text = fs::read_to_string(root.join("docs/tutorials").join(format!("{name}.md")))?;
        let text = text.replace(CHECKOUT, &root.to_string_lossy());
        let folder = root.join("target/xtask-tutorials").join(&name);
        let target = root.join("target");
        let scene =
            Scene { folder: &folder, target: &target, dpop: &dpop, nginx: &nginx, interrupted: &interrupted };
        let unknown: Vec<&str> = cases(&text)
            .filter(|named| !ids.iter().any(|id| id == named || id.starts_with(&format!("{named}."))))
            .collect();
        ensure!(unknown.is_empty(), "{name}: there are no cases {}", unknown.join(", "));
        let steps = scene.follow(&text).with_context(|| format!("{name}: see {}", folder.display()))?;
        println!("{name}: {steps} steps");
    }
    Ok(())
}

/// The pages that are named, or all.
fn pages(root: &Path, args: &[String]) -> Result<Vec<String>> {
    let mut known = Vec::new();
    for entry in fs::read_dir(root.join("docs/tutorials"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        known.extend(name.strip_suffix(".md").map(str::to_owned));
    }
    known.sort();
    if let Some(unknown) = args.iter().find(|arg| !known.contains(arg)) {
        return Err(Usage(format!("no tutorial `{unknown}`; there are: {}", known.join(", "))).into());
    }
    Ok(if args.is_empty() { known } else { args.to_vec() })
}

/// The ids of all cases.
fn ids(dpop: &Path) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct List {
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Case {
        id: String,
    }
    let output = Command::new(dpop).args(["list", "--format", "json"]).output()?;
    let List { cases } = serde_json::from_slice(&output.stdout).context("dpop list")?;
    Ok(cases.into_iter().map(|case| case.id).collect())
}

/// The cases and scenarios that a page names as code.
fn cases(text: &str) -> impl Iterator<Item = &str> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| ["rs.", "as.", "client."].iter().any(|role| code.starts_with(role)))
}

/// A code block: what its first line says, and what it holds.
#[derive(Debug, PartialEq)]
struct Block<'a> {
    language: &'a str,
    use_of_it: Option<&'a str>,
    content: String,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut words = info.split(' ');
        let language = words.next().unwrap_or_default();
        let content =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        found.push(Block { language, use_of_it: words.next(), content });
    }
    found
}

/// The page with free ports in place of those that it says it uses.
fn with_free_ports(page: &str) -> Result<String> {
    let ports = page.lines().find_map(|line| line.strip_prefix("<!-- ports: ")?.strip_suffix(" -->"));
    let ports: Vec<&str> = ports.unwrap_or_default().split_whitespace().collect();
    let place = |index: usize| format!("\u{1}{index}\u{1}");
    let mut text = page.to_owned();
    for (index, port) in ports.iter().enumerate() {
        text = text.replace(port, &place(index));
    }
    for index in 0..ports.len() {
        text = text.replace(&place(index), &free_port()?.to_string());
    }
    Ok(text)
}

struct Scene<'a> {
    folder: &'a Path,
    /// Where cargo builds: what was built there already is not built again.
    target: &'a Path,
    dpop: &'a Path,
    nginx: &'a Nginx,
    interrupted: &'a AtomicBool,
}

impl Scene<'_> {
    /// Does what the page says; how many steps that were.
    fn follow(&self, page: &str) -> Result<usize> {
        if self.folder.exists() {
            fs::remove_dir_all(self.folder)
                .with_context(|| format!("can't empty {}", self.folder.display()))?;
        }
        fs::create_dir_all(self.folder)?;
        let text = with_free_ports(page)?;
        let mut servers: Vec<Group> = Vec::new();
        let mut steps = 0;
        for Block { language, use_of_it, content } in blocks(&text) {
            steps += 1;
            let step = || format!("step {steps}:\n{content}");
            match use_of_it.map(|word| word.split_once('=').unwrap_or((word, ""))) {
                Some(("file", name)) => fs::write(self.folder.join(name), &content)?,
                Some(("server", port)) => {
                    servers.push(self.serve(&content, port.parse()?, steps).with_context(step)?);
                }
                Some(("alone", _)) => {
                    servers.clear();
                    self.perform(&content, steps).with_context(step)?;
                }
                None if language == "sh" => self.perform(&content, steps).with_context(step)?,
                Some((other, _)) => bail!("what is `{other}`?"),
                None => steps -= 1,
            }
        }
        ensure!(steps > 0, "it says nothing that could be done");
        Ok(steps)
    }

    fn perform(&self, script: &str, step: usize) -> Result<()> {
        let log = self.folder.join(format!("step-{step}.log"));
        let mut shell = self.shell(&format!("set -e\n{script}"))?;
        let watch = Watch::new(STEP, self.interrupted);
        let status = Group::spawn(&mut shell, &File::create(&log)?)?.wait(&watch, "it")?;
        ensure!(status.success(), "it ended with {status}: {}", fs::read_to_string(&log)?);
        Ok(())
    }

    fn serve(&self, script: &str, port: u16, step: usize) -> Result<Group> {
        let log = self.folder.join(format!("step-{step}.log"));
        let mut group = Group::spawn(&mut self.shell(&format!("exec {script}"))?, &File::create(&log)?)?;
        let watch = Watch::new(START, self.interrupted);
        loop {
            if let Some(status) = group.ended()? {
                bail!("it ended at once ({status}): {}", fs::read_to_string(&log)?);
            }
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(group);
            }
            watch.pause("starting it").with_context(|| format!("see {}", log.display()))?;
        }
    }

    /// A shell that finds `dpop` and nginx, without settings that change what they do.
    fn shell(&self, script: &str) -> Result<Command> {
        let mut command = Command::new("bash");
        command.args(["-c", script]).current_dir(self.folder).env_remove("CI").env("NO_COLOR", "1");
        command.env("CARGO_TARGET_DIR", self.target);
        // As the workspace has it, whose packages can then be used.
        command.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only").env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("DPOP_") {
                command.env_remove(name);
            }
        }
        let (nginx, libraries) = self.nginx.folders();
        let first = [self.dpop.parent(), nginx].into_iter().flatten().map(Path::to_path_buf);
        let others = env::var_os("PATH").unwrap_or_default();
        command.env("PATH", env::join_paths(first.chain(env::split_paths(&others)))?);
        if let Some(libraries) = libraries {
            let others = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
            let all = iter::once(libraries.to_path_buf()).chain(env::split_paths(&others));
            command.env("LD_LIBRARY_PATH", env::join_paths(all)?);
        }
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read() {
        let text = "a\n```sh\ntrue\n```\n\n```yaml file=a.yaml\nb: c\n\nd: e\n```\n```text\n```\n";
        let block =
            |language, use_of_it, content: &str| Block { language, use_of_it, content: content.to_owned() };
        let expected = [
            block("sh", None, "true\n"),
            block("yaml", Some("file=a.yaml"), "b: c\n\nd: e\n"),
            block("text", None, ""),
        ];
        assert_eq!(blocks(text), expected);
    }

    #[test]
    fn ports_are_changed_where_they_are_named() {
        let text = with_free_ports("<!-- ports: 8443 9400 -->\n:8443/ 9400 9401\n").unwrap();
        assert!(!text.contains(":8443") && text.contains(" 9401\n"), "{text}");
    }

    #[test]
    fn cases_are_found() {
        let found: Vec<&str> = cases("`rs.ath` and `rs.ath.missing`, `dpop run`").collect();
        assert_eq!(found, ["rs.ath", "rs.ath.missing"]);
    }
}
