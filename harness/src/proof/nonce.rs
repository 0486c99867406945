use schemars::JsonSchema;
use serde::Deserialize;

use super::edit::{EditError, Material};
use crate::entropy::{Entropy, unique_id};

/// Another nonce (RFC 9449 section 9) than the server's latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NonceEdit {
    /// A well-formed one that the server never supplied.
    MadeUp,
    /// One that looks like the server's latest: as long, each character replaced by another of its kind.
    LookAlike,
    /// The first half of the server's latest.
    Truncated,
    /// The server's latest with one character in its middle changed.
    Altered,
    /// The server's latest, twice.
    Doubled,
    /// The server's latest with its letters in the other case.
    OtherCase,
    /// The server's latest with a space in front.
    LeadingSpace,
    /// The server's latest with a space behind.
    TrailingSpace,
    /// The server's latest with its first character percent-encoded.
    PercentEncoded,
}

impl NonceEdit {
    /// Whether it shows a part of the server's latest.
    pub fn shows_latest(self) -> bool {
        match self {
            Self::MadeUp | Self::LookAlike => false,
            Self::Truncated
            | Self::Altered
            | Self::Doubled
            | Self::OtherCase
            | Self::LeadingSpace
            | Self::TrailingSpace
            | Self::PercentEncoded => true,
        }
    }
}

impl Material<'_> {
    /// The nonce that an edit makes.
    ///
    /// # Errors
    /// [`EditError`] where the server supplied none that could be edited so.
    pub fn edited_nonce(&self, edit: NonceEdit) -> Result<String, EditError> {
        let latest = || {
            let nonce = self.nonce.ok_or_else(|| EditError::NoSuchMember("nonce".to_owned()))?;
            Ok::<_, EditError>(nonce.as_str()) // ASCII characters, by RFC 9449 section 8.1
        };
        let edited = match edit {
            NonceEdit::MadeUp => unique_id(self.choices),
            NonceEdit::LookAlike => latest()?.chars().map(|one| like(one, self.choices)).collect(),
            NonceEdit::Truncated => {
                let nonce = latest()?;
                match nonce.split_at(nonce.len() / 2) {
                    ("", _) => return Err(EditError::NoChange),
                    (left, _) => left.to_owned(),
                }
            }
            NonceEdit::Altered => {
                let nonce = latest()?;
                let (left, right) = nonce.split_at(nonce.len() / 2);
                let other = if right.starts_with('A') { 'B' } else { 'A' };
                format!("{left}{other}{}", right.get(1..).unwrap_or_default())
            }
            NonceEdit::Doubled => format!("{0}{0}", latest()?),
            NonceEdit::OtherCase => latest()?.chars().map(in_other_case).collect(),
            NonceEdit::LeadingSpace => format!(" {}", latest()?),
            NonceEdit::TrailingSpace => format!("{} ", latest()?),
            NonceEdit::PercentEncoded => {
                let nonce = latest()?;
                let (first, rest) = nonce.split_at(1);
                format!("{}{rest}", first.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>())
            }
        };
        match self.nonce {
            Some(nonce) if nonce.as_str() == edited => Err(EditError::NoChange),
            Some(_) | None => Ok(edited),
        }
    }
}

/// A character of the same kind, left to chance.
fn like(one: char, choices: &dyn Entropy) -> char {
    let alphabet: &[u8] = match one {
        '0'..='9' => b"0123456789",
        'a'..='f' => b"abcdef",
        'A'..='F' => b"ABCDEF",
        'g'..='z' => b"ghijklmnopqrstuvwxyz",
        'G'..='Z' => b"GHIJKLMNOPQRSTUVWXYZ",
        other => return other,
    };
    let mut byte = [0];
    choices.fill(&mut byte);
    let at = usize::from(byte[0]) % alphabet.len();
    alphabet.get(at).map_or(one, |other| char::from(*other))
}

fn in_other_case(letter: char) -> char {
    if letter.is_ascii_uppercase() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() }
}
