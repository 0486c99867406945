//! What else of a target is tested, beside its protected resource: `target.resources` and `target.forbidden`.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::config::NoncePolicy;
use crate::proof::Call;

/// What else of a target is tested.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// More methods and paths that must be protected.
    pub resources: Vec<Resource>,
    /// What the token that the harness gets has no authority for.
    pub forbidden: Vec<Forbidden>,
}

/// A protected resource beside the main one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its method and URL.
    pub call: Call,
    /// Whether a correct request may be sent and repeated. Otherwise only requests are sent that must be refused.
    pub safe: bool,
    /// Why the risk is high there.
    pub class: Option<ResourceClass>,
    /// Its use of nonces, where the owner says something about it.
    pub nonce: Option<NoncePolicy>,
}

/// What a token has no authority for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbidden {
    /// Method and URL.
    pub call: Call,
    /// What the token lacks for it.
    pub lacks: Option<Authority>,
}

/// Why a proof that was made in advance does harm at a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceClass {
    /// It moves money.
    Financial,
    /// It changes what others may do.
    Admin,
    /// It faces the internet with long-lived tokens.
    InternetFacing,
}

impl ResourceClass {
    /// The word in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Financial => "financial",
            Self::Admin => "admin",
            Self::InternetFacing => "internet-facing",
        }
    }
}

/// What makes a holder of a token somebody who may do a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// A scope of the token.
    Scope,
    /// A role of the user.
    Role,
    /// Membership of the organisation that it belongs to.
    Organisation,
    /// The token's audience: the API that it is for.
    Audience,
    /// Being the owner of the object.
    Owner,
}

impl Authority {
    /// The word in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Role => "role",
            Self::Organisation => "organisation",
            Self::Audience => "audience",
            Self::Owner => "owner",
        }
    }
}

/// A protected resource beside `target.resource`, on the same origin.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Resource")]
pub(super) struct ResourceRow {
    /// Method and URL: `POST https://api.example.test/v1/payments`.
    pub(super) request: String,
    /// Whether a correct request may be sent there, again and again. True for GET and HEAD, otherwise false: then only
    /// requests are sent that must be refused, with empty content, and the controls stay at `target.resource`.
    pub(super) safe: Option<bool>,
    /// Why the risk is high there. Such a resource should say whether it demands nonces.
    pub(super) class: Option<ResourceClass>,
    /// Whether it supplies and demands nonces.
    pub(super) nonce: Option<NoncePolicy>,
}

/// Something that the token has no authority for, on the same origin.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Forbidden")]
pub(super) struct ForbiddenRow {
    /// Method and URL: `GET https://api.example.test/v1/admin`.
    pub(super) request: String,
    /// What the token lacks.
    pub(super) lacks: Option<Authority>,
}

/// One request as text, or a list of rows.
#[derive(Debug, Default)]
pub(super) enum ForbiddenRows {
    #[default]
    None,
    One(String),
    Several(Vec<ForbiddenRow>),
}

impl<'de> Deserialize<'de> for ForbiddenRows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ForbiddenVisitor)
    }
}

struct ForbiddenVisitor;

impl<'de> Visitor<'de> for ForbiddenVisitor {
    type Value = ForbiddenRows;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "a request such as `GET https://api.example.test/admin`, or a list of `{ request, lacks }`",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ForbiddenRows, E> {
        Ok(ForbiddenRows::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<ForbiddenRows, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(rows)).map(ForbiddenRows::Several)
    }
}

impl JsonSchema for ForbiddenRows {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ForbiddenRequests".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let rows = generator.subschema_for::<Vec<ForbiddenRow>>();
        schemars::json_schema!({
            "description": "A request that the token has no authority for, or a list of them.",
            "anyOf": [{ "type": "string" }, rows]
        })
    }
}
