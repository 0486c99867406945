//! `cargo xtask nginx`: the suite against the reference server behind nginx, which ends TLS and takes a part of the path
//! away.
//!
//! Where both are set up well, what comes of it is what comes of the same server with nothing in front, case by case. Where
//! they are not, or one of them goes away, there is one finding that says what to change, and nothing passes that was not
//! shown. Each of [`DEPLOYMENTS`] lies below `target/xtask-nginx/` with its logs.

mod deployments;
pub(crate) mod install;
mod site;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use self::deployments::{DEPLOYMENTS, Deployment, Event, Expected};
use self::install::Nginx;
use self::site::{Ended, Site, Tools};
use crate::Usage;
use crate::targets::results::Verdict;

pub(crate) fn run(args: &[String]) -> Result<()> {
    let deployments = selection(args)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let nginx = Nginx::find(root)?;
    println!("{}", nginx.version()?);
    let dpop = crate::insta::dpop(root)?;
    let tools = Tools { dpop: &dpop, nginx: &nginx, interrupted: &interrupted };
    let folder = root.join("target/xtask-nginx");
    let width = deployments.iter().map(|it| it.name.len()).max().unwrap_or_default();
    let mut direct = BTreeMap::new();
    for deployment in deployments {
        let found = check(&tools, deployment, &folder, &mut direct).with_context(|| {
            format!("{}: see {}", deployment.name, folder.join(deployment.name).display())
        })?;
        println!("{:width$}  {found}", deployment.name);
    }
    Ok(())
}

fn selection(args: &[String]) -> Result<Vec<&'static Deployment>, Usage> {
    let known = |name: &String| {
        let found = DEPLOYMENTS.iter().find(|it| it.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = DEPLOYMENTS.iter().map(|it| it.name).collect();
            Usage(format!("no deployment `{name}`; there are: {}", names.join(", ")))
        })
    };
    if args.is_empty() { Ok(DEPLOYMENTS.iter().collect()) } else { args.iter().map(known).collect() }
}

/// What is expected of one deployment, in a few words; an error where it is not so.
fn check(
    tools: &Tools<'_>,
    deployment: &Deployment,
    folder: &Path,
    direct: &mut BTreeMap<Vec<&'static str>, Report>,
) -> Result<String> {
    let mut site = Site::behind(tools, deployment, folder.join(deployment.name))?;
    match deployment.expected {
        Expected::Like(findings) => {
            initialised(&mut site)?;
            diagnosed(&mut site, 0, &["It can be judged"])?;
            let (ended, here) = judged(&mut site, deployment.run, Event::Nothing)?;
            drop(site);
            let key = [deployment.serve, deployment.run].concat();
            if !direct.contains_key(&key) {
                let folder = folder.join(format!("{}-direct", deployment.name));
                let mut site = Site::direct(tools, deployment, folder)?;
                let (_, found) = judged(&mut site, deployment.run, Event::Nothing)?;
                ensure!(found.odd().is_empty(), "with nothing in front: {:?}", found.odd());
                direct.insert(key.clone(), found);
            }
            let there = direct.get(&key).context("it was just made")?;
            here.is_like(there, findings)?;
            ensure!(ended.code == Some(0), "it ended with {:?}", ended.code);
            Ok(format!("{}, as with nothing in front{}", here.counts(), but(findings)))
        }
        Expected::Trouble { code, says } => {
            let trouble = diagnosed(&mut site, code, says)?;
            let (ended, here) = judged(&mut site, deployment.run, Event::Nothing)?;
            here.is_one_finding(&trouble)?;
            ensure!(here.facts.trouble.as_ref() == Some(&trouble), "doctor says {trouble}");
            ensure!(ended.code == Some(3), "it ended with {:?}", ended.code);
            Ok(format!("{}: {trouble}", here.counts()))
        }
        Expected::Lost { event, says } => {
            let (ended, here) = judged(&mut site, deployment.run, event)?;
            here.is_one_finding("lost during")?;
            here.is_one_finding(says)?;
            let passed = here.count(Verdict::Pass);
            ensure!(passed > 10 && here.count(Verdict::Skip) > 100, "{}", here.counts());
            ensure!(ended.code == Some(3), "it ended with {:?}", ended.code);
            Ok(format!("{}: {}", here.counts(), here.facts.trouble.unwrap_or_default()))
        }
    }
}

fn but(findings: &[(&str, Verdict)]) -> String {
    let words = findings.iter().map(|(id, verdict)| format!(", but {} {id}", verdict.name()));
    words.collect()
}

/// `dpop init` finds the resource, and writes a config for it.
fn initialised(site: &mut Site<'_>) -> Result<()> {
    let url = site.url("resource");
    let arguments = ["init", &url, "--authorised", "-o", "init.yaml"];
    let Ended { code, text } = site.dpop(&arguments, Event::Nothing)?;
    ensure!(code == Some(0), "dpop init ended with {code:?}: {text}");
    let written = fs::read_to_string(site.path("init.yaml"))?;
    for part in [&format!("resource: 'GET {url}'"), "a DPoP challenge"] {
        ensure!(written.contains(part), "`{part}` is not in what dpop init wrote: {written}");
    }
    Ok(())
}

/// The last line of `dpop doctor`.
fn diagnosed(site: &mut Site<'_>, expected: i32, says: &[&str]) -> Result<String> {
    let Ended { code, text } = site.dpop(&["doctor"], Event::Nothing)?;
    let last = text.lines().last().unwrap_or_default();
    ensure!(code == Some(expected), "dpop doctor ended with {code:?}, and not with {expected}:\n{text}");
    for part in says {
        ensure!(last.contains(part), "dpop doctor did not say `{part}`, but:\n{text}");
    }
    Ok(last.to_owned())
}

fn judged(site: &mut Site<'_>, arguments: &[&str], event: Event) -> Result<(Ended, Report)> {
    let report = format!("json={}", site.path("results.json").display());
    let arguments = [["run", "-v", "--report", &report].as_slice(), arguments].concat();
    let ended = site.dpop(&arguments, event)?;
    let read =
        || Ok::<_, anyhow::Error>(serde_json::from_str(&fs::read_to_string(site.path("results.json"))?)?);
    let report = read().with_context(|| format!("dpop run ended with {:?}: {}", ended.code, ended.text))?;
    Ok((ended, report))
}

/// What is read of a report.
#[derive(Debug, Deserialize)]
struct Report {
    facts: Facts,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Facts {
    trouble: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Case {
    id: String,
    verdict: Verdict,
    reason: Option<String>,
}

impl Case {
    fn is_not_for_this_url(&self) -> bool {
        let why = self.reason.as_deref().unwrap_or_default();
        self.verdict == Verdict::Skip && why.starts_with("not for this URL")
    }
}

impl Report {
    fn count(&self, verdict: Verdict) -> usize {
        self.cases.iter().filter(|case| case.verdict == verdict).count()
    }

    fn counts(&self) -> String {
        let others = [Verdict::Note, Verdict::Warn, Verdict::Fail, Verdict::Inconclusive];
        let others = others.map(|verdict| (verdict, self.count(verdict)));
        let others = others.iter().filter(|(_, count)| *count > 0);
        let others: String = others.map(|(verdict, count)| format!(", {count} {}", verdict.name())).collect();
        format!("{} pass, {} skip{others}", self.count(Verdict::Pass), self.count(Verdict::Skip))
    }

    /// What accuses somebody, or shows nothing.
    fn odd(&self) -> Vec<(&str, Verdict, &str)> {
        self.cases
            .iter()
            .filter(|case| !matches!(case.verdict, Verdict::Pass | Verdict::Skip | Verdict::Note))
            .map(|case| (case.id.as_str(), case.verdict, case.reason.as_deref().unwrap_or_default()))
            .collect()
    }

    /// The same verdicts as in `other`, apart from these findings, and from cases that mean nothing for one of the URLs.
    fn is_like(&self, other: &Self, findings: &[(&str, Verdict)]) -> Result<()> {
        let there: BTreeMap<&str, &Case> = other.cases.iter().map(|case| (case.id.as_str(), case)).collect();
        let mut different = Vec::new();
        for case in &self.cases {
            let there = there.get(case.id.as_str()).with_context(|| format!("{} is new", case.id))?;
            let expected = findings.iter().find(|(id, _)| *id == case.id).map(|(_, verdict)| *verdict);
            let url = case.is_not_for_this_url() || there.is_not_for_this_url();
            if case.verdict != expected.unwrap_or(there.verdict) && !(url && expected.is_none()) {
                different.push(format!("{case:?}, and not {:?}", expected.unwrap_or(there.verdict)));
            }
        }
        for (id, _) in findings {
            ensure!(self.cases.iter().any(|case| case.id == *id), "{id} was not performed");
        }
        ensure!(
            self.cases.len() == other.cases.len(),
            "{} cases, not {}",
            self.cases.len(),
            other.cases.len()
        );
        ensure!(different.is_empty(), "{}", different.join("\n"));
        Ok(())
    }

    /// One finding, which says this.
    fn is_one_finding(&self, says: &str) -> Result<()> {
        let odd = self.odd();
        let [(id, _, reason)] = odd.as_slice() else { anyhow::bail!("not one finding: {odd:?}") };
        ensure!(id.starts_with("rs.preflight."), "{id}");
        ensure!(reason.contains(says), "`{says}` is not in: {reason}");
        Ok(())
    }
}
