//! Planted bugs: other paths, and the resource without TLS.

use super::{Defect, DefectRow, row};
use crate::reference::nonce::NonceMode;

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::OtherPathsOpen,
        "other-paths-open",
        "Protects one path and forgets the others.",
        &["rs.resources.no-credentials"],
    ),
    row(
        Defect::OtherPathsTakeBearer,
        "other-paths-take-bearer",
        "Takes bound tokens as bearer tokens everywhere but on one path.",
        &["rs.resources.bearer", "rs.resources.bearer-with-proof"],
    ),
    row(
        Defect::OtherPathsIgnoreCnf,
        "other-paths-ignore-cnf",
        "Compares the proof's key with `cnf.jkt` on one path only.",
        &["rs.resources.other-key"],
    ),
    row(
        Defect::OtherPathsNeedNoNonce,
        "other-paths-need-no-nonce",
        "Demands a nonce on one path and does without on the others.",
        &["rs.resources.nonce"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::PlainHttpServed,
        "plain-http-served",
        "Serves the resource without TLS as well, to proofs for that URL.",
        &["rs.plain-http.its-own-proof"],
    ),
    row(
        Defect::PlainHttpBehindTheProxy,
        "plain-http-behind-the-proxy",
        "Serves the resource on the port behind the proxy that ends TLS, to everybody who reaches it.",
        &["rs.plain-http.proof-of-the-resource"],
    ),
    row(
        Defect::PlainHttpOpen,
        "plain-http-open",
        "Serves the resource without TLS, and asks for nothing there.",
        &["rs.plain-http.no-credentials"],
    ),
];
