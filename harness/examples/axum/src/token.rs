use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use crate::Refusal;

/// A SHA-256 in base64url has so many characters.
const THUMBPRINT: usize = 43;

/// Checks access tokens (RFC 9068).
pub(crate) struct Verifier {
    keys: JwkSet,
    rules: Validation,
}

/// What a good token says.
pub(crate) struct Token {
    pub(crate) subject: String,
    /// The thumbprint of the key that it is bound to (RFC 9449 section 6.1).
    pub(crate) bound_to: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    cnf: Confirmation,
}

#[derive(Deserialize)]
struct Confirmation {
    jkt: String,
}

impl Verifier {
    pub(crate) fn new(issuer: &str, audience: &str, jwks: Value) -> Result<Self, serde_json::Error> {
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_issuer(&[issuer]);
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        rules.validate_nbf = true;
        Ok(Self { keys: serde_json::from_value(jwks)?, rules })
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Token, Refusal> {
        let refused = |_| Refusal::Token("the access token is not good");
        let header = decode_header(token).map_err(refused)?;
        if !header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt")) {
            return Err(Refusal::Token("the access token is another kind of JWT"));
        }
        let key = header.kid.and_then(|kid| self.keys.find(&kid));
        let key = key.ok_or(Refusal::Token("the access token is signed with an unknown key"))?;
        let key = DecodingKey::from_jwk(key).map_err(refused)?;
        let Claims { sub, cnf } = decode(token, &key, &self.rules).map_err(refused)?.claims;
        if cnf.jkt.len() != THUMBPRINT {
            return Err(Refusal::Token("the access token is bound to something that is no thumbprint"));
        }
        Ok(Token { subject: sub, bound_to: cnf.jkt })
    }
}
