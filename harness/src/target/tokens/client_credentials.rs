use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{Credentials, TokenError, TokenSource, sendable};
use crate::clock::Clock;
use crate::entropy::{Entropy, unique_id};
use crate::jose::uri::Uri;
use crate::jose::{AlgSet, Nonce};
use crate::proof::{AccessToken, Draft, Field, ProofKey, Request, Statement, form_encoded};
use crate::target::metadata::{ServerMetadata, read_server};
use crate::target::{Answer, BoxFuture, HttpTarget, Limits, Reach, Response, Target};

/// How a client asks for tokens of its own (RFC 6749 section 4.4).
pub struct ClientCredentials {
    /// The authorization server.
    pub issuer: Uri,
    /// What the client is called there.
    pub client_id: String,
    /// Its secret; none for a public client.
    pub client_secret: Option<AccessToken>,
    /// What the token is for; empty where the authorization server knows.
    pub audience: String,
    /// The scope of the token; empty for its default.
    pub scope: String,
    /// The hosts beyond loopback and private addresses that may be asked; none for every one.
    pub allow_hosts: Option<Vec<String>>,
    /// How the authorization server is reached.
    pub reach: Reach,
    /// How hard it is driven.
    pub limits: Limits,
}

/// The token endpoint of an authorization server, found by its metadata and asked with the client credentials grant and a
/// proof (RFC 9449 section 5). A nonce challenge is answered (section 8), no redirect is followed.
pub struct ClientCredentialsSource {
    client: ClientCredentials,
    endpoint: OnceCell<Endpoint>,
    nonce: Mutex<Option<Nonce>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

struct Endpoint {
    uri: Uri,
    target: HttpTarget,
    metadata: ServerMetadata,
}

impl ClientCredentialsSource {
    /// Nothing is asked before the first token.
    pub fn new(client: ClientCredentials, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { client, endpoint: OnceCell::new(), nonce: Mutex::new(None), clock, entropy }
    }

    async fn reach(&self, uri: &Uri) -> Result<HttpTarget, TokenError> {
        let authorised = self.client.allow_hosts.as_ref().is_none_or(|hosts| hosts.contains(&uri.host));
        let (reach, limits) = (&self.client.reach, &self.client.limits);
        Ok(HttpTarget::resolve_with(reach, uri, limits, authorised, self.clock.clone()).await?)
    }

    async fn find(&self) -> Result<Endpoint, TokenError> {
        let issuer = &self.client.issuer;
        let none = || TokenError::NoMetadata(issuer.to_string());
        let (_, metadata) = read_server(&self.reach(issuer).await?, issuer).await.ok_or_else(none)?;
        let url = metadata.token_endpoint.clone().ok_or_else(none)?;
        let uri: Uri = url.parse().map_err(|_| TokenError::Url(url))?;
        if self.client.client_secret.is_some() && !uri.is_https() && !uri.is_loopback() {
            return Err(TokenError::Unencrypted(uri.to_string()));
        }
        let target = self.reach(&uri).await?;
        Ok(Endpoint { uri, target, metadata })
    }

    /// The request with a new proof.
    fn request(&self, endpoint: &Endpoint, key: &ProofKey) -> Request {
        let ClientCredentials { client_id, client_secret, audience, scope, .. } = &self.client;
        let methods = endpoint.metadata.token_endpoint_auth_methods_supported.as_ref();
        let has = |method: &str| methods.is_some_and(|methods| methods.iter().any(|known| known == method));
        let in_form = has("client_secret_post") && !has("client_secret_basic");
        let mut parameters = vec![("grant_type", "client_credentials")];
        match client_secret {
            Some(secret) if in_form => {
                parameters.extend([("client_id", client_id.as_str()), ("client_secret", secret.expose())]);
            }
            Some(_) => {}
            None => parameters.push(("client_id", client_id)),
        }
        if !scope.is_empty() {
            parameters.push(("scope", scope));
        }
        if !audience.is_empty() {
            // RFC 8707 names it `resource`, and wants a URL; many servers know it as `audience`, and none may mind a
            // parameter that it does not know (RFC 6749 section 3.2).
            parameters.push(("audience", audience));
            if audience.parse::<Uri>().is_ok() {
                parameters.push(("resource", audience));
            }
        }
        let mut request = Request::form(&endpoint.uri, &parameters);
        if let Some(secret) = client_secret.as_ref().filter(|_| !in_form) {
            // RFC 6749 section 2.3.1: both halves are encoded as in a form first.
            let pair = format!("{}:{}", form_encoded(client_id), form_encoded(secret.expose()));
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            request.fields.push(Field::new("Authorization", format!("Basic {encoded}")));
        }
        let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let htu = endpoint.uri.without_query().to_string();
        let statement = Statement {
            htm: "POST",
            htu: &htu,
            access_token: None,
            nonce: nonce.as_ref(),
            jti: &unique_id(self.entropy.as_ref()),
            iat: self.clock.unix_seconds(),
        };
        request.fields.push(Field::new("DPoP", Draft::correct(key, statement).sign(key).compact()));
        request
    }

    async fn ask(&self, key: Arc<ProofKey>) -> Result<Credentials, TokenError> {
        let endpoint = self.endpoint.get_or_try_init(|| self.find()).await?;
        let refused =
            |answer: String, error| TokenError::Refused { endpoint: endpoint.uri.to_string(), answer, error };
        let algs = endpoint.metadata.dpop_signing_alg_values_supported.as_ref();
        let algs = algs.map(|algs| AlgSet::from_names(algs.iter().map(String::as_str)));
        if algs.is_some_and(|algs| !algs.contains(key.alg())) {
            return Err(TokenError::Algorithm(key.alg().name()));
        }
        // Once without the nonce that it wants, once with it.
        for last in [false, true] {
            let response = match endpoint.target.send(&self.request(endpoint, &key)).await {
                Answer::Response(response) => response,
                Answer::Nothing(nothing) => return Err(refused(nothing.to_string(), None)),
            };
            let nonce: Option<Nonce> = response
                .values("dpop-nonce")
                .find_map(|value| std::str::from_utf8(value).ok()?.trim().parse().ok());
            let supplied = nonce.is_some();
            if supplied {
                *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = nonce;
            }
            let challenged = response.error().as_deref() == Some("use_dpop_nonce");
            if challenged && supplied && !last {
                continue;
            }
            return match token(&response)? {
                Some(token) => Ok(Credentials { key, token }),
                None => Err(refused(self.in_words(&response), response.error())),
            };
        }
        Err(refused("use_dpop_nonce again".to_owned(), None))
    }

    /// Status and error of a refusal. A description that repeats the secret is left out: a short one could not be
    /// recognised by those who take secrets out of texts.
    fn in_words(&self, response: &Response) -> String {
        let secret = self.client.client_secret.as_ref().map_or("", AccessToken::expose);
        let safe = |text: &String| secret.is_empty() || !text.contains(secret);
        let error = response.error().filter(safe).map(|error| format!(" {error}"));
        let said = response.error_description().filter(safe).map(|said| format!(" ({said})"));
        format!("{}{}{}", response.status, error.unwrap_or_default(), said.unwrap_or_default())
    }
}

impl TokenSource for ClientCredentialsSource {
    fn obtain(&self, key: Arc<ProofKey>) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        Box::pin(self.ask(key))
    }

    fn secret(&self) -> Option<&AccessToken> {
        self.client.client_secret.as_ref()
    }
}

/// The token of a good answer (RFC 6749 section 5.1); none where it is a refusal.
fn token(response: &Response) -> Result<Option<AccessToken>, TokenError> {
    if response.status != 200 {
        return Ok(None);
    }
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&response.body) else { return Ok(None) };
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let Some(token) = text("access_token").filter(|token| sendable(token)) else { return Ok(None) };
    match text("token_type") {
        Some(kind) if kind.eq_ignore_ascii_case("DPoP") => Ok(Some(AccessToken::new(token))),
        kind => Err(TokenError::NotBound(kind.unwrap_or("nothing").to_owned())),
    }
}
