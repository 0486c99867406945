use std::fmt;
use std::str::FromStr;

/// A nonce that a server supplied: one or more NQCHAR (RFC 9449 section 8.1, RFC 6749 appendix A).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Nonce(String);

/// A text is not a nonce by the grammar of RFC 9449 section 8.1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a nonce: one or more of %x21 / %x23-5B / %x5D-7E")]
pub struct NotANonce;

impl Nonce {
    /// The characters, as they stand in the `DPoP-Nonce` field and in the claim.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Nonce {
    type Err = NotANonce;

    fn from_str(text: &str) -> Result<Self, NotANonce> {
        let nqchar = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if !text.is_empty() && text.bytes().all(nqchar) { Ok(Self(text.to_owned())) } else { Err(NotANonce) }
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar() {
        assert!("eyJ7S_zG.eyJH0-Z.HX4w-7v".parse::<Nonce>().is_ok());
        for refused in ["", "a b", "a\"b", "a\\b", "a\u{7f}", "ä"] {
            assert!(refused.parse::<Nonce>().is_err(), "{refused:?}");
        }
    }
}
