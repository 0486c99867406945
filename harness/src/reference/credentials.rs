//! What a request brings in `Authorization`.

use axum::http::{HeaderMap, header};

use super::answer::{Denial, Scheme};
use super::defects::{Defect, DefectSet};

/// The `Authorization` field, taken apart.
pub(super) struct Credentials<'a> {
    pub(super) scheme: Scheme,
    pub(super) token: &'a str,
}

impl<'a> Credentials<'a> {
    /// Takes the `Authorization` field apart: a scheme in any case, 1*SP, token68 (RFC 9110 section 11.4, RFC 9449
    /// section 7.1).
    pub(super) fn read(headers: &'a HeaderMap, defects: DefectSet) -> Result<Self, Denial> {
        let mut fields = headers.get_all(header::AUTHORIZATION).iter();
        let (field, more) = (fields.next().ok_or(Denial::NoCredentials)?, fields.next());
        if more.is_some() {
            return Err(Denial::SeveralCredentials);
        }
        let field = field.to_str().map_err(|_| Denial::MalformedCredentials)?;
        let (name, token) = field.split_once(' ').ok_or(Denial::MalformedCredentials)?;
        let scheme = if name == "DPoP"
            || (name.eq_ignore_ascii_case("DPoP") && !defects.contains(Defect::SchemeCaseSensitive))
        {
            Scheme::Dpop
        } else if name.eq_ignore_ascii_case("Bearer") {
            Scheme::Bearer
        } else {
            return Err(Denial::NoCredentials);
        };
        let token = token.trim_start_matches(' ');
        if is_token68(token) { Ok(Self { scheme, token }) } else { Err(Denial::MalformedCredentials) }
    }
}

fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}
