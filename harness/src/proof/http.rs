use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A version of HTTP that requests can go over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpVersion {
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http1,
    /// HTTP/2 (RFC 9113).
    Http2,
}

/// The versions of HTTP that a run uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpChoice {
    /// HTTP/1.1, and each version where a case asks for it.
    #[default]
    Both,
    /// One version, and cases that ask for the other are skipped.
    Only(HttpVersion),
}

impl HttpVersion {
    /// The version as it stands in a request line, and in the evidence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

impl HttpChoice {
    /// The version of requests that ask for none.
    pub fn usual(self) -> HttpVersion {
        match self {
            Self::Both => HttpVersion::default(),
            Self::Only(version) => version,
        }
    }
}

impl<'de> Deserialize<'de> for HttpVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = HttpVersion;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("1.1 or 2")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<HttpVersion, E> {
                match number {
                    2 => Ok(HttpVersion::Http2),
                    _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
                }
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<HttpVersion, E> {
                match number {
                    1.1 => Ok(HttpVersion::Http1),
                    2.0 => Ok(HttpVersion::Http2),
                    _ => Err(E::invalid_value(Unexpected::Float(number), &self)),
                }
            }
        }
        deserializer.deserialize_any(Number)
    }
}

impl JsonSchema for HttpVersion {
    fn schema_name() -> Cow<'static, str> {
        "HttpVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "enum": [1.1, 2], "description": "A version of HTTP: 1.1 or 2." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        let read = |text: &str| serde_yaml::from_str::<HttpVersion>(text).ok();
        assert_eq!(read("1.1"), Some(HttpVersion::Http1));
        assert_eq!(read("2"), Some(HttpVersion::Http2));
        for refused in ["1", "1.0", "3", "-2", "two", "\"2\"", "[2]"] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }
}
