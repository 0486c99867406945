//! Planted bugs: `iat` and `jti`.

use super::{Defect, DefectRow, row};

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
        &["rs.time.iat-least"],
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
    row(Defect::JtiEmptyAccepted, "jti-empty-accepted", "Takes an empty `jti`.", &["rs.jti.empty"]),
];
