//! What planted defects do with requests that are under way at the same time.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::defects::{Defect, DefectSet};
use super::refusal::Refusal;
use super::verifier::{Presented, VerifiedProof, Verifier};
use crate::clock::{Clock as _, SystemClock};
use crate::jose::Jkt;

/// How long a store elsewhere takes to answer: on the system's clock, since only real time lets other requests in.
const ROUND_TRIP: Duration = Duration::from_millis(5);

/// The keys whose requests are under way; without a defect nobody asks.
#[derive(Debug, Default)]
pub(super) struct AtOnce {
    keys: Mutex<HashSet<Jkt>>,
}

impl AtOnce {
    /// Judges a proof, and remembers it in the same moment unless a defect has it otherwise.
    pub(super) async fn verify(
        &self,
        verifier: &Verifier,
        presented: &Presented<'_>,
        defects: DefectSet,
    ) -> Result<VerifiedProof, Refusal> {
        if defects.contains(Defect::ReplayCheckedThenStored) {
            let checked = verifier.check(presented)?;
            if verifier.knows(&checked, presented.now) {
                return Err(Refusal::Replayed);
            }
            SystemClock.sleep(ROUND_TRIP).await;
            let proof = checked.proof.clone();
            return match verifier.record(checked, presented.now) {
                // Who only stores does not see that another was faster.
                Err(Refusal::Replayed) => Ok(proof),
                other => other,
            };
        }
        let proof = verifier.verify(presented)?;
        if defects.contains(Defect::OneRequestAKey) {
            let _under_way = self.enter(proof.jkt).ok_or(Refusal::Replayed)?;
            SystemClock.sleep(ROUND_TRIP).await;
        }
        Ok(proof)
    }

    fn enter(&self, key: Jkt) -> Option<UnderWay<'_>> {
        let entered = self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        entered.then_some(UnderWay { keys: &self.keys, key })
    }
}

/// A request that is under way: until it is done, or whoever sent it has gone.
struct UnderWay<'a> {
    keys: &'a Mutex<HashSet<Jkt>>,
    key: Jkt,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
