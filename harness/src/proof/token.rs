use std::collections::BTreeMap;

use crate::jose::base64url;
use crate::jose::json::{self, Json};

use super::edit::EditError;
use super::key::ProofKey;
use super::script::{Shift, TokenEdits};
use super::secret::{AccessToken, jwt_parts};

/// The key with which the embedded issuer signs tokens, lent to sign edited ones.
#[derive(Debug)]
pub struct IssuerKey(ProofKey);

impl IssuerKey {
    /// Wraps the issuer's key.
    pub fn new(key: ProofKey) -> Self {
        Self(key)
    }
}

/// `token` with the edits, signed anew by the issuer where that is needed. Its header stays as it is.
pub(super) fn edited(
    token: &AccessToken,
    edits: &TokenEdits,
    issuer: Option<&IssuerKey>,
    now: i64,
) -> Result<AccessToken, EditError> {
    let mut token = token.clone();
    if edits.needs_issuer() {
        let issuer = issuer.ok_or(EditError::NeedsIssuer)?;
        let [header, mut claims] = objects(&token)?;
        for name in &edits.omit {
            if !claims.remove(name) {
                return Err(EditError::NoSuchMember(name.clone()));
            }
        }
        for (name, value) in edits.claims.members() {
            claims.set(name, value.clone());
        }
        shift(&mut claims, &edits.shift, now);
        let input =
            format!("{}.{}", base64url::encode(header.to_text()), base64url::encode(claims.to_text()));
        let signature = base64url::encode(issuer.0.sign(input.as_bytes()));
        token = AccessToken::new(format!("{input}.{signature}"));
    }
    if edits.tamper { tampered(&token) } else { Ok(token) }
}

fn objects(token: &AccessToken) -> Result<[json::Object; 2], EditError> {
    let parts = jwt_parts(token.expose()).ok_or(EditError::TokenIsOpaque)?;
    let object = |bytes: &[u8]| match json::read(bytes) {
        Ok(Json::Object(object)) => Ok(object),
        _ => Err(EditError::TokenIsOpaque),
    };
    Ok([object(&parts[0])?, object(&parts[1])?])
}

fn shift(claims: &mut json::Object, shifts: &BTreeMap<String, Shift>, now: i64) {
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
