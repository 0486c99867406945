//! How planted bugs read the text of a proof: segments, base64url and JSON.
//!
//! Without the bug nothing is read here that the strict reader refuses.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::defects::{Defect, DefectSet};
use super::faulty;
use crate::jose::base64url;
use crate::jose::json::{self, Json, Object};
use crate::jose::jws::Compact;

/// Reads a proof as the server does, where that is otherwise than strictly.
pub(super) fn read(proof: &[u8], defects: DefectSet) -> Option<Compact<'_>> {
    let text = std::str::from_utf8(proof).ok()?;
    let [header, claims, signature] = text.split('.').collect::<Vec<_>>()[..] else { return None };
    Some(Compact {
        header: object(header, defects)?,
        claims: object(claims, defects)?,
        signing_input: text.get(..header.len() + 1 + claims.len())?,
        signature: decoded(signature, defects)?,
    })
}

fn object(segment: &str, defects: DefectSet) -> Option<Object> {
    let bytes = decoded(segment, defects)?;
    if reads_twice(defects) {
        return with_duplicates(&bytes, defects);
    }
    let value = if defects.contains(Defect::EscapedNamesLiteral) {
        // Two spellings of a name are two names: the escape is hidden from the reader.
        let text = String::from_utf8(bytes).ok()?;
        json::read(text.replace("\\u00", "\\\\u00").as_bytes()).ok()?
    } else {
        json::read(&bytes).or_else(|error| document(&bytes, defects).ok_or(error)).ok()?
    };
    value.as_object().cloned()
}

fn decoded(segment: &str, defects: DefectSet) -> Option<Vec<u8>> {
    if defects.contains(Defect::Base64Lenient) {
        faulty::decoded_leniently(segment)
    } else {
        base64url::decode(segment)
    }
}

/// Reads a document that is no JSON, as far as the defects allow.
fn document(bytes: &[u8], defects: DefectSet) -> Option<Json> {
    let is = |defect| defects.contains(defect);
    if is(Defect::Utf16Accepted) {
        let (units, []) = bytes.as_chunks::<2>() else { return None };
        let text: String = char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
            .collect::<Result<_, _>>()
            .ok()?;
        return json::read(text.as_bytes()).ok();
    }
    if is(Defect::OverlongAccepted) {
        return json::read(&shortened(bytes)).ok();
    }
    let text = String::from_utf8_lossy(bytes);
    let other = if is(Defect::TruncatedJsonRepaired) {
        format!("{text}}}")
    } else if is(Defect::JsonEndIgnored) {
        text.split_inclusive("}{").next()?.trim_end_matches('{').to_owned()
    } else if is(Defect::JsonExtended) {
        text.replace("/* */", "").replace(",}", "}")
    } else if is(Defect::NanAccepted) {
        text.replace("\"iat\":NaN", "\"iat\":\"NaN\"")
    } else if is(Defect::BomSkipped) {
        text.trim_start_matches('\u{feff}').to_owned()
    } else if is(Defect::SurrogatesReplaced) {
        text.replace("\\ud800", "\\ufffd")
    } else if is(Defect::Utf8Repaired) {
        text.into_owned()
    } else {
        return None;
    };
    json::read(other.as_bytes()).ok()
}

/// The text with characters that two octets spell although one would do.
fn shortened(bytes: &[u8]) -> Vec<u8> {
    let mut short = Vec::new();
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match rest.peek() {
            Some(next @ 0x80..=0xBF) if matches!(byte, 0xC0 | 0xC1) => {
                short.push((byte & 1) << 6 | next & 0x3F);
                rest.next();
            }
            _ => short.push(byte),
        }
    }
    short
}

/// The object with what a member called `__proto__` lends it.
pub(super) fn with_prototype(mut object: Object, defects: DefectSet) -> Object {
    if defects.contains(Defect::PrototypeRead)
        && let Some(prototype) = object.member("__proto__").and_then(Json::as_object).cloned()
    {
        for (name, value) in prototype.members() {
            if object.member(name).is_none() {
                object.append(name, value.clone());
            }
        }
    }
    object
}

/// What the server takes for the text that was signed.
pub(super) fn signing_input<'a>(jws: &Compact<'a>, defects: DefectSet) -> Cow<'a, str> {
    if defects.contains(Defect::SigningInputRebuilt) {
        let [header, claims] = [&jws.header, &jws.claims].map(|object| base64url::encode(object.to_text()));
        Cow::Owned(format!("{header}.{claims}"))
    } else {
        Cow::Borrowed(jws.signing_input)
    }
}

/// Whether a server reads repeated names twice, with another result each time; the object is the first reading, and
/// [`second_reading`] is the other.
fn reads_twice(defects: DefectSet) -> bool {
    [
        Defect::DuplicateAlgLastUsed,
        Defect::DuplicateAlgFirstUsed,
        Defect::DuplicateJwkLastUsed,
        Defect::DuplicateJwkFirstUsed,
    ]
    .iter()
    .any(|defect| defects.contains(*defect))
}

/// The member of this name that another parser sees.
pub(super) fn second_reading(object: &Object, name: &str) -> Option<Json> {
    let (_, value) = object.members().iter().rfind(|(member, _)| member == name)?;
    Some(turned(value.clone()))
}

fn turned(value: Json) -> Json {
    match value {
        Json::Object(mut object) => {
            object.reverse();
            Json::Object(object)
        }
        other => other,
    }
}

/// An object with everything that stands in it, repeated names too. The first of a name is what a check finds.
fn with_duplicates(bytes: &[u8], defects: DefectSet) -> Option<Object> {
    let Duplicates(Json::Object(mut object)) = serde_json::from_slice(bytes).ok()? else { return None };
    if defects.contains(Defect::DuplicateAlgFirstUsed) || defects.contains(Defect::DuplicateJwkFirstUsed) {
        let mut turned_round = Object::new();
        object.reverse();
        for (name, value) in object.members() {
            turned_round.append(name, turned(value.clone()));
        }
        object = turned_round;
    }
    Some(object)
}

/// A JSON value in which names may stand twice.
struct Duplicates(Json);

impl<'de> Deserialize<'de> for Duplicates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Number(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Number(value.to_string()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::from(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
                let mut array = Vec::new();
                while let Some(Duplicates(value)) = values.next_element()? {
                    array.push(value);
                }
                Ok(Json::Array(array))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
                let mut object = Object::new();
                while let Some((name, Duplicates(value))) = members.next_entry::<String, Duplicates>()? {
                    object.append(&name, value);
                }
                Ok(Json::Object(object))
            }
        }
        deserializer.deserialize_any(Any).map(Duplicates)
    }
}
