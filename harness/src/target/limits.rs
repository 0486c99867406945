use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::clock::Span;

/// How hard the target is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Requests in a unit of time, e.g. `20/s`. Without it there is none on loopback, and 20/s elsewhere.
    pub rate: Option<Rate>,
    /// How long to wait for one answer; without it 5 seconds.
    pub timeout: Option<Span>,
    /// How many cases run at the same time; without it 8, and never more than `rate` has requests in a second.
    pub jobs: Option<NonZeroUsize>,
    /// How many requests one run may send; without it 5000.
    pub max_requests: Option<usize>,
}

impl Limits {
    /// These limits where they are set, otherwise those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            rate: self.rate.or(other.rate),
            timeout: self.timeout.or(other.timeout),
            jobs: self.jobs.or(other.jobs),
            max_requests: self.max_requests.or(other.max_requests),
        }
    }

    /// How long to wait for one answer.
    pub fn timeout(&self) -> Duration {
        self.timeout.map_or(Duration::from_secs(5), |span| span.0)
    }

    /// How many cases run at the same time. Proofs are made before their request waits for its turn, and must not grow old.
    pub fn jobs(&self) -> usize {
        let a_second = self.rate.map_or(usize::MAX, Rate::in_a_second);
        self.jobs.map_or(8, NonZeroUsize::get).min(a_second)
    }

    /// How many requests one run may send.
    pub fn max_requests(&self) -> usize {
        self.max_requests.unwrap_or(5000)
    }
}

/// A rate: so many requests in a second, minute or hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    number: u32,
    unit: Duration,
}

impl Rate {
    /// So many requests a second.
    pub fn per_second(number: u32) -> Self {
        Self { number: number.max(1), unit: Duration::from_secs(1) }
    }

    /// The time from one request to the next.
    pub fn interval(self) -> Duration {
        self.unit / self.number
    }

    /// How many requests have their turn within a second; at least one.
    fn in_a_second(self) -> usize {
        let turns = Duration::from_secs(1).as_nanos() / self.interval().as_nanos().max(1);
        usize::try_from(turns).unwrap_or(usize::MAX).max(1)
    }
}

impl std::str::FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a rate such as `20/s` or `100/m`");
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(wrong()),
        };
        let number: u32 = number.parse().map_err(|_| wrong())?;
        if number == 0 {
            return Err(wrong());
        }
        Ok(Self { number, unit: Duration::from_secs(unit) })
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Rate;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a rate such as `20/s` or `100/m`")
            }

            // Here, and not behind `deserialize`, an error has the place of the value.
            fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[1-9][0-9]*/[smh]$",
            "description": "So many in a second, minute or hour: `20/s`."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_within_a_rate() {
        let jobs = |jobs: Option<usize>, rate: Option<&str>| {
            let rate = rate.map(|rate| rate.parse().expect("a rate"));
            Limits { jobs: jobs.and_then(NonZeroUsize::new), rate, ..Limits::default() }.jobs()
        };
        assert_eq!((jobs(None, None), jobs(Some(30), None)), (8, 30));
        assert_eq!((jobs(None, Some("20/s")), jobs(Some(30), Some("20/s"))), (8, 20));
        assert_eq!((jobs(None, Some("2/s")), jobs(Some(1), Some("2/s"))), (2, 1));
        assert_eq!((jobs(None, Some("5/m")), jobs(None, Some("600/m"))), (1, 8));
    }

    #[test]
    fn rates() {
        assert_eq!("20/s".parse::<Rate>().map(Rate::interval), Ok(Duration::from_millis(50)));
        assert_eq!("120/m".parse::<Rate>().map(Rate::interval), Ok(Duration::from_millis(500)));
        for refused in ["", "20", "0/s", "-1/s", "1/d", "a/s"] {
            assert!(refused.parse::<Rate>().is_err(), "{refused:?}");
        }
    }
}
