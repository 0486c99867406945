//! nginx, as Debian packages it: the one that is installed, or one unpacked below `target/tools`, which needs no root.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The program, and a library that a machine without it may lack.
const PACKAGES: [&str; 2] = ["nginx", "libpcre2-8-0"];

/// The program, and where its libraries may lie.
pub(crate) struct Nginx {
    program: PathBuf,
    libraries: Option<PathBuf>,
}

impl Nginx {
    /// Finds it, or unpacks it.
    pub(crate) fn find(root: &Path) -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        let installed = folders.map(|folder| folder.join("nginx")).find(|program| program.is_file());
        if let Some(program) = installed {
            return Ok(Self { program, libraries: None });
        }
        let folder = root.join("target/tools/nginx");
        let program = folder.join("usr/sbin/nginx");
        if !program.is_file() {
            unpack(&folder).context("nginx is not installed, and can't be fetched")?;
        }
        let libraries = fs::read_dir(folder.join("usr/lib"))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.to_string_lossy().ends_with("-linux-gnu"));
        Ok(Self { program, libraries })
    }

    /// A command that starts it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }

    /// The folder that it lies in, and the one with its libraries, if that is not where the system looks for them.
    pub(crate) fn folders(&self) -> (Option<&Path>, Option<&Path>) {
        (self.program.parent(), self.libraries.as_deref())
    }

    /// What it calls itself: `nginx/1.22.1`.
    pub(super) fn version(&self) -> Result<String> {
        let output = self.command().arg("-v").output().context("nginx does not start")?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "nginx does not start: {text}");
        Ok(text.trim().trim_start_matches("nginx version: ").to_owned())
    }
}

/// Fetches the packages with lists of our own, and takes them apart.
fn unpack(folder: &Path) -> Result<()> {
    println!("unpacking {} below {}", PACKAGES.join(", "), folder.display());
    let archives = folder.join("archives");
    for beside in ["lists/partial", "cache/archives/partial", "archives"] {
        fs::create_dir_all(folder.join(beside))?;
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        for (option, value) in [("Dir::State::lists", "lists"), ("Dir::Cache", "cache")] {
            command.arg("-o").arg(format!("{option}={}", folder.join(value).display()));
        }
        // Whoever else asks for packages must not keep us waiting, and the folder is not everybody's.
        command.args(["-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="]).arg("-qq");
        done(command.args(arguments).current_dir(&archives))
    };
    apt(&["update"])?;
    apt(&[["download"].as_slice(), &PACKAGES].concat())?;
    for entry in fs::read_dir(&archives)? {
        let archive = entry?.path();
        if archive.extension() == Some(OsStr::new("deb")) {
            done(Command::new("dpkg").arg("-x").arg(&archive).arg(folder))?;
        }
    }
    Ok(())
}

fn done(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("can't start {command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {errors}");
    Ok(())
}
