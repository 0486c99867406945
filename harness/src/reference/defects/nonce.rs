//! Planted bugs: nonces.

use super::{Defect, DefectRow, row};
use crate::reference::nonce::NonceMode;

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::NonceNotChecked,
        "nonce-not-checked",
        "Demands a nonce and takes any.",
        &["rs.nonce.made-up", "rs.nonce.empty", "rs.nonce.number", "rs.nonce.truncated", "rs.nonce.altered", "rs.nonce.null", "rs.nonce.array", "rs.nonce.object"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceNotDemanded,
        "nonce-not-demanded",
        "Supplies nonces, but lets a proof without one pass.",
        &["rs.nonce.missing", "rs.atproto.nonce-demanded", "rs.page.no-nonce"],
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
        &["rs.nonce.number", "rs.nonce.null", "rs.nonce.array", "rs.nonce.object"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceNeverValid,
        "nonce-never-valid",
        "Does not recognise the nonces that it supplied.",
        &["rs.nonce.usable-ok"],
    )
    .with_nonces(NonceMode::Optional),
    row(Defect::NoncePrefix, "nonce-prefix", "Compares only as much of the nonce as the proof has.", &["rs.nonce.truncated", "rs.nonce.empty"])
    .with_nonces(NonceMode::Required),
    row(Defect::NonceShapeOnly, "nonce-shape-only", "Checks that the nonce has the length of its own, but not which it is.", &["rs.nonce.altered", "rs.nonce.look-alike"])
    .with_nonces(NonceMode::Required),
    row(Defect::NonceSecretNotShared, "nonce-secret-not-shared", "Supplies nonces under another secret than it checks them with, as nodes do that don't share it: it challenges for ever.", &["rs.answer.endless-challenge"])
    .with_nonces(NonceMode::Required),
    row(Defect::NonceOfSuccessUnknown, "nonce-of-success-unknown", "Supplies a nonce with each 200 and does not recognise it, so every second request is challenged.", &["rs.answer.success-nonce"])
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceBeginning,
        "nonce-beginning",
        "Compares only as many characters of the nonce as its own have.",
        &["rs.nonce.doubled", "rs.nonce.trailing-space"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceCaseFolded,
        "nonce-case-folded",
        "Compares nonces without regard to case.",
        &["rs.nonce.other-case"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceTrimmed,
        "nonce-trimmed",
        "Takes white space off the nonce before it compares it.",
        &["rs.nonce.leading-space", "rs.nonce.trailing-space"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NoncePercentDecoded,
        "nonce-percent-decoded",
        "Decodes percent-encoded characters of the nonce before it compares it.",
        &["rs.nonce.percent-encoded"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceOncePerConnection,
        "nonce-once-per-connection",
        "Demands a nonce only until one was accepted on a connection.",
        &["rs.nonce.missing-on-kept"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceNotDemandedOfHead,
        "nonce-not-demanded-of-head",
        "Demands nonces of the methods that it was told of, and HEAD is none of them.",
        &["rs.nonce.missing-on-head"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceNotDemandedOverHttp2,
        "nonce-not-demanded-over-http2",
        "Demands nonces over HTTP/1.1 only.",
        &["rs.nonce.missing-over-http2"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceNeverExpires,
        "nonce-never-expires",
        "Recognises the nonces that it supplied for good, so a proof that was made in advance waits for its day.",
        &["rs.atproto.nonce-after-310s", "rs.atproto.nonce-after-595s", "rs.nonce.outdated"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NonceOnlyInChallenge,
        "nonce-only-in-challenge",
        "Supplies a nonce where it asks for one, and not with other answers.",
        &["rs.atproto.nonce-always"],
    )
    .with_nonces(NonceMode::Required),
];
