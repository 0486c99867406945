//! The bodies of the libFuzzer targets: each takes any bytes, and panics where a promise of the library is broken.
//!
//! The targets in `fuzz/fuzz_targets/` only call them. So the seeds and the regressions are replayed by a plain
//! `cargo test`, without libFuzzer.

use std::collections::BTreeSet;

use crate::jose::base64url;
use crate::jose::json::{self, Json, JsonFault, MAX_DEPTH, Object};
use crate::jose::jws::{Compact, JwsError};
use crate::target::{ChallengeFault, Challenges};

/// The body of a target: it returns, or panics with what it found.
pub type Body = fn(&[u8]);

/// Every target: the name of its file in `fuzz/fuzz_targets/` and of its folder in `fuzz/seeds/`, and its body.
pub const TARGETS: &[(&str, Body)] =
    &[("challenge_parser", challenge_parser), ("json_reader", json_reader), ("jws_reader", jws_reader)];

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
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    /// What lies in a folder under `fuzz/`, sorted; nothing where there is no such folder.
    fn entries(folder: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(folder);
        let mut paths: Vec<_> =
            fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("readable").path()).collect();
        paths.sort();
        paths
    }

    fn stems(paths: &[PathBuf]) -> Vec<&str> {
        paths.iter().filter_map(|path| path.file_stem()?.to_str()).collect()
    }

    fn names() -> Vec<&'static str> {
        TARGETS.iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn every_target_has_its_file_its_entry_and_its_seeds() {
        assert!(names().is_sorted_by(|one, next| one < next));
        assert_eq!(stems(&entries("fuzz_targets")), names());
        assert_eq!(stems(&entries("seeds")), names());
        let manifest =
            fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/Cargo.toml")).expect("there");
        let paths = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
        assert_eq!(paths.filter_map(|path| path.strip_suffix(".rs\"")).collect::<Vec<_>>(), names());
        let found: Vec<_> = entries("regressions").into_iter().filter(|path| path.is_dir()).collect();
        assert!(
            stems(&found).iter().all(|name| names().contains(name)),
            "regressions of no target: {found:?}"
        );
    }

    #[test]
    fn seeds_and_regressions_are_fine() {
        for (name, body) in TARGETS {
            let (seeds, found) = (entries(&format!("seeds/{name}")), entries(&format!("regressions/{name}")));
            assert!(!seeds.is_empty(), "no seeds for {name}");
            for path in seeds.iter().chain(&found) {
                let data = fs::read(path).expect("readable");
                assert!(
                    std::panic::catch_unwind(|| body(&data)).is_ok(),
                    "{name} panics on {}",
                    path.display()
                );
            }
        }
    }

    #[track_caller]
    fn seeds_keep_their_word(name: &str, takes: fn(&[u8]) -> bool) {
        for path in entries(&format!("seeds/{name}")) {
            let file = path.file_name().and_then(|name| name.to_str()).expect("a name");
            let expected = ["accept", "refuse"].map(|word| file.starts_with(&format!("{word}-")));
            let taken = takes(&fs::read(&path).expect("readable"));
            assert_eq!(expected, [taken, !taken], "{name}/{file}");
        }
    }

    #[test]
    fn seeds_are_taken_or_refused_as_their_names_say() {
        seeds_keep_their_word("challenge_parser", |data| {
            Challenges::read(data.split(|byte| *byte == b'\n')).faults.is_empty()
        });
        seeds_keep_their_word("json_reader", |data| json::read(data).is_ok());
        seeds_keep_their_word("jws_reader", |data| Compact::read(data).is_ok());
    }

    /// libFuzzer stops at the first bad line; its syntax has three escapes, and its words end at 64 bytes.
    fn dictionary_word(line: &str) -> Option<usize> {
        let (name, quoted) = line.split_at(line.find('"')?);
        let name = if name.is_empty() { "unnamed" } else { name.strip_suffix('=')? };
        let mut rest = quoted.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
        let mut length = 0;
        while let [first, tail @ ..] = rest {
            rest = match (first, tail) {
                (b'\\', [b'\\' | b'"', tail @ ..]) => tail,
                (b'\\', [b'x', high, low, tail @ ..])
                    if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
                {
                    tail
                }
                (b'\\' | b'"', _) => return None,
                (b' '..=b'~', tail) => tail,
                _ => return None,
            };
            length += 1;
        }
        let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (named && (1..=64).contains(&length)).then_some(length)
    }

    #[test]
    fn every_dictionary_line_is_one_that_libfuzzer_reads() {
        assert_eq!(dictionary_word(r#""\x0a\\\"a""#), Some(4));
        assert_eq!(dictionary_word(r#"name="ab""#), Some(2));
        for bad in
            [r#""\n""#, r#""\x0""#, "\"", "\"\"", "ab", r#""a"b""#, "\"é\"", "\"\t\"", r#""a\""#, r#"="a""#]
        {
            assert_eq!(dictionary_word(bad), None, "{bad}");
        }
        let dictionaries = entries("dictionary");
        assert!(!dictionaries.is_empty());
        for path in dictionaries {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let lines: Vec<_> =
                text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
            let distinct: BTreeSet<_> = lines.iter().collect();
            assert_eq!(distinct.len(), lines.len(), "a word twice in {}", path.display());
            for line in lines {
                assert!(dictionary_word(line).is_some(), "{}: {line}", path.display());
            }
        }
    }

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
