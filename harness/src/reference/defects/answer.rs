//! Planted bugs: how refusals are worded, and what is seen of them.

use super::{Defect, DefectRow, row};
use crate::reference::nonce::NonceMode;

pub(super) const ROWS: &[DefectRow] = &[
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
    .with_nonces(NonceMode::Required),
    row(
        Defect::ChallengeWithTwoNonces,
        "challenge-with-two-nonces",
        "Supplies two nonces at once.",
        &["rs.answer.nonce-field"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::RefusalsNotCounted,
        "refusals-not-counted",
        "Refuses in silence: nobody who runs the server sees it.",
        &["rs.observe.proofs", "rs.observe.other-key", "rs.observe.bearer"],
    ),
    row(
        Defect::ProtectsNothing,
        "protects-nothing",
        "Serves the resource to everybody.",
        &["rs.preflight.canary"],
    ),
];
