//! Both servers at work, a client with a key and a token, and requests over a real socket.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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
    pub(super) way: Way,
    /// The whole request as it goes over a connection of its own, instead of all this.
    pub(super) raw: Option<String>,
}

/// How a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Over HTTP/1.1 and a connection that is kept from the first request on.
    Kept,
    /// Over HTTP/2 and a connection of its own.
    Http2,
    /// Over HTTP/1.1 and a connection of its own, which is cut before the answer comes.
    Cut,
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
    /// All of it, where it came over a connection of its own.
    pub(super) text: String,
}

impl Scene {
    pub(super) async fn new(nonce: NonceMode, defects: DefectSet) -> Self {
        Self::with(|options| Options { nonce, defects, ..options }).await
    }

    pub(super) async fn with(set: impl FnOnce(Options) -> Options) -> Self {
        let clock = Arc::new(VirtualClock::at_unix(1_700_000_000));
        let options = set(Options::new(clock.clone(), Arc::new(SystemEntropy)));
        let nonces = options.nonce;
        let running = start(options).await.expect("free ports");
        let key = Key::fresh();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut scene = Self { running, clock, client, token: String::new(), key, nonce: None };
        scene.token = scene.mint(&scene.request());
        let nothing = Wire { authorization: vec![], proofs: vec![], ..scene.wire(&scene.parts()) };
        scene.nonce = scene.send(nothing).await.nonces.pop();
        // Who supplies none with every answer supplies it where it is missed.
        if scene.nonce.is_none() && nonces == NonceMode::Required {
            scene.nonce = scene.send(scene.wire(&scene.parts())).await.nonces.pop();
        }
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
        self.parts_for("GET", &self.running.htu, &self.token)
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
            target: self.running.resource_url.replacen(&self.running.base_url, "", 1),
            authorization: vec![format!("DPoP {}", self.token)],
            proofs: vec![proof],
            way: Way::Kept,
            raw: None,
        }
    }

    /// Sends bytes that no library would send.
    async fn send_raw(&self, text: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let (head, content) = loop {
            let mut chunk = [0; 4096];
            let read = stream.read(&mut chunk).await.expect("an answer");
            answer.extend_from_slice(&chunk[..read]);
            let text = String::from_utf8_lossy(&answer).into_owned();
            let Some((head, content)) = text.split_once("\r\n\r\n") else {
                assert_ne!(read, 0, "the answer ends in its head");
                continue;
            };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if read == 0 || length.is_none_or(|length: usize| content.len() >= length) {
                break (head.to_owned(), content.to_owned());
            }
        };
        let fields = |name: &str| {
            let values =
                head.lines().filter_map(|line| line.split_once(": ").filter(|(field, _)| *field == name));
            values.map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
        };
        Answer {
            status: head.get(9..12).and_then(|status| status.parse().ok()).expect("a status"),
            challenges: fields("www-authenticate"),
            nonces: fields("dpop-nonce"),
            cache_control: fields("cache-control").pop(),
            body: serde_json::from_str(&content).unwrap_or_default(),
            uncounted: false,
            text: format!("{head}\n\n{content}").replace('\r', ""),
        }
    }

    pub(super) async fn send(&self, wire: Wire) -> Answer {
        if let Some(text) = &wire.raw {
            return self.send_raw(text).await;
        }
        match wire.way {
            Way::Kept => self.send_kept(wire).await,
            Way::Http2 => self.send_http2(wire).await,
            Way::Cut => self.send_and_cut(wire).await,
        }
    }

    async fn connect(&self) -> TcpStream {
        let address = self.running.base_url.strip_prefix("http://").expect("http");
        TcpStream::connect(address).await.expect("a connection")
    }

    async fn send_http2(&self, wire: Wire) -> Answer {
        let (mut sender, connection) = h2::client::handshake(self.connect().await).await.expect("HTTP/2");
        let driver = tokio::spawn(connection);
        let url = format!("{}{}", self.running.base_url, wire.target);
        let mut request =
            http::Request::builder().method(wire.method).uri(url).version(http::Version::HTTP_2);
        for value in wire.authorization {
            request = request.header("authorization", value);
        }
        for value in wire.proofs {
            request = request.header("dpop", value);
        }
        let request = request.body(()).expect("a request");
        let (response, _) = sender.send_request(request, true).expect("an open connection");
        let (head, mut content) = response.await.expect("an answer").into_parts();
        let mut body = Vec::new();
        while let Some(data) = content.data().await {
            body.extend(data.expect("a whole answer"));
        }
        driver.abort();
        Answer::of(head.status.as_u16(), &head.headers, &String::from_utf8_lossy(&body))
    }

    async fn send_and_cut(&self, wire: Wire) -> Answer {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: x\r\n", wire.method, wire.target);
        wire.authorization.iter().for_each(|value| text += &format!("Authorization: {value}\r\n"));
        wire.proofs.iter().for_each(|value| text += &format!("DPoP: {value}\r\n"));
        let mut stream = self.connect().await;
        stream.write_all(format!("{text}\r\n").as_bytes()).await.expect("an open connection");
        let _ = tokio::time::timeout(Duration::from_millis(20), stream.readable()).await;
        Answer::of(0, &http::HeaderMap::new(), "")
    }

    async fn send_kept(&self, wire: Wire) -> Answer {
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
        let (status, fields) = (response.status().as_u16(), response.headers().clone());
        Answer::of(status, &fields, &response.text().await.unwrap_or_default())
    }
}

impl Answer {
    fn of(status: u16, fields: &http::HeaderMap, text: &str) -> Self {
        let values = |name| {
            let values = fields.get_all(name).iter();
            values.map(|value| value.to_str().expect("ASCII").to_owned()).collect::<Vec<_>>()
        };
        Self {
            status,
            challenges: values("WWW-Authenticate"),
            nonces: values("DPoP-Nonce"),
            cache_control: values("Cache-Control").pop(),
            body: serde_json::from_str(text).unwrap_or_default(),
            uncounted: text.contains("# TYPE dpop_refusals_total")
                && !text.contains("\ndpop_refusals_total{"),
            text: String::new(),
        }
    }
}
