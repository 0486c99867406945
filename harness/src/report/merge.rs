//! `dpop merge`: the results of jobs that had a share of the cases each, as one.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Case, Document, Drifted, Facts, Summary};

/// Results that can't be put together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There are none.
    #[error("there is nothing to merge")]
    Nothing,
    /// They are about different things.
    #[error("the results are of different runs: {what} is `{was}` in one and `{is}` in another")]
    Different {
        /// What differs.
        what: &'static str,
        /// What the first one says.
        was: String,
        /// What another one says.
        is: String,
    },
    /// A job is missing.
    #[error("{0} of {1} is missing: has each job left its results?")]
    Missing(String, usize),
    /// The same job, or the same case in two jobs that should have none in common.
    #[error("{0} is there twice")]
    Twice(String),
}

impl Document<'static> {
    /// Puts the results of jobs together. `order` has the ids of all cases, as they stand in the scenarios.
    ///
    /// # Errors
    /// [`MergeError`] where the results are of different targets, profiles, seeds or versions, or a share is missing or there twice.
    pub fn merged(parts: Vec<Self>, order: &[&str]) -> Result<Self, MergeError> {
        check_alike(&parts)?;
        let whole = check_shares(&parts)?;
        let mut parts = parts.into_iter();
        let mut merged = parts.next().ok_or(MergeError::Nothing)?;
        for part in parts {
            merged.take(part)?;
        }
        let position: BTreeMap<&str, usize> = order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let place = |case: &Case<'_>| position.get(case.id.as_ref()).copied().unwrap_or(usize::MAX);
        merged.cases.sort_by(|one, other| (place(one), &one.id).cmp(&(place(other), &other.id)));
        merged.summary = Summary::of(&merged.cases);
        if whole {
            merged.partition = None;
        }
        Ok(merged)
    }

    fn take(&mut self, part: Self) -> Result<(), MergeError> {
        for case in part.cases {
            match self.cases.iter_mut().find(|known| known.id == case.id) {
                None => self.cases.push(case),
                // Every job looks whether the target can be judged, and shows it where it can't.
                Some(known) if case.scenario == "rs.preflight" => {
                    if case.verdict > known.verdict {
                        *known = case;
                    }
                }
                Some(_) => return Err(MergeError::Twice(case.id.into_owned())),
            }
        }
        for waiver in part.bad_waivers {
            if !self.bad_waivers.iter().any(|known| known.case == waiver.case) {
                self.bad_waivers.push(waiver);
            }
        }
        match (&mut self.drift, part.drift) {
            (Some(drift), Some(more)) => drift.take(more),
            (None, Some(more)) => self.drift = Some(more),
            (Some(_) | None, None) => {}
        }
        self.began = [self.began.take(), part.began].into_iter().flatten().min();
        // The jobs ran side by side.
        self.seconds = [self.seconds, part.seconds].into_iter().flatten().reduce(f64::max);
        self.facts.take(part.facts);
        Ok(())
    }
}

impl Drifted<'static> {
    fn take(&mut self, more: Self) {
        self.changed.extend(more.changed);
        self.new.extend(more.new);
        self.gone.extend(more.gone);
        self.changed.sort_by(|one, other| one.id.cmp(&other.id));
        self.new.sort();
        self.gone.sort();
        self.gone.dedup();
    }
}

impl Facts<'static> {
    /// What one job did not need to know, another may.
    fn take(&mut self, more: Self) {
        self.http2 = self.http2.or(more.http2);
        self.skew = self.skew.or(more.skew);
        self.token = self.token.take().or(more.token);
        self.trouble = self.trouble.take().or(more.trouble);
        self.open = self.open.take().or(more.open);
        for alg in more.algs {
            if !self.algs.contains(&alg) {
                self.algs.push(alg);
            }
        }
    }
}

fn check_alike(parts: &[Document<'_>]) -> Result<(), MergeError> {
    let Some(first) = parts.first() else { return Err(MergeError::Nothing) };
    for part in parts {
        for (what, was, is) in [
            ("the target", first.target.name.to_string(), part.target.name.to_string()),
            ("the profile", first.profile.to_string(), part.profile.to_string()),
            ("the seed", first.seed.to_string(), part.seed.to_string()),
            ("the version of dpop", first.tool.version.to_string(), part.tool.version.to_string()),
        ] {
            if was != is {
                return Err(MergeError::Different { what, was, is });
            }
        }
    }
    Ok(())
}

/// Whether these are shares, and all of them.
fn check_shares(parts: &[Document<'_>]) -> Result<bool, MergeError> {
    let shares: Vec<&str> = parts.iter().filter_map(|part| part.partition.as_deref()).collect();
    let Some(first) = shares.first() else { return Ok(false) };
    let kind = |share: &str| share.split_once(':').map(|(way, _)| way.to_owned()).unwrap_or_default();
    let total = |share: &str| share.split_once('/').map(|(_, of)| of.to_owned()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for part in parts {
        let share = part.partition.as_deref().unwrap_or("the whole");
        if (kind(share), total(share)) != (kind(first), total(first)) {
            let (was, is) = ((*first).to_owned(), share.to_owned());
            return Err(MergeError::Different { what: "the share", was, is });
        }
        if !seen.insert(share) {
            return Err(MergeError::Twice(share.to_owned()));
        }
    }
    let of: usize = total(first).parse().unwrap_or_default();
    let all = (1..=of).map(|share| format!("{}:{share}/{of}", kind(first)));
    match all.into_iter().find(|share| !seen.contains(share.as_str())) {
        Some(missing) => Err(MergeError::Missing(missing, of)),
        None => Ok(true),
    }
}
