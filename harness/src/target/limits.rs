use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// How hard the target is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Requests in a unit of time, e.g. `20/s`. Without it there is none on loopback, and 20/s elsewhere.
    pub rate: Option<Rate>,
    /// How long to wait for one answer; without it 5 seconds.
    pub timeout: Option<Span>,
    /// How many cases run at the same time; without it 8.
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

    /// How many cases run at the same time.
    pub fn jobs(&self) -> usize {
        self.jobs.map_or(8, NonZeroUsize::get)
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

/// A duration: `500ms`, `5s`, `2m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a duration such as `500ms`, `5s` or `2m`");
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let unit = match unit {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            _ => return Err(wrong()),
        };
        if number == 0 {
            return Err(wrong());
        }
        Ok(Self(unit * number))
    }
}

macro_rules! from_text {
    ($type:ty, $name:literal, $expected:literal, $pattern:literal, $description:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                        out.write_str($expected)
                    }

                    // Here, and not behind `deserialize`, an error has the place of the value.
                    fn visit_str<E: Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "description": $description })
            }
        }
    };
}

from_text!(
    Rate,
    "Rate",
    "a rate such as `20/s` or `100/m`",
    "^[1-9][0-9]*/[smh]$",
    "So many in a second, minute or hour: `20/s`."
);
from_text!(
    Span,
    "Duration",
    "a duration such as `500ms`, `5s` or `2m`",
    "^[1-9][0-9]*(ms|s|m|h)$",
    "A duration: `500ms`, `5s`, `2m`, `1h`."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_durations() {
        assert_eq!("20/s".parse::<Rate>().map(Rate::interval), Ok(Duration::from_millis(50)));
        assert_eq!("120/m".parse::<Rate>().map(Rate::interval), Ok(Duration::from_millis(500)));
        assert_eq!("500ms".parse::<Span>().map(|span| span.0), Ok(Duration::from_millis(500)));
        assert_eq!("2m".parse::<Span>().map(|span| span.0), Ok(Duration::from_secs(120)));
        for refused in ["", "20", "0/s", "-1/s", "1/d", "a/s"] {
            assert!(refused.parse::<Rate>().is_err(), "{refused:?}");
        }
        for refused in ["", "5", "s", "0s", "5 s", "1.5s", "-1s"] {
            assert!(refused.parse::<Span>().is_err(), "{refused:?}");
        }
    }
}
