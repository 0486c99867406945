//! `--checklist`: the advice for production line by line, and what the run showed of each. The question of a person before
//! a launch is answered by the first line.

use std::io::{self, Write};

use super::document::{Case, Document};
use super::hanging::hanging;
use super::human::words;
use crate::jose::uri::Uri;
use crate::judge::Verdict;
use crate::plan::matches;
use crate::suite::Counts;
use crate::target::BearerPolicy;

/// Where the text of a line goes on.
const INDENT: usize = 6;
/// The most reasons of skipped cases that a line gives.
const REASONS: usize = 2;

/// One piece of advice.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// What is to be so.
    pub text: &'static str,
    /// Patterns of the ids of the cases that show it.
    pub cases: &'static [&'static str],
    /// What `dpop explain` says more about it by.
    pub page: &'static str,
    /// Whether RFC 9449 demands it of every server: no launch without.
    pub demanded: bool,
    /// What to do so that it is shown, where it was not.
    pub to_show: &'static str,
}

/// The checklist: every case is behind a line, except whether the target can be judged at all.
pub const LINES: &[Line] = &[
    Line {
        text: "HTTPS only: without TLS the resource is not served",
        cases: &["rs.plain-http.*"],
        page: "https-only",
        demanded: false,
        to_show: "name the http:// twin as target.plain-http",
    },
    Line {
        text: "DPoP is required, or clients are migrating: no bound token works without a proof",
        cases: &["rs.downgrade.*", "rs.token.unbound"],
        page: "bearer-downgrade",
        demanded: true,
        to_show: "run rs.downgrade; say target.bearer: refused, or allowed while clients migrate",
    },
    Line {
        text: "Every protected path and method is protected, not only the one that most cases look at",
        cases: &[
            "rs.resources.no-credentials",
            "rs.resources.bearer*",
            "rs.resources.other-key",
            "rs.resources.proof-of-another",
            "rs.resources.other-method",
        ],
        page: "rs.resources",
        demanded: false,
        to_show: "name more paths and methods as target.resources",
    },
    Line {
        text: "Every node behind the URL does the same, and they share what they remember",
        cases: &["rs.nodes.*"],
        page: "rs.nodes",
        demanded: false,
        to_show: "name two or more servers behind the URL as target.nodes",
    },
    Line {
        text: "A proof counts by the key that the token is bound to, and by no other",
        cases: &["rs.key.*", "rs.confirmation.*"],
        page: "other-key-at-the-api",
        demanded: true,
        to_show: "run rs.key",
    },
    Line {
        text: "A proof counts for the one token that it names",
        cases: &["rs.ath.*", "rs.token.of-another-client", "rs.token.swapped-keys", "rs.credentials.*"],
        page: "missing-ath",
        demanded: true,
        to_show: "run rs.ath",
    },
    Line {
        text: "A proof counts for one method",
        cases: &["rs.htm.*"],
        page: "wrong-htm",
        demanded: true,
        to_show: "run rs.htm",
    },
    Line {
        text: "A proof counts for one URL",
        cases: &["rs.htu.*", "rs.forwarded.*"],
        page: "wrong-htu",
        demanded: true,
        to_show: "run rs.htu",
    },
    Line {
        text: "A proof counts for minutes at most",
        cases: &["rs.time.*", "rs.fapi2.iat-*", "rs.fapi2.nbf-*", "rs.mcp.*"],
        page: "rs.time",
        demanded: true,
        to_show: "run rs.time",
    },
    Line {
        text: "A proof counts once",
        cases: &["rs.replay.*", "rs.jti.*", "rs.burn.*", "rs.distinct.*"],
        page: "reused-proof",
        demanded: false,
        to_show: "remember each jti for as long as its proof is good, and say capabilities.single-use-jti: true",
    },
    Line {
        text: "Only sound proofs count, signed by the algorithms that you chose",
        cases: &[
            "rs.jose.*",
            "rs.jws.*",
            "rs.duplicate.*",
            "rs.jwk.*",
            "rs.field.*",
            "rs.alg.*",
            "rs.signature.*",
            "rs.mac.*",
            "rs.key-kind.*",
            "rs.strength.*",
            "rs.remote.*",
            "rs.cost.*",
            "rs.kind.*",
            "rs.fapi2.rs*",
            "rs.fapi2.es*",
        ],
        page: "rs.jose",
        demanded: true,
        to_show: "run rs.jose and rs.alg",
    },
    Line {
        text: "The token itself is checked: signature, audience, time",
        cases: &[
            "rs.token.tampered",
            "rs.token.other-*",
            "rs.token.expired",
            "rs.token.not-yet-valid",
            "rs.token.alg-none",
            "rs.token.self-signed",
        ],
        page: "rs.token",
        demanded: false,
        to_show: "let the harness sign the tokens: auth.kind: embedded",
    },
    Line {
        text: "Nonces where the risk is high",
        cases: &["rs.nonce.*", "rs.resources.nonce", "rs.atproto.*"],
        page: "nonces-where-risk-is-high",
        demanded: false,
        to_show: "name what is financial, administrative or open to the internet in target.resources, with nonce: required",
    },
    Line {
        text: "Authorization apart from possession: a perfect proof does not open what is not allowed",
        cases: &["rs.forbidden.*"],
        page: "possession-is-not-permission",
        demanded: false,
        to_show: "name what the token may not have as target.forbidden",
    },
    Line {
        text: "Clients are told why they are refused",
        cases: &["rs.answer.*"],
        page: "failures-are-seen",
        demanded: false,
        to_show: "run rs.answer",
    },
    Line {
        text: "You see the refusals, in metrics or a log",
        cases: &["rs.observe.*"],
        page: "failures-are-seen",
        demanded: false,
        to_show: "name the metrics URL or the log file under observe:",
    },
    Line {
        text: "Real clients and HTTP stacks get through",
        cases: &["rs.accept.*", "rs.http.*", "rs.page.*", "rs.cache.*", "rs.metadata.*"],
        page: "real-http-stacks",
        demanded: false,
        to_show: "run rs.accept and rs.http",
    },
];

/// What the run showed of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A case behind it passed, and none speaks against it.
    Kept,
    /// A case behind it failed.
    Broken,
    /// A case behind it warns, or shows nothing although it was performed.
    Doubtful,
    /// A case behind it failed or warns, and that is accepted for a while.
    Accepted,
    /// Nothing.
    NotShown,
}

impl Mark {
    /// The box, readable in ASCII and without colour.
    fn tick(self) -> &'static str {
        match self {
            Self::Kept => "[x]",
            Self::Broken => "[!]",
            Self::Doubtful | Self::Accepted => "[-]",
            Self::NotShown => "[ ]",
        }
    }
}

impl Line {
    /// The cases behind it.
    fn outcomes<'a>(&'a self, results: &'a Document<'_>) -> impl Iterator<Item = &'a Case<'a>> {
        let ours = |case: &&Case<'_>| self.cases.iter().any(|pattern| matches(pattern, &case.id));
        results.cases.iter().filter(ours)
    }

    /// How many of the cases behind it have `verdict`.
    pub fn number(&self, results: &Document<'_>, verdict: Verdict) -> usize {
        self.outcomes(results).filter(|case| case.verdict == verdict).count()
    }

    /// What the run showed of it.
    pub fn mark(&self, results: &Document<'_>) -> Mark {
        let any = |wanted: &dyn Fn(&Case<'_>) -> bool| self.outcomes(results).any(wanted);
        if any(&|one| one.verdict == Verdict::Fail && one.waived.is_none()) {
            Mark::Broken
        } else if any(&|one| {
            one.verdict == Verdict::Inconclusive || (one.verdict == Verdict::Warn && one.waived.is_none())
        }) {
            Mark::Doubtful
        } else if any(&|one| one.waived.is_some()) {
            Mark::Accepted
        } else if any(&|one| one.verdict == Verdict::Pass) {
            Mark::Kept
        } else {
            Mark::NotShown
        }
    }
}

/// Writes the page.
///
/// # Errors
/// Those of `out`.
pub fn write_checklist(results: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    hanging(out, "Can I launch? ", &answer(results))?;
    writeln!(
        out,
        "\ntarget {}   {}   profile {}   {} cases\n",
        results.target.name,
        results.facts.url.as_deref().unwrap_or(&results.facts.origin),
        results.profile,
        results.cases.len()
    )?;
    for line in LINES {
        write_line(line, results, out)?;
    }
    writeln!(out, "\n[x] kept   [!] not kept   [-] in doubt, or accepted for now   [ ] not shown")?;
    writeln!(out, "More about a case: dpop run ID -vv, dpop explain ID")
}

/// The answer in one line.
///
/// # Errors
/// Those of `out`.
pub fn write_answer(results: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Can I launch? {}", answer(results))
}

fn answer(results: &Document<'_>) -> String {
    let number = |mark: Mark| LINES.iter().filter(|line| line.mark(results) == mark).count();
    let (broken, doubtful, accepted) = (number(Mark::Broken), number(Mark::Doubtful), number(Mark::Accepted));
    let missing = number(Mark::NotShown);
    let of = LINES.len();
    let are = |number: usize| if number == 1 { "is" } else { "are" };
    if let Some(what) = &results.facts.open {
        return format!("No: {what}.");
    }
    if let Some(trouble) = &results.facts.trouble {
        return format!("That can't be said. {trouble}");
    }
    if results.is_blocked() {
        return "That can't be said: the target was lost on the way. See dpop run.".to_owned();
    }
    let demanded = LINES.iter().filter(|line| line.demanded && line.mark(results) == Mark::NotShown).count();
    if broken > 0 {
        return format!("No: {broken} of {of} lines {} not kept.", are(broken));
    }
    if doubtful > 0 {
        return format!("Not yet: {doubtful} of {of} lines {} in doubt.", are(doubtful));
    }
    if demanded > 0 {
        let were =
            if demanded == 1 { "line that RFC 9449 demands was" } else { "lines that RFC 9449 demands were" };
        return format!("That can't be said yet: {demanded} {were} not shown.");
    }
    let but = if accepted == 0 { String::new() } else { format!(", {accepted} of them accepted for now") };
    match missing {
        0 => format!("Yes: all {of} lines are kept{but}."),
        1 => format!("As far as shown, yes: {} of {of} lines{but}. Look at the other one first.", of - 1),
        _ => {
            let shown = of - missing;
            format!("As far as shown, yes: {shown} of {of} lines{but}. Look at the other {missing} first.")
        }
    }
}

fn write_line(line: &Line, results: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mark = line.mark(results);
    hanging(out, &format!("{:4}", mark.tick()), line.text)?;
    let margin = " ".repeat(INDENT);
    let mut say = |text: String| hanging(out, &format!("{margin:INDENT$}"), &text);
    if mark == Mark::NotShown {
        say(format!("not shown: {}.", why_not_shown(line, results)))?;
        return say(format!("To show it: {}. See dpop explain {}", line.to_show, line.page));
    }
    let counts = words(Counts::of_verdicts(line.outcomes(results).map(|case| case.verdict)));
    let there = |pattern: &&&str| line.outcomes(results).any(|outcome| matches(pattern, &outcome.id));
    let patterns: Vec<&str> = line.cases.iter().filter(there).copied().collect();
    say(format!("{}: {counts}", patterns.join(", ")))?;
    for (verdict, word) in [
        (Verdict::Fail, "fails"),
        (Verdict::Warn, "warns"),
        (Verdict::Inconclusive, "shows nothing"),
        (Verdict::Note, "to note"),
    ] {
        let found = || line.outcomes(results).filter(|outcome| outcome.verdict == verdict);
        let ids = |waived: bool| -> Vec<&str> {
            let ours = found().filter(|outcome| outcome.waived.is_some() == waived);
            ours.map(|outcome| outcome.id.as_ref()).collect()
        };
        let (open, waived) = (ids(false), ids(true));
        if !open.is_empty() {
            say(format!("{word}: {}", open.join(", ")))?;
        }
        if !waived.is_empty() {
            say(format!("accepted for now: {}", waived.join(", ")))?;
        }
    }
    let skipped = reasons(line, results);
    if !skipped.is_empty() {
        say(format!("not looked at: {}", skipped.join("; ")))?;
    }
    if matches!(mark, Mark::Broken | Mark::Doubtful) {
        say(format!("See dpop explain {}", line.page))?;
    }
    let about_bearer = line.cases.iter().any(|pattern| pattern.starts_with("rs.downgrade"));
    if about_bearer && results.facts.bearer.as_deref() == Some(BearerPolicy::Allowed.name()) {
        say("migrating: unbound tokens are still served (target.bearer: allowed)".to_owned())?;
    }
    Ok(())
}

fn why_not_shown(line: &Line, results: &Document<'_>) -> String {
    let about_tls = line.page == "https-only";
    let url: Option<Uri> = results.facts.url.as_deref().and_then(|url| url.parse().ok());
    if about_tls && url.as_ref().is_some_and(Uri::is_loopback) {
        return "a loopback target".to_owned();
    }
    let skipped = reasons(line, results);
    if !skipped.is_empty() {
        return skipped.join("; ");
    }
    if about_tls && url.is_some_and(|url| !url.is_https()) {
        return "the run itself went over http".to_owned();
    }
    "no case of it was run".to_owned()
}

/// Why cases behind a line were skipped.
fn reasons(line: &Line, results: &Document<'_>) -> Vec<String> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for outcome in line.outcomes(results).filter(|outcome| outcome.verdict == Verdict::Skip) {
        let why = outcome.reason.as_deref().unwrap_or("no reason given");
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, number)) => *number += 1,
            None => reasons.push((why, 1)),
        }
    }
    let more = reasons.len().saturating_sub(REASONS);
    let mut texts: Vec<String> =
        reasons.iter().take(REASONS).map(|(why, number)| format!("{why} ({number})")).collect();
    if more > 0 {
        texts.push(format!("and {more} more {}", if more == 1 { "reason" } else { "reasons" }));
    }
    texts
}
