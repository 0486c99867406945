use std::fmt;
use std::time::SystemTime;

/// From here on clients notice, and the time in proofs is worth a thought.
const NOTABLE: i64 = 2000;

/// How far the clock of a target is ahead of ours, as its `Date` fields show it: between two bounds, in milliseconds.
///
/// A `Date` has whole seconds and was written at some time between sending and receiving, so one answer gives a second
/// and its round trip; each further one narrows that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    least: i64,
    most: i64,
}

impl Skew {
    /// What an answer with this `date` shows that was asked for at `sent` and there at `received`.
    pub fn of(date: SystemTime, sent: SystemTime, received: SystemTime) -> Self {
        Self { least: between(received, date), most: between(sent, date).saturating_add(1000) }
    }

    /// What both show; where they contradict each other, this one.
    #[must_use]
    pub fn and(self, earlier: Option<Self>) -> Self {
        let both = earlier.map_or(self, |earlier| Self {
            least: self.least.max(earlier.least),
            most: self.most.min(earlier.most),
        });
        if both.least <= both.most { both } else { self }
    }

    /// The middle, in milliseconds; above 0 the target is ahead.
    pub fn milliseconds(self) -> i64 {
        self.least.midpoint(self.most)
    }

    /// The middle in whole seconds.
    pub fn seconds(self) -> i64 {
        let middle = self.milliseconds();
        (middle + 500 * middle.signum()) / 1000
    }

    /// Whether the clocks may show the same.
    pub fn is_none(self) -> bool {
        self.least <= 0 && self.most >= 0
    }

    /// Whether it is certainly more than two seconds.
    pub fn is_notable(self) -> bool {
        self.least > NOTABLE || self.most < -NOTABLE
    }
}

/// Milliseconds from `earlier` to `later`; below 0 where it is the other way round.
fn between(earlier: SystemTime, later: SystemTime) -> i64 {
    let (span, sign) = match later.duration_since(earlier) {
        Ok(span) => (span, 1),
        Err(before) => (before.duration(), -1),
    };
    sign * i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Skew {
    /// `+1.8 s`, `-5 min 2 s`, `+1 h 0 min`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let middle = self.milliseconds();
        let sign = if middle < 0 { '-' } else { '+' };
        let seconds = self.seconds().unsigned_abs();
        match seconds {
            0..60 => write!(out, "{sign}{:.1} s", middle.unsigned_abs() as f64 / 1000.0),
            60..3600 => write!(out, "{sign}{} min {} s", seconds / 60, seconds % 60),
            _ => write!(out, "{sign}{} h {} min", seconds / 3600, seconds % 3600 / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn at(milliseconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    #[test]
    fn clocks_that_agree_contain_zero() {
        for written in [5_000, 5_100, 5_999] {
            let skew = Skew::of(at(written / 1000 * 1000), at(written - 20), at(written + 20));
            assert!(skew.is_none(), "{skew:?}");
            assert!(!skew.is_notable());
        }
    }

    #[test]
    fn what_is_notable_is_certain() {
        let server = |ahead: i64| {
            let date = (50_000 + ahead).div_euclid(1000) * 1000;
            Skew::of(at(date.unsigned_abs()), at(50_000), at(50_010))
        };
        for (ahead, notable) in [(1800, false), (-1800, false), (3100, true), (-3100, true), (300_000, true)]
        {
            assert_eq!(server(ahead).is_notable(), notable, "{ahead}: {:?}", server(ahead));
        }
    }

    #[test]
    fn answers_together_show_more() {
        let (one, two) = (Skew { least: -900, most: 200 }, Skew { least: -100, most: 950 });
        assert_eq!(two.and(Some(one)), Skew { least: -100, most: 200 });
        let moved = Skew { least: 5000, most: 6000 };
        assert_eq!(moved.and(Some(one)), moved);
    }

    #[test]
    fn in_words() {
        let words = |milliseconds| Skew { least: milliseconds, most: milliseconds }.to_string();
        assert_eq!(words(1800), "+1.8 s");
        assert_eq!(words(-302_000), "-5 min 2 s");
        assert_eq!(words(3_600_000), "+1 h 0 min");
        assert_eq!(words(-59_700), "-1 min 0 s");
    }
}
