use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Remembers proofs for as long as they are good (RFC 9449 section 11.1).
pub trait Memory: Send + Sync {
    /// Whether nobody has used this `jti` of this key before; from now on somebody has. `good_until` is the last second
    /// in which the proof would be accepted. To look and to remember has to be one step.
    fn is_first_use(&self, thumbprint: &str, jti: &str, good_until: i64, now: i64) -> bool;
}

/// The memory of one process.
#[derive(Default)]
pub struct InProcess(Mutex<HashMap<(String, String), i64>>);

impl Memory for InProcess {
    fn is_first_use(&self, thumbprint: &str, jti: &str, good_until: i64, now: i64) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| *until >= now);
        used.insert((thumbprint.to_owned(), jti.to_owned()), good_until).is_none()
    }
}
