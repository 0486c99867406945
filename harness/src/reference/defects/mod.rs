//! Planted bugs: what the reference server does wrong on request, one at a time.
//!
//! Each is modelled on a fault that a real server had. A conformance suite is worth what it catches, so every case is
//! run against the defects that it must catch, and every defect names those cases.

mod answer;
mod ath;
mod connection;
mod defect;
mod field;
mod forwarded;
mod htm;
mod htu;
mod jwk;
mod jws;
mod metadata;
mod node;
mod nonce;
mod page;
mod place;
mod remote;
mod replay;
mod scheme;
mod set;
mod signature;
mod time;
mod token;

pub use defect::Defect;
pub use set::DefectSet;

use super::nonce::NonceMode;
use crate::spec::Profile;

/// The tables of bugs, one file a subject, in the order of [`Defect`].
const TABLES: &[&[DefectRow]] = &[
    token::ROWS,
    scheme::ROWS,
    signature::ROWS,
    jwk::ROWS,
    remote::ROWS,
    jws::ROWS,
    ath::ROWS,
    htm::ROWS,
    htu::ROWS,
    time::ROWS,
    replay::ROWS,
    nonce::ROWS,
    field::ROWS,
    forwarded::ROWS,
    connection::ROWS,
    place::ROWS,
    node::ROWS,
    page::ROWS,
    metadata::ROWS,
    answer::ROWS,
];

/// Every planted bug, in the order of [`Defect`].
pub fn defects() -> impl Iterator<Item = &'static DefectRow> + Clone {
    TABLES.iter().copied().flatten()
}

/// A row of [`defects()`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct DefectRow {
    /// The bug.
    pub defect: Defect,
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// What the server gets wrong, in one sentence.
    pub summary: &'static str,
    /// The cases that must catch it, by id.
    pub caught_by: &'static [&'static str],
    /// How the server must use nonces for the bug to show.
    pub nonce: NonceMode,
    /// The public URL that the resource must have for the bug to show; none where any will do.
    pub public_url: Option<&'static str>,
    /// The profile that the server must be set up for, and judged by, for the bug to show; none where any will do.
    pub profile: Option<Profile>,
}

const fn row(
    defect: Defect,
    name: &'static str,
    summary: &'static str,
    caught_by: &'static [&'static str],
) -> DefectRow {
    DefectRow { defect, name, summary, caught_by, nonce: NonceMode::Never, public_url: None, profile: None }
}

impl DefectRow {
    const fn with_nonces(self, nonce: NonceMode) -> Self {
        Self { nonce, ..self }
    }

    const fn at(self, public_url: &'static str) -> Self {
        Self { public_url: Some(public_url), ..self }
    }

    const fn under(self, profile: Profile) -> Self {
        Self { profile: Some(profile), ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_defect_has_exactly_one_row_in_the_order_of_the_enum() {
        let declared = Defect::ProtectsNothing as usize + 1;
        assert_eq!(defects().count(), declared, "ProtectsNothing is the last variant");
        assert!(defects().enumerate().all(|(index, row)| row.defect as usize == index));
        assert!(declared <= DefectSet::ROOM, "each has its bit");
    }

    #[test]
    fn names_are_unique_and_lead_back() {
        let names: BTreeSet<_> = defects().map(|row| row.name).collect();
        assert_eq!(names.len(), defects().count());
        for row in defects() {
            let kebab = row.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
            assert!(kebab, "{}", row.name);
            assert_eq!(Defect::from_name(row.name), Some(row.defect));
            assert_eq!(row.defect.name(), row.name);
        }
        assert_eq!(Defect::from_name("AthOptional"), None);
    }

    #[test]
    fn every_row_says_what_is_wrong_and_who_must_notice() {
        for row in defects() {
            assert!(
                row.public_url.is_none_or(|url| url.parse::<crate::jose::uri::Uri>().is_ok()),
                "{}",
                row.name
            );
            assert!(row.summary.ends_with('.'), "{}", row.name);
            assert!(!row.caught_by.is_empty(), "{}", row.name);
            let unique: BTreeSet<_> = row.caught_by.iter().collect();
            assert_eq!(unique.len(), row.caught_by.len(), "{}", row.name);
            for case in row.caught_by {
                assert!(case.starts_with("rs."), "{}: {case}", row.name);
            }
        }
    }
}
