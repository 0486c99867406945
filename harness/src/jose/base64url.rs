//! base64url without padding (RFC 7515 section 2), the encoding of every part of a JWS.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `bytes` in base64url without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes that `text` encodes, or `None` where it has padding, a foreign character, an impossible length or non-zero
/// trailing bits: one value has one spelling.
pub fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_spelling() {
        assert_eq!(decode("Zm9v").as_deref(), Some(&b"foo"[..]));
        assert_eq!(decode("_-8").as_deref(), Some(&[0xff, 0xef][..]));
        for refused in ["Zm8=", "/+8", "Zm9", "Zm9v\n", " Zm9v", "Z", "Zm9v%3D"] {
            assert_eq!(decode(refused), None, "{refused:?}");
        }
    }
}
