//! How many requests a step sends: one, the same many times at once, or one after another.

use schemars::JsonSchema;
use serde::Deserialize;

/// Requests that reach the target at the same time, each over a connection of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Send")]
pub struct Volley {
    /// How many: 2 to 64.
    #[schemars(range(min = 2, max = 64))]
    pub copies: usize,
    /// What makes them arrive together.
    pub gate: Gate,
    /// What each of them is; without it the same request.
    #[serde(default)]
    pub each: Each,
}

/// What makes requests arrive together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// All but the last byte of each is written, and then every last byte.
    LastByte,
}

/// What each request of a volley is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// The same bytes.
    #[default]
    Same,
    /// The same edits to a proof of its own.
    Fresh,
}
