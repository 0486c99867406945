use std::io;
use std::sync::Arc;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::jose::Alg;
use crate::jose::uri::Uri;
use crate::plan::OptIn;
use crate::proof::{Call, HttpChoice};
use crate::reference::{Defect, DefectSet, NonceMode, Options, Running, start};
use crate::scenario::Tag;
use crate::spec::Profile;
use crate::target::tokens::EmbeddedSource;
use crate::target::{BearerPolicy, Capabilities, HttpTarget, Limits, NoncePolicy};

use super::Setup;

/// Starts the reference servers on free ports of loopback and sets up a run against them. They live as long as the
/// [`Running`] that comes back.
///
/// # Errors
/// Where no port can be had.
pub async fn against_reference(
    nonce: NonceMode,
    defects: DefectSet,
    profile: Profile,
    limits: &Limits,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> io::Result<(Running, Setup)> {
    against_reference_with(Options { nonce, defects, ..Options::new(clock, entropy) }, profile, limits).await
}

/// The same, with everything that can be set about the servers.
///
/// # Errors
/// Where no port can be had.
pub async fn against_reference_with(
    options: Options,
    profile: Profile,
    limits: &Limits,
) -> io::Result<(Running, Setup)> {
    let (nonce, defects) = (options.nonce, options.defects);
    let (clock, entropy) = (options.clock.clone(), options.entropy.clone());
    let other = |error: &dyn std::error::Error| io::Error::other(error.to_string());
    let url = |text: &str| text.parse::<Uri>().map_err(|error| other(&error));
    // Where a bug needs a URL to show at, it gets it.
    let wanted = defects.iter().find_map(|defect| defect.row().public_url).map(url).transpose()?;
    let public_url = options.public_url.clone().or(wanted);
    let running = start(Options { public_url, ..options }).await?;
    let (uri, htu) = (url(&running.resource_url)?, url(&running.htu)?.without_query());
    let target =
        HttpTarget::resolve(&uri, limits, false, clock.clone()).await.map_err(|error| other(&error))?;
    let audience = running.audience().to_owned();
    let source = EmbeddedSource::new(running.issuer.clone(), audience, "read".to_owned());
    let setup = Setup {
        name: "reference".to_owned(),
        target: Arc::new(target),
        call: Call { method: "GET".to_owned(), htu, uri, http: HttpChoice::Both },
        source: Arc::new(source.map_err(|error| other(&error))?),
        capabilities: Capabilities {
            nonce: Some(policy(nonce)),
            single_use_jti: Some(true),
            http2: Some(true),
            ..Capabilities::default()
        },
        // Otherwise nobody would get in, and nothing could be judged.
        alg: defects.contains(Defect::Es256Refused).then_some(Alg::Es384),
        bearer: Some(BearerPolicy::Refused),
        profile,
        jobs: limits.jobs(),
        opt_in: OptIn { tags: vec![Tag::Load], ids: Vec::new() },
        seed: 0,
        clock,
        entropy,
    };
    Ok((running, setup))
}

/// What the owner of a server in this mode would say of it.
fn policy(mode: NonceMode) -> NoncePolicy {
    match mode {
        NonceMode::Never => NoncePolicy::Never,
        NonceMode::Optional => NoncePolicy::Optional,
        NonceMode::Required => NoncePolicy::Required,
    }
}
