use std::fmt;

use super::base64url;

/// The `ath` claim: base64url of the SHA-256 of the ASCII bytes of the access token (RFC 9449 section 4.2).
///
/// It ties a proof to the one token that it travels with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ath(String);

impl Ath {
    /// The value for `access_token`.
    pub fn of(access_token: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
        Self(base64url::encode(digest))
    }

    /// The 43 characters of the claim.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_9449_section_7_1() {
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        assert_eq!(Ath::of(token).as_str(), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }
}
