use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::edit::EditError;
use crate::jose::uri::Uri;

/// Another `htu`: one component of the right URL changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HtuEdit {
    /// `https` for `http` and the reverse.
    OtherScheme,
    /// A host that is not the server's.
    OtherHost,
    /// A port that is not the server's.
    OtherPort,
    /// A path that is not the resource's.
    OtherPath,
    /// This text behind the path.
    Suffix(String),
    /// A query, which RFC 9449 section 4.3 tells servers to ignore.
    Query(String),
    /// A fragment, which RFC 9449 section 4.3 tells servers to ignore.
    Fragment(String),
    /// Scheme and host in upper case, which is the same URL (RFC 3986 section 6.2.2.1).
    UpperCaseOrigin,
    /// `.` and `..` segments, which is the same URL (RFC 3986 section 6.2.2.3).
    DotSegments,
    /// The scheme's default port written out, or left out where it is written: the same URL (RFC 3986 section 6.2.3).
    DefaultPort,
    /// A colon without a port, which is the same URL as one with the default port (RFC 3986 section 6.2.3).
    EmptyPort,
    /// An empty path instead of `/`, or the reverse, which is the same URL (RFC 3986 section 6.2.3).
    EmptyPath,
    /// An unreserved character percent-encoded, which is the same URL (RFC 3986 section 6.2.2.2).
    EncodedUnreserved,
    /// Percent-encoded octets in the other case, which is the same URL (RFC 3986 section 6.2.2.1).
    HexDigitCase,
    /// User information in front of the host.
    Userinfo,
    /// A host that begins with the server's.
    LongerHost,
    /// The path without its last segment.
    ShorterPath,
    /// The path with its letters in the other case.
    PathCase,
    /// A slash at the end, or none where there is one.
    TrailingSlash,
    /// Two slashes instead of the last one.
    DoubledSlash,
    /// `.%2F` in front of the last segment: a dot segment only to who decodes before splitting.
    EncodedSlash,
    /// The path alone.
    Relative,
    /// A space in front.
    LeadingSpace,
    /// A space behind.
    TrailingSpace,
    /// A backslash instead of the last slash of the path.
    Backslash,
    /// A tab in front of the last segment of the path.
    InnerTab,
    /// No slashes between scheme and host.
    MissingSlashes,
    /// This path in front of the resource's.
    Prefix(String),
    /// An unreserved character percent-encoded, and the percent sign once more.
    EncodedTwice,
    /// Dot segments whose dots are percent-encoded, which is the same URL (RFC 3986 sections 6.2.2.2 and 6.2.2.3).
    EncodedDots,
    /// A full stop behind the host.
    TrailingDot,
    /// The first letter or digit of the host in full width, which IDNA mappings take for the usual one.
    FullWidth,
    /// `localhost` for a loopback address, and 127.0.0.1 for `localhost`.
    LoopbackName,
    /// The host's IPv4 address as one number, as `inet_aton` reads it.
    Ipv4Number,
    /// The octets of the host's IPv4 address as octal numbers, as `inet_aton` reads them.
    Ipv4Octal,
    /// A zero in front of an octet of the host's IPv4 address. To `inet_aton` that is another address, or none.
    Ipv4Zero,
    /// The host's IPv4 address as an IPv6 address (RFC 4291 section 2.5.5.2).
    MappedAddress,
}

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
        HtuEdit::InnerTab => {
            let (parent, segment) = split_last_segment(&right.path).ok_or(EditError::NotForThisUrl(ROOT))?;
            htu.path = format!("{parent}\t{segment}");
        }
        HtuEdit::MissingSlashes => return Ok(right.to_string().replacen("://", ":", 1)),
        HtuEdit::Prefix(prefix) => htu.path.insert_str(0, prefix),
        HtuEdit::EncodedTwice => {
            let mut once = encoded_unreserved(&right.path)
                .ok_or(EditError::NotForThisUrl("its path has no unreserved character"))?;
            let same = once.bytes().zip(right.path.bytes()).take_while(|(one, other)| one == other).count();
            once.insert_str(same + 1, "25"); // behind the new percent sign
            htu.path = once;
        }
        HtuEdit::EncodedDots => htu.path = format!("/%2E/x/%2e%2E{}", htu.path),
        HtuEdit::TrailingDot if htu.host.starts_with('[') => {
            return Err(EditError::NotForThisUrl("an address in brackets can't be continued"));
        }
        HtuEdit::TrailingDot => htu.host.push('.'),
        HtuEdit::FullWidth => {
            htu.host = full_width(&right.host).ok_or(EditError::NotForThisUrl("its host is in brackets"))?;
        }
        HtuEdit::LoopbackName if right.host.eq_ignore_ascii_case("localhost") => {
            htu.host = "127.0.0.1".to_owned();
        }
        HtuEdit::LoopbackName if right.is_loopback() => htu.host = "localhost".to_owned(),
        HtuEdit::LoopbackName => return Err(EditError::NotForThisUrl("its host is not this machine")),
        HtuEdit::Ipv4Number => htu.host = u32::from(ipv4(right)?).to_string(),
        HtuEdit::Ipv4Octal => {
            htu.host = ipv4(right)?.octets().map(|octet| format!("0{octet:o}")).join(".");
        }
        HtuEdit::Ipv4Zero => {
            let mut octets = ipv4(right)?.octets().map(|octet| octet.to_string());
            // A single digit means the same in octal.
            let longer = octets.iter_mut().find(|digits| digits.len() > 1 || digits.as_str() > "7");
            let longer = longer.ok_or(EditError::NotForThisUrl("its octets are the same in octal"))?;
            longer.insert(0, '0');
            htu.host = octets.join(".");
        }
        HtuEdit::MappedAddress => htu.host = format!("[::ffff:{}]", ipv4(right)?),
    }
    Ok(htu.to_string())
}

/// The host, where that is an IPv4 address.
fn ipv4(url: &Uri) -> Result<Ipv4Addr, EditError> {
    url.host.parse().map_err(|_| EditError::NotForThisUrl("its host is no IPv4 address"))
}

/// The host with its first letter or digit in full width; none for an address in brackets.
fn full_width(host: &str) -> Option<String> {
    let (at, first) = host.char_indices().find(|(_, character)| character.is_ascii_alphanumeric())?;
    let wide = char::from_u32(u32::from(first) + FULL_WIDTH).filter(|_| !host.starts_with('['))?;
    Some(format!("{}{wide}{}", host.get(..at)?, host.get(at + 1..)?))
}

/// From an ASCII character to its form in full width (Unicode, Halfwidth and Fullwidth Forms).
const FULL_WIDTH: u32 = 0xFEE0;

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
