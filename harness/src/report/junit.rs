//! `--report junit`: one testcase a case, in the dialect that Jenkins and GitLab read.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::document::{Case, Document, Entry};
use crate::judge::Verdict;

/// Writes the document.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new(legal(&format!("dpop {}", document.target.name)));
    report.set_time(Duration::try_from_secs_f64(document.seconds.unwrap_or_default()).unwrap_or_default());
    let mut scenarios: Vec<&str> = document.cases.iter().map(|case| case.scenario.as_ref()).collect();
    scenarios.dedup();
    for scenario in scenarios {
        let mut suite = TestSuite::new(scenario);
        suite.add_property(Property::new("profile", document.profile.as_ref()));
        suite.add_property(Property::new("seed", document.seed.to_string()));
        let cases = || document.cases.iter().filter(|case| case.scenario == scenario);
        suite.set_time(Duration::from_millis(cases().map(|case| case.ms).sum()));
        for case in cases() {
            suite.add_test_case(test_case(case, document));
        }
        report.add_test_suite(suite);
    }
    report.serialize(&mut *out).map_err(io::Error::other)?;
    writeln!(out)
}

fn test_case(case: &Case<'_>, document: &Document<'_>) -> TestCase {
    let mut test = TestCase::new(legal(&format!("{} {}", case.id, case.title)), status(case, document));
    test.set_classname(case.scenario.as_ref());
    test.set_time(Duration::from_millis(case.ms));
    test.extra.insert("file".into(), case.file.as_ref().into());
    test.extra.insert("line".into(), case.line.to_string().into());
    test.add_property(Property::new("verdict", case.verdict.name()));
    test.add_property(Property::new("level", case.level.as_ref()));
    test.add_property(Property::new("spec", case.spec.join(" ")));
    test.add_property(Property::new("cwe", case.weaknesses().collect::<Vec<_>>().join(" ")));
    if let Some(drift) = &document.drift {
        test.add_property(Property::new("snapshot", drift.word(&case.id)));
    }
    if !matches!(case.verdict, Verdict::Pass | Verdict::Skip) {
        let transcript: Vec<_> = case.transcript.iter().map(|entry| shown(&entry)).collect();
        test.set_system_out(legal(&format!("dpop run {} -vv\n\n{}", case.id, transcript.join("\n"))));
    }
    test
}

fn status(case: &Case<'_>, document: &Document<'_>) -> TestCaseStatus {
    let reason = case.reason.as_deref().unwrap_or_default();
    if let Some(waiver) = &case.waived {
        let mut status = TestCaseStatus::skipped();
        status.set_message(legal(&format!("waived until {}: {}", waiver.expires, waiver.reason)));
        return status;
    }
    if let Some(waiver) = document.bad_waivers.iter().find(|waiver| waiver.case == case.id) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(format!("{}-waiver", waiver.fault));
        status.set_message(legal(&waiver.told));
        status.set_description(legal(reason));
        return status;
    }
    match case.verdict {
        Verdict::Pass | Verdict::Note | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("nonconformant");
            status.set_message(legal(&case.told()));
            status.set_description(legal(&format!("{reason}\n{}", case.why)));
            status
        }
        Verdict::Inconclusive => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("environment");
            status.set_message(legal(reason));
            status
        }
        Verdict::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(legal(reason));
            status
        }
    }
}

fn shown(entry: &Entry<'_>) -> String {
    format!("-- {}\n{}\n\n{}\n", entry.turn, entry.request, entry.response)
}

/// `text` without the characters that XML 1.0 forbids; the library filters most of them, but not U+FFFE and U+FFFF.
fn legal(text: &str) -> String {
    text.chars().filter(|character| !matches!(character, '\u{fffe}' | '\u{ffff}')).collect()
}
