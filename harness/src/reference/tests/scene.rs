//! Both servers at work, a client with a key and a token, and requests over a real socket.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::proofs::{Key, Parts, quoted};
use crate::clock::{Clock, VirtualClock};
use crate::entropy::SystemEntropy;
use crate::jose::base64url;
use crate::reference::*;

pub(super) struct Scene {
    pub(super) running: Running,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) client: reqwest::Client,
    pub(super) key: Key,
    pub(super) token: String,
    /// What the server supplied, if it uses nonces.
    pub(super) nonce: Option<String>,
}

/// A request to the resource server, as it is sent.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) method: Method,
    /// A path, or a URL where that is at another port.
    pub(super) target: String,
    pub(super) authorization: Vec<String>,
    pub(super) proofs: Vec<String>,
}

/// An answer, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) challenges: Vec<String>,
    pub(super) nonces: Vec<String>,
    pub(super) cache_control: Option<String>,
    pub(super) body: Value,
    /// Whether it is a metrics page without a single refusal.
    pub(super) uncounted: bool,
}

impl Scene {
    pub(super) async fn new(nonce: NonceMode, defects: DefectSet) -> Self {
        Self::with(|options| Options { nonce, defects, ..options }).await
    }

    pub(super) async fn with(set: impl FnOnce(Options) -> Options) -> Self {
        let clock = Arc::new(VirtualClock::at_unix(1_700_000_000));
        let options = set(Options::new(clock.clone(), Arc::new(SystemEntropy)));
        let running = start(options).await.expect("free ports");
        let key = Key::fresh();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut scene = Self { running, clock, client, token: String::new(), key, nonce: None };
        scene.token = scene.mint(&scene.request());
        let nothing = Wire { authorization: vec![], proofs: vec![], ..scene.wire(&scene.parts()) };
        scene.nonce = scene.send(nothing).await.nonces.pop();
        scene
    }

    /// What a token of this client says.
    pub(super) fn request(&self) -> TokenRequest {
        TokenRequest {
            subject: "alice".into(),
            client_id: "test".into(),
            audience: self.running.audience().into(),
            scope: "read".into(),
            lifetime: Duration::from_secs(300),
            confirmation: Some(self.key.jkt()),
        }
    }

    pub(super) fn mint(&self, request: &TokenRequest) -> String {
        self.running.issuer.mint(request)
    }

    /// The token with one bit of its signature changed.
    pub(super) fn tampered_token(&self) -> String {
        let (head, signature) = self.token.rsplit_once('.').expect("a JWT");
        let mut bytes = base64url::decode(signature).expect("base64url");
        bytes[0] ^= 1;
        format!("{head}.{}", base64url::encode(bytes))
    }

    /// A correct proof for GET at the resource.
    pub(super) fn parts(&self) -> Parts {
        self.parts_for("GET", &self.running.resource_url, &self.token)
    }

    pub(super) fn parts_for(&self, method: &str, url: &str, token: &str) -> Parts {
        let parts = Parts::new(&self.key, method, url, self.clock.unix_seconds(), Some(token));
        match &self.nonce {
            Some(nonce) => parts.claim("nonce", quoted(nonce)),
            None => parts,
        }
    }

    /// GET at the resource with this proof.
    pub(super) fn wire(&self, parts: &Parts) -> Wire {
        self.wire_with(parts.signed())
    }

    pub(super) fn wire_with(&self, proof: String) -> Wire {
        Wire {
            method: Method::GET,
            target: "/resource".into(),
            authorization: vec![format!("DPoP {}", self.token)],
            proofs: vec![proof],
        }
    }

    pub(super) async fn send(&self, wire: Wire) -> Answer {
        let elsewhere = wire.target.starts_with("http:");
        let url = if elsewhere { wire.target } else { format!("{}{}", self.running.base_url, wire.target) };
        let mut request = self.client.request(wire.method, url);
        for value in wire.authorization {
            request = request.header("Authorization", value);
        }
        for value in wire.proofs {
            request = request.header("DPoP", value);
        }
        let response = request.send().await.expect("an answer");
        let fields = |name| {
            let values = response.headers().get_all(name).iter();
            values.map(|value| value.to_str().expect("ASCII").to_owned()).collect::<Vec<_>>()
        };
        let mut answer = Answer {
            status: response.status().as_u16(),
            challenges: fields("WWW-Authenticate"),
            nonces: fields("DPoP-Nonce"),
            cache_control: fields("Cache-Control").pop(),
            body: Value::Null,
            uncounted: false,
        };
        let text = response.text().await.unwrap_or_default();
        answer.body = serde_json::from_str(&text).unwrap_or_default();
        answer.uncounted =
            text.contains("# TYPE dpop_refusals_total") && !text.contains("\ndpop_refusals_total{");
        answer
    }
}
