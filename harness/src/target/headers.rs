use std::collections::BTreeMap;

use crate::proof::Field;

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

/// The fields of `target.headers`; the name of one that can't be sent with every request, and why.
pub(super) fn headers(rows: &BTreeMap<String, String>) -> Result<Vec<Field>, (String, String)> {
    let mut fields: Vec<Field> = Vec::new();
    for (name, value) in rows {
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
        } else if fields.iter().any(|field| field.name.eq_ignore_ascii_case(name)) {
            Some(format!("`{name}` stands here already: names of header fields have no case"))
        } else if !is_value(value) {
            Some("a value is one line of visible ASCII characters and spaces, with none around it".to_owned())
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return Err((name.clone(), wrong));
        }
        fields.push(Field::new(name, value));
    }
    Ok(fields)
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
        let rows = rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Ok(headers(&rows)?.into_iter().map(|field| (field.name, field.value)).collect())
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
