//! One deployment at work: the server, nginx in front of it with a certificate of our own, and `dpop` for both.

use std::env;
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::deployments::{Deployment, Event, HOST, PREFIX};
use super::install::Nginx;
use crate::insta::free_port;
use crate::targets::process::{Group, Watch};

const START: Duration = Duration::from_secs(30);
const RUN: Duration = Duration::from_secs(120);
/// So many requests are answered before an event.
const REQUESTS: usize = 100;

/// What all deployments share.
pub(super) struct Tools<'a> {
    pub(super) dpop: &'a Path,
    pub(super) nginx: &'a Nginx,
    pub(super) interrupted: &'a AtomicBool,
}

/// A server and the way to it. Everything ends with this value.
pub(super) struct Site<'a> {
    tools: &'a Tools<'a>,
    folder: PathBuf,
    ports: Ports,
    server: Option<Group>,
    nginx: Option<Group>,
}

struct Ports {
    server: u16,
    issuer: u16,
    /// Of nginx; none where nothing stands in front.
    nginx: Option<u16>,
}

/// How a command ended, and what it printed.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) text: String,
}

impl<'a> Site<'a> {
    /// The server behind nginx as `deployment` has it.
    pub(super) fn behind(tools: &'a Tools<'a>, deployment: &Deployment, folder: PathBuf) -> Result<Self> {
        let ports = Ports { server: free_port()?, issuer: free_port()?, nginx: Some(free_port()?) };
        let mut site = Self::new(tools, folder, ports)?;
        let public = deployment.public_url.iter().flat_map(|url| ["--public-url", url]);
        let defect = deployment.defect.iter().flat_map(|defect| ["--defect", defect]);
        site.serve(deployment.serve.iter().copied().chain(public).chain(defect))?;
        site.write_config(deployment.public_url)?;
        site.start_nginx(deployment)?;
        Ok(site)
    }

    /// The same server with nothing in front, and without a bug.
    pub(super) fn direct(tools: &'a Tools<'a>, deployment: &Deployment, folder: PathBuf) -> Result<Self> {
        let ports = Ports { server: free_port()?, issuer: free_port()?, nginx: None };
        let mut site = Self::new(tools, folder, ports)?;
        site.serve(deployment.serve.iter().copied())?;
        site.write_config(None)?;
        Ok(site)
    }

    fn new(tools: &'a Tools<'a>, folder: PathBuf, ports: Ports) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("can't empty {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self { tools, folder, ports, server: None, nginx: None })
    }

    fn serve<'b>(&mut self, arguments: impl Iterator<Item = &'b str>) -> Result<()> {
        let mut serve = self.command(self.tools.dpop);
        serve.args(["serve", "--listen", &format!("127.0.0.1:{}", self.ports.server)]);
        serve.args(["--trust", &format!("http://127.0.0.1:{}", self.ports.issuer)]).args(arguments);
        self.server = Some(self.start(&mut serve, self.ports.server, "server.log")?);
        Ok(())
    }

    fn start_nginx(&mut self, deployment: &Deployment) -> Result<()> {
        let Some(port) = self.ports.nginx else { return Ok(()) };
        self.write_certificates()?;
        fs::create_dir_all(self.folder.join("temp"))?;
        fs::write(self.folder.join("nginx.conf"), conf(deployment, port, self.ports.server))?;
        let mut nginx = self.tools.nginx.command();
        nginx.arg("-p").arg(&self.folder).args(["-c", "nginx.conf", "-e", "error.log"]);
        self.nginx = Some(self.start(&mut nginx, port, "nginx.log")?);
        Ok(())
    }

    /// Starts `command` and waits until it takes connections at `port`.
    fn start(&self, command: &mut Command, port: u16, log: &str) -> Result<Group> {
        let log = self.folder.join(log);
        let mut group = Group::spawn(command, &File::create(&log)?)?;
        let watch = Watch::new(START, self.tools.interrupted);
        loop {
            if let Some(status) = group.ended()? {
                let said = fs::read_to_string(&log).unwrap_or_default();
                bail!("{command:?} ended at once ({status}): {said}");
            }
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(group);
            }
            watch.pause("starting").with_context(|| format!("see {}", log.display()))?;
        }
    }

    /// An authority, and a certificate by it for the host.
    fn write_certificates(&self) -> Result<()> {
        let mut params = CertificateParams::new(vec![])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new(vec![HOST.to_owned()])?.signed_by(&key, &authority)?;
        for (name, text) in
            [("ca.pem", authority.pem()), ("leaf.pem", leaf.pem()), ("leaf.key", key.serialize_pem())]
        {
            fs::write(self.folder.join(name), text)?;
        }
        Ok(())
    }

    /// The resource as clients know it, and what lies beside it.
    pub(super) fn url(&self, name: &str) -> String {
        match self.ports.nginx {
            Some(_) => format!("https://{HOST}{PREFIX}/{name}"),
            None => format!("http://127.0.0.1:{}/{name}", self.ports.server),
        }
    }

    fn write_config(&self, public_url: Option<&str>) -> Result<()> {
        let Ports { server, issuer, .. } = self.ports;
        let (resource, other, admin) = (self.url("resource"), self.url("other"), self.url("admin"));
        let own = format!("http://127.0.0.1:{server}");
        let audience = public_url.unwrap_or(&own);
        let config = format!(
            "dpop: 1
target:
  name: reference
  resource: GET {resource}
  bearer: refused
  resources: [{{ request: GET {other} }}, {{ request: POST {other} }}]
  forbidden: GET {admin}
observe: {{ metrics: '{own}/metrics', counter: dpop_refusals_total }}
auth:
  kind: embedded
  listen: 127.0.0.1:{issuer}
  issuer: http://127.0.0.1:{issuer}
  audience: {audience}
allow-hosts: [{HOST}]
"
        );
        Ok(fs::write(self.folder.join("dpop.yaml"), config)?)
    }

    /// A program in the folder of this site, without settings that change what it does.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("CI", "true").env("NO_COLOR", "1");
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("DPOP_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// `dpop` with these arguments, to its end; the event happens after a hundred requests.
    pub(super) fn dpop(&mut self, arguments: &[&str], event: Event) -> Result<Ended> {
        let mut dpop = self.command(self.tools.dpop);
        dpop.args(arguments);
        if let Some(port) = self.ports.nginx {
            dpop.args(["--cacert", "ca.pem", "--connect-to", &format!("{HOST}:443:127.0.0.1:{port}")]);
        }
        let log = self.folder.join(format!("{}.log", arguments.first().unwrap_or(&"dpop")));
        let mut dpop = Group::spawn(&mut dpop, &File::create(&log)?)?;
        let watch = Watch::new(RUN, self.tools.interrupted);
        let mut pending = Some(event);
        let status = loop {
            if let Some(status) = dpop.ended()? {
                break status;
            }
            if pending.is_some() && self.answered() >= REQUESTS {
                match pending.take() {
                    Some(Event::ServerEnds) => self.server = None,
                    Some(Event::ServerHangs) => self.server.as_ref().map_or(Ok(()), Group::halt)?,
                    Some(Event::ProxyEnds) => self.nginx = None,
                    Some(Event::Nothing) | None => {}
                }
            }
            watch.pause("dpop")?;
        };
        Ok(Ended { code: status.code(), text: fs::read_to_string(log)? })
    }

    /// How many requests nginx has answered.
    fn answered(&self) -> usize {
        fs::read_to_string(self.folder.join("access.log")).unwrap_or_default().lines().count()
    }

    /// A file that a command wrote here.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Everything that nginx is told.
fn conf(deployment: &Deployment, port: u16, upstream: u16) -> String {
    let upstream = format!("127.0.0.1:{upstream}");
    let with_upstream = |directives: &str| directives.replace("{upstream}", &upstream);
    let (http, location) = (with_upstream(deployment.http), with_upstream(deployment.location));
    let tls = "ssl_certificate leaf.pem; ssl_certificate_key leaf.key;";
    let strangers = deployment.strangers.map(|answer| {
        format!("server {{ listen 127.0.0.1:{port} ssl http2 default_server; {tls} {answer} }}")
    });
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path temp/{what}; "))
        .concat();
    format!(
        "daemon off;
pid nginx.pid;
worker_processes 1;
events {{ }}
http {{
  access_log access.log;
  {temp}
  {http}
  {strangers}
  server {{
    listen 127.0.0.1:{port} ssl http2;
    server_name {HOST};
    {tls}
    location {PREFIX}/ {{ {location} }}
    location /.well-known/oauth-protected-resource{PREFIX}/ {{ proxy_pass http://{upstream}; }}
  }}
}}
",
        strangers = strangers.unwrap_or_default(),
    )
}
