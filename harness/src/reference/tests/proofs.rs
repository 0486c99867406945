//! Proofs by hand: JSON by `format!`, signatures by p256; those of other algorithms by the issuer's kind of key.

use std::fmt::Write as _;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::rand_core::OsRng;

use crate::jose::{Alg, Ath, Jkt, base64url};
use crate::reference::signing_key;

/// A client's key.
#[derive(Clone)]
pub(super) struct Key(SigningKey);

impl Key {
    pub(super) fn fresh() -> Self {
        Self(SigningKey::random(&mut OsRng))
    }

    /// `x` and `y` in base64url.
    fn coordinates(&self) -> [String; 2] {
        let point = self.0.verifying_key().to_encoded_point(false);
        [point.x(), point.y()].map(|part| base64url::encode(part.expect("not the point at infinity")))
    }

    pub(super) fn point(&self) -> Vec<u8> {
        self.0.verifying_key().to_encoded_point(false).as_bytes().to_vec()
    }

    pub(super) fn jwk(&self) -> String {
        let [x, y] = self.coordinates();
        format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
    }

    /// The key with more members in front, e.g. `"kid":"1",`.
    pub(super) fn jwk_with(&self, members: &str) -> String {
        self.jwk().replacen('{', &format!("{{{members}"), 1)
    }

    pub(super) fn private_member(&self) -> String {
        format!(r#""d":"{}","#, base64url::encode(self.0.to_bytes()))
    }

    pub(super) fn jkt(&self) -> Jkt {
        // RFC 7638 section 3: the required members in lexicographic order, which is how jwk() writes them.
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.jwk().as_bytes());
        base64url::encode(hash).parse().expect("a thumbprint")
    }

    pub(super) fn sign(&self, text: &str) -> Signature {
        self.0.sign(text.as_bytes())
    }
}

/// A proof before it is signed: header and claims as raw JSON, member by member.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) key: Key,
    pub(super) now: i64,
    header: Vec<(&'static str, String)>,
    claims: Vec<(&'static str, String)>,
}

pub(super) fn quoted(text: impl std::fmt::Display) -> String {
    format!("\"{text}\"")
}

impl Parts {
    /// A correct proof, but for a nonce.
    pub(super) fn new(key: &Key, method: &str, url: &str, now: i64, token: Option<&str>) -> Self {
        let jti = base64url::encode(Key::fresh().0.to_bytes());
        let mut claims = vec![
            ("jti", quoted(jti)),
            ("htm", quoted(method)),
            ("htu", quoted(url)),
            ("iat", now.to_string()),
        ];
        claims.extend(token.map(|token| ("ath", quoted(Ath::of(token)))));
        let header = vec![("typ", quoted("dpop+jwt")), ("alg", quoted("ES256")), ("jwk", key.jwk())];
        Self { key: key.clone(), now, header, claims }
    }

    /// Sets a claim to raw JSON.
    pub(super) fn claim(mut self, name: &'static str, json: impl Into<String>) -> Self {
        self.claims.retain(|(member, _)| *member != name);
        self.claims.push((name, json.into()));
        self
    }

    pub(super) fn without_claim(mut self, name: &str) -> Self {
        self.claims.retain(|(member, _)| *member != name);
        self
    }

    /// Puts a claim in front of one that may have the same name.
    pub(super) fn claim_before(mut self, name: &'static str, json: &str) -> Self {
        self.claims.insert(0, (name, json.to_owned()));
        self
    }

    /// Puts a header parameter in front of one that may have the same name.
    pub(super) fn parameter_before(mut self, name: &'static str, json: &str) -> Self {
        self.header.insert(0, (name, json.to_owned()));
        self
    }

    /// Gives the last header parameter of a name another value.
    pub(super) fn parameter_last(mut self, name: &'static str, json: &str) -> Self {
        if let Some((_, value)) = self.header.iter_mut().rfind(|(member, _)| *member == name) {
            json.clone_into(value);
        }
        self
    }

    /// Sets a header parameter to raw JSON.
    pub(super) fn parameter(mut self, name: &'static str, json: impl Into<String>) -> Self {
        self.header.retain(|(member, _)| *member != name);
        self.header.push((name, json.into()));
        self
    }

    pub(super) fn without_parameter(mut self, name: &str) -> Self {
        self.header.retain(|(member, _)| *member != name);
        self
    }

    /// What is signed.
    pub(super) fn signing_input(&self) -> String {
        [&self.header, &self.claims].map(|members| base64url::encode(object(members))).join(".")
    }

    /// The proof, signed.
    pub(super) fn signed(&self) -> String {
        self.signed_by(&self.key)
    }

    pub(super) fn signed_by(&self, key: &Key) -> String {
        self.with_signature(key.sign(&self.signing_input()).to_bytes())
    }

    /// The proof by another kind of key, with this `alg`.
    pub(super) fn signed_as(&self, alg: Alg, key: &signing_key::SigningKey) -> String {
        let jwk = key.public().to_json().to_text();
        let parts = self.clone().parameter("jwk", jwk).parameter("alg", quoted(alg.name()));
        parts.with_signature(key.sign(parts.signing_input().as_bytes()).expect("a signature"))
    }

    pub(super) fn with_signature(&self, signature: impl AsRef<[u8]>) -> String {
        format!("{}.{}", self.signing_input(), base64url::encode(signature))
    }
}

fn object(members: &[(&str, String)]) -> String {
    let mut text = String::from("{");
    for (index, (name, json)) in members.iter().enumerate() {
        write!(text, "{}\"{name}\":{json}", if index == 0 { "" } else { "," }).expect("a String");
    }
    text + "}"
}
