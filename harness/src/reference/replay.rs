use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::refusal::Refusal;

/// How many proofs a store remembers before it refuses more.
///
/// A store that forgets under load lets replays through, and one without a bound can be filled from outside.
const CAPACITY: usize = 200_000;

/// The proofs that were accepted and could still be presented again (RFC 9449 section 11.1).
///
/// It remembers and compares in one step, so two copies of a proof that arrive at the same time can't both pass.
#[derive(Debug)]
pub struct ReplayStore {
    seen: Mutex<Seen>,
    capacity: usize,
    /// Only for [`super::Defect::ReplayStoreEvicts`]: a full store forgets the oldest instead of refusing the next.
    evicts: bool,
}

#[derive(Debug, Default)]
struct Seen {
    keys: HashSet<String>,
    /// The same keys by the second after which they are forgotten.
    by_expiry: BTreeMap<i64, Vec<String>>,
}

impl Default for ReplayStore {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl ReplayStore {
    /// An empty store for at most `capacity` live proofs.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { seen: Mutex::default(), capacity, evicts: false }
    }

    /// One that forgets the oldest of `capacity` live proofs where another comes.
    pub(super) fn evicting(capacity: usize) -> Self {
        Self { evicts: true, ..Self::with_capacity(capacity) }
    }

    /// Whether the proof called `key` is remembered: who asks first and records later lets copies in between pass.
    pub(super) fn knows(&self, key: &str, now: i64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget_before(now);
        seen.keys.contains(key)
    }

    /// Remembers the proof called `key` up to and including the second `last`.
    ///
    /// # Errors
    /// [`Refusal::Replayed`] where it is there already; [`Refusal::ReplayStoreFull`] where there is no more room.
    pub fn record(&self, key: String, last: i64, now: i64) -> Result<(), Refusal> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget_before(now);
        if seen.keys.contains(&key) {
            return Err(Refusal::Replayed);
        }
        if seen.keys.len() >= self.capacity && self.evicts {
            seen.forget_oldest();
        }
        if seen.keys.len() >= self.capacity {
            return Err(Refusal::ReplayStoreFull);
        }
        seen.by_expiry.entry(last).or_default().push(key.clone());
        seen.keys.insert(key);
        Ok(())
    }
}

impl Seen {
    fn forget_oldest(&mut self) {
        let Some(mut first) = self.by_expiry.first_entry() else { return };
        let key = first.get_mut().remove(0);
        if first.get().is_empty() {
            first.remove();
        }
        self.keys.remove(&key);
    }

    fn forget_before(&mut self, now: i64) {
        let live = self.by_expiry.split_off(&now);
        for key in std::mem::replace(&mut self.by_expiry, live).into_values().flatten() {
            self.keys.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_remembered_until_its_last_second() {
        let store = ReplayStore::default();
        assert_eq!(store.record("a".into(), 1300, 1000), Ok(()));
        assert_eq!(store.record("a".into(), 1300, 1000), Err(Refusal::Replayed));
        assert_eq!(store.record("b".into(), 1300, 1000), Ok(()));
        assert_eq!(store.record("a".into(), 1300, 1300), Err(Refusal::Replayed));
        assert_eq!(store.record("a".into(), 1601, 1301), Ok(()));
    }

    #[test]
    fn a_full_store_refuses_and_does_not_forget() {
        let store = ReplayStore::with_capacity(2);
        assert_eq!(store.record("a".into(), 1300, 1000), Ok(()));
        assert_eq!(store.record("b".into(), 1310, 1000), Ok(()));
        assert_eq!(store.record("c".into(), 1300, 1000), Err(Refusal::ReplayStoreFull));
        assert_eq!(store.record("a".into(), 1300, 1000), Err(Refusal::Replayed));
        assert_eq!(store.record("c".into(), 1601, 1301), Ok(()), "a has gone, b has not");
        assert_eq!(store.record("b".into(), 1310, 1301), Err(Refusal::Replayed));
    }

    #[test]
    fn a_store_that_evicts_forgets_the_oldest() {
        let store = ReplayStore::evicting(2);
        for key in ["a", "b", "c"] {
            assert_eq!(store.record(key.into(), 1300, 1000), Ok(()));
        }
        assert!(!store.knows("a", 1000) && store.knows("b", 1000) && store.knows("c", 1000));
        assert!(!store.knows("b", 1301));
    }

    #[test]
    fn of_many_copies_at_once_one_passes() {
        let store = ReplayStore::default();
        let passed = std::thread::scope(|scope| {
            let copies: Vec<_> =
                (0..16).map(|_| scope.spawn(|| store.record("a".into(), 1300, 1000).is_ok())).collect();
            copies.into_iter().map(|copy| copy.join().unwrap()).filter(|passed| *passed).count()
        });
        assert_eq!(passed, 1);
    }
}
