use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// What the target should do with a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Let it through.
    Accept,
    /// Refuse it; with one of these `error` codes, or any if there are none.
    Reject(Vec<String>),
    /// Ask for a nonce (RFC 9449 section 9).
    Challenge,
}

impl Expect {
    /// Whether the step is a correct one.
    pub fn is_accept(&self) -> bool {
        matches!(self, Self::Accept)
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => out.write_str("accept"),
            Self::Reject(codes) if codes.is_empty() => out.write_str("reject"),
            Self::Reject(codes) => write!(out, "reject ({})", codes.join(" or ")),
            Self::Challenge => out.write_str("challenge"),
        }
    }
}

/// The words for [`Expect`], and nothing else: so serde's message lists them.
const WORDS: &[&str] = &["accept", "reject", "challenge"];

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpectVisitor)
    }
}

struct ExpectVisitor;

impl<'de> Visitor<'de> for ExpectVisitor {
    type Value = Expect;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`accept`, `reject`, `challenge` or `{ reject: [error, ...] }`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Expect, E> {
        match word {
            "accept" => Ok(Expect::Accept),
            "reject" => Ok(Expect::Reject(Vec::new())),
            "challenge" => Ok(Expect::Challenge),
            other => Err(E::unknown_variant(other, WORDS)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Expect, A::Error> {
        let Some(word) = members.next_key::<Cow<'de, str>>()? else {
            return Err(A::Error::invalid_length(0, &self));
        };
        if word != "reject" {
            return Err(A::Error::unknown_variant(&word, &["reject"]));
        }
        let codes = members.next_value()?;
        if members.next_key::<Cow<'de, str>>()?.is_some() {
            return Err(A::Error::invalid_length(2, &self));
        }
        Ok(Expect::Reject(codes))
    }
}

impl schemars::JsonSchema for Expect {
    fn schema_name() -> Cow<'static, str> {
        "Expect".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What the target should do: `accept`, `reject`, `{ reject: [error, ...] }` with the error codes that fit, or `challenge`: ask for a nonce.",
            "anyOf": [
                { "enum": WORDS },
                {
                    "type": "object",
                    "properties": { "reject": { "type": "array", "items": { "type": "string" } } },
                    "required": ["reject"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
