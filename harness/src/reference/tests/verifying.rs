//! The clean verifier, one proof at a time.

use std::sync::Arc;

use super::proofs::{Key, Parts, quoted};
use crate::entropy::SystemEntropy;
use crate::jose::jws::{JwsError, Segment};
use crate::jose::uri::UriError;
use crate::jose::{Alg, AlgSet, Ath, JwkError, base64url};
use crate::reference::signing_key::SigningKey;
use crate::reference::*;

const NOW: i64 = 1_700_000_000;
const URL: &str = "https://rs.example/r";
const TOKEN: &str = "a.b.c";

struct Bench {
    verifier: Verifier,
    key: Key,
}

impl Bench {
    fn new(mode: NonceMode) -> Self {
        let nonces = Nonces::new(mode, &SystemEntropy);
        let verifier = Verifier::new(nonces, Some(Arc::default()), AlgSet::all(), DefectSet::empty());
        Self { verifier, key: Key::fresh() }
    }

    fn parts(&self) -> Parts {
        let parts = Parts::new(&self.key, "GET", URL, NOW, Some(TOKEN));
        match self.verifier.nonces().current(NOW) {
            Some(nonce) => parts.claim("nonce", quoted(nonce)),
            None => parts,
        }
    }

    fn verify(&self, proofs: &[&str]) -> Result<VerifiedProof, Refusal> {
        self.verify_at(NOW, proofs)
    }

    fn verify_at(&self, now: i64, proofs: &[&str]) -> Result<VerifiedProof, Refusal> {
        let proofs: Vec<&[u8]> = proofs.iter().map(|proof| proof.as_bytes()).collect();
        self.verifier.verify(&Presented {
            proofs: &proofs,
            method: "GET",
            uri: RequestUri { uri: &URL.parse().expect("a URI"), query: None },
            access_token: Some(TOKEN),
            bound_key: Some(self.key.jkt()),
            now,
        })
    }

    #[track_caller]
    fn accepts(&self, parts: Parts) {
        let verified = self.verify(&[&parts.signed()]);
        assert_eq!(verified.map(|proof| proof.jkt), Ok(self.key.jkt()));
    }

    #[track_caller]
    fn refuses(&self, parts: Parts, expected: Refusal) {
        assert_eq!(self.verify(&[&parts.signed()]), Err(expected));
    }
}

#[test]
fn a_correct_proof_passes_in_every_mode() {
    for mode in [NonceMode::Never, NonceMode::Optional, NonceMode::Required] {
        let bench = Bench::new(mode);
        bench.accepts(bench.parts());
    }
}

#[test]
fn what_the_rfc_allows_passes() {
    let bench = Bench::new(NonceMode::Never);
    let parts = || bench.parts();
    bench.accepts(parts().claim("x", "{\"y\":[1]}").parameter("x", "null").parameter("kid", "\"1\""));
    bench.accepts(parts().parameter("jku", "\"https://evil/\"").parameter("b64", "true"));
    bench.accepts(parts().claim("nonce", "1"));
    bench.accepts(parts().claim("htu", quoted("HTTPS://RS.example:443/./r?x#y")));
    for iat in ["1700000000.5", "1.7e9", "1700000060", "1699999700", "1700000000.0"] {
        bench.accepts(parts().claim("iat", iat));
    }
    let more = r#""use":"sig","key_ops":["verify"],"alg":"ES256","kid":"1","ext":true,"#;
    bench.accepts(parts().parameter("jwk", bench.key.jwk_with(more)));
    bench.accepts(parts().claim("jti", quoted("x".repeat(256))));
}

#[test]
fn check_1_one_field() {
    let bench = Bench::new(NonceMode::Never);
    let (one, other) = (bench.parts().signed(), bench.parts().signed());
    assert_eq!(bench.verify(&[]), Err(Refusal::ProofMissing));
    assert_eq!(bench.verify(&[&one, &other]), Err(Refusal::ProofRepeated(2)));
    assert_eq!(bench.verify(&[&one, &one]), Err(Refusal::ProofRepeated(2)));
    assert_eq!(bench.verify(&[&one, ""]), Err(Refusal::ProofRepeated(2)));
    assert!(matches!(bench.verify(&[&format!("{one},{other}")]), Err(Refusal::Malformed(_))));
    assert!(bench.verify(&[&one]).is_ok(), "nothing was remembered of the refused ones");
}

#[test]
fn check_2_well_formed() {
    let bench = Bench::new(NonceMode::Never);
    let proof = bench.parts().signed();
    let malformed = |proof: &str, error| {
        assert_eq!(bench.verify(&[proof]), Err(Refusal::Malformed(error)), "{proof}");
    };
    malformed("", JwsError::Segments(1));
    malformed(&bench.parts().signing_input(), JwsError::Segments(2));
    malformed(&format!("{proof}."), JwsError::Segments(4));
    malformed(&format!("{proof}="), JwsError::Base64(Segment::Signature));
    malformed(&format!(" {proof}"), JwsError::Base64(Segment::Header));
    let duplicate = bench.parts().claim_before("htm", "\"GET\"");
    assert!(matches!(
        bench.verify(&[&duplicate.signed()]),
        Err(Refusal::Malformed(JwsError::Json(Segment::Payload, _)))
    ));
    let long = bench.parts().claim("x", quoted("x".repeat(MAX_PROOF_BYTES)));
    assert!(matches!(bench.verify(&[&long.signed()]), Err(Refusal::ProofTooLong(_))));
}

#[test]
fn check_3_required_claims() {
    let bench = Bench::new(NonceMode::Never);
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        bench.refuses(bench.parts().without_claim(name), Refusal::ClaimMissing(name));
        for odd in ["null", "true", "{}", "[]", "[\"x\"]"] {
            bench.refuses(bench.parts().claim(name, odd), Refusal::ClaimType(name));
        }
        let other = if name == "iat" { "\"1700000000\"" } else { "1" };
        bench.refuses(bench.parts().claim(name, other), Refusal::ClaimType(name));
    }
    bench.refuses(bench.parts().claim("jti", "\"\""), Refusal::JtiLength(0));
    bench.refuses(bench.parts().claim("jti", quoted("x".repeat(257))), Refusal::JtiLength(257));
}

#[test]
fn check_4_typ() {
    let bench = Bench::new(NonceMode::Never);
    bench.refuses(bench.parts().without_parameter("typ"), Refusal::ParameterMissing("typ"));
    for odd in ["null", "1", "[\"dpop+jwt\"]"] {
        bench.refuses(bench.parts().parameter("typ", odd), Refusal::ParameterType("typ"));
    }
    for other in ["", "JWT", "at+jwt", "DPOP+JWT", "application/dpop+jwt", "dpop+jwt "] {
        bench.refuses(bench.parts().parameter("typ", quoted(other)), Refusal::Typ);
    }
}

#[test]
fn check_5_alg_and_extensions() {
    let bench = Bench::new(NonceMode::Never);
    bench.refuses(bench.parts().without_parameter("alg"), Refusal::ParameterMissing("alg"));
    bench.refuses(bench.parts().parameter("alg", "1"), Refusal::ParameterType("alg"));
    for other in ["none", "None", "HS256", "RS512", "es256", "ES256 ", "RSA-OAEP", ""] {
        bench.refuses(bench.parts().parameter("alg", quoted(other)), Refusal::Alg);
    }
    for crit in ["[]", "[\"x\"]", "[\"b64\"]", "null", "\"x\""] {
        bench.refuses(bench.parts().parameter("crit", crit), Refusal::Critical);
    }
    for b64 in ["false", "null", "\"true\""] {
        bench.refuses(bench.parts().parameter("b64", b64), Refusal::Unencoded);
    }
}

#[test]
fn every_algorithm_with_its_own_kind_of_key() {
    for key_alg in Alg::ALL {
        let key = SigningKey::generate(*key_alg);
        for alg in Alg::ALL {
            let bench = Bench::new(NonceMode::Never);
            let judged = |verifier: &Verifier| {
                let proof = bench.parts().signed_as(*alg, &key);
                verifier.verify(&Presented {
                    proofs: &[proof.as_bytes()],
                    method: "GET",
                    uri: RequestUri { uri: &URL.parse().expect("a URI"), query: None },
                    access_token: Some(TOKEN),
                    bound_key: Some(key.public().thumbprint()),
                    now: NOW,
                })
            };
            let expected = if alg == key_alg {
                Ok(key.public().thumbprint())
            } else if key.public().algs().contains(alg) {
                Err(Refusal::Signature) // the other padding
            } else {
                Err(Refusal::AlgKey)
            };
            assert_eq!(judged(&bench.verifier).map(|proof| proof.jkt), expected, "{alg:?} by {key_alg:?}");
            let others: AlgSet = Alg::ALL.iter().copied().filter(|other| other != alg).collect();
            let strict = Verifier::new(
                Nonces::new(NonceMode::Never, &SystemEntropy),
                None,
                others,
                DefectSet::empty(),
            );
            assert_eq!(judged(&strict), Err(Refusal::Alg));
        }
    }
}

#[test]
fn check_6_signature() {
    let bench = Bench::new(NonceMode::Never);
    let parts = bench.parts();
    let (stranger, signature) = (Key::fresh(), bench.key.sign(&parts.signing_input()));
    let refused = |proof: String| assert_eq!(bench.verify(&[&proof]), Err(Refusal::Signature), "{proof}");
    refused(parts.signed_by(&stranger));
    refused(parts.clone().parameter("jwk", stranger.jwk()).signed());
    refused(parts.with_signature(b""));
    refused(parts.with_signature([0; 64]));
    refused(parts.with_signature([0xff; 64]));
    refused(parts.with_signature(signature.to_der().as_bytes()));
    let mut bytes = signature.to_bytes().to_vec();
    refused(parts.with_signature(&bytes[..63]));
    refused(parts.with_signature([&bytes[..], &[0]].concat()));
    bytes[40] ^= 1;
    refused(parts.with_signature(&bytes));
    // The signature of one proof under another.
    refused(bench.parts().with_signature(signature.to_bytes()));
    assert!(bench.verify(&[&parts.signed()]).is_ok(), "nothing was remembered of the refused ones");
}

#[test]
fn check_7_the_key() {
    let bench = Bench::new(NonceMode::Never);
    let jwk = |jwk: String| bench.parts().parameter("jwk", jwk);
    bench.refuses(bench.parts().without_parameter("jwk"), Refusal::ParameterMissing("jwk"));
    for odd in ["null", "\"x\"", "[]"] {
        bench.refuses(jwk(odd.into()), Refusal::ParameterType("jwk"));
    }
    let private = bench.key.jwk_with(&bench.key.private_member());
    bench.refuses(jwk(private), Refusal::Jwk(JwkError::Private("d")));
    bench.refuses(jwk(bench.key.jwk_with("\"k\":\"AA\",")), Refusal::Jwk(JwkError::Private("k")));
    bench.refuses(jwk("{}".into()), Refusal::Jwk(JwkError::Missing("kty")));
    bench.refuses(jwk(bench.key.jwk().replace("P-256", "P-384")), Refusal::Jwk(JwkError::Coordinate("x")));
    for (purpose, name) in [
        (r#""use":"enc","#, "use"),
        (r#""use":["sig"],"#, "use"),
        (r#""key_ops":["sign"],"#, "key_ops"),
        (r#""key_ops":"verify","#, "key_ops"),
        (r#""alg":"ES384","#, "alg"),
    ] {
        bench.refuses(jwk(bench.key.jwk_with(purpose)), Refusal::JwkPurpose(name));
    }
    let zeros = base64url::encode([0; 32]);
    let off_curve = format!(r#"{{"kty":"EC","crv":"P-256","x":"{zeros}","y":"{zeros}"}}"#);
    bench.refuses(jwk(off_curve), Refusal::Signature);
}

#[test]
fn checks_8_and_9_method_and_uri() {
    let bench = Bench::new(NonceMode::Never);
    for htm in ["", "POST", "get", "Get", " GET", "GET ", "HEAD"] {
        bench.refuses(bench.parts().claim("htm", quoted(htm)), Refusal::Htm);
    }
    for htu in ["https://rs.example/", "https://rs.example/r/", "http://rs.example/r", "https://evil/r"] {
        bench.refuses(bench.parts().claim("htu", quoted(htu)), Refusal::Htu);
    }
    for (htu, error) in [
        ("", UriError::Scheme),
        ("/r", UriError::Scheme),
        ("https:rs.example/r", UriError::NoHost),
        (" https://rs.example/r", UriError::Scheme),
        ("https://rs.example/r ", UriError::Character),
    ] {
        bench.refuses(bench.parts().claim("htu", quoted(htu)), Refusal::HtuNotUri(error));
    }
}

#[test]
fn check_10_nonces() {
    let bench = Bench::new(NonceMode::Required);
    bench.refuses(bench.parts().without_claim("nonce"), Refusal::NonceMissing);
    let optional = Bench::new(NonceMode::Optional);
    optional.accepts(optional.parts().without_claim("nonce"));
    for bench in [bench, optional] {
        for odd in ["\"\"", "\"made-up\"", "1", "null", "[]"] {
            bench.refuses(bench.parts().claim("nonce", odd), Refusal::NonceUnknown);
        }
        let stale = bench.verifier.nonces().current(NOW - 300).expect("nonces are on");
        bench.refuses(bench.parts().claim("nonce", quoted(stale)), Refusal::NonceUnknown);
        let previous = bench.verifier.nonces().current(NOW - 150).expect("nonces are on");
        bench.accepts(bench.parts().claim("nonce", quoted(previous)));
    }
}

#[test]
fn check_11_window() {
    let bench = Bench::new(NonceMode::Never);
    for iat in [
        "1699999699",
        "1700000061",
        "1700000060.5",
        "0",
        "-1",
        "-0",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551616",
        "1e400",
        "-1e400",
        "1700000000000",
        "1e-400",
    ] {
        bench.refuses(bench.parts().claim("iat", iat), Refusal::Iat);
    }
}

#[test]
fn check_12_token_and_key() {
    let bench = Bench::new(NonceMode::Never);
    let hash = Ath::of(TOKEN).to_string();
    let bytes = base64url::decode(&hash).expect("base64url");
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let other = Ath::of("a.b.d").to_string();
    for ath in [String::new(), other, hash.clone() + "=", hex, hash.to_ascii_lowercase(), hash[..42].into()] {
        bench.refuses(bench.parts().claim("ath", quoted(ath)), Refusal::Ath);
    }
    let stranger = Key::fresh();
    let parts = Parts::new(&stranger, "GET", URL, NOW, Some(TOKEN));
    bench.refuses(parts, Refusal::OtherKey);
    assert_eq!(Refusal::OtherKey.code(), ErrorCode::InvalidToken);
}

#[test]
fn a_proof_is_accepted_once_for_as_long_as_it_is_fresh() {
    let bench = Bench::new(NonceMode::Never);
    // Dated ahead, it lives longest.
    let proof = bench.parts().claim("iat", (NOW + 60).to_string()).signed();
    assert!(bench.verify(&[&proof]).is_ok());
    for later in [0, 1, 299, 300, 301, 360] {
        assert_eq!(bench.verify_at(NOW + later, &[&proof]), Err(Refusal::Replayed), "{later}");
    }
    assert_eq!(bench.verify_at(NOW + 361, &[&proof]), Err(Refusal::Iat));
    // The oldest that passes is remembered for one second.
    let old = bench.parts().claim("iat", format!("{}.5", NOW - 300)).signed();
    assert!(bench.verify(&[&old]).is_ok());
    assert_eq!(bench.verify(&[&old]), Err(Refusal::Replayed));
}

#[test]
fn a_jti_belongs_to_its_key() {
    let bench = Bench::new(NonceMode::Never);
    let parts = bench.parts().claim("jti", "\"same\"");
    assert!(bench.verify(&[&parts.signed()]).is_ok());
    let twin = parts.clone().claim("iat", (NOW - 1).to_string());
    assert_eq!(bench.verify(&[&twin.signed()]), Err(Refusal::Replayed), "in another proof");
    let escaped = parts.claim("jti", "\"s\\u0061me\"");
    assert_eq!(bench.verify(&[&escaped.signed()]), Err(Refusal::Replayed), "in another spelling");
    // The same verifier, another client.
    let stranger = Bench { verifier: bench.verifier, key: Key::fresh() };
    stranger.accepts(stranger.parts().claim("jti", "\"same\""));
}

#[test]
fn a_refused_proof_does_not_use_up_the_jti() {
    let bench = Bench::new(NonceMode::Required);
    let parts = bench.parts();
    for refused in [
        parts.with_signature([1; 64]),
        parts.clone().without_claim("nonce").signed(),
        parts.clone().claim("ath", "\"x\"").signed(),
        parts.clone().claim("iat", "1").signed(),
    ] {
        assert!(bench.verify(&[&refused]).is_err());
    }
    let stranger = Key::fresh();
    let stolen = parts.clone().parameter("jwk", stranger.jwk()).signed_by(&stranger);
    assert_eq!(bench.verify(&[&stolen]), Err(Refusal::OtherKey));
    bench.accepts(parts);
}
