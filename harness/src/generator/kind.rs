use crate::mutation::Area;

/// A kind of edit: a pool of the [`Catalogue`](super::Catalogue), or an open one with values out of the bytes.
///
/// New ones go to the end, as inputs that were kept choose them by their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A whole case of the suite, of which some take several edits at once.
    Case,
    /// A claim set to a value.
    Claim,
    /// A header parameter set to a value.
    Header,
    /// A member of `jwk` set to a value or taken out.
    Jwk,
    /// A claim or header parameter taken out.
    Omit,
    /// The right value in another JSON type.
    Retype,
    /// Another URL.
    Htu,
    /// Another key, signer or hash of the token.
    Binding,
    /// A mutation of claims or header, before signing.
    ClaimsMutation,
    /// A mutation of `jwk`.
    JwkMutation,
    /// A mutation of the texts and segments.
    JoseMutation,
    /// A mutation of the signature.
    SignatureMutation,
    /// A mutation of the fields that carry proof and token.
    WireMutation,
    /// `iat` at a distance out of the bytes.
    Age,
    /// A claim that is a text out of the bytes.
    Text,
    /// A claim that is a number out of the bytes.
    Number,
    /// `iat` at a distance of a power of two, which a number of fewer bits holds as now.
    Power,
}

impl Kind {
    /// Every kind, in the order in which bytes choose them.
    pub const ALL: &[Self] = &[
        Self::Case,
        Self::Claim,
        Self::Header,
        Self::Jwk,
        Self::Omit,
        Self::Retype,
        Self::Htu,
        Self::Binding,
        Self::ClaimsMutation,
        Self::JwkMutation,
        Self::JoseMutation,
        Self::SignatureMutation,
        Self::WireMutation,
        Self::Age,
        Self::Text,
        Self::Number,
        Self::Power,
    ];

    /// The layer that it is of; none where that differs from edit to edit.
    pub fn area(self) -> Option<Area> {
        match self {
            Self::Case => None,
            Self::Claim
            | Self::Omit
            | Self::Retype
            | Self::Htu
            | Self::ClaimsMutation
            | Self::Age
            | Self::Text
            | Self::Number
            | Self::Power => Some(Area::Claims),
            Self::Header | Self::JoseMutation => Some(Area::Jose),
            Self::Jwk | Self::JwkMutation => Some(Area::Jwk),
            Self::Binding | Self::SignatureMutation => Some(Area::Signature),
            Self::WireMutation => Some(Area::Wire),
        }
    }

    /// The kind of the mutations of an area.
    pub(super) fn of_mutations(area: Area) -> Self {
        match area {
            Area::Jose => Self::JoseMutation,
            Area::Claims => Self::ClaimsMutation,
            Area::Jwk => Self::JwkMutation,
            Area::Signature => Self::SignatureMutation,
            Area::Wire => Self::WireMutation,
        }
    }
}
