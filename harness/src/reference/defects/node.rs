//! Planted bugs: the second node of a server behind one URL.

use super::{Defect, DefectRow, row};
use crate::reference::nonce::NonceMode;

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::ReplayStorePerNode,
        "replay-store-per-node",
        "Remembers proofs on each node apart, so one is good once on every node.",
        &["rs.nodes.replay"],
    ),
    row(
        Defect::NodeBeforeDpop,
        "node-before-dpop",
        "Runs an older release on the second node, which knows tokens and no proofs.",
        &["rs.nodes.no-proof", "rs.nodes.bearer"],
    ),
    row(
        Defect::NodeIgnoresCnf,
        "node-ignores-cnf",
        "Compares the proof's key with `cnf.jkt` on the first node only.",
        &["rs.nodes.other-key"],
    ),
    row(
        Defect::NodeNeedsNoNonce,
        "node-needs-no-nonce",
        "Demands a nonce on the first node, and does without on the second.",
        &["rs.nodes.no-nonce"],
    )
    .with_nonces(NonceMode::Required),
    row(
        Defect::NodeRefusesOtherNonces,
        "node-refuses-other-nonces",
        "Makes nonces on each node apart, and refuses those of others without supplying one: a client that comes to another node is stuck.",
        &["rs.nodes.roaming-ok"],
    )
    .with_nonces(NonceMode::Required),
];
