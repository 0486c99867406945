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
        &["rs.answer.one-nonce"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NoncesInAList,
        "nonces-in-a-list",
        "Supplies the old nonce behind the new one, in one field.",
        &["rs.answer.one-nonce"],
    )
    .with_nonces(NonceMode::Optional),
    row(
        Defect::NonceWithQuote,
        "nonce-with-quote",
        "Supplies nonces in quotes.",
        &["rs.answer.nonce-characters"],
    )
    .with_nonces(NonceMode::Optional),
    row(
        Defect::AnswersCached,
        "answers-cached",
        "Lets caches keep answers for a minute, with the nonces in them.",
        &["rs.answer.nonce-uncached"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::AnswersPublic,
        "answers-public",
        "Tells shared caches that they may serve to everybody what came with a token.",
        &["rs.cache.shared"],
    ),
    row(
        Defect::CachedAnswerServed,
        "cached-answer-served",
        "Stands behind a cache that serves what a token got to requests without one.",
        &["rs.cache.no-credentials"],
    ),
    row(
        Defect::ChallengeNotClosed,
        "challenge-not-closed",
        "Forgets the last quote of the challenge.",
        &["rs.answer.syntax"],
    ),
    row(
        Defect::ChallengeWithoutCommas,
        "challenge-without-commas",
        "Writes spaces between the parameters of the challenge.",
        &["rs.answer.syntax"],
    ),
    row(
        Defect::ErrorWithoutCredentials,
        "error-without-credentials",
        "Tells who has sent no credentials that they are wrong.",
        &["rs.answer.no-credentials"],
    ),
    row(Defect::AlgsLeftOut, "algs-left-out", "Does not say which algorithms it takes.", &["rs.answer.algs"]),
    row(
        Defect::AlgsWithCommas,
        "algs-with-commas",
        "Writes commas between the algorithms that it takes.",
        &["rs.answer.algs"],
    ),
    row(
        Defect::AlgsOfEverySort,
        "algs-of-every-sort",
        "Lists every algorithm of its library as one for proofs, those with a shared key too.",
        &["rs.answer.algs"],
    ),
    row(
        Defect::ErrorAlwaysTheSame,
        "error-always-the-same",
        "Has one error code for everything but a nonce that is missing.",
        &["rs.answer.error-kind"],
    ),
    row(
        Defect::ErrorInOtherChallenge,
        "error-in-other-challenge",
        "Offers two schemes, and writes the error behind the one that was not used.",
        &["rs.answer.error-place"],
    ),
    row(
        Defect::ScopeBlamedOnProof,
        "scope-blamed-on-proof",
        "Calls the proof invalid where the token lacks a scope.",
        &["rs.answer.authority"],
    ),
    row(
        Defect::ProxyChallengeSent,
        "proxy-challenge-sent",
        "Offers the DPoP scheme for proxies, too.",
        &["rs.answer.proxy-challenge"],
    ),
    row(
        Defect::TraceInRefusal,
        "trace-in-refusal",
        "Shows the stack trace of the check that failed.",
        &["rs.answer.leak"],
    ),
    row(
        Defect::TokenInRefusal,
        "token-in-refusal",
        "Repeats the access token that it refuses.",
        &["rs.answer.leak"],
    ),
    row(
        Defect::KeyInRefusal,
        "key-in-refusal",
        "Repeats the header of the proof in its refusal, with the private key that a client put there by mistake.",
        &["rs.answer.leak"],
    ),
    row(
        Defect::NonceAskedForWith400,
        "nonce-asked-for-with-400",
        "Asks for a nonce with 400, as authorization servers do.",
        &["rs.answer.nonce-status"],
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
