//! What `dpop run --report json=…` wrote: verdicts by case.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

const FORMAT: &str = "dpop-results/1";

/// The verdict words of `dpop-results/1`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Pass,
    Note,
    Warn,
    Fail,
    Skip,
    Inconclusive,
}

impl Verdict {
    /// The word in results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// At least one case, each with its verdict and why.
#[derive(Debug)]
pub(crate) struct Results {
    cases: BTreeMap<String, Outcome>,
    facts: Map<String, Value>,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<String>,
}

impl Outcome {
    fn merely_saw_more_or_less_than(&self, other: &Self) -> bool {
        let unseen = |it: &Self| {
            it.verdict == Verdict::Skip && it.reason.as_deref() == Some("no such answer was seen")
        };
        let passed = |it: &Self| it.verdict == Verdict::Pass;
        unseen(self) && passed(other) || passed(self) && unseen(other)
    }
}

#[derive(Deserialize)]
struct Document {
    format: String,
    #[serde(default)]
    facts: Map<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    verdict: Verdict,
    reason: Option<String>,
}

impl Results {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let read = || fs::read_to_string(path)?.parse();
        read().with_context(|| format!("in {}", path.display()))
    }

    pub(crate) fn len(&self) -> usize {
        self.cases.len()
    }

    /// Every case by its id, in their order.
    pub(crate) fn cases(&self) -> impl Iterator<Item = (&str, &Outcome)> {
        self.cases.iter().map(|(id, outcome)| (id.as_str(), outcome))
    }

    pub(crate) fn case(&self, id: &str) -> Option<&Outcome> {
        self.cases.get(id)
    }

    /// What was found out about the target as a whole.
    pub(crate) fn facts(&self) -> &Map<String, Value> {
        &self.facts
    }

    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.cases.values().filter(|it| it.verdict == verdict).count()
    }

    pub(crate) fn counts(&self) -> Counts {
        use Verdict::{Fail, Inconclusive, Note, Pass, Skip, Warn};
        let verdicts = [Pass, Note, Warn, Fail, Skip, Inconclusive];
        Counts(verdicts.map(|verdict| (verdict.name(), self.count(verdict))))
    }

    /// The cases that are judged differently, or only in one of the two. Where one run happened to see no answer of the kind that
    /// a case is about, such as the first with a new nonce, it says nothing against the other.
    pub(crate) fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let mine = self.cases.iter().filter(|(id, mine)| match other.cases.get(*id) {
            Some(theirs) => mine.verdict != theirs.verdict && !mine.merely_saw_more_or_less_than(theirs),
            None => true,
        });
        let mine = mine.map(|(id, _)| id);
        let only_theirs = other.cases.keys().filter(|id| !self.cases.contains_key(*id));
        mine.chain(only_theirs).map(String::as_str).collect()
    }
}

impl FromStr for Results {
    type Err = anyhow::Error;

    fn from_str(json: &str) -> Result<Self> {
        let Document { format, facts, cases: rows } = serde_json::from_str(json)?;
        ensure!(format == FORMAT, "the format is `{format}`, not `{FORMAT}`");
        ensure!(!rows.is_empty(), "no case was run");
        let mut cases = BTreeMap::new();
        for Case { id, verdict, reason } in rows {
            let earlier = cases.insert(id, Outcome { verdict, reason });
            ensure!(earlier.is_none(), "a case stands there twice");
        }
        Ok(Self { cases, facts })
    }
}

/// How many cases got which verdict, on one line.
pub(crate) struct Counts([(&'static str, usize); 6]);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (word, count)) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "  " };
            write!(f, "{gap}{word} {count}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(cases: &[(&str, &str)]) -> Result<Results> {
        let row = |(id, verdict): &(&str, &str)| format!(r#"{{"id":"{id}","verdict":"{verdict}","line":1}}"#);
        let rows: Vec<String> = cases.iter().map(row).collect();
        format!(r#"{{"format":"dpop-results/1","seed":1,"cases":[{}]}}"#, rows.join(",")).parse()
    }

    #[track_caller]
    fn check_error(found: Result<Results>, expected: &str) {
        let error = found.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn verdicts_are_counted() {
        let found = results(&[("a", "pass"), ("b", "fail"), ("c", "pass"), ("d", "inconclusive")]).unwrap();
        assert_eq!(found.counts().to_string(), "pass 2  note 0  warn 0  fail 1  skip 0  inconclusive 1");
        assert_eq!(found.counts().0.iter().map(|(_, count)| count).sum::<usize>(), found.len());
    }

    #[test]
    fn two_runs_are_compared_by_case() {
        let one = results(&[("a", "pass"), ("b", "fail"), ("c", "skip")]).unwrap();
        let two = results(&[("b", "pass"), ("a", "pass"), ("d", "skip")]).unwrap();
        assert_eq!(one.differences(&two), ["b", "c", "d"]);
        assert_eq!(one.differences(&one), [""; 0]);
        let unseen = r#"{"format":"dpop-results/1","cases":[
            {"id":"a","verdict":"skip","reason":"no such answer was seen"},
            {"id":"b","verdict":"skip","reason":"no such answer was seen"},
            {"id":"c","verdict":"skip"}]}"#;
        let unseen: Results = unseen.parse().unwrap();
        assert_eq!(one.differences(&unseen), ["b"]);
        assert_eq!(unseen.differences(&one), ["b"]);
    }

    #[test]
    fn anything_else_is_an_error() {
        check_error(results(&[]), "no case was run");
        check_error(results(&[("a", "pass"), ("a", "fail")]), "a case stands there twice");
        check_error(results(&[("a", "passed")]), "unknown variant `passed`");
        check_error(r#"{"format":"dpop-results/2","cases":[]}"#.parse(), "not `dpop-results/1`");
    }
}
