use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::entropy::{Entropy, SeededEntropy};
use crate::generator::{NOW, Scene};
use crate::jose::Alg;
use crate::jose::base64url;
use crate::jose::json::{Json, Object};
use crate::proof::ProofKey;
use crate::target::shim::Hello;

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://rs.example";

/// Two RSA keys that everybody may know: fresh ones would change every vector.
const RSA_KEYS: [&str; 2] =
    [include_str!("rsa-test-key-1.pkcs8.base64"), include_str!("rsa-test-key-2.pkcs8.base64")];

/// What a shim is told first: the issuer of the tokens in the vectors.
pub fn hello() -> Hello {
    let mut jwk = issuer_key().public().to_json();
    for (name, value) in [("use", "sig"), ("alg", "RS256"), ("kid", "1")] {
        jwk.append(name, value);
    }
    let jwk: serde_json::Value = serde_json::from_str(&jwk.to_text()).unwrap_or_default();
    Hello { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned(), jwks: json!({ "keys": [jwk] }) }
}

/// An access token (RFC 9068) bound to `key`, good for an hour around [`NOW`]; the number makes it another. It has what Solid
/// wants besides. RS256 signs it, which has no chance in it.
pub fn token(key: &ProofKey, number: usize) -> String {
    let header = Object::from(
        [("typ", "at+jwt"), ("alg", "RS256"), ("kid", "1")].map(|(name, value)| (name, Json::from(value))),
    );
    let claims = Object::from([
        ("iss", Json::from(ISSUER)),
        ("sub", Json::from("alice")),
        ("aud", Json::Array(vec![Json::from(AUDIENCE), Json::from("solid")])),
        ("client_id", Json::from("dpop-harness")),
        ("webid", Json::from("https://alice.example/#me")),
        ("scope", Json::from("read")),
        ("iat", Json::from(NOW - 1800)),
        ("exp", Json::from(NOW + 1800)),
        ("jti", Json::from(format!("token-{number}"))),
        ("cnf", Json::from(Object::from([("jkt", Json::from(key.thumbprint().to_string()))]))),
    ]);
    let input = format!("{}.{}", base64url::encode(header.to_text()), base64url::encode(claims.to_text()));
    let signature = issuer_key().sign(input.as_bytes());
    format!("{input}.{}", base64url::encode(signature))
}

/// The scene in which a client signs with `alg`, the same each time.
pub(super) fn scene(alg: Alg) -> Scene {
    let entropy = Repeated { sequence: SeededEntropy::new(9449), rsa_keys: AtomicUsize::new(0) };
    Scene::new(alg, Box::new(entropy), token)
}

fn issuer_key() -> ProofKey {
    ProofKey::from_pkcs8(Alg::Rs256, &rsa_key(0)).unwrap_or_else(|error| unreachable!("a key, and {error}"))
}

/// The RSA key of this number: the first is the issuer's and the client's, and every other the second.
fn rsa_key(number: usize) -> Vec<u8> {
    use base64::Engine as _;
    let text: String = RSA_KEYS[number.min(1)].split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default()
}

/// A sequence that is the same each time, RSA keys too.
struct Repeated {
    sequence: SeededEntropy,
    rsa_keys: AtomicUsize,
}

impl Entropy for Repeated {
    fn fill(&self, bytes: &mut [u8]) {
        self.sequence.fill(bytes);
    }

    fn rsa_key(&self) -> Vec<u8> {
        rsa_key(self.rsa_keys.fetch_add(1, Ordering::Relaxed))
    }
}
