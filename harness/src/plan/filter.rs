use super::Selected;
use crate::coverage::cites;
use crate::scenario::{Case, Scenario, Tag};
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
        let left = selected.into_iter().filter(|selected| self.passes(*selected)).enumerate();
        left.filter(|(index, selected)| {
            self.partition.is_none_or(|share| share.has(*index, &selected.case.id))
        })
        .map(|(_, selected)| selected)
        .collect()
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
    fn has(self, index: usize, id: &str) -> bool {
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

impl std::str::FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a share such as `hash:1/4` or `slice:2/4`");
        let (way, share) = text.split_once(':').ok_or_else(wrong)?;
        let way = match way {
            "hash" => Way::Hash,
            "slice" => Way::Slice,
            _ => return Err(wrong()),
        };
        let (share, of) = share.split_once('/').ok_or_else(wrong)?;
        let (share, of): (usize, usize) =
            (share.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
        if share == 0 || share > of {
            return Err(wrong());
        }
        Ok(Self { way, share, of })
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
