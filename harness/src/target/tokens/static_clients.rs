use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Credentials, TokenError, TokenSource, sendable};
use crate::clock::Clock;
use crate::jose::base64url;
use crate::jose::json::{self, Json, Object};
use crate::proof::{AccessToken, ProofKey};
use crate::target::BoxFuture;

/// Where a client's token and key are kept: never in the config, and never on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticClient {
    /// The access token.
    pub token: SecretPlace,
    /// The private key that it is bound to, as a JWK.
    pub jwk: SecretPlace,
    /// The place in the config, e.g. `auth.clients[0]`.
    pub path: String,
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// A file, relative to the config's folder.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
}

/// Why a client can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct StaticClientError {
    /// The place in the config, e.g. `auth.clients[0].jwk-file`.
    pub path: String,
    /// The fact.
    pub why: SecretFault,
}

/// What is wrong with a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFault {
    /// The file can't be read.
    #[error("can't read {0}: {1}")]
    Unreadable(String, String),
    /// The variable is not set, or is no text.
    #[error("the environment has no variable {0}")]
    NoVariable(String),
    /// Something that can't stand behind the scheme in `Authorization` (RFC 9110 section 11.4).
    #[error("this is no access token: it has characters that can't stand in a header field, or none at all")]
    NotAToken,
    /// Something that can't stand in a header field (RFC 9110 section 5.5).
    #[error("this is no value of a header field: one line of visible ASCII characters and spaces")]
    NotAValue,
    /// So few characters stand in harmless text by chance.
    #[error("a secret of fewer than {0} characters can't be kept out of reports")]
    TooShort(usize),
    /// Something else than a private key.
    #[error("this is not the JWK of a private key that can sign proofs")]
    NotAKey,
    /// The token says that it is bound to another key.
    #[error("the access token is bound to the key {0} (cnf.jkt), and this is {1}")]
    OtherKey(String, String),
}

/// Tokens and keys that are there already.
pub struct StaticSource {
    clients: Vec<Client>,
    clock: Arc<dyn Clock>,
}

struct Client {
    credentials: Credentials,
    /// When the token ends, as it says itself.
    expires: Option<i64>,
    path: String,
}

impl StaticSource {
    /// Reads the tokens and keys of `clients`; the first is the one that most cases are about.
    ///
    /// # Errors
    /// [`StaticClientError`] for the first that can't be used.
    pub fn open(
        clients: &[StaticClient],
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StaticClientError> {
        let clients = clients.iter().map(|client| Client::open(client, folder));
        Ok(Self { clients: clients.collect::<Result<_, _>>()?, clock })
    }

    /// The client's credentials, unless its token has ended.
    fn give(&self, client: Option<&Client>) -> Result<Credentials, TokenError> {
        let client = client.ok_or(TokenError::NoClient)?;
        match client.expires {
            Some(end) if end <= self.clock.unix_seconds() => {
                let end = jiff::Timestamp::from_second(end).map(|end| end.to_string());
                Err(TokenError::Expired(client.path.clone(), end.unwrap_or_default()))
            }
            _ => Ok(client.credentials.clone()),
        }
    }

    fn ready(&self, client: Option<&Client>) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        Box::pin(std::future::ready(self.give(client)))
    }
}

impl TokenSource for StaticSource {
    /// The first client with a key for the same algorithm; otherwise the first of all.
    fn obtain(&self, key: Arc<ProofKey>) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        let same_alg = |client: &&Client| client.credentials.key.alg() == key.alg();
        self.ready(self.clients.iter().find(same_alg).or(self.clients.first()))
    }

    fn another_token(&self, own: &Credentials) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        let other = |client: &&Client| {
            client.credentials.key.thumbprint() == own.key.thumbprint()
                && client.credentials.token != own.token
        };
        match self.clients.iter().find(other) {
            None => Box::pin(std::future::ready(Ok(own.clone()))),
            client => self.ready(client),
        }
    }

    fn another_client(
        &self,
        own: &Credentials,
        _: Arc<ProofKey>,
    ) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        let other = |client: &&Client| client.credentials.key.thumbprint() != own.key.thumbprint();
        match self.clients.iter().find(other) {
            None => Box::pin(std::future::ready(Ok(own.clone()))),
            client => self.ready(client),
        }
    }

    fn has_new_tokens(&self) -> bool {
        false
    }
}

impl Client {
    fn open(client: &StaticClient, folder: &Path) -> Result<Self, StaticClientError> {
        let token_error =
            |why| StaticClientError { path: format!("{}.{}", client.path, client.token.key("token")), why };
        let jwk_error =
            |why| StaticClientError { path: format!("{}.{}", client.path, client.jwk.key("jwk")), why };
        let token = client.token.read(folder).map_err(token_error)?;
        if !sendable(&token) {
            return Err(token_error(SecretFault::NotAToken));
        }
        let jwk = client.jwk.read(folder).map_err(jwk_error)?;
        let key = match json::read(jwk.as_bytes()) {
            Ok(Json::Object(jwk)) => ProofKey::from_private_jwk(&jwk).ok(),
            _ => None,
        };
        let key = key.ok_or_else(|| jwk_error(SecretFault::NotAKey))?;
        let claims = claims(&token);
        let claim = |name: &str| claims.as_ref().and_then(|claims| claims.member(name));
        let bound =
            claim("cnf").and_then(Json::as_object).and_then(|cnf| cnf.member("jkt")).and_then(Json::as_str);
        let thumbprint = key.thumbprint().to_string();
        if let Some(bound) = bound.filter(|bound| *bound != thumbprint) {
            // What the token says may be anything; a thumbprint is 43 letters long.
            let bound = bound.chars().filter(char::is_ascii_graphic).take(43).collect();
            return Err(jwk_error(SecretFault::OtherKey(bound, thumbprint)));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast saturates, and seconds are whole enough"
        )]
        let expires = claim("exp").and_then(Json::as_f64).map(|end| end as i64);
        let credentials = Credentials { key: Arc::new(key), token: AccessToken::new(token) };
        Ok(Self { credentials, expires, path: client.path.clone() })
    }
}

impl SecretPlace {
    /// The key in the config that names it.
    fn key(&self, what: &str) -> String {
        match self {
            Self::File(_) => format!("{what}-file"),
            Self::Variable(_) => format!("{what}-env"),
        }
    }

    /// The secret, without white space around it.
    pub(in crate::target) fn read(&self, folder: &Path) -> Result<String, SecretFault> {
        let text = match self {
            Self::File(path) => {
                let path = folder.join(path);
                let unreadable = |error: std::io::Error| {
                    SecretFault::Unreadable(path.display().to_string(), error.to_string())
                };
                std::fs::read_to_string(&path).map_err(unreadable)?
            }
            Self::Variable(name) => std::env::var(name).map_err(|_| SecretFault::NoVariable(name.clone()))?,
        };
        Ok(text.trim().to_owned())
    }
}

/// The claims of a token that is a JWT.
fn claims(token: &str) -> Option<Object> {
    let claims = base64url::decode(token.split('.').nth(1)?)?;
    match json::read(&claims) {
        Ok(Json::Object(claims)) => Some(claims),
        _ => None,
    }
}
