//! Planted bugs: `ath`.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
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
            "rs.ath.object",
            "rs.ath.half",
            "rs.ath.upper-case",
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
        &["rs.ath.null", "rs.ath.array", "rs.ath.object"],
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
        &["rs.ath.padded", "rs.ath.trailing-bits"],
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
        Defect::AthPrefix,
        "ath-prefix",
        "Compares only as many bytes of the hash as `ath` has.",
        &["rs.ath.half", "rs.ath.empty"],
    ),
    row(
        Defect::AthCaseFolded,
        "ath-case-folded",
        "Compares `ath` without regard to case.",
        &["rs.ath.upper-case"],
    ),
    row(
        Defect::AthOfCredentialsAccepted,
        "ath-of-credentials-accepted",
        "Accepts the hash of the whole `Authorization` value as `ath`, too, as some clients once made it.",
        &["rs.ath.of-credentials"],
    ),
    row(
        Defect::AthTrailingBitsIgnored,
        "ath-trailing-bits-ignored",
        "Compares the bytes of `ath`, with a decoder that ignores unused bits, so one hash has several spellings.",
        &["rs.ath.trailing-bits"],
    ),
    row(
        Defect::AthUnderExactScheme,
        "ath-under-exact-scheme",
        "Compares `ath` only where the scheme is spelled `DPoP`, though it takes others.",
        &["rs.credentials.lower-case-scheme"],
    ),
];
