//! Probes for the bugs of reading HTTP, JWS and JSON: requests as they stand on the wire.

use p256::ecdsa::Signature;

use super::proofs::{Key, Parts, quoted};
use super::scene::{Scene, Wire};
use crate::jose::{Alg, Ath, base64url};
use crate::reference::signing_key::SigningKey;
use crate::reference::*;

type Probe = fn(&Scene) -> Wire;

/// The requests that make a bug show.
pub(super) fn probe(defect: Defect, scene: &Scene, _supplied: &str) -> Option<Vec<Wire>> {
    let (_, probe) = PROBES.iter().find(|(known, _)| *known == defect)?;
    Some(vec![probe(scene)])
}

const PROBES: &[(Defect, Probe)] = &[
    (Defect::IdenticalProofsMerged, |scene| {
        let proof = scene.parts().signed();
        with_proofs(scene, vec![proof.clone(), proof])
    }),
    (Defect::UnreadableProofsDropped, |scene| {
        with_proofs(scene, vec!["junk".into(), scene.parts().signed()])
    }),
    (Defect::ProofListSplit, |scene| {
        with_proof(scene, &format!("{}, {}", scene.parts().signed(), scene.parts().signed()))
    }),
    (Defect::ProofNameCaseSensitive, |scene| raw(scene, &format!("dPoP: {}", scene.parts().signed()))),
    (Defect::EmptyProofSkipped, |scene| with_proof(scene, "")),
    (Defect::UnreadableProofSkipped, |scene| with_proof(scene, "..")),
    (Defect::ProofQuotesRemoved, |scene| with_proof(scene, &quoted(scene.parts().signed()))),
    (Defect::ProofCutAtSpace, |scene| with_proof(scene, &format!("{} x", scene.parts().signed()))),
    (Defect::FoldedLinesJoined, |scene| {
        let proof = scene.parts().signed();
        let (before, behind) = proof.split_at(40);
        raw(scene, &format!("DPoP: {before}\r\n {behind}"))
    }),
    (Defect::ProofNotTrimmed, |scene| raw(scene, &format!("DPoP: \t {} ", scene.parts().signed()))),
    (Defect::ConnectionFieldsRemoved, |scene| {
        let stranger = Key::fresh();
        let proof = scene.parts().parameter("jwk", stranger.jwk()).signed_by(&stranger);
        raw(scene, &format!("Connection: close, DPoP\r\nDPoP: {proof}"))
    }),
    (Defect::CredentialsTriedInTurn, |scene| {
        let fields = ["Bearer", "DPoP", "Bearer"].map(|scheme| format!("{scheme} {}", scene.token));
        Wire { authorization: fields.into(), ..scene.wire(&scene.parts()) }
    }),
    (Defect::TokenInQueryAccepted, |scene| Wire {
        authorization: vec![],
        target: format!("/resource?access_token={}", scene.token),
        ..scene.wire(&scene.parts())
    }),
    (Defect::TokenInFormAccepted, |scene| {
        let content = format!("access_token={}", scene.token);
        let length = content.len();
        let proof = scene.parts().signed();
        let host = host(scene);
        let text = format!(
            "GET /resource HTTP/1.1\r\nHost: {host}\r\nDPoP: {proof}\r\nContent-Length: {length}\r\n\r\n{content}"
        );
        Wire { raw: Some(text), ..scene.wire(&scene.parts()) }
    }),
    (Defect::TokenInProxyAuthorizationAccepted, |scene| {
        let fields = format!("Proxy-Authorization: DPoP {}\r\nDPoP: {}", scene.token, scene.parts().signed());
        let text = format!("GET /resource HTTP/1.1\r\n{}\r\n{fields}\r\n\r\n", own_host(scene));
        Wire { raw: Some(text), ..scene.wire(&scene.parts()) }
    }),
    (Defect::CredentialsSplitLeniently, |scene| with_credentials(scene, format!("DPoP\t{}", scene.token))),
    (Defect::TokenParameterAccepted, |scene| {
        with_credentials(scene, format!("DPoP token=\"{}\"", scene.token))
    }),
    (Defect::CredentialsCutShort, |scene| with_credentials(scene, format!("DPoP {}, x", scene.token))),
    (Defect::TwoSpacesRefused, |scene| with_credentials(scene, format!("DPoP  {}", scene.token))),
    (Defect::HostTrusted, |scene| pretending(scene, "http://evil/resource", "GET /resource", "Host: evil")),
    (Defect::HostPrefixChecked, |scene| {
        let url = format!("{}/else", scene.running.base_url);
        pretending(scene, &url, "GET /resource", &format!("Host: {}/else?", host(scene)))
    }),
    (Defect::LastHostTrusted, |scene| {
        let hosts = format!("Host: {}\r\nHost: evil", host(scene));
        pretending(scene, "http://evil/resource", "GET /resource", &hosts)
    }),
    (Defect::AbsoluteFormTrusted, |scene| {
        pretending(scene, "http://evil/resource", "GET http://evil/resource", &own_host(scene))
    }),
    (Defect::AbsoluteFormNotRead, |scene| {
        let url = scene.running.resource_url.clone();
        pretending(scene, &url, &format!("GET {url}"), &own_host(scene))
    }),
    (Defect::ForwardedHostTrusted, |scene| {
        forwarded(scene, "http://evil/resource", "X-Forwarded-Host: evil")
    }),
    (Defect::ForwardedFieldTrusted, |scene| {
        forwarded(scene, "http://evil/resource", "Forwarded: host=\"evil\";proto=http")
    }),
    (Defect::ForwardedProtoTrusted, |scene| {
        let url = scene.running.resource_url.replace("http:", "https:");
        forwarded(scene, &url, "X-Forwarded-Proto: https")
    }),
    (Defect::ForwardedPortTrusted, |scene| {
        forwarded(scene, "http://127.0.0.1:1/resource", "X-Forwarded-Port: 1")
    }),
    (Defect::OriginalUrlTrusted, |scene| {
        forwarded(scene, &scene.running.other_url.clone(), "X-Original-URL: /other")
    }),
    (Defect::RewriteUrlTrusted, |scene| {
        forwarded(scene, &scene.running.other_url.clone(), "X-Rewrite-URL: /other")
    }),
    (Defect::MethodOverrideTrusted, |scene| {
        let proof = scene.parts().claim("htm", "\"PUT\"").signed();
        raw(scene, &format!("X-HTTP-Method-Override: PUT\r\nDPoP: {proof}"))
    }),
    (Defect::ExtraSegmentsIgnored, |scene| with_proof(scene, &format!("{}.x", scene.parts().signed()))),
    (Defect::JsonSerialisationAccepted, |scene| {
        let proof = scene.parts().signed();
        let parts: Vec<&str> = proof.split('.').collect();
        with_proof(
            scene,
            &format!(r#"{{"protected":"{}","payload":"{}","signature":"{}"}}"#, parts[0], parts[1], parts[2]),
        )
    }),
    (Defect::NestedProofUnwrapped, |scene| {
        let inner = scene.parts().signed();
        with_texts(scene, |header, _| (header.to_owned(), inner.clone()))
    }),
    (Defect::TruncatedJsonRepaired, |scene| {
        with_texts(scene, |header, claims| (header.to_owned(), claims.trim_end_matches('}').to_owned()))
    }),
    (Defect::JsonEndIgnored, |scene| {
        with_texts(scene, |header, claims| (header.to_owned(), format!("{claims}{{}}")))
    }),
    (Defect::JsonExtended, |scene| {
        with_texts(scene, |header, claims| (header.to_owned(), claims.replacen('{', "{/* */", 1)))
    }),
    (Defect::Utf16Accepted, |scene| {
        with_bytes(scene, |claims| claims.encode_utf16().flat_map(u16::to_le_bytes).collect())
    }),
    (Defect::Utf8Repaired, |scene| {
        with_bytes(scene, |claims| [b"{\"x\":\"\xff\",", &claims.as_bytes()[1..]].concat())
    }),
    (Defect::Base64Lenient, |scene| with_proof(scene, &format!("{}==", scene.parts().signed()))),
    (Defect::CritIgnored, |scene| {
        scene.wire(&scene.parts().parameter("crit", "[\"x\"]").parameter("x", "1"))
    }),
    (Defect::SigningInputRebuilt, |scene| {
        with_texts(scene, |header, claims| (header.replace(':', " : "), claims.to_owned()))
    }),
    (Defect::EscapedNamesLiteral, |scene| {
        with_texts(scene, |header, claims| (header.to_owned(), claims.replace("\"htm\"", "\"\\u0068tm\"")))
    }),
    (Defect::PrototypeRead, |scene| {
        scene.wire(&scene.parts().without_claim("htm").claim("__proto__", "{\"htm\":\"GET\"}"))
    }),
    (Defect::SignatureZeroModOrder, |scene| {
        let order = [
            &[0xff; 4][..],
            &[0; 4],
            &[0xff; 8],
            b"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51",
        ];
        let order = order.concat();
        with_proof(scene, &scene.parts().with_signature([order.clone(), order].concat()))
    }),
    (Defect::SignatureInFixedBuffer, |scene| {
        let parts = scene.parts();
        let signature: Signature = scene.key.sign(&parts.signing_input());
        with_proof(scene, &parts.with_signature([&signature.to_bytes()[..], &[0]].concat()))
    }),
    (Defect::EdDsaOrderNotChecked, |scene| {
        let (token, parts, key) = of_other_key(scene, Alg::EdDsa);
        let mut signature = key.sign(parts.signing_input().as_bytes()).expect("a signature");
        // The order of the group is 2^252 and this, little-endian.
        let order = 0x14de_f9de_a2f7_9cd6_5812_631a_5cf5_d3ed_u128.to_le_bytes();
        let mut carry = 0;
        for (octet, order) in signature[32..].iter_mut().zip(order.into_iter().chain([0; 15]).chain([16])) {
            let sum = u16::from(*octet) + u16::from(order) + carry;
            (*octet, carry) = ((sum & 255) as u8, sum >> 8);
        }
        with_token(scene, token, parts.with_signature(signature))
    }),
    (Defect::DuplicateAlgLastUsed, |scene| {
        unsigned(scene, |header, claims| (header.replace("}}", "},\"alg\":\"none\"}"), claims.to_owned()))
    }),
    (Defect::DuplicateAlgFirstUsed, |scene| {
        unsigned(scene, |header, claims| (header.replacen('{', "{\"alg\":\"none\",", 1), claims.to_owned()))
    }),
    (Defect::DuplicateJwkLastUsed, |scene| {
        let thief = Key::fresh();
        let parts = scene.parts().parameter_before("jwk", &scene.key.jwk());
        with_proof(scene, &parts.parameter_last("jwk", &thief.jwk()).signed_by(&thief))
    }),
    (Defect::DuplicateJwkFirstUsed, |scene| {
        let thief = Key::fresh();
        with_proof(scene, &scene.parts().parameter_before("jwk", &thief.jwk()).signed_by(&thief))
    }),
    (Defect::JwkPrivateByDOnly, |scene| {
        scene.wire(&scene.parts().parameter("jwk", scene.key.jwk_with("\"p\":\"AQ\",")))
    }),
    (Defect::KidTakenForThumbprint, |scene| {
        let thief = Key::fresh();
        let parts = scene.parts().parameter("kid", quoted(scene.key.jkt())).parameter("jwk", thief.jwk());
        with_proof(scene, &parts.signed_by(&thief))
    }),
    (Defect::ControlsRemoved, |scene| {
        let proof = scene.parts().signed();
        let (before, behind) = proof.split_at(40);
        raw(scene, &format!("DPoP: {before}\n{behind}"))
    }),
    (Defect::NulEndsField, |scene| raw(scene, &format!("DPoP: {}\0x", scene.parts().signed()))),
    (Defect::TrailersMerged, |scene| {
        let lines = format!("Host: {}\r\nAuthorization: DPoP {}", host(scene), scene.token);
        let trailer = format!("0\r\nDPoP: {}\r\n\r\n", scene.parts().signed());
        let head = format!("GET /resource HTTP/1.1\r\n{lines}\r\nTransfer-Encoding: chunked\r\n\r\n");
        Wire { raw: Some(head + &trailer), ..scene.wire(&scene.parts()) }
    }),
    (Defect::ForwardedPrefixTrusted, |scene| {
        let url = scene.running.resource_url.replace("/resource", "/app/resource");
        forwarded(scene, &url, "X-Forwarded-Prefix: /app")
    }),
    (Defect::TargetAuthorityTrusted, |scene| {
        pretending(scene, "http://evil/resource", "GET //evil/resource", &own_host(scene))
    }),
    (Defect::BomSkipped, |scene| with_bytes(scene, |claims| format!("\u{feff}{claims}").into())),
    (Defect::OverlongAccepted, |scene| {
        with_bytes(scene, |claims| {
            let (before, behind) = claims.split_once("\"GET\"").expect("htm");
            [before.as_bytes(), b"\"GE\xc1\x94\"", behind.as_bytes()].concat()
        })
    }),
    (Defect::SurrogatesReplaced, |scene| scene.wire(&scene.parts().claim("x", "\"\\ud800\""))),
    (Defect::CrashOnDepth, |scene| {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        scene.wire(&scene.parts().claim("x", deep))
    }),
    (Defect::JwkKidTakenForThumbprint, |scene| {
        let thief = Key::fresh();
        let jwk = thief.jwk_with(&format!("\"kid\":{},", quoted(scene.key.jkt())));
        with_proof(scene, &scene.parts().parameter("jwk", jwk).signed_by(&thief))
    }),
    (Defect::KeyErrorSkipsSignature, |scene| {
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{0}","y":"{0}"}}"#, base64url::encode([1; 32]));
        bound_to(scene, &jwk, |parts| parts.signed())
    }),
    (Defect::InfinityKeyAccepted, |scene| {
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{0}","y":"{0}"}}"#, base64url::encode([0; 32]));
        bound_to(scene, &jwk, |parts| {
            let base = b"\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\
                \x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96";
            let hash =
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, parts.signing_input().as_bytes());
            parts.with_signature([&base[..], hash.as_ref()].concat())
        })
    }),
    (Defect::CoordinatesDecodedLeniently, |scene| {
        let jwk = scene.key.jwk().replace("\",\"y\"", "=\",\"y\"");
        bound_to(scene, &jwk, |parts| parts.signed())
    }),
    (Defect::NanAccepted, |scene| scene.wire(&scene.parts().claim("iat", "NaN"))),
    (Defect::IatWraps, |scene| {
        let wrapped = (1_i128 << 64) + i128::from(scene.parts().now);
        scene.wire(&scene.parts().claim("iat", wrapped.to_string()))
    }),
    (Defect::IatMillisecondsAccepted, |scene| {
        scene.wire(&scene.parts().claim("iat", format!("{}000", scene.parts().now)))
    }),
    (Defect::IatExponentRefused, |scene| {
        scene.wire(&scene.parts().claim("iat", format!("{}e0", scene.parts().now)))
    }),
];

fn host(scene: &Scene) -> &str {
    scene.running.base_url.trim_start_matches("http://")
}

fn own_host(scene: &Scene) -> String {
    format!("Host: {}", host(scene))
}

fn with_proofs(scene: &Scene, proofs: Vec<String>) -> Wire {
    Wire { proofs, ..scene.wire(&scene.parts()) }
}

pub(super) fn with_proof(scene: &Scene, proof: &str) -> Wire {
    with_proofs(scene, vec![proof.to_owned()])
}

fn with_credentials(scene: &Scene, credentials: String) -> Wire {
    Wire { authorization: vec![credentials], ..scene.wire(&scene.parts()) }
}

pub(super) fn with_token(scene: &Scene, token: String, proof: String) -> Wire {
    Wire { authorization: vec![format!("DPoP {token}")], ..scene.wire_with(proof) }
}

/// GET at the resource with the token and these lines.
fn raw(scene: &Scene, lines: &str) -> Wire {
    request(scene, "GET /resource", &format!("{}\r\n{lines}", own_host(scene)))
}

fn request(scene: &Scene, start: &str, lines: &str) -> Wire {
    let text = format!("{start} HTTP/1.1\r\n{lines}\r\nAuthorization: DPoP {}\r\n\r\n", scene.token);
    Wire { raw: Some(text), ..scene.wire(&scene.parts()) }
}

/// A proof for `url` in a request that begins so and has these lines.
fn pretending(scene: &Scene, url: &str, start: &str, lines: &str) -> Wire {
    let proof = scene.parts().claim("htu", quoted(url)).signed();
    request(scene, start, &format!("{lines}\r\nDPoP: {proof}"))
}

fn forwarded(scene: &Scene, url: &str, line: &str) -> Wire {
    pretending(scene, url, "GET /resource", &format!("{}\r\n{line}", own_host(scene)))
}

/// A proof over other texts of header and claims.
fn with_texts(scene: &Scene, change: impl FnOnce(&str, &str) -> (String, String)) -> Wire {
    let input = changed_input(scene, change);
    let signature = base64url::encode(scene.key.sign(&input).to_bytes());
    with_proof(scene, &format!("{input}.{signature}"))
}

fn unsigned(scene: &Scene, change: impl FnOnce(&str, &str) -> (String, String)) -> Wire {
    with_proof(scene, &format!("{}.", changed_input(scene, change)))
}

fn changed_input(scene: &Scene, change: impl FnOnce(&str, &str) -> (String, String)) -> String {
    let input = scene.parts().signing_input();
    let (header, claims) = input.split_once('.').expect("two segments");
    let [header, claims] = [header, claims]
        .map(|segment| String::from_utf8(base64url::decode(segment).expect("base64url")).expect("UTF-8"));
    let (header, claims) = change(&header, &claims);
    [header, claims].map(base64url::encode).join(".")
}

/// A proof whose claims are other bytes.
fn with_bytes(scene: &Scene, change: impl FnOnce(&str) -> Vec<u8>) -> Wire {
    let input = scene.parts().signing_input();
    let (header, claims) = input.split_once('.').expect("two segments");
    let claims = String::from_utf8(base64url::decode(claims).expect("base64url")).expect("UTF-8");
    let input = format!("{header}.{}", base64url::encode(change(&claims)));
    let signature = base64url::encode(scene.key.sign(&input).to_bytes());
    with_proof(scene, &format!("{input}.{signature}"))
}

/// A token that is bound to the thumbprint of `jwk` as it is spelled, and a proof with that key.
pub(super) fn bound_to(scene: &Scene, jwk: &str, signed: impl FnOnce(&Parts) -> String) -> Wire {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, jwk.as_bytes());
    let confirmation = Some(base64url::encode(hash).parse().expect("a thumbprint"));
    let token = scene.mint(&TokenRequest { confirmation, ..scene.request() });
    let parts = scene.parts().claim("ath", quoted(Ath::of(&token))).parameter("jwk", jwk);
    with_token(scene, token, signed(&parts))
}

/// A token and a proof by another kind of key, to be signed.
pub(super) fn of_other_key(scene: &Scene, alg: Alg) -> (String, Parts, SigningKey) {
    let key = SigningKey::generate(alg);
    let confirmation = Some(key.public().thumbprint());
    let token = scene.mint(&TokenRequest { confirmation, ..scene.request() });
    let parts = scene.parts().claim("ath", quoted(Ath::of(&token)));
    let parts = parts.parameter("jwk", key.public().to_json().to_text()).parameter("alg", quoted(alg.name()));
    (token, parts, key)
}
