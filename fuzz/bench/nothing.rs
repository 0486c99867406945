//! What libFuzzer itself costs: the floor of `cargo xtask bench throughput`.
#![no_main]

libfuzzer_sys::fuzz_target!(|_data: &[u8]| {});
