use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::tokens::{SecretPlace, StaticClient};
use crate::jose::Alg;
use crate::jose::uri::Uri;

/// Where tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// The harness runs the issuer that the target trusts.
    Embedded {
        /// Where it listens.
        listen: SocketAddr,
        /// What it signs tokens with.
        alg: Alg,
        /// The value of `iss`.
        issuer: String,
        /// The value of `aud`.
        audience: String,
        /// The value of `scope`.
        scope: String,
        /// What else tokens say.
        claims: Map<String, Value>,
        /// What the `jti` of each token begins with.
        jti_prefix: String,
        /// What it shows as its certificate, where it speaks TLS.
        tls: Option<TlsFiles>,
    },
    /// A program prints them.
    Command {
        /// The program and its arguments, run in the config's folder.
        command: Vec<String>,
        /// `DPOP_SCOPE` in its environment.
        scope: String,
        /// `DPOP_AUDIENCE` in its environment.
        audience: String,
    },
    /// An authorization server gives them to a client for its own use (RFC 6749 section 4.4).
    ClientCredentials {
        /// Its URL, by which its metadata are found.
        issuer: Uri,
        /// What the client is called there.
        client_id: String,
        /// A file with the secret, where `DPOP_CLIENT_SECRET` is not in the environment.
        client_secret_file: Option<PathBuf>,
        /// What the token is for.
        audience: String,
        /// Its scope.
        scope: String,
    },
    /// The shim in front of a verifier is told the key of the issuer that the harness is itself.
    Shim,
    /// They are there already.
    Static {
        /// Who has them; at least one. The first is the client that most cases are about.
        clients: Vec<StaticClient>,
    },
}

/// PEM files, beside the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What tokens always say as the other keys have it, and edited tokens otherwise.
const OWN_CLAIMS: [&str; 8] = ["iss", "aud", "scope", "client_id", "iat", "exp", "jti", "cnf"];

/// Where access tokens come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Auth")]
pub(super) struct AuthRow {
    /// The way to get them.
    kind: AuthKind,
    /// embedded: where the issuer listens, e.g. `127.0.0.1:9400`.
    listen: Option<SocketAddr>,
    /// embedded: the algorithm of the access tokens; ES256 unless it is given.
    alg: Option<Alg>,
    /// embedded: the issuer's URL, the value of `iss`; client-credentials: the authorization server, whose metadata (RFC 8414)
    /// name the token endpoint.
    issuer: Option<String>,
    /// The value of `aud`; for a command `DPOP_AUDIENCE`.
    audience: Option<String>,
    /// The value of `scope`; for a command `DPOP_SCOPE`.
    scope: Option<String>,
    /// embedded: what else tokens say, e.g. `{ webid: "https://alice.example/#me" }`; `sub` is `alice` unless it stands here.
    claims: Option<Map<String, Value>>,
    /// embedded: what the `jti` of each token begins with, for servers that look at its form. 22 characters of chance follow.
    jti_prefix: Option<String>,
    /// embedded: a PEM file, beside this one, with the issuer's certificate and those that vouch for it. With it the issuer speaks
    /// TLS, for servers that trust no issuer without it.
    certificate_file: Option<PathBuf>,
    /// embedded: a PEM file with the private key of that certificate.
    private_key_file: Option<PathBuf>,
    /// command: the program and its arguments, run in the folder of this file.
    command: Option<Vec<String>>,
    /// client-credentials: what the client is called.
    client_id: Option<String>,
    /// client-credentials: a file with the client's secret, beside this one; otherwise the environment variable
    /// `DPOP_CLIENT_SECRET`; without either the client is public.
    client_secret_file: Option<PathBuf>,
    /// static: the file with the access token.
    token_file: Option<PathBuf>,
    /// static: the variable of the environment with the access token.
    token_env: Option<String>,
    /// static: the file with the private key that the token is bound to, as a JWK.
    jwk_file: Option<PathBuf>,
    /// static: the variable of the environment with that key.
    jwk_env: Option<String>,
    /// static: several clients instead of one. With a second token for the first one's key, and with another client, more
    /// cases can be performed.
    clients: Option<Vec<ClientRow>>,
}

/// A client with a token and a key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "StaticClient")]
struct ClientRow {
    /// The file with the access token.
    token_file: Option<PathBuf>,
    /// The variable of the environment with the access token.
    token_env: Option<String>,
    /// The file with the private key that the token is bound to, as a JWK.
    jwk_file: Option<PathBuf>,
    /// The variable of the environment with that key.
    jwk_env: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AuthKind {
    /// The harness runs the issuer that the server trusts.
    Embedded,
    /// A program prints `{"access_token": …}`.
    Command,
    /// An authorization server gives them to a client for its own use.
    ClientCredentials,
    /// Tokens and keys are in files or in the environment.
    Static,
}

/// Reads the rows; a path in the config, and what is wrong there.
pub(super) fn auth(row: AuthRow) -> Result<Auth, (String, String)> {
    belonging(&row)?;
    let scope = row.scope.unwrap_or_default();
    match row.kind {
        AuthKind::Embedded => {
            let needed = |key: &str| ("auth.kind".to_owned(), format!("`kind: embedded` needs `{key}`"));
            let listen = row.listen.ok_or_else(|| needed("listen"))?;
            if !listen.ip().is_loopback() {
                return Err((
                    "auth.listen".to_owned(),
                    "the issuer gives tokens to everybody, so it listens on loopback only".to_owned(),
                ));
            }
            let issuer = row.issuer.ok_or_else(|| needed("issuer"))?;
            if let Err(error) = issuer.parse::<Uri>() {
                return Err(("auth.issuer".to_owned(), format!("`{issuer}`: {error}")));
            }
            let claims = row.claims.unwrap_or_default();
            if let Some(own) = OWN_CLAIMS.into_iter().find(|name| claims.contains_key(*name)) {
                return Err((format!("auth.claims.{own}"), format!("`{own}` is not for `claims` to say")));
            }
            let tls = match (row.certificate_file, row.private_key_file) {
                (None, None) => None,
                (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
                (Some(_), None) => return Err(needed_beside("certificate-file", "private-key-file")),
                (None, Some(_)) => return Err(needed_beside("private-key-file", "certificate-file")),
            };
            if tls.is_some() && !issuer.starts_with("https:") {
                let message = format!("`{issuer}` is not under https, which `certificate-file` is for");
                return Err(("auth.issuer".to_owned(), message));
            }
            Ok(Auth::Embedded {
                listen,
                alg: row.alg.unwrap_or(Alg::Es256),
                issuer,
                audience: row.audience.ok_or_else(|| needed("audience"))?,
                scope,
                claims,
                jti_prefix: row.jti_prefix.unwrap_or_default(),
                tls,
            })
        }
        AuthKind::Command => match row.command {
            Some(command) if !command.is_empty() => {
                Ok(Auth::Command { command, scope, audience: row.audience.unwrap_or_default() })
            }
            _ => Err((
                "auth.kind".to_owned(),
                "`kind: command` needs `command: [program, argument, …]`".to_owned(),
            )),
        },
        AuthKind::ClientCredentials => {
            let needed =
                |key: &str| ("auth.kind".to_owned(), format!("`kind: client-credentials` needs `{key}`"));
            let issuer = row.issuer.ok_or_else(|| needed("issuer"))?;
            let wrong_issuer = |error| ("auth.issuer".to_owned(), format!("`{issuer}`: {error}"));
            Ok(Auth::ClientCredentials {
                issuer: issuer.parse().map_err(wrong_issuer)?,
                client_id: row.client_id.ok_or_else(|| needed("client-id"))?,
                client_secret_file: row.client_secret_file,
                audience: row.audience.unwrap_or_default(),
                scope,
            })
        }
        AuthKind::Static => {
            let inline = ClientRow {
                token_file: row.token_file,
                token_env: row.token_env,
                jwk_file: row.jwk_file,
                jwk_env: row.jwk_env,
            };
            let clients = match row.clients {
                None => vec![inline.client("auth".to_owned(), "auth.kind")?],
                Some(_) if !inline.is_empty() => {
                    return Err((
                        "auth.clients".to_owned(),
                        "either one client in `auth` itself, or several in `clients`".to_owned(),
                    ));
                }
                Some(rows) => {
                    let clients = rows.into_iter().enumerate().map(|(index, row)| {
                        let path = format!("auth.clients[{index}]");
                        row.client(path.clone(), &path)
                    });
                    clients.collect::<Result<Vec<_>, _>>()?
                }
            };
            if clients.is_empty() {
                return Err(("auth.clients".to_owned(), "at least one client is needed".to_owned()));
            }
            Ok(Auth::Static { clients })
        }
    }
}

/// Every key that is given belongs to the kind.
fn belonging(row: &AuthRow) -> Result<(), (String, String)> {
    use AuthKind::{ClientCredentials, Command, Embedded, Static};
    let keys: [(&str, bool, &[AuthKind]); 17] = [
        ("listen", row.listen.is_some(), &[Embedded]),
        ("issuer", row.issuer.is_some(), &[Embedded, ClientCredentials]),
        ("alg", row.alg.is_some(), &[Embedded]),
        ("claims", row.claims.is_some(), &[Embedded]),
        ("jti-prefix", row.jti_prefix.is_some(), &[Embedded]),
        ("certificate-file", row.certificate_file.is_some(), &[Embedded]),
        ("private-key-file", row.private_key_file.is_some(), &[Embedded]),
        ("audience", row.audience.is_some(), &[Embedded, Command, ClientCredentials]),
        ("scope", row.scope.is_some(), &[Embedded, Command, ClientCredentials]),
        ("command", row.command.is_some(), &[Command]),
        ("client-id", row.client_id.is_some(), &[ClientCredentials]),
        ("client-secret-file", row.client_secret_file.is_some(), &[ClientCredentials]),
        ("token-file", row.token_file.is_some(), &[Static]),
        ("token-env", row.token_env.is_some(), &[Static]),
        ("jwk-file", row.jwk_file.is_some(), &[Static]),
        ("jwk-env", row.jwk_env.is_some(), &[Static]),
        ("clients", row.clients.is_some(), &[Static]),
    ];
    match keys.into_iter().find(|(_, given, kinds)| *given && !kinds.contains(&row.kind)) {
        None => Ok(()),
        Some((key, _, kinds)) => {
            let kinds: Vec<_> = kinds.iter().map(|kind| format!("`kind: {}`", kind.name())).collect();
            let kinds = match kinds.split_last() {
                Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
                _ => kinds.concat(),
            };
            Err((format!("auth.{key}"), format!("`{key}` belongs to {kinds}")))
        }
    }
}

fn needed_beside(given: &str, missing: &str) -> (String, String) {
    (format!("auth.{given}"), format!("`{given}` needs `{missing}`"))
}

impl AuthKind {
    fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Command => "command",
            Self::ClientCredentials => "client-credentials",
            Self::Static => "static",
        }
    }
}

impl ClientRow {
    fn is_empty(&self) -> bool {
        self.token_file.is_none()
            && self.token_env.is_none()
            && self.jwk_file.is_none()
            && self.jwk_env.is_none()
    }

    /// The client, whose keys stand below `path`; what is missing is said at `place`.
    fn client(self, path: String, place: &str) -> Result<StaticClient, (String, String)> {
        let one = |what: &str, file: Option<PathBuf>, variable: Option<String>| match (file, variable) {
            (Some(file), None) => Ok(SecretPlace::File(file)),
            (None, Some(variable)) => Ok(SecretPlace::Variable(variable)),
            (None, None) => {
                let message = format!("a client of `kind: static` needs `{what}-file` or `{what}-env`");
                Err((place.to_owned(), message))
            }
            (Some(_), Some(_)) => {
                let message = format!("either `{what}-file` or `{what}-env`, not both");
                Err((format!("{path}.{what}-env"), message))
            }
        };
        let token = one("token", self.token_file, self.token_env)?;
        let jwk = one("jwk", self.jwk_file, self.jwk_env)?;
        Ok(StaticClient { token, jwk, path })
    }
}
