//! A verifier of proofs with one planted bug. What the strict one takes it takes, and beyond that what the bug lets through.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use dpop_harness::jose::json::{self, Json, JsonFault, Object};
use dpop_harness::jose::{Ath, Jkt, PublicJwk, base64url};
use serde_json::Value;

use crate::bug::Bug;

/// A request as far as its proof is concerned.
pub(crate) struct Shown<'a> {
    pub(crate) proofs: Vec<&'a [u8]>,
    pub(crate) method: &'static str,
    pub(crate) url: &'static str,
    pub(crate) token: String,
    pub(crate) bound: Jkt,
    pub(crate) now: i64,
}

/// Why a proof is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Not {
    Accepted,
    Survived,
}

type Checked<T> = Result<T, Not>;

fn hold(condition: bool) -> Checked<()> {
    if condition { Ok(()) } else { Err(Not::Accepted) }
}

/// Every check, the signature last: what has another fault than the planted one is soon done with.
pub(crate) fn verify(shown: &Shown<'_>, bug: Bug) -> Checked<()> {
    let proof = match &shown.proofs[..] {
        [proof] => proof,
        [first, _, ..] if bug == Bug::FirstProofWins => first,
        [.., _, last] if bug == Bug::LastProofWins => last,
        _ => return Err(Not::Accepted),
    };
    let segments: Vec<&[u8]> = proof.split(|byte| *byte == b'.').collect();
    let (header, claims, signature) = match segments[..] {
        [header, claims, signature] => (header, claims, signature),
        [header, claims, signature, ..] if bug == Bug::FourthSegmentIgnored => (header, claims, signature),
        _ => return Err(Not::Accepted),
    };
    let signed = proof.get(..header.len() + 1 + claims.len()).ok_or(Not::Accepted)?;
    let header = object(header, bug)?;
    let claims = object(claims, bug)?;
    let signature = decoded(signature, bug)?;
    check_claims(shown, &claims, bug)?;
    let unsigned = check_header(&header, bug)?;
    let jwk = header.member("jwk").and_then(Json::as_object).ok_or(Not::Accepted)?;
    let key = PublicJwk::from_json(&readable(jwk, bug)).map_err(|_| Not::Accepted)?;
    let stated = || header.member("kid").or(jwk.member("kid")).and_then(Json::as_str)?.parse::<Jkt>().ok();
    let thumbprint =
        stated().filter(|_| bug == Bug::ThumbprintStatedInKid).unwrap_or_else(|| key.thumbprint());
    hold(thumbprint == shown.bound || bug == Bug::KeyNotBound)?;
    hold(unsigned || fits(&key, signed, &signature, bug))
}

fn fits(key: &PublicJwk, signed: &[u8], signature: &[u8], bug: Bug) -> bool {
    let PublicJwk::Ec(point) = key else { return false };
    let by = |algorithm, signature: &[u8]| {
        UnparsedPublicKey::new(algorithm, point.to_uncompressed()).verify(signed, signature).is_ok()
    };
    match bug {
        Bug::EmptySignature if signature.is_empty() => true,
        Bug::ZeroSignature if signature.len() == 64 && signature.iter().all(|byte| *byte == 0) => true,
        Bug::DerSignature if by(&ECDSA_P256_SHA256_ASN1, signature) => true,
        Bug::LongSignatureCut if signature.len() > 64 => by(&ECDSA_P256_SHA256_FIXED, &signature[..64]),
        _ => by(&ECDSA_P256_SHA256_FIXED, signature),
    }
}

/// Whether no signature is wanted.
fn check_header(header: &Object, bug: Bug) -> Checked<bool> {
    let typ = match header.member("typ") {
        Some(Json::Array(values)) if bug == Bug::TypFirstOfArray => values.first(),
        typ => typ,
    };
    let fits = |typ: &str| typ == "dpop+jwt" || (bug == Bug::TypByPrefix && typ.starts_with("dpop+jwt"));
    match typ {
        Some(typ) => hold(typ.as_str().is_some_and(fits))?,
        None => hold(bug == Bug::TypOptional)?,
    }
    hold(header.member("crit").is_none() || bug == Bug::CritIgnored)?;
    let encoded = header.member("b64").is_none_or(|b64| *b64 == Json::Bool(true));
    hold(encoded || bug == Bug::UnencodedIgnored)?;
    let alg = header.member("alg").and_then(Json::as_str);
    let none = alg.is_some_and(|alg| alg != "none" && alg.eq_ignore_ascii_case("none"));
    let unsigned = none && bug == Bug::AlgNoneInAnyCase;
    hold(alg == Some("ES256") || unsigned || bug == Bug::AlgIgnored)?;
    Ok(unsigned)
}

fn readable(jwk: &Object, bug: Bug) -> Object {
    let mut jwk = jwk.clone();
    if bug == Bug::PrivateMembersIgnored {
        for name in ["d", "k", "p", "q", "dp", "dq", "qi", "oth"] {
            jwk.remove(name);
        }
    }
    if bug == Bug::CoordinatesAsNumbers {
        for name in ["x", "y"] {
            let bytes =
                jwk.member(name).and_then(Json::as_str).and_then(|text| base64url::decode(text.as_bytes()));
            let Some(bytes) = bytes else { continue };
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let number = &bytes[zeros..];
            let padded = [&vec![0; 32_usize.saturating_sub(number.len())][..], number].concat();
            jwk.set(name, base64url::encode(padded));
        }
    }
    jwk
}

fn check_claims(shown: &Shown<'_>, claims: &Object, bug: Bug) -> Checked<()> {
    let text = |name| claims.member(name).and_then(Json::as_str);
    match claims.member("jti") {
        Some(Json::String(jti)) => hold((!jti.is_empty() || bug == Bug::JtiEmpty) && jti.len() <= 256)?,
        Some(_) => hold(bug == Bug::JtiOfAnyType)?,
        None => return Err(Not::Accepted),
    }
    let htm = text("htm").ok_or(Not::Accepted)?;
    hold(
        htm == shown.method
            || (bug == Bug::HtmCaseIgnored && htm.eq_ignore_ascii_case(shown.method))
            || (bug == Bug::HtmByPrefix && htm.starts_with(shown.method)),
    )?;
    match (claims.member("htu"), text("htu")) {
        (_, Some(htu)) => hold(htu == shown.url || (bug == Bug::HtuByPrefix && htu.starts_with(shown.url)))?,
        (Some(_), None) => hold(bug == Bug::HtuNotString)?,
        (None, None) => return Err(Not::Accepted),
    }
    match claims.member("iat") {
        Some(Json::Null) if bug == Bug::IatNullSkipped => {}
        Some(Json::String(digits)) if bug == Bug::IatAsText => {
            hold(digits.parse::<i64>().is_ok_and(|iat| is_near(iat, shown.now)))?;
        }
        // What a reader makes of NaN, and no comparison with it refuses.
        Some(Json::String(word)) if bug == Bug::NotANumberRead => hold(word == "NaN")?,
        Some(number @ Json::Number(_)) if bug == Bug::IatWraps => {
            let iat = number.as_i64().ok_or(Not::Accepted)?;
            hold(is_near(iat & 0xffff_ffff, shown.now & 0xffff_ffff))?;
        }
        Some(iat) => hold(iat.as_i64().is_some_and(|iat| is_near(iat, shown.now)))?,
        None => return Err(Not::Accepted),
    }
    let expected = Ath::of(&shown.token);
    let expected = expected.as_str();
    match text("ath") {
        Some(ath) => hold(
            ath == expected
                || (bug == Bug::AthByHalf && ath.get(..21) == expected.get(..21))
                || (bug == Bug::AthCaseIgnored && ath.eq_ignore_ascii_case(expected)),
        ),
        None => hold(bug == Bug::AthOptional && claims.member("ath").is_none()),
    }
}

fn is_near(iat: i64, now: i64) -> bool {
    (now.saturating_sub(300)..=now.saturating_add(60)).contains(&iat)
}

fn decoded(segment: &[u8], bug: Bug) -> Checked<Vec<u8>> {
    let mut segment = segment.to_vec();
    match bug {
        Bug::PaddingAccepted => segment.retain(|byte| *byte != b'='),
        Bug::SpacesSkipped => segment.retain(|byte| !byte.is_ascii_whitespace()),
        Bug::StandardAlphabetAccepted => segment.iter_mut().for_each(|byte| match byte {
            b'+' => *byte = b'-',
            b'/' => *byte = b'_',
            _ => {}
        }),
        Bug::LastCharacterDropped if segment.len() % 4 == 1 => drop(segment.pop()),
        Bug::TrailingBitsIgnored if segment.len() % 4 > 1 => {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let mask = if segment.len() % 4 == 2 { 0b11_0000 } else { 0b11_1100 };
            if let Some(last) = segment.last_mut()
                && let Some(value) = alphabet.iter().position(|letter| letter == last)
            {
                *last = alphabet[value & mask];
            }
        }
        _ => {}
    }
    base64url::decode(&segment).ok_or(Not::Accepted)
}

fn object(segment: &[u8], bug: Bug) -> Checked<Object> {
    let bytes = decoded(segment, bug)?;
    let read = match (json::read(&bytes), bug) {
        (Ok(read), _) => read,
        (Err(error), Bug::Recursion) if error.fault == JsonFault::TooDeep => return Err(Not::Survived),
        (Err(_), bug) => read_anyhow(&bytes, bug).ok_or(Not::Accepted)?,
    };
    read.as_object().cloned().ok_or(Not::Accepted)
}

/// What the bug makes of a text that is no strict JSON.
fn read_anyhow(bytes: &[u8], bug: Bug) -> Option<Json> {
    let lossy = String::from_utf8_lossy(bytes);
    let text = match bug {
        Bug::FirstDuplicateWins | Bug::LastDuplicateWins => {
            return read_members(bytes, bug == Bug::FirstDuplicateWins);
        }
        Bug::ByteOrderMarkSkipped => lossy.strip_prefix('\u{feff}')?.to_owned(),
        Bug::TrailingTextIgnored => {
            let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
            values.next()?.ok()?;
            String::from_utf8(bytes.get(..values.byte_offset())?.to_vec()).ok()?
        }
        Bug::BadUtf8Replaced => lossy.into_owned(),
        Bug::LoneSurrogateReplaced => lossy.replace("\\ud800", "\\ufffd").replace("\\uD800", "\\ufffd"),
        Bug::NotANumberRead => lossy.replace(":NaN", ":\"NaN\""),
        Bug::EscapesLeftInNames => lossy.replace("\\u00", "\\\\u00"),
        Bug::Utf16Read => {
            let (pairs, []) = bytes.as_chunks::<2>() else { return None };
            let units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
            char::decode_utf16(units).collect::<Result<String, _>>().ok()?
        }
        Bug::CommentsAndCommasSkipped => lossy.replace("/* */", "").replace(",}", "}"),
        _ => return None,
    };
    json::read(text.as_bytes()).ok()
}

/// An object in which names may stand twice: of those the first counts, or the last.
fn read_members(bytes: &[u8], first: bool) -> Option<Json> {
    struct Members(Vec<(String, Value)>);
    impl<'de> serde::Deserialize<'de> for Members {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Pairs;
            impl<'de> serde::de::Visitor<'de> for Pairs {
                type Value = Members;

                fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    out.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                    let mut pairs = Vec::new();
                    while let Some(pair) = map.next_entry()? {
                        pairs.push(pair);
                    }
                    Ok(Members(pairs))
                }
            }
            deserializer.deserialize_map(Pairs)
        }
    }
    let Members(members) = serde_json::from_slice(bytes).ok()?;
    let mut object = Object::new();
    for (name, value) in members {
        let value = json::read(value.to_string().as_bytes()).ok()?;
        if !first || object.member(&name).is_none() {
            object.set(&name, value);
        }
    }
    Some(object.into())
}
