//! Probes for the bugs of nonces that are compared too kindly, or demanded now and then.

use reqwest::Method;

use super::proofs::quoted;
use super::scene::{Scene, Way, Wire};
use crate::reference::*;

/// The requests that make a bug show, in the answer to the last of them.
pub(super) fn probe(defect: Defect, scene: &Scene, supplied: &str) -> Option<Vec<Wire>> {
    let with = |nonce: String| vec![scene.wire(&scene.parts().claim("nonce", quoted(nonce)))];
    let without = || scene.parts().without_claim("nonce");
    Some(match defect {
        Defect::NonceBeginning => with(format!("{supplied}{supplied}")),
        Defect::NonceCaseFolded => with(supplied.to_ascii_uppercase()),
        Defect::NonceTrimmed => with(format!(" {supplied} ")),
        Defect::NoncePercentDecoded => {
            let (first, rest) = supplied.split_at(1);
            with(format!("%{:02x}{rest}", first.as_bytes()[0]))
        }
        // The control went over the same connection.
        Defect::NonceOncePerConnection => vec![scene.wire(&without())],
        Defect::NonceNotDemandedOfHead => {
            let parts = scene.parts_for("HEAD", &scene.running.htu, &scene.token).without_claim("nonce");
            vec![Wire { method: Method::HEAD, ..scene.wire(&parts) }]
        }
        Defect::NonceNotDemandedOverHttp2 => vec![Wire { way: Way::Http2, ..scene.wire(&without()) }],
        _ => return None,
    })
}
