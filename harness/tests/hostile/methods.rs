//! Servers that treat HEAD in a way of their own.

use dpop_harness::cli::Exit;
use dpop_harness::judge::Verdict::{Skip, Warn};
use dpop_harness::suite::Results;

use super::bench::{Bench, answer, check, ids_with, skips};

const WRONG_PROOF: (&str, &str) = ("WWW-Authenticate", "DPoP error=\"invalid_dpop_proof\"");
const BOTH: [&str; 2] = ["rs.htm.head-ok", "rs.htm.head-with-get-proof"];

async fn answering_head(code: u16, fields: &'static [(&'static str, &'static str)]) -> Results {
    let bench = Bench::clean().await;
    let bench = bench.instead(move |_, request| (request.method == "HEAD").then(|| answer(code, fields)));
    let results = bench.run_only(&["rs.htm"]).await;
    assert!(skips(&results)[0].starts_with("the resource does not serve HEAD"), "{:?}", skips(&results));
    results
}

#[tokio::test]
async fn there_is_no_head() {
    for code in [301, 403, 404, 405, 429, 501] {
        let results = answering_head(code, &[]).await;
        check(&results, Exit::Conforms, &[]);
        assert_eq!(ids_with(&results, Skip), BOTH, "{code}");
    }
}

/// One finding: whether a wrong proof would be refused can't be told, and is no second one.
#[tokio::test]
async fn a_right_proof_for_head_is_refused() {
    let results = answering_head(401, &[WRONG_PROOF]).await;
    check(&results, Exit::Conforms, &[("rs.htm.head-ok", Warn, "must be accepted was answered reject 401")]);
    assert_eq!(ids_with(&results, Skip), ["rs.htm.head-with-get-proof"]);
}
