//! Probes for the bugs of the memory of proofs.

use super::proofs::{Key, quoted};
use super::scene::{Scene, Wire};
use crate::jose::Ath;
use crate::reference::*;

/// The requests that make a bug show, in the answer to the last of them.
pub(super) fn probe(defect: Defect, scene: &Scene, _supplied: &str) -> Option<Vec<Wire>> {
    let (_, probe) = PROBES.iter().find(|(known, _)| *known == defect)?;
    Some(probe(scene))
}

type Probe = fn(&Scene) -> Vec<Wire>;

const PROBES: &[(Defect, Probe)] = &[
    (Defect::ReplayKeyIsJti, |scene| {
        let other = Key::fresh();
        let request = TokenRequest { confirmation: Some(other.jkt()), ..scene.request() };
        let token = scene.mint(&request);
        let parts = scene.parts_for("GET", &scene.running.htu, &token);
        let proof = parts.parameter("jwk", other.jwk()).claim("jti", quoted("one")).signed_by(&other);
        let theirs = Wire { authorization: vec![format!("DPoP {token}")], ..scene.wire_with(proof) };
        vec![theirs, named(scene, "one")]
    }),
    (Defect::ReplayKeyWithRawHtu, |scene| {
        let respelled = scene.running.htu.replacen("http", "HTTP", 1);
        let parts = scene.parts().claim("jti", quoted("one")).claim("htu", quoted(&respelled));
        vec![named(scene, "one"), scene.wire(&parts)]
    }),
    (Defect::ReplayKeyWithMethod, |scene| {
        let parts = scene.parts_for("HEAD", &scene.running.htu, &scene.token);
        let head = scene.wire(&parts.claim("jti", quoted("one")));
        vec![Wire { method: reqwest::Method::HEAD, ..head }, named(scene, "one")]
    }),
    (Defect::JtiRecordedUnverified, |scene| {
        let forged = scene.parts().claim("jti", quoted("one")).signed_by(&Key::fresh());
        vec![scene.wire_with(forged), named(scene, "one")]
    }),
    (Defect::JtiRecordedBeforeClaims, |scene| {
        let parts = scene.parts().claim("jti", quoted("one"));
        vec![scene.wire(&parts.claim("ath", quoted(Ath::of("other")))), named(scene, "one")]
    }),
    (Defect::JtiCollated, |scene| vec![named(scene, "one\u{e9}"), named(scene, "ONEe ")]),
    (Defect::JtiCutAtNul, |scene| {
        let parts = scene.parts().claim("jti", "\"one\\u0000x\"".to_owned());
        vec![scene.wire(&parts), named(scene, "one")]
    }),
    (Defect::JtiTruncated, |scene| {
        let long = "a".repeat(255);
        vec![named(scene, &format!("{long}1")), named(scene, &format!("{long}2"))]
    }),
    (Defect::LongJtiCrashes, |scene| vec![named(scene, &"a".repeat(257))]),
];

/// A correct request with this `jti`.
fn named(scene: &Scene, jti: &str) -> Wire {
    scene.wire(&scene.parts().claim("jti", quoted(jti)))
}
