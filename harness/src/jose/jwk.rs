use super::base64url;
use super::json::{Json, Object};
use super::{Alg, Jkt};

/// A public key as a JWK (RFC 7517), of a kind that the harness can verify with.
///
/// [`PublicJwk::from_json`] is strict: it is how the reference server reads the `jwk` header parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicJwk {
    /// A point on an elliptic curve (RFC 7518 section 6.2.1).
    Ec(EcPoint),
    /// An RSA key (RFC 7518 section 6.3.1).
    Rsa(RsaPublic),
    /// An Ed25519 key (RFC 8037 section 2).
    Ed25519([u8; 32]),
}

/// An elliptic curve by its name in `crv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// `P-256`
    P256,
    /// `P-384`
    P384,
    /// `P-521`
    P521,
}

/// A point by its coordinates, each as long as the curve's field. That it is on the curve is checked on use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcPoint {
    curve: Curve,
    x: Vec<u8>,
    y: Vec<u8>,
}

/// The public half of an RSA key: big-endian numbers without leading zeros, `n` of at least 2048 bits, `e` odd and at
/// least 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaPublic {
    n: Vec<u8>,
    e: Vec<u8>,
}

/// Why a JSON object is not a public key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// A member that a private or symmetric key has.
    #[error("the key has the private member \"{0}\"")]
    Private(&'static str),
    /// A required member is absent or no string.
    #[error("the member \"{0}\" is missing or not a string")]
    Missing(&'static str),
    /// A key type or curve that is not supported.
    #[error("unsupported key type or curve")]
    Unsupported,
    /// A coordinate that is not base64url of exactly the length of the curve's field (RFC 7518 section 6.2.1.2, RFC 8037
    /// section 2).
    #[error("the coordinate \"{0}\" is not base64url of the length that the curve has")]
    Coordinate(&'static str),
    /// A number that is not base64url, is empty, or begins with a zero octet (RFC 7518 section 2, Base64urlUInt).
    #[error("the number \"{0}\" is not base64url without leading zeros")]
    Number(&'static str),
    /// An RSA modulus of so many bits: fewer than 2048 (RFC 7518 section 3.3), or more than 8192, which nobody verifies.
    #[error("the modulus has {0} bits, not 2048 to 8192")]
    ModulusBits(usize),
    /// An RSA exponent that is even or 1: signatures with it prove nothing.
    #[error("the exponent is even or 1")]
    Exponent,
}

/// Members that only private or symmetric keys have (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl Curve {
    /// Every curve.
    pub const ALL: &[Self] = &[Self::P256, Self::P384, Self::P521];

    /// The value of `crv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The length of a coordinate, and of each half of a signature, in bytes.
    pub fn field_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl EcPoint {
    /// The point in uncompressed form (SEC 1 section 2.3.3): 4, x, y. None where the lengths are others.
    pub fn from_uncompressed(curve: Curve, bytes: &[u8]) -> Option<Self> {
        let (4, coordinates) = bytes.split_first()? else { return None };
        if coordinates.len() != 2 * curve.field_bytes() {
            return None;
        }
        let (x, y) = coordinates.split_at(curve.field_bytes());
        Some(Self { curve, x: x.to_vec(), y: y.to_vec() })
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The x coordinate, big-endian.
    pub fn x(&self) -> &[u8] {
        &self.x
    }

    /// The y coordinate, big-endian.
    pub fn y(&self) -> &[u8] {
        &self.y
    }

    /// The point in uncompressed form.
    pub fn to_uncompressed(&self) -> Vec<u8> {
        [&[4], &self.x[..], &self.y].concat()
    }
}

impl RsaPublic {
    /// A key by its modulus and exponent, big-endian.
    ///
    /// # Errors
    /// [`JwkError`] where a number begins with a zero octet, or is too small or too large to be safe.
    pub fn new(n: Vec<u8>, e: Vec<u8>) -> Result<Self, JwkError> {
        for (name, number) in [("n", &n), ("e", &e)] {
            if number.first().is_none_or(|first| *first == 0) {
                return Err(JwkError::Number(name));
            }
        }
        let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err(JwkError::ModulusBits(bits));
        }
        if e == [1] || e.last().is_some_and(|last| last % 2 == 0) {
            return Err(JwkError::Exponent);
        }
        Ok(Self { n, e })
    }

    /// A key of any numbers: what a server with a planted bug takes.
    pub(crate) fn unchecked(n: Vec<u8>, e: Vec<u8>) -> Self {
        Self { n, e }
    }

    /// The modulus, big-endian.
    pub fn n(&self) -> &[u8] {
        &self.n
    }

    /// The exponent, big-endian.
    pub fn e(&self) -> &[u8] {
        &self.e
    }
}

impl PublicJwk {
    /// Reads a public key.
    ///
    /// # Errors
    /// [`JwkError`] where it is private, symmetric, unsupported or malformed.
    pub fn from_json(object: &Object) -> Result<Self, JwkError> {
        if let Some(private) = PRIVATE_MEMBERS.iter().find(|name| object.member(name).is_some()) {
            return Err(JwkError::Private(private));
        }
        let text =
            |name: &'static str| object.member(name).and_then(Json::as_str).ok_or(JwkError::Missing(name));
        let bytes = |name: &'static str, error: fn(&'static str) -> JwkError| {
            base64url::decode(text(name)?).ok_or(error(name))
        };
        match text("kty")? {
            "EC" => {
                let crv = text("crv")?;
                let curve = Curve::ALL.iter().copied().find(|curve| curve.name() == crv);
                let curve = curve.ok_or(JwkError::Unsupported)?;
                let coordinate = |name| {
                    let bytes = bytes(name, JwkError::Coordinate)?;
                    if bytes.len() == curve.field_bytes() {
                        Ok(bytes)
                    } else {
                        Err(JwkError::Coordinate(name))
                    }
                };
                Ok(Self::Ec(EcPoint { curve, x: coordinate("x")?, y: coordinate("y")? }))
            }
            "RSA" => {
                RsaPublic::new(bytes("n", JwkError::Number)?, bytes("e", JwkError::Number)?).map(Self::Rsa)
            }
            "OKP" if text("crv")? == "Ed25519" => {
                let x = bytes("x", JwkError::Coordinate)?;
                x.try_into().map(Self::Ed25519).map_err(|_| JwkError::Coordinate("x"))
            }
            _ => Err(JwkError::Unsupported),
        }
    }

    /// The required members in lexicographic order (RFC 7638 section 3.2, RFC 8037 section 2): the input of the
    /// thumbprint, and a complete JWK.
    pub fn to_json(&self) -> Object {
        match self {
            Self::Ec(point) => Object::from([
                ("crv", Json::from(point.curve.name())),
                ("kty", Json::from("EC")),
                ("x", Json::from(base64url::encode(&point.x))),
                ("y", Json::from(base64url::encode(&point.y))),
            ]),
            Self::Rsa(key) => Object::from([
                ("e", Json::from(base64url::encode(&key.e))),
                ("kty", Json::from("RSA")),
                ("n", Json::from(base64url::encode(&key.n))),
            ]),
            Self::Ed25519(x) => Object::from([
                ("crv", Json::from("Ed25519")),
                ("kty", Json::from("OKP")),
                ("x", Json::from(base64url::encode(x))),
            ]),
        }
    }

    /// The thumbprint (RFC 7638) that `cnf.jkt` carries.
    pub fn thumbprint(&self) -> Jkt {
        Jkt::of_required_members(&self.to_json())
    }

    /// The algorithms that go with the key: the only one, but for RSA keys.
    pub fn algs(&self) -> &'static [Alg] {
        match self {
            Self::Ec(point) => match point.curve {
                Curve::P256 => &[Alg::Es256],
                Curve::P384 => &[Alg::Es384],
                Curve::P521 => &[Alg::Es512],
            },
            Self::Rsa(_) => &[Alg::Rs256, Alg::Ps256],
            Self::Ed25519(_) => &[Alg::EdDsa],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::json;

    const RFC_9449_KEY: &str = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#;

    const RFC_7638_KEY: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

    const RFC_8037_KEY: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn key(text: &str) -> Result<PublicJwk, JwkError> {
        PublicJwk::from_json(json::read(text.as_bytes()).expect("JSON").as_object().expect("object"))
    }

    /// RFC 9449 section 6.1, RFC 7638 section 3.1, RFC 8037 appendix A.3.
    #[test]
    fn the_thumbprints_that_rfcs_print() {
        for (text, expected) in [
            (RFC_9449_KEY, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
            (RFC_7638_KEY, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
            (RFC_8037_KEY, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        ] {
            let thumbprint = key(text).expect("valid").thumbprint();
            assert_eq!(thumbprint.to_string(), expected);
            assert_eq!(expected.parse(), Ok(thumbprint));
        }
    }

    #[test]
    fn additional_members_and_order_do_not_matter() {
        let more = RFC_9449_KEY.replace("\"crv\"", "\"kid\":\"1\",\"use\":\"sig\",\"crv\"");
        assert_eq!(key(&more), key(RFC_9449_KEY));
    }

    #[track_caller]
    fn refused(text: &str, change: (&str, &str), expected: JwkError) {
        let changed = text.replacen(change.0, change.1, 1);
        assert_ne!(changed, text, "{change:?}");
        assert_eq!(key(&changed), Err(expected), "{change:?}");
    }

    #[test]
    fn private_and_malformed_keys_are_refused() {
        for (change, expected) in [
            (("\"crv\"", "\"d\":\"AA\",\"crv\""), JwkError::Private("d")),
            (("\"crv\"", "\"k\":null,\"crv\""), JwkError::Private("k")),
            (("P-256", "P-384"), JwkError::Coordinate("x")),
            (("P-256", "secp256k1"), JwkError::Unsupported),
            (("\"EC\"", "\"OKP\""), JwkError::Unsupported),
            (("\"EC\"", "1"), JwkError::Missing("kty")),
            (("l8tF", "l8t"), JwkError::Coordinate("x")),
            (("9VE4jf_Ok", "AAAA9VE4jf_Ok"), JwkError::Coordinate("y")),
        ] {
            refused(RFC_9449_KEY, change, expected);
        }
        for (change, expected) in [
            (("Ed25519", "Ed448"), JwkError::Unsupported),
            (("Ed25519", "X25519"), JwkError::Unsupported),
            (("11qYAYKx", "AAAA11qYAYKx"), JwkError::Coordinate("x")),
        ] {
            refused(RFC_8037_KEY, change, expected);
        }
    }

    #[test]
    fn rsa_keys_that_are_weak_or_not_canonical() {
        for (change, expected) in [
            (("\"AQAB\"", "\"AAEAAQ\""), JwkError::Number("e")),
            (("\"AQAB\"", "\"\""), JwkError::Number("e")),
            (("\"AQAB\"", "\"AQAB=\""), JwkError::Number("e")),
            (("\"AQAB\"", "\"AQ\""), JwkError::Exponent),
            (("\"AQAB\"", "\"AQAA\""), JwkError::Exponent),
            (("\"0vx7", "\"AAAA0vx7"), JwkError::Number("n")),
            (("\"0vx7", "\""), JwkError::ModulusBits(2023)),
            (("\"0vx7", "\"Uvx7"), JwkError::ModulusBits(2047)),
            (("\"kid\"", "\"dp\":\"AQ\",\"kid\""), JwkError::Private("dp")),
        ] {
            refused(RFC_7638_KEY, change, expected);
        }
        assert!(key(&RFC_7638_KEY.replace("\"AQAB\"", "\"Aw\"")).is_ok());
    }

    #[test]
    fn a_point_in_bytes() {
        let PublicJwk::Ec(point) = key(RFC_9449_KEY).expect("valid") else { panic!("not a point") };
        let bytes = point.to_uncompressed();
        assert_eq!(EcPoint::from_uncompressed(Curve::P256, &bytes), Some(point));
        assert_eq!(EcPoint::from_uncompressed(Curve::P384, &bytes), None);
        assert_eq!(EcPoint::from_uncompressed(Curve::P256, &bytes[1..]), None);
    }
}
