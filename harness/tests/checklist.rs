//! `dpop run --checklist`: the table names what there is, and a line is ticked only where that was shown.

use std::fs;
use std::sync::Arc;

use crate::support::{Ended, Serving, free_port, run, text};
use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::guide::page as guide_page;
use dpop_harness::judge::Verdict;
use dpop_harness::plan::{all, matches, select};
use dpop_harness::reference::{Defect, NonceMode};
use dpop_harness::report::{Document, LINES, Mark, write_checklist};
use dpop_harness::scenario::{Scenario, load_embedded};
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Results, against_reference, run as run_suite};
use dpop_harness::target::Limits;

fn scenarios() -> Vec<Scenario> {
    load_embedded().expect("valid")
}

async fn results(defects: &[Defect], nonce: NonceMode, ids: &[&str]) -> Results {
    let scenarios = scenarios();
    let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
    let selected = select(&scenarios, &ids).expect("known");
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let defects = defects.iter().copied().collect();
    let (_running, setup) =
        against_reference(nonce, defects, Profile::Rfc9449, &Limits::default(), clock, entropy)
            .await
            .expect("servers on loopback");
    run_suite(&setup, &scenarios, &selected, &mut |_| {}).await
}

fn page(results: &Results) -> String {
    let mut page = Vec::new();
    write_checklist(&Document::from(results), &mut page).expect("written");
    let page = String::from_utf8(page).expect("UTF-8");
    for line in page.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(page.lines().count() <= 75, "one page");
    page
}

/// The lines with this mark, by their first pattern.
fn marked(results: &Results, mark: Mark) -> Vec<&'static str> {
    LINES
        .iter()
        .filter(|line| line.mark(&Document::from(results)) == mark)
        .map(|line| line.cases[0])
        .collect()
}

#[test]
fn every_pattern_names_a_case_and_every_case_is_behind_one_line() {
    let scenarios = scenarios();
    let cases: Vec<&str> = all(&scenarios).iter().map(|selected| selected.case.id.as_str()).collect();
    for line in LINES {
        for pattern in line.cases {
            assert!(cases.iter().any(|id| matches(pattern, id)), "{pattern} names no case");
        }
        let guide = guide_page(line.page).is_some();
        assert!(guide || scenarios.iter().any(|scenario| scenario.id == line.page), "{}", line.page);
    }
    for id in cases.iter().filter(|id| !id.starts_with("rs.preflight.")) {
        let lines = LINES.iter().filter(|line| line.cases.iter().any(|pattern| matches(pattern, id)));
        assert_eq!(lines.count(), 1, "{id} is behind one line");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clean_server_keeps_what_is_shown() {
    let results = results(&[], NonceMode::Required, &[]).await;
    assert_eq!(marked(&results, Mark::Kept).len(), LINES.len(), "{}", page(&results));
    let page = page(&results);
    let all = format!("Can I launch? Yes: all {} lines are kept.", LINES.len());
    assert!(page.starts_with(&all), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bug_crosses_its_line_and_no_other() {
    for (defect, line, ids) in [
        (Defect::AthNotChecked, "rs.ath.*", ["rs.ath.missing", "rs.ath.other-token"]),
        (Defect::CnfIgnored, "rs.key.*", ["rs.key.fresh-key", "fails: "]),
        (Defect::IatPastUnlimited, "rs.time.*", ["rs.time.iat-old", "rs.time.iat-zero"]),
        (Defect::PlainHttpServed, "rs.plain-http.*", ["rs.plain-http.its-own-proof", "1 fail"]),
    ] {
        let results = results(&[defect], NonceMode::Never, &[]).await;
        let page = page(&results);
        let broken = marked(&results, Mark::Broken);
        assert!(broken.contains(&line), "{page}");
        assert!(page.starts_with("Can I launch? No: "), "{page}");
        for id in ids {
            assert!(page.contains(id), "{id} is not in {page}");
        }
        let document = Document::from(&results);
        for (line, mark) in LINES.iter().map(|line| (line, line.mark(&document))) {
            let fails = line.number(&document, Verdict::Fail) > 0;
            assert_eq!(mark == Mark::Broken, fails, "{}", line.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_performed_is_not_ticked() {
    // Only one line was asked for.
    let one = results(&[], NonceMode::Never, &["rs.ath"]).await;
    assert_eq!(marked(&one, Mark::Kept), ["rs.ath.*"]);
    assert!(page(&one).contains("not shown: a loopback target"), "{}", page(&one));
    for to_show in ["target.plain-http", "target.resources", "target.forbidden", "observe:"] {
        assert!(page(&one).contains(to_show), "{to_show} is not in {}", page(&one));
    }
    assert!(page(&one).starts_with("Can I launch? That can't be said yet: "), "{}", page(&one));
    // The server has no nonces.
    let without = results(&[], NonceMode::Never, &[]).await;
    assert!(marked(&without, Mark::NotShown).contains(&"rs.nonce.*"));
    assert!(page(&without).contains("the server supplies no nonces ("), "{}", page(&without));
    // A warning is no failure, and no tick.
    let warned = results(&[Defect::HtuLiteral], NonceMode::Never, &[]).await;
    assert_eq!(marked(&warned, Mark::Doubtful), ["rs.htu.*"]);
    assert!(page(&warned).starts_with("Can I launch? Not yet: 1 of "), "{}", page(&warned));
    // Nothing is protected at all.
    let open = results(&[Defect::ProtectsNothing], NonceMode::Never, &[]).await;
    assert_eq!(marked(&open, Mark::NotShown).len(), LINES.len());
    assert!(page(&open).starts_with("Can I launch? No: "), "{}", page(&open));
}

#[test]
fn exit_codes_and_reports_are_those_of_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("checklist.txt");
    let to_file = format!("checklist={}", text(&report));
    let Ended { stdout, .. } =
        run(["run", "--checklist", "--defect", "bearer-accepted", "--report", &to_file]).with(1);
    assert!(stdout.starts_with("Can I launch? No: "), "{stdout}");
    assert_eq!(fs::read_to_string(&report).expect("a report"), stdout);
    assert!(run(["run", "--checklist"]).with(0).stdout.starts_with("Can I launch? Yes: "));
    let quiet = run(["run", "--checklist", "--quiet"]).with(0).stdout;
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
}

fn config(folder: &std::path::Path, port: u16, issuer: u16, more: &str) -> std::path::PathBuf {
    let path = folder.join("dpop.yaml");
    let yaml = format!(
        "dpop: 1
target: {{ name: t, resource: GET http://127.0.0.1:{port}/resource, bearer: refused }}
auth: {{ kind: embedded, listen: 127.0.0.1:{issuer}, issuer: 'http://127.0.0.1:{issuer}', audience: 'http://127.0.0.1:{port}' }}
{more}"
    );
    fs::write(&path, yaml).expect("written");
    path
}

#[test]
fn a_target_that_cannot_be_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = config(folder.path(), free_port(), free_port(), "");
    let Ended { stdout, .. } = run(["run", "--checklist", "--config", text(&path)]).with(3);
    assert!(stdout.starts_with("Can I launch? That can't be said. environment: nothing answers"), "{stdout}");
}

#[test]
fn failures_that_were_accepted_are_no_ticks() {
    let (port, issuer) = (free_port(), free_port());
    let (listen, trust) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{issuer}"));
    let _serving =
        Serving::start(&["--listen", &listen, "--trust", &trust, "--defect", "htu-literal", "--quiet"]);
    let folder = tempfile::tempdir().expect("a folder");
    let waive = "waive:
  - { case: rs.htu.upper-case-host-ok, reason: known, expires: 2099-01-01 }
  - { case: rs.htu.dot-segments-ok, reason: known, expires: 2099-01-01 }
  - { case: rs.htu.encoded-unreserved-ok, reason: known, expires: 2099-01-01 }
";
    let path = config(folder.path(), port, issuer, waive);
    let Ended { stdout, .. } = run(["run", "--checklist", "--config", text(&path)]).with(0);
    assert!(stdout.contains("[-] A proof counts for one URL"), "{stdout}");
    assert!(stdout.contains(", 1 of them accepted for now. Look at the other "), "{stdout}");
    assert!(stdout.contains("accepted for now: rs.htu.") && !stdout.contains("warns:"), "{stdout}");
}
