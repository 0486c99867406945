use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::{Context, Exit, Failure, key};
use crate::clock::{Clock as _, SystemClock};
use crate::entropy::{SystemEntropy, unique_id};
use crate::jose::Nonce;
use crate::jose::uri::Uri;
use crate::proof::{Draft, Statement};

/// What the proof is for.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The method of the request, e.g. GET.
    method: String,
    /// The URL of the request; query and fragment are left out of the proof.
    url: String,
    /// The private key, as `dpop key new` makes it.
    #[arg(long, value_name = "FILE", env = "DPOP_JWK")]
    jwk: PathBuf,
    /// The access token of the request, for ath; `-` reads it from standard input. Without it, for a token request.
    #[arg(long, value_name = "FILE", env = "DPOP_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The nonce that the server supplied last.
    #[arg(long, value_name = "NONCE", env = "DPOP_NONCE")]
    nonce: Option<String>,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let key = key::read(&arguments.jwk)?;
    let url: Uri =
        arguments.url.parse().map_err(|error| Failure::Usage(format!("{}: {error}", arguments.url)))?;
    let nonce: Option<Nonce> = match &arguments.nonce {
        Some(text) => Some(text.parse().map_err(|error| Failure::Usage(format!("--nonce: {error}")))?),
        None => None,
    };
    let token = token(arguments)?;
    let statement = Statement {
        htm: &arguments.method,
        htu: &url.without_query().to_string(),
        access_token: token.as_deref(),
        nonce: nonce.as_ref(),
        jti: &unique_id(&SystemEntropy),
        iat: SystemClock.unix_seconds(),
    };
    writeln!(context.out, "{}", Draft::correct(&key, statement).sign(&key).compact())?;
    Ok(Exit::Conforms)
}

fn token(arguments: &Arguments) -> Result<Option<String>, Failure> {
    let Some(file) = &arguments.token_file else { return Ok(None) };
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map(|_| ())
    } else {
        std::fs::read_to_string(file).map(|content| text = content)
    };
    read.map_err(|error| Failure::Usage(format!("--token-file {}: {error}", file.display())))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(Failure::Usage(format!("--token-file {}: there is no token in it", file.display())));
    }
    Ok(Some(token.to_owned()))
}
