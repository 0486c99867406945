//! libFuzzer's way into `planted::fields`: a target of `cargo xtask bench fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| planted::fields(data));
