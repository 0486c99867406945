//! Running the real program: without the settings of whoever runs the tests, and with a deadline.

#![expect(clippy::disallowed_methods, reason = "the program runs in real time")]

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long one command may take. The slowest needs a few seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// The program with these arguments, in an empty folder, with nothing in its environment that changes what it does.
pub(crate) fn dpop<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpop"));
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        let decides = ["CI", "GITHUB_ACTIONS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS"];
        if decides.contains(&name_text.as_ref()) || name_text.starts_with("DPOP_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    command
}

/// A folder with a `bin/dpop` in it, which is on the path of the scripts that run there.
pub(crate) fn place() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_dpop"));
    std::fs::write(bin.join("dpop"), script).expect("a file");
    assert!(Command::new("chmod").arg("+x").arg(bin.join("dpop")).status().expect("chmod").success());
    folder
}

/// bash with a script, in an environment as clean as that of `dpop` itself.
pub(crate) fn bash(folder: &Path, script: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = dpop::<&str>([]);
    let mut bash = Command::new("bash");
    for (name, value) in command.current_dir(folder).get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    let path = std::env::var("PATH").expect("a path");
    bash.env("PATH", format!("{}:{path}", text(&folder.join("bin"))));
    ended(bash.arg("-c").arg(script).current_dir(folder).envs(variables.iter().copied()))
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; none where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The command ended with this code; otherwise the test fails and shows everything.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "\n-- stdout\n{stdout}\n-- stderr\n{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        self
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn ended(command: &mut Command) -> Ended {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let stdout = reader(child.stdout.take().expect("a pipe"));
    let stderr = reader(child.stderr.take().expect("a pipe"));
    let Some(code) = code_within(&mut child, DEADLINE) else {
        let _ = child.kill();
        panic!("{command:?} did not end within {DEADLINE:?}");
    };
    let text = |thread: JoinHandle<String>| thread.join().expect("UTF-8");
    Ended { code, stdout: text(stdout), stderr: text(stderr) }
}

/// Runs the program to its end.
#[track_caller]
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    ended(&mut dpop(arguments))
}

fn reader(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).expect("UTF-8");
        text
    })
}

/// The exit code, if the child ends in time; within, none where a signal ended it.
pub(crate) fn code_within(child: &mut Child, limit: Duration) -> Option<Option<i32>> {
    let began = Instant::now();
    while began.elapsed() < limit {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status.code());
        }
        thread::sleep(Duration::from_millis(5));
    }
    None
}

/// A running `dpop serve`; killed when dropped.
pub(crate) struct Serving {
    pub(crate) child: Child,
    /// What it printed when it was ready.
    pub(crate) announcement: String,
}

impl Serving {
    /// Starts it and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = dpop(["serve"].iter().chain(arguments));
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut announcement = String::new();
        while !announcement.contains("Ctrl-C ends it") {
            let length = lines.read_line(&mut announcement).expect("UTF-8");
            assert_ne!(length, 0, "dpop serve {arguments:?} ended, having said: {announcement}");
        }
        Self { child, announcement }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback address that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A path as an argument or in an expected message.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A target with a folder for its config, and the reference server that the config names.
pub(crate) struct Staging {
    pub(crate) folder: TempDir,
    resource: u16,
    issuer: u16,
}

impl Staging {
    pub(crate) fn new() -> Self {
        let (folder, resource, issuer) = (tempfile::tempdir().expect("a folder"), free_port(), free_port());
        let config = format!(
            "dpop: 1
target: {{ name: staging, resource: GET http://127.0.0.1:{resource}/resource, bearer: refused }}
auth:
  kind: embedded
  listen: 127.0.0.1:{issuer}
  issuer: http://127.0.0.1:{issuer}
  audience: http://127.0.0.1:{resource}
"
        );
        std::fs::write(folder.path().join("dpop.yaml"), config).expect("written");
        Self { folder, resource, issuer }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("dpop.yaml")
    }

    /// The server, for as long as the result lives.
    pub(crate) fn serve(&self, more: &[&str]) -> Serving {
        let listen = format!("127.0.0.1:{}", self.resource);
        let trust = format!("http://127.0.0.1:{}", self.issuer);
        Serving::start(&[&["--listen", listen.as_str(), "--trust", trust.as_str()], more].concat())
    }
}
