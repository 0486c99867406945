//! The verifiers see what they are given: examples that the RFC prints, the edges of the `iat` window, the nonce.

use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::base64url;
use dpop_harness::proof::{Draft, ProofKey, Statement};
use second_opinion::{IAT_FUTURE, IAT_PAST, Opinion, Presented, Verifier};

const NOW: i64 = 1_700_000_000;
const URL: &str = "https://rs.example/resource";
/// RFC 9449, figure 12.
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

/// RFC 9449, figures 2 and 13: header, claims, signature. The thumbprint is that of figure 9.
const HEADER: &str = r#"{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}}"#;
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
const AT_TOKEN_ENDPOINT: [&str; 2] = [
    r#"{"jti":"-BwC3ESc6acc2lTc","htm":"POST","htu":"https://server.example.com/token","iat":1562262616}"#,
    "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
];
const AT_RESOURCE: [&str; 2] = [
    r#"{"jti":"e1j3V_bKic8-LAEB","htm":"GET","htu":"https://resource.example.org/protectedresource","iat":1562262618,"ath":"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"}"#,
    "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
];

#[track_caller]
fn check(what: &str, presented: Presented<'_>, now: i64, jkt: Option<&str>) {
    for verifier in Verifier::ALL {
        match (verifier.judge(presented, now), jkt) {
            (Opinion::Accepts { jkt: found }, Some(jkt)) => assert_eq!(found, jkt, "{verifier}: {what}"),
            (Opinion::Refuses(_), None) => {}
            (opinion, _) => panic!("{verifier}: {what}: {opinion:?}"),
        }
    }
}

#[test]
fn the_proofs_in_the_rfc() {
    let jws = |[claims, signature]: [&str; 2]| {
        format!("{}.{}.{signature}", base64url::encode(HEADER), base64url::encode(claims))
    };

    let proof = jws(AT_TOKEN_ENDPOINT);
    let url = "https://server.example.com/token";
    let right = Presented { proof: &proof, method: "POST", url, access_token: None, nonce: None };
    check("figure 2", right, 1_562_262_616, Some(JKT));
    check("another method", Presented { method: "GET", ..right }, 1_562_262_616, None);
    let url = "https://server.example.com/par";
    check("another URL", Presented { url, ..right }, 1_562_262_616, None);
    check("a nonce is asked for", Presented { nonce: Some("n"), ..right }, 1_562_262_616, None);

    let proof = jws(AT_RESOURCE);
    let url = "https://resource.example.org/protectedresource";
    let right = Presented { proof: &proof, method: "GET", url, access_token: Some(TOKEN), nonce: None };
    check("figure 13", right, 1_562_262_618, Some(JKT));
    check("another token", Presented { access_token: Some("other"), ..right }, 1_562_262_618, None);
}

#[test]
fn the_window_is_the_same() {
    let key = ProofKey::generate(&SystemEntropy);
    let jkt = key.thumbprint().to_string();
    // A second may pass between the two readings of the clock.
    for (shift, good) in [
        (-IAT_PAST - 2, false),
        (-IAT_PAST + 2, true),
        (0, true),
        (IAT_FUTURE - 2, true),
        (IAT_FUTURE + 2, false),
    ] {
        let statement = Statement {
            htm: "GET",
            htu: URL,
            access_token: Some(TOKEN),
            nonce: None,
            jti: "j-1",
            iat: NOW + shift,
        };
        let proof = Draft::correct(&key, statement).sign(&key).compact();
        let presented =
            Presented { proof: &proof, method: "GET", url: URL, access_token: Some(TOKEN), nonce: None };
        check(&format!("iat {shift:+}"), presented, NOW, good.then_some(jkt.as_str()));
    }
}

#[test]
fn the_nonce_is_compared() {
    let key = ProofKey::generate(&SystemEntropy);
    let jkt = key.thumbprint().to_string();
    let sent = "n-1".parse().expect("nonce");
    for (nonce, asked_for, good) in
        [(Some(&sent), Some("n-1"), true), (Some(&sent), Some("n-2"), false), (None, Some("n-1"), false)]
    {
        let statement =
            Statement { htm: "GET", htu: URL, access_token: Some(TOKEN), nonce, jti: "j-1", iat: NOW };
        let proof = Draft::correct(&key, statement).sign(&key).compact();
        let presented =
            Presented { proof: &proof, method: "GET", url: URL, access_token: Some(TOKEN), nonce: asked_for };
        check(&format!("{nonce:?} for {asked_for:?}"), presented, NOW, good.then_some(jkt.as_str()));
    }
}
