//! libFuzzer's way into `planted::edits`: a target of `cargo xtask bench fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| planted::edits(data));
