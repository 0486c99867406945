//! Planted bugs: `htm`.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::HtmNotChecked,
        "htm-not-checked",
        "Never looks at `htm`, so a proof for GET also carries a DELETE.",
        &[
            "rs.htm.missing",
            "rs.htm.other-method",
            "rs.htm.lower-case",
            "rs.htm.array",
            "rs.htm.null",
            "rs.htm.empty",
            "rs.htm.object",
            "rs.htm.head-with-get-proof",
        ],
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
        Defect::HtmFalsySkipped,
        "htm-falsy-skipped",
        "Checks `htm` only where it is truthy, as `if (claims.htm)` does.",
        &["rs.htm.missing", "rs.htm.null", "rs.htm.empty"],
    ),
    row(
        Defect::HtmNonStringSkipped,
        "htm-non-string-skipped",
        "Demands `htm`, but compares it only where it is a string.",
        &["rs.htm.null", "rs.htm.array", "rs.htm.object"],
    ),
    row(
        Defect::HeadTakenForGet,
        "head-taken-for-get",
        "Compares `htm` with GET where the request is HEAD, as the handler for GET answers both.",
        &["rs.htm.head-ok"],
    ),
    row(
        Defect::HeadWithGetProofAccepted,
        "head-with-get-proof-accepted",
        "Takes a proof for GET with a HEAD request as well.",
        &["rs.htm.head-with-get-proof"],
    ),
    row(
        Defect::HtmTrimmed,
        "htm-trimmed",
        "Takes white space around `htm` away.",
        &["rs.htm.trailing-space"],
    ),
    row(
        Defect::HtmOfOtherMethodsNotChecked,
        "htm-of-other-methods-not-checked",
        "Compares `htm` only in GET requests, since nothing else was tested.",
        &["rs.resources.other-method"],
    ),
];
