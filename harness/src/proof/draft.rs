use crate::jose::json::{Json, Object};
use crate::jose::{Ath, Nonce, PROOF_TYP, base64url};

use super::key::ProofKey;

/// A proof before it is signed: header parameters and claims, open to edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The JOSE header: `typ`, `alg`, `jwk`.
    pub header: Object,
    /// The claims: `jti`, `htm`, `htu`, `iat`, and `ath` and `nonce` where they apply.
    pub claims: Object,
    claims_text: Option<String>,
}

/// What a correct proof says.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// The request's method.
    pub htm: &'a str,
    /// The request's URL without query and fragment.
    pub htu: &'a str,
    /// The token that the request presents.
    pub access_token: Option<&'a str>,
    /// The nonce that the server supplied last.
    pub nonce: Option<&'a Nonce>,
    /// A value never used before.
    pub jti: &'a str,
    /// Now, in seconds since 1970-01-01T00:00:00Z.
    pub iat: i64,
}

impl Draft {
    /// A correct proof by `key` (RFC 9449 section 4.2).
    pub fn correct(key: &ProofKey, statement: Statement<'_>) -> Self {
        let header = Object::from([
            ("typ", Json::from(PROOF_TYP)),
            ("alg", Json::from(key.alg().name())),
            ("jwk", Json::from(key.public().to_json())),
        ]);
        let mut claims = Object::from([
            ("jti", Json::from(statement.jti)),
            ("htm", Json::from(statement.htm)),
            ("htu", Json::from(statement.htu)),
            ("iat", Json::from(statement.iat)),
        ]);
        if let Some(token) = statement.access_token {
            claims.append("ath", Ath::of(token).as_str());
        }
        if let Some(nonce) = statement.nonce {
            claims.append("nonce", nonce.as_str());
        }
        Self { header, claims, claims_text: None }
    }

    /// Replaces the JSON text of the claims by one that no object gives, such as one with an escaped member name.
    pub fn write_claims_as(&mut self, text: String) {
        self.claims_text = Some(text);
    }

    /// Writes the JSON texts and signs them with `signer`.
    pub fn sign(self, signer: &ProofKey) -> Signed {
        let header_text = self.header.to_text();
        let claims_text = self.claims_text.unwrap_or_else(|| self.claims.to_text());
        let mut signed = Signed {
            segments: vec![base64url::encode(&header_text), base64url::encode(&claims_text), String::new()],
            header_text,
            claims_text,
        };
        let signature = signer.sign(signed.signing_input().as_bytes());
        signed.set_signature(&signature);
        signed
    }
}

/// A proof with its signature: only its segments can still be spoiled.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    segments: Vec<String>,
    header_text: String,
    claims_text: String,
}

/// The lengths of the segments: a spoiled proof may carry a private key.
impl std::fmt::Debug for Signed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lengths: Vec<usize> = self.segments.iter().map(String::len).collect();
        write!(out, "Signed({lengths:?})")
    }
}

impl Signed {
    /// The JWS in compact serialisation.
    pub fn compact(&self) -> String {
        self.segments.join(".")
    }

    /// The JSON text of the header.
    pub fn header_text(&self) -> &str {
        &self.header_text
    }

    /// The JSON text of the claims.
    pub fn claims_text(&self) -> &str {
        &self.claims_text
    }

    /// What the signature covers.
    pub fn signing_input(&self) -> String {
        self.segments.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(".")
    }

    /// The signature's bytes; empty where the last segment is gone.
    pub fn signature(&self) -> Vec<u8> {
        self.segments.get(2).and_then(base64url::decode).unwrap_or_default()
    }

    /// Replaces the signature.
    pub fn set_signature(&mut self, signature: &[u8]) {
        if let Some(segment) = self.segments.get_mut(2) {
            *segment = base64url::encode(signature);
        }
    }

    /// Replaces the text of the last segment by another spelling, where there is one; whether there is.
    pub fn respell_signature(&mut self, respelled: impl FnOnce(&str) -> Option<String>) -> bool {
        let Some(segment) = self.segments.get_mut(2) else { return false };
        match respelled(segment) {
            Some(other) if other != *segment => {
                *segment = other;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Signs what stands there now.
    pub fn sign_again(&mut self, signer: &ProofKey) {
        let signature = signer.sign(self.signing_input().as_bytes());
        self.set_signature(&signature);
    }

    /// Changes the text of the header, and so its segment.
    pub fn rewrite_header(&mut self, change: impl FnOnce(&str) -> Vec<u8>) {
        let bytes = change(&self.header_text);
        self.header_text = self.encode(0, &bytes);
    }

    /// Changes the text of the claims, and so their segment.
    pub fn rewrite_claims(&mut self, change: impl FnOnce(&str) -> Vec<u8>) {
        let bytes = change(&self.claims_text);
        self.claims_text = self.encode(1, &bytes);
    }

    /// Puts `bytes` into a segment; returns how they look.
    fn encode(&mut self, segment: usize, bytes: &[u8]) -> String {
        if let Some(segment) = self.segments.get_mut(segment) {
            *segment = base64url::encode(bytes);
        }
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Spells a segment in another way.
    pub fn respell(&mut self, segment: usize, respelled: impl FnOnce(&str) -> String) {
        if let Some(segment) = self.segments.get_mut(segment) {
            *segment = respelled(segment);
        }
    }

    /// Replaces the compact serialisation by other segments.
    pub fn write_as<const N: usize>(&mut self, segments: [String; N]) {
        self.segments = segments.into();
    }

    /// The segments.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Leaves the last segment and its dot out.
    pub fn drop_signature_segment(&mut self) {
        self.segments.truncate(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::jose::jws::Compact;

    #[test]
    fn a_correct_proof_says_what_rfc_9449_section_4_2_demands() {
        let key = ProofKey::generate(&SystemEntropy);
        let nonce: Nonce = "n-1".parse().expect("nonce");
        let statement = Statement {
            htm: "GET",
            htu: "https://rs.example/r",
            access_token: Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
            nonce: Some(&nonce),
            jti: "j-1",
            iat: 1_700_000_000,
        };
        let compact = Draft::correct(&key, statement).sign(&key).compact();
        let read = Compact::read(compact.as_bytes()).expect("well-formed");
        assert_eq!(
            read.header.to_text(),
            format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, key.public().to_json().to_text())
        );
        assert_eq!(
            read.claims.to_text(),
            r#"{"jti":"j-1","htm":"GET","htu":"https://rs.example/r","iat":1700000000,"ath":"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo","nonce":"n-1"}"#
        );
    }
}
