use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

/// The reason where no other is given.
const INTERRUPTED: &str = "interrupted";

/// A wish to end a run early. What was judged until then is reported, and the rest is skipped.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    uttered: AtomicBool,
    why: OnceLock<&'static str>,
    notify: Notify,
}

impl Stop {
    /// Ends the run that has this wish.
    pub fn request(&self) {
        self.request_because(INTERRUPTED);
    }

    /// The same, for this reason, with which the rest is skipped; the first one counts.
    pub fn request_because(&self, why: &'static str) {
        self.0.why.get_or_init(|| why);
        self.0.uttered.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    /// Why what was not performed when the run was ended is skipped.
    pub fn why(&self) -> &'static str {
        self.0.why.get().copied().unwrap_or(INTERRUPTED)
    }

    /// Whether somebody interrupted it.
    pub fn is_interrupted(&self) -> bool {
        self.is_requested() && self.why() == INTERRUPTED
    }

    /// Whether the run is to end.
    pub fn is_requested(&self) -> bool {
        self.0.uttered.load(Ordering::Acquire)
    }

    /// Returns once the run is to end.
    pub(crate) async fn requested(&self) {
        let notified = self.0.notify.notified();
        if !self.is_requested() {
            notified.await;
        }
    }
}
