//! The readers of what comes over the wire: JSON, JWS, challenges.

use std::collections::BTreeSet;

use crate::jose::base64url;
use crate::jose::json::{self, Json, JsonFault, MAX_DEPTH, Object};
use crate::jose::jws::{Compact, JwsError};
use crate::target::{ChallengeFault, Challenges};

/// [`Challenges::read`] (RFC 9110 section 11.6.1), of one field a line: what it takes without a fault comes out the same once it
/// is written and read again, in one field or in several, and nothing is lost of what it takes with one but what it can't place.
///
/// # Panics
/// Where it does not, or where a name is no token.
pub fn challenge_parser(data: &[u8]) {
    let lines = || data.split(|byte| *byte == b'\n');
    let read = Challenges::read(lines());
    let is_token = |word: &str| {
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
        !word.is_empty() && word.bytes().all(allowed)
    };
    for challenge in &read.list {
        assert!(is_token(&challenge.scheme), "{challenge:?}");
        for (at, (name, _)) in challenge.parameters.iter().enumerate() {
            assert!(is_token(name) && *name == name.to_ascii_lowercase(), "{challenge:?}");
            let before = challenge.parameters.iter().take(at);
            let is_new = before.into_iter().all(|(other, _)| other != name);
            assert!(is_new || read.faults.contains(&ChallengeFault::Twice), "{challenge:?}");
        }
    }
    if read.faults.iter().all(|fault| fault.is_tolerated()) {
        let written: Vec<String> = read.list.iter().map(ToString::to_string).collect();
        let sound = Challenges { list: read.list, faults: Vec::new() };
        assert_eq!(Challenges::read(written.iter().map(String::as_bytes)), sound, "in several fields");
        assert_eq!(Challenges::read([written.join(", ").as_bytes()]), sound, "in one field");
        let joined = lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(&b", "[..]);
        assert_eq!(Challenges::read([&joined[..]]).list, sound.list, "as a proxy joins fields");
    }
}

/// [`json::read`] beside `serde_json`: what one takes and the other refuses is what the documentation says, and what
/// both take has the same content.
///
/// A second reader with another idea of a document is how a claim is checked in one spelling and used in another.
///
/// # Panics
/// Where the two readers differ, a name stands twice in what was read, or writing and reading again changes it.
pub fn json_reader(data: &[u8]) {
    match (json::read(data), serde_json::from_slice::<Json>(data)) {
        (Ok(ours), theirs) => {
            assert!(depth(&ours) <= MAX_DEPTH && names_are_unique(&ours), "{ours:?}");
            assert_eq!(json::read(ours.to_text().as_bytes()).as_ref(), Ok(&ours), "written and read again");
            match theirs {
                Ok(theirs) => assert!(same(&ours, &theirs), "{ours:?} or {theirs:?}"),
                Err(error) => assert!(holds_a_huge_number(&ours), "laxer than serde_json: {error}: {ours:?}"),
            }
        }
        (Err(error), Ok(theirs)) => {
            assert!(error.fault == JsonFault::TooDeep && depth(&theirs) > MAX_DEPTH, "{error}: {theirs:?}");
        }
        (Err(error), Err(_)) => assert!(error.offset <= data.len(), "{error}"),
    }
}

/// [`Compact::read`] (RFC 7515 section 7.1): it takes exactly what is three canonical segments of which two hold JSON
/// objects, and gives back exactly what stands there.
///
/// # Panics
/// Where it does not, or where [`json_reader`] does on a decoded segment.
pub fn jws_reader(data: &[u8]) {
    let read = Compact::read(data);
    let segments: Vec<&[u8]> = data.split(|byte| *byte == b'.').collect();
    let [header, payload, signature] = segments[..] else {
        assert_eq!(read, Err(JwsError::Segments(segments.len())));
        return;
    };
    let [Some(header), Some(claims), Some(signature)] = [header, payload, signature].map(decode) else {
        assert!(read.is_err(), "not base64url: {read:?}");
        return;
    };
    json_reader(&header);
    json_reader(&claims);
    let (Some(header), Some(claims)) = (object(&header), object(&claims)) else {
        assert!(read.is_err(), "not two objects: {read:?}");
        return;
    };
    let signing_input =
        data.rsplitn(2, |byte| *byte == b'.').last().and_then(|bytes| str::from_utf8(bytes).ok());
    let signing_input = signing_input.expect("base64url is ASCII");
    assert_eq!(read, Ok(Compact { header, claims, signing_input, signature }));
}

/// A segment's bytes, if it spells them in the one way that is allowed.
fn decode(segment: &[u8]) -> Option<Vec<u8>> {
    let bytes = base64url::decode(segment)?;
    assert_eq!(base64url::encode(&bytes).as_bytes(), segment, "a second spelling of the same bytes");
    Some(bytes)
}

fn object(text: &[u8]) -> Option<Object> {
    json::read(text).ok()?.as_object().cloned()
}

/// What stands directly in a value: the elements of an array, the values of an object.
fn inner(value: &Json) -> Vec<&Json> {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Vec::new(),
        Json::Array(values) => values.iter().collect(),
        Json::Object(object) => object.members().iter().map(|(_, value)| value).collect(),
    }
}

/// How many arrays and objects stand around the innermost value.
fn depth(value: &Json) -> usize {
    inner(value).into_iter().map(|inner| 1 + depth(inner)).max().unwrap_or(0)
}

fn names_are_unique(value: &Json) -> bool {
    let members = value.as_object().map_or(&[][..], Object::members);
    let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.len() == members.len() && inner(value).into_iter().all(names_are_unique)
}

/// Whether a number is too large for `serde_json`, which keeps doubles; the last bits before infinity are its own.
fn holds_a_huge_number(value: &Json) -> bool {
    value.as_f64().is_some_and(|number| number.abs() > 1e308)
        || inner(value).into_iter().any(holds_a_huge_number)
}

/// Whether two values have the same content in the same order; numbers by value, as `theirs` went through a double
/// where it was no integer of 64 bits.
fn same(ours: &Json, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Json::Number(ours), Json::Number(theirs)) => same_number(ours, theirs),
        (Json::Array(_), Json::Array(_)) => same_inside(ours, theirs),
        (Json::Object(one), Json::Object(other)) => {
            one.members().iter().map(|(name, _)| name).eq(other.members().iter().map(|(name, _)| name))
                && same_inside(ours, theirs)
        }
        (ours, theirs) => ours == theirs,
    }
}

fn same_inside(ours: &Json, theirs: &Json) -> bool {
    let (ours, theirs) = (inner(ours), inner(theirs));
    ours.len() == theirs.len() && ours.into_iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
}

fn same_number(ours: &str, theirs: &str) -> bool {
    match ours.parse::<i128>() {
        Ok(integer) if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&integer) => {
            // serde_json reads `-0` as the double -0.0.
            theirs.parse() == Ok(integer) || (integer == 0 && theirs == "-0.0")
        }
        _ => {
            let [ours, theirs] = [ours, theirs].map(|text| text.parse::<f64>().unwrap_or(f64::NAN));
            // Without its feature `float_roundtrip`, serde_json is a few units in the last place off.
            ours.abs() > 1e308 || (ours - theirs).abs() <= ours.abs() * 1e-14 + 1e-300
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn challenges_of_any_bytes(data in r#"[A-Da-d=", \\\t\n/é\x00-]{0,40}"#) {
            challenge_parser(data.as_bytes());
        }
    }

    fn parsed(text: &str) -> Json {
        json::read(text.as_bytes()).expect("valid")
    }

    #[test]
    fn the_comparison_sees_differences() {
        for (one, other) in [
            ("1", "2"),
            ("[1]", "[]"),
            (r#"{"a":1,"b":1}"#, r#"{"b":1,"a":1}"#),
            ("\"1\"", "1"),
            ("1.5", "1.50001"),
        ] {
            assert!(!same(&parsed(one), &parsed(other)), "{one} {other}");
        }
        assert!(!same(&parsed("9007199254740993"), &parsed("9007199254740992")));
        assert!(same(&parsed(r#"{"a":[1.0,-0,1e3]}"#), &parsed(r#"{"a":[1,0,1000]}"#)));
        let mut twice = Object::from([("a", Json::Null)]);
        twice.append("a", Json::Null);
        assert!(!names_are_unique(&Json::Array(vec![twice.into()])));
        assert!(holds_a_huge_number(&parsed("[{\"a\":-1e309}]")) && !holds_a_huge_number(&parsed("[1e300]")));
        assert_eq!(["1", "[]", "[[]]", r#"{"a":[{}]}"#].map(|text| depth(&parsed(text))), [0, 0, 1, 2]);
    }
}
