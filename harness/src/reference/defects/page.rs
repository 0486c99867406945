//! Planted bugs: web pages of other origins.

use super::{Defect, DefectRow, row};
use crate::reference::nonce::NonceMode;

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::CorsExposesNothing,
        "cors-exposes-nothing",
        "Lets web pages read answers, and neither challenges nor nonces.",
        &["rs.page.challenge-exposed", "rs.page.nonce-exposed"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::CorsOnSuccessOnly,
        "cors-on-success-only",
        "Lets web pages read what succeeds only, so no page learns why it was refused.",
        &["rs.page.challenge-exposed"],
    ),
    row(
        Defect::PreflightNeedsProof,
        "preflight-needs-proof",
        "Wants credentials with preflight requests, which never have any.",
        &["rs.page.preflight"],
    ),
    row(
        Defect::PreflightWithoutDpop,
        "preflight-without-dpop",
        "Does not tell browsers that requests may have a `DPoP` field.",
        &["rs.page.preflight"],
    ),
    row(
        Defect::PreflightByField,
        "preflight-by-field",
        "Takes whatever has `Access-Control-Request-Method` for a preflight request, and lets it through.",
        &["rs.page.preflight-bypass"],
    ),
    row(
        Defect::OriginTrusted,
        "origin-trusted",
        "Takes requests with `Origin` for those of its own web client, which it knows by a session, and asks for no proof.",
        &["rs.page.no-proof"],
    ),
    row(
        Defect::WildcardWithCredentials,
        "wildcard-with-credentials",
        "Allows credentials to every origin alike, which browsers refuse.",
        &["rs.page.credentials"],
    ),
];
