//! What planted bugs spend on a proof.
//!
//! Without the bug it is nothing that could be measured.

use std::time::Duration;

use super::defects::{Defect, DefectSet};
use crate::jose::base64url;
use crate::jose::json::Json;
use crate::jose::jws::Compact;

/// The most that is spent on one proof.
const MOST: Duration = Duration::from_secs(3);

/// How long a server works on these proofs before it looks at anything else.
pub(super) fn spent(proofs: &[&[u8]], defects: DefectSet) -> Duration {
    let mut all = Duration::ZERO;
    for proof in proofs {
        if defects.contains(Defect::KeySizeUnbounded) {
            all += of_key(proof);
        }
        if defects.contains(Defect::TextSizeUnbounded) {
            all += of_text(proof);
        }
    }
    all.min(MOST)
}

/// Exponentiation without regard to the size of the numbers.
fn of_key(proof: &[u8]) -> Duration {
    let Ok(jws) = Compact::read(proof) else { return Duration::ZERO };
    let jwk = jws.header.member("jwk").and_then(Json::as_object);
    let octets = |name: &str| {
        let number = jwk.and_then(|jwk| jwk.member(name)?.as_str()).and_then(base64url::decode);
        u64::try_from(number.unwrap_or_default().len()).unwrap_or_default()
    };
    Duration::from_micros(octets("n") * (octets("n") + octets("e")) * 3)
}

/// Each member is looked for among all that came before it, and the text copied for each thousand of its characters.
fn of_text(proof: &[u8]) -> Duration {
    let segments = proof.split(|octet| *octet == b'.').take(2).filter_map(base64url::decode);
    let text = segments.collect::<Vec<_>>().concat();
    let number = |octet: u8| text.iter().filter(|other| **other == octet).count();
    let members = number(b',') + number(b'[');
    let thousands = text.len() / 1000;
    let micros = members * members * 200 + thousands * thousands * 10_000;
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}
