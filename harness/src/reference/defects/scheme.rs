//! Planted bugs: credentials: which scheme, where they stand, and whether any are needed.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::UnboundBearerAccepted,
        "unbound-bearer-accepted",
        "Still serves unbound tokens as `Bearer`, as it did before DPoP was required.",
        &["rs.downgrade.unbound-bearer"],
    ),
    row(
        Defect::UnboundBearerRefused,
        "unbound-bearer-refused",
        "Says that clients may still migrate, and refuses unbound tokens all the same.",
        &["rs.downgrade.unbound-bearer-ok"],
    ),
    row(
        Defect::BearerAccepted,
        "bearer-accepted",
        "Takes a bound token as a bearer token, so a stolen one needs no key.",
        &["rs.downgrade.bearer", "rs.downgrade.bearer-with-proof", "rs.http.http2-bearer"],
    ),
    row(
        Defect::BearerWithProofAccepted,
        "bearer-with-proof-accepted",
        "Takes a bound token under the Bearer scheme where a proof rides along.",
        &["rs.downgrade.bearer-with-proof"],
    ),
    row(
        Defect::ProofOptional,
        "proof-optional",
        "Checks the proof only where there is one.",
        &["rs.downgrade.no-proof", "rs.http.keep-alive-no-proof", "rs.http.http2-no-proof"],
    ),
    row(
        Defect::TokenOptional,
        "token-optional",
        "Lets whoever signs a proof in without an access token.",
        &["rs.downgrade.no-token"],
    ),
    row(
        Defect::SchemeCaseSensitive,
        "scheme-case-sensitive",
        "Knows the scheme only as `DPoP`.",
        &["rs.accept.scheme-lower-case", "rs.credentials.upper-case-ok"],
    ),
    row(
        Defect::CredentialsTriedInTurn,
        "credentials-tried-in-turn",
        "Tries each of several `Authorization` fields until one is good.",
        &["rs.credentials.bearer-around", "rs.credentials.junk-around"],
    ),
    row(
        Defect::TokenInQueryAccepted,
        "token-in-query-accepted",
        "Takes the token from the query where `Authorization` has none.",
        &["rs.credentials.query"],
    ),
    row(
        Defect::TokenInFormAccepted,
        "token-in-form-accepted",
        "Takes the token from a form where `Authorization` has none.",
        &["rs.credentials.form"],
    ),
    row(
        Defect::TokenElsewhereTakenAsBearer,
        "token-elsewhere-taken-as-bearer",
        "Takes a token in the query or in a form as bearer tokens are taken there, and asks for no proof.",
        &["rs.credentials.query-alone", "rs.credentials.form-alone"],
    ),
    row(
        Defect::SecondTokenIgnored,
        "second-token-ignored",
        "Does not look for a second token in the query or in a form, where what is behind it may find it first.",
        &["rs.credentials.header-and-query", "rs.credentials.header-and-form"],
    ),
    row(
        Defect::TokenInProxyAuthorizationAccepted,
        "token-in-proxy-authorization-accepted",
        "Takes the access token from `Proxy-Authorization`.",
        &["rs.credentials.proxy-authorization"],
    ),
    row(
        Defect::CredentialsSplitLeniently,
        "credentials-split-leniently",
        "Takes the letters `DPoP` off the credentials and trims what is left.",
        &["rs.credentials.tab", "rs.credentials.no-space"],
    ),
    row(
        Defect::TokenParameterAccepted,
        "token-parameter-accepted",
        "Takes the token from a parameter of the scheme as well.",
        &["rs.credentials.parameter"],
    ),
    row(
        Defect::CredentialsCutShort,
        "credentials-cut-short",
        "Takes what stands before the first comma or space for the token, and ignores the rest.",
        &["rs.credentials.comma-behind", "rs.credentials.word-behind", "rs.credentials.bearer-behind"],
    ),
    row(
        Defect::TwoSpacesRefused,
        "two-spaces-refused",
        "Splits the credentials at a single space.",
        &["rs.credentials.two-spaces-ok"],
    ),
];
