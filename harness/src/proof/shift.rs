//! Distances in time as scenarios write them: `-1h`, `+5s`.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A distance in time with a sign, in whole seconds: `-1h`, `+5s`, `90s`, `2m`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift(pub i64);

impl<'de> Deserialize<'de> for Shift {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ShiftVisitor)
    }
}

struct ShiftVisitor;

impl Visitor<'_> for ShiftVisitor {
    type Value = Shift;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a distance in time such as `-1h` or `+5s`")
    }

    // Here, and not behind `deserialize`, an error has the place of the value.
    fn visit_str<E: Error>(self, text: &str) -> Result<Shift, E> {
        parse_shift(text).map(Shift).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

fn parse_shift(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let unit = digits.chars().last()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return None,
    };
    let number = digits.strip_suffix(unit)?;
    number.bytes().all(|digit| digit.is_ascii_digit()).then_some(())?;
    number.parse::<i64>().ok()?.checked_mul(sign * factor)
}

impl fmt::Display for Shift {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self.0.unsigned_abs() {
            days if days > 0 && days % 86400 == 0 => (days / 86400, 'd'),
            hours if hours > 0 && hours % 3600 == 0 => (hours / 3600, 'h'),
            minutes if minutes > 0 && minutes % 60 == 0 => (minutes / 60, 'm'),
            seconds => (seconds, 's'),
        };
        write!(out, "{}{number}{unit}", if self.0 < 0 { '-' } else { '+' })
    }
}

impl JsonSchema for Shift {
    fn schema_name() -> Cow<'static, str> {
        "Shift".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[+-]?[0-9]+[smhd]$",
            "description": "A distance in time with a sign: `-1h`, `+5s`, `2m`, `1d`."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts() {
        for (text, seconds, shown) in [
            ("-1h", -3600, "-1h"),
            ("+5s", 5, "+5s"),
            ("90s", 90, "+90s"),
            ("2m", 120, "+2m"),
            ("-1d", -86400, "-1d"),
        ] {
            assert_eq!(parse_shift(text), Some(seconds), "{text}");
            assert_eq!(Shift(seconds).to_string(), shown);
        }
        for refused in ["", "h", "-", "1", "1.5h", "--1s", "1w", "1 h", "-é"] {
            assert_eq!(parse_shift(refused), None, "{refused:?}");
        }
    }
}
