use super::edit::EditError;
use super::script::HtuEdit;
use crate::jose::uri::Uri;

/// `htu` with one thing changed; the rest stays as it was spelled.
///
/// # Errors
/// [`EditError::NotForThisUrl`] where the URL does not have what is to be changed.
pub(super) fn edited_htu(edit: &HtuEdit, right: &Uri) -> Result<String, EditError> {
    let mut htu = right.clone();
    let at_default_port = right.effective_port() == if right.is_https() { 443 } else { 80 };
    let own_port = EditError::NotForThisUrl("it has a port that is not the scheme's default");
    match edit {
        HtuEdit::OtherScheme => {
            let port = htu.effective_port().to_string();
            htu.scheme = if htu.is_https() { "http" } else { "https" }.to_owned();
            // Without it the change of scheme would change the port as well.
            htu.port = Some(port);
        }
        HtuEdit::OtherHost => htu.host = "other.example".to_owned(),
        HtuEdit::OtherPort => {
            htu.port = Some(if htu.effective_port() == 8443 { "8444" } else { "8443" }.to_owned());
        }
        HtuEdit::OtherPath => htu.path = "/not-this-resource".to_owned(),
        HtuEdit::Suffix(suffix) => htu.path.push_str(suffix),
        HtuEdit::Query(query) => htu.query = Some(query.clone()),
        HtuEdit::Fragment(fragment) => htu.fragment = Some(fragment.clone()),
        HtuEdit::UpperCaseOrigin => {
            htu.scheme.make_ascii_uppercase();
            htu.host.make_ascii_uppercase();
        }
        HtuEdit::DotSegments => htu.path = format!("/./x/..{}", htu.path),
        HtuEdit::DefaultPort | HtuEdit::EmptyPort if !at_default_port => return Err(own_port),
        HtuEdit::DefaultPort => {
            let written = htu.port.as_deref().is_some_and(|port| !port.is_empty());
            htu.port = (!written).then(|| right.effective_port().to_string());
        }
        HtuEdit::EmptyPort if htu.port.as_deref() == Some("") => htu.port = None,
        HtuEdit::EmptyPort => htu.port = Some(String::new()),
        HtuEdit::EmptyPath => {
            htu.path = match right.path.as_str() {
                "" => "/".to_owned(),
                "/" => String::new(),
                _ => return Err(EditError::NotForThisUrl("the resource is not at the root")),
            }
        }
        HtuEdit::EncodedUnreserved => {
            htu.path = encoded_unreserved(&right.path)
                .ok_or(EditError::NotForThisUrl("its path has no unreserved character"))?;
        }
        HtuEdit::HexDigitCase => {
            htu.path = other_case(&right.path, Letters::OfEscapes).ok_or(EditError::NotForThisUrl(
                "its path has no percent-encoded octet with a letter in it",
            ))?;
        }
        HtuEdit::Userinfo => htu.userinfo = Some("user".to_owned()),
        HtuEdit::LongerHost if htu.host.starts_with('[') => {
            return Err(EditError::NotForThisUrl("an address in brackets can't be continued"));
        }
        HtuEdit::LongerHost => htu.host.push_str(".other.example"),
        HtuEdit::ShorterPath => {
            let (parent, _) = split_last_segment(&right.path).ok_or(EditError::NotForThisUrl(ROOT))?;
            htu.path = if parent == "/" { parent } else { parent.trim_end_matches('/') }.to_owned();
        }
        HtuEdit::PathCase => {
            htu.path = other_case(&right.path, Letters::OutsideEscapes)
                .ok_or(EditError::NotForThisUrl("its path has no letters"))?;
        }
        HtuEdit::TrailingSlash => {
            if right.path.trim_end_matches('/').is_empty() {
                return Err(EditError::NotForThisUrl(ROOT)); // where it makes no difference
            }
            match right.path.strip_suffix('/') {
                Some(without) => htu.path = without.to_owned(),
                None => htu.path.push('/'),
            }
        }
        HtuEdit::DoubledSlash => {
            let (parent, segment) = split_last_segment(&right.path).ok_or(EditError::NotForThisUrl(ROOT))?;
            htu.path = format!("{parent}/{segment}");
        }
        HtuEdit::EncodedSlash => {
            let (parent, segment) = split_last_segment(&right.path).ok_or(EditError::NotForThisUrl(ROOT))?;
            htu.path = format!("{parent}.%2F{segment}");
        }
        HtuEdit::Relative if right.path.is_empty() => return Err(EditError::NotForThisUrl(ROOT)),
        HtuEdit::Relative => return Ok(right.path.clone()),
        HtuEdit::LeadingSpace => return Ok(format!(" {right}")),
        HtuEdit::TrailingSpace => return Ok(format!("{right} ")),
        HtuEdit::Backslash => {
            let (parent, segment) = split_last_segment(&right.path).ok_or(EditError::NotForThisUrl(ROOT))?;
            htu.path = format!("{}\\{segment}", parent.strip_suffix('/').unwrap_or(parent));
        }
    }
    Ok(htu.to_string())
}

const ROOT: &str = "the resource is at the root";

/// The path up to the slash before the last segment, and that segment with a slash that may follow it. None at the root.
fn split_last_segment(path: &str) -> Option<(&str, &str)> {
    let without_trailing_slash = path.strip_suffix('/').unwrap_or(path);
    let at = without_trailing_slash.rfind('/')?;
    path.split_at_checked(at + 1)
}

/// The path with its first unreserved character (RFC 3986 section 2.3) percent-encoded.
fn encoded_unreserved(path: &str) -> Option<String> {
    let mut bytes = path.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        if byte == b'%' {
            bytes.nth(1); // the digits
        } else if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            let (before, rest) = path.split_at_checked(at)?;
            return Some(format!("{before}%{byte:02X}{}", rest.get(1..)?));
        }
    }
    None
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letters {
    OfEscapes,
    OutsideEscapes,
}

/// The path with the case of some of its letters turned round; none where there are no such letters.
fn other_case(path: &str, letters: Letters) -> Option<String> {
    let mut digits = 0;
    let turned: String = path
        .chars()
        .map(|character| {
            let escaped = digits > 0;
            digits = if character == '%' { 2 } else { digits - usize::from(escaped) };
            match letters {
                Letters::OfEscapes if !escaped => character,
                Letters::OutsideEscapes if escaped => character,
                _ if character.is_ascii_lowercase() => character.to_ascii_uppercase(),
                _ => character.to_ascii_lowercase(),
            }
        })
        .collect();
    (turned != path).then_some(turned)
}
