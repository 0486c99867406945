use super::discovery::{Discovery, Probe};
use super::metadata::ServerMetadata;
use crate::jose::AlgSet;
use crate::jose::uri::Uri;

/// A `dpop.yaml` for what was found, with comments that say where it was found and what is left to fill in. Text that a server
/// chose stands in it only where it is a URL or the name of an algorithm.
pub fn config_draft(found: &Discovery) -> String {
    let mut text = String::new();
    let origin = found.url.origin();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&format!(
        "# Written by `dpop init {}`. Next: dpop doctor, then dpop run.",
        found.url.without_query()
    ));
    for problem in problems(found) {
        line(&format!("# PROBLEM: {problem}"));
    }
    line("dpop: 1");
    line("target:");
    line(&format!("  name: {}", name(&found.url)));
    line("  # It is sent hundreds of times: it has to answer 2xx to a correct request, and change nothing.");
    line(&format!("  resource: {}", quoted(&format!("GET {}", found.url))));
    let others = found.misplaced.iter().filter_map(|(_, about)| about.as_ref());
    for about in others.filter(|about| about.origin() != origin) {
        line(
            "  # Its metadata call the resource by another origin. Where a proxy stands in front, proofs name that:",
        );
        line(&format!("  # htu-base: {}", quoted(&about.origin())));
    }
    bearer(found, &mut line);
    line("  # More to look at, where there is such a thing (each is explained by `dpop explain guide`):");
    line(
        "  # resources: [{ request: POST URL, safe: false }]   more paths and methods that must be protected",
    );
    line("  # forbidden: GET URL        what a correct token may not have");
    line("  # plain-http: http://…      where the resource must not be served without TLS");
    line(
        "  # nodes: { a: \"10.0.0.5:8443\", b: \"10.0.0.6:8443\" }   the servers behind the URL, one by one",
    );
    line("# Where refusals show to those who run the server; or log: FILE, with pattern: WORDS");
    line("# observe: { metrics: URL, counter: NAME }");
    line(
        "# Measured by each run, unless you know better: nonces, algorithms, whether a jti works once only.",
    );
    line(&format!("# Seen: {}.", seen(found)));
    line("# capabilities: { nonce: never, single-use-jti: true, algs: [ES256] }");
    auth(found, &origin, &mut line);
    line("# limits: { rate: 20/s, timeout: 5s, jobs: 8, max-requests: 5000 }");
    if !found.url.is_loopback() {
        line(
            "# A host that is neither local nor private is tested only where that is allowed, here or by --authorised:",
        );
        line(&format!("# allow-hosts: [{}]", quoted(&found.url.host)));
    }
    text
}

/// What keeps the file from working as it is, a sentence each.
pub fn problems(found: &Discovery) -> Vec<String> {
    let url = found.url.without_query();
    let probe = match &found.probe {
        Probe::Dpop { .. } | Probe::Refused(401) => None,
        Probe::Refused(status) => Some(format!("{url} answers {status} without a DPoP challenge.")),
        Probe::Open(status) => Some(format!(
            "{url} answers {status} to everybody: it is not protected. Name a resource that needs a token."
        )),
        Probe::Redirect(status, location) => {
            let to = location.as_ref().map(|to| format!(" to {}", to.without_query())).unwrap_or_default();
            Some(format!("{url} redirects{to} ({status}), and no token follows a redirect. Name that URL."))
        }
        Probe::Other(status) => {
            Some(format!("{url} answers {status}: is that a path, and does it know GET?"))
        }
    };
    let not_asked =
        found.not_asked.as_ref().map(|why| format!("the authorization server was not asked: {why}."));
    let elsewhere = found.misplaced.iter().map(|(place, about)| match about {
        Some(about) => format!(
            "the metadata at {place} are about {about} and not about this URL (RFC 9728 section 3.3): not used."
        ),
        None => format!("the metadata at {place}, another origin or without a name, were not used."),
    });
    probe.into_iter().chain(not_asked).chain(elsewhere).collect()
}

fn bearer(found: &Discovery, line: &mut dyn FnMut(&str)) {
    let required = found.resource.as_ref().filter(|(_, said)| said.dpop_bound_access_tokens_required);
    match (required, &found.probe) {
        (Some((place, _)), _) => {
            line(&format!("  # dpop_bound_access_tokens_required in {place}"));
            line("  bearer: refused");
        }
        (None, Probe::Dpop { bearer: true }) => {
            line(
                "  # FILL IN: its challenge asks for DPoP and for Bearer. Are unbound tokens still served (allowed), or not?",
            );
            line("  # bearer: refused");
        }
        (
            None,
            Probe::Dpop { bearer: false }
            | Probe::Refused(_)
            | Probe::Open(_)
            | Probe::Redirect(..)
            | Probe::Other(_),
        ) => {
            line("  # FILL IN: whether unbound tokens are refused, or still allowed while clients migrate.");
            line("  # bearer: refused");
        }
    }
}

/// `a DPoP challenge, algs ES256 PS256, no nonce`
fn seen(found: &Discovery) -> String {
    let probe = match &found.probe {
        Probe::Dpop { bearer: false } => "a DPoP challenge".to_owned(),
        Probe::Dpop { bearer: true } => "a DPoP and a Bearer challenge".to_owned(),
        Probe::Refused(status) | Probe::Open(status) | Probe::Redirect(status, _) | Probe::Other(status) => {
            format!("{status} and no DPoP challenge")
        }
    };
    let algs = found.algs.map(|algs| ("in the challenge", algs));
    let published = found.resource.as_ref().map(|(_, said)| &said.dpop_signing_alg_values_supported);
    let published = published.filter(|names| !names.is_empty());
    let published = published.map(|names| AlgSet::from_names(names.iter().map(String::as_str)));
    let algs = algs.or(published.map(|algs| ("in the metadata", algs)));
    let algs = algs.map(|(place, algs)| format!("{} {place}", algs.names().join(" ")));
    let nonce = if found.nonce { "a nonce" } else { "no nonce" };
    format!("{probe}, {}, {nonce}", algs.unwrap_or_else(|| "no algorithms".to_owned()))
}

fn auth(found: &Discovery, origin: &str, line: &mut dyn FnMut(&str)) {
    line("auth:");
    let grants = |server: &ServerMetadata| {
        let grants = server.grant_types_supported.as_ref();
        grants.is_some_and(|grants| grants.iter().any(|grant| grant == "client_credentials"))
    };
    let audience = match &found.resource {
        Some((_, metadata)) => metadata.resource.parse::<Uri>().ok().map(|_| metadata.resource.clone()),
        None => None,
    };
    let audience_line = match (&audience, &found.resource) {
        (Some(audience), Some((place, _))) => {
            format!("  audience: {}   # resource in {place}", quoted(audience))
        }
        _ => format!("  audience: {}   # FILL IN: the aud that your server wants", quoted(origin)),
    };
    let named = found.resource.as_ref().is_some_and(|(_, said)| !said.authorization_servers.is_empty());
    let which = if named { "that the metadata name" } else { "at the same origin" };
    match (&found.issuer, &found.server) {
        (Some(issuer), Some((place, server))) if grants(server) => {
            line(&format!("  # The authorization server {which}, by its metadata: {place}"));
            line("  kind: client-credentials");
            line(&format!("  issuer: {}", quoted(&issuer.to_string())));
            line(
                "  # FILL IN: a client of yours that may use this grant. Its secret, if it has one, comes from the environment",
            );
            line("  # (DPOP_CLIENT_SECRET) or from a file: client-secret-file: secret");
            line("  client-id: dpop-harness");
            line(&audience_line);
            scope(found, line);
        }
        (Some(issuer), _) => {
            line(&format!("  # The authorization server {which}, {issuer},"));
            line("  # gives no tokens to clients for their own use, as far as it says.");
            line("  # FILL IN: a program that prints {\"access_token\": …} for the key in DPOP_JWK_FILE.");
            line("  kind: command");
            line("  command: [./token.sh]");
            line(&audience_line);
            scope(found, line);
        }
        (None, _) => {
            line(
                "  # No authorization server is named. FILL IN one of the ways to get tokens. The one that shows most: dpop runs",
            );
            line(
                "  # the issuer, and your server is set up to trust it (metadata and keys are at this URL while dpop runs).",
            );
            line("  kind: embedded");
            line("  listen: 127.0.0.1:9400");
            line("  issuer: 'http://127.0.0.1:9400'");
            line(&audience_line);
            scope(found, line);
            line(
                "  # Or: kind: client-credentials, with issuer and client-id; kind: command, with a program of yours;",
            );
            line(
                "  # kind: static, with a token that is there already and its key: token-file and jwk-file.",
            );
        }
    }
}

/// The scopes that the metadata name, where they are words.
fn scope(found: &Discovery, line: &mut dyn FnMut(&str)) {
    let scopes = found.resource.as_ref().map(|(_, metadata)| metadata.scopes_supported.as_slice());
    // RFC 6749 section 3.3.
    let word = |scope: &&String| scope.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~'));
    let scopes: Vec<&str> = scopes.unwrap_or_default().iter().filter(word).map(String::as_str).collect();
    if scopes.is_empty() {
        line("  # scope: read               FILL IN where the resource needs one");
    } else {
        let scopes = quoted(&scopes.join(" "));
        line(&format!("  scope: {scopes}   # all that the metadata name; leave what the resource needs"));
    }
}

/// A name for results and snapshots: letters, digits, `-`, `_` and `.`.
fn name(url: &Uri) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let name: String = url
        .host_and_port()
        .chars()
        .map(|character| if allowed(character) { character } else { '-' })
        .collect();
    let name = name.trim_matches('-').to_owned();
    if name.is_empty() { "target".to_owned() } else { name }
}

/// A YAML scalar in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
