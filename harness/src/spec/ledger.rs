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
#[serde(try_from = "Row")]
pub struct Requirement {
    /// The row's name, e.g. `9449-4.3-12a`, as scenarios cite it.
    pub id: String,
    /// Whose duty it is.
    pub role: Role,
    /// How binding it is.
    pub level: Level,
    /// Where it stands, e.g. `RFC 9449 section 4.3`.
    pub source: String,
    /// Where else it stands, or what it builds on.
    pub also: Option<String>,
    /// What of the source was seen when the row was written.
    pub read: Read,
    /// The requirement, paraphrased.
    pub text: String,
    /// Why no case cites it; none where cases do, and for roles that have no suite yet.
    pub gap: Option<Gap>,
}

/// What was seen of the specification that a row paraphrases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Read {
    /// The section itself.
    Text,
    /// The sentence, as others quote it.
    Quoted,
    /// The sections that it follows from; no sentence says it.
    Inferred,
    /// Nothing: it was written from memory, and no verdict may rest on it.
    Unread,
}

impl Read {
    /// The word in YAML and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Quoted => "quoted",
            Self::Inferred => "inferred",
            Self::Unread => "unread",
        }
    }

    /// The same in a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Text => "read in the specification",
            Self::Quoted => "read as others quote it",
            Self::Inferred => "follows from the specification, which does not say it in so many words",
            Self::Unread => "written from memory, not yet checked against the specification",
        }
    }
}

/// Why no case cites a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// It can't be seen from outside, and this is why.
    Untestable(String),
    /// It is not for this suite, and this is why.
    OutOfScope(String),
    /// Cases are to be written, and this is what they need.
    Open(String),
}

/// A row as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    id: String,
    role: Role,
    level: Level,
    source: String,
    also: Option<String>,
    read: Read,
    text: String,
    untestable: Option<String>,
    out_of_scope: Option<String>,
    open: Option<String>,
}

/// Two of `untestable`, `out-of-scope` and `open` in one row.
#[derive(Debug, thiserror::Error)]
#[error("{id} has more than one of `untestable`, `out-of-scope` and `open`")]
struct TwoGaps {
    id: String,
}

impl TryFrom<Row> for Requirement {
    type Error = TwoGaps;

    fn try_from(row: Row) -> Result<Self, TwoGaps> {
        let Row { id, role, level, source, also, read, text, untestable, out_of_scope, open } = row;
        let gap = match (untestable, out_of_scope, open) {
            (None, None, None) => None,
            (Some(why), None, None) => Some(Gap::Untestable(why)),
            (None, Some(why), None) => Some(Gap::OutOfScope(why)),
            (None, None, Some(what)) => Some(Gap::Open(what)),
            (Some(_), Some(_), _) | (Some(_), None, Some(_)) | (None, Some(_), Some(_)) => {
                return Err(TwoGaps { id });
            }
        };
        Ok(Self { id, role, level, source, also, read, text, gap })
    }
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

impl Role {
    /// The word in YAML and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResourceServer => "resource-server",
            Self::AuthorizationServer => "authorization-server",
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    /// The same in a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::ResourceServer => "a resource server",
            Self::AuthorizationServer => "an authorization server",
            Self::Server => "resource and authorization servers",
            Self::Client => "a client",
        }
    }

    /// Whether a resource server has to meet it.
    pub fn includes_resource_server(self) -> bool {
        match self {
            Self::ResourceServer | Self::Server => true,
            Self::AuthorizationServer | Self::Client => false,
        }
    }
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

    fn row(rest: &str) -> Result<Ledger, String> {
        let row = format!("id: x, role: server, level: must, source: RFC 1, read: text, text: t{rest}");
        serde_yaml::from_str(&format!("requirements: [{{ {row} }}]")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_row_says_at_most_one_thing_of_itself() {
        let gap = |rest| row(rest).expect("a row").requirement("x").expect("there").gap.clone();
        assert_eq!(gap(""), None);
        assert_eq!(gap(", open: a case"), Some(Gap::Open("a case".to_owned())));
        assert_eq!(gap(", untestable: unseen"), Some(Gap::Untestable("unseen".to_owned())));
        assert_eq!(gap(", out-of-scope: no"), Some(Gap::OutOfScope("no".to_owned())));
        for two in
            [", open: a, untestable: b", ", open: a, out-of-scope: b", ", untestable: a, out-of-scope: b"]
        {
            assert!(row(two).expect_err(two).contains("x has more than one of"), "{two}");
        }
        assert!(row(", covered: rs.a.b").is_err(), "case ids stand in the scenarios");
    }
}
