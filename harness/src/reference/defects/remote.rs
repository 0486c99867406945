//! Planted bugs: keys elsewhere than in `jwk`, and what a proof costs.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::RemoteKeysFetched,
        "remote-keys-fetched",
        "Fetches what `jku` and `x5u` in the header name, so anybody sends it to any URL.",
        &["rs.remote.jku", "rs.remote.x5u"],
    ),
    row(
        Defect::RemoteKeysOfJwkFetched,
        "remote-keys-of-jwk-fetched",
        "Fetches what `x5u` and `jku` in `jwk` name.",
        &["rs.remote.x5u-in-jwk", "rs.remote.jku-in-jwk"],
    ),
    row(
        Defect::RemoteKeysInsteadOfJwk,
        "remote-keys-instead-of-jwk",
        "Fetches what `jku` names where there is no `jwk`.",
        &["rs.remote.jku-alone"],
    ),
    row(
        Defect::CertificateKeyUsed,
        "certificate-key-used",
        "Verifies with the key of the certificate in `x5c`, and compares the thumbprint of `jwk`.",
        &["rs.remote.x5c-signs"],
    ),
    row(
        Defect::CertificateKeyHashed,
        "certificate-key-hashed",
        "Verifies with `jwk`, and compares the thumbprint of the key in `x5c`.",
        &["rs.remote.x5c-bound"],
    ),
    row(
        Defect::CertificateHashTakenForThumbprint,
        "certificate-hash-taken-for-thumbprint",
        "Compares `x5t#S256` with `cnf.jkt` where the header has one.",
        &["rs.remote.x5t"],
    ),
    row(
        Defect::KeySizeUnbounded,
        "key-size-unbounded",
        "Computes with RSA numbers of any size.",
        &["rs.cost.huge-exponent", "rs.cost.rsa-16384"],
    ),
    row(
        Defect::TextSizeUnbounded,
        "text-size-unbounded",
        "Works on a proof for a time that grows with the square of its size.",
        &["rs.cost.parameters", "rs.cost.claims", "rs.cost.depth", "rs.cost.jwk"],
    ),
];
