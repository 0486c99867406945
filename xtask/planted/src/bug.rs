//! The bugs.

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// None of them: what differs from this shows a bug.
    Nothing,
    FirstProofWins,
    LastProofWins,
    FourthSegmentIgnored,
    PaddingAccepted,
    StandardAlphabetAccepted,
    TrailingBitsIgnored,
    LastCharacterDropped,
    SpacesSkipped,
    FirstDuplicateWins,
    LastDuplicateWins,
    ByteOrderMarkSkipped,
    TrailingTextIgnored,
    BadUtf8Replaced,
    LoneSurrogateReplaced,
    NotANumberRead,
    Recursion,
    EscapesLeftInNames,
    Utf16Read,
    CommentsAndCommasSkipped,
    TypByPrefix,
    TypFirstOfArray,
    TypOptional,
    AlgNoneInAnyCase,
    AlgIgnored,
    CritIgnored,
    UnencodedIgnored,
    PrivateMembersIgnored,
    CoordinatesAsNumbers,
    ThumbprintStatedInKid,
    KeyNotBound,
    EmptySignature,
    ZeroSignature,
    DerSignature,
    LongSignatureCut,
    JtiOfAnyType,
    JtiEmpty,
    HtmCaseIgnored,
    HtmByPrefix,
    HtuByPrefix,
    HtuNotString,
    IatAsText,
    IatWraps,
    IatNullSkipped,
    AthByHalf,
    AthCaseIgnored,
    AthOptional,
}

/// A bug.
#[derive(Debug)]
pub struct Row {
    pub(crate) bug: Bug,
    /// What it does.
    pub name: &'static str,
}

const fn row(bug: Bug, name: &'static str) -> Row {
    Row { bug, name }
}

/// Every bug.
pub const PLANTED: &[Row] = &[
    row(Bug::FirstProofWins, "of several DPoP fields the first is taken"),
    row(Bug::LastProofWins, "of several DPoP fields the last is taken"),
    row(Bug::FourthSegmentIgnored, "segments behind the third are ignored"),
    row(Bug::PaddingAccepted, "base64url: padding is skipped"),
    row(Bug::StandardAlphabetAccepted, "base64url: + and / are read, too"),
    row(Bug::TrailingBitsIgnored, "base64url: bits behind the last byte are ignored"),
    row(Bug::LastCharacterDropped, "base64url: off by one, a character left over is dropped"),
    row(Bug::SpacesSkipped, "base64url: white space is skipped"),
    row(Bug::FirstDuplicateWins, "JSON: of members of one name the first wins"),
    row(Bug::LastDuplicateWins, "JSON: of members of one name the last wins"),
    row(Bug::ByteOrderMarkSkipped, "JSON: a byte order mark is skipped"),
    row(Bug::TrailingTextIgnored, "JSON: what stands behind the object is ignored"),
    row(Bug::BadUtf8Replaced, "JSON: bad UTF-8 is replaced"),
    row(Bug::LoneSurrogateReplaced, "JSON: half a surrogate pair is replaced"),
    row(Bug::NotANumberRead, "JSON: NaN is read, and no comparison with it holds"),
    row(Bug::Recursion, "JSON: depth is bounded by the stack"),
    row(Bug::EscapesLeftInNames, "JSON: escapes in names are left, so a name can stand twice"),
    row(Bug::Utf16Read, "JSON: UTF-16 is read"),
    row(Bug::CommentsAndCommasSkipped, "JSON: comments and a last comma are skipped"),
    row(Bug::TypByPrefix, "typ is compared by its beginning"),
    row(Bug::TypFirstOfArray, "typ may be an array"),
    row(Bug::TypOptional, "typ may be absent"),
    row(Bug::AlgNoneInAnyCase, "alg none needs no signature, in any case but lower"),
    row(Bug::AlgIgnored, "alg is not looked at, the key decides"),
    row(Bug::CritIgnored, "crit is ignored"),
    row(Bug::UnencodedIgnored, "b64 is ignored"),
    row(Bug::PrivateMembersIgnored, "jwk may have private members"),
    row(Bug::CoordinatesAsNumbers, "coordinates are numbers: zeros in front don't count"),
    row(Bug::ThumbprintStatedInKid, "the thumbprint is what kid says: key confusion"),
    row(Bug::KeyNotBound, "the key is not compared with cnf.jkt"),
    row(Bug::EmptySignature, "an empty signature needs no verification"),
    row(Bug::ZeroSignature, "a signature of zeros fits every key"),
    row(Bug::DerSignature, "signatures in DER are read, too"),
    row(Bug::LongSignatureCut, "of a long signature 64 bytes are looked at"),
    row(Bug::JtiOfAnyType, "jti may be of any type"),
    row(Bug::JtiEmpty, "jti may be empty"),
    row(Bug::HtmCaseIgnored, "htm is compared without regard to case"),
    row(Bug::HtmByPrefix, "htm is compared by its beginning"),
    row(Bug::HtuByPrefix, "htu is compared by its beginning"),
    row(Bug::HtuNotString, "htu that is no string is skipped"),
    row(Bug::IatAsText, "iat may be digits in a string"),
    row(Bug::IatWraps, "iat is cut to 32 bits"),
    row(Bug::IatNullSkipped, "iat that is null is skipped"),
    row(Bug::AthByHalf, "ath is compared by its first half"),
    row(Bug::AthCaseIgnored, "ath is compared without regard to case"),
    row(Bug::AthOptional, "ath may be absent"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bugs_are_many_and_each_is_there_once() {
        assert!(PLANTED.len() >= 30);
        for (at, row) in PLANTED.iter().enumerate() {
            let mut others = PLANTED[..at].iter();
            assert!(others.all(|other| other.bug != row.bug && other.name != row.name), "{}", row.name);
        }
    }
}
