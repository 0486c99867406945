//! `--report junit`: one testcase a case, in the dialect that Jenkins and GitLab read.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::Report;
use crate::judge::Verdict;
use crate::run::Exchange;
use crate::suite::Outcome;

/// Writes the document.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let results = report.results;
    let mut document = Document::new(format!("dpop {}", results.target));
    document.set_time(Duration::from_secs_f64(report.seconds));
    let mut scenarios: Vec<&str> = results.outcomes.iter().map(|outcome| outcome.scenario.as_str()).collect();
    scenarios.dedup();
    for scenario in scenarios {
        let mut suite = TestSuite::new(scenario);
        suite.add_property(Property::new("profile", results.profile.name()));
        suite.add_property(Property::new("seed", results.seed.to_string()));
        for outcome in results.outcomes.iter().filter(|outcome| outcome.scenario == scenario) {
            suite.add_test_case(test_case(outcome));
        }
        document.add_test_suite(suite);
    }
    document.serialize(&mut *out).map_err(io::Error::other)?;
    writeln!(out)
}

fn test_case(outcome: &Outcome) -> TestCase {
    let reason = outcome.reason.as_deref().unwrap_or_default();
    let mut case =
        TestCase::new(legal(&format!("{} {}", outcome.id, outcome.title)), status(outcome, reason));
    case.set_classname(outcome.scenario.as_str());
    let own = || outcome.transcript.iter().filter(|exchange| !exchange.shared);
    case.set_time(Duration::from_millis(own().map(|exchange| exchange.milliseconds).sum()));
    case.extra.insert("file".into(), outcome.file.as_str().into());
    case.extra.insert("line".into(), outcome.line.to_string().into());
    case.add_property(Property::new("verdict", outcome.verdict.name()));
    case.add_property(Property::new("level", outcome.level.name()));
    case.add_property(Property::new("spec", outcome.spec.join(" ")));
    let cwe: Vec<String> = outcome.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    case.add_property(Property::new("cwe", cwe.join(" ")));
    if !matches!(outcome.verdict, Verdict::Pass | Verdict::Skip) {
        case.set_system_out(legal(&transcript(outcome)));
    }
    case
}

fn status(outcome: &Outcome, reason: &str) -> TestCaseStatus {
    if let Some(waiver) = &outcome.waived {
        let mut status = TestCaseStatus::skipped();
        status.set_message(legal(&format!("waived until {}: {}", waiver.expires, waiver.reason)));
        return status;
    }
    let mut status = match outcome.verdict {
        Verdict::Pass | Verdict::Note | Verdict::Warn => return TestCaseStatus::success(),
        Verdict::Skip => TestCaseStatus::skipped(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    match outcome.verdict {
        Verdict::Fail => {
            let saw = outcome.decisive_exchange().map(Exchange::told).unwrap_or_default();
            status.set_type("nonconformant");
            status.set_message(legal(&format!("expected {}, saw {saw}", outcome.expected)));
            status.set_description(legal(&format!("{reason}\n{}", outcome.why)));
        }
        Verdict::Inconclusive => {
            status.set_type("environment");
            status.set_message(legal(reason));
        }
        Verdict::Skip | Verdict::Pass | Verdict::Note | Verdict::Warn => {
            status.set_message(legal(reason));
        }
    }
    status
}

fn transcript(outcome: &Outcome) -> String {
    let show =
        |exchange: &Exchange| format!("{:?}\n{}\n\n{}\n", exchange.turn, exchange.request, exchange.response);
    outcome.transcript.iter().map(show).collect::<Vec<_>>().join("\n")
}

/// `text` without the characters that XML 1.0 forbids; the library filters most of them, but not U+FFFE and U+FFFF.
fn legal(text: &str) -> String {
    text.chars().filter(|character| !matches!(character, '\u{fffe}' | '\u{ffff}')).collect()
}
