//! The planted bugs that a server has.

use super::{Defect, defects};

/// The bugs that a server has: usually none or one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct DefectSet([u128; DefectSet::WORDS]);

impl DefectSet {
    const WORDS: usize = 4;
    /// How many bugs there may be.
    #[cfg(test)]
    pub(super) const ROOM: usize = Self::WORDS * 128;

    /// No bug.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Whether `defect` is one of them.
    pub fn contains(self, defect: Defect) -> bool {
        let (word, bit) = Self::bit(defect);
        self.0[word] & bit != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == [0; Self::WORDS]
    }

    /// The bugs, in the order of [`defects()`].
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        defects().map(|row| row.defect).filter(move |defect| self.contains(*defect))
    }

    /// The word that holds the bit of a bug, and the bit.
    fn bit(defect: Defect) -> (usize, u128) {
        let number = defect as usize;
        (number / 128, 1 << (number % 128))
    }
}

impl FromIterator<Defect> for DefectSet {
    fn from_iter<I: IntoIterator<Item = Defect>>(defects: I) -> Self {
        let mut set = Self::default();
        for defect in defects {
            let (word, bit) = Self::bit(defect);
            set.0[word] |= bit;
        }
        set
    }
}

impl From<Defect> for DefectSet {
    fn from(defect: Defect) -> Self {
        Self::from_iter([defect])
    }
}

impl std::fmt::Debug for DefectSet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: DefectSet = [Defect::CnfIgnored, Defect::ProtectsNothing].into_iter().collect();
        assert!(set.contains(Defect::CnfIgnored) && set.contains(Defect::ProtectsNothing));
        assert!(!set.contains(Defect::AthOptional) && !set.is_empty() && DefectSet::empty().is_empty());
        assert_eq!(format!("{set:?}"), "{CnfIgnored, ProtectsNothing}");
        assert_eq!(DefectSet::from(Defect::CnfIgnored).iter().count(), 1);
    }
}
