//! One server at work: its folder, what it is started with, and two runs over it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::addresses::{Addresses, Setup};
use super::certificates;
use super::facts::Measured;
use super::process::{Group, Watch};
use super::results::{Results, Verdict};
use super::runtime::{self, Runtime};
use crate::nginx::install::Nginx;

const START: Duration = Duration::from_secs(30);
const RUNS: Duration = Duration::from_secs(180);
/// What `dpop measure` finds out, and how long it waits for a nonce or a `jti` to end: the table is not about minutes.
const MEASURE: [&str; 4] = ["--only", "nonce,algs,window,jti", "--for", "3s"];
const ASK: Duration = Duration::from_secs(1);

/// A folder of `harness/targets`, or one of several ways to set up what is in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) folder: String,
    pub(super) variant: Option<String>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variant {
            None => f.write_str(&self.folder),
            Some(variant) => write!(f, "{}/{variant}", self.folder),
        }
    }
}

impl Name {
    /// `dpop.yaml`, `dpop-VARIANT.yaml`; so with every file that variants have each their own of.
    pub(super) fn file(&self, stem: &str, extension: &str) -> String {
        match &self.variant {
            None => format!("{stem}.{extension}"),
            Some(variant) => format!("{stem}-{variant}.{extension}"),
        }
    }
}

/// Every target below `folder`, sorted.
pub(super) fn known(folder: &Path) -> Result<Vec<Name>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(entry.path())? {
            let file = file?.file_name().to_string_lossy().into_owned();
            let Some(stem) = file.strip_suffix(".yaml") else { continue };
            let variant = match stem.strip_prefix("dpop") {
                Some("") => None,
                Some(rest) => match rest.strip_prefix('-') {
                    Some(variant) => Some(variant.to_owned()),
                    None => continue,
                },
                None => continue,
            };
            names.push(Name { folder: entry.file_name().to_string_lossy().into_owned(), variant });
        }
    }
    names.sort();
    Ok(names)
}

/// What all targets share.
pub(super) struct Yard<'a> {
    /// The repository.
    pub(super) root: &'a Path,
    /// Where the folders of the targets are.
    pub(super) sources: &'a Path,
    /// Where the shims are that verifiers without a server are behind: each in a folder called as its target.
    pub(super) shims: &'a Path,
    /// Where they are installed and run.
    pub(super) works: &'a Path,
    pub(super) dpop: &'a Path,
    pub(super) interrupted: &'a AtomicBool,
}

pub(super) struct Target<'a> {
    yard: &'a Yard<'a>,
    name: &'a Name,
    source: PathBuf,
    work: PathBuf,
}

/// What came of a target that was judged.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) results: Results,
    /// What was measured, if that was asked for.
    pub(super) measured: Measured,
    /// Whether it is set up to refuse a `jti` that it has seen, where that is said.
    pub(super) single_use_jti: Option<bool>,
}

impl<'a> Target<'a> {
    pub(super) fn new(yard: &'a Yard<'a>, name: &'a Name) -> Self {
        let (source, work) = (yard.sources.join(&name.folder), yard.works.join(&name.folder));
        Self { yard, name, source, work }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.work.join(self.name.file("run", "log"))
    }

    /// Installs, starts, runs twice, measures, compares, stops.
    pub(super) fn run(&self, measure: bool) -> Result<Judged> {
        let config = self.name.file("dpop", "yaml");
        let setup = Setup::read(&self.source.join(&config))?;
        let program = self.program(&setup);
        self.copy(&program)?;
        let runtime = Runtime::of(&program)?;
        runtime
            .install(&program, &self.work, self.yard.interrupted)
            .with_context(|| format!("not installed; see {}", self.work.join(runtime::LOG).display()))?;
        let config = self.work.join(config);
        let server_log = self.work.join(self.name.file("server", "log"));
        let mut server = match &setup.addresses {
            None => None,
            Some(addresses) => Some(self.serve(runtime, addresses, &server_log)?),
        };
        let log = File::create(self.log())?;
        let watch = Watch::new(RUNS, self.yard.interrupted);
        let first = self.drive(&config, "results", &log, &watch)?;
        let second = self.drive(&config, "results-again", &log, &watch)?;
        let measured = if measure { self.measure(&config, &log)? } else { Measured::default() };
        if let Some((server, _)) = &mut server
            && let Some(status) = server.ended()?
        {
            bail!("the server ended on its own ({status}); see {}", server_log.display());
        }
        drop(server);

        let different = first.differences(&second);
        let (count, log) = (different.len(), self.log());
        if count > 0 {
            // The names of cases stay in files that are not kept.
            fs::write(self.work.join("differences"), different.join("\n"))?;
        }
        ensure!(
            count == 0,
            "{count} of {} verdicts differ between two runs; see {}",
            first.len(),
            log.display()
        );
        Ok(Judged { results: first, measured, single_use_jti: setup.single_use_jti })
    }

    /// The folder of what is installed: the target's own, or that of the shim.
    pub(super) fn program(&self, setup: &Setup) -> PathBuf {
        match setup.addresses {
            Some(_) => self.source.clone(),
            None => self.yard.shims.join(&self.name.folder),
        }
    }

    /// Starts the server, and what stands in front of it, and waits until it answers.
    fn serve(&self, runtime: Runtime, addresses: &Addresses, log: &Path) -> Result<(Group, Option<Group>)> {
        addresses.check_free()?;
        let authority = match &addresses.certificate {
            None => None,
            Some(names) => Some(certificates::write(&self.work, names)?),
        };
        let not_started = || format!("not started; see {}", log.display());
        let mut server = self.start(runtime, authority.as_deref(), log).with_context(not_started)?;
        let proxy = self.nginx()?;
        self.wait_for(&mut server, addresses.server).with_context(not_started)?;
        Ok((server, proxy))
    }

    /// Copies the files of the source folder and of the shim, and takes what an earlier run left out of the way.
    fn copy(&self, program: &Path) -> Result<()> {
        fs::create_dir_all(&self.work)?;
        let leftovers = [
            ("server", "log"),
            ("run", "log"),
            ("results", "json"),
            ("results-again", "json"),
            ("facts", "json"),
        ];
        for (stem, extension) in leftovers {
            match fs::remove_file(self.work.join(self.name.file(stem, extension))) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        copy_folder(program, &self.work)?;
        copy_folder(&self.source, &self.work)
    }

    /// Starts the server, which finds its variant as an argument.
    fn start(&self, runtime: Runtime, authority: Option<&Path>, log: &Path) -> Result<Group> {
        let mut command = runtime.server(&self.work);
        command.args(&self.name.variant);
        if let Some(authority) = authority {
            for variable in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"] {
                command.env(variable, authority);
            }
        }
        Group::spawn(&mut command, &File::create(log)?)
    }

    /// nginx in front, where the folder says how.
    fn nginx(&self) -> Result<Option<Group>> {
        let file = self.name.file("nginx", "conf");
        if !self.work.join(&file).is_file() {
            return Ok(None);
        }
        let mut command = Nginx::find(self.yard.root)?.command();
        command.arg("-p").arg(&self.work).args(["-c", &file, "-e", "nginx.log", "-g", "daemon off;"]);
        Group::spawn(&mut command, &File::create(self.work.join("nginx-start.log"))?).map(Some)
    }

    /// Until something answers there that is more than a proxy without a server.
    fn wait_for(&self, server: &mut Group, address: SocketAddr) -> Result<()> {
        let watch = Watch::new(START, self.yard.interrupted);
        loop {
            if let Some(status) = server.ended()? {
                bail!("it ended at once ({status})");
            }
            match status_at(address) {
                Ok(502..=504) | Err(_) => watch.pause("its start")?,
                Ok(_) => return Ok(()),
            }
        }
    }

    /// One run of `dpop`, which must judge every case.
    fn drive(&self, config: &Path, stem: &str, mut log: &File, watch: &Watch<'_>) -> Result<Results> {
        writeln!(log, "# {stem}")?;
        let path = self.work.join(self.name.file(stem, "json"));
        let mut report = OsStr::new("json=").to_owned();
        report.push(&path);
        let mut dpop = Command::new(self.yard.dpop);
        dpop.args(["run", "--config"]).arg(config).arg("--report").arg(report);
        dpop.env_remove("DPOP_BIN").env("NO_COLOR", "1");
        let status = Group::spawn(&mut dpop, log)?.wait(watch, "dpop run")?;
        let see = format!("see {}", self.log().display());
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

    /// What `dpop measure` finds out.
    fn measure(&self, config: &Path, mut log: &File) -> Result<Measured> {
        writeln!(log, "# facts")?;
        let watch = Watch::new(RUNS, self.yard.interrupted);
        let path = self.work.join(self.name.file("facts", "json"));
        let mut dpop = Command::new(self.yard.dpop);
        dpop.args(["measure", "--format", "json", "--config"]).arg(config).args(MEASURE);
        dpop.env_remove("DPOP_BIN").env("NO_COLOR", "1");
        let status =
            Group::spawn_into(&mut dpop, &File::create(&path)?, log)?.wait(&watch, "dpop measure")?;
        let see = format!("see {}", self.log().display());
        ensure!(status.success(), "`dpop measure` ended with {status}; {see}");
        Measured::read(&path)
    }
}

/// The status of a plain request.
fn status_at(address: SocketAddr) -> Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, ASK)?;
    stream.set_read_timeout(Some(ASK))?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let status = std::str::from_utf8(&head)?.split(' ').nth(1).context("no answer of HTTP/1.1")?;
    Ok(status.parse()?)
}

/// Copies files and folders.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&place)?;
            copy_folder(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}
