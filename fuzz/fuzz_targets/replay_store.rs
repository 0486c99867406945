//! libFuzzer's way into `dpop_harness::fuzzing::replay_store`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dpop_harness::fuzzing::replay_store(data));
