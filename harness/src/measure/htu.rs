use schemars::JsonSchema;
use serde::Serialize;

use super::bench::with;
use super::{Means, Told, Unmeasured};
use crate::proof::{HtuEdit, ProofEdits};

/// Which spellings of `htu` match (RFC 9449 section 4.3, RFC 3986 section 6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Forms {
    /// The spelling of correct proofs.
    pub plain: String,
    /// The others.
    pub forms: Vec<Form>,
}

/// Another spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Form {
    /// Its name.
    pub name: &'static str,
    /// Whether it is the same URL by RFC 3986, or one that RFC 9449 section 4.3 tells servers to take for the same.
    pub same: bool,
    /// Whether it was accepted; null where it was not tried.
    pub accepted: Option<bool>,
    /// Why it was not tried.
    pub why_not: Option<String>,
}

fn same() -> Vec<(&'static str, HtuEdit)> {
    vec![
        ("query", HtuEdit::Query("q=1".to_owned())),
        ("fragment", HtuEdit::Fragment("f".to_owned())),
        ("host-upper-case", HtuEdit::UpperCaseOrigin),
        ("default-port", HtuEdit::DefaultPort),
        ("empty-port", HtuEdit::EmptyPort),
        ("empty-path", HtuEdit::EmptyPath),
        ("dot-segments", HtuEdit::DotSegments),
        ("encoded-letter", HtuEdit::EncodedUnreserved),
        ("hex-digit-case", HtuEdit::HexDigitCase),
    ]
}

fn different() -> Vec<(&'static str, HtuEdit)> {
    vec![
        ("trailing-slash", HtuEdit::TrailingSlash),
        ("doubled-slash", HtuEdit::DoubledSlash),
        ("encoded-slash", HtuEdit::EncodedSlash),
        ("backslash", HtuEdit::Backslash),
        ("path-case", HtuEdit::PathCase),
        ("shorter-path", HtuEdit::ShorterPath),
        ("longer-path", HtuEdit::Suffix("/x".to_owned())),
        ("other-path", HtuEdit::OtherPath),
        ("relative", HtuEdit::Relative),
        ("space-before", HtuEdit::LeadingSpace),
        ("space-behind", HtuEdit::TrailingSpace),
        ("userinfo", HtuEdit::Userinfo),
        ("longer-host", HtuEdit::LongerHost),
        ("other-host", HtuEdit::OtherHost),
        ("other-port", HtuEdit::OtherPort),
        ("other-scheme", HtuEdit::OtherScheme),
    ]
}

pub(super) async fn measure(means: &Means<'_>) -> Result<Forms, Unmeasured> {
    let mut bench = means.bench().await?;
    let mut forms = Vec::new();
    let all = same().into_iter().map(|form| (form, true));
    for ((name, edit), same) in all.chain(different().into_iter().map(|form| (form, false))) {
        let step = with(ProofEdits { htu: Some(edit), ..ProofEdits::default() });
        let (accepted, why_not) = match bench.accepts(&step).await {
            Ok(accepted) => (Some(accepted), None),
            Err(Unmeasured::Cap) => return Err(Unmeasured::Cap),
            Err(why) => (None, Some(why.to_string())),
        };
        forms.push(Form { name, same, accepted, why_not });
    }
    bench.control().await?;
    Ok(Forms { plain: means.call.htu.to_string(), forms })
}

impl Forms {
    fn names(&self, same: bool, accepted: bool) -> Vec<&'static str> {
        let of = |form: &&Form| form.same == same && form.accepted == Some(accepted);
        self.forms.iter().filter(of).map(|form| form.name).collect()
    }

    /// The spellings of the same URL that are refused: clients that write it so are locked out.
    pub fn refused(&self) -> Vec<&'static str> {
        self.names(true, false)
    }

    /// The spellings of another URL that are accepted.
    pub fn too_many(&self) -> Vec<&'static str> {
        self.names(false, true)
    }
}

impl Told for Forms {
    fn told(&self) -> String {
        let (matched, refused) = (self.names(true, true).len(), self.refused().len());
        format!(
            "{matched} of {} spellings of the same URL match, {} of another",
            matched + refused,
            self.too_many().len()
        )
    }

    fn meaning(&self) -> String {
        let (refused, too_many) = (self.refused(), self.too_many());
        if !too_many.is_empty() {
            return format!("a proof for another URL is accepted here: {}", too_many.join(", "));
        }
        match (refused.is_empty(), self.names(true, true).is_empty()) {
            (true, _) => "equal URLs are compared as equal, and no others".to_owned(),
            (false, true) => {
                "htu is compared as text: clients must write it exactly like the server".to_owned()
            }
            (false, false) => format!("clients that write it so are refused: {}", refused.join(", ")),
        }
    }

    fn details(&self) -> Vec<(String, String)> {
        let row = |name: &str, forms: Vec<&str>| (name.to_owned(), forms.join(", "));
        let mut lines = vec![
            row("match", self.names(true, true)),
            row("do not, though equal", self.refused()),
            row("match, though other", self.too_many()),
            row("do not", self.names(false, false)),
        ];
        lines.retain(|(_, forms)| !forms.is_empty());
        for form in &self.forms {
            let why = form.why_not.iter().map(|why| (form.name.to_owned(), format!("not tried: {why}")));
            lines.extend(why);
        }
        lines
    }
}
