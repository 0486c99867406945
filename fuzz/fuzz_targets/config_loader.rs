//! libFuzzer's way into `dpop_harness::fuzzing::config_loader`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dpop_harness::fuzzing::config_loader(data));
