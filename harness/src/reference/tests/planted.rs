//! Every planted bug shows, and shows as its row says: one probe for each, against a clean server and one with the bug.

use std::time::Duration;

use p256::ecdsa::Signature;

use super::proofs::{Key, Parts, quoted};
use super::scene::{Answer, Scene, Way, Wire};
use super::{
    planted_answer, planted_claims, planted_key, planted_node, planted_nonce, planted_replay, planted_token,
    planted_wire,
};
use reqwest::Method;

use crate::jose::{Alg, Ath, base64url};
use crate::reference::signing_key::SigningKey;
use crate::reference::*;

/// What is seen at a server.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Accepted,
    Refused,
    Fault,
    /// A refusal that is put in an unusual way.
    Odd(&'static str),
}

fn seen(answer: &Answer) -> Seen {
    match answer.status {
        200 if answer.uncounted => Seen::Odd("nothing is counted"),
        200 => Seen::Accepted,
        500.. => Seen::Fault,
        400 if answer.body["error"] == "invalid_dpop_proof" => Seen::Odd("status"),
        // A malformed request, be it for this server or for the HTTP library.
        400 => Seen::Refused,
        // A path that is none here.
        404 => Seen::Refused,
        401 if answer.challenges.is_empty() => Seen::Odd("no challenge"),
        401 if answer.body["error"].is_null() => Seen::Odd("no error"),
        401 if answer.body["error"] == "use_dpop_nonce" && answer.nonces.len() != 1 => Seen::Odd("nonces"),
        401 => Seen::Refused,
        403 if answer.body["error"] == "insufficient_scope" => Seen::Refused,
        403 if answer.challenges.is_empty() => Seen::Refused,
        _ => Seen::Odd("status"),
    }
}

/// The requests that make `defect` show in the answer to the last of them.
/// `supplied` is the nonce that came with the control.
fn probe(defect: Defect, scene: &Scene, supplied: &str) -> Vec<Wire> {
    let parts = || scene.parts();
    let one = |parts: Parts| vec![scene.wire(&parts)];
    let proof = |proof: String| vec![scene.wire_with(proof)];
    let claim = |name, json: &str| one(parts().claim(name, json));
    let no_claim = |name| one(parts().without_claim(name));
    let htu = |htu: &str| one(parts().claim("htu", quoted(htu)));
    let (url, other_url) = (scene.running.htu.as_str(), scene.running.other_url.as_str());
    let with_token = |token: String| {
        let parts = scene.parts_for("GET", url, &token);
        vec![Wire { authorization: vec![format!("DPoP {token}")], ..scene.wire(&parts) }]
    };
    let by_key_for = |key: Alg, alg: Alg| {
        let key = SigningKey::generate(key);
        let confirmation = Some(key.public().thumbprint());
        let token = scene.mint(&TokenRequest { confirmation, ..scene.request() });
        let proof = scene.parts_for("GET", url, &token).signed_as(alg, &key);
        vec![Wire { authorization: vec![format!("DPoP {token}")], ..scene.wire_with(proof) }]
    };
    let bearer = format!("Bearer {}", scene.token);
    let twice = |one: String, other: String| vec![scene.wire_with(one), scene.wire_with(other)];
    let sha = |algorithm: &'static aws_lc_rs::digest::Algorithm| {
        aws_lc_rs::digest::digest(algorithm, scene.token.as_bytes()).as_ref().to_vec()
    };
    let now = parts().now;

    match defect {
        Defect::CnfIgnored => {
            let thief = Key::fresh();
            proof(parts().parameter("jwk", thief.jwk()).signed_by(&thief))
        }
        Defect::SignatureNotVerified => proof(parts().signed_by(&Key::fresh())),
        Defect::KeyCachedByThumbprint => {
            let other = parts().parameter("jwk", Key::fresh().jwk());
            twice(parts().signed(), other.signed_by(&scene.key))
        }
        Defect::UnboundAccepted => {
            with_token(scene.mint(&TokenRequest { confirmation: None, ..scene.request() }))
        }
        Defect::UnboundBearerAccepted | Defect::UnboundBearerRefused => {
            let token = scene.mint(&TokenRequest { confirmation: None, ..scene.request() });
            vec![Wire { authorization: vec![format!("Bearer {token}")], ..scene.wire(&parts()) }]
        }
        Defect::ExpIgnored => {
            with_token(scene.mint(&TokenRequest { lifetime: Duration::ZERO, ..scene.request() }))
        }
        Defect::AudIgnored => {
            with_token(scene.mint(&TokenRequest { audience: "https://x.example".into(), ..scene.request() }))
        }
        Defect::TokenSignatureIgnored => with_token(scene.tampered_token()),
        Defect::JtiNotTracked => {
            let proof = parts().signed();
            twice(proof.clone(), proof)
        }
        Defect::ReplayKeyIsSignature => {
            let parts = parts();
            let signature = scene.key.sign(&parts.signing_input());
            let twin = Signature::from_scalars(*signature.r(), -*signature.s()).expect("not zero");
            twice(parts.with_signature(signature.to_bytes()), parts.with_signature(twin.to_bytes()))
        }
        Defect::ReplayKeyIsSigningInput => {
            let parts = parts();
            twice(parts.signed(), parts.claim("iat", (now - 1).to_string()).signed())
        }
        Defect::ReplayKeyIsThumbprint => twice(parts().signed(), parts().signed()),
        Defect::ReplayKeyIsProof => {
            let proof = parts().signed();
            twice(proof.clone(), format!("{proof}=="))
        }
        Defect::ReplayCheckedThenStored | Defect::ForgottenAfterASecond | Defect::ForgottenAfterAMinute => {
            let proof = parts().signed();
            twice(proof.clone(), proof)
        }
        Defect::OneRequestAKey => twice(parts().signed(), parts().signed()),
        Defect::RetentionFromReceipt => {
            let proof = parts().claim("iat", (now + 10).to_string()).signed();
            twice(proof.clone(), proof)
        }
        Defect::ReplayStoreEvicts => {
            let first = scene.wire(&parts());
            let others = (0..100).map(|_| scene.wire(&parts()));
            [first.clone()].into_iter().chain(others).chain([first]).collect()
        }
        Defect::AthNotChecked | Defect::AthShapeOnly => claim("ath", &quoted(Ath::of("other"))),
        Defect::AthOptional => no_claim("ath"),
        Defect::AthUnderExactScheme => {
            let wire = scene.wire(&parts().without_claim("ath"));
            vec![Wire { authorization: vec![format!("dpop {}", scene.token)], ..wire }]
        }
        Defect::AthFalsySkipped => claim("ath", "\"\""),
        Defect::AthNonStringSkipped => claim("ath", "null"),
        Defect::AthFirstOfArray => claim("ath", &format!("[\"{}\"]", Ath::of(&scene.token))),
        Defect::AthDecodedLeniently => claim("ath", &format!("\"{}=\"", Ath::of(&scene.token))),
        Defect::AthHexAccepted => {
            let hash = sha(&aws_lc_rs::digest::SHA256);
            claim("ath", &quoted(hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
        }
        Defect::AthPrefix => claim("ath", &quoted(base64url::encode(&sha(&aws_lc_rs::digest::SHA256)[..16]))),
        Defect::AthCaseFolded => claim("ath", &quoted(Ath::of(&scene.token)).to_ascii_uppercase()),
        Defect::AthSha512Accepted => {
            claim("ath", &quoted(base64url::encode(sha(&aws_lc_rs::digest::SHA512))))
        }
        Defect::HtmNotChecked => claim("htm", "\"DELETE\""),
        Defect::HtmOptional => no_claim("htm"),
        Defect::HtmCaseFolded => claim("htm", "\"get\""),
        Defect::HtmFirstOfArray => claim("htm", "[\"GET\"]"),
        Defect::HeadTakenForGet => {
            vec![Wire { method: Method::HEAD, ..scene.wire(&parts().claim("htm", "\"HEAD\"")) }]
        }
        Defect::HeadWithGetProofAccepted => vec![Wire { method: Method::HEAD, ..scene.wire(&parts()) }],
        Defect::HtmFalsySkipped => claim("htm", "\"\""),
        Defect::HtmNonStringSkipped => claim("htm", "{\"value\":\"GET\"}"),
        Defect::HtuNotChecked | Defect::HtuOriginOnly => htu(other_url),
        Defect::HtuOptional => no_claim("htu"),
        Defect::HtuPrefix => htu(&format!("{url}/more")),
        Defect::HtuPathOnly => htu("https://rs.example:8443/resource"),
        Defect::HtuHostIgnored => htu(&url.replace("127.0.0.1", "rs.example")),
        Defect::HtuSchemeIgnored => htu(&url.replace("http:", "https:")),
        Defect::HtuPortIgnored => htu("http://127.0.0.1:1/resource"),
        Defect::HtuWithRequestQuery => vec![Wire { target: "/resource?x=1".into(), ..scene.wire(&parts()) }],
        Defect::HtuQueryRefused => htu(&format!("{url}?x=1")),
        Defect::HtuLiteral => htu(&url.replace("http:", "HTTP:")),
        Defect::HtuFalsySkipped => htu(""),
        Defect::HtuNonStringSkipped => claim("htu", &format!("[{}]", quoted(url))),
        Defect::HtuUserinfoIgnored => htu(&url.replace("://", "://user@")),
        Defect::HtuHostPrefix => htu(&url.replace("127.0.0.1", "127.0.0.1.evil")),
        Defect::HtuBeginningAccepted => htu(&url.replace("/resource", "/")),
        Defect::HtuPathCaseFolded => htu(&url.replace("/resource", "/Resource")),
        Defect::HtuTrailingSlashIgnored => htu(&format!("{url}/")),
        Defect::HtuSlashesMerged => htu(&url.replace("/resource", "//resource")),
        Defect::HtuPathDecoded => htu(&url.replace("/resource", "/.%2Fresource")),
        Defect::HtuResolved => htu("/resource"),
        Defect::HtuTrimmed => htu(&format!("{url} ")),
        Defect::HtuBackslashesTurned => htu(&url.replace("/resource", "\\\\resource")),
        Defect::HtuFragmentRefused => htu(&format!("{url}#part")),
        Defect::HtuPortLiteral => htu(&url.replace("/resource", ":443/resource")),
        Defect::HtuEscapesLiteral => htu(&url.replace("%C3", "%c3")),
        Defect::HtuEmptyPathKept => htu(url.trim_end_matches('/')),
        Defect::NonceNotChecked => claim("nonce", "\"made-up\""),
        Defect::NonceNotDemanded => no_claim("nonce"),
        Defect::NonceEmptySkipped => claim("nonce", "\"\""),
        Defect::NonceNonStringSkipped => claim("nonce", "1"),
        Defect::NonceNeverValid | Defect::NonceSecretNotShared => one(parts()),
        Defect::NoncePrefix => claim("nonce", &quoted(&scene.nonce.clone().expect("a nonce")[..10])),
        Defect::NonceShapeOnly => claim("nonce", &quoted(base64url::encode([1; 32]))),
        // Its nonce is the one that came with the 200.
        Defect::NonceOfSuccessUnknown => claim("nonce", &quoted(supplied)),
        Defect::NonceNeverExpires => {
            let lifetime = Duration::from_secs(3600);
            let token = scene.mint(&TokenRequest { lifetime, ..scene.request() });
            let parts = || scene.parts_for("GET", url, &token);
            let wire =
                |parts: Parts| Wire { authorization: vec![format!("DPoP {token}")], ..scene.wire(&parts) };
            let later = now + i64::try_from(pause(defect).as_secs()).expect("small");
            vec![wire(parts()), wire(parts().claim("iat", later.to_string()))]
        }
        Defect::NonceOnlyInChallenge => one(parts()),
        Defect::AlgListNotEnforced => by_key_for(Alg::Es384, Alg::Es384),
        Defect::ProofRefusedWith400 => claim("htm", "\"DELETE\""),
        Defect::BearerAccepted => {
            vec![Wire { authorization: vec![bearer], proofs: vec![], ..scene.wire(&parts()) }]
        }
        Defect::BearerWithProofAccepted => vec![Wire { authorization: vec![bearer], ..scene.wire(&parts()) }],
        Defect::ProofOptional => vec![Wire { proofs: vec![], ..scene.wire(&parts()) }],
        Defect::TokenOptional => vec![Wire { authorization: vec![], ..scene.wire(&parts()) }],
        Defect::AlgNoneAccepted => proof(parts().parameter("alg", "\"none\"").with_signature("")),
        Defect::AlgNoneBySpelling => proof(parts().parameter("alg", "\"NONE\"").with_signature("")),
        Defect::HmacAccepted => {
            let parts = parts().parameter("alg", "\"HS256\"");
            let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &scene.key.point());
            proof(parts.with_signature(aws_lc_rs::hmac::sign(&secret, parts.signing_input().as_bytes())))
        }
        Defect::ZeroSignatureAccepted => proof(parts().with_signature([0; 64])),
        Defect::DerSignatureAccepted => {
            let parts = parts();
            proof(parts.with_signature(scene.key.sign(&parts.signing_input()).to_der()))
        }
        Defect::AlgOfTheKeyTaken => one(parts().parameter("alg", "\"ES384\"")),
        Defect::RsaPaddingNotBound => by_key_for(Alg::Rs256, Alg::Ps256),
        Defect::Es256Refused => one(parts()),
        Defect::Es384Refused => by_key_for(Alg::Es384, Alg::Es384),
        Defect::Es512Refused => by_key_for(Alg::Es512, Alg::Es512),
        Defect::EdDsaRefused => by_key_for(Alg::EdDsa, Alg::EdDsa),
        Defect::Ps256Refused => by_key_for(Alg::Ps256, Alg::Ps256),
        Defect::Rs256Refused => by_key_for(Alg::Rs256, Alg::Rs256),
        Defect::TypNotChecked | Defect::TypPlainJwtAccepted => one(parts().parameter("typ", "\"JWT\"")),
        Defect::TypNonStringSkipped => one(parts().parameter("typ", "[\"dpop+jwt\"]")),
        Defect::TypPrefix => one(parts().parameter("typ", "\"dpop+jwt+x\"")),
        Defect::TypOptional => one(parts().without_parameter("typ")),
        Defect::JwkOptional => one(parts().without_parameter("jwk")),
        Defect::JwkUnreadableSkipped => one(parts().parameter("jwk", "{}")),
        Defect::JwkFirstOfList => {
            one(parts().parameter("jwk", format!("{{\"keys\":[{}]}}", scene.key.jwk())))
        }
        Defect::JwkPrivateAccepted => {
            one(parts().parameter("jwk", scene.key.jwk_with(&scene.key.private_member())))
        }
        Defect::TwoSegmentsAccepted => proof(parts().signing_input()),
        Defect::FirstDuplicateWins => one(parts().claim("htm", "\"PUT\"").claim_before("htm", "\"GET\"")),
        Defect::CrashOnOddType => claim("jti", "1"),
        Defect::CrashOnMissingClaim => no_claim("jti"),
        Defect::CrashOnMissingJwk => one(parts().without_parameter("jwk")),
        Defect::CrashOnMalformedJwk => one(parts().parameter("jwk", "{}")),
        Defect::CrashOnBadBase64 => proof(format!("{}=", parts().signed())),
        Defect::IatNotChecked | Defect::IatPastUnlimited => claim("iat", "1"),
        Defect::IatOptional => no_claim("iat"),
        Defect::IatFutureUnlimited => claim("iat", "9999999999"),
        Defect::IatStringAccepted => claim("iat", &quoted(now)),
        Defect::IatZeroSkew => claim("iat", &(now + 5).to_string()),
        Defect::IatFalsySkipped => claim("iat", "0"),
        Defect::IatNonNumberSkipped => claim("iat", "true"),
        Defect::IatOverflow => claim("iat", &i64::MIN.to_string()),
        Defect::IatFractionRefused => claim("iat", &format!("{now}.5")),
        Defect::JtiOptional => no_claim("jti"),
        Defect::JtiAnyType => claim("jti", "1"),
        Defect::JtiEmptyAccepted => claim("jti", "\"\""),
        Defect::FirstProofWins | Defect::LastProofWins => {
            vec![Wire { proofs: vec![parts().signed(), parts().signed()], ..scene.wire(&parts()) }]
        }
        Defect::UnknownClaimsRefused => claim("x", "1"),
        Defect::UnknownParametersRefused => one(parts().parameter("x", "1")),
        Defect::ThumbprintOverAllMembers => {
            one(parts().parameter("jwk", scene.key.jwk_with("\"kid\":\"1\",")))
        }
        Defect::ThumbprintInMemberOrder => {
            let reordered =
                scene.key.jwk().replacen(r#""crv":"P-256","kty":"EC","#, r#""kty":"EC","crv":"P-256","#, 1);
            one(parts().parameter("jwk", reordered))
        }
        Defect::SchemeCaseSensitive => {
            vec![Wire { authorization: vec![format!("dpop {}", scene.token)], ..scene.wire(&parts()) }]
        }
        Defect::ForbiddenStatus | Defect::NoChallenge | Defect::NoErrorCode => claim("htm", "\"PUT\""),
        Defect::ChallengeWithoutNonce | Defect::ChallengeWithTwoNonces => claim("nonce", "\"made-up\""),
        // The control went over the same connection.
        Defect::ProofOncePerConnection => vec![Wire { proofs: vec![], ..scene.wire(&parts()) }],
        Defect::ConnectionTiedToProof => one(parts()),
        Defect::LostAnswerHoldsKey => {
            vec![Wire { way: Way::Cut, ..scene.wire(&parts()) }, scene.wire(&parts())]
        }
        Defect::Http2ProofNotChecked => {
            vec![Wire { proofs: vec![], way: Way::Http2, ..scene.wire(&parts()) }]
        }
        Defect::FieldNameCaseSensitive => vec![Wire { way: Way::Http2, ..scene.wire(&parts()) }],
        Defect::ReplayStorePerHttpVersion => {
            let first = scene.wire(&parts());
            vec![first.clone(), Wire { way: Way::Http2, ..first }]
        }
        Defect::OtherPathsOpen => vec![Wire {
            target: "/other".into(),
            authorization: vec![],
            proofs: vec![],
            ..scene.wire(&parts())
        }],
        Defect::OtherPathsTakeBearer => vec![Wire {
            target: "/other".into(),
            authorization: vec![bearer],
            proofs: vec![],
            ..scene.wire(&parts())
        }],
        Defect::OtherPathsIgnoreCnf => {
            let thief = Key::fresh();
            let parts = scene.parts_for("GET", other_url, &scene.token).parameter("jwk", thief.jwk());
            vec![Wire { target: "/other".into(), ..scene.wire_with(parts.signed_by(&thief)) }]
        }
        Defect::OtherPathsNeedNoNonce => {
            let parts = scene.parts_for("GET", other_url, &scene.token).without_claim("nonce");
            vec![Wire { target: "/other".into(), ..scene.wire(&parts) }]
        }
        Defect::PossessionIsPermission => {
            let parts = scene.parts_for("GET", &scene.running.admin_url, &scene.token);
            vec![Wire { target: "/admin".into(), ..scene.wire(&parts) }]
        }
        Defect::NoScopeIsEveryScope => {
            let token = scene.mint(&TokenRequest { scope: String::new(), ..scene.request() });
            let parts = scene.parts_for("GET", &scene.running.admin_url, &token);
            let authorization = vec![format!("DPoP {token}")];
            vec![Wire { target: "/admin".into(), authorization, ..scene.wire(&parts) }]
        }
        Defect::PlainHttpServed | Defect::PlainHttpBehindTheProxy | Defect::PlainHttpOpen => {
            let plain = scene.running.plain_url.clone().expect("asked for");
            let named = if defect == Defect::PlainHttpServed { plain.as_str() } else { url };
            let parts = scene.parts_for("GET", named, &scene.token);
            let authorization =
                if defect == Defect::PlainHttpOpen { vec![] } else { vec![format!("DPoP {}", scene.token)] };
            vec![Wire { target: plain, authorization, ..scene.wire(&parts) }]
        }
        Defect::RefusalsNotCounted => {
            let refused = Wire { proofs: vec![], ..scene.wire(&parts()) };
            vec![refused, Wire { target: "/metrics".into(), ..scene.wire(&parts()) }]
        }
        Defect::ProtectsNothing => {
            vec![Wire { authorization: vec!["DPoP junk".into()], proofs: vec![], ..scene.wire(&parts()) }]
        }
        _ => ELSEWHERE
            .iter()
            .find_map(|probe| probe(defect, scene, supplied))
            .unwrap_or_else(|| panic!("no probe for {defect:?}")),
    }
}

/// The requests for a bug of one subject, by the nonce that was supplied.
type Probes = fn(Defect, &Scene, &str) -> Option<Vec<Wire>>;

/// The subjects that have a file of their own.
const ELSEWHERE: &[Probes] = &[
    planted_claims::probe,
    planted_key::probe,
    planted_node::probe,
    planted_nonce::probe,
    planted_replay::probe,
    planted_token::probe,
    planted_wire::probe,
];

async fn observe(row: &DefectRow, defects: DefectSet) -> (Seen, Seen) {
    let public_resource = row.public_url.map(|url| url.parse().expect("a URL"));
    let unbound_bearer = row.defect == Defect::UnboundBearerRefused;
    let scene = Scene::with(|options| Options {
        nonce: row.nonce,
        defects,
        public_resource,
        plain_http: true,
        second_node: Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0))),
        unbound_bearer,
        ..options.conforming_to(row.profile.unwrap_or_default())
    })
    .await;
    let answer = scene.send(scene.wire(&scene.parts())).await;
    let (control, supplied) = (seen(&answer), answer.nonces.first().cloned().unwrap_or_default());
    // The probe is a client of its own, as each case of a suite is.
    let scene = Scene { key: Key::fresh(), ..scene };
    let scene = Scene { token: scene.mint(&scene.request()), ..scene };
    let wires = probe(row.defect, &scene, &supplied);
    if matches!(row.defect, Defect::ReplayCheckedThenStored | Defect::OneRequestAKey) {
        let answers = futures_util::future::join_all(wires.into_iter().map(|wire| scene.send(wire))).await;
        let refused = answers.iter().map(seen).find(|seen| *seen != Seen::Accepted);
        return (control, refused.unwrap_or(Seen::Accepted));
    }
    let mut last = Seen::Odd("no request");
    for wire in wires {
        let answer = scene.send(wire).await;
        last = match seen(&answer) {
            Seen::Accepted if row.nonce == NonceMode::Required && answer.nonces.is_empty() => {
                Seen::Odd("no nonce")
            }
            other => other,
        };
        scene.clock.advance(pause(row.defect));
    }
    (control, last)
}

/// What has to pass between the requests of a probe.
fn pause(defect: Defect) -> Duration {
    match defect {
        Defect::ForgottenAfterASecond => Duration::from_secs(2),
        Defect::RetentionFromReceipt | Defect::ForgottenAfterAMinute => Duration::from_secs(65),
        Defect::NonceNeverExpires => Duration::from_secs(310),
        _ => Duration::ZERO,
    }
}

#[tokio::test]
async fn every_defect_shows_against_a_clean_server() {
    let elsewhere = |defect| planted_key::shows_otherwise(defect) || planted_answer::has(defect);
    for row in defects().filter(|row| !elsewhere(row.defect)) {
        let (clean_control, clean) = observe(row, DefectSet::empty()).await;
        let (control, defective) = observe(row, row.defect.into()).await;
        assert_eq!(clean_control, Seen::Accepted, "{}", row.name);
        let expected = match clean {
            // What is right, and refused by mistake.
            Seen::Accepted => match row.defect {
                // Who does not know the scheme sees no credentials, and so no error.
                // An answer to HEAD has no content to say it in.
                Defect::SchemeCaseSensitive | Defect::HeadTakenForGet => Seen::Odd("no error"),
                Defect::RefusalsNotCounted => Seen::Odd("nothing is counted"),
                Defect::NonceOnlyInChallenge => Seen::Odd("no nonce"),
                _ => Seen::Refused,
            },
            // Who sends no credentials is told of no error.
            Seen::Refused | Seen::Odd("no error") => match row.defect {
                Defect::CrashOnOddType
                | Defect::CrashOnMissingClaim
                | Defect::CrashOnMissingJwk
                | Defect::CrashOnMalformedJwk
                | Defect::CrashOnBadBase64
                | Defect::CrashOnDepth
                | Defect::LongJtiCrashes => Seen::Fault,
                Defect::ForbiddenStatus | Defect::ProofRefusedWith400 => Seen::Odd("status"),
                Defect::NoChallenge => Seen::Odd("no challenge"),
                Defect::NoErrorCode => Seen::Odd("no error"),
                Defect::ChallengeWithoutNonce | Defect::ChallengeWithTwoNonces => Seen::Odd("nonces"),
                _ => Seen::Accepted,
            },
            Seen::Fault | Seen::Odd(_) => panic!("{}: the clean server gives {clean:?}", row.name),
        };
        assert_eq!(defective, expected, "{}", row.name);
        // A correct request still works, or nobody would have shipped it.
        let unusable = matches!(
            row.defect,
            Defect::NonceNeverValid | Defect::NonceSecretNotShared | Defect::Es256Refused
        );
        assert_eq!(control == Seen::Accepted, !unusable, "{}", row.name);
    }
}
