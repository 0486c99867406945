//! What changed in behaviour between two runs: before and after an upgrade, on two nodes, under two profiles.
//!
//! Only what a target did and what that means is compared, never the wording of this tool: two versions of it may be
//! compared as well. Where a nonce is asked for on one side and the proof refused on the other, that depends on the age of the
//! nonce, and both count as a refusal.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::document::{Case, Document};
use super::hanging;
use crate::judge::Verdict;
use crate::run::Decision;

/// Facts that say where and when a target was met, and not how it behaves.
const CIRCUMSTANCES: &[&str] = &["open", "origin", "skew", "time", "trouble", "url"];

/// Two results, compared case by case.
#[derive(Debug, Serialize)]
pub struct Comparison<'a> {
    format: &'static str,
    was: Side<'a>,
    is: Side<'a>,
    cases: Vec<Change<'a>>,
    facts: Vec<FactChange>,
    summary: Tally,
}

/// Where one of the two results came from.
#[derive(Debug, Serialize)]
struct Side<'a> {
    target: &'a str,
    profile: &'a str,
    version: &'a str,
    cases: usize,
}

/// A case that came out differently.
#[derive(Debug, Serialize)]
struct Change<'a> {
    id: &'a str,
    title: &'a str,
    kind: Kind,
    /// None where the case is new.
    was: Option<Behaviour<'a>>,
    /// None where the case is gone.
    is: Option<Behaviour<'a>>,
}

/// What a change means to those who upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// A worse verdict, or a fault that nobody looked for before.
    Worse,
    /// It was judged, and is not any more.
    Unseen,
    /// The same verdict, for another answer.
    Otherwise,
    /// A better verdict.
    Better,
    /// It was not judged before, and is no fault.
    Seen,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Worse, Self::Unseen, Self::Otherwise, Self::Better, Self::Seen];

    fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Unseen => "not judged any more",
            Self::Otherwise => "answered otherwise",
            Self::Better => "better",
            Self::Seen => "judged now",
        }
    }
}

/// What a target did, and what that means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Behaviour<'a> {
    verdict: Verdict,
    decision: Option<&'a str>,
    status: Option<u16>,
    error: Option<&'a str>,
}

impl<'a> Behaviour<'a> {
    fn of(case: &'a Case<'_>) -> Self {
        Self {
            verdict: case.verdict,
            decision: case.decision.as_deref(),
            status: case.status,
            error: case.error.as_deref(),
        }
    }

    fn is_judged(&self) -> bool {
        match self.verdict {
            Verdict::Pass | Verdict::Note | Verdict::Warn | Verdict::Fail => true,
            Verdict::Skip | Verdict::Inconclusive => false,
        }
    }

    fn is_fault(&self) -> bool {
        matches!(self.verdict, Verdict::Warn | Verdict::Fail)
    }

    /// Whether a nonce was asked for instead of an answer to the proof.
    fn is_challenge(&self) -> bool {
        self.decision == Some(Decision::Challenge.name())
    }

    fn is_refusal(&self) -> bool {
        self.is_challenge() || self.decision == Some(Decision::Reject.name())
    }

    fn answers_like(&self, other: &Self) -> bool {
        let by_nonce =
            (self.is_challenge() || other.is_challenge()) && self.is_refusal() && other.is_refusal();
        by_nonce || (self.decision, self.status, self.error) == (other.decision, other.status, other.error)
    }

    fn told(&self) -> String {
        let mut told = self.verdict.name().to_owned();
        if let Some(decision) = self.decision {
            told.push_str(&format!(" ({decision}"));
            if let Some(status) = self.status {
                told.push_str(&format!(" {status}"));
            }
            if let Some(error) = self.error {
                told.push_str(&format!(" {error}"));
            }
            told.push(')');
        }
        told
    }
}

/// What a change of a case amounts to; none where nothing changed that counts.
fn kind(was: Option<&Behaviour<'_>>, is: Option<&Behaviour<'_>>) -> Option<Kind> {
    let judged = |side: Option<&Behaviour<'_>>| side.is_some_and(Behaviour::is_judged);
    match (was, is) {
        (_, Some(is)) if !judged(was) && is.is_judged() => {
            Some(if is.is_fault() { Kind::Worse } else { Kind::Seen })
        }
        (Some(was), _) if was.is_judged() && !judged(is) => Some(Kind::Unseen),
        (Some(was), Some(is)) if was.is_judged() => match is.verdict.cmp(&was.verdict) {
            std::cmp::Ordering::Greater => Some(Kind::Worse),
            std::cmp::Ordering::Less => Some(Kind::Better),
            std::cmp::Ordering::Equal => (!was.answers_like(is)).then_some(Kind::Otherwise),
        },
        // Not judged on either side.
        (Some(_) | None, Some(_) | None) => None,
    }
}

/// A fact that is another.
#[derive(Debug, Serialize)]
struct FactChange {
    name: String,
    was: Value,
    is: Value,
}

/// How many changes there are of each kind.
#[derive(Debug, Serialize)]
struct Tally {
    same: usize,
    worse: usize,
    unseen: usize,
    otherwise: usize,
    better: usize,
    seen: usize,
    facts: usize,
}

impl<'a> Comparison<'a> {
    /// Compares two results.
    pub fn between(was: &'a Document<'_>, is: &'a Document<'_>) -> Self {
        let mut pairs: BTreeMap<&str, (Option<&Case<'_>>, Option<&Case<'_>>)> = BTreeMap::new();
        for case in &was.cases {
            pairs.entry(&case.id).or_default().0 = Some(case);
        }
        for case in &is.cases {
            pairs.entry(&case.id).or_default().1 = Some(case);
        }
        let all = pairs.len();
        let mut cases: Vec<Change<'_>> = pairs
            .into_iter()
            .filter_map(|(id, (before, after))| {
                let (was, is) = (before.map(Behaviour::of), after.map(Behaviour::of));
                let kind = kind(was.as_ref(), is.as_ref())?;
                let title = after.or(before).map_or("", |case| case.title.as_ref());
                Some(Change { id, title, kind, was, is })
            })
            .collect();
        cases.sort_by_key(|change| change.kind);
        let facts = facts(was, is);
        let count = |kind| cases.iter().filter(|change| change.kind == kind).count();
        let summary = Tally {
            same: all - cases.len(),
            worse: count(Kind::Worse),
            unseen: count(Kind::Unseen),
            otherwise: count(Kind::Otherwise),
            better: count(Kind::Better),
            seen: count(Kind::Seen),
            facts: facts.len(),
        };
        Self { format: "dpop-diff/1", was: side(was), is: side(is), cases, facts, summary }
    }

    /// Whether the target behaves in another way. Cases that were not judged before say nothing of that.
    pub fn differs(&self) -> bool {
        !self.facts.is_empty() || self.cases.iter().any(|change| change.kind != Kind::Seen)
    }

    /// Whether something got worse, or can't be seen any more.
    pub fn is_worse(&self) -> bool {
        self.cases.iter().any(|change| matches!(change.kind, Kind::Worse | Kind::Unseen))
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for (word, side) in [("was", &self.was), ("is ", &self.is)] {
            writeln!(
                out,
                "{word}  {}, profile {}, {} cases, dpop {}",
                side.target, side.profile, side.cases, side.version
            )?;
        }
        let width = self.cases.iter().map(|change| change.id.len()).max().unwrap_or_default();
        for kind in Kind::ALL {
            let changes: Vec<_> = self.cases.iter().filter(|change| change.kind == kind).collect();
            if changes.is_empty() {
                continue;
            }
            writeln!(out, "\n{}", kind.name())?;
            for change in changes {
                let told = |side: &Option<Behaviour<'_>>| {
                    side.as_ref().map_or_else(|| "not there".to_owned(), Behaviour::told)
                };
                let text = format!("{} -> {}", told(&change.was), told(&change.is));
                hanging(out, &format!("  {:width$}  ", change.id), &text)?;
            }
        }
        if !self.facts.is_empty() {
            writeln!(out, "\nfacts")?;
            for fact in &self.facts {
                hanging(out, &format!("  {}: ", fact.name), &format!("{} -> {}", fact.was, fact.is))?;
            }
        }
        let tally = &self.summary;
        let counts = [
            (tally.worse, "worse"),
            (tally.unseen, "not judged any more"),
            (tally.otherwise, "answered otherwise"),
            (tally.better, "better"),
            (tally.seen, "judged now"),
            (tally.facts, "facts"),
        ];
        let mut line = format!("{} the same", tally.same);
        for (number, what) in counts.iter().filter(|(number, _)| *number > 0) {
            line.push_str(&format!(" · {number} {what}"));
        }
        writeln!(out, "\n{line}")
    }
}

fn side<'a>(document: &'a Document<'_>) -> Side<'a> {
    Side {
        target: &document.target.name,
        profile: &document.profile,
        version: &document.tool.version,
        cases: document.cases.len(),
    }
}

/// The facts that differ. One that a side did not measure says nothing.
fn facts(was: &Document<'_>, is: &Document<'_>) -> Vec<FactChange> {
    let map = |document: &Document<'_>| match serde_json::to_value(&document.facts) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => unreachable!("facts are a struct of JSON values"),
    };
    let (was, mut is) = (map(was), map(is));
    was.into_iter()
        .filter_map(|(name, was)| {
            let is = is.remove(&name)?;
            let comparable = !CIRCUMSTANCES.contains(&name.as_str()) && !was.is_null() && !is.is_null();
            (comparable && was != is).then_some(FactChange { name, was, is })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(cases: &[(&str, &str, Value, Value, Value)], nonce: &str, skew: f64) -> Document<'static> {
        let cases: Vec<Value> = cases
            .iter()
            .map(|(id, verdict, decision, status, error)| {
                json!({
                    "id": id, "scenario": "rs.x", "file": "x.yaml", "line": 1, "title": "t", "spec": [], "level": "must",
                    "cwe": [], "verdict": verdict, "decision": decision, "status": status, "error": error, "expected": "reject",
                    "reason": null, "reproduced": null, "waived": null, "requests": 1, "ms": 1, "transcript": []
                })
            })
            .collect();
        let text = json!({
            "format": "dpop-results/1", "tool": {"name": "dpop", "version": "0.0.0"}, "target": {"name": "a"},
            "profile": "rfc9449", "seed": 1, "cases": cases,
            "facts": {"nonce": nonce, "http2": null, "algs": ["ES256"], "skew": skew, "time": "own", "token": null,
                "origin": "http://a", "trouble": null},
            "summary": {"pass": 0, "note": 0, "warn": 0, "fail": 0, "skip": 0, "inconclusive": 0, "waived": 0}
        })
        .to_string();
        serde_json::from_str(&text).expect("a document")
    }

    fn one(id: &str, verdict: &str, decision: &str, status: u16, error: Option<&str>) -> Document<'static> {
        let decision = if decision.is_empty() { Value::Null } else { json!(decision) };
        document(&[(id, verdict, decision, json!(status), json!(error))], "never", 0.0)
    }

    #[track_caller]
    fn check(was: &Document<'_>, is: &Document<'_>, expected: Option<Kind>) {
        let comparison = Comparison::between(was, is);
        assert_eq!(comparison.cases.first().map(|change| change.kind), expected, "{comparison:?}");
        assert_eq!(comparison.differs(), expected.is_some_and(|kind| kind != Kind::Seen));
    }

    #[test]
    fn a_case_is_better_worse_or_answered_otherwise() {
        let refused = one("rs.a.a", "pass", "reject", 401, Some("invalid_dpop_proof"));
        let accepted = one("rs.a.a", "fail", "accept", 200, None);
        check(&refused, &accepted, Some(Kind::Worse));
        check(&accepted, &refused, Some(Kind::Better));
        check(&refused, &refused, None);
        check(
            &refused,
            &one("rs.a.a", "pass", "reject", 400, Some("invalid_request")),
            Some(Kind::Otherwise),
        );
        check(&refused, &one("rs.a.a", "pass", "challenge", 401, Some("use_dpop_nonce")), None);
        check(
            &accepted,
            &one("rs.a.a", "fail", "challenge", 401, Some("use_dpop_nonce")),
            Some(Kind::Otherwise),
        );
    }

    #[test]
    fn what_nobody_judged_is_no_behaviour() {
        let refused = one("rs.a.a", "pass", "reject", 401, None);
        let skipped = one("rs.a.a", "skip", "", 0, None);
        let none = document(&[], "never", 0.0);
        check(&refused, &skipped, Some(Kind::Unseen));
        check(&refused, &none, Some(Kind::Unseen));
        check(&skipped, &refused, Some(Kind::Seen));
        check(&none, &refused, Some(Kind::Seen));
        check(&none, &one("rs.a.a", "warn", "accept", 200, None), Some(Kind::Worse));
        check(&skipped, &none, None);
        check(&skipped, &one("rs.a.a", "inconclusive", "", 0, None), None);
    }

    #[test]
    fn facts_count_but_for_circumstances() {
        let was = document(&[], "never", 0.0);
        assert!(!Comparison::between(&was, &document(&[], "never", 3.0)).differs());
        let is = document(&[], "required", 0.0);
        let comparison = Comparison::between(&was, &is);
        assert!(comparison.differs() && !comparison.is_worse());
        let mut shown = Vec::new();
        comparison.write(&mut shown).expect("memory");
        let shown = String::from_utf8(shown).expect("UTF-8");
        assert!(
            shown.contains("nonce: \"never\" -> \"required\"") && shown.ends_with("0 the same · 1 facts\n"),
            "{shown}"
        );
    }
}
