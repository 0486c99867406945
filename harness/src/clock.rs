//! Time as an argument: what time it is, and how to wait.
//!
//! Nothing else in the library asks the operating system for the time (a clippy entry keeps it so). Cases that wait
//! for minutes are then a matter of milliseconds where both sides share a [`VirtualClock`].

mod span;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use span::Span;

/// What time it is, and how to wait for a later one.
pub trait Clock: Send + Sync {
    /// The wall-clock time.
    fn now(&self) -> SystemTime;

    /// Returns once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Whether sleeping costs no time, as this clock leaps ahead instead. Whoever shares it sees it leap.
    fn leaps(&self) -> bool {
        false
    }

    /// Whole seconds since 1970-01-01T00:00:00Z: the value of an `iat` claim (RFC 7519 section 2, NumericDate).
    fn unix_seconds(&self) -> i64 {
        unix_seconds(self.now())
    }
}

/// `time` as a NumericDate in whole seconds, rounded towards the past.
pub fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -(whole + i64::from(before.subsec_nanos() > 0))
        }
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[expect(clippy::disallowed_methods, reason = "the one place where time comes in")]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that stands still until somebody sleeps on it.
#[derive(Debug)]
pub struct VirtualClock {
    now: Mutex<SystemTime>,
}

impl VirtualClock {
    /// A clock that shows `now`.
    pub fn at(now: SystemTime) -> Self {
        Self { now: Mutex::new(now) }
    }

    /// A clock that shows `seconds` after 1970-01-01T00:00:00Z.
    pub fn at_unix(seconds: u64) -> Self {
        Self::at(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    /// Moves the clock forward by `duration`.
    pub fn advance(&self, duration: Duration) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += duration;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.advance(duration);
        Box::pin(std::future::ready(()))
    }

    fn leaps(&self) -> bool {
        true
    }
}

/// A clock that runs with the system's, so that what takes time is seen to take it, and leaps ahead when somebody sleeps.
/// For runs against the embedded servers, which share it.
#[derive(Debug, Default)]
pub struct LeapingClock {
    ahead: Mutex<Duration>,
}

impl Clock for LeapingClock {
    fn now(&self) -> SystemTime {
        SystemClock.now() + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += duration;
        Box::pin(std::future::ready(()))
    }

    fn leaps(&self) -> bool {
        true
    }
}

/// A clock that goes so many seconds ahead of another: what an issuer tells the time by whose tokens a server checks that
/// has another time.
pub struct ShiftedClock {
    inner: Arc<dyn Clock>,
    ahead: AtomicI64,
}

impl ShiftedClock {
    /// A clock that shows what `inner` shows, until it is [set](Self::set) ahead.
    pub fn new(inner: Arc<dyn Clock>) -> Self {
        Self { inner, ahead: AtomicI64::new(0) }
    }

    /// Goes `seconds` ahead of the other clock from now on; below 0, behind it.
    pub fn set(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> SystemTime {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let span = Duration::from_secs(ahead.unsigned_abs());
        let now = self.inner.now();
        let shifted = if ahead < 0 { now.checked_sub(span) } else { now.checked_add(span) };
        shifted.unwrap_or(now)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.inner.sleep(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_before_1970_round_towards_the_past() {
        assert_eq!(unix_seconds(UNIX_EPOCH), 0);
        assert_eq!(unix_seconds(UNIX_EPOCH + Duration::from_millis(1999)), 1);
        assert_eq!(unix_seconds(UNIX_EPOCH - Duration::from_millis(1)), -1);
        assert_eq!(unix_seconds(UNIX_EPOCH - Duration::from_secs(2)), -2);
    }

    #[test]
    fn a_shifted_clock_goes_ahead() {
        let clock = ShiftedClock::new(Arc::new(VirtualClock::at_unix(1000)));
        for (ahead, expected) in [(0, 1000), (60, 1060), (-60, 940)] {
            clock.set(ahead);
            assert_eq!(clock.unix_seconds(), expected);
        }
    }

    #[tokio::test]
    async fn sleeping_moves_a_virtual_clock() {
        let clock = VirtualClock::at_unix(1000);
        clock.sleep(Duration::from_secs(60)).await;
        assert_eq!(clock.unix_seconds(), 1060);
    }

    #[tokio::test]
    async fn a_leaping_clock_runs_and_leaps() {
        let clock = LeapingClock::default();
        let (began, system) = (clock.now(), SystemClock.now());
        clock.sleep(Duration::from_secs(3600)).await;
        SystemClock.sleep(Duration::from_millis(2)).await;
        let passed = clock.now().duration_since(began).expect("it runs forward");
        assert!(passed >= Duration::from_millis(3_600_002), "{passed:?}");
        let really = SystemClock.now().duration_since(system).expect("it runs forward");
        assert!(really < Duration::from_secs(60), "{really:?}");
    }
}
