//! Probes for the bugs of reading `typ` and claims.

use super::proofs::quoted;
use super::scene::{Scene, Wire};
use crate::jose::{Ath, base64url};
use crate::reference::*;

type Probe = fn(&Scene) -> Wire;

/// The requests that make a bug show.
pub(super) fn probe(defect: Defect, scene: &Scene, _: &str) -> Option<Vec<Wire>> {
    let (_, probe) = PROBES.iter().find(|(known, _)| *known == defect)?;
    Some(vec![probe(scene)])
}

const PROBES: &[(Defect, Probe)] = &[
    (Defect::TypCaseFolded, |scene| typ(scene, "DPoP+JWT")),
    (Defect::TypMediaTypeAccepted, |scene| typ(scene, "application/dpop+jwt")),
    (Defect::TypAnyJwtAccepted, |scene| typ(scene, "logout+jwt")),
    (Defect::AthOfCredentialsAccepted, |scene| {
        claim(scene, "ath", &quoted(Ath::of(&format!("DPoP {}", scene.token))))
    }),
    (Defect::AthTrailingBitsIgnored, |scene| {
        let ath = Ath::of(&scene.token).to_string();
        let other = base64url::with_other_trailing_bits(&ath).expect("bits to spare");
        claim(scene, "ath", &quoted(other))
    }),
    (Defect::HtmTrimmed, |scene| claim(scene, "htm", "\" GET\"")),
    (Defect::HtmOfOtherMethodsNotChecked, |scene| {
        let wire = claim(scene, "htm", "\"GET\"");
        Wire { method: reqwest::Method::PUT, ..wire }
    }),
    (Defect::HtuFirstOfArray, |scene| claim(scene, "htu", &format!("[{}]", quoted(&scene.running.htu)))),
    (Defect::NbfOfProofIgnored, |scene| claim(scene, "nbf", &(scene.parts().now + 90).to_string())),
    (Defect::HtuControlsRemoved, |scene| htu(scene, |url| url.replace("/res", "/r\\nes"))),
    (Defect::HtuSlashesAdded, |scene| htu(scene, |url| url.replace("://", ":"))),
    (Defect::HtuParametersRemoved, |scene| htu(scene, |url| format!("{url};v=1"))),
    (Defect::HtuDecodedTwice, |scene| htu(scene, |url| url.replace("/r", "/%2572"))),
    (Defect::HtuDotsBeforeEscapes, |scene| htu(scene, |url| url.replace("/r", "/a/%2e%2e/r"))),
    (Defect::HtuHostDotIgnored, |scene| htu(scene, |url| url.replace("127.0.0.1", "127.0.0.1."))),
    (Defect::HtuHostMapped, |scene| htu(scene, |url| url.replace("127", "\u{ff11}27"))),
    (Defect::HtuLoopbackIsOne, |scene| htu(scene, |url| url.replace("127.0.0.1", "localhost"))),
    (Defect::HtuAddressComputed, |scene| htu(scene, |url| url.replace("127.0.0.1", "2130706433"))),
    (Defect::HtuAddressZerosIgnored, |scene| htu(scene, |url| url.replace("127", "0127"))),
    (Defect::HtuAddressUnmapped, |scene| htu(scene, |url| url.replace("127.0.0.1", "[::FFFF:7f00:1]"))),
    (Defect::IatHoursAheadAccepted, |scene| iat(scene, &(scene.parts().now + 7200).to_string())),
    (Defect::IatTooLargeSkipped, |scene| iat(scene, "9223372036854775808")),
    (Defect::IatDateInvalid, |scene| iat(scene, "8640000000001")),
    (Defect::IatMinusOneIsNone, |scene| iat(scene, "-1")),
    (Defect::IatWindowOfSeconds, |scene| iat(scene, &(scene.parts().now - 10).to_string())),
    (Defect::ProofExpHonoured, |scene| claim(scene, "nbf", &(scene.parts().now + 60).to_string())),
];

fn typ(scene: &Scene, typ: &str) -> Wire {
    scene.wire(&scene.parts().parameter("typ", quoted(typ)))
}

fn claim(scene: &Scene, name: &'static str, json: &str) -> Wire {
    scene.wire(&scene.parts().claim(name, json))
}

fn htu(scene: &Scene, change: impl FnOnce(String) -> String) -> Wire {
    claim(scene, "htu", &quoted(change(scene.running.htu.clone())))
}

fn iat(scene: &Scene, digits: &str) -> Wire {
    claim(scene, "iat", digits)
}
