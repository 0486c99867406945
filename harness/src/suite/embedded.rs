use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::jose::Alg;
use crate::jose::uri::{Uri, UriError};
use crate::plan::OptIn;
use crate::proof::Call;
use crate::reference::{Defect, DefectSet, NonceMode, Options, Running, start};
use crate::scenario::Tag;
use crate::spec::Profile;
use crate::target::tokens::EmbeddedSource;
use crate::target::{
    Authority, BearerPolicy, Capabilities, Forbidden, HttpTarget, Limits, NoncePolicy, Observer, Places,
    Reach, Resource, ResourceClass, Target,
};

use super::{PlainHttp, Setup};

/// What tokens are good for here, and what the resource asks for.
const SCOPE: &str = "read";

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
    let options = Options { nonce, defects, ..Options::new(clock, entropy) }.conforming_to(profile);
    against_reference_with(options, profile, limits).await
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
    // A server that refuses what it says it serves has to say so.
    let says_so = [Defect::UnboundBearerRefused, Defect::MetadataDemandsInVain];
    let unbound_bearer =
        options.unbound_bearer || says_so.into_iter().any(|defect| options.defects.contains(defect));
    let options = Options {
        scope: Some(SCOPE.to_owned()),
        plain_http: true,
        second_node: Some(SocketAddr::new(options.resource_addr.ip(), 0)),
        unbound_bearer,
        ..options
    };
    let (nonce, defects) = (options.nonce, options.defects);
    let (clock, entropy) = (options.clock.clone(), options.entropy.clone());
    let other = |error: &dyn std::error::Error| io::Error::other(error.to_string());
    let url = |text: &str| text.parse::<Uri>().map_err(|error| other(&error));
    // Where a bug needs a URL to show at, it gets it.
    let wanted = defects.iter().find_map(|defect| defect.row().public_url).map(url).transpose()?;
    let public_resource = options.public_resource.clone().or(wanted);
    let running = start(Options { public_resource, ..options }).await?;
    let (uri, htu) = (url(&running.resource_url)?, url(&running.htu)?.without_query());
    let target =
        HttpTarget::resolve(&uri, limits, false, clock.clone()).await.map_err(|error| other(&error))?;
    let plain_http = plain_http(&running, &target, limits, &clock).await.map_err(|error| other(&*error))?;
    let target = Arc::new(target);
    let nodes = nodes(&running, &uri, &target, limits, &clock).await.map_err(|error| other(&*error))?;
    let metrics = format!("{}/metrics", running.base_url).parse::<Uri>().map_err(|error| other(&error))?;
    let observer = Observer::Metrics {
        target: target.clone(),
        call: Box::new(Call::to("GET", metrics)),
        counter: "dpop_refusals_total".to_owned(),
    };
    let audience = running.audience().to_owned();
    let source = EmbeddedSource::new(running.issuer.clone(), audience, SCOPE.to_owned());
    let setup = Setup {
        name: "reference".to_owned(),
        target,
        call: Call { htu, ..Call::to("GET", uri) },
        places: places(&running, nonce).map_err(|error| other(&error))?,
        plain_http,
        nodes,
        observer: Some(observer),
        source: Arc::new(source.map_err(|error| other(&error))?),
        capabilities: Capabilities {
            nonce: Some(policy(nonce)),
            single_use_jti: Some(true),
            algs: None,
            http2: Some(true),
            scope: Some(true),
        },
        // Otherwise nobody would get in, and nothing could be judged.
        alg: defects.contains(Defect::Es256Refused).then_some(Alg::Es384),
        bearer: Some(if unbound_bearer { BearerPolicy::Allowed } else { BearerPolicy::Refused }),
        profile,
        jobs: limits.jobs(),
        opt_in: OptIn { tags: vec![Tag::Load], ids: Vec::new() },
        seed: 0,
        clock,
        entropy,
    };
    Ok((running, setup))
}

/// What else the servers have: another path, another method on it where no correct request is sent, and what needs a scope
/// that the tokens don't have.
fn places(running: &Running, nonce: NonceMode) -> Result<Places, UriError> {
    let call = |method: &str, url: &str| {
        let uri: Uri = url.parse()?;
        Ok(Call::to(method, uri))
    };
    let (nonce, class) = (Some(policy(nonce)), Some(ResourceClass::Financial));
    Ok(Places {
        resources: vec![
            Resource { call: call("GET", &running.other_url)?, safe: true, class: None, nonce },
            Resource { call: call("POST", &running.other_url)?, safe: false, class, nonce },
        ],
        forbidden: vec![Forbidden { call: call("GET", &running.admin_url)?, lacks: Some(Authority::Scope) }],
    })
}

/// The resource without TLS. Everything here is on loopback; this stands for a port that others can reach.
async fn plain_http(
    running: &Running,
    target: &HttpTarget,
    limits: &Limits,
    clock: &Arc<dyn Clock>,
) -> Result<Option<PlainHttp>, Box<dyn std::error::Error>> {
    let Some(url) = &running.plain_url else { return Ok(None) };
    let uri: Uri = url.parse()?;
    let twin = HttpTarget::resolve(&uri, limits, false, clock.clone()).await?.sharing_the_limits_of(target);
    let call = Call::to("GET", uri);
    Ok(Some(PlainHttp { call, target: Arc::new(twin), on_loopback: false }))
}

/// The resource server's two nodes, by label.
async fn nodes(
    running: &Running,
    uri: &Uri,
    target: &Arc<HttpTarget>,
    limits: &Limits,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<(String, Arc<dyn Target>)>, Box<dyn std::error::Error>> {
    let Some(second) = running.second_node else { return Ok(Vec::new()) };
    let reach = Reach::default().always_to(&second.ip().to_string(), second.port());
    let second = HttpTarget::resolve_with(&reach, uri, limits, false, clock.clone()).await?;
    let second: Arc<dyn Target> = Arc::new(second.sharing_the_limits_of(target));
    Ok(vec![("a".to_owned(), target.clone()), ("b".to_owned(), second)])
}

/// What the owner of a server in this mode would say of it.
fn policy(mode: NonceMode) -> NoncePolicy {
    match mode {
        NonceMode::Never => NoncePolicy::Never,
        NonceMode::Optional => NoncePolicy::Optional,
        NonceMode::Required => NoncePolicy::Required,
    }
}
