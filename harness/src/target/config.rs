use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::auth::{Auth, AuthRow, auth};
use super::headers::{SecretHeader, ValueRow, headers};
use super::limits::Limits;
use super::nodes::{Node, nodes};
use super::observe::{Observe, ObserveRow};
use super::places::{Forbidden, ForbiddenRows, Places, Resource, ResourceRow};
use super::shim::shim_call;
use super::tokens::SecretFault;
use super::waiver::Waiver;
use crate::jose::AlgSet;
use crate::jose::uri::Uri;
use crate::proof::{Call, Success};
use crate::scenario::{Diagnostic, Fault, Source, read_one};
use crate::spec::Profile;

/// A target and how to test it: the content of `dpop.yaml`, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What results and snapshots call the target.
    pub name: String,
    /// The rules laid over RFC 9449.
    pub profile: Profile,
    /// The command that starts a shim, where the target is a verifier behind one.
    pub shim: Option<String>,
    /// The protected resource.
    pub call: Call,
    /// The fields of its requests that are read only for a run: see [`with_secrets`](Self::with_secrets).
    pub secret_headers: Vec<SecretHeader>,
    /// What else is tested.
    pub places: Places,
    /// The resource without TLS, where it must not be served.
    pub plain_http: Option<Call>,
    /// The servers behind the URL of the resource, where they are known one by one.
    pub nodes: Vec<Node>,
    /// Where refusals show to those who run the target.
    pub observe: Option<Observe>,
    /// What the owner says about unbound tokens.
    pub bearer: Option<BearerPolicy>,
    /// What the owner says that the target has.
    pub capabilities: Capabilities,
    /// Where tokens come from.
    pub auth: Auth,
    /// How hard the target is driven.
    pub limits: Limits,
    /// Hosts beyond loopback and private addresses that may be tested.
    pub allow_hosts: Vec<String>,
    /// Failures that are accepted for a while.
    pub waivers: Vec<Waiver>,
    /// The file, for messages about what is found wrong later.
    pub source: Source,
    /// The folder of the file: where hooks run and snapshots lie.
    pub folder: PathBuf,
}

/// Whether unbound tokens are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BearerPolicy {
    /// DPoP is required.
    Refused,
    /// Unbound tokens still work, while clients migrate.
    Allowed,
}

impl BearerPolicy {
    /// The word in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Allowed => "allowed",
        }
    }
}

/// Whether and how the target uses nonces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoncePolicy {
    /// It supplies none.
    Never,
    /// It supplies them and checks them when present.
    Optional,
    /// It refuses proofs without one.
    Required,
}

impl NoncePolicy {
    /// The word in the config and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// What a target legitimately may have or lack. What is left out is measured, where that is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Nonces.
    pub nonce: Option<NoncePolicy>,
    /// Whether it remembers `jti` values.
    pub single_use_jti: Option<bool>,
    /// The algorithms that it accepts in proofs.
    pub algs: Option<AlgSet>,
    /// Whether it speaks HTTP/2.
    pub http2: Option<bool>,
    /// Whether it demands the scopes of `auth.scope`.
    pub scope: Option<bool>,
}

/// The config file `dpop.yaml`: a target and how to test it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "dpop config", rename = "Config")]
struct ConfigRow {
    /// The version of the format: 1.
    dpop: u32,
    /// The rules laid over RFC 9449.
    #[serde(default)]
    profile: Profile,
    /// The server under test.
    target: TargetRow,
    /// What the server has, where its owner knows better than a measurement.
    #[serde(default)]
    capabilities: CapabilitiesRow,
    /// Where access tokens come from; with `target.shim` from an issuer whose key the shim is told.
    auth: Option<AuthRow>,
    /// Where the server shows to those who run it what it refuses.
    observe: Option<ObserveRow>,
    /// How hard the server is driven.
    #[serde(default)]
    limits: Limits,
    /// Hosts beyond loopback and private addresses that you may test.
    #[serde(default)]
    allow_hosts: Vec<String>,
    /// Failures that you accept for a while.
    #[serde(default)]
    waive: Vec<Waiver>,
}

/// The server under test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Target")]
struct TargetRow {
    /// What results and snapshots call it.
    name: String,
    /// Method and URL that answer 2xx to a correct request and are safe to repeat: `GET https://api.example.test/v1/me`.
    resource: Option<String>,
    /// Instead of a resource a verifier behind a shim (docs/shim.md): the command that starts it, for the shell, run in the folder of
    /// this file.
    shim: Option<String>,
    /// More methods and paths on the same origin that must be protected.
    #[serde(default)]
    resources: Vec<ResourceRow>,
    /// What the token has no authority for, on the same origin: 403 or 401 although the proof is right.
    #[serde(default)]
    forbidden: ForbiddenRows,
    /// The URL of the resource over plain HTTP, where it must not be served: `http://api.example.test/v1/me`. It gets tokens
    /// that are made for this one request.
    plain_http: Option<String>,
    /// The servers behind the URL of `resource`, one by one, where there are several: `{ a: "10.0.0.5:8443", b: "10.0.0.6:8443" }`.
    /// They are sent the same as the URL would be, `Host` and TLS name included.
    #[serde(default)]
    nodes: BTreeMap<String, String>,
    /// Whether unbound access tokens are served.
    bearer: Option<BearerPolicy>,
    /// The public origin, where a proxy stands in front: proofs name it instead of that of `resource`.
    htu_base: Option<String>,
    /// The origin of a web page that the server lets in, where it does not let in all of them: `https://app.example.test`.
    origin: Option<String>,
    /// Header fields that every request for a resource has, for servers that ask for them: `{ Accept: application/json }`. They
    /// stand in reports as they are; a secret is named by where it is kept, `{ X-Api-Key: { env: API_KEY } }` or `{ file: PATH }`.
    #[serde(default)]
    headers: BTreeMap<String, ValueRow>,
    /// The status codes, from 200 to 399, by which the server says that it let a request through: `[200, 302]`. Without it any 2xx.
    /// Where some are named, every other is no success.
    #[schemars(length(min = 1), inner(range(min = 200, max = 399)))]
    success: Option<Vec<u16>>,
}

/// What the server has.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Capabilities")]
struct CapabilitiesRow {
    /// Whether it supplies and demands nonces.
    nonce: Option<NoncePolicy>,
    /// Whether it refuses a `jti` that it has seen.
    single_use_jti: Option<bool>,
    /// The algorithms that it accepts in proofs; otherwise what its challenges say. Cases use ES256 where that is one.
    algs: Option<Vec<String>>,
    /// Whether it speaks HTTP/2: by ALPN under https, with prior knowledge under http. Otherwise it is asked once.
    http2: Option<bool>,
    /// Whether `target.resource` demands the scopes of `auth.scope`.
    scope: Option<bool>,
}

/// The JSON Schema of `dpop.yaml`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ConfigRow).to_value()
}

impl Config {
    /// Reads a config file.
    ///
    /// # Errors
    /// A [`Diagnostic`] with its place: unreadable, unknown keys, wrong types, values that contradict each other.
    pub fn open(path: &Path) -> Result<Self, Box<Diagnostic>> {
        let folder = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => Path::new("."),
        };
        Self::read(&Source::open(path)?, folder)
    }

    /// Reads a config from its text; hooks run in `folder`.
    ///
    /// # Errors
    /// As [`Config::open`].
    pub fn read(source: &Source, folder: &Path) -> Result<Self, Box<Diagnostic>> {
        let row: ConfigRow = read_one(source)?;
        let wrong = |path: &str, message: String| source.at(path, Fault::Contradiction(message));
        if row.dpop != 1 {
            return Err(wrong("dpop", format!("version {} of the format is not known; this is 1", row.dpop)));
        }
        belonging(&row).map_err(|(path, message)| wrong(path, message))?;
        let (call, secret_headers, base) =
            resource(&row.target).map_err(|(path, message)| wrong(&path, message))?;
        let places = places(&row.target, &call, base.as_ref());
        let places = places.map_err(|(path, message)| wrong(&path, message))?;
        let plain_http = plain_http(&row.target, &call);
        let plain_http = plain_http.map_err(|message| wrong("target.plain-http", message))?;
        let nodes = nodes(&row.target.nodes).map_err(|(path, message)| wrong(&path, message))?;
        let named =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if row.target.name.is_empty() || !named(&row.target.name) {
            return Err(wrong(
                "target.name",
                "a name is letters, digits, `-`, `_` and `.`: files are named after it".into(),
            ));
        }
        let algs = row.capabilities.algs.as_ref();
        let algs = algs.map(|algs| AlgSet::from_names(algs.iter().map(String::as_str)));
        if algs.is_some_and(AlgSet::is_empty) {
            let known = AlgSet::all().names();
            return Err(wrong(
                "capabilities.algs",
                format!("none of these can be tested; known: {}", known.join(", ")),
            ));
        }
        let observe = row.observe.map(|row| row.read(folder)).transpose();
        let observe = observe.map_err(|(path, message)| wrong(path, message))?;
        let auth = match row.auth {
            Some(row) => auth(row).map_err(|(path, message)| wrong(&path, message))?,
            None => Auth::Shim,
        };
        Ok(Self {
            name: row.target.name,
            profile: row.profile,
            shim: row.target.shim,
            call,
            secret_headers,
            places,
            plain_http,
            nodes,
            observe,
            bearer: row.target.bearer,
            capabilities: Capabilities {
                nonce: row.capabilities.nonce,
                single_use_jti: row.capabilities.single_use_jti,
                algs,
                http2: row.capabilities.http2,
                scope: row.capabilities.scope,
            },
            auth,
            limits: row.limits,
            allow_hosts: row.allow_hosts,
            waivers: row.waive,
            source: source.clone(),
            folder: folder.to_owned(),
        })
    }
}

impl Config {
    /// The same config, whose requests have the secret fields of `target.headers` as well.
    ///
    /// # Errors
    /// A [`Diagnostic`] with the place of one that can't be read or sent.
    pub fn with_secrets(&self) -> Result<Self, Box<Diagnostic>> {
        let read = |header: &SecretHeader| {
            let path = format!("target.headers.{}", header.name);
            let wrong = |error: SecretFault| self.source.at(&path, Fault::Contradiction(error.to_string()));
            header.read(&self.folder).map_err(wrong)
        };
        let fields = self.secret_headers.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut config = self.clone();
        let Places { resources, forbidden } = &mut config.places;
        let beside = resources.iter_mut().map(|it| &mut it.call);
        let beside = beside.chain(forbidden.iter_mut().map(|it| &mut it.call));
        for call in beside.chain([&mut config.call]) {
            call.secret_fields.clone_from(&fields);
        }
        Ok(config)
    }
}

type Wrong = (String, String);

/// A target is a resource or a verifier behind a shim, which has neither HTTP nor an issuer of its own.
fn belonging(row: &ConfigRow) -> Result<(), (&'static str, String)> {
    let (target, capabilities) = (&row.target, &row.capabilities);
    if target.shim.is_none() {
        return match (&target.resource, &row.auth) {
            (None, _) => Err(("target", "a target needs its `resource`, or a `shim`".to_owned())),
            (Some(_), None) => Err(("dpop", "`auth` is missing: where access tokens come from".to_owned())),
            (Some(_), Some(_)) => Ok(()),
        };
    }
    let foreign = [
        ("target.resource", target.resource.is_some()),
        ("target.resources", !target.resources.is_empty()),
        ("target.forbidden", !matches!(target.forbidden, ForbiddenRows::None)),
        ("target.plain-http", target.plain_http.is_some()),
        ("target.nodes", !target.nodes.is_empty()),
        ("target.bearer", target.bearer.is_some()),
        ("target.htu-base", target.htu_base.is_some()),
        ("target.origin", target.origin.is_some()),
        ("target.headers", !target.headers.is_empty()),
        ("target.success", target.success.is_some()),
        ("capabilities.http2", capabilities.http2.is_some()),
        ("capabilities.scope", capabilities.scope.is_some()),
        ("auth", row.auth.is_some()),
        ("observe", row.observe.is_some()),
        ("allow-hosts", !row.allow_hosts.is_empty()),
    ];
    match foreign.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((path, _)) => {
            Err((path, "this is about a server, and `target.shim` is a verifier without one".to_owned()))
        }
    }
}

/// The protected resource, and the public URL that the proxy in front of it has, if there is one.
fn resource(row: &TargetRow) -> Result<(Call, Vec<SecretHeader>, Option<Uri>), Wrong> {
    let at = |key: &str| format!("target.{key}");
    let base = match &row.htu_base {
        Some(base) => Some(base.parse().map_err(|error| (at("htu-base"), format!("`{base}`: {error}")))?),
        None => None,
    };
    let Some(resource) = &row.resource else { return Ok((shim_call(), Vec::new(), None)) };
    let call = call(resource, base.as_ref()).map_err(|message| (at("resource"), message))?;
    let page = page(row, &call).map_err(|message| (at("origin"), message))?;
    let (fields, secrets) =
        headers(&row.headers).map_err(|(name, message)| (at(&format!("headers.{name}")), message))?;
    if let (Some(secret), true) = (secrets.first(), row.plain_http.is_some()) {
        let message = format!("a request for this would send the secret of `{}` without TLS", secret.name);
        return Err((at("plain-http"), message));
    }
    let success = success(row.success.as_deref())?;
    Ok((Call { page, fields, success, ..call }, secrets, base))
}

/// The codes of `target.success`.
fn success(codes: Option<&[u16]>) -> Result<Success, Wrong> {
    let Some(codes) = codes else { return Ok(Success::default()) };
    if codes.is_empty() {
        let message = "at least one code is needed; without `success` any 2xx is one";
        return Err(("target.success".to_owned(), message.to_owned()));
    }
    Success::only(codes.to_vec()).map_err(|code| {
        let index = codes.iter().position(|other| *other == code).unwrap_or_default();
        (format!("target.success[{index}]"), format!("{code} is no status of success: those are 200 to 399"))
    })
}

/// The web page that the server lets in.
fn page(row: &TargetRow, main: &Call) -> Result<Option<Uri>, String> {
    let Some(text) = &row.origin else { return Ok(None) };
    let page: Uri = text.parse().map_err(|error| format!("`{text}`: {error}"))?;
    if page.origin() != text.trim_end_matches('/') {
        return Err("an origin is a scheme, a host and maybe a port: `https://app.example.test`".to_owned());
    }
    if page.origin() == main.htu.origin() {
        return Err(
            "this is the origin of `target.resource` itself, whose pages may do everything".to_owned()
        );
    }
    Ok(Some(page))
}

/// Takes a method and a URL apart; proofs name the URL below `base`.
fn call(text: &str, base: Option<&Uri>) -> Result<Call, String> {
    let (method, url) =
        text.split_once(' ').ok_or("a method and a URL, such as `GET https://api.example.test/me`")?;
    let method_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if method.is_empty() || !method.bytes().all(method_token) {
        return Err(format!("`{method}` is not a method"));
    }
    let uri: Uri = url.trim().parse().map_err(|error| format!("`{url}`: {error}"))?;
    if uri.fragment.is_some() {
        return Err("a request has no `#fragment`: leave it out".to_owned());
    }
    if uri.userinfo.is_some() {
        return Err("user and password don't belong into a URL".to_owned());
    }
    let mut call = Call::to(method, uri);
    if let Some(base) = base {
        call.htu = call.named_by(base);
    }
    Ok(call)
}

/// The protected resource without TLS, asked for as with it. A redirect to where it has TLS is no success there.
fn plain_http(row: &TargetRow, main: &Call) -> Result<Option<Call>, String> {
    let Some(url) = &row.plain_http else { return Ok(None) };
    let call = call(&format!("{} {url}", main.method), None)?;
    if call.uri.is_https() {
        return Err("this is the URL without TLS: `http://…`".to_owned());
    }
    if call.htu == main.uri.without_query() {
        return Err("this is `target.resource` itself".to_owned());
    }
    Ok(Some(Call { fields: main.fields.clone(), ..call }))
}

/// The requests beside the main one: on its origin, and each another one, so that a proof for one is wrong at the next.
fn places(row: &TargetRow, main: &Call, base: Option<&Uri>) -> Result<Places, (String, String)> {
    let origin = |uri: &Uri| (uri.is_https(), uri.host.to_ascii_lowercase(), uri.effective_port());
    let mut taken = vec![main.clone()];
    let mut beside = |text: &str, path: String| {
        let call = match call(text, base) {
            Ok(call) if origin(&call.uri) != origin(&main.uri) => Err(
                "another origin than that of `target.resource` is another target: write another dpop.yaml"
                    .to_owned(),
            ),
            Ok(call) if taken.iter().any(|other| other.method == call.method && other.htu == call.htu) => {
                Err("this method and path stand in the config already".to_owned())
            }
            other => other,
        };
        let call = call.map_err(|message| (path, message))?;
        let call = Call { fields: main.fields.clone(), success: main.success.clone(), ..call };
        taken.push(call.clone());
        Ok::<_, (String, String)>(call)
    };
    let mut places = Places::default();
    for (index, row) in row.resources.iter().enumerate() {
        let call = beside(&row.request, format!("target.resources[{index}].request"))?;
        let safe = row.safe.unwrap_or(matches!(call.method.as_str(), "GET" | "HEAD"));
        places.resources.push(Resource { call, safe, class: row.class, nonce: row.nonce });
    }
    match &row.forbidden {
        ForbiddenRows::None => {}
        ForbiddenRows::One(text) => {
            let call = beside(text, "target.forbidden".to_owned())?;
            places.forbidden.push(Forbidden { call, lacks: None });
        }
        ForbiddenRows::Several(rows) => {
            for (index, row) in rows.iter().enumerate() {
                let call = beside(&row.request, format!("target.forbidden[{index}].request"))?;
                places.forbidden.push(Forbidden { call, lacks: row.lacks });
            }
        }
    }
    Ok(places)
}
