use crate::plan::all;
use crate::scenario::Scenario;

use super::Found;

/// Cases that no planted bug needs, and why.
pub const UNPROVEN: &[(&str, &str)] = &[
    (
        "rs.preflight.reachable",
        "a server that runs answers; the tests with hostile targets have some that don't",
    ),
    (
        "rs.preflight.token",
        "the embedded issuer has a token for everybody; the tests of token sources have some that don't",
    ),
    (
        "rs.preflight.control",
        "a server that refuses correct requests can't be judged; the tests with hostile targets show it",
    ),
];

/// What shows that a case can fail.
#[derive(Debug)]
pub struct Proven {
    /// The case.
    pub id: String,
    /// The bugs that name it.
    pub needed_by: Vec<&'static str>,
    /// How many bugs it catches beside those.
    pub also_catches: usize,
    /// Why no bug needs it.
    pub reason: Option<&'static str>,
}

impl Found {
    /// What shows of each case that it can fail, in the order of the files.
    pub fn proven(&self, scenarios: &[Scenario]) -> Vec<Proven> {
        let proven = |id: &str| {
            let names = |caught: &&super::Caught| caught.row.caught_by.contains(&id);
            Proven {
                id: id.to_owned(),
                needed_by: self.caught.iter().filter(names).map(|caught| caught.row.name).collect(),
                also_catches: self
                    .caught
                    .iter()
                    .filter(|caught| caught.also.iter().any(|also| also == id))
                    .count(),
                reason: UNPROVEN.iter().find(|(known, _)| *known == id).map(|(_, reason)| *reason),
            }
        };
        all(scenarios).iter().map(|selected| proven(&selected.case.id)).collect()
    }

    /// How many bugs were caught by the cases that they name.
    pub fn caught_count(&self) -> usize {
        self.caught.iter().filter(|caught| caught.is_caught()).count()
    }

    /// How many accusations there were of clean servers.
    pub fn false_alarms(&self) -> usize {
        self.clean.iter().map(|clean| clean.false_alarms.len()).sum()
    }

    /// How many verdicts depended on order or company.
    pub fn differences(&self) -> usize {
        self.independence.iter().map(|dependence| dependence.differences.len()).sum()
    }

    /// Whether what was done to its end came out as promised.
    pub fn holds(&self) -> bool {
        self.caught_count() == self.caught.len() && self.false_alarms() == 0 && self.differences() == 0
    }
}

impl Proven {
    /// Whether it is as it must be: a bug needs it, or a reason says why none does, and not both.
    pub fn is_accounted_for(&self) -> bool {
        self.needed_by.is_empty() == self.reason.is_some()
    }
}
