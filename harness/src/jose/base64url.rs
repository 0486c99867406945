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

/// Another spelling of `text` that a lenient decoder reads as the same bytes: with other unused bits in its last character.
/// None where it has no bits to spare.
pub fn with_other_trailing_bits(text: &str) -> Option<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // The last character has four bits to spare in a group of two, two in a group of three, and none in a whole group.
    matches!(text.len() % 4, 2 | 3).then_some(())?;
    let (last, rest) = text.as_bytes().split_last()?;
    let value = ALPHABET.iter().position(|character| character == last)?;
    let other = ALPHABET.get(value ^ 1)?;
    Some(format!("{}{}", std::str::from_utf8(rest).ok()?, char::from(*other)))
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
