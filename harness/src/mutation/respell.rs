use super::{Mutation, Stage};
use crate::jose::base64url;

/// Other spellings of a signature. The strict decoder that RFC 7515 section 2 asks for refuses all of them; a lenient one
/// reads the same bytes, and then a store of the proofs' bytes takes them for new.
pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "padded-signature",
        phrase: "the signature's base64url with padding",
        stage: Stage::Respell(padded),
    },
    Mutation {
        name: "trailing-bits-signature",
        phrase: "the signature's base64url with other unused bits in its last character",
        stage: Stage::Respell(base64url::with_other_trailing_bits),
    },
    Mutation {
        name: "standard-alphabet-signature",
        phrase: "the signature in base64 with + and / in the place of - and _",
        stage: Stage::Respell(standard_alphabet),
    },
    Mutation {
        name: "stray-character-signature",
        phrase: "the signature's base64url with a ~ in it, which is not of the alphabet",
        stage: Stage::Respell(stray_character),
    },
];

fn padded(segment: &str) -> Option<String> {
    match segment.len() % 4 {
        2 => Some(format!("{segment}==")),
        3 => Some(format!("{segment}=")),
        _ => None,
    }
}

fn standard_alphabet(segment: &str) -> Option<String> {
    segment.contains(['-', '_']).then(|| segment.replace('-', "+").replace('_', "/"))
}

fn stray_character(segment: &str) -> Option<String> {
    let (before, after) = segment.split_at_checked(segment.len() / 2)?;
    (!segment.is_empty()).then(|| format!("{before}~{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::base64url::with_other_trailing_bits as trailing_bits;

    #[test]
    fn other_spellings_of_the_same_bytes() {
        let text = base64url::encode([0xfb, 0xff, 0xfe, 1]);
        assert_eq!(text, "-__-AQ");
        assert_eq!(padded(&text).as_deref(), Some("-__-AQ=="));
        assert_eq!(trailing_bits(&text).as_deref(), Some("-__-AR"));
        assert_eq!(standard_alphabet(&text).as_deref(), Some("+//+AQ"));
        assert_eq!(stray_character(&text).as_deref(), Some("-__~-AQ"));
        let two = base64url::encode([1, 2]);
        assert_eq!((two.as_str(), trailing_bits(&two).as_deref()), ("AQI", Some("AQJ")));
        for spelling in [padded, trailing_bits, standard_alphabet, stray_character] {
            let other = spelling(&text).expect("there is one");
            assert_eq!(base64url::decode(&other), None, "a strict decoder refuses {other}");
        }
    }

    #[test]
    fn where_there_is_none() {
        let whole_groups = base64url::encode([1; 96]); // an ES384 signature
        assert_eq!(padded(&whole_groups), None);
        assert_eq!(trailing_bits(&whole_groups), None);
        assert_eq!(standard_alphabet(&whole_groups), None);
        for spelling in [padded, trailing_bits, standard_alphabet, stray_character] {
            assert_eq!(spelling(""), None);
        }
    }
}
