//! What may be said in public about a target: `publish.yaml` in its folder.
//!
//! Only what its maintainers document or have fixed in public stands there, with the place. What a run finds beyond that goes to
//! ignored files and nowhere else (`docs/SECURITY.md`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Publication {
    /// What it is, and its version: `oauth4webapi 3.8.8`.
    pub(super) software: String,
    /// What is tested of it, and how it is set up.
    pub(super) about: String,
    #[serde(default)]
    pub(super) publish: Findings,
}

/// What may be published of a run beside what passed and what was skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Findings {
    /// Cases that do not pass, each with the place where that is documented.
    #[serde(default)]
    pub(super) cases: BTreeMap<String, String>,
    /// Names of facts that a run finds out.
    #[serde(default)]
    pub(super) facts: Vec<String>,
    /// Names of facts that `dpop measure` finds out, each with the place where that is documented.
    #[serde(default)]
    pub(super) measured: BTreeMap<String, String>,
}

impl Publication {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("publish.yaml");
        let read = || -> Result<Self> { Ok(serde_yaml::from_str(&fs::read_to_string(&path)?)?) };
        read().with_context(|| format!("in {}", path.display()))
    }
}
