use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Curve;

/// A signature algorithm for proofs and tokens, by its registered name (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
pub enum Alg {
    /// ECDSA on P-256 with SHA-256, the signature as `r || s`, 64 bytes (RFC 7518 section 3.4).
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384, 96 bytes.
    #[serde(rename = "ES384")]
    Es384,
    /// ECDSA on P-521 with SHA-512, 132 bytes.
    #[serde(rename = "ES512")]
    Es512,
    /// Ed25519, 64 bytes (RFC 8037 section 3.1). Ed448 goes by the same name and is not supported.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes (RFC 7518 section 3.5).
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).
    #[serde(rename = "RS256")]
    Rs256,
}

impl Alg {
    /// Every algorithm that the harness can sign with and verify. RSA comes last, for its keys take long to make.
    pub const ALL: &[Self] = &[Self::Es256, Self::Es384, Self::Es512, Self::EdDsa, Self::Ps256, Self::Rs256];

    /// The value of the `alg` header parameter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }

    /// The kind of key that goes with it.
    pub fn key_kind(self) -> KeyKind {
        match self {
            Self::Es256 => KeyKind::Ec(Curve::P256),
            Self::Es384 => KeyKind::Ec(Curve::P384),
            Self::Es512 => KeyKind::Ec(Curve::P521),
            Self::EdDsa => KeyKind::Ed25519,
            Self::Ps256 | Self::Rs256 => KeyKind::Rsa,
        }
    }

    /// The algorithm that `name` registers, compared as RFC 7515 section 4.1.1 says: case-sensitively. RFC 9864 knows
    /// EdDSA with Ed25519 as `Ed25519`, too.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.iter().copied().find(|alg| alg.name() == name)
    }
}

/// The kind of key that an algorithm needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// `kty` EC, on this curve.
    Ec(Curve),
    /// `kty` OKP, `crv` Ed25519.
    Ed25519,
    /// `kty` RSA.
    Rsa,
}

/// Some algorithms: those that a server accepts.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct AlgSet(u8);

impl AlgSet {
    /// Every algorithm that the harness knows.
    pub fn all() -> Self {
        Alg::ALL.iter().copied().collect()
    }

    /// The known ones among `names`.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(Alg::from_name).collect()
    }

    /// Whether `alg` is one of them.
    pub fn contains(self, alg: Alg) -> bool {
        self.0 & Self::bit(alg) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Them, in the order of [`Alg::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Alg> {
        Alg::ALL.iter().copied().filter(move |alg| self.contains(*alg))
    }

    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Alg::name).collect()
    }

    /// These and `alg`.
    #[must_use]
    pub fn with(self, alg: Alg) -> Self {
        Self(self.0 | Self::bit(alg))
    }

    fn bit(alg: Alg) -> u8 {
        1 << (alg as u8)
    }
}

impl FromIterator<Alg> for AlgSet {
    fn from_iter<I: IntoIterator<Item = Alg>>(algs: I) -> Self {
        algs.into_iter().fold(Self::default(), Self::with)
    }
}

/// As the `algs` parameter of a challenge has them (RFC 9449 section 7.1): `ES256 PS256`.
impl fmt::Display for AlgSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.names().join(" "))
    }
}

impl fmt::Debug for AlgSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AlgSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for alg in Alg::ALL {
            assert_eq!(Alg::from_name(alg.name()), Some(*alg));
            assert_eq!(serde_json::from_value(alg.name().into()).ok(), Some(*alg));
        }
        assert_eq!(Alg::from_name("Ed25519"), Some(Alg::EdDsa));
        for other in ["es256", "ES256 ", "ES256K", "HS256", "none", "Ed448", ""] {
            assert_eq!(Alg::from_name(other), None, "{other:?}");
        }
    }

    #[test]
    fn sets() {
        let set = AlgSet::from_names(["RS256", "HS256", "ES256", "RS256"]);
        assert_eq!(set.to_string(), "ES256 RS256");
        assert!(set.contains(Alg::Rs256) && !set.contains(Alg::Ps256));
        assert_eq!(AlgSet::all().iter().collect::<Vec<_>>(), Alg::ALL);
        assert!(AlgSet::default().is_empty() && !set.is_empty());
    }
}
