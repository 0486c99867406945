//! Probes for the bugs of keys and signatures.

use aws_lc_rs::hmac;

use super::planted_wire::{bound_to, of_other_key, with_proof};
use super::proofs::{Parts, quoted};
use super::scene::{Scene, Wire};
use crate::jose::{Alg, base64url};
use crate::reference::*;

/// The requests that make a bug show.
pub(super) fn probe(defect: Defect, scene: &Scene, _supplied: &str) -> Option<Vec<Wire>> {
    let one = |wire| Some(vec![wire]);
    let jwk = |members: &str| format!("{{{members}}}");
    match defect {
        Defect::SignatureRangeErrorSkipped => {
            one(with_proof(scene, &scene.parts().with_signature([0xff; 64])))
        }
        Defect::SmallOrderKeyAccepted => {
            let [neutral, zero] = [1, 0].map(|first| [&[first][..], &[0; 31]].concat());
            let x = base64url::encode(&neutral);
            let signature = [neutral, zero].concat();
            one(bound_to(scene, &jwk(&format!(r#""crv":"Ed25519","kty":"OKP","x":"{x}""#)), |parts| {
                parts.clone().parameter("alg", quoted("EdDSA")).with_signature(&signature)
            }))
        }
        Defect::HeaderRebuilt => {
            let parts = scene.parts();
            let signature = scene.key.sign(&parts.signing_input());
            one(with_proof(scene, &parts.parameter("x", "1").with_signature(signature.to_bytes())))
        }
        Defect::SignatureRemembered => {
            let parts = scene.parts();
            let signature = scene.key.sign(&parts.signing_input()).to_bytes();
            let other = parts.clone().claim("jti", quoted("another"));
            Some([parts, other].map(|parts| with_proof(scene, &parts.with_signature(signature))).into())
        }
        Defect::SymmetricKeyAccepted => {
            let secret = [7; 16];
            let members = format!(r#""k":"{}","kty":"oct""#, base64url::encode(secret));
            one(bound_to(scene, &jwk(&members), |parts| {
                let parts = parts.clone().parameter("alg", quoted("HS256"));
                with_code(&parts, &secret)
            }))
        }
        Defect::EcCurveIgnored => {
            let jwk = scene.key.jwk().replace("P-256", "P-384");
            one(bound_to(scene, &jwk, Parts::signed))
        }
        Defect::OkpCurveIgnored => {
            let (_, _, key) = of_other_key(scene, Alg::EdDsa);
            let jwk = key.public().to_json().to_text().replace("Ed25519", "Ed448");
            one(bound_to(scene, &jwk, |parts| {
                let parts = parts.clone().parameter("alg", quoted("EdDSA"));
                parts.with_signature(key.sign(parts.signing_input().as_bytes()).expect("a signature"))
            }))
        }
        Defect::KeyPurposeIgnored => {
            let jwk = scene.key.jwk_with(r#""use":"enc","#);
            one(scene.wire(&scene.parts().parameter("jwk", jwk)))
        }
        _ => None,
    }
}

fn with_code(parts: &Parts, secret: &[u8]) -> String {
    let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), parts.signing_input().as_bytes());
    parts.with_signature(code)
}
