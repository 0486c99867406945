use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::verifier::Stand;
use super::{Context, Exit, Failure};
use crate::clock::SystemClock;
use crate::entropy::SystemEntropy;
use crate::jose::{Alg, AlgSet};
use crate::reference::{
    Defect, DefectSet, NonceMode, Options, ResourceOptions, Trust, defects, serve_resource, start,
};
use crate::scenario::nearest;
use crate::spec::Profile;

/// How the reference servers are run.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the resource server listens; a loopback address.
    #[arg(long, value_name = "ADDRESS", env = "DPOP_LISTEN", default_value = "127.0.0.1:9401")]
    listen: SocketAddr,
    /// Where the issuer listens; a loopback address.
    #[arg(long, value_name = "ADDRESS", env = "DPOP_ISSUER_LISTEN", default_value = "127.0.0.1:9402")]
    issuer_listen: SocketAddr,
    /// Where a second node of the resource server listens: it shares what is remembered with the first.
    #[arg(long, value_name = "ADDRESS", env = "DPOP_SECOND_LISTEN", conflicts_with = "trust")]
    second_listen: Option<SocketAddr>,
    /// The origin that clients know the resource server by, as if a proxy stood in front: proofs must name it.
    #[arg(long, value_name = "URL", env = "DPOP_PUBLIC_URL")]
    public_url: Option<String>,
    /// Run no issuer, and trust this one: that of `dpop run` with `auth.kind: embedded`.
    #[arg(long, value_name = "URL", env = "DPOP_TRUST")]
    trust: Option<String>,
    /// Set the resource server up as this profile demands: nonces, algorithms, window; what other flags say, stands.
    #[arg(long, value_name = "NAME", env = "DPOP_PROFILE", value_parser = super::run::profile)]
    profile: Option<Profile>,
    /// What the resource server does with nonces: never (unless the profile demands them), optional or required.
    #[arg(long, value_name = "POLICY", env = "DPOP_NONCE")]
    nonce: Option<Nonces>,
    /// The algorithm that the issuer signs access tokens with: ES256, ES384, ES512, EdDSA, PS256 or RS256.
    #[arg(
        long,
        value_name = "ALG",
        env = "DPOP_TOKEN_ALG",
        default_value = "ES256",
        value_parser = super::key::alg,
        conflicts_with = "trust"
    )]
    token_alg: Alg,
    /// The algorithms of the proofs that the resource server accepts, separated by commas; otherwise all
    /// six, or those of the profile.
    #[arg(long, value_name = "ALGS", env = "DPOP_ALGS", value_delimiter = ',', value_parser = super::key::alg)]
    algs: Vec<Alg>,
    /// Don't remember proofs, as a server without a replay store.
    #[arg(long, env = "DPOP_NO_REPLAY_STORE", value_parser = BoolishValueParser::new())]
    no_replay_store: bool,
    /// Publish no metadata (RFC 9728).
    #[arg(long, env = "DPOP_NO_METADATA", value_parser = BoolishValueParser::new())]
    no_metadata: bool,
    /// Plant this bug in the resource server. May be given several times.
    #[arg(long = "defect", value_name = "NAME", env = "DPOP_DEFECT", value_delimiter = ',')]
    defects: Vec<String>,
    /// Run no server, but the verifier alone, without nonces, as a shim on standard input and output (docs/shim.md): for `--shim`.
    #[arg(long, env = "DPOP_VERIFIER", value_parser = BoolishValueParser::new(), conflicts_with_all = ["nonce", "trust", "public_url", "second_listen"])]
    verifier: bool,
    /// List the bugs that can be planted, a name a line, and end.
    #[arg(long, env = "DPOP_LIST_DEFECTS", value_parser = BoolishValueParser::new())]
    list_defects: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Nonces {
    /// It supplies none.
    Never,
    /// It supplies them, and checks them when present.
    Optional,
    /// It refuses proofs without one.
    Required,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    if arguments.list_defects {
        for row in defects() {
            writeln!(context.out, "{}", row.name)?;
        }
        return Ok(Exit::Conforms);
    }
    let defects = planted(&arguments.defects)?;
    if arguments.verifier {
        let algs =
            if arguments.algs.is_empty() { AlgSet::all() } else { arguments.algs.iter().copied().collect() };
        return Stand { algs, replay: !arguments.no_replay_store, defects }.serve(context);
    }
    if !context.common.quiet {
        super::log::to_stderr();
    }
    let options = Options::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
        .conforming_to(arguments.profile.unwrap_or_default());
    let nonce = match arguments.nonce {
        None => options.nonce,
        Some(Nonces::Never) => NonceMode::Never,
        Some(Nonces::Optional) => NonceMode::Optional,
        Some(Nonces::Required) => NonceMode::Required,
    };
    let algs = match arguments.algs.as_slice() {
        [] => options.algs,
        some => some.iter().copied().collect(),
    };
    let failed = |error: std::io::Error| Failure::Environment(format!("can't start: {error}"));
    super::runtime()?.block_on(async {
        match &arguments.trust {
            Some(issuer) => {
                let base_url = format!("http://{}", arguments.listen);
                let public_url = arguments.public_url.as_ref().unwrap_or(&base_url);
                let options = ResourceOptions {
                    base_url: public_url.clone(),
                    protects_root: false,
                    audience: public_url.clone(),
                    trust: Trust::Remote {
                        issuer: issuer.clone(),
                        jwks_uri: format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')),
                    },
                    algs,
                    future_window: options.future_window,
                    nbf_window: options.nbf_window,
                    nonce,
                    replay: !arguments.no_replay_store,
                    unbound_bearer: false,
                    publishes: !arguments.no_metadata,
                    scope: None,
                    defects,
                    clock: options.clock,
                    entropy: options.entropy,
                };
                let server = serve_resource(arguments.listen, options).await.map_err(failed)?;
                writeln!(
                    context.out,
                    "resource  {base_url}/resource   audience {public_url}   trusts {issuer}"
                )?;
                announce(arguments, context)?;
                wait().await?;
                server.shutdown().await;
            }
            None => {
                let options = Options {
                    resource_addr: arguments.listen,
                    issuer_addr: arguments.issuer_listen,
                    token_alg: arguments.token_alg,
                    algs,
                    public_url: arguments.public_url.clone(),
                    nonce,
                    replay: !arguments.no_replay_store,
                    publishes: !arguments.no_metadata,
                    second_node: arguments.second_listen,
                    defects,
                    ..options
                };
                let running = start(options).await.map_err(failed)?;
                writeln!(
                    context.out,
                    "resource  {}   audience {}",
                    running.resource_url,
                    running.audience()
                )?;
                if let Some(node) = running.second_node {
                    writeln!(context.out, "second    {node}, for the same URL")?;
                }
                writeln!(context.out, "issuer    {0}   token endpoint {0}/token", running.issuer_url)?;
                announce(arguments, context)?;
                wait().await?;
                running.shutdown().await;
            }
        }
        Ok(Exit::Conforms)
    })
}

fn announce(arguments: &Arguments, context: &mut Context) -> Result<(), Failure> {
    let planted = if arguments.defects.is_empty() { "none".to_owned() } else { arguments.defects.join(", ") };
    writeln!(context.out, "planted bugs: {planted}. Ctrl-C ends it.")?;
    Ok(context.out.flush()?)
}

async fn wait() -> Result<(), Failure> {
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| Failure::Environment(format!("can't wait for Ctrl-C: {error}")))
}

/// The bugs with these names.
pub(super) fn planted(names: &[String]) -> Result<DefectSet, Failure> {
    names.iter().map(|name| defect(name)).collect()
}

fn defect(name: &str) -> Result<Defect, Failure> {
    Defect::from_name(name).ok_or_else(|| {
        let near = nearest(name, defects().map(|row| row.name));
        let hint = near
            .map(|near| format!("did you mean `{near}`?"))
            .unwrap_or_else(|| "see --list-defects".to_owned());
        Failure::Usage(format!("there is no defect `{name}`; {hint}"))
    })
}
