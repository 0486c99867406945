//! Probes for the bugs of the second node.

use super::proofs::{Key, quoted};
use super::scene::{Scene, Wire};
use crate::reference::*;

/// The requests that make a bug show, in the answer to the last of them.
pub(super) fn probe(defect: Defect, scene: &Scene, _supplied: &str) -> Option<Vec<Wire>> {
    let parts = || scene.parts();
    let node = scene.running.second_node?;
    let at_second = |wire: Wire| Wire { target: format!("http://{node}{}", wire.target), ..wire };
    let (before, wire) = match defect {
        Defect::ReplayStorePerNode => {
            let wire = scene.wire(&parts());
            (vec![wire.clone()], wire)
        }
        Defect::NodeBeforeDpop => (vec![], Wire { proofs: vec![], ..scene.wire(&parts()) }),
        Defect::NodeIgnoresCnf => {
            let thief = Key::fresh();
            (vec![], scene.wire_with(parts().parameter("jwk", thief.jwk()).signed_by(&thief)))
        }
        Defect::NodeNeedsNoNonce => (vec![], scene.wire(&parts().without_claim("nonce"))),
        Defect::NodeRefusesOtherNonces => {
            let nonce = scene.nonce.clone().unwrap_or_default();
            (vec![], scene.wire(&parts().claim("nonce", quoted(nonce))))
        }
        _ => return None,
    };
    Some(before.into_iter().chain([at_second(wire)]).collect())
}
