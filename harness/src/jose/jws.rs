//! JWS compact serialisation (RFC 7515 section 7.1), read strictly.

use super::base64url;
use super::json::{self, Json, JsonError, Object};

/// A well-formed compact JWS whose header and payload are JSON objects. Its signature is not verified by reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compact<'a> {
    /// The JOSE header.
    pub header: Object,
    /// The claims.
    pub claims: Object,
    /// What the signature covers: the first two segments and the dot between them.
    pub signing_input: &'a str,
    /// The signature, decoded; empty for `alg: none`.
    pub signature: Vec<u8>,
}

/// A segment of a compact JWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// The first: the JOSE header.
    Header,
    /// The second: the claims.
    Payload,
    /// The third.
    Signature,
}

impl std::fmt::Display for Segment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// Why some bytes are not a compact JWS of two JSON objects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Not three segments.
    #[error("{0} segments instead of 3")]
    Segments(usize),
    /// A segment is not canonical base64url without padding.
    #[error("the {0} is not base64url")]
    Base64(Segment),
    /// A segment is not strict JSON.
    #[error("the {0} is not strict JSON: {1}")]
    Json(Segment, JsonError),
    /// A segment is JSON, but no object.
    #[error("the {0} is not a JSON object")]
    NotAnObject(Segment),
}

impl<'a> Compact<'a> {
    /// Reads a compact JWS.
    ///
    /// # Errors
    /// [`JwsError`] where there are not exactly three segments of canonical base64url, or header or payload are not
    /// JSON objects with unique member names.
    pub fn read(bytes: &'a [u8]) -> Result<Self, JwsError> {
        let mut segments = bytes.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(JwsError::Segments(bytes.split(|byte| *byte == b'.').count()));
        };
        let signature = base64url::decode(signature).ok_or(JwsError::Base64(Segment::Signature))?;
        let signing_input = bytes
            .get(..header.len() + 1 + payload.len())
            .and_then(|input| std::str::from_utf8(input).ok())
            .ok_or(JwsError::Base64(Segment::Header))?;
        Ok(Self {
            header: object(Segment::Header, header)?,
            claims: object(Segment::Payload, payload)?,
            signing_input,
            signature,
        })
    }
}

fn object(segment: Segment, text: &[u8]) -> Result<Object, JwsError> {
    let bytes = base64url::decode(text).ok_or(JwsError::Base64(segment))?;
    match json::read(&bytes) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err(JwsError::NotAnObject(segment)),
        Err(error) => Err(JwsError::Json(segment, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(header: &str, payload: &str, signature: &[u8]) -> String {
        let [header, payload, signature] =
            [header.as_bytes(), payload.as_bytes(), signature].map(base64url::encode);
        format!("{header}.{payload}.{signature}")
    }

    #[test]
    fn a_well_formed_one() {
        let text = compact(r#"{"alg":"ES256"}"#, r#"{"jti":"x"}"#, &[1, 2]);
        let jws = Compact::read(text.as_bytes()).expect("well-formed");
        assert_eq!(jws.header.member("alg").and_then(Json::as_str), Some("ES256"));
        assert_eq!(jws.signature, [1, 2]);
        assert_eq!(Some((jws.signing_input, "AQI")), text.rsplit_once('.'));
    }

    #[track_caller]
    fn refused(text: &str, expected: &JwsError) {
        assert_eq!(Compact::read(text.as_bytes()).as_ref(), Err(expected), "{text}");
    }

    #[test]
    fn malformed_ones() {
        refused("", &JwsError::Segments(1));
        refused("e30.e30", &JwsError::Segments(2));
        refused("e30.e30.e30.", &JwsError::Segments(4));
        refused("e30=.e30.AA", &JwsError::Base64(Segment::Header));
        refused("e30.e 30.AA", &JwsError::Base64(Segment::Payload));
        refused("e30.e30.AB", &JwsError::Base64(Segment::Signature));
        refused(&compact("[]", "{}", b""), &JwsError::NotAnObject(Segment::Header));
        refused(&compact("{}", "1", b""), &JwsError::NotAnObject(Segment::Payload));
        assert!(matches!(
            Compact::read(compact("{\"a\":1,\"a\":1}", "{}", b"").as_bytes()),
            Err(JwsError::Json(Segment::Header, _))
        ));
        assert!(Compact::read(b"\xff.\xff.\xff").is_err());
    }
}
