//! libFuzzer's way into `dpop_harness::fuzzing::proofs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dpop_harness::fuzzing::proofs(data));
