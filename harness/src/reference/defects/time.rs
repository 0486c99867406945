//! Planted bugs: `iat` and `jti`.

use super::{Defect, DefectRow, row};
use crate::spec::Profile;

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::IatNotChecked,
        "iat-not-checked",
        "Never looks at `iat`, so a proof lasts for ever.",
        &[
            "rs.time.iat-missing",
            "rs.time.iat-old",
            "rs.time.iat-future",
            "rs.time.iat-string",
            "rs.time.iat-null",
            "rs.time.iat-boolean",
            "rs.time.iat-array",
            "rs.time.iat-zero",
            "rs.time.iat-least",
            "rs.time.iat-overflowing",
            "rs.time.iat-long",
        ],
    ),
    row(
        Defect::IatOptional,
        "iat-optional",
        "Checks `iat` only where it is there.",
        &["rs.time.iat-missing"],
    ),
    row(
        Defect::IatPastUnlimited,
        "iat-past-unlimited",
        "Accepts proofs of any age.",
        &["rs.time.iat-old", "rs.time.aged-10m", "rs.mcp.iat-310s-old"],
    ),
    row(
        Defect::IatFutureUnlimited,
        "iat-future-unlimited",
        "Accepts proofs made for any time to come.",
        &[
            "rs.time.iat-future",
            "rs.fapi2.iat-62s-ahead",
            "rs.fapi2.iat-90s-ahead",
            "rs.fapi2.iat-5m-ahead",
            "rs.mcp.iat-310s-ahead",
        ],
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
        &[
            "rs.accept.iat-slightly-ahead",
            "rs.fapi2.iat-1s-ahead-ok",
            "rs.fapi2.iat-8s-ahead-ok",
            "rs.fapi2.iat-10s-ahead-ok",
        ],
    ),
    row(
        Defect::IatFalsySkipped,
        "iat-falsy-skipped",
        "Checks `iat` only where it is truthy, as `if (claims.iat)` does.",
        &["rs.time.iat-missing", "rs.time.iat-null", "rs.time.iat-zero"],
    ),
    row(
        Defect::IatNonNumberSkipped,
        "iat-non-number-skipped",
        "Demands `iat`, but compares it only where it is a number.",
        &["rs.time.iat-string", "rs.time.iat-null", "rs.time.iat-boolean", "rs.time.iat-array"],
    ),
    row(
        Defect::IatOverflow,
        "iat-overflow",
        "Computes the age of a proof in 64 bits that wrap round, so the oldest one is young.",
        &["rs.time.iat-least", "rs.time.iat-negative-overflowing"],
    ),
    row(
        Defect::IatFractionRefused,
        "iat-fraction-refused",
        "Refuses an `iat` with a fraction, which a NumericDate may have.",
        &["rs.accept.iat-fraction"],
    ),
    row(Defect::IatWraps, "iat-wraps", "Keeps the low 64 bits of `iat`.", &["rs.time.iat-wrapping"]),
    row(
        Defect::IatMillisecondsAccepted,
        "iat-milliseconds-accepted",
        "Takes a large `iat` for milliseconds.",
        &["rs.time.iat-milliseconds"],
    ),
    row(
        Defect::IatExponentRefused,
        "iat-exponent-refused",
        "Reads `iat` as digits only, although a NumericDate may have an exponent.",
        &["rs.time.iat-exponent-ok"],
    ),
    row(
        Defect::NanAccepted,
        "nan-accepted",
        "Reads `NaN`, which is neither too old nor too new.",
        &["rs.time.iat-nan"],
    ),
    row(
        Defect::IatHoursAheadAccepted,
        "iat-hours-ahead-accepted",
        "Lets `iat` lie twelve hours ahead, after trouble with a client in another time zone.",
        &["rs.time.iat-hour-ahead"],
    ),
    row(
        Defect::IatTooLargeSkipped,
        "iat-too-large-skipped",
        "Asks for `iat` as a number of 64 bits with a sign, gets none, and skips the check of its age.",
        &["rs.time.iat-unsigned", "rs.time.iat-overflowing", "rs.time.iat-long", "rs.time.iat-wrapping"],
    ),
    row(
        Defect::IatDateInvalid,
        "iat-date-invalid",
        "Makes a date of `iat`, which is invalid beyond the year 275760, and then neither too old nor too new.",
        &["rs.time.iat-beyond-dates", "rs.time.iat-least", "rs.time.iat-overflowing"],
    ),
    row(
        Defect::IatMinusOneIsNone,
        "iat-minus-one-is-none",
        "Uses -1 for a date that is not there, and checks no age then.",
        &["rs.time.iat-minus-one"],
    ),
    row(
        Defect::IatWindowOfSeconds,
        "iat-window-of-seconds",
        "Takes proofs for five seconds only, and shuts out clients whose clock or network is a little slow.",
        &[
            "rs.accept.iat-ten-seconds-ahead",
            "rs.accept.iat-ten-seconds-old",
            "rs.mcp.iat-290s-old-ok",
            "rs.mcp.iat-290s-ahead-ok",
        ],
    ),
    row(
        Defect::ProofExpHonoured,
        "proof-exp-honoured",
        "Refuses proofs by `exp` and `nbf`, which no client has to set, and a client with a bad clock sets badly.",
        &["rs.time.exp-past-ok", "rs.time.nbf-ahead-ok", "rs.fapi2.nbf-8s-ahead-ok"],
    ),
    row(
        Defect::NbfOfProofIgnored,
        "nbf-of-proof-ignored",
        "Looks at `iat` only, and takes a proof that says itself that it is not good yet.",
        &["rs.fapi2.nbf-90s-ahead"],
    )
    .under(Profile::Fapi2),
    row(
        Defect::JtiOptional,
        "jti-optional",
        "Lets a proof without `jti` through, and can't recognise it again.",
        &["rs.jti.missing"],
    ),
    row(
        Defect::JtiAnyType,
        "jti-any-type",
        "Takes a `jti` of any type.",
        &["rs.jti.number", "rs.jti.null", "rs.jti.array", "rs.jti.object"],
    ),
    row(
        Defect::JtiEmptyAccepted,
        "jti-empty-accepted",
        "Takes an empty `jti` for none, and remembers none, as `if (claims.jti)` does.",
        &["rs.jti.empty"],
    ),
];
