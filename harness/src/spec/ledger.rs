use std::sync::LazyLock;

use serde::Deserialize;

use super::Level;

/// The catalogue of requirements, `scenarios/ledger.yaml`, compiled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    requirements: Vec<Requirement>,
}

/// One row of the ledger.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The row's name, e.g. `9449-4.3-12a`, as scenarios cite it.
    pub id: String,
    /// Whose duty it is.
    pub role: Role,
    /// How binding it is.
    pub level: Level,
    /// Where it stands, e.g. `RFC 9449 section 4.3`.
    pub source: String,
    /// The requirement, paraphrased.
    pub text: String,
}

/// Who has to meet a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A resource server.
    ResourceServer,
    /// An authorization server.
    AuthorizationServer,
    /// Resource server and authorization server.
    Server,
    /// A client.
    Client,
}

static EMBEDDED: LazyLock<Ledger> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("../../../scenarios/ledger.yaml")).unwrap_or_else(|error| {
        // A test reads it, so a release can't have a broken one.
        unreachable!("the compiled-in ledger: {error}")
    })
});

impl Ledger {
    /// The ledger that the library was built with.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Every row, in the order of the file.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The row called `id`.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|row| row.id == id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_embedded_ledger_has_unique_rows_with_text() {
        let rows = Ledger::embedded().requirements();
        let ids: BTreeSet<_> = rows.iter().map(|row| &row.id).collect();
        assert_eq!(ids.len(), rows.len());
        assert!(rows.iter().all(|row| !row.text.is_empty() && !row.source.is_empty()));
        assert!(Ledger::embedded().requirement("9449-4.3-12a").is_some());
    }
}
