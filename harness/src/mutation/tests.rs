//! What edits and mutations make of a correct proof and request, to the byte.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::hmac;
use p256::pkcs8::{EncodePublicKey as _, LineEnding};
use serde::de::DeserializeOwned;

use super::{Minted, catalogue, mint};
use crate::entropy::{SeededEntropy, SystemEntropy};
use crate::jose::json::{self, Json};
use crate::jose::uri::Uri;
use crate::jose::{Alg, Nonce, PublicJwk, base64url};
use crate::proof::{AccessToken, Call, EditError, Material, ProofKey, Step};

const URL: &str = "https://rs.example/v1/me";
const NONCE: &str = "eyJ7S_zG.eyJH0-Z.HX4w-7v";
/// The access token of RFC 9449 section 7.1.
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

/// Edits as a scenario file has them.
fn edits<T: DeserializeOwned>(yaml: &str) -> T {
    let deserializer = serde_yaml::Deserializer::from_str(yaml);
    serde_yaml::with::singleton_map_recursive::deserialize(deserializer).expect("edits")
}

/// A GET of `url` with these edits to the proof and to the request, by `key`.
fn minted(key: &ProofKey, url: &str, proof: &str, request: &str) -> Result<Minted, EditError> {
    let step = Step { proof: edits(proof), request: edits(request), ..Step::default() };
    let uri: Uri = url.parse().expect("a URL");
    let nonce: Nonce = NONCE.parse().expect("a nonce");
    let call = Call::to("GET", uri);
    let material = Material {
        key,
        token: &AccessToken::new(TOKEN),
        spare: None,
        stranger: None,
        issuer: None,
        decoy: None,
        nonce: Some(&nonce),
        call: &call,
        resource: &call,
        now: 1_700_000_000,
        entropy: &SystemEntropy,
        choices: &SeededEntropy::new(0),
        earlier: &BTreeMap::new(),
    };
    mint(&step, &material)
}

/// The JSON text of the claim or header parameter `name` of a proof with these edits; empty where it is absent.
fn member(url: &str, proof: &str, name: &str) -> Result<String, EditError> {
    let minted = minted(&ProofKey::generate(&SystemEntropy), url, proof, "{}")?;
    let texts = [minted.proof.claims, minted.proof.header];
    let found = texts.iter().find_map(|text| {
        let object = json::read(text.as_bytes()).expect("JSON");
        object.as_object().and_then(|object| object.member(name)).map(Json::to_text)
    });
    Ok(found.unwrap_or_default())
}

#[track_caller]
fn check(proof: &str, name: &str, expected: &str) {
    assert_eq!(member(URL, proof, name).as_deref(), Ok(expected), "{proof}");
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<_> = catalogue().map(|mutation| mutation.name).collect();
    assert_eq!(names.len(), catalogue().count());
}

#[test]
fn ath() {
    // RFC 9449 section 7.1; the others were computed with Python's hashlib.
    check("{}", "ath", r#""fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo""#);
    check("{ ath: { encode: trailing-bits } }", "ath", r#""fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEp""#);
    check("{ ath: { of: credentials } }", "ath", r#""flAwo5Y3oIGYMc9aPtQrGL44PSsgvv4CdQJz2GzXcE0""#);
    check("{ ath: { half: true } }", "ath", r#""fUHyO2r2Z3DZ53EsNrWBbw""#);
    check("{ ath: { encode: upper-case } }", "ath", r#""FUHYO2R2Z3DZ53ESNRWBB0XWXOANY59IIKCAQKSMQEO""#);
    check(
        "{ ath: { encode: hex } }",
        "ath",
        r#""7d41f23b6af66770d9e7712c36b5816f4c565e868dcb9f4888a080aa4b26404a""#,
    );
    check("{ ath: { encode: padded } }", "ath", r#""fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo=""#);
    check("{ retype: { ath: array } }", "ath", r#"["fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"]"#);
    check("{ retype: { ath: object } }", "ath", r#"{"value":"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"}"#);
}

#[test]
fn right_values_in_other_types() {
    check("{ retype: { iat: string } }", "iat", r#""1700000000""#);
    check("{ retype: { iat: fraction } }", "iat", "1700000000.5");
    check("{ iat: -2s, retype: { iat: fraction } }", "iat", "1699999998.5");
    check("{ claims: { iat: -9223372036854775808 } }", "iat", "-9223372036854775808");
    check("{ dates: { exp: -1h } }", "exp", "1699996400");
    check("{ htm: trailing-space }", "htm", r#""GET ""#);
    check("{ retype: { htm: array } }", "htm", r#"["GET"]"#);
    check("{ retype: { typ: array } }", "typ", r#"["dpop+jwt"]"#);
    check("{ header: { typ: null } }", "typ", "null");
    assert_eq!(member(URL, "{ omit-of-jwk: [n] }", "jwk"), Err(EditError::NoSuchMember("n".into())));
    assert_eq!(member(URL, "{ retype: { htm: fraction } }", "htm"), Err(EditError::NoChange));
}

#[test]
fn members_once_more() {
    let key = ProofKey::generate(&SystemEntropy);
    let proof = minted(&key, URL, "{ again: { htm: PUT, typ: JWT } }", "{}").expect("a request").proof;
    assert!(proof.claims.ends_with(r#","htm":"PUT"}"#) && proof.claims.contains(r#""htm":"GET""#));
    assert!(proof.header.ends_with(r#","typ":"JWT"}"#) && proof.header.starts_with(r#"{"typ":"dpop+jwt""#));
}

#[test]
fn keys_in_other_forms() {
    let key = ProofKey::generate(&SystemEntropy);
    let jwk = key.public().to_json().to_text();
    for (proof, expected) in [
        ("{ mutate: [jwk-set] }", format!(r#"{{"keys":[{jwk}]}}"#)),
        ("{ retype: { jwk: array } }", format!("[{jwk}]")),
        ("{ retype: { jwk: string } }", Json::from(jwk.as_str()).to_text()),
        ("{ header: { jwk: {} } }", "{}".to_owned()),
        ("{ header: { jwk: {} }, jwk: { kty: EC } }", r#"{"kty":"EC"}"#.to_owned()),
        ("{ omit-of-jwk: [x, y] }", r#"{"crv":"P-256","kty":"EC"}"#.to_owned()),
    ] {
        let header = minted(&key, URL, proof, "{}").expect("a request").proof.header;
        assert_eq!(header, format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{expected}}}"#));
    }
}

/// The documents that libraries export are made by a library here.
#[test]
fn secrets_that_are_public() {
    let key = ProofKey::generate(&SystemEntropy);
    let PublicJwk::Ec(point) = key.public() else { panic!("a key on P-256") };
    let exported = p256::PublicKey::from_sec1_bytes(&point.to_uncompressed()).expect("a point");
    let der = exported.to_public_key_der().expect("DER");
    let pem = exported.to_public_key_pem(LineEnding::LF).expect("PEM");
    let coordinates = [point.x(), point.y()].concat();
    for (mutation, secret) in [
        ("hmac-public-key", key.public().to_json().to_text().as_bytes()),
        ("hmac-public-pem", pem.as_bytes()),
        ("hmac-public-der", der.as_bytes()),
        ("hmac-public-pem-bare", pem.trim_end().as_bytes()),
        ("hmac-public-x", point.x()),
        ("hmac-public-coordinates", &coordinates),
        ("hmac-sent-jwk", key.public().to_json().to_text().as_bytes()),
    ] {
        let proof = format!("{{ header: {{ alg: HS256 }}, mutate: [{mutation}] }}");
        let compact = minted(&key, URL, &proof, "{}").expect("a request").record.signed.compact();
        let (input, code) = compact.rsplit_once('.').expect("three segments");
        let code = base64url::decode(code).expect("base64url");
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        assert!(hmac::verify(&secret, input.as_bytes(), &code).is_ok(), "{mutation}");
    }
}

#[test]
fn nonces() {
    check("{}", "nonce", r#""eyJ7S_zG.eyJH0-Z.HX4w-7v""#);
    check("{ nonce: truncated }", "nonce", r#""eyJ7S_zG.eyJ""#);
    check("{ nonce: altered }", "nonce", r#""eyJ7S_zG.eyJA0-Z.HX4w-7v""#);
    check("{ retype: { nonce: array } }", "nonce", r#"["eyJ7S_zG.eyJH0-Z.HX4w-7v"]"#);
    check("{ retype: { nonce: object } }", "nonce", r#"{"value":"eyJ7S_zG.eyJH0-Z.HX4w-7v"}"#);
    check("{ claims: { nonce: null } }", "nonce", "null");
    check("{ omit: [nonce] }", "nonce", "");
}

#[test]
fn another_method() {
    for (proof, htm) in [("{}", r#""htm":"HEAD""#), ("{ claims: { htm: GET } }", r#""htm":"GET""#)] {
        let minted = minted(&ProofKey::generate(&SystemEntropy), URL, proof, "{ method: HEAD }");
        let minted = minted.expect("a request");
        assert!(minted.proof.claims.contains(htm), "{}", minted.proof.claims);
        assert!(minted.request.to_bytes().starts_with(b"HEAD /v1/me HTTP/1.1\r\n"));
    }
}

#[track_caller]
fn check_htu(url: &str, edit: &str, expected: &str) {
    let proof = format!("{{ htu: {edit} }}");
    let expected = Json::from(expected).to_text();
    assert_eq!(member(url, &proof, "htu").as_deref(), Ok(expected.as_str()), "{edit} at {url}");
}

#[test]
fn one_thing_in_htu() {
    for (edit, expected) in [
        ("other-scheme", "http://rs.example:443/v1/me"),
        ("other-host", "https://other.example/v1/me"),
        ("longer-host", "https://rs.example.other.example/v1/me"),
        ("other-port", "https://rs.example:8443/v1/me"),
        ("other-path", "https://rs.example/not-this-resource"),
        ("userinfo", "https://user@rs.example/v1/me"),
        ("{ suffix: /more }", "https://rs.example/v1/me/more"),
        ("{ query: page=2 }", "https://rs.example/v1/me?page=2"),
        ("{ fragment: part }", "https://rs.example/v1/me#part"),
        ("upper-case-origin", "HTTPS://RS.EXAMPLE/v1/me"),
        ("dot-segments", "https://rs.example/./x/../v1/me"),
        ("default-port", "https://rs.example:443/v1/me"),
        ("empty-port", "https://rs.example:/v1/me"),
        ("encoded-unreserved", "https://rs.example/%761/me"),
        ("shorter-path", "https://rs.example/v1"),
        ("path-case", "https://rs.example/V1/ME"),
        ("trailing-slash", "https://rs.example/v1/me/"),
        ("doubled-slash", "https://rs.example/v1//me"),
        ("encoded-slash", "https://rs.example/v1/.%2Fme"),
        ("relative", "/v1/me"),
        ("leading-space", " https://rs.example/v1/me"),
        ("trailing-space", "https://rs.example/v1/me "),
        ("backslash", "https://rs.example/v1\\me"),
        ("inner-tab", "https://rs.example/v1/\tme"),
        ("missing-slashes", "https:rs.example/v1/me"),
        ("{ prefix: /app }", "https://rs.example/app/v1/me"),
        ("encoded-twice", "https://rs.example/%25761/me"),
        ("encoded-dots", "https://rs.example/%2E/x/%2e%2E/v1/me"),
        ("trailing-dot", "https://rs.example./v1/me"),
        ("full-width", "https://\u{ff52}s.example/v1/me"),
    ] {
        check_htu(URL, edit, expected);
    }
}

#[test]
fn one_thing_in_an_htu_of_another_shape() {
    for (url, edit, expected) in [
        ("http://rs.example:80/", "default-port", "http://rs.example/"),
        ("http://rs.example:/r", "default-port", "http://rs.example:80/r"),
        ("http://rs.example:/r", "empty-port", "http://rs.example/r"),
        ("http://rs.example:80/r", "empty-port", "http://rs.example:/r"),
        ("http://rs.example/", "empty-path", "http://rs.example"),
        ("http://rs.example", "empty-path", "http://rs.example/"),
        ("http://rs.example/caf%C3%A9", "hex-digit-case", "http://rs.example/caf%c3%a9"),
        ("http://rs.example/a%2fb", "hex-digit-case", "http://rs.example/a%2Fb"),
        ("http://rs.example/caf%C3%A9", "path-case", "http://rs.example/CAF%C3%A9"),
        ("http://rs.example/%C3%A9f", "encoded-unreserved", "http://rs.example/%C3%A9%66"),
        ("http://rs.example/R", "path-case", "http://rs.example/r"),
        ("http://rs.example/r", "shorter-path", "http://rs.example/"),
        ("http://rs.example/a/r/", "shorter-path", "http://rs.example/a"),
        ("http://rs.example/r/", "trailing-slash", "http://rs.example/r"),
        ("http://rs.example/r", "doubled-slash", "http://rs.example//r"),
        ("http://rs.example/r", "encoded-slash", "http://rs.example/.%2Fr"),
        ("http://rs.example/a/r/", "encoded-slash", "http://rs.example/a/.%2Fr/"),
        ("http://rs.example/r", "backslash", "http://rs.example\\r"),
        ("http://rs.example/%C3%A9f", "encoded-twice", "http://rs.example/%C3%A9%2566"),
        ("http://127.0.0.1/r", "trailing-dot", "http://127.0.0.1./r"),
        ("http://10.0.0.5/r", "full-width", "http://\u{ff11}0.0.0.5/r"),
        ("http://127.0.0.2/r", "loopback-name", "http://localhost/r"),
        ("http://localhost/r", "loopback-name", "http://127.0.0.1/r"),
        ("http://127.0.0.1:80/r", "ipv4-number", "http://2130706433:80/r"),
        ("http://10.9.0.255/r", "ipv4-octal", "http://012.011.00.0377/r"),
        ("http://127.0.0.1/r", "ipv4-zero", "http://0127.0.0.1/r"),
        ("http://1.7.8.9/r", "ipv4-zero", "http://1.7.08.9/r"),
        ("http://127.0.0.1/r", "mapped-address", "http://[::ffff:127.0.0.1]/r"),
    ] {
        check_htu(url, edit, expected);
    }
}

#[test]
fn what_a_url_cannot_show() {
    for (url, edit) in [
        ("http://127.0.0.1:9401/r", "default-port"),
        ("https://rs.example:80/r", "empty-port"),
        ("http://rs.example/r", "empty-path"),
        ("http://rs.example/%41%20", "hex-digit-case"),
        ("http://rs.example/", "encoded-unreserved"),
        ("http://[::1]/r", "longer-host"),
        ("http://rs.example/", "shorter-path"),
        ("http://rs.example", "shorter-path"),
        ("http://rs.example/1/%C3", "path-case"),
        ("http://rs.example/", "trailing-slash"),
        ("http://rs.example", "trailing-slash"),
        ("http://rs.example/", "doubled-slash"),
        ("http://rs.example", "encoded-slash"),
        ("http://rs.example", "relative"),
        ("http://rs.example/", "backslash"),
        ("http://rs.example/", "inner-tab"),
        ("http://rs.example/", "encoded-twice"),
        ("http://[::1]/r", "trailing-dot"),
        ("http://[::1]/r", "full-width"),
        ("http://rs.example/r", "loopback-name"),
        ("http://localhost/r", "ipv4-number"),
        ("http://[::1]/r", "ipv4-octal"),
        ("http://1.2.3.7/r", "ipv4-zero"),
        ("http://rs.example/r", "mapped-address"),
    ] {
        let proof = format!("{{ htu: {edit} }}");
        let refused = member(url, &proof, "htu");
        assert!(matches!(refused, Err(EditError::NotForThisUrl(_))), "{edit} at {url}: {refused:?}");
    }
}

/// Each mutation changes something for some key, and says so where it does not.
#[test]
fn no_mutation_is_idle() {
    let keys = [Alg::Es256, Alg::EdDsa, Alg::Rs256].map(|alg| ProofKey::generate_for(alg, &SystemEntropy));
    for mutation in catalogue() {
        // What is left out of a key has to be in it.
        let before = if mutation.name == "short-x" { "leading-zero-key, " } else { "" };
        let proof = format!("{{ signer: fresh, mutate: [{before}{}] }}", mutation.name);
        let results: Vec<_> = keys.iter().map(|key| minted(key, URL, &proof, "{}").err()).collect();
        assert!(results.contains(&None), "{}: {results:?}", mutation.name);
        let known = |error: &EditError| {
            matches!(error, EditError::NotForThisKey(_) | EditError::NoChange | EditError::NoOtherSpelling(_))
        };
        assert!(results.iter().flatten().all(known), "{}: {results:?}", mutation.name);
    }
}

/// What stands on the wire, by the line that a mutation is about.
#[test]
fn fields_on_the_wire() {
    let key = ProofKey::generate(&SystemEntropy);
    let lines = |mutation: &str, name: &str| {
        let request =
            minted(&key, URL, &format!("{{ mutate: [{mutation}] }}"), "{}").expect("a request").request;
        let text = String::from_utf8(request.to_bytes()).expect("text");
        let own = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{name}:"));
        text.split("\r\n").filter(own).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines("empty-proof", "dpop"), ["DPoP: "]);
    assert_eq!(lines("dots-for-proof", "dpop"), ["DPoP: .."]);
    for (mutation, number) in [
        ("two-proofs", 2),
        ("identical-proofs", 2),
        ("junk-behind-proof", 2),
        ("junk-before-proof", 2),
        ("case-split-proofs", 2),
        ("joined-proofs", 1),
        ("lower-case-name", 1),
    ] {
        assert_eq!(lines(mutation, "dpop").len(), number, "{mutation}");
    }
    let [one, other] = &lines("identical-proofs", "dpop")[..] else { panic!("two lines") };
    assert_eq!(one, other);
    let [junk, proof] = &lines("junk-before-proof", "dpop")[..] else { panic!("two lines") };
    assert!(junk == "DPoP: junk" && proof.starts_with("DPoP: eyJ"));
    assert!(lines("upper-case-name", "dpop")[0].starts_with("DPOP: eyJ"));
    assert!(lines("folded-proof", "dpop")[0].starts_with("DPoP: eyJ"));
    let token = format!("Authorization: DPoP {TOKEN}");
    assert_eq!(
        lines("bearer-around-token", "authorization"),
        [format!("Authorization: Bearer {TOKEN}"), token.clone(), format!("Authorization: Bearer {TOKEN}")]
    );
    assert_eq!(lines("comma-behind-token", "authorization"), [format!("{token},")]);
    assert_eq!(lines("tab-before-token", "authorization"), [format!("Authorization: DPoP\t{TOKEN}")]);
    assert_eq!(lines("token-parameter", "authorization"), [format!("Authorization: DPoP token=\"{TOKEN}\"")]);
}

#[test]
fn a_token_in_another_place() {
    let key = ProofKey::generate(&SystemEntropy);
    let text = |edits: &str| {
        let request = minted(&key, URL, "{}", edits).expect("a request").request;
        String::from_utf8(request.to_bytes()).expect("text")
    };
    let query = text("{ token-in: query }");
    assert!(query.starts_with(&format!("GET /v1/me?access_token={TOKEN} HTTP/1.1\r\n")), "{query}");
    assert!(!query.contains("Authorization"));
    let form = text("{ token-in: form }");
    assert!(form.ends_with(&format!("\r\n\r\naccess_token={TOKEN}")), "{form}");
    assert!(form.contains(&format!("\r\nContent-Length: {}\r\n", "access_token=".len() + TOKEN.len())));
    let both = text("{ token-in: also-query }");
    assert!(both.starts_with(&format!("GET /v1/me?access_token={TOKEN} HTTP/1.1\r\n")), "{both}");
    assert!(both.contains(&format!("\r\nAuthorization: DPoP {TOKEN}\r\n")));
    let both = text("{ token-in: also-form }");
    assert!(
        both.contains("\r\nAuthorization: DPoP ") && both.ends_with(&format!("access_token={TOKEN}")),
        "{both}"
    );
}
