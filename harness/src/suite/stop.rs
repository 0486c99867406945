use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A wish to end a run early. What was judged until then is reported, and the rest is skipped.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<(AtomicBool, Notify)>);

impl Stop {
    /// Ends the run that has this wish.
    pub fn request(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.notify_waiters();
    }

    /// Whether the run is to end.
    pub fn is_requested(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }

    /// Returns once the run is to end.
    pub(crate) async fn requested(&self) {
        let notified = self.0.1.notified();
        if !self.is_requested() {
            notified.await;
        }
    }
}
