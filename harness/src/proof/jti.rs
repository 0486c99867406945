use schemars::JsonSchema;
use serde::Deserialize;

use super::edit::{EditError, Material};

/// What `jti` is filled up with to a length.
const FILLING: char = 'a';

/// Another `jti` (RFC 9449 section 4.2) than a fresh one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct JtiEdit {
    /// Begins with that of the step of this name, before its edits, instead of with a fresh one.
    pub of: Option<String>,
    /// With its letters in the other case.
    pub other_case: bool,
    /// Filled up to so many characters.
    #[schemars(range(min = 32, max = 65536))]
    pub length: Option<usize>,
    /// With this text behind all that.
    pub suffix: Option<String>,
}

impl JtiEdit {
    /// The lengths that one can be filled up to: more than a fresh one has, and no more than servers may be sent.
    pub const LENGTHS: std::ops::RangeInclusive<usize> = 32..=65536;
}

impl Material<'_> {
    /// The `jti` that an edit makes of a `fresh` one.
    ///
    /// # Errors
    /// [`EditError::NoSuchStep`] where it begins with that of a step that was not sent.
    pub(super) fn edited_jti(&self, edit: &JtiEdit, fresh: &str) -> Result<String, EditError> {
        let mut jti = match &edit.of {
            None => fresh.to_owned(),
            Some(step) => {
                let record = self.earlier.get(step).ok_or_else(|| EditError::NoSuchStep(step.clone()))?;
                record.jti.clone()
            }
        };
        if edit.other_case {
            jti = jti.chars().map(in_other_case).collect();
        }
        let missing = edit.length.unwrap_or_default().saturating_sub(jti.len());
        jti.extend(std::iter::repeat_n(FILLING, missing));
        jti.push_str(edit.suffix.as_deref().unwrap_or_default());
        Ok(jti)
    }
}

fn in_other_case(letter: char) -> char {
    if letter.is_ascii_uppercase() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() }
}
