use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

#[cfg(unix)]
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::protocol::{About, Hello, Line, Question, Reply, VERSION};

/// How many questions are under way at once.
pub(super) const IN_FLIGHT: usize = 32;

/// How long a shim may take to start; some load a large runtime.
const STARTING: Duration = Duration::from_secs(30);

/// How long it takes to see that a shim has ended.
#[cfg(unix)]
const LOOKING: Duration = Duration::from_millis(10);

/// How long a line may be, in bytes.
const LONGEST_LINE: usize = 1 << 20;

/// A shim that runs.
pub struct Shim {
    command: String,
    folder: PathBuf,
    hello: Hello,
    patience: Duration,
    process: Process,
    about: About,
    restarts: usize,
    next_id: u64,
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// A shim can't be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShimError {
    /// It can't be started.
    #[error("can't start the shim: {0}")]
    Start(io::Error),
    /// It ended, or said nothing, before it said what it is.
    #[error("the shim did not answer to hello: {0}")]
    Silent(String),
    /// A line that the protocol does not have.
    #[error("the shim does not keep to docs/shim.md: {0}")]
    Protocol(String),
}

/// Why no line came.
enum Silence {
    Died(String),
    Hung,
    /// What came is none: too long, or no text.
    NoLine(String),
}

impl ShimError {
    /// Of a line that the protocol does not have, as much as can be shown.
    fn of_line(line: &str) -> Self {
        Self::Protocol(line.chars().take(200).flat_map(char::escape_debug).collect())
    }
}

impl Shim {
    /// Starts `command`, a line for the shell, in `folder`, and asks what it is. It has `patience` to answer one question.
    ///
    /// # Errors
    /// [`ShimError`] where it does not start or does not speak the protocol.
    pub async fn start(
        command: &str,
        folder: &Path,
        hello: &Hello,
        patience: Duration,
    ) -> Result<Self, ShimError> {
        let (process, about) = Process::start(command, folder, hello).await?;
        let (command, folder, hello) = (command.to_owned(), folder.to_owned(), hello.clone());
        Ok(Self { command, folder, hello, patience, process, about, restarts: 0, next_id: 0 })
    }

    /// What it says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// How often it was started anew.
    pub fn restarts(&self) -> usize {
        self.restarts
    }

    /// How many questions it was asked.
    pub fn asked(&self) -> u64 {
        self.next_id
    }

    /// Asks all questions, several under way at once; the replies come in their order. A question over which the shim died or hung is
    /// asked once more, alone.
    ///
    /// # Errors
    /// [`ShimError`] where it breaks the protocol, or does not start again.
    pub async fn ask(&mut self, questions: &[Question]) -> Result<Vec<Reply>, ShimError> {
        let mut replies = Vec::with_capacity(questions.len());
        while replies.len() < questions.len() {
            let rest = questions.get(replies.len()..).unwrap_or_default();
            let (mut answered, silence) = self.ask_until_silent(rest).await?;
            replies.append(&mut answered);
            if silence.is_none() {
                continue;
            }
            self.restart().await?;
            // It answers in order, so the oldest question is the one that it fell over, unless it worked on others beside it.
            let rest = questions.get(replies.len()..).unwrap_or_default();
            let (answered, silence) = self.ask_until_silent(rest.get(..1).unwrap_or_default()).await?;
            replies.extend(answered);
            if let Some(silence) = silence {
                replies.push(match silence {
                    Silence::Died(status) => Reply::Died(status),
                    Silence::Hung => Reply::Hung,
                    Silence::NoLine(why) => return Err(ShimError::Protocol(why)),
                });
                self.restart().await?;
            }
        }
        Ok(replies)
    }

    /// Tells it to end, and waits until it did.
    pub async fn end(mut self) {
        let _ = self.process.send(&json!({ "op": "bye" })).await;
        let _ = ended(&mut self.process.child, self.patience).await;
    }

    async fn restart(&mut self) -> Result<(), ShimError> {
        (self.process, self.about) = Process::start(&self.command, &self.folder, &self.hello).await?;
        self.restarts += 1;
        Ok(())
    }

    async fn ask_until_silent(
        &mut self,
        questions: &[Question],
    ) -> Result<(Vec<Reply>, Option<Silence>), ShimError> {
        let first = self.next_id;
        self.next_id += questions.len() as u64;
        let room = Semaphore::new(IN_FLIGHT);
        // Both at the same time: neither side waits for the other because a pipe is full.
        let Process { child, stdin, stdout } = &mut self.process;
        let writing = async {
            let mut text = String::new();
            for (question, id) in questions.iter().zip(first..) {
                room.acquire().await.ok()?.forget();
                let mut line = serde_json::to_value(question).unwrap_or_default();
                line["op"] = Value::from("verify");
                line["id"] = Value::from(id);
                text += &format!("{line}\n");
                let is_last = id + 1 == first + questions.len() as u64;
                if is_last || room.available_permits() == 0 {
                    stdin.write_all(text.as_bytes()).await.ok()?;
                    stdin.flush().await.ok()?;
                    text.clear();
                }
            }
            Some(())
        };
        let reading = async {
            let mut replies = Vec::with_capacity(questions.len());
            for id in (first..).take(questions.len()) {
                let line = match line_of(stdout, child, self.patience).await {
                    Ok(line) => line,
                    Err(Silence::NoLine(why)) => return Err(ShimError::Protocol(why)),
                    Err(silence) => return Ok((replies, Some(silence))),
                };
                let wrong = || ShimError::of_line(&line);
                let read: Line = serde_json::from_str(&line).map_err(|_| wrong())?;
                if read.id != id {
                    return Err(wrong());
                }
                replies.push(read.reply().ok_or_else(wrong)?);
                room.add_permits(1);
            }
            Ok((replies, None))
        };
        tokio::pin!(reading);
        tokio::select! {
            read = &mut reading => read,
            // All is written, or nobody takes it any more: then reading says so.
            _ = writing => reading.await,
        }
    }
}

impl Process {
    async fn start(command: &str, folder: &Path, hello: &Hello) -> Result<(Self, About), ShimError> {
        let mut command_line = Command::new("sh");
        // A group of its own: what is killed is all that the command starts.
        #[cfg(unix)]
        command_line.process_group(0);
        let mut child = command_line
            .args(["-c", command])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(ShimError::Start)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ShimError::Silent("it has no pipes".to_owned()));
        };
        let mut process = Self { child, stdin, stdout: BufReader::new(stdout) };
        let mut first = serde_json::to_value(hello).unwrap_or_default();
        first["op"] = Value::from("hello");
        first["version"] = Value::from(VERSION);
        let _ = process.send(&first).await;
        match line_of(&mut process.stdout, &mut process.child, STARTING).await {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(about) => Ok((process, about)),
                Err(_) => Err(ShimError::of_line(&line)),
            },
            Err(Silence::Died(status)) => Err(ShimError::Silent(format!("it ended with {status}"))),
            Err(Silence::Hung) => Err(ShimError::Silent("it says nothing".to_owned())),
            Err(Silence::NoLine(why)) => Err(ShimError::Protocol(why)),
        }
    }

    async fn send(&mut self, line: &Value) -> io::Result<()> {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
        self.stdin.flush().await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        kill_group(&self.child); // and the child itself: `kill_on_drop`
    }
}

/// Ends a shim with all that it started. A child that has ended keeps its id, and so the group's, until somebody waits for it.
#[cfg(unix)]
fn kill_group(child: &Child) {
    if let Some(group) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}

/// How a shim ended by itself; what it left behind is ended with it. None where it has not ended within `patience`.
#[cfg_attr(
    unix,
    expect(clippy::disallowed_methods, reason = "a process is waited for, whatever the time is")
)]
async fn ended(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    #[cfg(unix)]
    {
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()))?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ending = async {
            while !matches!(waitid(WaitId::Pid(pid), options), Ok(Some(_)) | Err(_)) {
                tokio::time::sleep(LOOKING).await;
            }
        };
        timeout(patience, ending).await.ok()?;
        kill_group(child);
    }
    timeout(patience, child.wait()).await.ok()?.ok()
}

/// A line without its end; none at the end of the output. Of one that is too long, as much as is allowed and a byte.
async fn read_line(stdout: &mut BufReader<ChildStdout>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    while line.len() <= LONGEST_LINE {
        let part = stdout.fill_buf().await?;
        let (length, ends) = match part.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at, true),
            None => (part.len(), false),
        };
        if part.is_empty() {
            break;
        }
        line.extend(&part[..length]);
        stdout.consume(length + usize::from(ends));
        if ends {
            return Ok(Some(line));
        }
    }
    Ok((!line.is_empty()).then_some(line))
}

/// The next line of a shim, or why there is none.
async fn line_of(
    stdout: &mut BufReader<ChildStdout>,
    child: &mut Child,
    patience: Duration,
) -> Result<String, Silence> {
    match timeout(patience, read_line(stdout)).await {
        Ok(Ok(Some(line))) if line.len() > LONGEST_LINE => {
            Err(Silence::NoLine(format!("a line of more than {LONGEST_LINE} bytes")))
        }
        Ok(Ok(Some(line))) => match String::from_utf8(line) {
            Ok(line) => Ok(line),
            Err(_) => Err(Silence::NoLine("a line that is not UTF-8".to_owned())),
        },
        Ok(Ok(None) | Err(_)) => Err(Silence::Died(match ended(child, patience).await {
            Some(status) => status.to_string(),
            None => "its output closed".to_owned(),
        })),
        Err(_) => Err(Silence::Hung),
    }
}
