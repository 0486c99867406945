use std::fmt;

use super::Selected;
use crate::coverage::cites;
use crate::scenario::{Case, CaseKind, Scenario, Tag};
use crate::spec::Level;

/// Which of the selected cases are performed.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only cases of these levels, as the scenarios have them; any where there are none.
    pub levels: Vec<Level>,
    /// Only cases that cite one of these requirements.
    pub specs: Vec<String>,
    /// Only cases with one of these weakness numbers.
    pub cwes: Vec<u16>,
    /// Only cases of these pitfalls, or with these tags.
    pub tags: Vec<String>,
    /// Only one share of what is left.
    pub partition: Option<Partition>,
}

/// One of several shares of a suite, for CI jobs that run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    way: Way,
    /// Counted from 1.
    share: usize,
    of: usize,
}

/// How shares are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By the case's id: a case stays in its share when others are added.
    Hash,
    /// In turn: shares of equal size.
    Slice,
}

impl Filter {
    /// Whether anything is left out.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
            && self.specs.is_empty()
            && self.cwes.is_empty()
            && self.tags.is_empty()
            && self.partition.is_none()
    }

    /// The cases that pass.
    pub fn apply<'a>(&self, selected: Vec<Selected<'a>>) -> Vec<Selected<'a>> {
        let mut left: Vec<_> = selected.into_iter().filter(|selected| self.passes(*selected)).collect();
        if let Some(share) = self.partition {
            let mut index = 0;
            left.retain(|selected| {
                if matches!(selected.case.kind, CaseKind::Answers(_)) {
                    return share.has_answers();
                }
                index += 1;
                share.has(index - 1, &selected.case.id)
            });
        }
        left
    }

    fn passes(&self, Selected { scenario, case }: Selected<'_>) -> bool {
        let any = |empty: bool, found: bool| empty || found;
        any(self.levels.is_empty(), self.levels.contains(&case.level))
            && any(self.specs.is_empty(), self.specs.iter().any(|id| cites(case, id)))
            && any(self.cwes.is_empty(), self.cwes.iter().any(|number| scenario.cwe.contains(number)))
            && any(
                self.tags.is_empty(),
                names(scenario, case).any(|name| self.tags.iter().any(|tag| tag == name)),
            )
    }
}

/// What a case can be found by: its pitfall, the profiles that it belongs to, and its tags.
pub fn names(scenario: &Scenario, case: &Case) -> impl Iterator<Item = &'static str> {
    let pitfall = scenario.pitfall.map(|pitfall| pitfall.name());
    let profiles = case.profiles.iter().map(|profile| profile.name());
    pitfall.into_iter().chain(profiles).chain(case.tags().map(Tag::name))
}

impl Partition {
    /// Cases about all answers take a run of the whole suite, so they are in one share together: the last.
    fn has_answers(self) -> bool {
        self.share == self.of
    }

    /// Whether what is called `id`, and stands at `index`, is in this share.
    pub fn has(self, index: usize, id: &str) -> bool {
        match self.way {
            Way::Slice => index % self.of == self.share - 1,
            Way::Hash => {
                // FNV-1a: the same share on every machine and in every version.
                let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                });
                hash % (self.of as u64) == (self.share - 1) as u64
            }
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}/{}", self.way.name(), self.share, self.of)
    }
}

impl Way {
    const ALL: [Self; 2] = [Self::Hash, Self::Slice];

    fn name(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Slice => "slice",
        }
    }
}

/// Where jobs side by side find which one they are and how many there are, and what the first one is called.
const JOBS: &[(&str, &str, usize)] = &[
    ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),                         // GitLab
    ("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),                 // CircleCI
    ("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0), // Buildkite
    ("TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS", 0),                  // Bazel, googletest
    ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", 0), // a Kubernetes Indexed Job; the second one its manifest sets
];

impl Partition {
    /// Reads `hash:2/4` or `slice:2/4`; `hash:auto` and `hash:auto/4` take what is left out from the variables that CI servers
    /// and Kubernetes set.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn read(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a share such as `hash:1/4`, `slice:2/4` or `hash:auto`");
        let (way, share) = text.split_once(':').ok_or_else(wrong)?;
        let way = Way::ALL.into_iter().find(|known| known.name() == way).ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
        let (share, of) = match share.split_once('/') {
            Some(("auto", of)) => (share_in(variable)?.0, number(of)?),
            Some((share, of)) => (number(share)?, number(of)?),
            None if share == "auto" => match share_in(variable)? {
                (share, Some(of)) => (share, of),
                (_, None) => {
                    return Err(format!("nothing says how many jobs there are: say {text}/4, and so on"));
                }
            },
            None => return Err(wrong()),
        };
        if share == 0 || share > of {
            return Err(format!("there is no share {share} of {of}: \"{text}\""));
        }
        Ok(Self { way, share, of })
    }
}

/// Which job this is, counted from 1, and of how many.
fn share_in(variable: &dyn Fn(&str) -> Option<String>) -> Result<(usize, Option<usize>), String> {
    for (index, total, first) in JOBS {
        let Some(text) = variable(index) else { continue };
        let number = |name: &str, text: &str| {
            text.parse::<usize>().map_err(|_| format!("{name} is \"{text}\", which is no number"))
        };
        let share = number(index, &text)? + 1 - first;
        let of = variable(total).map(|text| number(total, &text)).transpose()?;
        return Ok((share, of));
    }
    let names: Vec<_> = JOBS.iter().map(|(index, ..)| *index).collect();
    Err(format!("nothing says which of the jobs this is: none of {} is set", names.join(", ")))
}

impl std::str::FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::read(text, &|name| std::env::var(name).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::all;
    use crate::scenario::load_embedded;

    #[test]
    fn shares_are_disjoint_and_complete() {
        let scenarios = load_embedded().expect("valid");
        let whole = all(&scenarios).len();
        for way in ["hash", "slice"] {
            let mut seen = std::collections::BTreeSet::new();
            for share in 1..=4 {
                let partition = format!("{way}:{share}/4").parse().ok();
                let filter = Filter { partition, ..Filter::default() };
                for selected in filter.apply(all(&scenarios)) {
                    assert!(seen.insert(selected.case.id.clone()), "{way} {share}: {}", selected.case.id);
                }
            }
            assert_eq!(seen.len(), whole, "{way}");
        }
    }

    #[test]
    fn what_is_no_share() {
        for text in ["", "hash", "hash:0/4", "hash:5/4", "hash:1/0", "half:1/2", "slice:1", "slice:-1/2"] {
            assert!(text.parse::<Partition>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn shares_from_the_variables_of_ci_servers() {
        let read = |text: &str, set: &[(&str, &str)]| {
            let find = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            Partition::read(text, &find).map(|partition| partition.to_string())
        };
        let gitlab = [("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "8")];
        assert_eq!(read("hash:auto", &gitlab).as_deref(), Ok("hash:2/8"));
        assert_eq!(read("slice:auto/3", &gitlab).as_deref(), Ok("slice:2/3"));
        let bazel = [("TEST_SHARD_INDEX", "0"), ("TEST_TOTAL_SHARDS", "4")];
        assert_eq!(read("hash:auto", &bazel).as_deref(), Ok("hash:1/4"));
        let kubernetes = [("JOB_COMPLETION_INDEX", "7")];
        assert_eq!(read("hash:auto/8", &kubernetes).as_deref(), Ok("hash:8/8"));
        assert!(read("hash:auto", &kubernetes).is_err_and(|why| why.contains("how many jobs")));
        assert!(read("hash:auto/7", &kubernetes).is_err_and(|why| why.contains("no share 8 of 7")));
        assert!(read("hash:auto", &[]).is_err_and(|why| why.contains("JOB_COMPLETION_INDEX")));
        assert!(read("hash:auto", &[("CI_NODE_INDEX", "x")]).is_err_and(|why| why.contains("no number")));
        assert!(read("hash:auto", &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")]).is_err());
    }

    #[test]
    fn every_condition_holds() {
        let scenarios = load_embedded().expect("valid");
        let filter = Filter {
            levels: vec![Level::Must],
            tags: vec!["missing-ath".to_owned()],
            specs: vec!["9449-4.3-12c".to_owned()],
            ..Filter::default()
        };
        let ids: Vec<_> =
            filter.apply(all(&scenarios)).iter().map(|selected| selected.case.id.clone()).collect();
        assert_eq!(ids, ["rs.ath.hex", "rs.ath.padded", "rs.ath.upper-case", "rs.ath.trailing-bits"]);
    }
}
