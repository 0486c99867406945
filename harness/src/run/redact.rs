//! Keeping secrets in, and whatever a server sends harmless.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::jose::base64url;
use crate::proof::{AccessToken, Field, ProofKey, SHORTEST_SECRET, tag};

/// Knows every secret of a run and takes it out of every text.
///
/// Tokens and private keys are handed to it when they come into being. Evidence passes through it on the way into the
/// transcript, and so no report ever has a secret to leak. A secret is also known percent-encoded, in hexadecimal, with
/// the escapes of JSON, and in base64 wherever it stands in what was encoded: servers echo what they were sent, and a
/// proof may itself carry what is secret.
#[derive(Default)]
pub struct Redactor {
    secrets: Mutex<Secrets>,
}

/// Spellings of secrets. They are many and long, so each is known by its beginning, its length and its hash: some thirty bytes.
struct Secrets {
    /// A bit for each way in which one of them begins: almost all other text is told from them by these alone.
    beginnings: Box<[u64; FILTER_WORDS]>,
    /// How many bytes the secrets have that begin so, by the hash of the beginning and a number from 0.
    lengths: HashMap<u32, u32>,
    /// What stands for a secret, by its hash, as an index into `stand_ins`.
    known: HashMap<[u32; 2], u32>,
    stand_ins: Vec<Box<str>>,
    /// The hashes of the whole tokens among them.
    tokens: HashSet<u64>,
    hasher: RandomState,
}

impl Default for Secrets {
    fn default() -> Self {
        let beginnings = Box::new([0; FILTER_WORDS]);
        Self {
            beginnings,
            lengths: HashMap::default(),
            known: HashMap::default(),
            stand_ins: Vec::default(),
            tokens: HashSet::default(),
            hasher: RandomState::default(),
        }
    }
}

impl Secrets {
    /// Takes in the spellings of a secret, and what stands for each.
    fn add(&mut self, spellings: &[String], stand_in: &str) {
        let index = u32::try_from(self.stand_ins.len()).unwrap_or(u32::MAX);
        self.stand_ins.push(stand_in.into());
        for spelling in spellings {
            let Some(start) = spelling.as_bytes().first_chunk() else { continue };
            let Ok(length) = u32::try_from(spelling.len()) else { continue };
            self.known.entry(self.hash(spelling)).or_insert(index);
            let (word, bit) = place_in_filter(start);
            self.beginnings[word] |= bit;
            if self.lengths_of(start).all(|known| known != length) {
                let key = self.beginning(start, self.lengths_of(start).count());
                self.lengths.insert(key, length);
            }
        }
    }

    /// The lengths of the secrets that begin so.
    fn lengths_of<'a>(&'a self, start: &'a [u8; SHORTEST]) -> impl Iterator<Item = u32> + 'a {
        (0..).map_while(move |number| self.lengths.get(&self.beginning(start, number)).copied())
    }

    /// The longest secret at the beginning of `text`: how many bytes it has, and what stands for it.
    fn at_the_beginning_of(&self, text: &str) -> Option<(usize, &str)> {
        let start = text.as_bytes().first_chunk()?;
        let (word, bit) = place_in_filter(start);
        if self.beginnings[word] & bit == 0 {
            return None;
        }
        let secrets = self.lengths_of(start).filter_map(|length| {
            let length = usize::try_from(length).ok()?;
            let index = self.known.get(&self.hash(text.get(..length)?))?;
            Some((length, &**self.stand_ins.get(usize::try_from(*index).ok()?)?))
        });
        secrets.max_by_key(|(length, _)| *length)
    }

    /// In halves, which take less room beside a number of 32 bits.
    fn hash(&self, text: &str) -> [u32; 2] {
        let hash = self.hasher.hash_one(text);
        [hash as u32, (hash >> 32) as u32]
    }

    /// What the length of the secret of this number that begins so is found by. Where two of them collide, a length is tried that no
    /// secret has.
    fn beginning(&self, start: &[u8; SHORTEST], number: usize) -> u32 {
        self.hasher.hash_one((start, number)) as u32
    }

    /// Whether a token is new here.
    fn is_first_sight_of(&mut self, token: &str) -> bool {
        self.tokens.insert(self.hasher.hash_one(token))
    }
}

/// Parts of a token shorter than this are no secret: they stand in harmless text by chance.
const SHORTEST: usize = SHORTEST_SECRET;
/// How large the filter of beginnings is: with 2^20 bits a run of 500 cases fills some 3 % of it.
const FILTER_WORDS: usize = 1 << 14;
/// The most characters of a server's `error` code that are kept.
const LONGEST_WORD: usize = 200;

/// The word and the bit of the filter for what begins so.
fn place_in_filter(start: &[u8; SHORTEST]) -> (usize, u64) {
    let [a, b, c, d, e, f, g, h, ..] = *start;
    // Fibonacci hashing: the upper bits of the product depend on all of the factor.
    let mixed = u64::from_le_bytes([a, b, c, d, e, f, g, h]).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let place = (mixed >> 44) as usize;
    (place / 64, 1 << (place % 64))
}

impl fmt::Debug for Redactor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// Takes in a token: as a whole, and its parts, since servers echo those.
    pub fn hide_token(&self, token: &AccessToken) {
        let text = token.expose();
        if !self.secrets().is_first_sight_of(text) {
            return;
        }
        self.hide(text, &format!("[token {}]", tag(text)));
        // A server may make a nonce of it; then a proof carries it in base64url, and may be echoed in another spelling yet.
        for before in 0..3 {
            self.hide(&base64url_inside(text, before), &format!("[token {}]", tag(text)));
        }
        // The header segment of a JWT is the same for every token of an issuer and tells nothing. What is between the
        // signs of other tokens stays as it is however often those are escaped.
        let signs = |character: char| !(character.is_ascii_alphanumeric() || "-_".contains(character));
        let header = usize::from(text.starts_with("eyJ"));
        for part in text.split(signs).skip(header) {
            self.hide(part, &format!("[part of token {}]", tag(text)));
        }
    }

    /// Takes in the value of a header field: as a whole, and its words, such as what stands behind a scheme.
    pub fn hide_field(&self, field: &Field) {
        let stand_in = format!("[value of {} {}]", field.name, tag(&field.value));
        self.hide(&field.value, &stand_in);
        for word in field.value.split(' ') {
            self.hide(word, &stand_in);
        }
    }

    /// Takes in what a text was spoiled to, where the text holds a secret: what is left of it is one as well.
    pub fn hide_spoiled(&self, text: &str, spoiled: &str) {
        if self.clean(text) != text {
            self.hide(spoiled, &format!("[part of {}]", tag(text)));
        }
    }

    /// Takes in a private key.
    pub fn hide_key(&self, key: &ProofKey) {
        for member in key.private_members() {
            let stand_in = format!("[private key {}]", tag(member));
            self.hide(member, &stand_in);
            // A proof that carries it is base64url already, and may be echoed in another spelling yet.
            for before in 0..3 {
                self.hide(&base64url_inside(member, before), &stand_in);
            }
        }
    }

    fn hide(&self, secret: &str, stand_in: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        self.secrets().add(&spellings(secret), stand_in);
    }

    fn secrets(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `text` without secrets and without control characters.
    pub fn clean(&self, text: &str) -> String {
        let secrets = self.secrets();
        let mut clean = String::with_capacity(text.len());
        let (mut kept_from, mut at) = (0, 0);
        while at < text.len() {
            let secret = text.get(at..).and_then(|rest| secrets.at_the_beginning_of(rest));
            let Some((length, stand_in)) = secret else {
                at += 1;
                continue;
            };
            clean.push_str(text.get(kept_from..at).unwrap_or_default());
            clean.push_str(stand_in);
            at += length;
            kept_from = at;
        }
        clean.push_str(text.get(kept_from..).unwrap_or_default());
        visible(&clean)
    }

    /// Whether a secret stands in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        // Control characters are no part of any secret.
        self.clean(text) != visible(text)
    }

    /// `text` without secrets, for what should be one word: on one line, and not without end.
    pub fn clean_word(&self, text: &str) -> String {
        let clean = self.clean(text).replace('\n', "\\n");
        match clean.char_indices().nth(LONGEST_WORD) {
            Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
            None => clean,
        }
    }
}

/// The ways in which a server may spell what it was sent.
fn spellings(secret: &str) -> Vec<String> {
    let mut spellings = vec![secret.to_owned(), secret.replace('/', "\\/")];
    for digits in [b"0123456789abcdef", b"0123456789ABCDEF"] {
        let (mut some, mut all, mut hex) = (String::new(), String::new(), String::new());
        for byte in secret.bytes() {
            let code = [byte >> 4, byte & 15].map(|digit| char::from(digits[usize::from(digit)]));
            hex.extend(code);
            all.push('%');
            all.extend(code);
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                some.push(char::from(byte));
            } else {
                some.push('%');
                some.extend(code);
            }
        }
        spellings.extend([some, all, hex]);
    }
    for before in 0..3 {
        let text = base64url_inside(secret, before);
        spellings.push(text.replace('-', "+").replace('_', "/"));
        spellings.push(text);
    }
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

/// The characters that `secret` alone decides in the base64url of a text in which so many bytes (modulo 3) precede it.
fn base64url_inside(secret: &str, before: usize) -> String {
    let bytes = [&vec![0; before], secret.as_bytes()].concat();
    let mut text = base64url::encode(&bytes);
    if bytes.len() % 3 != 0 {
        text.pop();
    }
    text.split_off((before * 8).div_ceil(6))
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
    matches!(
        u32::from(character),
        0x061c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xffff | 0xe0000..=0xe007f
    )
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
    fn what_is_left_of_a_secret() {
        let redactor = Redactor::default();
        let token = "a-long-opaque-token-of-a-server-that-makes-nonces-of-it";
        redactor.hide_spoiled(token, "a-long-opaque-token-of-a");
        assert_eq!(redactor.clean("a-long-opaque-token-of-a"), "a-long-opaque-token-of-a", "no secret yet");
        redactor.hide_token(&AccessToken::new(token));
        redactor.hide_spoiled(token, "a-long-opaque-token-of-a");
        assert_eq!(redactor.clean("a-long-opaque-token-of-a"), format!("[part of {}]", tag(token)));
    }

    #[test]
    fn other_spellings() {
        let redactor = Redactor::default();
        let secret = "a+long/opaque=token~";
        redactor.hide_token(&AccessToken::new(secret));
        for text in [
            r"a+long\/opaque=token~",
            "a%2Blong%2Fopaque%3Dtoken~",
            "a%2blong%2fopaque%3dtoken~",
            "612b6c6f6e672f6f70617175653d746f6b656e7e",
        ] {
            assert_eq!(redactor.clean(text), format!("[token {}]", tag(secret)), "{text}");
        }
        for before in ["", "D", "DP", "DPoP "] {
            for after in ["", "x", "xy"] {
                let text = base64url::encode(format!("{before}{secret}{after}"));
                let clean = redactor.clean(&text);
                // What is left are the neighbours, and at each end a character that is only half the secret's.
                assert!(clean.contains(&tag(secret)), "{before:?} {after:?}: {clean}");
                assert!(
                    clean.len() - format!("[token {}]", tag(secret)).len()
                        <= 2 * (before.len() + after.len() + 1)
                );
            }
        }
    }

    #[test]
    fn a_word_is_short_and_on_one_line() {
        let redactor = Redactor::default();
        assert_eq!(redactor.clean_word("a\nb"), "a\\nb");
        assert_eq!(redactor.clean_word(&"ä".repeat(1000)).chars().count(), LONGEST_WORD + 1);
    }

    #[test]
    fn nothing_is_printed_by_accident() {
        let redactor = Redactor::default();
        redactor.hide_token(&AccessToken::new("secret-secret-secret"));
        assert!(!format!("{redactor:?}").contains("secret-secret"));
    }

    #[test]
    fn private_keys() {
        let redactor = Redactor::default();
        let key = ProofKey::generate(&SystemEntropy);
        redactor.hide_key(&key);
        assert!(!redactor.clean(&key.to_private_jwk().to_text()).contains(key.private_member()));
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
