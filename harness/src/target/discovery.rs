use std::sync::Arc;

use super::metadata::{
    PROTECTED_RESOURCE, ResourceMetadata, ServerMetadata, inserted, is_about, is_beside, read, read_server,
};
use super::{Answer, HttpTarget, Limits, NoAnswer, NotAllowed, Reach, Response, Target};
use crate::clock::Clock;
use crate::jose::AlgSet;
use crate::jose::uri::Uri;
use crate::proof::{Call, Request};

/// What can be found out about a protected resource without credentials.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// The resource.
    pub url: Uri,
    /// The answer to a GET.
    pub probe: Probe,
    /// The algorithms that its challenge names (RFC 9449 section 7.1), as far as they are known.
    pub algs: Option<AlgSet>,
    /// Whether the answer has a nonce.
    pub nonce: bool,
    /// Its metadata, and where they lie.
    pub resource: Option<(Uri, ResourceMetadata)>,
    /// Metadata that are there and can't be believed: where they lie, and what they say that they are about (RFC 9728
    /// section 3.3).
    pub misplaced: Vec<(Uri, Option<Uri>)>,
    /// The authorization server that they name, or one that says of itself that it is at the resource's own origin.
    pub issuer: Option<Uri>,
    /// Its metadata, and where they lie.
    pub server: Option<(Uri, ServerMetadata)>,
    /// Why the authorization server was not asked.
    pub not_asked: Option<NotAllowed>,
}

/// How a resource answers a GET without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It refuses, and asks for DPoP, and maybe for Bearer as well.
    Dpop {
        /// Whether bearer tokens are asked for as well.
        bearer: bool,
    },
    /// It refuses, and asks for something else, or for nothing.
    Refused(u16),
    /// It serves everybody.
    Open(u16),
    /// It sends elsewhere, where that is a URL.
    Redirect(u16, Option<Uri>),
    /// Neither: 404, 405, 5xx.
    Other(u16),
}

/// Why nothing can be found out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unknown {
    /// It may not be asked.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// It does not answer.
    #[error("{0}: {1}")]
    NoAnswer(Uri, NoAnswer),
}

/// Asks `url` for itself, for its metadata, and its authorization server for its own. Nothing secret is sent, no redirect
/// followed, and hosts beyond loopback and private addresses are asked only where `authorised`.
///
/// # Errors
/// [`Unknown`] where the resource may not be asked, or does not answer.
pub async fn discover(
    url: &Uri,
    reach: &Reach,
    limits: &Limits,
    authorised: bool,
    clock: Arc<dyn Clock>,
) -> Result<Discovery, Unknown> {
    let target = HttpTarget::resolve_with(reach, url, limits, authorised, clock.clone()).await?;
    let call = Call::to("GET", url.clone());
    let response = match target.send(&Request::bare(&call)).await {
        Answer::Response(response) => response,
        Answer::Nothing(nothing) => return Err(Unknown::NoAnswer(url.without_query(), nothing)),
    };
    let challenges = response.challenges().list;
    let mut dpop = challenges.iter().filter(|challenge| challenge.is_dpop());
    let mut found = Discovery {
        url: url.clone(),
        probe: probe(&response),
        algs: dpop
            .find_map(|challenge| challenge.parameter("algs"))
            .map(|algs| AlgSet::from_names(algs.split_ascii_whitespace())),
        nonce: response.has("dpop-nonce"),
        resource: None,
        misplaced: Vec::new(),
        issuer: None,
        server: None,
        not_asked: None,
    };
    // RFC 9728 section 5.1. Another host might be anybody's.
    let named = challenges.iter().find_map(|challenge| challenge.parameter("resource_metadata"));
    let named: Option<Uri> = named.and_then(|url| url.parse().ok());
    let here = |named: &Uri| is_beside(url, named);
    if let Some(elsewhere) = named.as_ref().filter(|named| !here(named)) {
        found.misplaced.push((elsewhere.clone(), None));
    }
    let path = url.without_query();
    let root = Uri { path: String::new(), ..path.clone() };
    let mut places: Vec<Uri> = named.filter(here).into_iter().collect();
    places.extend([&path, &root].map(|identifier| inserted(identifier, PROTECTED_RESOURCE)));
    places.dedup();
    for place in places {
        if found.resource.is_some() {
            break;
        }
        let Some(metadata) = read::<ResourceMetadata>(&target, &place).await else { continue };
        let about: Option<Uri> = metadata.resource.parse().ok();
        if about.as_ref().is_some_and(|about| is_about(about, &path)) {
            found.resource = Some((place, metadata));
        } else {
            found.misplaced.push((place, about));
        }
    }
    let servers = found.resource.iter().flat_map(|(_, metadata)| &metadata.authorization_servers);
    found.issuer = servers.filter_map(|issuer| issuer.parse().ok()).next();
    if found.issuer.is_none() {
        found.server = read_server(&target, &root).await;
        found.issuer = found.server.is_some().then_some(root);
    } else if let Some(issuer) = &found.issuer {
        match HttpTarget::resolve_with(reach, issuer, limits, authorised, clock).await {
            Ok(target) => found.server = read_server(&target, issuer).await,
            Err(not_allowed) => found.not_asked = Some(not_allowed),
        }
    }
    Ok(found)
}

fn probe(response: &Response) -> Probe {
    let challenges = response.challenges().list;
    let offers = |scheme: &str| challenges.iter().any(|one| one.is_of(scheme));
    match response.status {
        400 | 401 | 403 if offers("DPoP") => Probe::Dpop { bearer: offers("Bearer") },
        status @ (400 | 401 | 403) => Probe::Refused(status),
        status @ 200..300 => Probe::Open(status),
        status @ 300..400 => {
            let location = response.values("location").next();
            let location = location.and_then(|value| std::str::from_utf8(value).ok()?.trim().parse().ok());
            Probe::Redirect(status, location)
        }
        status => Probe::Other(status),
    }
}
