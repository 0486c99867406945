//! Probes for the bugs of keys and signatures.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::elliptic_curve::bigint::modular::runtime_mod::{DynResidue, DynResidueParams};
use p256::elliptic_curve::bigint::{Encoding as _, U2048};
use p256::pkcs8::PrivateKeyInfo;
use pkcs1::der::Decode as _;

use super::planted_wire::{bound_to, of_other_key, with_proof, with_token};
use super::proofs::{Key, Parts, quoted};
use super::scene::{Scene, Wire};
use crate::clock::Clock as _;
use crate::jose::{Alg, Ath, base64url};
use crate::reference::signing_key::SigningKey;
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
        Defect::RsaPaddingEndIgnored => {
            let (token, parts, key) = of_other_key(scene, Alg::Rs256);
            let hash = digest(&SHA256, parts.signing_input().as_bytes());
            let text = [b"\0\x01", &[0xff; 8][..], b"\0", DIGEST_INFO, hash.as_ref()].concat();
            let proof = parts.with_signature(by_hand(&key, [&text[..], &vec![1; 256 - text.len()]].concat()));
            one(with_token(scene, token, proof))
        }
        Defect::PssSaltAnyLength => {
            let (token, parts, key) = of_other_key(scene, Alg::Ps256);
            let hash = digest(&SHA256, parts.signing_input().as_bytes());
            let salted = digest(&SHA256, &[&[0; 8], hash.as_ref()].concat());
            let mask: Vec<u8> = (0_u32..7)
                .flat_map(|n| {
                    digest(&SHA256, &[salted.as_ref(), &n.to_be_bytes()].concat()).as_ref().to_vec()
                })
                .take(223)
                .collect();
            let mut text = [&mask[..], salted.as_ref(), &[0xbc]].concat();
            text[222] ^= 1;
            text[0] &= 0x7f;
            one(with_token(scene, token, parts.with_signature(by_hand(&key, text))))
        }
        Defect::RsaKeyNotChecked => {
            // The exponent is 1: the padded hash is its own signature.
            let n = base64url::encode([0xff; 256]);
            one(bound_to(scene, &jwk(&format!(r#""e":"AQ","kty":"RSA","n":"{n}""#)), |parts| {
                let parts = parts.clone().parameter("alg", quoted("RS256"));
                let hash = digest(&SHA256, parts.signing_input().as_bytes());
                parts
                    .with_signature([b"\0\x01", &[0xff; 202][..], b"\0", DIGEST_INFO, hash.as_ref()].concat())
            }))
        }
        Defect::LeadingZeroDropped => {
            let key = std::iter::repeat_with(Key::fresh).find(|key| key.point()[1] == 0).expect("one of 256");
            let confirmation = Some(key.jkt());
            let token = scene.mint(&TokenRequest { confirmation, ..scene.request() });
            let parts = scene.parts().claim("ath", quoted(Ath::of(&token))).parameter("jwk", key.jwk());
            one(with_token(scene, token, parts.signed_by(&key)))
        }
        Defect::CertificateKeyUsed => {
            let thief = Key::fresh();
            one(with_proof(scene, &with_certificate(scene.parts(), &thief).signed_by(&thief)))
        }
        Defect::CertificateKeyHashed => {
            let thief = Key::fresh();
            let parts = with_certificate(scene.parts().parameter("jwk", thief.jwk()), &scene.key);
            one(with_proof(scene, &parts.signed_by(&thief)))
        }
        Defect::CertificateHashTakenForThumbprint => {
            let thief = Key::fresh();
            let parts = scene.parts().parameter("x5t#S256", quoted(scene.key.jkt()));
            one(with_proof(scene, &parts.parameter("jwk", thief.jwk()).signed_by(&thief)))
        }
        _ => None,
    }
}

/// What stands before a SHA-256 hash in a signature (RFC 8017 section 9.2, note 1).
const DIGEST_INFO: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\0\x04\x20";

/// The signature that an RSA key of 2048 bits makes of an encoded text.
fn by_hand(key: &SigningKey, text: Vec<u8>) -> Vec<u8> {
    let document = PrivateKeyInfo::try_from(key.pkcs8()).expect("PKCS #8");
    let key = pkcs1::RsaPrivateKey::from_der(document.private_key).expect("PKCS #1");
    let number = |octets: &[u8]| U2048::from_be_slice(&[&vec![0; 256 - octets.len()], octets].concat());
    let modulus = DynResidueParams::new(&number(key.modulus.as_bytes()));
    let power = DynResidue::new(&number(&text), modulus).pow(&number(key.private_exponent.as_bytes()));
    power.retrieve().to_be_bytes().to_vec()
}

/// A certificate with this key, as far as a server that does not ask who signed it looks.
fn with_certificate(parts: Parts, key: &Key) -> Parts {
    let head = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\
        \x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\0";
    let certificate = STANDARD.encode([&head[..], &key.point()].concat());
    parts.parameter("x5c", format!("[{}]", quoted(certificate)))
}

/// Whether a bug shows in something else than the answer: in calls, or in time.
pub(super) fn shows_otherwise(defect: Defect) -> bool {
    CALLERS.contains(&defect) || [Defect::KeySizeUnbounded, Defect::TextSizeUnbounded].contains(&defect)
}

const CALLERS: [Defect; 3] =
    [Defect::RemoteKeysFetched, Defect::RemoteKeysOfJwkFetched, Defect::RemoteKeysInsteadOfJwk];

#[tokio::test]
async fn urls_in_a_proof_are_called_by_these_bugs_only() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("possible");
    let url = quoted(format!("http://{}/keys", listener.local_addr().expect("an address")));
    for defect in [None].into_iter().chain(CALLERS.map(Some)) {
        let scene = Scene::new(NonceMode::Never, defect.into_iter().collect()).await;
        let in_jwk = scene.key.jwk_with(&format!("\"x5u\":{url},"));
        for (parts, by, status) in [
            (scene.parts().parameter("jku", &url), Defect::RemoteKeysFetched, 200),
            (scene.parts().parameter("jwk", in_jwk), Defect::RemoteKeysOfJwkFetched, 200),
            (
                scene.parts().without_parameter("jwk").parameter("jku", &url),
                Defect::RemoteKeysInsteadOfJwk,
                401,
            ),
        ] {
            assert_eq!(scene.send(scene.wire(&parts)).await.status, status, "{defect:?} {by:?}");
            let called = std::iter::from_fn(|| listener.accept().ok()).count();
            let fetches = defect == Some(by) || (defect == Some(Defect::RemoteKeysFetched) && status == 401);
            assert_eq!(called, usize::from(fetches), "{defect:?} {by:?}");
        }
    }
}

#[tokio::test]
async fn proofs_take_time_by_these_bugs_only() {
    let number = base64url::encode([0xff; 1024]);
    for defect in [None, Some(Defect::KeySizeUnbounded), Some(Defect::TextSizeUnbounded)] {
        let scene = Scene::new(NonceMode::Never, defect.into_iter().collect()).await;
        let key = format!(r#"{{"e":"{number}","kty":"RSA","n":"{number}"}}"#);
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for (parts, by) in [
            (scene.parts(), None),
            (scene.parts().parameter("jwk", key), Some(Defect::KeySizeUnbounded)),
            (scene.parts().claim("x", deep), Some(Defect::TextSizeUnbounded)),
        ] {
            let before = scene.clock.unix_seconds();
            scene.send(scene.wire(&parts)).await;
            let slow = scene.clock.unix_seconds() - before >= 2;
            assert_eq!(slow, by.is_some() && by == defect, "{defect:?} {by:?}");
        }
    }
}

fn with_code(parts: &Parts, secret: &[u8]) -> String {
    let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), parts.signing_input().as_bytes());
    parts.with_signature(code)
}
