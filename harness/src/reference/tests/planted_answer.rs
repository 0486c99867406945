//! Probes for the bugs of wording and of web pages: they show in the fields and the content of an answer, and not in whether
//! the request was served.

use super::proofs::Key;
use super::scene::{Scene, Wire};
use crate::reference::*;

/// A request line by its path and fields, and what only the answer of the server with the bug has.
struct Row {
    defect: Defect,
    asks: fn(&Scene) -> String,
    shows: fn(&str) -> bool,
}

/// Whether a bug has its probe here.
pub(super) fn has(defect: Defect) -> bool {
    ROWS.iter().any(|row| row.defect == defect)
}

const ROWS: &[Row] = &[
    row(Defect::NoncesInAList, no_proof, |answer| field(answer, "dpop-nonce").contains(", ")),
    row(Defect::NonceWithQuote, no_proof, |answer| field(answer, "dpop-nonce").contains('"')),
    row(Defect::AnswersCached, no_proof, |answer| field(answer, "cache-control") == "max-age=60"),
    row(Defect::AnswersPublic, no_proof, |answer| field(answer, "cache-control").starts_with("public")),
    row(Defect::CachedAnswerServed, bare, |answer| answer.starts_with("HTTP/1.1 200")),
    row(Defect::ChallengeNotClosed, bare, |answer| challenge(answer).matches('"').count() % 2 == 1),
    row(Defect::ChallengeWithoutCommas, no_proof, |answer| !challenge(answer).contains(", ")),
    row(Defect::ErrorWithoutCredentials, bare, |answer| challenge(answer).contains("error=")),
    row(Defect::AlgsLeftOut, no_proof, |answer| !challenge(answer).contains("algs=")),
    row(Defect::AlgsWithCommas, no_proof, |answer| challenge(answer).contains("ES256,ES384")),
    row(Defect::AlgsOfEverySort, no_proof, |answer| challenge(answer).contains("HS256")),
    row(Defect::ErrorAlwaysTheSame, no_proof, |answer| {
        challenge(answer).contains("error=\"invalid_request\"")
    }),
    row(Defect::ErrorInOtherChallenge, no_proof, |answer| challenge(answer).starts_with("Bearer error=")),
    row(Defect::ScopeBlamedOnProof, admin, |answer| challenge(answer).contains("invalid_dpop_proof")),
    row(Defect::ProxyChallengeSent, bare, |answer| field(answer, "proxy-authenticate") == "DPoP"),
    row(Defect::TraceInRefusal, bare, |answer| answer.contains("(Proof.java:12)")),
    row(Defect::TokenInRefusal, no_proof, |answer| answer.contains("refused: DPoP ey")),
    row(Defect::CorsExposesNothing, of_page, |answer| {
        field(answer, "access-control-expose-headers").is_empty()
    }),
    row(Defect::CorsOnSuccessOnly, of_page, |answer| field(answer, "access-control-allow-origin").is_empty()),
    row(Defect::PreflightNeedsProof, preflight, |answer| answer.starts_with("HTTP/1.1 401")),
    row(Defect::PreflightWithoutDpop, preflight, |answer| {
        field(answer, "access-control-allow-headers") == "authorization"
    }),
    row(Defect::PreflightByField, like_preflight, |answer| answer.starts_with("HTTP/1.1 200")),
    row(Defect::OriginTrusted, of_page, |answer| answer.starts_with("HTTP/1.1 200")),
    row(Defect::KeyInRefusal, private_key, |answer| answer.contains("\"d\":")),
    row(Defect::NonceAskedForWith400, without_nonce, |answer| answer.starts_with("HTTP/1.1 400")),
    row(Defect::CrashOnMalformedHost, malformed_host, |answer| answer.starts_with("HTTP/1.1 500")),
    row(Defect::MetadataAlgsOutdated, metadata, |answer| answer.contains("ES256K")),
    row(Defect::MetadataAlgsInOneString, metadata, |answer| answer.contains("ES256 ES384")),
    row(Defect::MetadataDemandsInVain, metadata, |answer| {
        answer.contains("\"dpop_bound_access_tokens_required\":true")
    }),
    row(Defect::MetadataOfAnotherUrl, metadata, |answer| answer.contains("backend.internal")),
    row(Defect::MetadataLinkBroken, bare, |answer| {
        challenge(answer).contains("/resource/.well-known/oauth-protected-resource\"")
    }),
    row(Defect::WildcardWithCredentials, of_page, |answer| {
        field(answer, "access-control-allow-credentials") == "true"
    }),
];

const fn row(defect: Defect, asks: fn(&Scene) -> String, shows: fn(&str) -> bool) -> Row {
    Row { defect, asks, shows }
}

const PAGE: &str = "Origin: https://page.example\r\n";
const ASKS: &str = "Access-Control-Request-Method: GET\r\n";

fn bare(_: &Scene) -> String {
    "GET /resource HTTP/1.1\r\n".to_owned()
}

fn no_proof(scene: &Scene) -> String {
    format!("GET /resource HTTP/1.1\r\nAuthorization: DPoP {}\r\n", scene.token)
}

fn admin(scene: &Scene) -> String {
    let proof = scene.parts_for("GET", &scene.running.admin_url, &scene.token).signed();
    format!("GET /admin HTTP/1.1\r\nAuthorization: DPoP {}\r\nDPoP: {proof}\r\n", scene.token)
}

fn of_page(scene: &Scene) -> String {
    format!("{}{PAGE}", no_proof(scene))
}

fn preflight(_: &Scene) -> String {
    format!("OPTIONS /resource HTTP/1.1\r\n{PAGE}{ASKS}")
}

fn private_key(scene: &Scene) -> String {
    let proof = scene.parts().parameter("jwk", scene.key.jwk_with(&scene.key.private_member())).signed();
    format!("GET /resource HTTP/1.1\r\nAuthorization: DPoP {}\r\nDPoP: {proof}\r\n", scene.token)
}

fn without_nonce(scene: &Scene) -> String {
    let proof = scene.parts().without_claim("nonce").signed();
    format!("GET /resource HTTP/1.1\r\nAuthorization: DPoP {}\r\nDPoP: {proof}\r\n", scene.token)
}

fn malformed_host(_: &Scene) -> String {
    "GET /resource HTTP/1.1\r\nHost: 127.0.0.1/other?\r\n".to_owned()
}

fn metadata(_: &Scene) -> String {
    "GET /.well-known/oauth-protected-resource/resource HTTP/1.1\r\n".to_owned()
}

fn like_preflight(_: &Scene) -> String {
    format!("GET /resource HTTP/1.1\r\n{PAGE}{ASKS}")
}

fn field<'a>(answer: &'a str, name: &str) -> &'a str {
    let lines = || answer.lines().filter_map(|line| line.split_once(": "));
    lines().find(|(field, _)| *field == name).map_or("", |(_, value)| value)
}

fn challenge(answer: &str) -> &str {
    field(answer, "www-authenticate")
}

/// The answer to the request of a row, after a correct one was served.
async fn answer(row: &Row, defects: DefectSet) -> String {
    let nonce = row.defect.row().nonce;
    let unbound_bearer = row.defect == Defect::MetadataDemandsInVain;
    let scene = Scene::with(|options| Options { nonce, defects, unbound_bearer, ..options }).await;
    // A client without a nonce is served where none is demanded, and does not stumble over one that is misspelled.
    let known = scene.nonce.clone().filter(|_| nonce == NonceMode::Required);
    let scene = Scene { nonce: known, ..scene };
    let control = scene.send(scene.wire(&scene.parts())).await;
    assert_eq!(control.status, 200, "{:?}: a correct request still works", row.defect);
    let scene = Scene { key: Key::fresh(), ..scene };
    let scene = Scene { token: scene.mint(&scene.request()), ..scene };
    let asks = (row.asks)(&scene);
    let host = if asks.contains("\r\nHost: ") { "" } else { "Host: x\r\n" };
    let text = format!("{asks}{host}Connection: close\r\n\r\n");
    scene.send(Wire { raw: Some(text), ..scene.wire(&scene.parts()) }).await.text
}

#[tokio::test]
async fn every_bug_of_wording_shows_against_a_clean_server() {
    for row in ROWS {
        let clean = answer(row, DefectSet::empty()).await;
        assert!(!(row.shows)(&clean), "{:?} shows in what is clean: {clean}", row.defect);
        let defective = answer(row, row.defect.into()).await;
        assert!((row.shows)(&defective), "{:?} does not show: {defective}", row.defect);
    }
}
