use super::base64url;
use super::json::{Json, Object};
use super::{Alg, Jkt};

/// A public key as a JWK (RFC 7517), of a kind that the harness can verify with.
///
/// [`PublicJwk::from_json`] is strict: it is how the reference server reads the `jwk` header parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicJwk {
    /// A point on P-256 by its coordinates (RFC 7518 section 6.2.1). That it is on the curve is checked on use.
    P256 {
        /// The x coordinate, big-endian.
        x: [u8; 32],
        /// The y coordinate, big-endian.
        y: [u8; 32],
    },
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
    /// A coordinate that is not base64url of exactly the length of the curve's field (RFC 7518 section 6.2.1.2).
    #[error("the coordinate \"{0}\" is not 32 bytes of base64url")]
    Coordinate(&'static str),
}

/// Members that only private or symmetric keys have (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

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
        if text("kty")? != "EC" || text("crv")? != "P-256" {
            return Err(JwkError::Unsupported);
        }
        let coordinate = |name: &'static str| {
            let bytes = base64url::decode(text(name)?).ok_or(JwkError::Coordinate(name))?;
            <[u8; 32]>::try_from(bytes).map_err(|_| JwkError::Coordinate(name))
        };
        Ok(Self::P256 { x: coordinate("x")?, y: coordinate("y")? })
    }

    /// The required members in lexicographic order: the input of the thumbprint, and a complete JWK.
    pub fn to_json(&self) -> Object {
        match self {
            Self::P256 { x, y } => Object::from([
                ("crv", Json::from("P-256")),
                ("kty", Json::from("EC")),
                ("x", Json::from(base64url::encode(x))),
                ("y", Json::from(base64url::encode(y))),
            ]),
        }
    }

    /// The thumbprint (RFC 7638) that `cnf.jkt` carries.
    pub fn thumbprint(&self) -> Jkt {
        Jkt::of_required_members(&self.to_json())
    }

    /// The algorithm that goes with the key.
    pub fn alg(&self) -> Alg {
        match self {
            Self::P256 { .. } => Alg::Es256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::json;

    const RFC_9449_KEY: &str = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#;

    fn key(text: &str) -> Result<PublicJwk, JwkError> {
        PublicJwk::from_json(json::read(text.as_bytes()).expect("JSON").as_object().expect("object"))
    }

    #[test]
    fn the_thumbprint_of_rfc_9449_section_6_1() {
        let thumbprint = key(RFC_9449_KEY).expect("valid").thumbprint();
        assert_eq!(thumbprint.to_string(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".parse(), Ok(thumbprint));
    }

    #[test]
    fn additional_members_and_order_do_not_matter() {
        let more = RFC_9449_KEY.replace("\"crv\"", "\"kid\":\"1\",\"use\":\"sig\",\"crv\"");
        assert_eq!(key(&more), key(RFC_9449_KEY));
    }

    #[test]
    fn private_and_malformed_keys_are_refused() {
        for (change, expected) in [
            (("\"crv\"", "\"d\":\"AA\",\"crv\""), JwkError::Private("d")),
            (("\"crv\"", "\"k\":null,\"crv\""), JwkError::Private("k")),
            (("P-256", "P-384"), JwkError::Unsupported),
            (("\"EC\"", "1"), JwkError::Missing("kty")),
            (("l8tF", "l8t"), JwkError::Coordinate("x")),
            (("9VE4jf_Ok", "AAAA9VE4jf_Ok"), JwkError::Coordinate("y")),
        ] {
            assert_eq!(key(&RFC_9449_KEY.replace(change.0, change.1)), Err(expected), "{change:?}");
        }
    }
}
