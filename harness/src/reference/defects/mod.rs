//! Planted bugs: what the reference server does wrong on request, one at a time.
//!
//! Each is modelled on a fault that a real server had. A conformance suite is worth what it catches, so every case is
//! run against the defects that it must catch, and every defect names those cases.

mod table;

use super::nonce::NonceMode;

pub use table::DEFECTS;

/// One planted bug.
#[expect(missing_docs, reason = "the summary in DEFECTS says what each one is")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    CnfIgnored,
    SignatureNotVerified,
    KeyCachedByThumbprint,
    UnboundAccepted,
    UnboundBearerAccepted,
    ExpIgnored,
    AudIgnored,
    TokenSignatureIgnored,
    JtiNotTracked,
    ReplayKeyIsSignature,
    ReplayKeyIsSigningInput,
    ReplayKeyIsThumbprint,
    ReplayKeyIsProof,
    ReplayCheckedThenStored,
    OneRequestAKey,
    ForgottenAfterASecond,
    RetentionFromReceipt,
    ReplayStoreEvicts,
    AthNotChecked,
    AthOptional,
    AthFalsySkipped,
    AthNonStringSkipped,
    AthFirstOfArray,
    AthDecodedLeniently,
    AthHexAccepted,
    AthSha512Accepted,
    AthShapeOnly,
    AthPrefix,
    AthCaseFolded,
    HtmNotChecked,
    HtmOptional,
    HtmCaseFolded,
    HtmFirstOfArray,
    HtmFalsySkipped,
    HtmNonStringSkipped,
    HeadTakenForGet,
    HeadWithGetProofAccepted,
    HtuNotChecked,
    HtuOptional,
    HtuPrefix,
    HtuPathOnly,
    HtuOriginOnly,
    HtuHostIgnored,
    HtuSchemeIgnored,
    HtuPortIgnored,
    HtuWithRequestQuery,
    HtuQueryRefused,
    HtuLiteral,
    HtuFalsySkipped,
    HtuNonStringSkipped,
    HtuUserinfoIgnored,
    HtuHostPrefix,
    HtuBeginningAccepted,
    HtuPathCaseFolded,
    HtuTrailingSlashIgnored,
    HtuSlashesMerged,
    HtuPathDecoded,
    HtuResolved,
    HtuTrimmed,
    HtuBackslashesTurned,
    HtuFragmentRefused,
    HtuPortLiteral,
    HtuEscapesLiteral,
    HtuEmptyPathKept,
    NonceNotChecked,
    NonceNotDemanded,
    NonceEmptySkipped,
    NonceNonStringSkipped,
    NonceNeverValid,
    NoncePrefix,
    NonceShapeOnly,
    NonceSecretNotShared,
    NonceOfSuccessUnknown,
    BearerAccepted,
    BearerWithProofAccepted,
    ProofOptional,
    TokenOptional,
    AlgNoneAccepted,
    AlgNoneBySpelling,
    HmacAccepted,
    ZeroSignatureAccepted,
    DerSignatureAccepted,
    AlgOfTheKeyTaken,
    RsaPaddingNotBound,
    Es256Refused,
    Es384Refused,
    Es512Refused,
    EdDsaRefused,
    Ps256Refused,
    Rs256Refused,
    TypNotChecked,
    TypOptional,
    TypPlainJwtAccepted,
    TypNonStringSkipped,
    TypPrefix,
    JwkOptional,
    JwkUnreadableSkipped,
    JwkFirstOfList,
    JwkPrivateAccepted,
    TwoSegmentsAccepted,
    FirstDuplicateWins,
    CrashOnOddType,
    CrashOnMissingClaim,
    IatNotChecked,
    IatOptional,
    IatPastUnlimited,
    IatFutureUnlimited,
    IatStringAccepted,
    IatZeroSkew,
    IatFalsySkipped,
    IatNonNumberSkipped,
    IatOverflow,
    IatFractionRefused,
    JtiOptional,
    JtiAnyType,
    JtiEmptyAccepted,
    FirstProofWins,
    LastProofWins,
    UnknownClaimsRefused,
    UnknownParametersRefused,
    ThumbprintOverAllMembers,
    ThumbprintInMemberOrder,
    SchemeCaseSensitive,
    ForbiddenStatus,
    NoChallenge,
    NoErrorCode,
    ChallengeWithoutNonce,
    ChallengeWithTwoNonces,
    ProofOncePerConnection,
    ConnectionTiedToProof,
    LostAnswerHoldsKey,
    Http2ProofNotChecked,
    FieldNameCaseSensitive,
    ReplayStorePerHttpVersion,
    OtherPathsOpen,
    OtherPathsTakeBearer,
    OtherPathsIgnoreCnf,
    OtherPathsNeedNoNonce,
    PossessionIsPermission,
    NoScopeIsEveryScope,
    PlainHttpServed,
    PlainHttpBehindTheProxy,
    PlainHttpOpen,
    RefusalsNotCounted,
    UnboundBearerRefused,
    IdenticalProofsMerged,
    UnreadableProofsDropped,
    ProofListSplit,
    ProofNameCaseSensitive,
    EmptyProofSkipped,
    UnreadableProofSkipped,
    ProofQuotesRemoved,
    ProofCutAtSpace,
    FoldedLinesJoined,
    ProofNotTrimmed,
    ConnectionFieldsRemoved,
    CredentialsTriedInTurn,
    TokenInQueryAccepted,
    TokenInFormAccepted,
    CredentialsSplitLeniently,
    TokenParameterAccepted,
    CredentialsCutShort,
    TwoSpacesRefused,
    HostTrusted,
    HostPrefixChecked,
    LastHostTrusted,
    AbsoluteFormTrusted,
    AbsoluteFormNotRead,
    ForwardedHostTrusted,
    ForwardedProtoTrusted,
    ForwardedPortTrusted,
    ForwardedFieldTrusted,
    OriginalUrlTrusted,
    RewriteUrlTrusted,
    MethodOverrideTrusted,
    ExtraSegmentsIgnored,
    JsonSerialisationAccepted,
    NestedProofUnwrapped,
    TruncatedJsonRepaired,
    JsonEndIgnored,
    JsonExtended,
    Utf16Accepted,
    Utf8Repaired,
    Base64Lenient,
    CritIgnored,
    SigningInputRebuilt,
    EscapedNamesLiteral,
    PrototypeRead,
    SignatureZeroModOrder,
    SignatureInFixedBuffer,
    EdDsaOrderNotChecked,
    DuplicateAlgLastUsed,
    DuplicateAlgFirstUsed,
    DuplicateJwkLastUsed,
    DuplicateJwkFirstUsed,
    JwkPrivateByDOnly,
    KidTakenForThumbprint,
    JwkKidTakenForThumbprint,
    KeyErrorSkipsSignature,
    InfinityKeyAccepted,
    CoordinatesDecodedLeniently,
    NanAccepted,
    IatWraps,
    IatMillisecondsAccepted,
    IatExponentRefused,
    ProtectsNothing,
}

/// A row of [`DEFECTS`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct DefectRow {
    /// The bug.
    pub defect: Defect,
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// What the server gets wrong, in one sentence.
    pub summary: &'static str,
    /// The cases that must catch it, by id.
    pub caught_by: &'static [&'static str],
    /// How the server must use nonces for the bug to show.
    pub nonce: NonceMode,
    /// The public URL that the resource must have for the bug to show; none where any will do.
    pub public_url: Option<&'static str>,
}

impl Defect {
    /// The row of [`DEFECTS`] for this bug.
    pub fn row(self) -> &'static DefectRow {
        DEFECTS
            .iter()
            .find(|row| row.defect == self)
            // A test looks every variant up.
            .unwrap_or_else(|| unreachable!("{self:?} has no row"))
    }

    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The bug called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        DEFECTS.iter().find(|row| row.name == name).map(|row| row.defect)
    }
}

/// The bugs that a server has: usually none or one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct DefectSet([u128; 2]);

impl DefectSet {
    /// No bug.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Whether `defect` is one of them.
    pub fn contains(self, defect: Defect) -> bool {
        let (word, bit) = Self::bit(defect);
        self.0[word] & bit != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == [0; 2]
    }

    /// The bugs, in the order of [`DEFECTS`].
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        DEFECTS.iter().map(|row| row.defect).filter(move |defect| self.contains(*defect))
    }

    /// The word that holds the bit of a bug, and the bit.
    fn bit(defect: Defect) -> (usize, u128) {
        let number = defect as usize;
        (number / 128, 1 << (number % 128))
    }
}

impl FromIterator<Defect> for DefectSet {
    fn from_iter<I: IntoIterator<Item = Defect>>(defects: I) -> Self {
        let mut set = Self::default();
        for defect in defects {
            let (word, bit) = Self::bit(defect);
            set.0[word] |= bit;
        }
        set
    }
}

impl From<Defect> for DefectSet {
    fn from(defect: Defect) -> Self {
        Self::from_iter([defect])
    }
}

impl std::fmt::Debug for DefectSet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_defect_has_exactly_one_row_in_the_order_of_the_enum() {
        let declared = Defect::ProtectsNothing as usize + 1;
        assert_eq!(DEFECTS.len(), declared, "ProtectsNothing is the last variant");
        assert!(DEFECTS.iter().enumerate().all(|(index, row)| row.defect as usize == index));
        assert!(declared <= 256, "DefectSet has 256 bits");
    }

    #[test]
    fn names_are_unique_and_lead_back() {
        let names: BTreeSet<_> = DEFECTS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), DEFECTS.len());
        for row in DEFECTS {
            let kebab = row.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
            assert!(kebab, "{}", row.name);
            assert_eq!(Defect::from_name(row.name), Some(row.defect));
            assert_eq!(row.defect.name(), row.name);
        }
        assert_eq!(Defect::from_name("AthOptional"), None);
    }

    #[test]
    fn every_row_says_what_is_wrong_and_who_must_notice() {
        for row in DEFECTS {
            assert!(
                row.public_url.is_none_or(|url| url.parse::<crate::jose::uri::Uri>().is_ok()),
                "{}",
                row.name
            );
            assert!(row.summary.ends_with('.'), "{}", row.name);
            assert!(!row.caught_by.is_empty(), "{}", row.name);
            let unique: BTreeSet<_> = row.caught_by.iter().collect();
            assert_eq!(unique.len(), row.caught_by.len(), "{}", row.name);
            for case in row.caught_by {
                assert!(case.starts_with("rs."), "{}: {case}", row.name);
            }
        }
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: DefectSet = [Defect::CnfIgnored, Defect::ProtectsNothing].into_iter().collect();
        assert!(set.contains(Defect::CnfIgnored) && set.contains(Defect::ProtectsNothing));
        assert!(!set.contains(Defect::AthOptional) && !set.is_empty() && DefectSet::empty().is_empty());
        assert_eq!(format!("{set:?}"), "{CnfIgnored, ProtectsNothing}");
        assert_eq!(DefectSet::from(Defect::CnfIgnored).iter().count(), 1);
    }
}
