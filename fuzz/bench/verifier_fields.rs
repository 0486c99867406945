//! Raw bytes to the verifier of `proofs`, for `cargo xtask bench throughput`: one byte for the setting, as there, and the `DPoP` field.
#![no_main]

use dpop_harness::fuzzing::null_scene;
use dpop_harness::generator::Trial;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (setting, field) = data.split_at(data.len().min(1));
    let mut sight = null_scene().show(&Trial::decode(setting)).expect("a correct proof");
    sight.proofs = vec![field.iter().copied().map(char::from).collect()];
    let _ = sight.judge();
});
