use clap::Args;

use super::Failure;
use crate::plan::{Filter, Partition, Selected, select, select_for};
use crate::scenario::{Scenario, Tag};
use crate::spec::{Level, Profile};

/// Which cases, beyond their ids.
#[derive(Debug, Args)]
pub(super) struct Filters {
    /// Only cases of these levels: must, should, may, policy.
    #[arg(long = "level", value_name = "LEVEL", env = "DPOP_LEVEL", value_delimiter = ',', value_parser = level)]
    levels: Vec<Level>,
    /// Only cases that cite one of these requirements, e.g. 9449-4.3-12a.
    #[arg(long = "spec", value_name = "ID", env = "DPOP_SPEC", value_delimiter = ',')]
    specs: Vec<String>,
    /// Only cases with one of these CWE numbers.
    #[arg(long = "cwe", value_name = "N", env = "DPOP_CWE", value_delimiter = ',')]
    cwes: Vec<u16>,
    /// Only cases of these pitfalls, e.g. missing-ath; or those that are `slow` or a `load`, which are performed only on
    /// request: so, or by their ids.
    #[arg(long = "tag", value_name = "TAG", env = "DPOP_TAG", value_delimiter = ',')]
    tags: Vec<String>,
    /// Only one share of the cases, for jobs side by side: hash:1/4 (stays put when cases are added) or slice:1/4; hash:auto,
    /// or hash:auto/4, where the CI server says which job this is. `dpop merge` puts the results together.
    #[arg(long, value_name = "SHARE", env = "DPOP_PARTITION")]
    pub(super) partition: Option<Partition>,
}

fn level(name: &str) -> Result<Level, String> {
    let levels = [Level::Must, Level::Should, Level::May, Level::Policy];
    let known = levels.into_iter().find(|level| level.name() == name);
    known.ok_or_else(|| "levels are must, should, may, policy".to_owned())
}

impl Filters {
    /// The cases of `profile`, or of every one, that `ids` name and the filters let through.
    pub(super) fn select<'a>(
        &self,
        scenarios: &'a [Scenario],
        ids: &[String],
        profile: Option<Profile>,
    ) -> Result<Vec<Selected<'a>>, Failure> {
        let selected = match profile {
            Some(profile) => select_for(scenarios, ids, profile),
            None => select(scenarios, ids),
        };
        let selected = selected.map_err(|nothing| Failure::Nothing(nothing.to_string()))?;
        let selected = self.filter().apply(selected);
        if selected.is_empty() {
            return Err(Failure::Nothing(
                "no case is left by --level, --spec, --cwe, --tag and --partition".into(),
            ));
        }
        Ok(selected)
    }

    /// The tags of what costs much and is asked for.
    pub(super) fn opted_in(&self) -> impl Iterator<Item = Tag> {
        Tag::ALL.iter().copied().filter(|tag| self.tags.iter().any(|name| name == tag.name()))
    }

    /// Whether they let everything through.
    pub(super) fn is_empty(&self) -> bool {
        self.filter().is_empty()
    }

    fn filter(&self) -> Filter {
        Filter {
            levels: self.levels.clone(),
            specs: self.specs.clone(),
            cwes: self.cwes.clone(),
            tags: self.tags.clone(),
            partition: self.partition,
        }
    }
}
