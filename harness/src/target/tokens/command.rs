use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;

use super::{Credentials, TokenError, TokenSource, sendable};
use crate::entropy::{Entropy, unique_id};
use crate::jose::json::{self, Json, Object};
use crate::proof::{AccessToken, ProofKey};
use crate::target::BoxFuture;

/// How long the program may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// A program that prints a token.
///
/// It finds `DPOP_JKT`, `DPOP_JWK_FILE` (the private key as a JWK, in a file that only this user can read and that is gone
/// afterwards), `DPOP_SCOPE` and `DPOP_AUDIENCE` in its environment, and prints `{"access_token": …}`, with `"jwk": …`
/// where it made the key itself.
pub struct CommandSource {
    program: String,
    arguments: Vec<String>,
    folder: PathBuf,
    scope: String,
    audience: String,
    entropy: Arc<dyn Entropy>,
}

impl CommandSource {
    /// Runs `command`, a program and its arguments, in `folder`.
    pub fn new(
        command: &[String],
        folder: &Path,
        scope: &str,
        audience: &str,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            program: command.first().cloned().unwrap_or_default(),
            arguments: command.iter().skip(1).cloned().collect(),
            folder: folder.to_owned(),
            scope: scope.to_owned(),
            audience: audience.to_owned(),
            entropy,
        }
    }

    async fn run(&self, key: Arc<ProofKey>) -> Result<Credentials, TokenError> {
        let not_started =
            |error: std::io::Error| TokenError::NotStarted(self.program.clone(), error.to_string());
        let file = KeyFile::write(&key, self.entropy.as_ref()).map_err(not_started)?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env("DPOP_JKT", key.thumbprint().to_string())
            .env("DPOP_JWK_FILE", &file.path)
            .env("DPOP_SCOPE", &self.scope)
            .env("DPOP_AUDIENCE", &self.audience)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(not_started)?;
        let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
            .await
            .map_err(|_| TokenError::Timeout(DEADLINE.as_secs()))?
            .map_err(not_started)?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            return Err(TokenError::Failed(output.status.to_string(), last_lines(&stderr)));
        }
        credentials(&output.stdout, key)
    }
}

impl TokenSource for CommandSource {
    fn obtain(&self, key: Arc<ProofKey>) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        Box::pin(self.run(key))
    }
}

/// The end of a text in whole lines: half a line could hold half a secret, which nobody would recognise.
fn last_lines(text: &str) -> String {
    let mut room: usize = 1000;
    let lines = text.trim().lines().rev().take_while(|line| {
        let fits = line.len() < room;
        room = room.saturating_sub(line.len() + 1);
        fits
    });
    let mut lines: Vec<&str> = lines.collect();
    lines.reverse();
    lines.join("\n")
}

/// The private key on disk for as long as the program runs.
struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    fn write(key: &ProofKey, entropy: &dyn Entropy) -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("dpop-{}.jwk", unique_id(entropy)));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let this = Self { path };
        file.write_all(key.to_private_jwk().to_text().as_bytes())?;
        Ok(this)
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        // Nothing can be done about a file that does not go away.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn credentials(stdout: &[u8], key: Arc<ProofKey>) -> Result<Credentials, TokenError> {
    let Ok(Json::Object(output)) = json::read(stdout) else {
        return Err(TokenError::Output("not one JSON object"));
    };
    let token = match output.member("access_token").and_then(Json::as_str) {
        Some(token) if sendable(token) => AccessToken::new(token),
        Some(_) => {
            return Err(TokenError::Output("the token has characters that can't stand in a header field"));
        }
        None => return Err(TokenError::Output("no string access_token")),
    };
    let key = match output.member("jwk") {
        None => key,
        Some(jwk) => {
            let jwk: &Object = jwk.as_object().ok_or(TokenError::Output("jwk is not an object"))?;
            let own = ProofKey::from_private_jwk(jwk)
                .map_err(|_| TokenError::Output("jwk is not a private key that can sign proofs"))?;
            Arc::new(own)
        }
    };
    Ok(Credentials { key, token })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    fn source(script: &str) -> CommandSource {
        let command = ["sh", "-c", script].map(str::to_owned);
        CommandSource::new(&command, Path::new("."), "read", "https://rs.example", Arc::new(SystemEntropy))
    }

    async fn obtain(script: &str) -> Result<Credentials, TokenError> {
        source(script).obtain(Arc::new(ProofKey::generate(&SystemEntropy))).await
    }

    #[tokio::test]
    async fn the_hook_finds_its_environment_and_the_key_file_is_gone_afterwards() {
        let script = r#"test -r "$DPOP_JWK_FILE" && test "$(stat -c %a "$DPOP_JWK_FILE")" = 600 \
            && printf '{"access_token":"%s.%s"}' "$DPOP_JKT" "$(basename "$DPOP_JWK_FILE")""#;
        let credentials = obtain(script).await.expect("a token");
        let (jkt, file) = credentials.token.expose().split_once('.').expect("two parts");
        assert_eq!(jkt, credentials.key.thumbprint().to_string());
        assert!(!std::env::temp_dir().join(file).exists());
    }

    #[tokio::test]
    async fn a_key_of_the_hooks_own() {
        let own = ProofKey::generate(&SystemEntropy);
        let script = format!("echo '{{\"access_token\":\"t\",\"jwk\":{}}}'", own.to_private_jwk().to_text());
        assert_eq!(obtain(&script).await.expect("a token").key.thumbprint(), own.thumbprint());
    }

    #[tokio::test]
    async fn what_goes_wrong_is_said() {
        for (script, expected) in [
            ("echo nonsense", "not one JSON object"),
            ("echo '{}'", "no string access_token"),
            ("echo '{\"access_token\":\"a b\"}'", "can't stand in a header field"),
            ("echo '{\"access_token\":\"t\",\"jwk\":{}}'", "not a private key"),
            ("echo why >&2; exit 3", "why"),
        ] {
            let error = obtain(script).await.expect_err("refused").to_string();
            assert!(error.contains(expected), "{script}: {error}");
        }
        let missing =
            CommandSource::new(&["/no/such/program".into()], Path::new("."), "", "", Arc::new(SystemEntropy));
        let error = missing.obtain(Arc::new(ProofKey::generate(&SystemEntropy))).await.expect_err("refused");
        assert!(matches!(error, TokenError::NotStarted(..)), "{error}");
    }
}
