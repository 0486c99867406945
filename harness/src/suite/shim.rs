use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use crate::entropy::Entropy;
use crate::plan::OptIn;
use crate::scenario::Tag;
use crate::spec::Profile;
use crate::target::shim::{ShimError, ShimTarget, shim_call};
use crate::target::tokens::EmbeddedSource;
use crate::target::{Capabilities, Limits, Places};

use super::Setup;

/// Starts the verifier behind a shim, a command for the shell in `folder`, and sets up a run against it. What its owner says of
/// it, `capabilities`, goes before what the shim says.
///
/// # Errors
/// [`ShimError`] where it does not start or does not speak the protocol.
pub async fn against_shim(
    command: &str,
    folder: &Path,
    capabilities: Capabilities,
    profile: Profile,
    limits: &Limits,
    entropy: Arc<dyn Entropy>,
) -> Result<Setup, ShimError> {
    let target = ShimTarget::start(command, folder, capabilities, limits, &entropy).await?;
    let issuer = target.issuer().clone();
    let audience = issuer.audience().to_owned();
    let source = EmbeddedSource::new(issuer, audience, String::new());
    Ok(Setup {
        name: target.about().name.chars().map(|c| if c.is_ascii_graphic() { c } else { '-' }).collect(),
        call: shim_call(),
        places: Places::default(),
        plain_http: None,
        nodes: Vec::new(),
        observer: None,
        source: Arc::new(source.unwrap_or_else(|error| unreachable!("the key of an issuer, and {error}"))),
        capabilities: target.capabilities(capabilities),
        alg: None,
        bearer: None,
        profile,
        // A case that the shim dies of takes what others count on to be remembered with it.
        jobs: limits.jobs.map_or(1, NonZeroUsize::get),
        opt_in: OptIn { tags: vec![Tag::Load], ids: Vec::new() },
        seed: 0,
        clock: target.clock().clone(),
        entropy,
        target: Arc::new(target),
    })
}
