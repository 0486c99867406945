//! What `dpop measure --format json` wrote: facts in a few words each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

const FORMAT: &str = "dpop-facts/1";

/// The facts that were asked for: what was measured, or why it could not be.
#[derive(Debug, Default)]
pub(super) struct Measured(BTreeMap<String, Entry>);

#[derive(Deserialize)]
struct Document {
    format: String,
    facts: BTreeMap<String, Option<Entry>>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    told: Option<String>,
    why_not: Option<String>,
}

impl Measured {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let read = || fs::read_to_string(path)?.parse();
        read().with_context(|| format!("in {}", path.display()))
    }

    /// A fact that was measured, in a few words.
    pub(super) fn told(&self, fact: &str) -> Option<&str> {
        self.0.get(fact)?.told.as_deref()
    }

    /// Each fact with what is known of it.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(fact, Entry { told, why_not })| {
            (fact.as_str(), told.as_deref().or(why_not.as_deref()).unwrap_or_default())
        })
    }
}

impl FromStr for Measured {
    type Err = anyhow::Error;

    fn from_str(json: &str) -> Result<Self> {
        let Document { format, facts } = serde_json::from_str(json)?;
        ensure!(format == FORMAT, "the format is `{format}`, not `{FORMAT}`");
        Ok(Self(facts.into_iter().filter_map(|(fact, entry)| Some((fact, entry?))).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_and_why_not() {
        let facts: Measured = r#"{"format":"dpop-facts/1","requests":3,"facts":{
            "window":{"spec":[],"measured":{"past":1},"told":"60 s old","why_not":null},
            "jti":{"spec":[],"measured":null,"told":null,"why_not":"it was lost"},
            "htu":null}}"#
            .parse()
            .unwrap();
        assert_eq!(
            [facts.told("window"), facts.told("jti"), facts.told("htu")],
            [Some("60 s old"), None, None]
        );
        assert_eq!(facts.all().collect::<Vec<_>>(), [("jti", "it was lost"), ("window", "60 s old")]);
        let other = r#"{"format":"dpop-results/1","facts":{}}"#.parse::<Measured>().unwrap_err();
        assert_eq!(other.to_string(), "the format is `dpop-results/1`, not `dpop-facts/1`");
    }
}
