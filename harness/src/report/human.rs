//! The console report: groups first, findings last so that they stay on the screen.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Report, doctor_line, hanging};
use crate::judge::Verdict;
use crate::plan::Traits;
use crate::proof::HttpChoice;
use crate::run::{Exchange, Turn};
use crate::spec::Ledger;
use crate::suite::{Counts, Outcome, Results};

/// Where the text behind a label begins.
const INDENT: usize = 17;

/// What a reader wants to see, and on what.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// ANSI colours.
    pub colour: bool,
    /// ASCII signs where a terminal has no others.
    pub ascii: bool,
    /// 0: findings; 1: every case; 2: every request and answer, redacted. Below 0: the last line only.
    pub verbosity: i8,
}

/// Writes the console report.
pub struct Human<'a> {
    out: &'a mut dyn Write,
    style: Style,
    /// What has to stand behind `dpop run rs.x.y` to repeat a case, e.g. `--config dpop.yaml`.
    repeat_with: String,
}

/// The sign of a verdict: readable without colour.
pub fn glyph(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "●",
        Verdict::Note => "○",
        Verdict::Warn => "▲",
        Verdict::Fail => "✗",
        Verdict::Skip => "·",
        Verdict::Inconclusive => "?",
    }
}

impl<'a> Human<'a> {
    /// A report on `out`.
    pub fn new(out: &'a mut dyn Write, style: Style, repeat_with: String) -> Self {
        Self { out, style, repeat_with }
    }

    /// Writes everything.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&mut self, report: &Report<'_>) -> io::Result<()> {
        if self.style.verbosity >= 0 {
            self.groups(report.results)?;
            self.skips(report.results)?;
            self.findings(report.results)?;
            self.drift(report)?;
        }
        self.summary(report)
    }

    /// Writes what is not as it should be, the worst last.
    ///
    /// # Errors
    /// Those of the output.
    pub fn findings(&mut self, results: &Results) -> io::Result<()> {
        for verdict in [Verdict::Note, Verdict::Warn, Verdict::Inconclusive, Verdict::Fail] {
            for outcome in results.outcomes.iter().filter(|outcome| outcome.verdict == verdict) {
                match (verdict, &outcome.waived) {
                    (_, Some(waiver)) => {
                        let until = format!("waived until {}: {}", waiver.expires, waiver.reason);
                        writeln!(
                            self.out,
                            "\n{} {} {}, {until}",
                            glyph(verdict),
                            verdict.name(),
                            outcome.id
                        )?;
                    }
                    (Verdict::Note, _) => self.brief(outcome)?,
                    (_, None) => self.finding(outcome)?,
                }
            }
        }
        Ok(())
    }

    fn paint(&self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Pass => "32",
            Verdict::Note => "36",
            Verdict::Warn => "33",
            Verdict::Fail => "1;31",
            Verdict::Skip => "2",
            Verdict::Inconclusive => "35",
        };
        if self.style.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn groups(&mut self, results: &Results) -> io::Result<()> {
        writeln!(
            self.out,
            "\ntarget {}   profile {}   nonces {}   {}   seed {}",
            results.target,
            results.profile.name(),
            results.traits.nonce.name(),
            versions(&results.traits),
            results.seed
        )?;
        writeln!(self.out, "{}\n", doctor_line(&results.health, self.style.ascii))?;
        let mut scenarios: Vec<&str> =
            results.outcomes.iter().map(|outcome| outcome.scenario.as_str()).collect();
        scenarios.dedup();
        let width = scenarios.iter().map(|scenario| scenario.len()).max().unwrap_or_default();
        for scenario in scenarios {
            let cases = || results.outcomes.iter().filter(|outcome| outcome.scenario == scenario);
            let glyphs: String = cases().map(|case| self.paint(case.verdict, glyph(case.verdict))).collect();
            let room = " ".repeat(14_usize.saturating_sub(cases().count()));
            writeln!(self.out, "{scenario:width$}  {glyphs}{room}  {}", words(Counts::of(cases())))?;
            if self.style.verbosity >= 1 {
                for case in cases() {
                    self.line(case)?;
                }
            }
        }
        Ok(())
    }

    fn line(&mut self, outcome: &Outcome) -> io::Result<()> {
        let seen = outcome.decisive_exchange().map(Exchange::told).unwrap_or_default();
        let name = self.paint(outcome.verdict, &format!("{:12}", outcome.verdict.name()));
        writeln!(self.out, "    {name} {:32} {seen}", outcome.id)?;
        if self.style.verbosity >= 2 {
            self.exchanges(outcome)?;
        }
        Ok(())
    }

    /// Writes every request and answer of a case, redacted.
    ///
    /// # Errors
    /// Those of the output.
    pub fn exchanges(&mut self, outcome: &Outcome) -> io::Result<()> {
        for exchange in &outcome.transcript {
            let turn = match exchange.turn {
                Turn::Canary => "canary".to_owned(),
                Turn::ControlBefore => "control before".to_owned(),
                Turn::ControlAfter => "control after".to_owned(),
                Turn::Diagnosis => "diagnosis".to_owned(),
                Turn::Step(index) => format!("step {}", index + 1),
            };
            let alike =
                if exchange.alike > 1 { format!(", {} alike", exchange.alike) } else { String::new() };
            writeln!(self.out, "      -- {turn}, {} ms{alike}", exchange.milliseconds)?;
            let texts = exchange.evidence.texts();
            if let Some(proof) = &texts.proof {
                writeln!(self.out, "      proof {} . {}", proof.header, proof.claims)?;
            }
            for line in texts.request.lines() {
                writeln!(self.out, "      > {line}")?;
            }
            for line in texts.response.lines() {
                writeln!(self.out, "      < {line}")?;
            }
        }
        Ok(())
    }

    fn skips(&mut self, results: &Results) -> io::Result<()> {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for outcome in results.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Skip) {
            *reasons.entry(outcome.reason.as_deref().unwrap_or("no reason given")).or_default() += 1;
        }
        if !reasons.is_empty() {
            writeln!(self.out)?;
        }
        for (reason, number) in reasons {
            writeln!(self.out, "{number} skipped: {reason}")?;
        }
        Ok(())
    }

    /// Writes one line: what came of a case, and why.
    ///
    /// # Errors
    /// Those of the output.
    pub fn brief(&mut self, outcome: &Outcome) -> io::Result<()> {
        let verdict = outcome.verdict;
        let head = self.paint(verdict, &format!("{} {}", glyph(verdict), verdict.name()));
        writeln!(self.out, "\n{head} {}: {}", outcome.id, outcome.reason.as_deref().unwrap_or_default())
    }

    fn finding(&mut self, outcome: &Outcome) -> io::Result<()> {
        writeln!(self.out)?;
        self.case(outcome)?;
        self.labelled("Repro", &format!("dpop run {}{} -vv", outcome.id, self.repeat_with))
    }

    /// Writes what a case is about, and what came of it.
    ///
    /// # Errors
    /// Those of the output.
    pub fn case(&mut self, outcome: &Outcome) -> io::Result<()> {
        let word = outcome.verdict.name().to_uppercase();
        let head = self.paint(outcome.verdict, &format!("{} {word} {}", glyph(outcome.verdict), outcome.id));
        let cwe: String = outcome.cwe.iter().map(|number| format!("   CWE-{number}")).collect();
        let level = outcome.level.name().to_uppercase();
        writeln!(self.out, "{head}   {level}{cwe}   {}:{}", outcome.file, outcome.line)?;
        for id in &outcome.spec {
            if let Some(row) = Ledger::embedded().requirement(id) {
                self.labelled("Requirement", &format!("{} ({}, {id})", row.text, row.source))?;
            }
        }
        self.labelled("Sent", &outcome.title)?;
        self.labelled("Expected", &outcome.expected)?;
        self.labelled("Saw", &saw(outcome))?;
        if outcome.verdict.is_finding() {
            let attacker = outcome.attacker.iter().map(|attacker| format!(" Who gains: {attacker}."));
            self.labelled("Why", &format!("{}{}", outcome.why, attacker.collect::<String>()))?;
        }
        Ok(())
    }

    /// Writes one labelled text, wrapped.
    ///
    /// # Errors
    /// Those of the output.
    pub fn labelled(&mut self, label: &str, text: &str) -> io::Result<()> {
        hanging(self.out, &format!("    {label:width$}", width = INDENT - 4), text)
    }

    fn drift(&mut self, report: &Report<'_>) -> io::Result<()> {
        let Some(drift) = report.drift.filter(|drift| !drift.is_empty()) else { return Ok(()) };
        writeln!(self.out)?;
        for (id, was, is) in &drift.changed {
            writeln!(self.out, "{} {id}: was {was}, is {is}", self.paint(Verdict::Fail, "changed"))?;
        }
        for id in &drift.gone {
            writeln!(
                self.out,
                "{} {id}: in the snapshot, not in the suite",
                self.paint(Verdict::Fail, "gone")
            )?;
        }
        if !drift.new.is_empty() {
            writeln!(self.out, "{} cases are new to the snapshot; see `dpop review`", drift.new.len())?;
        }
        Ok(())
    }

    /// Writes the last line.
    ///
    /// # Errors
    /// Those of the output.
    pub fn summary(&mut self, report: &Report<'_>) -> io::Result<()> {
        let results = report.results;
        let counts = results.counts();
        let worst = results
            .outcomes
            .iter()
            .map(|outcome| outcome.verdict)
            .filter(|verdict| *verdict != Verdict::Skip);
        let cases = results.outcomes.len();
        for fault in &results.waiver_faults {
            writeln!(self.out, "{} {fault}", self.paint(Verdict::Fail, "waiver"))?;
        }
        let waived = match results.waived() {
            0 => String::new(),
            number => format!(", {number} of them waived"),
        };
        let text =
            format!("{cases} {}: {}{waived}", if cases == 1 { "case" } else { "cases" }, words(counts));
        let text = self.paint(worst.max().unwrap_or(Verdict::Pass), &text);
        let gap = if self.style.verbosity < 0 { "" } else { "\n" };
        writeln!(self.out, "{gap}{text}   {} requests in {:.1} s", results.requests(), report.seconds)
    }
}

/// The versions of HTTP that requests went over.
fn versions(traits: &Traits) -> &'static str {
    match (traits.http, traits.http2) {
        (HttpChoice::Only(version), _) => version.name(),
        (HttpChoice::Both, Some(true)) => "HTTP/1.1 and HTTP/2",
        (HttpChoice::Both, Some(false) | None) => "HTTP/1.1",
    }
}

/// `12 pass, 1 fail`
pub(super) fn words(counts: Counts) -> String {
    let words: Vec<String> = Verdict::ALL
        .iter()
        .map(|verdict| (counts.number(*verdict), verdict.name()))
        .filter(|(number, _)| *number > 0)
        .map(|(number, name)| format!("{number} {name}"))
        .collect();
    words.join(", ")
}

fn saw(outcome: &Outcome) -> String {
    let mut parts = Vec::new();
    if let Some(exchange) = outcome.decisive_exchange() {
        parts.push(format!("{} in {} ms", exchange.told(), exchange.milliseconds));
    }
    parts.extend(outcome.reason.clone());
    for (turn, name) in [(Turn::ControlBefore, "before"), (Turn::ControlAfter, "after")] {
        if let Some(control) = outcome.transcript.iter().rfind(|exchange| exchange.turn == turn) {
            parts.push(format!("control {name}: {}", control.seen));
        }
    }
    parts.extend(outcome.reproduced.map(|(seen, of)| format!("reproduced {seen}/{of}")));
    parts.join("; ")
}
