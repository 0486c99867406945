use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::{Context, Exit, Failure, key};
use crate::clock::{Clock as _, SystemClock};
use crate::entropy::{SystemEntropy, unique_id};
use crate::jose::Nonce;
use crate::jose::uri::Uri;
use crate::mutation::mint;
use crate::plan::{Selected, select};
use crate::proof::{AccessToken, Call, Draft, Material, ProofKey, Request, RequestEdits, Statement};
use crate::scenario::{Case, CaseKind};

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
    /// Spoil it as this case does, e.g. rs.ath.hex: to look with curl at how a server takes it. For cases that are about the proof
    /// of one request, and need no other token.
    #[arg(long, value_name = "ID", env = "DPOP_CASE")]
    case: Option<String>,
    /// The nonce that the server supplied last.
    #[arg(long, value_name = "NONCE", env = "DPOP_NONCE", allow_hyphen_values = true)]
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
    if let Some(id) = &arguments.case {
        let usage = |why: &str| Failure::Usage(format!("--case {id}: {why}"));
        let scenarios = context.scenarios()?;
        let selected = select(&scenarios, std::slice::from_ref(id))
            .map_err(|nothing| Failure::Usage(nothing.to_string()))?;
        let [Selected { case, .. }] = selected.as_slice() else { return Err(usage("name one case")) };
        let Some(token) = token else { return Err(usage("say --token-file")) };
        let (token, call) = (AccessToken::new(token), Call::to(&arguments.method, url));
        let proof = spoiled(case, &key, &token, &call, nonce.as_ref()).map_err(|why| usage(&why))?;
        writeln!(context.out, "{proof}")?;
        return Ok(Exit::Conforms);
    }
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

/// The proof of the only request of a case; or why none would show what the case is about.
pub(super) fn spoiled(
    case: &Case,
    key: &ProofKey,
    token: &AccessToken,
    call: &Call,
    nonce: Option<&Nonce>,
) -> Result<String, String> {
    let CaseKind::Script { script, .. } = &case.kind else { return Err("it is about no proof".to_owned()) };
    let [step] = script.steps.as_slice() else {
        return Err("it takes several requests: use dpop run".to_owned());
    };
    let material = Material {
        key,
        token,
        spare: None,
        stranger: None,
        issuer: None,
        decoy: None,
        nonce,
        call,
        resource: call,
        now: SystemClock.unix_seconds(),
        entropy: &SystemEntropy,
        choices: &SystemEntropy,
        earlier: &BTreeMap::new(),
    };
    let minted = mint(step, &material).map_err(|error| error.to_string())?;
    let proof = minted.record.signed.compact();
    // What is spoiled elsewhere can't be shown by a proof.
    let plain = Request::presenting(call, token, &proof, &RequestEdits::default());
    if minted.request != plain {
        return Err("it is about more of the request than the proof: use dpop run".to_owned());
    }
    Ok(proof)
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
