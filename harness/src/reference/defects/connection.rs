//! Planted bugs: connections and versions of HTTP.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::ProofOncePerConnection,
        "proof-once-per-connection",
        "Checks the first proof of a connection, and lets whatever follows on it pass, as if it were a TLS session.",
        &[
            "rs.http.keep-alive-no-proof",
            "rs.http.keep-alive-other-key",
            "rs.http.keep-alive-replay",
            "rs.http.http2-keep-alive-no-proof",
        ],
    ),
    row(
        Defect::ConnectionTiedToProof,
        "connection-tied-to-proof",
        "Expects the first proof of a connection on all its requests, so a fresh one is refused.",
        &["rs.http.keep-alive-ok"],
    ),
    row(
        Defect::LostAnswerHoldsKey,
        "lost-answer-holds-key",
        "Serves one request of a key at a time, and keeps the key locked where the client went away before the answer.",
        &["rs.http.lost-answer-ok"],
    ),
    row(
        Defect::Http2ProofNotChecked,
        "http2-proof-not-checked",
        "Checks proofs in HTTP/1.1 only, so a stolen token is good over HTTP/2.",
        &[
            "rs.http.http2-no-proof",
            "rs.http.http2-other-key",
            "rs.http.http2-two-proofs",
            "rs.http.http2-replay",
        ],
    ),
];
