//! `--report md`: what a person wants to see of a run on the page of a job: the answer, the numbers, what is wrong by
//! requirement, and what changed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::document::{Case, Document};
use crate::judge::Verdict;
use crate::spec::Ledger;

/// The most findings in full; GitHub takes no more than a megabyte.
const MOST: usize = 200;

/// Writes the page.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let failed = document.cases.iter().any(Case::fails);
    let drifted =
        document.drift.as_ref().is_some_and(|drift| !drift.changed.is_empty() || !drift.gone.is_empty());
    let answer = match () {
        () if failed => "❌ does not conform",
        () if drifted => "❌ behaves in another way than reviewed",
        () if !document.bad_waivers.is_empty() => "❌ has a waiver that is no longer good",
        () if document.facts.trouble.is_some() || document.summary.inconclusive > 0 => {
            "⚠️ could not be judged wholly"
        }
        () => "✅ conforms, as far as was shown",
    };
    writeln!(out, "## DPoP: {} {answer}\n", escaped(&document.target.name))?;
    if let Some(trouble) = &document.facts.trouble {
        writeln!(out, "{}\n", escaped(trouble))?;
    }
    summary(document, out)?;
    findings(document, out)?;
    drift(document, out)?;
    for waiver in &document.bad_waivers {
        writeln!(out, "- {}", escaped(&waiver.told))?;
    }
    Ok(())
}

fn summary(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let summary = &document.summary;
    writeln!(out, "| pass | note | warn | fail | skip | inconclusive | waived |")?;
    writeln!(out, "|-----:|-----:|-----:|-----:|-----:|-------------:|-------:|")?;
    writeln!(
        out,
        "| {} | {} | {} | {} | {} | {} | {} |\n",
        summary.pass,
        summary.note,
        summary.warn,
        summary.fail,
        summary.skip,
        summary.inconclusive,
        summary.waived
    )?;
    let seconds = document.seconds.map(|seconds| format!(", {seconds:.1} s")).unwrap_or_default();
    let requests: usize = document.cases.iter().map(|case| case.requests).sum();
    writeln!(
        out,
        "profile {}, seed {}, {requests} requests{seconds}, dpop {}\n",
        document.profile, document.seed, document.tool.version
    )
}

/// What is wrong, by the first requirement that it goes against.
fn findings(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let shown = |case: &&Case<'_>| match case.verdict {
        Verdict::Fail | Verdict::Warn | Verdict::Inconclusive => true,
        Verdict::Pass | Verdict::Note | Verdict::Skip => false,
    };
    let mut by_requirement: BTreeMap<&str, Vec<&Case<'_>>> = BTreeMap::new();
    let all: Vec<_> = document.cases.iter().filter(shown).collect();
    for case in all.iter().take(MOST) {
        let requirement = case.spec.first().map_or("", String::as_str);
        by_requirement.entry(requirement).or_default().push(case);
    }
    for (id, mut cases) in by_requirement {
        match Ledger::embedded().requirement(id) {
            Some(row) => writeln!(out, "### {} ({})\n", escaped(&row.text), escaped(&row.source))?,
            None => writeln!(out, "### Not tied to one requirement\n")?,
        }
        cases.sort_by_key(|case| std::cmp::Reverse(case.verdict));
        writeln!(out, "| | case | sent | expected | saw |\n|---|---|---|---|---|")?;
        for case in cases {
            let waived = match &case.waived {
                Some(waiver) => format!(", waived until {}: {}", waiver.expires, escaped(&waiver.reason)),
                None => String::new(),
            };
            let weaknesses: Vec<_> = case.weaknesses().collect();
            writeln!(
                out,
                "| {} {}{waived} | `{}`<br>{} | {} | {} | {} |",
                sign(case.verdict),
                case.verdict.name(),
                case.id,
                weaknesses.join(" "),
                escaped(&case.title),
                escaped(&case.expected),
                escaped(&case.saw()),
            )?;
        }
        writeln!(out)?;
    }
    match all.len().saturating_sub(MOST) {
        0 => Ok(()),
        more => writeln!(out, "… and {more} more\n"),
    }
}

fn drift(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(drift) = &document.drift else { return Ok(()) };
    if !drift.changed.is_empty() || !drift.gone.is_empty() {
        writeln!(out, "### Drift\n\n| case | was | is |\n|---|---|---|")?;
        for changed in &drift.changed {
            writeln!(out, "| `{}` | {} | {} |", changed.id, changed.was, changed.is)?;
        }
        for id in &drift.gone {
            writeln!(out, "| `{id}` | in the snapshot | not in the suite |")?;
        }
        writeln!(out)?;
    }
    match drift.new.len() {
        0 => Ok(()),
        new => writeln!(out, "{new} cases are new to the snapshot: `dpop review` shows them.\n"),
    }
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Note => "ℹ️",
        Verdict::Warn | Verdict::Inconclusive => "⚠️",
        Verdict::Fail => "❌",
        Verdict::Skip => "⏭️",
    }
}

/// Text as text: no markup, no cell of a table, nobody mentioned, whoever wrote it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '|' => out.push_str("&#124;"),
            '\n' => out.push_str("<br>"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("a|b\nc <img> @all *x* [y](z)"),
            "a&#124;b<br>c &lt;img&gt; &#64;all \\*x\\* \\[y\\](z)"
        );
    }
}
