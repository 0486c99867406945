use std::io;
use std::path::Path;

use libtest_mimic::{Completion, Failed, Trial};

use crate::judge::Verdict;
use crate::plan::Selected;
use crate::report::{Human, Style};
use crate::scenario::{Case, Tag};
use crate::suite::{Outcome, Results, Subject, WaiverFault};

/// The test of a case before anything is known of it: for names, and for what is not performed.
pub(super) fn placeholder(case: &Case) -> Trial {
    let slow = case.tags().any(|tag| tag == Tag::Slow);
    Trial::test(&case.id, || Err("not performed".into())).with_ignored_flag(slow)
}

/// What made no test fail, and is worth a word.
pub(super) fn remarkable(results: &Results, deny_warnings: bool) -> impl Iterator<Item = &Outcome> {
    results.outcomes.iter().filter(move |outcome| match outcome.verdict {
        Verdict::Note => true,
        Verdict::Warn => outcome.waived.is_none() && !deny_warnings,
        Verdict::Pass | Verdict::Fail | Verdict::Skip | Verdict::Inconclusive => false,
    })
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Passed,
    /// With the reason.
    Ignored(String),
    /// With everything there is to say.
    Failed(String),
}

/// What outcomes mean for tests.
pub(super) struct Meaning<'a> {
    pub(super) results: &'a Results,
    pub(super) deny_warnings: bool,
    pub(super) style: Style,
}

impl Meaning<'_> {
    /// The test of each of these cases.
    pub(super) fn trials(&self, performed: &[Selected<'_>]) -> Vec<Trial> {
        let mut told: Vec<Told> = performed.iter().map(|case| self.told(&case.case.id)).collect();
        // A preflight check that nobody asked for did not pass: the first of those that depend on it says so.
        let failed = told.iter().any(|told| matches!(told, Told::Failed(_)));
        if let (false, Some(obstacle), Some(first)) = (failed, self.obstacle(), told.first_mut()) {
            *first = Told::Failed(self.page(obstacle, None));
        }
        let trial = |(case, told): (&Selected<'_>, Told)| {
            Trial::ignorable_test(&case.case.id, move || match told {
                Told::Passed => Ok(Completion::Completed),
                Told::Ignored(reason) => Ok(Completion::ignored_with(reason)),
                Told::Failed(page) => Err(Failed::from(page)),
            })
        };
        performed.iter().zip(told).map(trial).collect()
    }

    /// Why the server could not be judged as a whole.
    fn obstacle(&self) -> Option<&Outcome> {
        let is_obstacle = |outcome: &&Outcome| {
            outcome.subject == Subject::Preflight
                && matches!(outcome.verdict, Verdict::Fail | Verdict::Inconclusive)
        };
        self.results.outcomes.iter().find(is_obstacle)
    }

    fn told(&self, id: &str) -> Told {
        let Some(outcome) = self.results.outcomes.iter().find(|outcome| outcome.id == id) else {
            return Told::Failed("it has no outcome".to_owned());
        };
        let stale = self.results.waiver_faults.iter().find(|fault| waives(fault) == id);
        if stale.is_some() {
            return Told::Failed(self.page(outcome, stale));
        }
        if let Some(waiver) = &outcome.waived {
            let (what, until) = (outcome.verdict.name(), waiver.expires);
            return Told::Ignored(format!("{what}, waived until {until}: {}", waiver.reason));
        }
        match outcome.verdict {
            Verdict::Pass | Verdict::Note => Told::Passed,
            Verdict::Warn if !self.deny_warnings => Told::Passed,
            Verdict::Warn | Verdict::Fail | Verdict::Inconclusive => Told::Failed(self.page(outcome, None)),
            Verdict::Skip => Told::Ignored(outcome.reason.clone().unwrap_or_default()),
        }
    }

    /// What to read where a test failed.
    fn page(&self, outcome: &Outcome, fault: Option<&WaiverFault>) -> String {
        let mut page = Vec::new();
        if let Err(error) = self.write_page(&mut page, outcome, fault) {
            return error.to_string();
        }
        String::from_utf8_lossy(&page).into_owned()
    }

    fn write_page(
        &self,
        page: &mut Vec<u8>,
        outcome: &Outcome,
        fault: Option<&WaiverFault>,
    ) -> io::Result<()> {
        let mut human = Human::new(page, self.style, String::new());
        human.case(outcome)?;
        if let Some(fault) = fault {
            human.labelled("Waiver", &fault.to_string())?;
        }
        human.labelled("Explain", &format!("dpop explain {}", outcome.id))?;
        human.labelled("Repro", &repeat(&outcome.id))?;
        if self.style.verbosity >= 2 {
            human.exchanges(outcome)?;
        }
        Ok(())
    }
}

fn waives(fault: &WaiverFault) -> &str {
    match fault {
        WaiverFault::Expired(waiver) | WaiverFault::Stale(waiver) => &waiver.case,
    }
}

/// The command that performs one case again. Cargo calls the program NAME-HASH, and says which package it is of.
fn repeat(id: &str) -> String {
    let program = std::env::args().next().unwrap_or_default();
    let name = Path::new(&program).file_stem().unwrap_or_default().to_string_lossy();
    let name = name.rsplit_once('-').map_or(&*name, |(name, _)| name);
    let package = std::env::var("CARGO_PKG_NAME").map(|package| format!(" -p {package}")).unwrap_or_default();
    format!("cargo test{package} --test {name} -- --exact {id} --nocapture")
}
