//! Edits to a correct proof to the verifier of `proofs`, for `cargo xtask bench throughput`. Where `DPOP_SHOWN` names a folder, each
//! proof is written there as an input of `verifier_fields`, which so counts what both have reached in the same way.
#![no_main]

use std::fs;
use std::path::Path;

use dpop_harness::fuzzing::null_scene;
use dpop_harness::generator::Trial;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let trial = Trial::decode(data);
    let Ok(sight) = null_scene().show(&trial) else { return };
    let _ = sight.judge();
    let (Some(folder), [field]) = (std::env::var_os("DPOP_SHOWN"), &sight.proofs[..]) else { return };
    let Some(bytes) = trial.without_edits().encode() else { return };
    let path = Path::new(&folder).join(format!("{:016x}", hash(data)));
    fs::write(path, [&bytes[..], field.as_bytes()].concat()).expect("writable");
});

fn hash(data: &[u8]) -> u64 {
    data.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
