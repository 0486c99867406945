use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Context, Exit, Failure};
use crate::entropy::SystemEntropy;
use crate::jose::json::{self, Json};
use crate::jose::{Alg, AlgSet};
use crate::proof::ProofKey;

/// What to do with a key.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key, once, and keep it in a file that only you can read; the thumbprint (cnf.jkt) is printed.
    New {
        /// The file; one that is there is never overwritten.
        #[arg(value_name = "FILE", default_value = "dpop-key.jwk")]
        file: PathBuf,
        /// The algorithm that it signs with: ES256, ES384, ES512, EdDSA, PS256 or RS256.
        #[arg(long, value_name = "ALG", env = "DPOP_ALG", default_value = "ES256", value_parser = alg)]
        alg: Alg,
    },
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let Action::New { file, alg } = &arguments.action;
    let key = ProofKey::generate_for(*alg, &SystemEntropy);
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::Usage(format!("{} is there already, and a key is never overwritten", file.display()))
        }
        _ => Failure::Environment(format!("can't write {}: {error}", file.display())),
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file).map_err(failed)?;
    writeln!(out, "{}", key.to_private_jwk().to_text()).map_err(failed)?;
    writeln!(context.out, "{}", key.thumbprint())?;
    Ok(Exit::Conforms)
}

/// An algorithm by its registered name.
pub(super) fn alg(name: &str) -> Result<Alg, String> {
    Alg::from_name(name).ok_or_else(|| format!("known are {}", AlgSet::all().names().join(", ")))
}

/// The private key in a JWK file.
pub(super) fn read(file: &Path) -> Result<ProofKey, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::Usage(format!("{}: {why}", file.display()));
    let text = std::fs::read(file).map_err(|error| wrong(&error))?;
    match json::read(&text) {
        Ok(Json::Object(jwk)) => ProofKey::from_private_jwk(&jwk).map_err(|error| wrong(&error)),
        Ok(_) => Err(wrong(&"not a JWK")),
        Err(error) => Err(wrong(&error)),
    }
}
