//! Child processes that do not outlive us, and the patience we have with them.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

const STEP: Duration = Duration::from_millis(50);
/// Between asking a process to end and making it.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait: until a deadline, or Ctrl-C.
pub(crate) struct Watch<'a> {
    limit: Duration,
    start: Instant,
    interrupted: &'a AtomicBool,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(limit: Duration, interrupted: &'a AtomicBool) -> Self {
        Self { limit, start: Instant::now(), interrupted }
    }

    /// Sleeps a little; an error once the waiting is over.
    pub(crate) fn pause(&self, what: &str) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        if self.start.elapsed() >= self.limit {
            bail!("{what} took longer than {} s", self.limit.as_secs());
        }
        thread::sleep(STEP);
        Ok(())
    }
}

/// A child and what it starts, in a process group of their own. Dropping it ends them all, by id.
pub(crate) struct Group {
    child: Child,
    reaped: bool,
}

impl Group {
    /// Starts `command` without input; both its outputs go to `log`.
    pub(crate) fn spawn(command: &mut Command, log: &File) -> Result<Self> {
        Self::spawn_into(command, log, log)
    }

    /// Starts `command` without input; what it prints goes to `output`, and what it says beside to `log`.
    pub(crate) fn spawn_into(command: &mut Command, output: &File, log: &File) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(log.try_clone()?).process_group(0);
        let child =
            command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child, reaped: false })
    }

    /// How the child ended, if it did.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.reaped = status.is_some();
        Ok(status)
    }

    /// Waits for the child's end.
    pub(crate) fn wait(mut self, watch: &Watch<'_>, what: &str) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            watch.pause(what)?;
        }
    }

    /// Halts the child and what it started: they keep their sockets and answer nothing any more.
    pub(crate) fn halt(&self) -> Result<()> {
        Ok(kill_process_group(Pid::from_child(&self.child), Signal::STOP)?)
    }

    /// Whether the child has ended; it keeps its id, and so the group's, until somebody waits for it.
    fn is_zombie(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        matches!(waitid(WaitId::Pid(Pid::from_child(&self.child)), options), Ok(Some(_)))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.reaped {
            return; // The id may be somebody else's by now.
        }
        // There is nobody to tell about a failure: the group is gone then.
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::TERM);
        let asked = Instant::now();
        while !self.is_zombie() && asked.elapsed() < GRACE {
            thread::sleep(STEP);
        }
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn null() -> File {
        File::options().write(true).open("/dev/null").unwrap()
    }

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_status_comes_back() {
        let interrupted = AtomicBool::new(false);
        let watch = Watch::new(Duration::from_secs(10), &interrupted);
        let status = Group::spawn(&mut sh("exit 3"), &null()).unwrap().wait(&watch, "sh").unwrap();
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn patience_ends() {
        let interrupted = AtomicBool::new(false);
        let watch = Watch::new(Duration::ZERO, &interrupted);
        let wait = |watch| Group::spawn(&mut sh("sleep 60"), &null()).unwrap().wait(watch, "sleeping");
        assert_eq!(wait(&watch).unwrap_err().to_string(), "sleeping took longer than 0 s");
        interrupted.store(true, Ordering::Relaxed);
        assert_eq!(wait(&watch).unwrap_err().to_string(), "interrupted");
    }

    #[test]
    fn dropping_ends_the_whole_group() {
        let group = Group::spawn(&mut sh("sleep 60 & wait"), &null()).unwrap();
        let id = Pid::from_child(&group.child);
        thread::sleep(STEP);
        drop(group);
        // A killed grandchild stays a zombie until its new parent reaps it.
        let start = Instant::now();
        while rustix::process::test_kill_process_group(id).is_ok() && start.elapsed() < GRACE {
            thread::sleep(STEP);
        }
        assert!(rustix::process::test_kill_process_group(id).is_err());
    }
}
