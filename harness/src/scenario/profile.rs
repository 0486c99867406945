//! What each profile demands beyond RFC 9449, as data.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Deserialize;

use super::file::Capability;
use super::pattern::matches;
use super::source::{Source, read_one};
use super::{Case, Scenario};
use crate::spec::{Level, Profile};

/// The rules of a profile: one file of `scenarios/profiles/`. Cases of its own say so themselves (`profiles`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "dpop profile")]
pub struct Rules {
    /// The profile: the name of the file.
    pub profile: Profile,
    /// What it is, in a few words.
    pub title: String,
    /// Where it stands.
    pub source: String,
    /// Whom it is for, and what it is about.
    pub why: String,
    /// What becomes of a missed requirement that RFC 9449 leaves to policy.
    pub policy: Level,
    /// What a server must have. Its owner can't say that it does not: the cases that need it are performed all the same.
    #[serde(default)]
    pub requires: Vec<Capability>,
    /// Cases that show what the profile demands in words of its own.
    #[serde(default)]
    pub demands: Vec<Demand>,
}

/// A requirement of a profile that cases of RFC 9449 show.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Demand {
    /// Their ids; `*` stands for any text.
    pub cases: Vec<String>,
    /// How binding they are at least.
    pub level: Level,
    /// The rows of the ledger that say so.
    pub spec: Vec<String>,
}

macro_rules! file {
    ($name:literal) => {
        (
            concat!("scenarios/profiles/", $name, ".yaml"),
            include_str!(concat!("../../../scenarios/profiles/", $name, ".yaml")),
        )
    };
}

/// The files that are compiled into the library, in the order of [`Profile::ALL`].
const FILES: &[(&str, &str)] =
    &[file!("rfc9449"), file!("fapi2"), file!("mcp"), file!("atproto"), file!("solid"), file!("strict")];

static EMBEDDED: LazyLock<Vec<Rules>> = LazyLock::new(|| {
    let read = |(file, text): &(&str, &str)| {
        let source = Source { file: (*file).to_owned(), text: (*text).to_owned() };
        read_one(&source).unwrap_or_else(|diagnostic| {
            // A test reads them, so a release can't have a broken one.
            unreachable!("a compiled-in profile: {}", diagnostic.render(false))
        })
    };
    FILES.iter().map(read).collect()
});

impl Rules {
    /// The rules of `profile`.
    pub fn of(profile: Profile) -> &'static Self {
        match EMBEDDED.iter().find(|rules| rules.profile == profile) {
            Some(rules) => rules,
            None => unreachable!("every profile has a file"),
        }
    }

    /// How binding `case` is. Never [`Level::Policy`].
    pub fn level(&self, case: &Case) -> Level {
        let own = match case.level {
            Level::Policy => self.policy,
            level @ (Level::Must | Level::Should | Level::May) => level,
        };
        self.demands_of(case).map(|demand| demand.level).fold(own, Level::min)
    }

    /// The rows of the ledger that `case` shows: its own, and those of the profile.
    pub fn spec(&self, case: &Case) -> Vec<String> {
        let mut rows = case.spec.clone();
        for row in self.demands_of(case).flat_map(|demand| &demand.spec) {
            if !rows.contains(row) {
                rows.push(row.clone());
            }
        }
        rows
    }

    /// What the profile demands that `case` shows.
    pub fn demands_of<'a>(&'a self, case: &'a Case) -> impl Iterator<Item = &'a Demand> {
        self.demands.iter().filter(|demand| demand.is_shown_by(case))
    }

    /// The cases of `scenarios` that belong to this profile and not to every one.
    pub fn own_cases<'a>(&self, scenarios: &'a [Scenario]) -> impl Iterator<Item = &'a Case> {
        let profile = self.profile;
        scenarios
            .iter()
            .flat_map(|scenario| &scenario.cases)
            .filter(move |case| case.profiles.contains(&profile))
    }
}

impl Demand {
    /// Whether `case` shows it.
    pub fn is_shown_by(&self, case: &Case) -> bool {
        self.cases.iter().any(|pattern| matches(pattern, &case.id))
    }
}

/// The JSON Schema of a profile.
pub fn profile_schema() -> serde_json::Value {
    schemars::schema_for!(Rules).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_embedded;

    #[test]
    fn every_profile_has_a_file_of_its_name() {
        let names: Vec<_> = EMBEDDED.iter().map(|rules| rules.profile).collect();
        assert_eq!(names, Profile::ALL);
        for ((file, _), profile) in FILES.iter().zip(Profile::ALL) {
            assert_eq!(*file, format!("scenarios/profiles/{}.yaml", profile.name()));
            assert_ne!(Rules::of(*profile).policy, Level::Policy, "{file}");
        }
    }

    #[test]
    fn a_profile_raises_levels_and_lowers_none() {
        let scenarios = load_embedded().expect("valid");
        let cases = || scenarios.iter().flat_map(|scenario| &scenario.cases);
        let level = |profile, id: &str| {
            let case = cases().find(|case| case.id == id).expect(id);
            Rules::of(profile).level(case)
        };
        assert_eq!(level(Profile::Rfc9449, "rs.replay.twice"), Level::Should);
        assert_eq!(level(Profile::Strict, "rs.replay.twice"), Level::Must);
        assert_eq!(level(Profile::Strict, "rs.answer.status"), Level::Should, "SHOULD stays warn");
        for profile in Profile::ALL {
            for case in cases().filter(|case| case.level != Level::Policy) {
                assert!(Rules::of(*profile).level(case) <= case.level, "{} {}", profile.name(), case.id);
            }
        }
    }
}
