//! libFuzzer's way into `dpop_harness::fuzzing::differential`, with the verifiers of `harness/second-opinion`. What they are known to
//! judge otherwise is kept in `artifacts/differences`, which no repository has: it is somebody else's to tell.
#![no_main]

use std::fs::{OpenOptions, read_to_string};
use std::io::Write as _;

use dpop_harness::fuzzing::differential;
use dpop_harness::generator::Sight;
use second_opinion::{Opinion, Presented, Verifier};

const KNOWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/artifacts/differences");

fn judge(verifier: Verifier, sight: &Sight<'_>, now: i64) -> Result<String, String> {
    let presented = Presented {
        proof: &sight.proofs[0],
        method: sight.method(),
        url: sight.url(),
        access_token: Some(sight.access_token()),
        nonce: sight.nonce(),
    };
    match verifier.judge(presented, now) {
        Opinion::Accepts { jkt } if jkt == sight.jkt() => Ok(jkt),
        Opinion::Accepts { .. } => Err("the token is bound to another key".to_owned()),
        Opinion::Refuses(why) => Err(why),
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for verifier in Verifier::ALL {
        let Some(found) = differential(data, |sight, now| judge(*verifier, sight, now)) else { continue };
        let line = format!("{verifier}\t{}\t{}", found.fate.name(), found.edits);
        if read_to_string(KNOWN).is_ok_and(|known| known.lines().any(|other| other == line)) {
            continue;
        }
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/artifacts")).expect("writable");
        let mut known = OpenOptions::new().create(true).append(true).open(KNOWN).expect("writable");
        writeln!(known, "{line}").expect("writable");
        panic!("{line}: {:?}", found.opinion);
    }
});
