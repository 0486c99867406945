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
    AthNotChecked,
    AthOptional,
    AthFalsySkipped,
    AthNonStringSkipped,
    AthFirstOfArray,
    AthDecodedLeniently,
    AthHexAccepted,
    AthSha512Accepted,
    AthShapeOnly,
    HtmNotChecked,
    HtmOptional,
    HtmCaseFolded,
    HtmFirstOfArray,
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
    NonceNotChecked,
    NonceNotDemanded,
    NonceEmptySkipped,
    NonceNonStringSkipped,
    NonceNeverValid,
    BearerAccepted,
    BearerWithProofAccepted,
    ProofOptional,
    TokenOptional,
    AlgNoneAccepted,
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
    JwkOptional,
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
    JtiOptional,
    JtiAnyType,
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
pub struct DefectSet(u128);

impl DefectSet {
    /// No bug.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Whether `defect` is one of them.
    pub fn contains(self, defect: Defect) -> bool {
        self.0 & Self::bit(defect) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The bugs, in the order of [`DEFECTS`].
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        DEFECTS.iter().map(|row| row.defect).filter(move |defect| self.contains(*defect))
    }

    fn bit(defect: Defect) -> u128 {
        1 << (defect as u32)
    }
}

impl FromIterator<Defect> for DefectSet {
    fn from_iter<I: IntoIterator<Item = Defect>>(defects: I) -> Self {
        Self(defects.into_iter().fold(0, |set, defect| set | Self::bit(defect)))
    }
}

impl From<Defect> for DefectSet {
    fn from(defect: Defect) -> Self {
        Self(Self::bit(defect))
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
        assert!(declared <= 128, "DefectSet has 128 bits");
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
