//! Which requirements of the ledger are tested by a case or measured by a fact, and why the others are not.

use std::fmt::Write as _;

use crate::scenario::{Case, Rules, Scenario};
use crate::spec::{Fact, Gap, Ledger, Profile, Requirement, Role};

/// The ledger beside the cases that cite it.
#[derive(Debug)]
pub struct Coverage<'a> {
    rows: Vec<Row<'a>>,
}

/// One requirement, the cases that cite it, by themselves or through a profile, and the facts that measure it.
#[derive(Debug)]
pub struct Row<'a> {
    /// The row of the ledger.
    pub requirement: &'a Requirement,
    /// Ids of the cases that cite it, in the order of the files.
    pub cases: Vec<&'a str>,
    /// The facts that measure it.
    pub facts: Vec<Fact>,
}

/// How far a requirement is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A case cites it.
    Covered,
    /// No case cites it, as no verdict would be fair; `dpop measure` measures it.
    Measured,
    /// Cases are to be written.
    Open,
    /// It can't be seen from outside.
    Untestable,
    /// It is not for this suite.
    OutOfScope,
    /// It is a duty of a role whose suite is not there yet.
    NoSuite,
    /// Neither a case nor the row itself says anything: a fault of the ledger.
    Forgotten,
}

impl State {
    /// Every state, in the order in which they are shown.
    pub const ALL: &[Self] = &[
        Self::Covered,
        Self::Measured,
        Self::Open,
        Self::Untestable,
        Self::OutOfScope,
        Self::NoSuite,
        Self::Forgotten,
    ];

    /// The word in the ledger, in JSON and on the console.
    pub fn name(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Measured => "measured",
            Self::Open => "open",
            Self::Untestable => "untestable",
            Self::OutOfScope => "out-of-scope",
            Self::NoSuite => "no-suite",
            Self::Forgotten => "forgotten",
        }
    }
}

impl<'a> Row<'a> {
    /// How far it is tested. A case that cites it counts for more than a fact, and both for more than what the row says of
    /// itself.
    pub fn state(&self) -> State {
        match (&self.requirement.gap, self.cases.is_empty(), self.facts.is_empty()) {
            (_, false, _) => State::Covered,
            (_, true, false) => State::Measured,
            (Some(Gap::Open(_)), true, true) => State::Open,
            (Some(Gap::Untestable(_)), true, true) => State::Untestable,
            (Some(Gap::OutOfScope(_)), true, true) => State::OutOfScope,
            (None, true, true) if self.requirement.role.includes_resource_server() => State::Forgotten,
            (None, true, true) => State::NoSuite,
        }
    }

    /// Why no case cites it and no fact measures it, or what is needed for one.
    pub fn reason(&self) -> Option<&'a str> {
        match &self.requirement.gap {
            Some(Gap::Open(text) | Gap::Untestable(text) | Gap::OutOfScope(text))
                if self.cases.is_empty() && self.facts.is_empty() =>
            {
                Some(text)
            }
            Some(Gap::Open(_) | Gap::Untestable(_) | Gap::OutOfScope(_)) | None => None,
        }
    }

    /// The cases that cite it, or the facts that measure it where there are none.
    pub fn proofs(&self) -> Vec<String> {
        let facts = self.facts.iter().map(|fact| format!("dpop measure --only {}", fact.name()));
        let cases = self.cases.iter().map(|case| (*case).to_owned());
        if self.cases.is_empty() { facts.collect() } else { cases.collect() }
    }
}

/// Whether `case` shows a requirement: it says so itself, or a profile does.
pub fn cites(case: &Case, id: &str) -> bool {
    case.spec.iter().any(|own| own == id)
        || Profile::ALL.iter().any(|profile| {
            let mut demands = Rules::of(*profile).demands_of(case);
            demands.any(|demand| demand.spec.iter().any(|row| row == id))
        })
}

impl<'a> Coverage<'a> {
    /// What `scenarios` cover of `ledger`.
    pub fn of(ledger: &'a Ledger, scenarios: &'a [Scenario]) -> Self {
        let row = |requirement: &'a Requirement| {
            let cases = scenarios.iter().flat_map(|scenario| &scenario.cases);
            let cases = cases.filter(|case| cites(case, &requirement.id)).map(|case| case.id.as_str());
            let measures = |fact: &&Fact| fact.rows().contains(&requirement.id.as_str());
            let facts = Fact::ALL.iter().filter(measures).copied().collect();
            Row { requirement, cases: cases.collect(), facts }
        };
        Self { rows: ledger.requirements().iter().map(row).collect() }
    }

    /// Every row, in the order of the ledger.
    pub fn rows(&self) -> &[Row<'a>] {
        &self.rows
    }

    /// The row of a requirement.
    pub fn row(&self, id: &str) -> Option<&Row<'a>> {
        self.rows.iter().find(|row| row.requirement.id == id)
    }

    /// How many rows are in a state.
    pub fn count(&self, state: State) -> usize {
        self.rows.iter().filter(|row| row.state() == state).count()
    }

    /// The duties of a resource server by section of the specifications, in the order of the ledger.
    pub fn sections(&self) -> Vec<Section<'_, 'a>> {
        let mut sections: Vec<Section<'_, 'a>> = Vec::new();
        for row in self.rows.iter().filter(|row| row.requirement.role.includes_resource_server()) {
            let source = row.requirement.source.as_str();
            match sections.iter_mut().find(|section| section.source == source) {
                Some(section) => section.rows.push(row),
                None => sections.push(Section { source, rows: vec![row] }),
            }
        }
        sections
    }

    /// The duties of a resource server in numbers, and how many there are of others, in two sentences.
    pub fn summary(&self) -> String {
        let own = self.rows.iter().filter(|row| row.requirement.role.includes_resource_server()).count();
        let of = |role| self.rows.iter().filter(|row| row.requirement.role == role).count();
        format!(
            "Resource server: {} of {own} requirements covered, {} measured, {} open, {} untestable, {} out of scope.\n\
             Authorization server alone: {}, client: {}; no suite yet.",
            self.count(State::Covered),
            self.count(State::Measured),
            self.count(State::Open),
            self.count(State::Untestable),
            self.count(State::OutOfScope),
            of(Role::AuthorizationServer),
            of(Role::Client),
        )
    }
}

/// The rows of one section of a specification.
#[derive(Debug)]
pub struct Section<'s, 'a> {
    /// E.g. `RFC 9449 section 4.3`.
    pub source: &'a str,
    /// Its rows, in the order of the ledger.
    pub rows: Vec<&'s Row<'a>>,
}

impl Section<'_, '_> {
    /// How many of its rows are in a state.
    pub fn count(&self, state: State) -> usize {
        self.rows.iter().filter(|row| row.state() == state).count()
    }
}

/// All of it as a Markdown page, `reports/coverage.md`.
pub fn as_markdown(coverage: &Coverage<'_>) -> String {
    let mut page = "# What the suite covers\n\n".to_owned();
    page += "Written by `cargo xtask codegen`: every requirement on a resource server in `scenarios/ledger.yaml`, by section of the\n\
             specifications, with the cases that cite it, the fact that measures it, or the reason why there is neither.\n\
             `dpop coverage` prints the same.\n\n";
    page += &coverage.summary();
    page += "\n\n| section | covered | measured | open | untestable | out of scope |\n|---|---|---|---|---|---|\n";
    for section in coverage.sections() {
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "| {} | {}/{} | {} | {} | {} | {} |",
            section.source,
            section.count(State::Covered),
            section.rows.len(),
            section.count(State::Measured),
            section.count(State::Open),
            section.count(State::Untestable),
            section.count(State::OutOfScope),
        );
    }
    for section in coverage.sections() {
        let _ = writeln!(page, "\n## {}\n", section.source);
        page +=
            "| requirement | level | read | state | cases, or why there is none |\n|---|---|---|---|---|\n";
        for row in section.rows {
            let Requirement { id, text, level, read, .. } = row.requirement;
            let proofs: Vec<String> = row.proofs().iter().map(|proof| format!("`{proof}`")).collect();
            let proof = row.reason().map_or_else(|| proofs.join(", "), str::to_owned);
            let cells = [
                format!("`{id}` {text}"),
                level.name().to_owned(),
                read.name().to_owned(),
                row.state().name().to_owned(),
                proof,
            ];
            let _ = writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_embedded;

    /// Ids that the embedded scenarios cite stand for rows that are covered, and made-up ones for those that are not.
    const LEDGER: &str = "
requirements:
  - { id: 9449-4.3-12a, role: resource-server, level: must, source: RFC 1 section 2, read: text, text: cited }
  - { id: x-1, role: server, level: must, source: RFC 1 section 2, read: text, text: to do, open: a case }
  - { id: x-2, role: resource-server, level: may, source: RFC 1 section 3, read: quoted, text: a|b, untestable: unseen }
  - { id: x-3, role: server, level: may, source: RFC 1 section 2, read: inferred, text: other, out-of-scope: not ours }
  - { id: x-4, role: client, level: must, source: RFC 1 section 4, read: unread, text: of a client }
  - { id: x-5, role: server, level: must, source: RFC 1 section 2, read: text, text: forgotten }
  - { id: 9449-4.3-12b, role: server, level: must, source: RFC 1 section 2, read: text, text: stale, open: a case }
  - { id: 9449-8.2-2, role: server, level: may, source: RFC 1 section 2, read: text, text: measured }
";

    fn ledger() -> Ledger {
        serde_yaml::from_str(LEDGER).expect("a ledger")
    }

    #[test]
    fn a_row_is_what_its_cases_or_it_itself_say() {
        let (ledger, scenarios) = (ledger(), load_embedded().expect("valid"));
        let coverage = Coverage::of(&ledger, &scenarios);
        let states: Vec<State> = coverage.rows().iter().map(Row::state).collect();
        let all = [
            State::Covered,
            State::Open,
            State::Untestable,
            State::OutOfScope,
            State::NoSuite,
            State::Forgotten,
            State::Covered,
            State::Measured,
        ];
        assert_eq!(states, all);
        for state in State::ALL {
            assert!(coverage.count(*state) > 0, "{state:?}");
        }
        assert_eq!(coverage.rows()[0].cases, ["rs.ath.missing", "rs.credentials.lower-case-scheme"]);
        let reasons: Vec<_> = coverage.rows().iter().map(Row::reason).collect();
        assert_eq!(reasons, [None, Some("a case"), Some("unseen"), Some("not ours"), None, None, None, None]);
        assert_eq!(coverage.rows()[7].proofs(), ["dpop measure --only nonce"]);
        assert_eq!(coverage.rows()[0].proofs(), ["rs.ath.missing", "rs.credentials.lower-case-scheme"]);
    }

    #[test]
    fn sections_hold_the_duties_of_a_resource_server_only() {
        let (ledger, scenarios) = (ledger(), load_embedded().expect("valid"));
        let coverage = Coverage::of(&ledger, &scenarios);
        let sections = coverage.sections();
        let sizes: Vec<_> = sections.iter().map(|section| (section.source, section.rows.len())).collect();
        assert_eq!(sizes, [("RFC 1 section 2", 6), ("RFC 1 section 3", 1)]);
        assert_eq!(sections[0].count(State::Covered), 2);
        let summary = coverage.summary();
        assert!(
            summary.contains("2 of 7 requirements covered, 1 measured, 1 open, 1 untestable, 1 out of scope"),
            "{summary}"
        );
        assert!(summary.contains("client: 1;"), "{summary}");
    }

    #[test]
    fn the_page_names_cases_and_reasons_and_keeps_its_columns() {
        let (ledger, scenarios) = (ledger(), load_embedded().expect("valid"));
        let page = as_markdown(&Coverage::of(&ledger, &scenarios));
        assert!(page.contains("| RFC 1 section 2 | 2/6 | 1 | 1 | 0 | 1 |"), "{page}");
        assert!(
            page.contains("| `9449-4.3-12a` cited | must | text | covered | `rs.ath.missing`, `rs.credentials.lower-case-scheme` |"),
            "{page}"
        );
        assert!(page.contains("| `x-2` a\\|b | may | quoted | untestable | unseen |"), "{page}");
        for line in page.lines().filter(|line| line.starts_with("| ")) {
            let in_numbers = line.starts_with("| section ") || line.starts_with("| RFC ");
            let borders = if in_numbers { 7 } else { 6 };
            assert_eq!(line.replace("\\|", "").matches('|').count(), borders, "{line}");
        }
    }
}
