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
    /// Of the copies that are sent at the same time, accept so many: fewer show nothing, and more are too many.
    AcceptsExactly(usize),
    /// Let it through or refuse it, as it likes: but no 5xx, no hang and no connection that is cut.
    Answer,
    /// Nothing: the step shows whether others mean something.
    Any,
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
            Self::AcceptsExactly(number) => write!(out, "accept exactly {number} of the copies"),
            Self::Answer => out.write_str("accept or reject"),
            Self::Any => out.write_str("any answer"),
            Self::Challenge => out.write_str("challenge"),
        }
    }
}

/// The words for [`Expect`], and nothing else: so serde's message lists them.
const WORDS: &[&str] = &["accept", "reject", "challenge", "answer", "any"];

/// What `accepts` says.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepts {
    exactly: usize,
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpectVisitor)
    }
}

struct ExpectVisitor;

impl<'de> Visitor<'de> for ExpectVisitor {
    type Value = Expect;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "`accept`, `reject`, `challenge`, `answer`, `any`, `{ reject: [error, ...] }` or `{ accepts: { exactly: 1 } }`",
        )
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Expect, E> {
        match word {
            "accept" => Ok(Expect::Accept),
            "reject" => Ok(Expect::Reject(Vec::new())),
            "challenge" => Ok(Expect::Challenge),
            "answer" => Ok(Expect::Answer),
            "any" => Ok(Expect::Any),
            other => Err(E::unknown_variant(other, WORDS)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Expect, A::Error> {
        let Some(word) = members.next_key::<Cow<'de, str>>()? else {
            return Err(A::Error::invalid_length(0, &self));
        };
        let expect = match word.as_ref() {
            "reject" => Expect::Reject(members.next_value()?),
            "accepts" => Expect::AcceptsExactly(members.next_value::<Accepts>()?.exactly),
            other => return Err(A::Error::unknown_variant(other, &["reject", "accepts"])),
        };
        if members.next_key::<Cow<'de, str>>()?.is_some() {
            return Err(A::Error::invalid_length(2, &self));
        }
        Ok(expect)
    }
}

impl schemars::JsonSchema for Expect {
    fn schema_name() -> Cow<'static, str> {
        "Expect".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What the target should do: `accept`, `reject`, `{ reject: [error, ...] }` with the error codes that fit, or `challenge`: ask for a nonce; `answer`: accept or refuse it, without a 5xx or a cut connection; of copies sent at the same time, accept `{ accepts: { exactly: 1 } }`. `any` where a step only shows whether others mean something.",
            "anyOf": [
                { "enum": WORDS },
                {
                    "type": "object",
                    "properties": { "reject": { "type": "array", "items": { "type": "string" } } },
                    "required": ["reject"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "properties": {
                        "accepts": {
                            "type": "object",
                            "properties": { "exactly": { "type": "integer", "minimum": 1 } },
                            "required": ["exactly"],
                            "additionalProperties": false
                        }
                    },
                    "required": ["accepts"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
