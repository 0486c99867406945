use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::entropy::{Entropy, unique_id};
use crate::jose::json::{self, Json, Object};
use crate::jose::{Nonce, base64url};

use super::carry::{Call, Request};
use super::draft::{Draft, Signed, Statement};
use super::htu::edited_htu;
use super::key::ProofKey;
use super::script::{
    AthEdit, AthSource, Encoding, HtmEdit, JsonType, KeyChoice, KidPlace, MadeFor, ProofEdits, RemoteKey,
    Step,
};
use super::secret::AccessToken;
use super::token::{IssuerKey, TokenChoice, edited};

/// What a step is made from.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// The key that the token is bound to.
    pub key: &'a ProofKey,
    /// The token.
    pub token: &'a AccessToken,
    /// Another token of the same key.
    pub spare: Option<&'a AccessToken>,
    /// Another client: its key, and its token, bound to it.
    pub stranger: Option<(&'a ProofKey, &'a AccessToken)>,
    /// The issuer's key, where the harness has it.
    pub issuer: Option<&'a IssuerKey>,
    /// The URL of a listener that nobody has a reason to call, where there is one.
    pub decoy: Option<&'a str>,
    /// The nonce that the target supplied last.
    pub nonce: Option<&'a Nonce>,
    /// The request.
    pub call: &'a Call,
    /// The protected resource: the same, unless the request goes elsewhere.
    pub resource: &'a Call,
    /// Now, in seconds since 1970-01-01T00:00:00Z.
    pub now: i64,
    /// Where `jti` values and fresh keys come from.
    pub entropy: &'a dyn Entropy,
    /// Where edit values that are left to chance come from: repeatable by the seed of the run.
    pub choices: &'a dyn Entropy,
    /// What earlier steps of the script sent, by name.
    pub earlier: &'a BTreeMap<String, StepRecord>,
}

/// What a step sent, for later steps to refer to.
#[derive(Debug, Clone)]
pub struct StepRecord {
    /// The proof.
    pub signed: Signed,
    /// Its `jti`, before edits.
    pub jti: String,
    /// The token that was presented.
    pub token: AccessToken,
    /// The request.
    pub request: Request,
}

/// Why a step can't be made here. It is a reason to skip the case, not a fault of the target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The edit leaves the proof as it was, so there would be nothing to see.
    #[error("the edit changes nothing against this target")]
    NoChange,
    /// The token has to be edited, and the harness does not have the issuer's key.
    #[error("needs tokens that the harness can sign itself (auth.kind: embedded)")]
    NeedsIssuer,
    /// The token has to be edited, and is not a JWT.
    #[error("the access token is not a JWT")]
    TokenIsOpaque,
    /// A second token of the same key is needed, and there is none.
    #[error("needs a second access token for the same key, and the token source gave the same one twice")]
    NoSpareToken,
    /// Another client is needed, and there is none.
    #[error("needs the key and token of another client")]
    NoStranger,
    /// There is no other spelling of this signature of the kind that the mutation of this name makes.
    #[error("the signature has no such other spelling (mutation {0})")]
    NoOtherSpelling(&'static str),
    /// The mutation of this name plays with a form that signatures of this key don't have.
    #[error("the mutation {0} is for ES256 keys, and this is another")]
    NotForThisKey(&'static str),
    /// The URL of the resource has nothing that the edit could change, or can't be written so: it says what.
    #[error("not for this URL: {0}")]
    NotForThisUrl(&'static str),
    /// Something is to be taken out or retyped that is not there.
    #[error("there is no \"{0}\" to edit")]
    NoSuchMember(String),
    /// A step refers to one that was not sent.
    #[error("there is no earlier step \"{0}\"")]
    NoSuchStep(String),
    /// A token is to be bound to a `jwk` that has no thumbprint.
    #[error("the jwk has no thumbprint that a token could be bound to")]
    NoThumbprint,
    /// A URL of keys is to stand in the proof, and there is no listener behind one.
    #[error("{0}")]
    NoDecoy(String),
}

/// The parameters that stand in the header; every other name is a claim.
const HEADER_PARAMETERS: &[&str] = &["typ", "alg", "jwk", "kid", "crit", "b64"];

impl<'a> Material<'a> {
    /// The token that a step presents, with its edits.
    ///
    /// # Errors
    /// [`EditError`] where the token, or the key to sign it anew, is not to be had.
    pub fn token_for(&self, step: &Step) -> Result<AccessToken, EditError> {
        let token = match step.token.choice.unwrap_or(TokenChoice::Own) {
            TokenChoice::Own => self.token,
            TokenChoice::Spare => self.spare.ok_or(EditError::NoSpareToken)?,
            TokenChoice::Stranger => self.stranger.ok_or(EditError::NoStranger)?.1,
            TokenChoice::Proof => &self.proof_for(&self.call_for(step)),
        };
        edited(token, &step.token, self.key, self.issuer, self.now)
    }

    /// A correct proof for `call`, as one that belongs to no access token, in the place of one.
    fn proof_for(&self, call: &Call) -> AccessToken {
        let (mut draft, _) = self.draft(self.key, call, self.token);
        draft.claims.remove("ath");
        AccessToken::new(draft.sign(self.key).compact())
    }

    /// The key that `choice` names. `fresh` holds the one made for this proof, once it is asked for; it is of the own
    /// key's kind, so that nothing shows but that it is another.
    ///
    /// # Errors
    /// [`EditError::NoStranger`] where another client is asked for and there is none.
    pub fn key_for<'k>(
        &self,
        choice: KeyChoice,
        fresh: &'k OnceCell<ProofKey>,
    ) -> Result<&'k ProofKey, EditError>
    where
        'a: 'k,
    {
        match choice {
            KeyChoice::Own => Ok(self.key),
            KeyChoice::Fresh => {
                Ok(fresh.get_or_init(|| ProofKey::generate_for(self.key.alg(), self.entropy)))
            }
            KeyChoice::FreshFor(alg) => Ok(fresh.get_or_init(|| ProofKey::generate_for(alg, self.entropy))),
            KeyChoice::Stranger => Ok(self.stranger.ok_or(EditError::NoStranger)?.0),
        }
    }

    /// The call that a step makes.
    pub fn call_for(&self, step: &Step) -> Call {
        let mut call = self.call.clone();
        if let Some(method) = &step.request.method {
            call.method.clone_from(method);
        }
        if let Some(query) = &step.request.query {
            call.uri.query = Some(query.clone());
        }
        call
    }

    /// A correct draft for `call` with `token`, by `key`, and its fresh `jti`.
    pub fn draft(&self, key: &ProofKey, call: &Call, token: &AccessToken) -> (Draft, String) {
        let jti = unique_id(self.entropy);
        let statement = Statement {
            htm: &call.method,
            htu: &call.htu.to_string(),
            access_token: Some(token.expose()),
            nonce: self.nonce,
            jti: &jti,
            iat: self.now,
        };
        (Draft::correct(key, statement), jti)
    }

    /// Applies the edits that change header parameters and claims.
    ///
    /// # Errors
    /// [`EditError`] where an edit can't be made here.
    pub fn edit(&self, draft: &mut Draft, edits: &ProofEdits, token: &AccessToken) -> Result<(), EditError> {
        let claims = &mut draft.claims;
        if let Some(MadeFor::Resource) = edits.made_for {
            claims.set("htm", self.resource.method.as_str());
            claims.set("htu", self.resource.htu.to_string());
        }
        if let Some(edit) = edits.htm {
            claims.set("htm", self.htm(edit));
        }
        if let Some(edit) = &edits.htu {
            claims.set("htu", edited_htu(edit, &self.call.htu)?);
        }
        if let Some(shift) = edits.iat {
            claims.set("iat", self.now.saturating_add(shift.0));
        }
        for (name, shift) in &edits.dates {
            claims.set(name, self.now.saturating_add(shift.0));
        }
        if let Some(edit) = &edits.jti {
            let fresh = claims.member("jti").and_then(Json::as_str).unwrap_or_default().to_owned();
            claims.set("jti", self.edited_jti(edit, &fresh)?);
        }
        if let Some(edit) = edits.ath {
            claims.set("ath", self.ath(edit, token)?);
        }
        if let Some(edit) = edits.nonce {
            claims.set("nonce", self.edited_nonce(edit)?);
        }
        if let Some(copy) = &edits.copy {
            let record = self.earlier.get(&copy.of).ok_or_else(|| EditError::NoSuchStep(copy.of.clone()))?;
            let known = json::read(record.signed.claims_text().as_bytes()).ok();
            for name in &copy.claims {
                match known.as_ref().and_then(|claims| claims.as_object()?.member(name)) {
                    Some(value) => claims.set(name, value.clone()),
                    None => {
                        claims.remove(name);
                    }
                }
            }
        }
        for (name, value) in edits.claims.members() {
            claims.set(name, value.clone());
        }
        let kid = Json::from(self.key.thumbprint().to_string());
        if let Some(place) = edits.kid {
            let name = if place == KidPlace::CertificateHash { "x5t#S256" } else { "kid" };
            put(&mut draft.header, place, name, kid);
        }
        if let Some(RemoteKey { member, place }) = edits.remote_key {
            let url = self.decoy.ok_or_else(|| EditError::NoDecoy("there is no listener".to_owned()))?;
            put(&mut draft.header, place, member.name(), Json::from(url));
        }
        for (name, value) in edits.header.members() {
            draft.header.set(name, value.clone());
        }
        edit_jwk(&mut draft.header, edits)?;
        for (name, json_type) in &edits.retype {
            let part = part_of(draft, name);
            let value = part.member(name).ok_or_else(|| EditError::NoSuchMember(name.clone()))?;
            let retyped = retyped(value, *json_type);
            part.set(name, retyped);
        }
        for name in &edits.omit {
            // No nonce to leave out is what leaving it out looks like before the server supplied one.
            if !part_of(draft, name).remove(name) && name != "nonce" {
                return Err(EditError::NoSuchMember(name.clone()));
            }
        }
        for (name, value) in edits.again.members() {
            part_of(draft, name).append(name, value.clone());
        }
        Ok(())
    }

    fn htm(&self, edit: HtmEdit) -> String {
        match edit {
            HtmEdit::OtherMethod if self.call.method == "POST" => "GET".to_owned(),
            HtmEdit::OtherMethod => "POST".to_owned(),
            HtmEdit::LowerCase => self.call.method.to_ascii_lowercase(),
            HtmEdit::TrailingSpace => format!("{} ", self.call.method),
        }
    }

    fn ath(&self, edit: AthEdit, presented: &AccessToken) -> Result<String, EditError> {
        use aws_lc_rs::digest::{SHA256, SHA512, digest};
        let hashed = match edit.of {
            AthSource::PresentedToken => presented.expose().to_owned(),
            AthSource::SpareToken => self.spare.ok_or(EditError::NoSpareToken)?.expose().to_owned(),
            AthSource::Credentials => format!("DPoP {}", presented.expose()),
        };
        let digest = digest(if edit.sha512 { &SHA512 } else { &SHA256 }, hashed.as_bytes());
        let (left, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
        let hash = if edit.half { left } else { digest.as_ref() };
        Ok(match edit.encode {
            Encoding::Base64url => base64url::encode(hash),
            Encoding::Padded => {
                let mut text = base64url::encode(hash);
                text.extend(std::iter::repeat_n('=', (4 - text.len() % 4) % 4));
                text
            }
            Encoding::UpperCase => base64url::encode(hash).to_ascii_uppercase(),
            Encoding::TrailingBits => {
                base64url::with_other_trailing_bits(&base64url::encode(hash)).ok_or(EditError::NoChange)?
            }
            Encoding::Hex => hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}

/// Puts a member into the header, or into the `jwk` in it.
fn put(header: &mut Object, place: KidPlace, name: &str, value: Json) {
    match place {
        KidPlace::Header | KidPlace::CertificateHash => header.set(name, value),
        KidPlace::Jwk => {
            if let Some(mut jwk) = header.member("jwk").and_then(Json::as_object).cloned() {
                jwk.set(name, value);
                header.set("jwk", jwk);
            }
        }
    }
}

/// Edits the members of `jwk`.
fn edit_jwk(header: &mut Object, edits: &ProofEdits) -> Result<(), EditError> {
    if edits.jwk.members().is_empty() && edits.omit_of_jwk.is_empty() {
        return Ok(());
    }
    let absent = |name: &str| EditError::NoSuchMember(name.to_owned());
    let mut jwk = header.member("jwk").and_then(Json::as_object).ok_or_else(|| absent("jwk"))?.clone();
    for (name, value) in edits.jwk.members() {
        jwk.set(name, value.clone());
    }
    if let Some(name) = edits.omit_of_jwk.iter().find(|name| !jwk.remove(name)) {
        return Err(absent(name));
    }
    header.set("jwk", jwk);
    Ok(())
}

fn part_of<'d>(draft: &'d mut Draft, name: &str) -> &'d mut Object {
    if HEADER_PARAMETERS.contains(&name) { &mut draft.header } else { &mut draft.claims }
}

fn retyped(value: &Json, json_type: JsonType) -> Json {
    match json_type {
        JsonType::Array => Json::Array(vec![value.clone()]),
        JsonType::Object => Json::Object(Object::from([("value", value.clone())])),
        JsonType::String => Json::String(value.as_str().map_or_else(|| value.to_text(), str::to_owned)),
        JsonType::Fraction => match value {
            Json::Number(digits) => Json::Number(format!("{digits}.5")),
            other => other.clone(),
        },
        JsonType::Number => match value {
            Json::String(text) => Json::Number(number_of(text).to_string()),
            other => other.clone(),
        },
    }
}

/// A number below 2^53, which every reader of JSON takes for what it is (RFC 8259 section 6).
fn number_of(text: &str) -> u64 {
    text.bytes().fold(0, |number: u64, byte| (number * 257 + u64::from(byte)) % ((1 << 53) - 111))
}
