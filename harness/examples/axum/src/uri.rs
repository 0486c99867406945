use axum::http::Uri;

/// Whether `htu` names the resource at `target`: query and fragment ignored, and spellings that RFC 3986 sections 6.2.2 and
/// 6.2.3 hold to be equal taken for equal.
pub(crate) fn is_same_resource(htu: &str, target: &str) -> bool {
    match (normalised(htu), normalised(target)) {
        (Some(htu), Some(target)) => htu == target,
        (None, _) | (_, None) => false,
    }
}

fn normalised(text: &str) -> Option<(String, String, u16, String)> {
    let text = text.split('#').next()?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['\\', '@']) {
        return None;
    }
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let authority = uri.authority()?;
    let port = match authority.as_str().strip_prefix(authority.host())? {
        "" | ":" => default,
        _ => authority.port_u16()?,
    };
    let path = without_dots(&unescaped(uri.path())?);
    Some((scheme, authority.host().to_ascii_lowercase(), port, path))
}

/// Escapes of unreserved characters decoded, the others in upper case.
fn unescaped(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        match u8::from_str_radix(digits, 16).ok()? {
            octet if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) => text.push(octet.into()),
            octet => text.push_str(&format!("%{octet:02X}")),
        }
        text.push_str(rest);
    }
    Some(text)
}

/// RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}
