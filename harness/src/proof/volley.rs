//! How many requests a step sends: one, the same many times at once, or one after another.

use schemars::JsonSchema;
use serde::Deserialize;

/// Requests that reach the target at the same time.
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
    /// What they go over; without it each has a connection of its own.
    #[serde(default)]
    pub connection: Lines,
}

/// The connections of the requests of a volley.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lines {
    /// Each has its own, in HTTP/1.1: only there is a byte to hold back.
    #[default]
    Own,
    /// All go over one, in HTTP/2: everything but the last frame of each is sent, and then every last frame, in one packet.
    One,
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
