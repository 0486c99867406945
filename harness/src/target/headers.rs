use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::tokens::{SecretFault, SecretPlace};
use crate::proof::{Field, SHORTEST_SECRET};

/// A field of `target.headers` whose value is a secret, which neither the config nor any report has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretHeader {
    /// Its name.
    pub name: String,
    /// Where its value is kept.
    pub place: SecretPlace,
}

/// A value: as it is, or where it is kept.
#[derive(Debug, Clone)]
pub(super) enum ValueRow {
    Plain(String),
    Secret(SecretRow),
}

/// Where a secret value is kept: in one of the two.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecretValue")]
pub(super) struct SecretRow {
    /// The variable of the environment with the value.
    env: Option<String>,
    /// The file with the value, beside this one.
    file: Option<PathBuf>,
}

/// Fields that requests have of their own, or that cases are about: a fixed one would change what is tested.
const OWN: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "origin",
    "proxy-authorization",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-http-method-override",
    "x-original-url",
    "x-rewrite-url",
];
/// Families of such fields.
const OWN_FAMILIES: &[&str] = &["access-control-", "x-forwarded-"];

/// The fields of `target.headers`, and those with secret values; the name of one that can't be sent with every request, and why.
pub(super) fn headers(
    rows: &BTreeMap<String, ValueRow>,
) -> Result<(Vec<Field>, Vec<SecretHeader>), (String, String)> {
    let (mut fields, mut secrets): (Vec<Field>, Vec<SecretHeader>) = (Vec::new(), Vec::new());
    for (name, value) in rows {
        let names = fields.iter().map(|field| &field.name).chain(secrets.iter().map(|secret| &secret.name));
        let twice = names.into_iter().any(|other| other.eq_ignore_ascii_case(name));
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let lower = name.to_ascii_lowercase();
        let own =
            OWN.contains(&lower.as_str()) || OWN_FAMILIES.iter().any(|family| lower.starts_with(family));
        let wrong = if name.is_empty() || !name.bytes().all(token) {
            Some(format!("`{name}` is not the name of a header field"))
        } else if own {
            Some(format!(
                "`{name}` is not for `headers` to say: cases are about it, or `dpop` sets it itself"
            ))
        } else if twice {
            Some(format!("`{name}` stands here already: names of header fields have no case"))
        } else {
            None
        };
        let wrong = wrong.or_else(|| match value {
            ValueRow::Plain(value) if is_value(value) => {
                fields.push(Field::new(name, value));
                None
            }
            ValueRow::Plain(_) => Some(
                "a value is one line of visible ASCII characters and spaces, with none around it".to_owned(),
            ),
            ValueRow::Secret(row) => match row.place() {
                Ok(place) => {
                    secrets.push(SecretHeader { name: name.clone(), place });
                    None
                }
                Err(why) => Some(why.to_owned()),
            },
        });
        if let Some(wrong) = wrong {
            return Err((name.clone(), wrong));
        }
    }
    Ok((fields, secrets))
}

impl SecretHeader {
    /// The field with its value, for a config in `folder`.
    ///
    /// # Errors
    /// [`SecretFault`] where there is none, or one that can't be sent or kept out of reports.
    pub fn read(&self, folder: &Path) -> Result<Field, SecretFault> {
        let value = self.place.read(folder)?;
        if !is_value(&value) {
            return Err(SecretFault::NotAValue);
        }
        if value.split(' ').all(|word| word.len() < SHORTEST_SECRET) {
            return Err(SecretFault::TooShort(SHORTEST_SECRET));
        }
        Ok(Field::new(&self.name, value))
    }
}

impl SecretRow {
    fn place(&self) -> Result<SecretPlace, &'static str> {
        match (&self.env, &self.file) {
            (Some(variable), None) if is_variable(variable) => Ok(SecretPlace::Variable(variable.clone())),
            (Some(_), None) => Err("the name of a variable is letters, digits and `_`"),
            (None, Some(file)) => Ok(SecretPlace::File(file.clone())),
            (None, None) | (Some(_), Some(_)) => Err("a secret value is `{ env: NAME }` or `{ file: PATH }`"),
        }
    }
}

/// What a shell takes for a variable, too.
fn is_variable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

impl<'de> Deserialize<'de> for ValueRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = ValueRow;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text, or for secrets `{ env: NAME }` or `{ file: PATH }`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ValueRow, E> {
        Ok(ValueRow::Plain(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, row: A) -> Result<ValueRow, A::Error> {
        SecretRow::deserialize(MapAccessDeserializer::new(row)).map(ValueRow::Secret)
    }
}

impl JsonSchema for ValueRow {
    fn schema_name() -> Cow<'static, str> {
        "HeaderValue".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let secret = generator.subschema_for::<SecretRow>();
        schemars::json_schema!({
            "description": "The value of a header field, or where it is kept.",
            "anyOf": [{ "type": "string" }, secret]
        })
    }
}

/// What can be sent as it is (RFC 9110 section 5.5).
fn is_value(value: &str) -> bool {
    let visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    !value.is_empty() && value.trim() == value && value.bytes().all(visible)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[(&str, &str)]) -> Result<Vec<(String, String)>, (String, String)> {
        let plain = |value: &str| ValueRow::Plain(value.to_owned());
        let rows = rows.iter().map(|(name, value)| ((*name).to_owned(), plain(value))).collect();
        Ok(headers(&rows)?.0.into_iter().map(|field| (field.name, field.value)).collect())
    }

    #[test]
    fn secret_values() {
        let folder = std::env::temp_dir().join(format!("dpop-headers-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let check = |text: &str, expected: Result<&str, SecretFault>| {
            std::fs::write(folder.join("secret"), text).expect("a file");
            let header = SecretHeader { name: "X-Key".into(), place: SecretPlace::File("secret".into()) };
            let found = header.read(&folder).map(|field| (field.name, field.value));
            assert_eq!(found, expected.map(|value| ("X-Key".to_owned(), value.to_owned())), "{text:?}");
        };
        check("0123456789ab\n", Ok("0123456789ab"));
        check("Basic dXNlcjpwYXNz", Ok("Basic dXNlcjpwYXNz"));
        check("Basic short", Err(SecretFault::TooShort(12)));
        check("0123456789\nabcdef", Err(SecretFault::NotAValue));
        check("", Err(SecretFault::NotAValue));
        std::fs::remove_dir_all(folder).expect("it was there");
        let nowhere = SecretPlace::Variable("DPOP_NO_SUCH_VARIABLE".into());
        let header = SecretHeader { name: "X-Key".into(), place: nowhere };
        let error = header.read(Path::new(".")).expect_err("nothing is there");
        assert_eq!(error, SecretFault::NoVariable("DPOP_NO_SUCH_VARIABLE".into()));
    }

    #[test]
    fn fields() {
        assert_eq!(read(&[]), Ok(Vec::new()));
        let accept = ("Accept".to_owned(), "text/turtle, */*;q=0.1".to_owned());
        let tenant = ("X-Tenant".to_owned(), "7".to_owned());
        assert_eq!(
            read(&[("X-Tenant", "7"), ("Accept", "text/turtle, */*;q=0.1")]),
            Ok(vec![accept, tenant])
        );
    }

    #[track_caller]
    fn refused(name: &str, value: &str, says: &str) {
        let (at, why) = read(&[(name, value)]).expect_err("it can't be sent");
        assert_eq!(at, name);
        assert!(why.contains(says), "{why}");
    }

    #[test]
    fn what_no_request_can_have() {
        for name in ["", "X Y", "X:", "é"] {
            refused(name, "v", "is not the name of a header field");
        }
        for name in ["DPoP", "authorization", "Host", "X-Forwarded-Proto", "Access-Control-Request-Method"] {
            refused(name, "v", "not for `headers` to say");
        }
        for value in ["", " v", "v ", "a\r\nb: c", "a\tb", "é"] {
            refused("X-Tenant", value, "one line of visible ASCII");
        }
        let (_, why) = read(&[("X-a", "1"), ("x-A", "2")]).expect_err("twice the same");
        assert!(why.contains("stands here already"), "{why}");
    }
}
