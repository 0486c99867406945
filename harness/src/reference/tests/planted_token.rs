//! Probes for the bugs of reading access tokens, and of telling them from proofs.

use serde_json::{Value, json};

use super::proofs::{Key, Parts, quoted};
use super::scene::{Scene, Wire};
use crate::jose::{Alg, Ath, base64url};
use crate::reference::signing_key::SigningKey;
use crate::reference::*;

type Probe = fn(&Scene) -> Wire;

/// The requests that make a bug show.
pub(super) fn probe(defect: Defect, scene: &Scene, _: &str) -> Option<Vec<Wire>> {
    let (_, probe) = PROBES.iter().find(|(known, _)| *known == defect)?;
    Some(vec![probe(scene)])
}

const PROBES: &[(Defect, Probe)] = &[
    (Defect::TokenAlgNoneAccepted, |scene| {
        presented(scene, unsigned(scene, &json!({"typ": "at+jwt", "alg": "none"})) + ".")
    }),
    (Defect::TokenJwkTrusted, |scene| {
        let jwk: Value = serde_json::from_str(&scene.key.jwk()).expect("JSON");
        let input = unsigned(scene, &json!({"typ": "at+jwt", "alg": "ES256", "jwk": jwk}));
        let signature = base64url::encode(scene.key.sign(&input).to_bytes());
        presented(scene, format!("{input}.{signature}"))
    }),
    (Defect::TokenTypIgnored, |scene| {
        presented(scene, issued(scene, &json!({"typ": "JWT", "alg": "ES256"}), &claims(scene)))
    }),
    (Defect::IssIgnored, |scene| with_claim(scene, "iss", json!("https://x.example"))),
    (Defect::NbfIgnored, |scene| with_claim(scene, "nbf", json!(scene.parts().now + 100))),
    (Defect::CnfWithoutJktAccepted, |scene| with_claim(scene, "cnf", json!({"x5t#S256": "x"}))),
    (Defect::CnfFalsyIsUnbound, |scene| as_bearer(with_claim(scene, "cnf", json!({"jkt": ""})))),
    (Defect::CnfWithoutStringIsUnbound, |scene| as_bearer(with_claim(scene, "cnf", json!({"jkt": [1]})))),
    (Defect::CnfOtherMembersRefused, |scene| {
        with_claim(scene, "cnf", json!({"jkt": scene.key.jkt().to_string(), "kid": "1"}))
    }),
    (Defect::CertificateInsteadOfKey, |scene| {
        with_claim(scene, "cnf", json!({"jkt": Key::fresh().jkt().to_string(), "x5t#S256": "x"}))
    }),
    (Defect::JktNonStringSkipped, |scene| with_claim(scene, "cnf", json!({"jkt": 0}))),
    (Defect::JktFirstOfArray, |scene| {
        with_claim(scene, "cnf", json!({"jkt": [scene.key.jkt().to_string()]}))
    }),
    (Defect::JktPrefix, |scene| {
        with_claim(scene, "cnf", json!({"jkt": scene.key.jkt().to_string().get(..5)}))
    }),
    (Defect::JktCaseFolded, |scene| {
        with_claim(scene, "cnf", json!({"jkt": scene.key.jkt().to_string().to_ascii_uppercase()}))
    }),
    (Defect::JktSha1Accepted, |scene| {
        let algorithm = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
        let hash = aws_lc_rs::digest::digest(algorithm, scene.key.jwk().as_bytes());
        with_claim(scene, "cnf", json!({"jkt": base64url::encode(hash)}))
    }),
    (Defect::ProofTakenForToken, |scene| presented(scene, scene.parts().without_claim("ath").signed())),
    (Defect::TokenTakenForProof, |scene| scene.wire_with(scene.token.clone())),
    (Defect::PossessionOnly, |scene| {
        let assertion = scene.parts().parameter("typ", quoted("JWT")).without_claim("htm");
        scene.wire(&assertion.without_claim("htu").without_claim("ath"))
    }),
    (Defect::TokenElsewhereTakenAsBearer, |scene| Wire {
        authorization: vec![],
        proofs: vec![],
        target: format!("/resource?a=1&access_token={}", scene.token),
        ..scene.wire(&scene.parts())
    }),
    (Defect::SecondTokenIgnored, |scene| Wire {
        target: format!("/resource?access_token={}", scene.token),
        ..scene.wire(&scene.parts())
    }),
];

fn claims(scene: &Scene) -> Value {
    let payload = scene.token.split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&base64url::decode(payload).expect("base64url")).expect("JSON")
}

fn encoded(value: &Value) -> String {
    base64url::encode(value.to_string())
}

fn unsigned(scene: &Scene, header: &Value) -> String {
    format!("{}.{}", encoded(header), encoded(&claims(scene)))
}

/// A token by the issuer.
fn issued(scene: &Scene, header: &Value, claims: &Value) -> String {
    let key = scene.running.issuer.signing_key_pkcs8();
    let key = SigningKey::from_pkcs8(Alg::Es256, key).expect("the issuer's key");
    let input = format!("{}.{}", encoded(header), encoded(claims));
    let signature = key.sign(input.as_bytes()).expect("a signature");
    format!("{input}.{}", base64url::encode(signature))
}

fn with_claim(scene: &Scene, name: &str, value: Value) -> Wire {
    let mut claims = claims(scene);
    claims[name] = value;
    presented(scene, issued(scene, &json!({"typ": "at+jwt", "alg": "ES256"}), &claims))
}

/// The token with a correct proof.
fn presented(scene: &Scene, token: String) -> Wire {
    let parts: Parts = scene.parts().claim("ath", quoted(Ath::of(&token)));
    Wire { authorization: vec![format!("DPoP {token}")], ..scene.wire(&parts) }
}

fn as_bearer(wire: Wire) -> Wire {
    let authorization = wire.authorization.iter().map(|value| value.replacen("DPoP", "Bearer", 1)).collect();
    Wire { authorization, proofs: vec![], ..wire }
}
