//! `dpop key new` and `dpop proof`: one key, kept; and a proof for each request that the reference server takes.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{dpop, ended, run, text};
use dpop_harness::clock::{Clock as _, SystemClock};
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::uri::Uri;
use dpop_harness::jose::{AlgSet, Nonce};
use dpop_harness::reference::{DefectSet, NonceMode, Nonces, Presented, Refusal, RequestUri, Verifier};

const URL: &str = "https://api.example.test/v1/me";

/// What the verifier says of a proof for `GET` [`URL`], held against the key that `jkt` names.
fn verified(proof: &str, token: Option<&str>, jkt: &str) -> Result<(), Refusal> {
    let nonces = Nonces::new(NonceMode::Never, &SystemEntropy);
    let verifier = Verifier::new(nonces, None, AlgSet::all(), DefectSet::empty());
    let uri: Uri = URL.parse().expect("a URL");
    let presented = Presented {
        proofs: &[proof.trim_end().as_bytes()],
        method: "GET",
        uri: RequestUri { uri: &uri, query: None },
        access_token: token,
        bound_key: Some(jkt.parse().expect("a thumbprint")),
        now: SystemClock.unix_seconds(),
    };
    verifier.verify(&presented).map(|_| ())
}

#[test]
fn a_key_and_a_proof_of_every_algorithm() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "a.b.c\n").expect("written");
    for alg in AlgSet::all().names() {
        let file = folder.path().join(format!("{alg}.jwk"));
        let printed = run(["key", "new", text(&file), "--alg", alg]).with(0).stdout;
        let jkt = printed.trim_end();
        let proof = |arguments: &[&str]| {
            run([&["proof", "GET", URL, "--jwk", text(&file)], arguments].concat()).with(0).stdout
        };
        let for_the_api = proof(&["--token-file", text(&token)]);
        assert_eq!(verified(&for_the_api, Some("a.b.c"), jkt), Ok(()), "{alg}");
        assert_eq!(verified(&proof(&[]), None, jkt), Ok(()), "{alg}");
        assert!(verified(&proof(&[]), Some("a.b.c"), jkt).is_err(), "{alg}: without ath");
        assert!(verified(&for_the_api, Some("a.b.d"), jkt).is_err(), "{alg}: another token");
    }
}

#[test]
fn a_proof_is_for_its_url_token_and_nonce() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key.jwk");
    let jkt = run(["key", "new", text(&file)]).with(0).stdout;
    let query = format!("{URL}?page=2#top");
    let proof = run(["proof", "GET", &query, "--jwk", text(&file)]).with(0).stdout;
    assert_eq!(verified(&proof, None, jkt.trim_end()), Ok(()), "query and fragment are left out");

    let mut command =
        dpop(["proof", "GET", URL, "--jwk", text(&file), "--token-file", "-", "--nonce", "-n-1"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(b"  tok.e.n\n").expect("written");
    let out = child.wait_with_output().expect("it ends");
    assert!(out.status.success());
    let proof = String::from_utf8(out.stdout).expect("text");
    assert_eq!(verified(&proof, Some("tok.e.n"), jkt.trim_end()), Ok(()));
    let claims = dpop_harness::jose::jws::Compact::read(proof.trim_end().as_bytes()).expect("a JWS").claims;
    let nonce: Nonce =
        claims.member("nonce").and_then(|nonce| nonce.as_str()).expect("text").parse().expect("a nonce");
    assert_eq!(nonce.as_str(), "-n-1");
}

#[test]
fn a_key_is_only_for_its_owner_and_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key.jwk");
    run(["key", "new", text(&file)]).with(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let before = std::fs::read(&file).expect("readable");
    let again = run(["key", "new", text(&file)]).with(2);
    assert!(again.stderr.contains("never overwritten"), "{}", again.stderr);
    assert_eq!(std::fs::read(&file).expect("readable"), before);

    #[cfg(unix)]
    {
        let dangling = folder.path().join("link.jwk");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &dangling).expect("a link");
        run(["key", "new", text(&dangling)]).with(2);
    }
    let nowhere = folder.path().join("no/such/folder/key.jwk");
    assert!(run(["key", "new", text(&nowhere)]).with(3).stderr.contains("can't write"));
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let key = at("key.jwk");
    run(["key", "new", text(&key)]).with(0);
    std::fs::write(at("junk"), "{\"kty\":\"EC\"").expect("written");
    std::fs::write(at("public"), "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":\"\"}")
        .expect("written");
    std::fs::write(at("empty"), "\n").expect("written");
    let (junk, public, empty) = (at("junk"), at("public"), at("empty"));
    for (arguments, says) in [
        (vec!["proof", "GET", URL, "--jwk", text(&junk)], "junk"),
        (vec!["proof", "GET", URL, "--jwk", text(&public)], "private key"),
        (vec!["proof", "GET", "/v1/me", "--jwk", text(&key)], "/v1/me"),
        (vec!["proof", "GET", URL, "--jwk", text(&key), "--token-file", text(&empty)], "no token"),
        (vec!["proof", "GET", URL, "--jwk", text(&key), "--nonce", "a b"], "--nonce"),
        (vec!["proof", "GET", URL], "--jwk"),
        (vec!["key", "new", text(&empty), "--alg", "HS256"], "ES256"),
    ] {
        let said = ended(&mut dpop(&arguments)).with(2).stderr;
        assert!(said.contains(says), "{arguments:?}\n{said}");
    }
}

/// What a case sends can be sent with curl, too.
#[test]
fn a_proof_is_spoiled_as_a_case_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let (key, token) = (folder.path().join("key.jwk"), folder.path().join("token"));
    run(["key", "new", text(&key)]).with(0);
    std::fs::write(&token, "tok.e.n").expect("written");
    let spoiled = |id: &str| {
        run(["proof", "GET", URL, "--jwk", text(&key), "--token-file", text(&token), "--case", id])
    };
    let claims = |proof: &str| {
        dpop_harness::jose::jws::Compact::read(proof.trim_end().as_bytes()).expect("a JWS").claims
    };
    assert!(claims(&spoiled("rs.accept.unknown-claim").with(0).stdout).member("ath").is_some());
    assert!(claims(&spoiled("rs.ath.missing").with(0).stdout).member("ath").is_none());
    for (id, says) in [
        ("rs.ath.mising", "rs.ath.missing"),
        ("rs.ath", "name one case"),
        ("rs.replay.twice", "several requests"),
        ("rs.answer.status", "about no proof"),
        ("rs.ath.other-token", "second access token"),
        ("rs.downgrade.bearer", "more of the request"),
    ] {
        let said = spoiled(id).with(2).stderr;
        assert!(said.contains(says), "{id}: {said}");
    }
}
