use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::{EncodedPoint, FieldBytes};
use serde::de::{Deserializer, IgnoredAny};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::Refusal;
use crate::uri::is_same_resource;

/// How old a proof may be, and how far ahead it may be dated, in seconds.
const PAST: i64 = 300;
const FUTURE: i64 = 30;
/// The longest `jti` that is remembered.
const LONGEST_JTI: usize = 256;
/// The longest proof that is looked at.
const LONGEST: usize = 8192;

/// The request that a proof has to be for.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// The URL without its query.
    pub(crate) target: &'a str,
    pub(crate) token: &'a str,
    pub(crate) now: i64,
}

/// What a good proof says.
pub(crate) struct Proof {
    /// Of its key (RFC 7638).
    pub(crate) thumbprint: String,
    pub(crate) jti: String,
    /// The last second in which it is good.
    pub(crate) good_until: i64,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
    /// An extension that has to be understood: there is none.
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
    /// Unencoded content (RFC 7797), which no JWT has.
    #[serde(default, deserialize_with = "is_there")]
    b64: bool,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    /// The private key, which has no place here.
    #[serde(default, deserialize_with = "is_there")]
    d: bool,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    alg: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    ath: String,
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The checks of RFC 9449 section 4.3.
pub(crate) fn verify(proof: &[u8], request: &Request<'_>) -> Result<Proof, Refusal> {
    let malformed = Refusal::Proof("the proof is not a signed JWT as it should be");
    if proof.len() > LONGEST {
        return Err(Refusal::Proof("the proof is too long"));
    }
    let jws = std::str::from_utf8(proof).ok().and_then(Jws::read).ok_or(malformed)?;
    let header: Header = object(&jws.header).ok_or(malformed)?;
    let claims: Claims = object(&jws.claims).ok_or(malformed)?;
    if header.typ != "dpop+jwt" || header.alg != "ES256" || header.crit || header.b64 {
        return Err(Refusal::Proof("the proof is another kind of JWT, or of another algorithm"));
    }
    let key = verifying_key(&header.jwk).ok_or(Refusal::Proof("the key is not a public key for ES256"))?;
    let signature = Signature::from_slice(&jws.signature).map_err(|_| malformed)?;
    key.verify(jws.signed.as_bytes(), &signature)
        .map_err(|_| Refusal::Proof("the signature of the proof is wrong"))?;

    if claims.htm != request.method || !is_same_resource(&claims.htu, request.target) {
        return Err(Refusal::Proof("the proof is for another request"));
    }
    let age = request.now as f64 - claims.iat;
    if !(-(FUTURE as f64)..=PAST as f64).contains(&age) {
        return Err(Refusal::Proof("the proof is too old, or of the future"));
    }
    if claims.ath != URL_SAFE_NO_PAD.encode(Sha256::digest(request.token)) {
        return Err(Refusal::Proof("the proof is for another access token"));
    }
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_JTI {
        return Err(Refusal::Proof("the jti of the proof is empty or too long"));
    }
    let good_until = claims.iat.floor() as i64 + PAST + 1;
    Ok(Proof { thumbprint: thumbprint(&header.jwk), jti: claims.jti, good_until })
}

/// A JWS in the compact form (RFC 7515 section 7.1).
struct Jws<'a> {
    signed: &'a str,
    header: Vec<u8>,
    claims: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        Some(Self {
            signed,
            header: decoded(header)?,
            claims: decoded(claims)?,
            signature: decoded(signature)?,
        })
    }
}

/// A JSON object. serde would also take an array for a struct, and a member that is repeated is an error only where the struct
/// has it.
fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    let json = std::str::from_utf8(json).ok()?;
    if json.trim_ascii_start().starts_with('{') { serde_json::from_str(json).ok() } else { None }
}

fn verifying_key(jwk: &Jwk) -> Option<VerifyingKey> {
    let for_this = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
        && jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|one| one == "verify"))
        && jwk.alg.as_deref().is_none_or(|alg| alg == "ES256");
    if jwk.kty != "EC" || jwk.crv != "P-256" || jwk.d || !for_this {
        return None;
    }
    let coordinate = |text: &str| {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(FieldBytes::from(bytes))
    };
    let point = EncodedPoint::from_affine_coordinates(&coordinate(&jwk.x)?, &coordinate(&jwk.y)?, false);
    VerifyingKey::from_encoded_point(&point).ok() // it lies on the curve
}

/// RFC 7638: the members that make the key, in this order. They have nothing to escape once they were decoded.
fn thumbprint(jwk: &Jwk) -> String {
    let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, jwk.x, jwk.y);
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}
