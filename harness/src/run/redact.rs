//! Keeping secrets in, and whatever a server sends harmless.

use std::sync::{Mutex, PoisonError};

use crate::proof::{AccessToken, ProofKey, tag};

/// Knows every secret of a run and takes it out of every text.
///
/// Tokens and private keys are handed to it when they come into being. Evidence passes through it on the way into the
/// transcript, and so no report ever has a secret to leak.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Text to look for, and what stands for it; the longest first.
    secrets: Mutex<Vec<(String, String)>>,
}

/// Parts of a token shorter than this are no secret: they stand in harmless text by chance.
const SHORTEST: usize = 12;

impl Redactor {
    /// Takes in a token: as a whole, and its parts, since servers echo those.
    pub fn hide_token(&self, token: &AccessToken) {
        let text = token.expose();
        self.hide(text, format!("[token {}]", tag(text)));
        // The header segment is the same for every token of an issuer and tells nothing.
        for part in text.split('.').skip(1).filter(|part| part.len() >= SHORTEST) {
            self.hide(part, format!("[part of token {}]", tag(text)));
        }
    }

    /// Takes in a private key.
    pub fn hide_key(&self, key: &ProofKey) {
        self.hide(&key.private_member(), format!("[private key {}]", tag(&key.private_member())));
    }

    fn hide(&self, secret: &str, stand_in: String) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if secret.len() >= SHORTEST && !secrets.iter().any(|(known, _)| known == secret) {
            let at = secrets.partition_point(|(known, _)| known.len() >= secret.len());
            secrets.insert(at, (secret.to_owned(), stand_in));
        }
    }

    /// `text` without secrets and without control characters.
    pub fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut clean = text.to_owned();
        for (secret, stand_in) in secrets.iter() {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), stand_in);
            }
        }
        visible(&clean)
    }
}

/// `text` with everything that could steer a terminal, or hide in an editor, written as an escape. Line feeds stay.
pub fn visible(text: &str) -> String {
    let harmless =
        |character: char| character == '\n' || !(character.is_control() || steers_direction(character));
    if text.chars().all(harmless) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        match character {
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if harmless(other) => out.push(other),
            other => out.extend(other.escape_unicode()),
        }
        out
    })
}

/// Bidirectional controls, and characters that take no room or are none.
fn steers_direction(character: char) -> bool {
    matches!(u32::from(character), 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn whole_tokens_and_their_parts() {
        let redactor = Redactor::default();
        let token = AccessToken::new("eyJhbGciOiJFUzI1NiJ9.cGF5bG9hZHBheWxvYWQ.c2lnbmF0dXJlc2lnbmF0dXJl");
        redactor.hide_token(&token);
        let clean = redactor.clean(&format!("DPoP {} and c2lnbmF0dXJlc2lnbmF0dXJl", token.expose()));
        assert_eq!(clean, format!("DPoP [token {0}] and [part of token {0}]", tag(token.expose())));
    }

    #[test]
    fn private_keys() {
        let redactor = Redactor::default();
        let key = ProofKey::generate(&SystemEntropy);
        redactor.hide_key(&key);
        assert!(!redactor.clean(&key.to_private_jwk().to_text()).contains(&key.private_member()));
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(
            visible("a\u{1b}[2Jb\r\n\u{202e}c\u{7f}\u{9b}"),
            "a\\u{1b}[2Jb\\r\n\\u{202e}c\\u{7f}\\u{9b}"
        );
        assert_eq!(visible("plain – ä 😀"), "plain – ä 😀");
    }
}
