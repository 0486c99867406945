//! The exit codes in a real shell script: a contract with whoever calls `dpop run` there.

#![cfg(unix)]

use crate::support::{bash, free_port, place};

#[test]
fn a_script_sees_every_exit_code() {
    let folder = place();
    let ports = ["RESOURCE", "BUGGY", "ISSUER", "NOBODY"].map(|name| (name, free_port().to_string()));
    let ports: Vec<(&str, &str)> = ports.iter().map(|(name, port)| (*name, port.as_str())).collect();
    let script = concat!("sh '", env!("CARGO_MANIFEST_DIR"), "/tests/exit_codes.sh'");
    let said = bash(folder.path(), script, &ports).with(0).stdout;
    for code in [0, 1, 2, 3, 4, 130] {
        assert!(said.contains(&format!("ok {code}: ")), "{said}");
    }
}
