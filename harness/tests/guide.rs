//! `dpop explain`: the guide's pages, the parts of a proof, the flow, and everything else that has a name.

use std::collections::BTreeMap;

use crate::support::run;
use dpop_harness::clock::{Clock as _, SystemClock};
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::guide::{self, FLOW, SECTIONS, WIDTH};
use dpop_harness::jose::AlgSet;
use dpop_harness::jose::Ath;
use dpop_harness::jose::json::Json;
use dpop_harness::jose::jws::Compact;
use dpop_harness::jose::uri::Uri;
use dpop_harness::mutation;
use dpop_harness::reference::{
    DefectSet, NonceMode, Nonces, Presented, RequestUri, VerifiedProof, Verifier, defects,
};
use dpop_harness::scenario::load_embedded;
use dpop_harness::spec::Ledger;

#[track_caller]
fn explain(name: &str) -> String {
    run(["explain", name]).with(0).stdout
}

#[test]
fn every_page_is_shown_as_it_stands() {
    for page in guide::pages() {
        let shown = explain(page.name);
        assert!(shown.starts_with(page.text), "{shown}");
        for section in SECTIONS {
            assert!(shown.contains(&format!("\n## {section}\n")), "{}: {section}", page.name);
        }
    }
}

#[test]
fn a_pitfall_lists_its_cases_and_a_rule_has_none() {
    let shown = explain("reused-proof");
    for id in ["\n## Cases\n", "rs.replay: ", "  rs.replay.twice ", "  rs.jti.missing "] {
        assert!(shown.contains(id), "{id}\n{shown}");
    }
    assert!(!explain("browser-matter").contains("## Cases"));
}

#[test]
fn headings_are_bold_where_there_is_colour() {
    let shown = run(["explain", "missing-ath", "--color", "always"]).with(0).stdout;
    assert!(shown.contains("\u{1b}[1m## Why it happens\u{1b}[0m\n"), "{shown}");
}

#[test]
fn the_list_names_every_page() {
    let list = explain("guide");
    for page in guide::pages() {
        let row = format!("\n  {:28} {}\n", page.name, page.title());
        assert!(list.contains(&row), "{row}{list}");
    }
    assert!(list.lines().all(|line| line.chars().count() <= WIDTH), "{list}");
}

#[test]
fn a_case_and_a_scenario_lead_to_their_page() {
    for name in ["rs.ath.missing", "rs.ath"] {
        let last = explain(name);
        assert_eq!(last.lines().last(), Some("Guide        dpop explain missing-ath"), "{name}");
    }
    assert!(!explain("rs.accept.unknown-claim").contains("Guide"));
}

#[test]
fn the_flow_is_printed() {
    assert_eq!(explain("flow"), FLOW);
}

/// The reference server, which shares no code with the builder, takes the proof that is shown.
#[test]
fn the_proof_that_is_shown_is_good() {
    let shown = explain("proof");
    let (token, compact) = credentials(&shown);
    let read = Compact::read(compact.as_bytes()).expect("well-formed");
    let claim = |name| read.claims.member(name).and_then(Json::as_str).expect("a string").to_owned();
    assert_eq!(claim("ath"), Ath::of(token).as_str());
    assert!(shown.contains(&format!("DPoP-Nonce: {}\n", claim("nonce"))), "{shown}");

    let verifier =
        Verifier::new(Nonces::new(NonceMode::Never, &SystemEntropy), None, AlgSet::all(), DefectSet::empty());
    let uri: Uri = claim("htu").parse().expect("a URI");
    let presented = Presented {
        proofs: &[compact.as_bytes()],
        method: "GET",
        uri: RequestUri { uri: &uri, query: None },
        access_token: Some(token),
        bound_key: None,
        now: SystemClock.unix_seconds(),
    };
    let VerifiedProof { jkt, .. } = verifier.verify(&presented).expect("a good proof");
    assert!(shown.contains(&format!("    {jkt}\n")), "{jkt}\n{shown}");
}

#[test]
fn every_proof_that_is_shown_is_another() {
    let (one, other) = (explain("proof"), explain("proof"));
    assert_ne!(credentials(&one).0, credentials(&other).0);
    assert_ne!(credentials(&one).1, credentials(&other).1);
}

/// The access token and the proof in the request that is shown.
#[track_caller]
fn credentials(shown: &str) -> (&str, &str) {
    let field = |name| shown.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
    (field("Authorization: DPoP "), field("DPoP: "))
}

#[test]
fn everything_else_is_still_explained() {
    let planted = defects().next().expect("a defect");
    let cases = [
        ("rs.ath", "rs.ath: "),
        ("rs.ath.missing", "rs.ath.missing: "),
        ("9449-4.3-12b", "9449-4.3-12b: "),
        (planted.name, planted.summary),
        ("twin-signature", "twin-signature: "),
        ("pitfalls", "missing-ath "),
        ("defects", planted.name),
        ("mutations", "twin-signature "),
    ];
    for (name, expected) in cases {
        let shown = explain(name);
        assert!(shown.contains(expected), "{name}: {shown}");
    }
}

#[test]
fn a_name_that_is_nearly_right_gets_a_hint() {
    for (wrong, right) in [("htps-only", "https-only"), ("profo", "proof"), ("missing-aht", "missing-ath")] {
        let stderr = run(["explain", wrong]).with(2).stderr;
        assert!(stderr.contains(&format!("did you mean `{right}`?")), "{stderr}");
    }
}

/// `dpop explain NAME` has one meaning.
#[test]
fn no_name_is_used_twice() {
    let scenarios = load_embedded().expect("valid");
    let lists = ["guide", "proof", "flow", "pitfalls", "facts", "defects", "mutations"];
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let all = scenarios
        .iter()
        .flat_map(|scenario| &scenario.cases)
        .map(|case| case.id.as_str())
        .chain(scenarios.iter().map(|scenario| scenario.id.as_str()))
        .chain(guide::pages().map(|page| page.name))
        .chain(Ledger::embedded().requirements().iter().map(|row| row.id.as_str()))
        .chain(defects().map(|row| row.name))
        .chain(mutation::catalogue().map(|row| row.name))
        .chain(lists);
    for name in all {
        *names.entry(name).or_default() += 1;
    }
    names.retain(|_, uses| *uses > 1);
    assert!(names.is_empty(), "{names:?}");
}
