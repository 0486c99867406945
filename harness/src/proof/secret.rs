use std::fmt;

use crate::jose::base64url;

/// An access token. Whoever holds it and its key is the client, so it can't be printed by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccessToken(String);

impl AccessToken {
    /// Wraps a token at the place where it comes into being.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token itself, for the request that carries it and for `ath`.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AccessToken({})", tag(&self.0))
    }
}

/// Texts with fewer characters stand in harmless text by chance, so they can't be kept out of outputs.
pub const SHORTEST_SECRET: usize = 12;

/// What stands for a secret in every output: `sha256:` and 8 hexadecimal digits, so that equal ones stay comparable.
pub fn tag(secret: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    let digits: String = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// The claims of a JWT, where `token` is one.
pub(super) fn jwt_parts(token: &str) -> Option<[Vec<u8>; 2]> {
    let mut segments = token.split('.');
    let (header, claims) = (segments.next()?, segments.next()?);
    Some([base64url::decode(header)?, base64url::decode(claims)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_prints_as_its_tag() {
        let token = AccessToken::new("secret");
        assert_eq!(format!("{token:?}"), "AccessToken(sha256:2bb80d53)");
        assert_eq!(tag("secret"), tag("secret"));
        assert_ne!(tag("secret"), tag("secret2"));
    }
}
