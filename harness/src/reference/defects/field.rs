//! Planted bugs: the `DPoP` field.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::FirstProofWins,
        "first-proof-wins",
        "Checks the first of several `DPoP` fields and ignores the others.",
        &[
            "rs.http.two-proofs",
            "rs.http.http2-two-proofs",
            "rs.field.identical",
            "rs.field.junk-behind",
            "rs.field.case-split",
        ],
    ),
    row(
        Defect::LastProofWins,
        "last-proof-wins",
        "Checks the last of several `DPoP` fields and ignores the others.",
        &[
            "rs.http.two-proofs",
            "rs.http.http2-two-proofs",
            "rs.field.identical",
            "rs.field.junk-before",
            "rs.field.case-split",
        ],
    ),
    row(
        Defect::IdenticalProofsMerged,
        "identical-proofs-merged",
        "Takes two `DPoP` fields for one where they are alike.",
        &["rs.field.identical"],
    ),
    row(
        Defect::UnreadableProofsDropped,
        "unreadable-proofs-dropped",
        "Takes the one of several `DPoP` fields that holds a JWT.",
        &["rs.field.junk-behind", "rs.field.junk-before"],
    ),
    row(
        Defect::ProofListSplit,
        "proof-list-split",
        "Splits `DPoP` at commas, as if it were a list, and takes the first part.",
        &["rs.field.joined", "rs.field.tightly-joined", "rs.field.comma-behind"],
    ),
    row(
        Defect::ProofNameCaseSensitive,
        "proof-name-case-sensitive",
        "Finds the proof only where the field is spelled `DPoP`.",
        &["rs.field.case-split", "rs.field.lower-case-name-ok", "rs.field.upper-case-name-ok"],
    ),
    row(
        Defect::FieldNameCaseSensitive,
        "field-name-case-sensitive",
        "Looks for `DPoP` in this case, and finds no proof in HTTP/2, where names are in lower case.",
        &["rs.http.http2-ok"],
    ),
    row(
        Defect::EmptyProofSkipped,
        "empty-proof-skipped",
        "Demands a `DPoP` field, but verifies it only where its value is truthy, as `if (proof)` does.",
        &["rs.field.empty"],
    ),
    row(
        Defect::UnreadableProofSkipped,
        "unreadable-proof-skipped",
        "Logs that a proof could not be read, and goes on without it.",
        &[
            "rs.field.dots",
            "rs.jws.one-segment",
            "rs.jws.null-claims",
            "rs.jws.empty-claims",
            "rs.jws.claims-in-array",
            "rs.jws.claims-in-string",
            "rs.jws.header-in-array",
            "rs.time.iat-infinite",
        ],
    ),
    row(
        Defect::ProofQuotesRemoved,
        "proof-quotes-removed",
        "Takes the quotation marks off a `DPoP` field.",
        &["rs.field.quoted"],
    ),
    row(
        Defect::ProofCutAtSpace,
        "proof-cut-at-space",
        "Takes the first word of a `DPoP` field.",
        &["rs.field.word-behind"],
    ),
    row(
        Defect::FoldedLinesJoined,
        "folded-lines-joined",
        "Joins folded header lines without a space, which makes one proof of two pieces.",
        &["rs.field.folded"],
    ),
    row(
        Defect::ProofNotTrimmed,
        "proof-not-trimmed",
        "Takes the white space around a field value for a part of it.",
        &["rs.field.white-space-ok"],
    ),
    row(
        Defect::ConnectionFieldsRemoved,
        "connection-fields-removed",
        "Demands the proof at its edge, which also removes the fields that `Connection` names; what is behind the edge verifies a proof only where one arrives.",
        &["rs.field.connection"],
    ),
    row(
        Defect::ControlsRemoved,
        "controls-removed",
        "Takes line breaks out of fields instead of refusing them, and puts a proof together from its pieces.",
        &["rs.field.bare-cr", "rs.field.bare-lf"],
    ),
    row(
        Defect::NulEndsField,
        "nul-ends-field",
        "Reads a field up to its first NUL, as functions of C do.",
        &["rs.field.nul", "rs.credentials.nul"],
    ),
    row(
        Defect::TrailersMerged,
        "trailers-merged",
        "Adds trailer fields to those of the head.",
        &["rs.field.trailer"],
    ),
];
