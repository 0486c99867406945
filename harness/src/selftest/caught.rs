use std::io;

use crate::judge::Verdict;
use crate::plan::{Selected, all};
use crate::reference::{DefectRow, DefectSet, NonceMode};
use crate::spec::Profile;
use crate::suite::Outcome;

use super::variant::NONCES;
use super::{Bench, Variant};

/// What the suite says of one planted bug.
#[derive(Debug)]
pub struct Caught {
    /// The bug.
    pub row: &'static DefectRow,
    /// The cases that it names, and what each saw in the mode that the bug names.
    pub named: Vec<(&'static str, Sight)>,
    /// Other cases that catch it there, in their order.
    pub also: Vec<String>,
    /// Named cases that saw nothing in another mode, where the bug shows in all: the mode, and the case.
    pub elsewhere: Vec<(&'static str, &'static str, Sight)>,
}

/// What a case saw of a bug that it must catch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// It catches it.
    Caught,
    /// It noted it, and no more: where proofs carry nonces the server may do so.
    Excused(String),
    /// It was skipped, for this reason.
    Skipped(String),
    /// It did not catch it: what it said, and why.
    Escaped(Verdict, String),
    /// There is no such case.
    Unknown,
}

impl Sight {
    /// What the case `id` saw.
    fn of(id: &str, cases: &[Selected<'_>], outcomes: &[Outcome]) -> Self {
        let case = cases.iter().find(|selected| selected.case.id == id);
        let outcome = outcomes.iter().find(|outcome| outcome.id == id);
        let (Some(case), Some(outcome)) = (case, outcome) else { return Self::Unknown };
        let reason = outcome.reason.clone().unwrap_or_default();
        match outcome.verdict {
            Verdict::Fail | Verdict::Warn => Self::Caught,
            Verdict::Note if outcome.is_missed() => Self::Caught,
            Verdict::Note if case.case.excused_by.is_some() => Self::Excused(reason),
            Verdict::Skip => Self::Skipped(reason),
            Verdict::Pass | Verdict::Note | Verdict::Inconclusive => Self::Escaped(outcome.verdict, reason),
        }
    }
}

impl std::fmt::Display for Sight {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Caught => out.write_str("caught"),
            Self::Excused(why) => write!(out, "excused: {why}"),
            Self::Skipped(why) => write!(out, "skip: {why}"),
            Self::Escaped(verdict, why) if why.is_empty() => out.write_str(verdict.name()),
            Self::Escaped(verdict, why) => write!(out, "{}: {why}", verdict.name()),
            Self::Unknown => out.write_str("no such case"),
        }
    }
}

impl Caught {
    /// Whether every case that it names caught it.
    pub fn is_caught(&self) -> bool {
        self.named.iter().all(|(_, sight)| *sight == Sight::Caught) && self.elsewhere.is_empty()
    }
}

/// The whole suite against a server with one bug, in the mode that the bug names; and where that is without nonces, the
/// cases that it names in the other modes, too: a bug that needs no nonce is not to hide behind one.
///
/// # Errors
/// Where no port can be had.
pub async fn caught(bench: &Bench<'_>, row: &'static DefectRow) -> io::Result<Caught> {
    let own = profile_of(row);
    let mut cases = all(bench.scenarios);
    cases.retain(|selected| selected.case.is_for(own) || row.caught_by.contains(&selected.case.id.as_str()));
    let outcomes = sweep(bench, row, row.nonce, &cases).await?;
    let named = row.caught_by.iter().map(|id| (*id, Sight::of(id, &cases, &outcomes))).collect();
    let also = outcomes
        .iter()
        .filter(|outcome| outcome.is_missed() && !row.caught_by.contains(&outcome.id.as_str()))
        .map(|outcome| outcome.id.clone())
        .collect();
    let killers: Vec<Selected<'_>> =
        cases.iter().copied().filter(|selected| row.caught_by.contains(&selected.case.id.as_str())).collect();
    let mut elsewhere = Vec::new();
    for (name, nonce) in NONCES {
        if row.nonce != NonceMode::Never || nonce == row.nonce {
            continue;
        }
        let outcomes = sweep(bench, row, nonce, &killers).await?;
        // Where proofs carry nonces, those may be what a server goes by.
        let binding = killers.iter().filter(|killer| killer.case.excused_by.is_none());
        let missed = row
            .caught_by
            .iter()
            .filter(|id| binding.clone().any(|killer| killer.case.id == **id))
            .map(|id| (name, *id, Sight::of(id, &cases, &outcomes)));
        elsewhere.extend(missed.filter(|(.., sight)| matches!(sight, Sight::Escaped(..))));
    }
    Ok(Caught { row, named, also, elsewhere })
}

/// The profile of the server that has the bug: the one that the bug names, or where every policy is a duty.
pub fn profile_of(row: &DefectRow) -> Profile {
    row.profile.unwrap_or(Profile::Strict)
}

/// Performs cases against a server with the bug; those of another profile against one that is set up for theirs.
async fn sweep(
    bench: &Bench<'_>,
    row: &DefectRow,
    nonce: NonceMode,
    cases: &[Selected<'_>],
) -> io::Result<Vec<Outcome>> {
    let mut left = cases.to_vec();
    let mut outcomes = Vec::new();
    let others = Profile::ALL.iter().copied();
    for profile in [profile_of(row)].into_iter().chain(others) {
        let (now, later) = left.into_iter().partition::<Vec<_>, _>(|selected| selected.case.is_for(profile));
        left = later;
        if !now.is_empty() {
            let variant = Variant { profile, ..Variant::new("defect", nonce) };
            let (_running, setup) = bench.start(&variant, DefectSet::from(row.defect)).await?;
            outcomes.extend(bench.run(&setup, &now).await);
        }
    }
    Ok(outcomes)
}
