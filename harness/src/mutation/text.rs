//! Texts of a proof that no JSON object gives. The proof is signed again over them, so that only the text is at fault.

use super::{Mutation, Stage};
use crate::jose::json::Json;
use crate::proof::Signed;

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "escaped-htm-twin",
        phrase: "two htm claims, the right one first, and a wrong one behind it whose name is spelled \\u0068tm",
        stage: Stage::Text(|signed| {
            let wrong = if signed.claims_text().contains("\"htm\":\"POST\"") { "GET" } else { "POST" };
            add_claim(signed, &format!(r#""\u0068tm":"{wrong}""#));
        }),
    },
    Mutation {
        name: "escaped-htu-twin",
        phrase: "two htu claims, the right one first, and another behind it whose name is spelled ht\\u0075",
        stage: Stage::Text(|signed| add_claim(signed, r#""ht\u0075":"https://other.example/""#)),
    },
    Mutation {
        name: "escaped-names",
        phrase: "names of claims and header parameters with escapes",
        stage: Stage::Text(|signed| {
            signed.rewrite_header(|text| replaced(text, "\"jwk\":", r#""\u006awk":"#));
            signed.rewrite_claims(|text| replaced(text, "\"htm\":", r#""\u0068tm":"#));
        }),
    },
    Mutation {
        name: "escaped-values",
        phrase: "values of claims with escapes",
        stage: Stage::Text(|signed| signed.rewrite_claims(|text| replaced(text, "/", r"\/"))),
    },
    Mutation {
        name: "white-space",
        phrase: "line breaks, tabs and spaces between the tokens of header and claims",
        stage: Stage::Text(|signed| {
            signed.rewrite_header(spaced);
            signed.rewrite_claims(spaced);
        }),
    },
    Mutation {
        name: "null-claims",
        phrase: "null in the place of the claims",
        stage: Stage::Text(|signed| signed.rewrite_claims(|_| b"null".to_vec())),
    },
    Mutation {
        name: "empty-claims",
        phrase: "nothing in the place of the claims",
        stage: Stage::Text(|signed| signed.rewrite_claims(|_| Vec::new())),
    },
    Mutation {
        name: "claims-in-array",
        phrase: "the claims as the only element of an array",
        stage: Stage::Text(|signed| signed.rewrite_claims(|text| format!("[{text}]").into())),
    },
    Mutation {
        name: "claims-in-string",
        phrase: "the text of the claims as a JSON string",
        stage: Stage::Text(|signed| signed.rewrite_claims(|text| Json::from(text).to_text().into())),
    },
    Mutation {
        name: "header-in-array",
        phrase: "the header as the only element of an array",
        stage: Stage::Text(|signed| signed.rewrite_header(|text| format!("[{text}]").into())),
    },
    Mutation {
        name: "truncated-claims",
        phrase: "the claims without their closing brace",
        stage: Stage::Text(|signed| signed.rewrite_claims(without_last)),
    },
    Mutation {
        name: "truncated-header",
        phrase: "the header without its closing brace",
        stage: Stage::Text(|signed| signed.rewrite_header(without_last)),
    },
    Mutation {
        name: "bytes-behind-claims",
        phrase: "a second object behind the claims",
        stage: Stage::Text(|signed| signed.rewrite_claims(|text| format!("{text}{{}}").into())),
    },
    Mutation {
        name: "bytes-behind-header",
        phrase: "a second object behind the header",
        stage: Stage::Text(|signed| signed.rewrite_header(|text| format!("{text}{{}}").into())),
    },
    Mutation {
        name: "comment-in-claims",
        phrase: "a comment in the claims",
        stage: Stage::Text(|signed| signed.rewrite_claims(|text| begun_with(text, "/* */"))),
    },
    Mutation {
        name: "comma-behind-claims",
        phrase: "a comma behind the last of the claims",
        stage: Stage::Text(|signed| {
            signed.rewrite_claims(|text| [without_last(text), b",}".to_vec()].concat())
        }),
    },
    Mutation {
        name: "utf16-claims",
        phrase: "the claims in UTF-16",
        stage: Stage::Text(|signed| {
            signed.rewrite_claims(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        }),
    },
    Mutation {
        name: "bytes-not-utf8",
        phrase: "a claim whose text is not UTF-8",
        stage: Stage::Text(|signed| {
            signed.rewrite_claims(|text| [without_last(text), b",\"x\":\"\xc3\"}".to_vec()].concat());
        }),
    },
    Mutation {
        name: "bom-before-claims",
        phrase: "a byte order mark in front of the claims",
        stage: Stage::Text(|signed| {
            signed.rewrite_claims(|text| [b"\xef\xbb\xbf", text.as_bytes()].concat());
        }),
    },
    Mutation {
        name: "overlong-htm",
        phrase: "htm with its first letter in two octets, which UTF-8 forbids",
        stage: Stage::Text(|signed| signed.rewrite_claims(with_overlong_htm)),
    },
    Mutation {
        name: "lone-surrogate",
        phrase: "a claim with the escape of half a character",
        stage: Stage::Text(|signed| add_claim(signed, r#""x":"\ud800""#)),
    },
    Mutation {
        name: "deep-claims",
        phrase: "a claim of 1000 arrays one in another",
        stage: Stage::Text(|signed| {
            add_claim(signed, &format!("\"x\":{}{}", "[".repeat(1000), "]".repeat(1000)));
        }),
    },
    Mutation {
        name: "padded-header",
        phrase: "padding behind the header's base64url",
        stage: Stage::Text(|signed| {
            signed.rewrite_header(of_broken_length);
            signed.respell(0, padded);
        }),
    },
    Mutation {
        name: "padded-claims",
        phrase: "padding behind the claims' base64url",
        stage: Stage::Text(|signed| {
            signed.rewrite_claims(of_broken_length);
            signed.respell(1, padded);
        }),
    },
    Mutation {
        name: "standard-alphabet-header",
        phrase: "the header in base64 with + and / in the place of - and _",
        stage: Stage::Text(|signed| {
            signed.rewrite_header(with_special_digits);
            signed.respell(0, standard_alphabet);
        }),
    },
    Mutation {
        name: "standard-alphabet-claims",
        phrase: "the claims in base64 with + and / in the place of - and _",
        stage: Stage::Text(|signed| {
            signed.rewrite_claims(with_special_digits);
            signed.respell(1, standard_alphabet);
        }),
    },
    Mutation {
        name: "spaced-header",
        phrase: "a space in the middle of the header's base64url",
        stage: Stage::Text(|signed| signed.respell(0, with_a_space)),
    },
    Mutation {
        name: "spaced-claims",
        phrase: "a space in the middle of the claims' base64url",
        stage: Stage::Text(|signed| signed.respell(1, with_a_space)),
    },
    Mutation {
        name: "character-behind-header",
        phrase: "a character behind the header's base64url, too little for a byte",
        stage: Stage::Text(|signed| {
            signed.rewrite_header(of_whole_length);
            signed.respell(0, |segment| format!("{segment}A"));
        }),
    },
    Mutation {
        name: "character-behind-claims",
        phrase: "a character behind the claims' base64url, too little for a byte",
        stage: Stage::Text(|signed| {
            signed.rewrite_claims(of_whole_length);
            signed.respell(1, |segment| format!("{segment}A"));
        }),
    },
    Mutation {
        name: "nested-proof",
        phrase: "a correct proof as the content of another JWS with cty JWT",
        stage: Stage::Text(|signed| {
            let inner = signed.compact();
            signed.rewrite_header(|text| begun_with(text, r#""cty":"JWT","#));
            signed.rewrite_claims(|_| inner.into());
        }),
    },
];

fn replaced(text: &str, from: &str, to: &str) -> Vec<u8> {
    text.replace(from, to).into()
}

/// The text with more behind its first brace.
fn begun_with(text: &str, more: &str) -> Vec<u8> {
    text.replacen('{', &format!("{{{more}"), 1).into()
}

/// The text without its last character, the closing brace.
fn without_last(text: &str) -> Vec<u8> {
    let mut text = text.to_owned();
    text.pop();
    text.into()
}

fn with_member(text: &str, member: &str) -> Vec<u8> {
    [without_last(text), format!(",{member}}}").into()].concat()
}

fn add_claim(signed: &mut Signed, member: &str) {
    signed.rewrite_claims(|text| with_member(text, member));
}

/// The text with the first letter of `htm` spelled in two octets (RFC 3629 section 3 forbids it).
fn with_overlong_htm(text: &str) -> Vec<u8> {
    const NAME: &str = "\"htm\":\"";
    let Some(at) = text.find(NAME).map(|at| at + NAME.len()) else { return text.into() };
    let mut bytes = text.as_bytes().to_vec();
    if let Some(letter) = bytes.get(at).copied().filter(u8::is_ascii) {
        bytes.splice(at..=at, [0xC0 | letter >> 6, 0x80 | letter & 0x3F]);
    }
    bytes
}

/// The text with white space wherever JSON allows it.
fn spaced(text: &str) -> Vec<u8> {
    let mut out = String::from("\r\n\t ");
    let (mut quoted, mut escaped) = (false, false);
    for character in text.chars() {
        let structure = !quoted && "{}[]:,".contains(character);
        if structure {
            out.push_str("\n\t");
        }
        out.push(character);
        if structure {
            out.push(' ');
        }
        quoted ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
    }
    out.push('\n');
    out.into()
}

/// The text with one more member, and as many bytes as need padding in base64.
fn of_broken_length(text: &str) -> Vec<u8> {
    let filled = |filler: &str| with_member(text, &format!(r#""x":"{filler}""#));
    let short = filled("");
    if short.len() % 3 == 0 { filled("a") } else { short }
}

/// The text with one more member, and as many bytes as fill the last group of base64.
fn of_whole_length(text: &str) -> Vec<u8> {
    let short = with_member(text, r#""x":"""#).len();
    with_member(text, &format!(r#""x":"{}""#, "a".repeat((3 - short % 3) % 3)))
}

/// The text with one more member, whose base64url has `_` wherever it begins.
fn with_special_digits(text: &str) -> Vec<u8> {
    with_member(text, r#""x":"?????""#)
}

fn padded(segment: &str) -> String {
    let missing = (4 - segment.len() % 4) % 4;
    format!("{segment}{}", "=".repeat(missing))
}

/// A segment with a space in it.
pub(super) fn with_a_space(segment: &str) -> String {
    let (before, after) = segment.split_at_checked(segment.len() / 2).unwrap_or((segment, ""));
    format!("{before} {after}")
}

fn standard_alphabet(segment: &str) -> String {
    segment.replace('-', "+").replace('_', "/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{base64url, json};

    #[test]
    fn white_space_changes_nothing_else() {
        let text = r#"{"a":"x:{\",\\","b":[1,{"c":null}]}"#;
        let spaced = spaced(text);
        assert_ne!(spaced, text.as_bytes());
        assert_eq!(json::read(&spaced).expect("JSON").to_text(), text);
    }

    #[test]
    fn one_letter_in_two_octets() {
        let claims = with_overlong_htm(r#"{"jti":"1","htm":"GET"}"#);
        assert_eq!(claims, b"{\"jti\":\"1\",\"htm\":\"\xc1\x87ET\"}");
        assert!(std::str::from_utf8(&claims).is_err());
        assert_eq!(with_overlong_htm("{}"), b"{}");
    }

    #[test]
    fn fillers_do_what_they_are_for() {
        for text in [r#"{"a":1}"#, r#"{"a":12}"#, r#"{"a":123}"#] {
            let segment = |bytes: Vec<u8>| {
                assert!(json::read(&bytes).is_ok());
                base64url::encode(bytes)
            };
            let broken = segment(of_broken_length(text));
            assert!(padded(&broken).ends_with('=') && padded(&broken).len().is_multiple_of(4), "{broken}");
            assert_eq!(segment(of_whole_length(text)).len() % 4, 0);
            let special = segment(with_special_digits(text));
            assert_ne!(standard_alphabet(&special), special);
        }
    }
}
