//! Planted bugs: the access token: what it is bound to, whom it is for, what it permits.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::CnfIgnored,
        "cnf-ignored",
        "Never compares the proof's key with `cnf.jkt`, so whoever steals a token uses it with a key of their own.",
        &["rs.key.fresh-key", "rs.token.of-another-client", "rs.token.swapped-keys"],
    ),
    row(
        Defect::KeyCachedByThumbprint,
        "key-cached-by-thumbprint",
        "Verifies with the key that it remembers for the token's `cnf.jkt` and not with the `jwk` in the proof.",
        &["rs.key.other-jwk-bound-signer"],
    ),
    row(
        Defect::UnboundAccepted,
        "unbound-accepted",
        "Accepts a token without `cnf.jkt` under the DPoP scheme, with whatever key signs the proof.",
        &["rs.token.unbound"],
    ),
    row(
        Defect::ExpIgnored,
        "exp-ignored",
        "Accepts an expired token when the proof is right.",
        &["rs.token.expired"],
    ),
    row(
        Defect::AudIgnored,
        "aud-ignored",
        "Accepts a token that was issued for another audience.",
        &["rs.token.other-audience"],
    ),
    row(
        Defect::TokenSignatureIgnored,
        "token-signature-ignored",
        "Decodes the access token without verifying its signature.",
        &["rs.token.tampered"],
    ),
    row(
        Defect::PossessionIsPermission,
        "possession-is-permission",
        "Serves whoever has a good token and a good proof, whatever the token is good for.",
        &["rs.forbidden.perfect-proof", "rs.forbidden.scope", "rs.forbidden.other-scope"],
    ),
    row(
        Defect::NoScopeIsEveryScope,
        "no-scope-is-every-scope",
        "Takes a token without a scope for one without limits.",
        &["rs.forbidden.scope"],
    ),
];
