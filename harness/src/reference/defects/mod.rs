//! Planted bugs: what the reference server does wrong on request, one at a time.
//!
//! Each is modelled on a fault that a real server had. A conformance suite is worth what it catches, so every case is
//! run against the defects that it must catch, and every defect names those cases.

mod answer;
mod ath;
mod connection;
mod field;
mod forwarded;
mod htm;
mod htu;
mod jwk;
mod jws;
mod metadata;
mod node;
mod nonce;
mod page;
mod place;
mod remote;
mod replay;
mod scheme;
mod signature;
mod time;
mod token;

use super::nonce::NonceMode;
use crate::spec::Profile;

/// The tables of bugs, one file a subject, in the order of [`Defect`].
const TABLES: &[&[DefectRow]] = &[
    token::ROWS,
    scheme::ROWS,
    signature::ROWS,
    jwk::ROWS,
    remote::ROWS,
    jws::ROWS,
    ath::ROWS,
    htm::ROWS,
    htu::ROWS,
    time::ROWS,
    replay::ROWS,
    nonce::ROWS,
    field::ROWS,
    forwarded::ROWS,
    connection::ROWS,
    place::ROWS,
    node::ROWS,
    page::ROWS,
    metadata::ROWS,
    answer::ROWS,
];

/// Every planted bug, in the order of [`Defect`].
pub fn defects() -> impl Iterator<Item = &'static DefectRow> + Clone {
    TABLES.iter().copied().flatten()
}

/// One planted bug.
#[expect(missing_docs, reason = "the summary in its row says what each one is")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    // The access token: what it is bound to, whom it is for, what it permits: `token`.
    CnfIgnored,
    KeyCachedByThumbprint,
    UnboundAccepted,
    ExpIgnored,
    AudIgnored,
    TokenSignatureIgnored,
    TokenAlgNoneAccepted,
    TokenJwkTrusted,
    TokenTypIgnored,
    IssIgnored,
    NbfIgnored,
    CnfWithoutJktAccepted,
    CnfFalsyIsUnbound,
    CnfWithoutStringIsUnbound,
    CnfOtherMembersRefused,
    CertificateInsteadOfKey,
    JktNonStringSkipped,
    JktFirstOfArray,
    JktPrefix,
    JktCaseFolded,
    JktSha1Accepted,
    ProofTakenForToken,
    TokenTakenForProof,
    PossessionOnly,
    PossessionIsPermission,
    NoScopeIsEveryScope,
    // Credentials: which scheme, where they stand, and whether any are needed: `scheme`.
    UnboundBearerAccepted,
    UnboundBearerRefused,
    BearerAccepted,
    BearerWithProofAccepted,
    ProofOptional,
    TokenOptional,
    SchemeCaseSensitive,
    CredentialsTriedInTurn,
    TokenInQueryAccepted,
    TokenInFormAccepted,
    TokenElsewhereTakenAsBearer,
    SecondTokenIgnored,
    TokenInProxyAuthorizationAccepted,
    CredentialsSplitLeniently,
    TokenParameterAccepted,
    CredentialsCutShort,
    TwoSpacesRefused,
    // Signatures and algorithms: `signature`.
    SignatureNotVerified,
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
    SignatureZeroModOrder,
    SignatureInFixedBuffer,
    EdDsaOrderNotChecked,
    SignatureRangeErrorSkipped,
    SmallOrderKeyAccepted,
    HeaderRebuilt,
    SignatureRemembered,
    SymmetricKeyAccepted,
    RsaPaddingEndIgnored,
    PssSaltAnyLength,
    AlgListNotEnforced,
    // The key in the header, and its thumbprint: `jwk`.
    JwkOptional,
    JwkUnreadableSkipped,
    JwkFirstOfList,
    JwkPrivateAccepted,
    ThumbprintOverAllMembers,
    ThumbprintInMemberOrder,
    DuplicateJwkLastUsed,
    DuplicateJwkFirstUsed,
    JwkPrivateByDOnly,
    KidTakenForThumbprint,
    JwkKidTakenForThumbprint,
    KeyErrorSkipsSignature,
    InfinityKeyAccepted,
    CoordinatesDecodedLeniently,
    EcCurveIgnored,
    OkpCurveIgnored,
    KeyPurposeIgnored,
    RsaKeyNotChecked,
    LeadingZeroDropped,
    // Keys elsewhere than in `jwk`, and what a proof costs: `remote`.
    RemoteKeysFetched,
    RemoteKeysOfJwkFetched,
    RemoteKeysInsteadOfJwk,
    CertificateKeyUsed,
    CertificateKeyHashed,
    CertificateHashTakenForThumbprint,
    KeySizeUnbounded,
    TextSizeUnbounded,
    // The form of the proof: segments, base64url, JSON, header parameters: `jws`.
    TypNotChecked,
    TypOptional,
    TypPlainJwtAccepted,
    TypNonStringSkipped,
    TypPrefix,
    TwoSegmentsAccepted,
    FirstDuplicateWins,
    CrashOnOddType,
    CrashOnMissingClaim,
    UnknownClaimsRefused,
    UnknownParametersRefused,
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
    TypCaseFolded,
    TypMediaTypeAccepted,
    TypAnyJwtAccepted,
    BomSkipped,
    OverlongAccepted,
    SurrogatesReplaced,
    CrashOnDepth,
    DuplicateAlgLastUsed,
    DuplicateAlgFirstUsed,
    CrashOnMissingJwk,
    CrashOnMalformedJwk,
    CrashOnBadBase64,
    // `ath`: `ath`.
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
    AthOfCredentialsAccepted,
    AthTrailingBitsIgnored,
    AthUnderExactScheme,
    // `htm`: `htm`.
    HtmNotChecked,
    HtmOptional,
    HtmCaseFolded,
    HtmFirstOfArray,
    HtmFalsySkipped,
    HtmNonStringSkipped,
    HeadTakenForGet,
    HeadWithGetProofAccepted,
    HtmTrimmed,
    HtmOfOtherMethodsNotChecked,
    // `htu`: `htu`.
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
    HtuControlsRemoved,
    HtuSlashesAdded,
    HtuParametersRemoved,
    HtuDecodedTwice,
    HtuDotsBeforeEscapes,
    HtuHostDotIgnored,
    HtuHostMapped,
    HtuLoopbackIsOne,
    HtuAddressComputed,
    HtuAddressZerosIgnored,
    HtuAddressUnmapped,
    HtuFirstOfArray,
    // `iat` and `jti`: `time`.
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
    IatWraps,
    IatMillisecondsAccepted,
    IatExponentRefused,
    NanAccepted,
    IatHoursAheadAccepted,
    IatTooLargeSkipped,
    IatDateInvalid,
    IatMinusOneIsNone,
    IatWindowOfSeconds,
    ProofExpHonoured,
    NbfOfProofIgnored,
    JtiOptional,
    JtiAnyType,
    JtiEmptyAccepted,
    // The memory of proofs: `replay`.
    JtiNotTracked,
    ReplayKeyIsSignature,
    ReplayKeyIsSigningInput,
    ReplayKeyIsThumbprint,
    ReplayKeyIsProof,
    ReplayCheckedThenStored,
    OneRequestAKey,
    ForgottenAfterASecond,
    ForgottenAfterAMinute,
    RetentionFromReceipt,
    ReplayStoreEvicts,
    ReplayStorePerHttpVersion,
    ReplayKeyIsJti,
    ReplayKeyWithRawHtu,
    ReplayKeyWithMethod,
    JtiRecordedUnverified,
    JtiRecordedBeforeClaims,
    JtiCollated,
    JtiCutAtNul,
    JtiTruncated,
    LongJtiCrashes,
    // Nonces: `nonce`.
    NonceNotChecked,
    NonceNotDemanded,
    NonceEmptySkipped,
    NonceNonStringSkipped,
    NonceNeverValid,
    NoncePrefix,
    NonceShapeOnly,
    NonceSecretNotShared,
    NonceOfSuccessUnknown,
    NonceBeginning,
    NonceCaseFolded,
    NonceTrimmed,
    NoncePercentDecoded,
    NonceOncePerConnection,
    NonceNotDemandedOfHead,
    NonceNotDemandedOverHttp2,
    NonceNeverExpires,
    NonceOnlyInChallenge,
    // The `DPoP` field: `field`.
    FirstProofWins,
    LastProofWins,
    IdenticalProofsMerged,
    UnreadableProofsDropped,
    ProofListSplit,
    ProofNameCaseSensitive,
    FieldNameCaseSensitive,
    EmptyProofSkipped,
    UnreadableProofSkipped,
    ProofQuotesRemoved,
    ProofCutAtSpace,
    FoldedLinesJoined,
    ProofNotTrimmed,
    ConnectionFieldsRemoved,
    ControlsRemoved,
    NulEndsField,
    TrailersMerged,
    // URLs and methods that only the sender states: `forwarded`.
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
    ForwardedPrefixTrusted,
    TargetAuthorityTrusted,
    CrashOnMalformedHost,
    // Connections and versions of HTTP: `connection`.
    ProofOncePerConnection,
    ConnectionTiedToProof,
    LostAnswerHoldsKey,
    Http2ProofNotChecked,
    // Other paths, and the resource without TLS: `place`.
    OtherPathsOpen,
    OtherPathsTakeBearer,
    OtherPathsIgnoreCnf,
    OtherPathsNeedNoNonce,
    PlainHttpServed,
    PlainHttpBehindTheProxy,
    PlainHttpOpen,
    // Other nodes of the same server: `node`.
    ReplayStorePerNode,
    NodeBeforeDpop,
    NodeIgnoresCnf,
    NodeNeedsNoNonce,
    NodeRefusesOtherNonces,
    // Web pages of other origins: `page`.
    CorsExposesNothing,
    CorsOnSuccessOnly,
    PreflightNeedsProof,
    PreflightWithoutDpop,
    PreflightByField,
    OriginTrusted,
    WildcardWithCredentials,
    // What it publishes of itself: `metadata`.
    MetadataAlgsOutdated,
    MetadataAlgsInOneString,
    MetadataDemandsInVain,
    MetadataOfAnotherUrl,
    MetadataLinkBroken,
    // How refusals are worded, and what is seen of them: `answer`.
    ForbiddenStatus,
    ProofRefusedWith400,
    NoChallenge,
    NoErrorCode,
    ChallengeWithoutNonce,
    ChallengeWithTwoNonces,
    NoncesInAList,
    NonceWithQuote,
    AnswersCached,
    AnswersPublic,
    CachedAnswerServed,
    ChallengeNotClosed,
    ChallengeWithoutCommas,
    ErrorWithoutCredentials,
    AlgsLeftOut,
    AlgsWithCommas,
    AlgsOfEverySort,
    ErrorAlwaysTheSame,
    ErrorInOtherChallenge,
    ScopeBlamedOnProof,
    ProxyChallengeSent,
    TraceInRefusal,
    TokenInRefusal,
    KeyInRefusal,
    NonceAskedForWith400,
    RefusalsNotCounted,
    ProtectsNothing,
}

/// A row of [`defects()`].
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
    /// The profile that the server must be set up for, and judged by, for the bug to show; none where any will do.
    pub profile: Option<Profile>,
}

impl Defect {
    /// The row of [`defects()`] for this bug.
    pub fn row(self) -> &'static DefectRow {
        defects()
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
        defects().find(|row| row.name == name).map(|row| row.defect)
    }
}

/// The bugs that a server has: usually none or one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct DefectSet([u128; DefectSet::WORDS]);

impl DefectSet {
    const WORDS: usize = 4;

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
        self.0 == [0; Self::WORDS]
    }

    /// The bugs, in the order of [`defects()`].
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        defects().map(|row| row.defect).filter(move |defect| self.contains(*defect))
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

const fn row(
    defect: Defect,
    name: &'static str,
    summary: &'static str,
    caught_by: &'static [&'static str],
) -> DefectRow {
    DefectRow { defect, name, summary, caught_by, nonce: NonceMode::Never, public_url: None, profile: None }
}

impl DefectRow {
    const fn with_nonces(self, nonce: NonceMode) -> Self {
        Self { nonce, ..self }
    }

    const fn at(self, public_url: &'static str) -> Self {
        Self { public_url: Some(public_url), ..self }
    }

    const fn under(self, profile: Profile) -> Self {
        Self { profile: Some(profile), ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_defect_has_exactly_one_row_in_the_order_of_the_enum() {
        let declared = Defect::ProtectsNothing as usize + 1;
        assert_eq!(defects().count(), declared, "ProtectsNothing is the last variant");
        assert!(defects().enumerate().all(|(index, row)| row.defect as usize == index));
        assert!(declared <= DefectSet::WORDS * 128, "each has its bit");
    }

    #[test]
    fn names_are_unique_and_lead_back() {
        let names: BTreeSet<_> = defects().map(|row| row.name).collect();
        assert_eq!(names.len(), defects().count());
        for row in defects() {
            let kebab = row.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
            assert!(kebab, "{}", row.name);
            assert_eq!(Defect::from_name(row.name), Some(row.defect));
            assert_eq!(row.defect.name(), row.name);
        }
        assert_eq!(Defect::from_name("AthOptional"), None);
    }

    #[test]
    fn every_row_says_what_is_wrong_and_who_must_notice() {
        for row in defects() {
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
