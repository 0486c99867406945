//! JSON at byte level: what is written is exactly what was meant, what is read keeps order and repetition visible.
//!
//! A proof with a fault must reach the server with that fault. `serde_json` would repair it on the way (one value per
//! member name, numbers in range), so documents that are *sent* or *judged* use this model instead.

use std::fmt::Write as _;

pub use super::json_read::{JsonError, JsonFault, MAX_DEPTH, read};

/// A JSON value (RFC 8259) that keeps the order of members, repeated names and the spelling of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number by its spelling, e.g. `1700000000` or `1e400`. The reader lets only RFC 8259 numbers in.
    Number(String),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Object),
}

/// A JSON object: its members in the order in which they stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object {
    members: Vec<(String, Json)>,
}

impl Json {
    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The object, if this is one.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The number as an integer, if it is one that is spelled without fraction and exponent and fits.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(text) = self { text.parse().ok() } else { None }
    }

    /// The number as the nearest double, if this is a number; infinite where it is out of range.
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(text) = self { text.parse().ok() } else { None }
    }

    /// The value as compact JSON text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        write_value(&mut text, self);
        text
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// The members in the order in which they stand.
    pub fn members(&self) -> &[(String, Json)] {
        &self.members
    }

    /// The first member called `name`.
    pub fn member(&self, name: &str) -> Option<&Json> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// Gives every member called `name` the value, or appends one where there is none.
    pub fn set(&mut self, name: &str, value: impl Into<Json>) {
        let value = value.into();
        let mut found = false;
        for (_, slot) in self.members.iter_mut().filter(|(member, _)| member == name) {
            slot.clone_from(&value);
            found = true;
        }
        if !found {
            self.append(name, value);
        }
    }

    /// Appends a member, whether or not one of that name is there: the way to a repeated name.
    pub fn append(&mut self, name: &str, value: impl Into<Json>) {
        self.members.push((name.to_owned(), value.into()));
    }

    /// Puts a member in front of all others, whether or not one of that name is there.
    pub fn prepend(&mut self, name: &str, value: impl Into<Json>) {
        self.members.insert(0, (name.to_owned(), value.into()));
    }

    /// Takes every member called `name` out; false where there was none.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.members.len();
        self.members.retain(|(member, _)| member != name);
        self.members.len() < before
    }

    /// Turns the order of the members round.
    pub fn reverse(&mut self) {
        self.members.reverse();
    }

    /// The object as compact JSON text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        write_object(&mut text, self);
        text
    }
}

impl<const N: usize> From<[(&str, Json); N]> for Object {
    fn from(members: [(&str, Json); N]) -> Self {
        Self { members: members.map(|(name, value)| (name.to_owned(), value)).into() }
    }
}

fn write_value(out: &mut String, value: &Json) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(text) => out.push_str(text),
        Json::String(text) => write_string(out, text),
        Json::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, value);
            }
            out.push(']');
        }
        Json::Object(object) => write_object(out, object),
    }
}

fn write_object(out: &mut String, object: &Object) {
    out.push('{');
    for (index, (name, value)) in object.members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(out, name);
        out.push(':');
        write_value(out, value);
    }
    out.push('}');
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_repetition_and_spelling_are_kept() {
        let mut object =
            Object::from([("b", Json::from("x\"\\\u{1}\n")), ("a", Json::Number("1e400".into()))]);
        object.append("b", Json::Array(vec![Json::Null, Json::Bool(true)]));
        assert_eq!(object.to_text(), r#"{"b":"x\"\\\u0001\n","a":1e400,"b":[null,true]}"#);
    }

    #[test]
    fn set_replaces_every_member_of_the_name() {
        let mut object = Object::new();
        object.append("a", 1);
        object.append("a", 2);
        object.set("a", 3);
        object.set("c", "new");
        assert_eq!(object.to_text(), r#"{"a":3,"a":3,"c":"new"}"#);
        assert!(object.remove("a") && !object.remove("a"));
    }
}
