//! What a failure leaves behind can be pasted: the script asks the server again, with curl.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Staging, bash, place, run, text};

/// With nonces, which the script has to ask for.
#[test]
fn a_script_shows_the_failure_and_that_it_is_gone() {
    let (tools, target) = (place(), Staging::new());
    let nonces = ["--nonce", "required", "--quiet"];
    let faulty = target.serve(&[&nonces[..], &["--defect", "ath-not-checked,jti-not-tracked"]].concat());
    let cases = ["rs.ath.missing", "rs.ath.hex", "rs.replay.twice"];
    run(["run", "--profile", "strict", "--config", text(&target.config())].iter().chain(&cases)).with(1);
    let script = |id: &str| target.folder.path().join(format!(".dpop/bundles/staging/{id}.sh"));
    for id in cases {
        let written = fs::read_to_string(script(id)).expect("a script");
        assert_eq!(fs::metadata(script(id)).expect("a file").permissions().mode() & 0o111, 0o111, "{id}");
        assert!(!written.contains("eyJ"), "no token and no proof is kept: {written}");
    }
    let sent = |id: &str| bash(tools.path(), &format!("'{}'", text(&script(id))), &[]);
    for id in ["rs.ath.missing", "rs.ath.hex"] {
        let said = sent(id).with(0).stdout;
        let (correct, wrong) = said.split_once("The same, with what is wrong:").expect("both");
        assert!(correct.contains("HTTP/1.1 200") && wrong.contains("HTTP/1.1 200"), "{said}");
    }
    // More than one request: that is left to `dpop replay`.
    assert!(sent("rs.replay.twice").with(1).stdout.contains("FAIL rs.replay.twice"));
    drop(faulty);

    let _clean = target.serve(&nonces);
    let said = sent("rs.ath.missing").with(0).stdout;
    let (correct, wrong) = said.split_once("The same, with what is wrong:").expect("both");
    assert!(correct.contains("HTTP/1.1 200"), "{said}");
    assert!(wrong.contains("HTTP/1.1 401") && wrong.contains("invalid_dpop_proof"), "{said}");
}
