//! Members set to values: those that specifications name, those that past faults turned on, and one of each JSON type.

use serde_json::{Value, json};

use super::edit::{Edit, Fate, Fates};
use crate::jose::PROOF_TYP;

/// The claims of a proof, and others that a verifier may look at.
pub(super) const CLAIMS: &[&str] =
    &["jti", "htm", "htu", "iat", "ath", "nonce", "exp", "nbf", "aud", "iss", "sub", "cnf", "x", "__proto__"];

/// Header parameters that the harness writes there (RFC 7515 section 4.1, RFC 7797 section 3).
const PARAMETERS: &[&str] = &["typ", "alg", "jwk", "kid", "crit", "b64"];

/// The edits that set a claim.
pub(super) fn of_claims() -> Vec<Edit> {
    let values = |name: &str| [any_type(), special(name)].concat();
    let set = CLAIMS.iter().flat_map(|name| values(name).into_iter().map(|value| claim(name, value)));
    set.chain(again(&["jti", "htm", "htu", "iat", "ath", "x"])).collect()
}

/// The edits that set a header parameter.
pub(super) fn of_header() -> Vec<Edit> {
    let names = ["typ", "alg", "jwk", "kid", "crit", "b64", "x5u", "jku", "x5c", "zip", "enc", "cty", "x"];
    let values = |name: &str| [any_type(), special(name)].concat();
    let set = names.iter().flat_map(|name| values(name).into_iter().map(|value| parameter(name, value)));
    set.chain(again(&["typ", "alg", "jwk", "kid"])).collect()
}

/// The edits that set a member of `jwk` or take it out.
pub(super) fn of_jwk() -> Vec<Edit> {
    let names = ["kty", "crv", "x", "y", "d", "k", "n", "e", "use", "key_ops", "alg", "kid", "x5c", "ext"];
    let values = |name: &str| [any_type(), special_of_jwk(name)].concat();
    let set = names.iter().flat_map(|name| values(name).into_iter().map(|value| of_key(name, value)));
    let omitted =
        ["kty", "crv", "x", "y"].map(|name| Edit::of_proof("omit-of-jwk", json!([name]), Fate::Refused));
    set.chain(omitted).collect()
}

/// The edit that sets a claim to `value`.
pub(super) fn claim(name: &str, value: Value) -> Edit {
    let fates = fates_of_claim(name, &value);
    Edit::of_proof("claims", json!({ name: value }), fates)
}

/// The edit that sets a header parameter to `value`.
pub(super) fn parameter(name: &str, value: Value) -> Edit {
    let fate = fate_of_parameter(name, &value);
    Edit::of_proof("header", json!({ name: value }), fate)
}

/// The edit that sets a member of `jwk` to `value`.
pub(super) fn of_key(name: &str, value: Value) -> Edit {
    let fate = fate_of_jwk(name, &value);
    Edit::of_proof("jwk", json!({ name: value }), fate)
}

/// Members that stand twice. A reader may take the last (RFC 7515 section 4, RFC 7519 section 4), so that has to be wrong.
fn again<'a>(names: &'a [&str]) -> impl Iterator<Item = Edit> + 'a {
    names.iter().flat_map(|name| {
        let known = PARAMETERS.contains(name) || CLAIMS[..5].contains(name);
        let fate = if known && *name != "kid" { Fate::Refused } else { Fate::Either };
        let last = [json!("other"), json!(null), json!(1), json!({})];
        last.into_iter().map(move |value| {
            let good = *name == "jti" && value.is_string();
            Edit::of_proof("again", json!({ *name: value }), if good { Fate::Either } else { fate })
        })
    })
}

/// What is the value of no member of a proof: one or more of each JSON type.
fn any_type() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(""),
        json!("0"),
        json!("other"),
        json!(" "),
        json!("\u{0}"),
        json!("\u{feff}"),
        json!("é\u{1f511}"),
        json!("x".repeat(257)),
        json!([]),
        json!([null]),
        json!(["other", 1]),
        json!({}),
        json!({"value": "other"}),
        json!({"__proto__": {"typ": PROOF_TYP}}),
    ]
}

/// Values that mean something to a member, or nearly.
fn special(name: &str) -> Vec<Value> {
    match name {
        "jti" => vec![
            json!("../../x"),
            json!("a' or '1'='1"),
            json!("\r\nX: 1"),
            json!("a".repeat(255)),
            json!("constructor"),
        ],
        "htm" => ["get", "Get", "POSTGET", "GET,POST", "*", "CONNECT", " GET", "GET\u{0}", "ＧＥＴ"]
            .map(Value::from)
            .into(),
        "htu" => [
            "/",
            "//",
            "https://",
            "https:///",
            "http://[::1",
            "https://other.example/",
            "javascript:0",
            "https://other.example\\",
            "https://%00/",
            "https://other.example:99999/",
            "*",
            "data:,x",
        ]
        .map(Value::from)
        .into(),
        "iat" | "exp" | "nbf" => vec![
            json!(1),
            json!(i32::MAX),
            json!(u32::MAX),
            json!(9_007_199_254_740_991_i64),
            json!(9_007_199_254_740_993_i64),
            json!(i64::MAX),
            json!(253_402_300_800_i64),
            json!(-62_135_596_801_i64),
            json!(-0.0),
            json!(5e-324),
            json!(-1e300),
        ],
        "ath" => vec![
            json!("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
            json!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            json!("A".repeat(43)),
            json!("A".repeat(42)),
            json!("A".repeat(86)),
        ],
        "nonce" => vec![json!("n"), json!("nonce\r\n"), json!("a\"b"), json!("x".repeat(4096))],
        "typ" => ["JWT", "jwt", "at+jwt", "dpop", "dpop+jwt ", "dpop+jwtx", "dpop jwt", "dpop%2Bjwt", "*"]
            .map(Value::from)
            .into_iter()
            .chain(["DPoP+jwt", "DPOP+JWT", "application/dpop+jwt"].map(Value::from))
            .collect(),
        "alg" => [
            "none", "None", "NONE", "nOnE", "none ", "HS256", "HS512", "RS256", "PS256", "ES384", "ES512",
            "ES256K", "EdDSA", "es256", "ES256 ", "RSA-OAEP", "dir", "SHA256",
        ]
        .map(Value::from)
        .into(),
        "jwk" => vec![
            json!({"kty": "oct", "k": ""}),
            json!({"kty": "EC", "crv": "P-256", "x": "", "y": ""}),
            json!({"kty": "RSA", "n": "AQ", "e": "AQAB"}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "A".repeat(43)}),
            json!({"keys": []}),
        ],
        "crit" => {
            vec![json!(["b64"]), json!(["exp"]), json!(["crit"]), json!(["alg"]), json!("exp"), json!([""])]
        }
        _ => Vec::new(),
    }
}

fn special_of_jwk(name: &str) -> Vec<Value> {
    match name {
        "kty" => ["ec", "EC ", "RSA", "oct", "OKP", "AKP"].map(Value::from).into(),
        "crv" => ["p-256", "P-384", "P-521", "secp256k1", "Ed25519", "X25519", "prime256v1"]
            .map(Value::from)
            .into(),
        "x" | "y" => [40, 42, 43, 44, 86, 87].map(|length| json!("A".repeat(length))).into(),
        "use" => vec![json!("sig"), json!("enc")],
        "key_ops" => vec![json!(["verify"]), json!(["sign"]), json!(["verify", "verify"])],
        "alg" => vec![json!("ES256"), json!("ES384"), json!("none")],
        _ => Vec::new(),
    }
}

/// RFC 9449 section 4.3.
fn fates_of_claim(name: &str, value: &Value) -> Fates {
    match (name, value) {
        // Each of these may have been there before, and a server may remember it of anybody.
        ("jti", Value::String(_)) => Fate::Either.into(),
        ("htm", Value::String(text)) if is_loosely_a_method(text) => Fate::Either.into(),
        // Right values come from edits that know the request, the time and the token.
        ("jti" | "htm" | "ath", _) => Fate::Refused.into(),
        // Servers may compare more loosely than RFC 3986 says, but not with what is of another type or no URL.
        ("htu", Value::String(text)) if text.contains("://") => Fate::Either.into(),
        ("htu", _) => Fate::Refused.into(),
        ("iat", Value::Number(number)) if number.is_f64() => Fate::Either.into(),
        // A server that tells the time by the nonce need not look at it; but it has to be a date.
        ("iat", Value::Number(_)) => Fates { without_nonces: Fate::Refused, with_nonces: Fate::Either },
        ("iat", _) => Fate::Refused.into(),
        ("nonce", _) => Fates { without_nonces: Fate::Either, with_nonces: Fate::Refused },
        // Known claims may be checked like those of any JWT.
        ("x" | "__proto__", _) if value.as_str().is_none_or(|text| text.len() < 100) => Fate::Accepted.into(),
        _ => Fate::Either.into(),
    }
}

/// RFC 9449 section 4.3, RFC 7515 section 4.1.
fn fate_of_parameter(name: &str, value: &Value) -> Fate {
    match (name, value) {
        ("typ", Value::String(text)) if is_proof_typ(text) => Fate::Either,
        ("typ" | "alg" | "jwk", _) => Fate::Refused,
        ("crit", Value::Array(names)) if has_unknown_extension(names) => Fate::Refused,
        ("x", _) => Fate::Accepted,
        _ => Fate::Either,
    }
}

/// Media types have no case, and may lack `application/` (RFC 7515 section 4.1.9).
fn is_proof_typ(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.strip_prefix("application/").unwrap_or(&lower) == PROOF_TYP
}

/// Whether a method is only spelled in another way: servers should compare the bytes (RFC 9110 section 9.1).
fn is_loosely_a_method(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("GET")
}

/// Whether there is an extension that no verifier can understand; what else is wrong with `crit` may be refused (RFC 7515 section
/// 4.1.11).
fn has_unknown_extension(names: &[Value]) -> bool {
    let known = |name: &str| PARAMETERS.contains(&name) || CLAIMS.contains(&name);
    names.iter().all(Value::is_string) && names.iter().filter_map(Value::as_str).any(|name| !known(name))
}

/// RFC 9449 section 4.3, check 7, and RFC 7517 section 4.
fn fate_of_jwk(name: &str, value: &Value) -> Fate {
    match (name, value) {
        ("kty" | "crv" | "x" | "y", _) => Fate::Refused,
        // Keys with private members are refused; whether an empty one is a member at all is another question.
        // `k` is none of an EC key, and what is none may be ignored.
        ("d", Value::String(text)) if !text.is_empty() => Fate::Refused,
        ("ext", Value::Bool(_)) => Fate::Accepted,
        _ => Fate::Either,
    }
}
