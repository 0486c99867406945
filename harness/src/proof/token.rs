use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::jose::base64url;
use crate::jose::json::{self, Json, Object};

use super::edit::EditError;
use super::key::ProofKey;
use super::secret::{AccessToken, jwt_parts};
use super::shift::Shift;

/// Edits to the access token.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TokenEdits {
    /// The token that is presented.
    #[serde(rename = "use")]
    pub choice: Option<TokenChoice>,
    /// Claims set to a value as it is; signed by the issuer. Needs `auth.kind: embedded`.
    pub claims: Object,
    /// Times moved, e.g. `exp: -2h`; signed by the issuer. Needs `auth.kind: embedded`.
    pub shift: BTreeMap<String, Shift>,
    /// Claims taken out; signed by the issuer. Needs `auth.kind: embedded`.
    pub omit: Vec<String>,
    /// A claim changed after signing, so that the token's signature no longer fits. Needs tokens that are JWTs.
    pub tamper: bool,
    /// What `cnf.jkt` is the thumbprint of, instead of the own key; signed by the issuer. Needs `auth.kind: embedded`.
    pub bound_to: Option<BoundTo>,
    /// The right `cnf.jkt` in another form; signed by the issuer. Needs `auth.kind: embedded`.
    pub jkt: Option<JktEdit>,
    /// Members of `cnf` beside `jkt`; signed by the issuer. Needs `auth.kind: embedded`.
    pub cnf: Object,
    /// Header parameters set to a value as it is; signed by the issuer. Needs `auth.kind: embedded`.
    pub header: Object,
    /// Who signs the token instead of the issuer. Needs tokens that are JWTs.
    pub signer: Option<TokenSigner>,
}

/// What a token is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BoundTo {
    /// The members of the `jwk` as the proof spells them, sound or not.
    SentJwk,
}

/// An access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenChoice {
    /// The token bound to the own key.
    Own,
    /// Another token bound to the own key.
    Spare,
    /// The token of another client, bound to that client's key.
    Stranger,
    /// No access token, but one more proof by the own key.
    Proof,
}

/// Another form of a thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JktEdit {
    /// Its first half.
    Half,
    /// Its letters in the other case, but for the last one: with that, half of the results would be no thumbprints at all.
    OtherCase,
    /// As the only element of an array.
    Array,
    /// That of the same key with SHA-1 (RFC 7638 leaves the hash open; RFC 9449 section 6.1 does not).
    Sha1,
}

/// Who signs an access token instead of its issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenSigner {
    /// Nobody: `alg` is `none`, and the signature empty.
    Nobody,
    /// The client, with the key that the token is bound to, and whose public half stands in the token's `jwk`.
    OwnKey,
}

impl TokenEdits {
    /// Whether the issuer has to sign the token anew.
    pub fn needs_issuer(&self) -> bool {
        self.signer.is_none() && self.changes_claims_or_header()
    }

    fn changes_claims_or_header(&self) -> bool {
        let objects = [&self.claims, &self.cnf, &self.header];
        objects.iter().any(|object| !object.members().is_empty())
            || !(self.shift.is_empty() && self.omit.is_empty())
            || self.bound_to.is_some()
            || self.jkt.is_some()
    }
}

/// The key with which the embedded issuer signs tokens, lent to sign edited ones.
#[derive(Debug)]
pub struct IssuerKey(ProofKey);

impl IssuerKey {
    /// Wraps the issuer's key.
    pub fn new(key: ProofKey) -> Self {
        Self(key)
    }
}

/// `token` with the edits, signed anew where that is needed: by the issuer, or as the edits say. `key` is the one that
/// the token is bound to.
pub(super) fn edited(
    token: &AccessToken,
    edits: &TokenEdits,
    key: &ProofKey,
    issuer: Option<&IssuerKey>,
    now: i64,
) -> Result<AccessToken, EditError> {
    let mut token = token.clone();
    if edits.changes_claims_or_header() || edits.signer.is_some() {
        let [mut header, mut claims] = objects(&token)?;
        for name in &edits.omit {
            if !claims.remove(name) {
                return Err(EditError::NoSuchMember(name.clone()));
            }
        }
        for (name, value) in edits.claims.members() {
            claims.set(name, value.clone());
        }
        shift(&mut claims, &edits.shift, now);
        confirm(&mut claims, edits, key)?;
        for (name, value) in edits.header.members() {
            header.set(name, value.clone());
        }
        token = signed(header, &claims, edits.signer, key, issuer)?;
    }
    if edits.tamper { tampered(&token) } else { Ok(token) }
}

/// Edits `cnf` (RFC 7800 section 3).
fn confirm(claims: &mut Object, edits: &TokenEdits, key: &ProofKey) -> Result<(), EditError> {
    if edits.jkt.is_none() && edits.cnf.members().is_empty() {
        return Ok(());
    }
    let absent = || EditError::NoSuchMember("cnf".to_owned());
    let mut cnf = claims.member("cnf").and_then(Json::as_object).ok_or_else(absent)?.clone();
    if let Some(edit) = edits.jkt {
        cnf.set("jkt", thumbprint(edit, key));
    }
    for (name, value) in edits.cnf.members() {
        cnf.set(name, value.clone());
    }
    claims.set("cnf", cnf);
    Ok(())
}

fn thumbprint(edit: JktEdit, key: &ProofKey) -> Json {
    let right = key.thumbprint().to_string();
    match edit {
        JktEdit::Half => Json::from(right.split_at(right.len() / 2).0),
        JktEdit::OtherCase => {
            let (swapped, last) = right.split_at(right.len() - 1);
            Json::String(swapped.chars().map(in_other_case).collect::<String>() + last)
        }
        JktEdit::Array => Json::Array(vec![Json::String(right)]),
        JktEdit::Sha1 => {
            use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
            let mut members = key.public().to_json().members().to_vec();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            let mut hashed = Object::new();
            members.into_iter().for_each(|(name, value)| hashed.append(&name, value));
            Json::from(base64url::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, hashed.to_text().as_bytes())))
        }
    }
}

fn in_other_case(letter: char) -> char {
    if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
}

fn signed(
    mut header: Object,
    claims: &Object,
    signer: Option<TokenSigner>,
    key: &ProofKey,
    issuer: Option<&IssuerKey>,
) -> Result<AccessToken, EditError> {
    let key = match signer {
        None => Some(&issuer.ok_or(EditError::NeedsIssuer)?.0),
        Some(TokenSigner::Nobody) => {
            header.set("alg", "none");
            None
        }
        Some(TokenSigner::OwnKey) => {
            header.remove("kid");
            header.set("alg", key.alg().name());
            header.set("jwk", key.public().to_json());
            Some(key)
        }
    };
    let input = format!("{}.{}", base64url::encode(header.to_text()), base64url::encode(claims.to_text()));
    let signature = key.map(|key| base64url::encode(key.sign(input.as_bytes()))).unwrap_or_default();
    Ok(AccessToken::new(format!("{input}.{signature}")))
}

fn objects(token: &AccessToken) -> Result<[Object; 2], EditError> {
    let parts = jwt_parts(token.expose()).ok_or(EditError::TokenIsOpaque)?;
    let object = |bytes: &[u8]| match json::read(bytes) {
        Ok(Json::Object(object)) => Ok(object),
        _ => Err(EditError::TokenIsOpaque),
    };
    Ok([object(&parts[0])?, object(&parts[1])?])
}

fn shift(claims: &mut Object, shifts: &BTreeMap<String, Shift>, now: i64) {
    for (name, shift) in shifts {
        claims.set(name, now.saturating_add(shift.0));
    }
}

/// The token with another subject and the signature that it had.
fn tampered(token: &AccessToken) -> Result<AccessToken, EditError> {
    let [_, mut claims] = objects(token)?;
    claims.set("sub", "somebody-else");
    let mut segments: Vec<&str> = token.expose().split('.').collect();
    let changed = base64url::encode(claims.to_text());
    let slot = segments.get_mut(1).ok_or(EditError::TokenIsOpaque)?;
    *slot = &changed;
    Ok(AccessToken::new(segments.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::jose::Jkt;

    const HEADER: &str = r#"{"alg":"ES256","kid":"1"}"#;

    /// A token bound to `key`, with these edits, taken apart.
    fn after(yaml: &str, key: &ProofKey) -> Result<[String; 3], EditError> {
        let edits = serde_yaml::Deserializer::from_str(yaml);
        let edits = serde_yaml::with::singleton_map_recursive::deserialize(edits).expect("edits");
        let issuer = IssuerKey::new(ProofKey::generate(&SystemEntropy));
        let claims = format!(r#"{{"cnf":{{"jkt":"{}"}}}}"#, key.thumbprint());
        let token = format!("{}.{}.AA", base64url::encode(HEADER), base64url::encode(claims));
        let edited = edited(&AccessToken::new(token), &edits, key, Some(&issuer), 1000)?;
        let segments: Vec<&str> = edited.expose().split('.').collect();
        let [header, claims, signature] = segments[..] else { panic!("three segments") };
        let text =
            |segment| String::from_utf8(base64url::decode(segment).expect("base64url")).expect("UTF-8");
        Ok([text(header), text(claims), signature.to_owned()])
    }

    #[test]
    fn confirmations() {
        let key = ProofKey::generate(&SystemEntropy);
        let jkt = key.thumbprint().to_string();
        for (yaml, cnf) in [
            ("{ claims: { cnf: {} } }", "{}".to_owned()),
            ("{ jkt: half }", format!(r#"{{"jkt":"{}"}}"#, &jkt[..21])),
            ("{ jkt: array }", format!(r#"{{"jkt":["{jkt}"]}}"#)),
            ("{ cnf: { example: 1 } }", format!(r#"{{"jkt":"{jkt}","example":1}}"#)),
        ] {
            let [header, claims, signature] = after(yaml, &key).expect("a token");
            assert_eq!((header.as_str(), claims), (HEADER, format!(r#"{{"cnf":{cnf}}}"#)), "{yaml}");
            assert_eq!(signature.len(), 86);
        }
        let [_, claims, _] = after("{ jkt: other-case }", &key).expect("a token");
        assert!(claims.to_ascii_lowercase().contains(&jkt.to_ascii_lowercase()) && !claims.contains(&jkt));
        for _ in 0..20 {
            let key = ProofKey::generate(&SystemEntropy);
            let other = thumbprint(JktEdit::OtherCase, &key);
            let other: Jkt = other.as_str().expect("a text").parse().expect("a thumbprint");
            assert_ne!(other, key.thumbprint());
        }
        let [_, claims, _] = after("{ jkt: sha1 }", &key).expect("a token");
        assert_eq!(claims.len(), r#"{"cnf":{"jkt":""}}"#.len() + 27);
        let nothing = after("{ omit: [cnf], jkt: half }", &key);
        assert_eq!(nothing, Err(EditError::NoSuchMember("cnf".into())));
    }

    /// The example of RFC 7638 section 3.1 has no SHA-1 thumbprint; this one was computed with Python's hashlib.
    #[test]
    fn another_hash() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let jwk = json::read(jwk.as_bytes()).expect("JSON");
        let key =
            ProofKey::from_private_jwk(jwk.as_object().expect("an object")).expect("RFC 8037 appendix A");
        assert_eq!(thumbprint(JktEdit::Sha1, &key), Json::from("VmxEWEmFxGLRPOX30HXyts0yJOE"));
    }

    #[test]
    fn signers() {
        let key = ProofKey::generate(&SystemEntropy);
        let [header, _, signature] = after("{ signer: nobody }", &key).expect("a token");
        assert_eq!((header.as_str(), signature.as_str()), (r#"{"alg":"none","kid":"1"}"#, ""));
        let [header, _, signature] = after("{ signer: own-key }", &key).expect("a token");
        assert_eq!(header, format!(r#"{{"alg":"ES256","jwk":{}}}"#, key.public().to_json().to_text()));
        assert_eq!(signature.len(), 86);
        let [header, ..] = after("{ header: { typ: logout+jwt } }", &key).expect("a token");
        assert_eq!(header, r#"{"alg":"ES256","kid":"1","typ":"logout+jwt"}"#);
    }
}
