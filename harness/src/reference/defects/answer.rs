//! Planted bugs: how refusals are worded, and what is seen of them.

use super::{Defect, DefectRow, row};
use crate::reference::nonce::NonceMode;
use crate::spec::Profile;

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::ForbiddenStatus,
        "forbidden-status",
        "Answers 403 where authentication failed.",
        &["rs.answer.status"],
    ),
    row(
        Defect::ProofRefusedWith400,
        "proof-refused-with-400",
        "Answers 400 where RFC 9449 has 401.",
        &["rs.answer.status"],
    )
    .under(Profile::Mcp),
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
