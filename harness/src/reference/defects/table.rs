use super::{Defect, DefectRow};
use crate::reference::nonce::NonceMode;

/// Every planted bug, in the order of [`Defect`].
pub const DEFECTS: &[DefectRow] = &[
    row(
        Defect::CnfIgnored,
        "cnf-ignored",
        "Never compares the proof's key with `cnf.jkt`, so whoever steals a token uses it with a key of their own.",
        &["rs.key.fresh-key", "rs.token.of-another-client", "rs.token.swapped-keys"],
    ),
    row(
        Defect::SignatureNotVerified,
        "signature-not-verified",
        "Reads the proof without verifying its signature, so a public key is enough to forge one.",
        &[
            "rs.key.bound-jwk-other-signer",
            "rs.jose.flipped-signature",
            "rs.jose.zero-signature",
            "rs.jose.der-signature",
        ],
    ),
    row(
        Defect::KeyCachedByThumbprint,
        "key-cached-by-thumbprint",
        "Verifies with the key that it remembers for the token's `cnf.jkt` and not with the `jwk` in the proof.",
        &["rs.key.other-jwk-bound-signer"],
    ),
    row(
        Defect::UnboundAccepted,
        "unbound-accepted",
        "Accepts a token without `cnf.jkt` under the DPoP scheme, with whatever key signs the proof.",
        &["rs.token.unbound"],
    ),
    row(
        Defect::UnboundBearerAccepted,
        "unbound-bearer-accepted",
        "Still serves unbound tokens as `Bearer`, as it did before DPoP was required.",
        &["rs.downgrade.unbound-bearer"],
    ),
    row(
        Defect::ExpIgnored,
        "exp-ignored",
        "Accepts an expired token when the proof is right.",
        &["rs.token.expired"],
    ),
    row(
        Defect::AudIgnored,
        "aud-ignored",
        "Accepts a token that was issued for another audience.",
        &["rs.token.other-audience"],
    ),
    row(
        Defect::TokenSignatureIgnored,
        "token-signature-ignored",
        "Decodes the access token without verifying its signature.",
        &["rs.token.tampered"],
    ),
    row(
        Defect::JtiNotTracked,
        "jti-not-tracked",
        "Remembers no proof, so a recorded request can be sent again.",
        &["rs.replay.twice", "rs.replay.same-jti", "rs.replay.twin-signature"],
    ),
    row(
        Defect::ReplayKeyIsSignature,
        "replay-key-is-signature",
        "Remembers proofs by their signature, which anybody can turn into its twin `n - s`.",
        &["rs.replay.same-jti", "rs.replay.twin-signature"],
    ),
    row(
        Defect::ReplayKeyIsSigningInput,
        "replay-key-is-signing-input",
        "Remembers proofs by their signed text, so a `jti` may come back in another proof.",
        &["rs.replay.same-jti"],
    ),
    row(
        Defect::ReplayKeyIsThumbprint,
        "replay-key-is-thumbprint",
        "Remembers proofs by their key alone, so each key can be used once.",
        &["rs.replay.distinct-ok"],
    ),
    row(
        Defect::AthNotChecked,
        "ath-not-checked",
        "Never looks at `ath`, so a proof made for one token carries every other of the same key.",
        &[
            "rs.ath.missing",
            "rs.ath.other-token",
            "rs.ath.hex",
            "rs.ath.padded",
            "rs.ath.sha512",
            "rs.ath.empty",
            "rs.ath.null",
            "rs.ath.array",
        ],
    ),
    row(Defect::AthOptional, "ath-optional", "Checks `ath` only where it is there.", &["rs.ath.missing"]),
    row(
        Defect::AthFalsySkipped,
        "ath-falsy-skipped",
        "Checks `ath` only where it is truthy, as `if (claims.ath)` does.",
        &["rs.ath.missing", "rs.ath.empty", "rs.ath.null"],
    ),
    row(
        Defect::AthNonStringSkipped,
        "ath-non-string-skipped",
        "Demands `ath`, but compares it only where it is a string.",
        &["rs.ath.null", "rs.ath.array"],
    ),
    row(
        Defect::AthFirstOfArray,
        "ath-first-of-array",
        "Takes the first element where `ath` is an array.",
        &["rs.ath.array"],
    ),
    row(
        Defect::AthDecodedLeniently,
        "ath-decoded-leniently",
        "Compares `ath` after decoding, with padding and either base64 alphabet.",
        &["rs.ath.padded"],
    ),
    row(Defect::AthHexAccepted, "ath-hex-accepted", "Takes a hexadecimal `ath` as well.", &["rs.ath.hex"]),
    row(
        Defect::AthSha512Accepted,
        "ath-sha512-accepted",
        "Chooses the hash function by the length of `ath`.",
        &["rs.ath.sha512"],
    ),
    row(
        Defect::AthShapeOnly,
        "ath-shape-only",
        "Checks that `ath` is the base64url of 32 bytes, but not which.",
        &["rs.ath.other-token"],
    ),
    row(
        Defect::HtmNotChecked,
        "htm-not-checked",
        "Never looks at `htm`, so a proof for GET also carries a DELETE.",
        &["rs.htm.missing", "rs.htm.other-method", "rs.htm.lower-case", "rs.htm.array"],
    ),
    row(Defect::HtmOptional, "htm-optional", "Checks `htm` only where it is there.", &["rs.htm.missing"]),
    row(
        Defect::HtmCaseFolded,
        "htm-case-folded",
        "Compares `htm` without regard to case, although methods are case-sensitive.",
        &["rs.htm.lower-case"],
    ),
    row(
        Defect::HtmFirstOfArray,
        "htm-first-of-array",
        "Takes the first element where `htm` is an array.",
        &["rs.htm.array"],
    ),
    row(
        Defect::HtuNotChecked,
        "htu-not-checked",
        "Never looks at `htu`, so a proof for one URI carries a request to any other.",
        &[
            "rs.htu.missing",
            "rs.htu.other-path",
            "rs.htu.longer-path",
            "rs.htu.other-host",
            "rs.htu.other-scheme",
            "rs.htu.other-port",
        ],
    ),
    row(Defect::HtuOptional, "htu-optional", "Checks `htu` only where it is there.", &["rs.htu.missing"]),
    row(
        Defect::HtuPrefix,
        "htu-prefix",
        "Is content when `htu` begins with the request's URI.",
        &["rs.htu.longer-path"],
    ),
    row(
        Defect::HtuPathOnly,
        "htu-path-only",
        "Compares only the path of `htu`, so a proof made for another server passes.",
        &["rs.htu.other-host", "rs.htu.other-scheme", "rs.htu.other-port"],
    ),
    row(
        Defect::HtuOriginOnly,
        "htu-origin-only",
        "Compares only scheme, host and port of `htu`.",
        &["rs.htu.other-path", "rs.htu.longer-path", "rs.resources.proof-of-another"],
    ),
    row(
        Defect::HtuHostIgnored,
        "htu-host-ignored",
        "Does not compare the host of `htu`.",
        &["rs.htu.other-host"],
    ),
    row(
        Defect::HtuSchemeIgnored,
        "htu-scheme-ignored",
        "Does not compare the scheme of `htu`.",
        &["rs.htu.other-scheme"],
    ),
    row(
        Defect::HtuPortIgnored,
        "htu-port-ignored",
        "Does not compare the port of `htu`.",
        &["rs.htu.other-port"],
    ),
    row(
        Defect::HtuWithRequestQuery,
        "htu-with-request-query",
        "Compares `htu` with the whole URI, so every request with a query is refused.",
        &["rs.htu.request-query-ok"],
    ),
    row(
        Defect::HtuQueryRefused,
        "htu-query-refused",
        "Refuses an `htu` with a query instead of ignoring the query.",
        &["rs.htu.query-ok"],
    ),
    row(
        Defect::HtuLiteral,
        "htu-literal",
        "Compares `htu` as text, without normalisation.",
        &["rs.htu.upper-case-host-ok", "rs.htu.dot-segments-ok"],
    ),
    row(
        Defect::NonceNotChecked,
        "nonce-not-checked",
        "Demands a nonce and takes any.",
        &["rs.nonce.made-up", "rs.nonce.empty", "rs.nonce.number"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceNotDemanded,
        "nonce-not-demanded",
        "Supplies nonces, but lets a proof without one pass.",
        &["rs.nonce.missing"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceEmptySkipped,
        "nonce-empty-skipped",
        "Demands the claim, but does not check an empty nonce.",
        &["rs.nonce.empty"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceNonStringSkipped,
        "nonce-non-string-skipped",
        "Demands the claim, but checks the nonce only where it is a string.",
        &["rs.nonce.number"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceNeverValid,
        "nonce-never-valid",
        "Does not recognise the nonces that it supplied.",
        &["rs.nonce.usable-ok"],
    )
    .with_nonces(NonceMode::Optional),
    row(
        Defect::BearerAccepted,
        "bearer-accepted",
        "Takes a bound token as a bearer token, so a stolen one needs no key.",
        &["rs.downgrade.bearer", "rs.downgrade.bearer-with-proof"],
    ),
    row(
        Defect::BearerWithProofAccepted,
        "bearer-with-proof-accepted",
        "Takes a bound token under the Bearer scheme where a proof rides along.",
        &["rs.downgrade.bearer-with-proof"],
    ),
    row(
        Defect::ProofOptional,
        "proof-optional",
        "Checks the proof only where there is one.",
        &["rs.downgrade.no-proof"],
    ),
    row(
        Defect::TokenOptional,
        "token-optional",
        "Lets whoever signs a proof in without an access token.",
        &["rs.downgrade.no-token"],
    ),
    row(
        Defect::AlgNoneAccepted,
        "alg-none-accepted",
        "Accepts an unsigned proof that says `alg: none`.",
        &["rs.jose.alg-none"],
    ),
    row(
        Defect::HmacAccepted,
        "hmac-accepted",
        "Accepts HS256 with the public key as the secret.",
        &["rs.jose.hmac-public-key"],
    ),
    row(
        Defect::ZeroSignatureAccepted,
        "zero-signature-accepted",
        "Accepts an ECDSA signature of zeros, which verifies any text where the range of r and s is not checked.",
        &["rs.jose.zero-signature"],
    ),
    row(
        Defect::DerSignatureAccepted,
        "der-signature-accepted",
        "Accepts an ASN.1 DER signature as well.",
        &["rs.jose.der-signature"],
    ),
    row(
        Defect::AlgOfTheKeyTaken,
        "alg-of-the-key-taken",
        "Verifies with the algorithm that the key has, whatever `alg` says.",
        &["rs.alg.alg-key-mismatch"],
    ),
    row(
        Defect::RsaPaddingNotBound,
        "rsa-padding-not-bound",
        "Takes a signature of either padding by an RSA key, whichever `alg` names.",
        &["rs.alg.rs256-as-ps256"],
    ),
    row(
        Defect::Es256Refused,
        "es256-refused",
        "Says that it accepts ES256, and refuses it.",
        &["rs.alg.es256-ok"],
    ),
    row(
        Defect::Es384Refused,
        "es384-refused",
        "Says that it accepts ES384, and refuses it.",
        &["rs.alg.es384-ok"],
    ),
    row(
        Defect::Es512Refused,
        "es512-refused",
        "Says that it accepts ES512, and refuses it.",
        &["rs.alg.es512-ok"],
    ),
    row(
        Defect::EdDsaRefused,
        "eddsa-refused",
        "Says that it accepts EdDSA, and refuses it.",
        &["rs.alg.eddsa-ok"],
    ),
    row(
        Defect::Ps256Refused,
        "ps256-refused",
        "Says that it accepts PS256, and refuses it.",
        &["rs.alg.ps256-ok"],
    ),
    row(
        Defect::Rs256Refused,
        "rs256-refused",
        "Says that it accepts RS256, and refuses it.",
        &["rs.alg.rs256-ok"],
    ),
    row(
        Defect::TypNotChecked,
        "typ-not-checked",
        "Never looks at `typ`, so other JWTs of the same key pass for proofs.",
        &["rs.jose.typ-missing", "rs.jose.typ-jwt"],
    ),
    row(
        Defect::TypOptional,
        "typ-optional",
        "Checks `typ` only where it is there.",
        &["rs.jose.typ-missing"],
    ),
    row(
        Defect::TypPlainJwtAccepted,
        "typ-plain-jwt-accepted",
        "Accepts the general `typ` of every JWT.",
        &["rs.jose.typ-jwt"],
    ),
    row(
        Defect::JwkOptional,
        "jwk-optional",
        "Lets a proof without `jwk` through, as there is nothing to verify it with.",
        &["rs.jose.jwk-missing"],
    ),
    row(
        Defect::JwkPrivateAccepted,
        "jwk-private-accepted",
        "Accepts a private key in `jwk`.",
        &["rs.jose.jwk-private"],
    ),
    row(
        Defect::TwoSegmentsAccepted,
        "two-segments-accepted",
        "Verifies the signature only where there is a third segment.",
        &["rs.jose.two-segments"],
    ),
    row(
        Defect::FirstDuplicateWins,
        "first-duplicate-wins",
        "Takes the first of two members of the same name.",
        &["rs.jose.duplicate-claim"],
    ),
    row(
        Defect::CrashOnOddType,
        "crash-on-odd-type",
        "Answers 500 where a claim has an unexpected type.",
        &["rs.answer.fault"],
    ),
    row(
        Defect::CrashOnMissingClaim,
        "crash-on-missing-claim",
        "Answers 500 where a required claim is absent.",
        &["rs.answer.fault"],
    ),
    row(
        Defect::IatNotChecked,
        "iat-not-checked",
        "Never looks at `iat`, so a proof lasts for ever.",
        &["rs.time.iat-missing", "rs.time.iat-old", "rs.time.iat-future", "rs.time.iat-string"],
    ),
    row(
        Defect::IatOptional,
        "iat-optional",
        "Checks `iat` only where it is there.",
        &["rs.time.iat-missing"],
    ),
    row(Defect::IatPastUnlimited, "iat-past-unlimited", "Accepts proofs of any age.", &["rs.time.iat-old"]),
    row(
        Defect::IatFutureUnlimited,
        "iat-future-unlimited",
        "Accepts proofs made for any time to come.",
        &["rs.time.iat-future"],
    ),
    row(
        Defect::IatStringAccepted,
        "iat-string-accepted",
        "Takes an `iat` that is a string of digits.",
        &["rs.time.iat-string"],
    ),
    row(
        Defect::IatZeroSkew,
        "iat-zero-skew",
        "Refuses an `iat` one second ahead, so a client whose clock is a little fast can't get in.",
        &["rs.accept.iat-slightly-ahead"],
    ),
    row(
        Defect::JtiOptional,
        "jti-optional",
        "Lets a proof without `jti` through, and can't recognise it again.",
        &["rs.jti.missing"],
    ),
    row(Defect::JtiAnyType, "jti-any-type", "Takes a `jti` of any type.", &["rs.jti.number"]),
    row(
        Defect::FirstProofWins,
        "first-proof-wins",
        "Checks the first of several `DPoP` fields and ignores the others.",
        &["rs.http.two-proofs"],
    ),
    row(
        Defect::LastProofWins,
        "last-proof-wins",
        "Checks the last of several `DPoP` fields and ignores the others.",
        &["rs.http.two-proofs"],
    ),
    row(
        Defect::UnknownClaimsRefused,
        "unknown-claims-refused",
        "Refuses proofs with a claim that it does not know.",
        &["rs.accept.unknown-claim"],
    ),
    row(
        Defect::UnknownParametersRefused,
        "unknown-parameters-refused",
        "Refuses proofs with a header parameter that it does not know.",
        &["rs.accept.unknown-parameter"],
    ),
    row(
        Defect::ThumbprintOverAllMembers,
        "thumbprint-over-all-members",
        "Hashes every member of `jwk`, not only the required ones.",
        &["rs.accept.extra-jwk-members"],
    ),
    row(
        Defect::ThumbprintInMemberOrder,
        "thumbprint-in-member-order",
        "Hashes the members of `jwk` in the order in which they stand.",
        &["rs.accept.member-order"],
    ),
    row(
        Defect::SchemeCaseSensitive,
        "scheme-case-sensitive",
        "Knows the scheme only as `DPoP`.",
        &["rs.accept.scheme-lower-case"],
    ),
    row(
        Defect::ForbiddenStatus,
        "forbidden-status",
        "Answers 403 where authentication failed.",
        &["rs.answer.status"],
    ),
    row(Defect::NoChallenge, "no-challenge", "Refuses without `WWW-Authenticate`.", &["rs.answer.challenge"]),
    row(Defect::NoErrorCode, "no-error-code", "Refuses without saying what was wrong.", &["rs.answer.error"]),
    row(
        Defect::ChallengeWithoutNonce,
        "challenge-without-nonce",
        "Asks for a nonce without supplying one.",
        &["rs.answer.nonce-field"],
    )
    .with_nonces(NonceMode::Optional),
    row(
        Defect::ChallengeWithTwoNonces,
        "challenge-with-two-nonces",
        "Supplies two nonces at once.",
        &["rs.answer.nonce-field"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::OtherPathsOpen,
        "other-paths-open",
        "Protects one path and forgets the others.",
        &["rs.resources.no-credentials"],
    ),
    row(
        Defect::OtherPathsTakeBearer,
        "other-paths-take-bearer",
        "Takes bound tokens as bearer tokens everywhere but on one path.",
        &["rs.resources.bearer", "rs.resources.bearer-with-proof"],
    ),
    row(
        Defect::OtherPathsIgnoreCnf,
        "other-paths-ignore-cnf",
        "Compares the proof's key with `cnf.jkt` on one path only.",
        &["rs.resources.other-key"],
    ),
    row(
        Defect::OtherPathsNeedNoNonce,
        "other-paths-need-no-nonce",
        "Demands a nonce on one path and does without on the others.",
        &["rs.resources.nonce"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::PossessionIsPermission,
        "possession-is-permission",
        "Serves whoever has a good token and a good proof, whatever the token is good for.",
        &["rs.forbidden.perfect-proof", "rs.forbidden.scope", "rs.forbidden.other-scope"],
    ),
    row(
        Defect::NoScopeIsEveryScope,
        "no-scope-is-every-scope",
        "Takes a token without a scope for one without limits.",
        &["rs.forbidden.scope"],
    ),
    row(
        Defect::ProtectsNothing,
        "protects-nothing",
        "Serves the resource to everybody.",
        &["rs.preflight.canary"],
    ),
];

const fn row(
    defect: Defect,
    name: &'static str,
    summary: &'static str,
    caught_by: &'static [&'static str],
) -> DefectRow {
    DefectRow { defect, name, summary, caught_by, nonce: NonceMode::Never }
}

impl DefectRow {
    const fn with_nonces(self, nonce: NonceMode) -> Self {
        Self { nonce, ..self }
    }
}
