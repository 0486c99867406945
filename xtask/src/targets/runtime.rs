//! What a target is written in: how exactly what its lock file names is installed, and how its server is started.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::process::{Group, Watch};

/// What the output of every step of an installation goes to.
pub(super) const LOG: &str = "install.log";

/// Where Cargo builds.
const BUILD: &str = "build";

/// By the lock file that lies in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// `package-lock.json`, `server.mjs`. Packages run no scripts. Where one of them brings a program `node`, that one runs the
    /// server, as it would under `npm start`: so a target can have a newer one than the machine has.
    Node,
    /// `requirements.txt` with hashes, `server.py`, in an environment of its own. Wheels only.
    Python,
    /// `Cargo.lock`, a program called `server`. It is built where it lies: its crates may have paths.
    Cargo,
}

impl Runtime {
    pub(super) const ALL: [Self; 3] = [Self::Node, Self::Python, Self::Cargo];

    /// The one that the files in `folder` are for.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let found: Vec<Self> =
            Self::ALL.into_iter().filter(|it| folder.join(it.lock_file()).is_file()).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => bail!("there is no lock file in {}", folder.display()),
            [..] => bail!("there are several lock files in {}", folder.display()),
        }
    }

    pub(super) fn lock_file(self) -> &'static str {
        match self {
            Self::Node => "package-lock.json",
            Self::Python => "requirements.txt",
            Self::Cargo => "Cargo.lock",
        }
    }

    /// The program that must be there, and its oldest version that will do.
    fn needs(self) -> (&'static str, [u32; 2]) {
        match self {
            Self::Node => ("node", [20, 0]),
            Self::Python => ("python3", [3, 11]),
            Self::Cargo => ("cargo", [1, 89]),
        }
    }

    /// How long an installation may take.
    fn patience(self) -> Duration {
        match self {
            Self::Node | Self::Python => Duration::from_secs(120),
            Self::Cargo => Duration::from_secs(400),
        }
    }

    /// The commands that install, one after another.
    fn steps(self) -> Vec<Vec<&'static str>> {
        match self {
            Self::Node => vec![vec!["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]],
            Self::Python => vec![
                vec!["python3", "-m", "venv", "--clear", "venv"],
                vec![
                    "venv/bin/python",
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--require-hashes",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--requirement=requirements.txt",
                ],
            ],
            Self::Cargo => vec![vec!["cargo", "build", "--quiet", "--release", "--locked"]],
        }
    }

    /// Installs in `folder` what lies in `source`, of which `folder` has a copy, unless that was done already.
    pub(crate) fn install(self, source: &Path, folder: &Path, interrupted: &AtomicBool) -> Result<()> {
        let what = fs::read(folder.join(self.lock_file()))?;
        // A program of ours is built again whenever it may have changed.
        let installed = folder.join(".installed");
        if self != Self::Cargo && fs::read(&installed).is_ok_and(|it| it == what) {
            return Ok(());
        }
        let (program, oldest) = self.needs();
        let version = version(program)?;
        ensure!(version >= oldest, "it needs {program} {}.{}, and this is {version:?}", oldest[0], oldest[1]);
        let log = File::create(folder.join(LOG))?;
        let watch = Watch::new(self.patience(), interrupted);
        let place = match self {
            Self::Node | Self::Python => folder,
            Self::Cargo => source,
        };
        perform(&self.steps(), place, &folder.join(BUILD), &log, &watch)?;
        Ok(fs::write(installed, what)?)
    }

    /// The command that starts the server, in `folder`.
    pub(super) fn server(self, folder: &Path) -> Command {
        let mut command = match self {
            Self::Node => with_argument(node(folder), "server.mjs"),
            Self::Python => with_argument(folder.join("venv/bin/python"), "server.py"),
            Self::Cargo => Command::new(folder.join(BUILD).join("release/server")),
        };
        command.current_dir(folder).env_remove("NODE_ENV").env("PYTHONUNBUFFERED", "1");
        command
    }
}

/// The `node` that a package brought, or that of the machine.
fn node(folder: &Path) -> PathBuf {
    let brought = folder.join("node_modules/.bin/node");
    if brought.is_file() { brought } else { "node".into() }
}

fn with_argument(program: PathBuf, argument: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(argument);
    command
}

/// Does `steps` in `folder`, until one fails. What Cargo makes goes below `build`.
fn perform(steps: &[Vec<&str>], folder: &Path, build: &Path, log: &File, watch: &Watch<'_>) -> Result<()> {
    for step in steps {
        let Some((program, arguments)) = step.split_first() else { continue };
        // What lies in the folder is meant by its whole path.
        let local = folder.join(program);
        let mut command = if program.contains('/') { Command::new(local) } else { Command::new(program) };
        command.args(arguments).current_dir(folder).env_remove("RUSTFLAGS").env("CARGO_TARGET_DIR", build);
        let what = format!("`{}`", step.join(" "));
        let status = Group::spawn(&mut command, log)?.wait(watch, &what)?;
        ensure!(status.success(), "{what} ended with {status}");
    }
    Ok(())
}

/// Major and minor version of `program`, as `program --version` says it.
fn version(program: &str) -> Result<[u32; 2]> {
    let output = Command::new(program).arg("--version").output();
    let output = output.with_context(|| format!("cannot start `{program}`, which it needs"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    numbers(&text).with_context(|| format!("`{program} --version` says {text:?}"))
}

/// `v20.20.2`, `Python 3.11.7`, `cargo 1.95.0 (f2d3ce0bd 2026-03-21)`
fn numbers(version: &str) -> Option<[u32; 2]> {
    let word = version.split_whitespace().find(|word| word.contains('.'))?;
    let mut parts = word.trim_start_matches('v').split('.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(numbers("v20.20.2\n"), Some([20, 20]));
        assert_eq!(numbers("Python 3.11.7"), Some([3, 11]));
        assert_eq!(numbers("cargo 1.95.0 (f2d3ce0bd 2026-03-21)"), Some([1, 95]));
        assert_eq!(numbers("node"), None);
    }

    #[test]
    fn a_node_among_the_packages_is_the_one() {
        let folder = std::env::temp_dir().join(format!("xtask-node-{}", std::process::id()));
        let brought = folder.join("node_modules/.bin/node");
        fs::create_dir_all(brought.parent().unwrap()).unwrap();
        assert_eq!(Runtime::Node.server(&folder).get_program(), "node");
        fs::write(&brought, "").unwrap();
        assert_eq!(Runtime::Node.server(&folder).get_program(), brought.as_os_str());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_fails_is_named_and_nothing_follows() {
        let folder = std::env::temp_dir().join(format!("xtask-runtime-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let log = File::create(folder.join(LOG)).unwrap();
        let interrupted = AtomicBool::new(false);
        let watch = Watch::new(Duration::from_secs(10), &interrupted);
        let steps = [vec!["sh", "-c", "echo no such package; exit 7"], vec!["touch", "done"]];
        let error = perform(&steps, &folder, &folder.join(BUILD), &log, &watch).unwrap_err().to_string();
        assert_eq!(error, "`sh -c echo no such package; exit 7` ended with exit status: 7");
        assert_eq!(fs::read_to_string(folder.join(LOG)).unwrap(), "no such package\n");
        assert!(!folder.join("done").exists());
        assert_eq!(
            Runtime::of(&folder).unwrap_err().to_string(),
            format!("there is no lock file in {}", folder.display())
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
