use std::fmt;
use std::str::FromStr;

use super::base64url;
use super::json::Object;

/// A JWK thumbprint with SHA-256 (RFC 7638): the name of a key in `cnf.jkt` and `dpop_jkt` (RFC 9449 section 6.1).
///
/// Only [`FromStr`] and [`PublicJwk::thumbprint`](super::PublicJwk::thumbprint) make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Jkt([u8; 32]);

/// A text is not a thumbprint: 43 characters of canonical base64url that decode to 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 JWK thumbprint")]
pub struct NotAThumbprint;

impl Jkt {
    /// Hashes the required members, which the caller gives in lexicographic order (RFC 7638 section 3.2).
    pub(super) fn of_required_members(members: &Object) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, members.to_text().as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl FromStr for Jkt {
    type Err = NotAThumbprint;

    fn from_str(text: &str) -> Result<Self, NotAThumbprint> {
        let bytes = base64url::decode(text).ok_or(NotAThumbprint)?;
        bytes.try_into().map(Self).map_err(|_| NotAThumbprint)
    }
}

impl fmt::Display for Jkt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&base64url::encode(self.0))
    }
}
