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

/// The value of a secret field stands in the one file that the user put it into.
#[test]
fn no_file_has_a_secret_header() {
    const SECRET: &str = "of-which-nobody-knows-0123456789";
    let (tools, target) = (place(), Staging::new());
    let folder = target.folder.path();
    fs::write(folder.join("api-key"), SECRET).expect("written");
    let config = fs::read_to_string(target.config()).expect("a config");
    let config =
        config.replace("bearer: refused", "bearer: refused, headers: { X-Api-Key: { file: api-key } }");
    fs::write(target.config(), config).expect("written");
    let _faulty = target.serve(&["--quiet", "--defect", "ath-not-checked"]);
    let reports: Vec<String> = ["json", "html", "har", "md", "junit", "sarif", "ndjson"]
        .iter()
        .map(|format| format!("--report={format}={}", text(&folder.join(format))))
        .collect();
    let config_path = text(&target.config()).to_owned();
    let mut arguments = vec!["run", "rs.ath", "-vv", "--config", &config_path];
    arguments.extend(reports.iter().map(String::as_str));
    let said = run(arguments).with(1);
    assert!(!said.stdout.contains(SECRET) && !said.stderr.contains(SECRET));
    assert!(said.stdout.contains("X-Api-Key: [value of X-Api-Key sha256:"), "{}", said.stdout);

    let script = folder.join(".dpop/bundles/staging/rs.ath.missing.sh");
    let written = fs::read_to_string(&script).expect("a script");
    assert!(written.contains("-H 'X-Api-Key: '\"$(cat 'api-key')\""), "{written}");
    let said = bash(tools.path(), &format!("'{}'", text(&script)), &[]).with(0).stdout;
    assert_eq!(said.matches("HTTP/1.1 200").count(), 2, "{said}");

    let (mut folders, mut files) = (vec![folder.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("api-key") {
                let bytes = fs::read(&path).expect("a file");
                let leaks = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
                assert!(!leaks, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 10, "{files}");
}
