use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::protocol::{About, Hello, Line, Question, Reply, VERSION};

/// How many questions are under way at once.
pub(super) const IN_FLIGHT: usize = 32;

/// How long a shim may take to start; some load a large runtime.
const STARTING: Duration = Duration::from_secs(30);

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
    lines: Lines<BufReader<ChildStdout>>,
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

    /// Asks all questions, several under way at once; the replies come in their order.
    ///
    /// # Errors
    /// [`ShimError`] where it breaks the protocol, or does not start again.
    pub async fn ask(&mut self, questions: &[Question]) -> Result<Vec<Reply>, ShimError> {
        let mut replies = Vec::with_capacity(questions.len());
        while replies.len() < questions.len() {
            let rest = questions.get(replies.len()..).unwrap_or_default();
            let (mut answered, silence) = self.ask_until_silent(rest).await?;
            replies.append(&mut answered);
            let Some(silence) = silence else { continue };
            // It answers in order, so the oldest question is the one that it fell over.
            replies.push(match silence {
                Silence::Died(status) => Reply::Died(status),
                Silence::Hung => Reply::Hung,
            });
            self.restart().await?;
        }
        Ok(replies)
    }

    /// Tells it to end, and waits until it did.
    pub async fn end(mut self) {
        let _ = self.process.send(&json!({ "op": "bye" })).await;
        if timeout(self.patience, self.process.child.wait()).await.is_err() {
            let _ = self.process.child.kill().await;
        }
    }

    async fn restart(&mut self) -> Result<(), ShimError> {
        let _ = self.process.child.kill().await;
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
        let Process { child, stdin, lines } = &mut self.process;
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
                let line = match line_of(lines, child, self.patience).await {
                    Ok(line) => line,
                    Err(silence) => return Ok((replies, Some(silence))),
                };
                let wrong = || ShimError::Protocol(line.chars().take(200).collect());
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
        // `exec`: so that what is killed is the shim, and not a shell around it.
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
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
        let mut process = Self { child, stdin, lines: BufReader::new(stdout).lines() };
        let mut first = serde_json::to_value(hello).unwrap_or_default();
        first["op"] = Value::from("hello");
        first["version"] = Value::from(VERSION);
        let _ = process.send(&first).await;
        match line_of(&mut process.lines, &mut process.child, STARTING).await {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(about) => Ok((process, about)),
                Err(_) => Err(ShimError::Protocol(line.chars().take(200).collect())),
            },
            Err(Silence::Died(status)) => Err(ShimError::Silent(format!("it ended with {status}"))),
            Err(Silence::Hung) => Err(ShimError::Silent("it says nothing".to_owned())),
        }
    }

    async fn send(&mut self, line: &Value) -> io::Result<()> {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
        self.stdin.flush().await
    }
}

/// The next line of a shim, or why there is none.
async fn line_of(
    lines: &mut Lines<BufReader<ChildStdout>>,
    child: &mut Child,
    patience: Duration,
) -> Result<String, Silence> {
    match timeout(patience, lines.next_line()).await {
        Ok(Ok(Some(line))) => Ok(line),
        Ok(Ok(None) | Err(_)) => Err(Silence::Died(match timeout(patience, child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its output closed".to_owned(),
        })),
        Err(_) => Err(Silence::Hung),
    }
}
