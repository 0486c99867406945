//! All tests as one program, but the cases of the suite (`conformance.rs`) and the suite as somebody's test (`embed.rs`).

mod bad_files;
mod bundles;
mod checklist;
mod ci;
mod cli;
mod doctor;
mod doctor_tls;
mod exit_codes;
mod formats;
mod fuzz;
mod fuzz_oracles;
mod generated;
mod guide;
mod hostile;
mod init;
mod interruption;
mod judging;
mod keys;
mod layering;
mod lists;
mod measure;
mod panics;
mod redaction;
mod reports;
mod rounds;
mod selftest;
mod shards;
mod shim;
mod snapshots;
mod static_tokens;
mod support;
mod tls;

/// A file that is not named here would be tested by nobody.
#[test]
fn every_file_is_part_of_the_program() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let named = include_str!("main.rs");
    for entry in std::fs::read_dir(&here).expect("a folder") {
        let path = entry.expect("an entry").path();
        let module = path.extension().is_some_and(|end| end == "rs") || path.join("mod.rs").is_file();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let known = named.lines().any(|line| line == format!("mod {name};"));
        assert!(!module || known || ["main", "conformance", "embed"].contains(&name), "{}", path.display());
    }
}
