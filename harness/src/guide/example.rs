use std::fmt;

use crate::clock::Clock;
use crate::entropy::{Entropy, unique_id};
use crate::jose::json::{Json, Object};
use crate::jose::{Ath, Jkt, Nonce};
use crate::proof::{Draft, ProofKey, Signed, Statement};

const METHOD: &str = "GET";
const ORIGIN: &str = "https://api.example.test";
const PATH: &str = "/v1/me";

/// A proof that was made to be looked at: by a key, for a token and with a nonce that are good for nothing else.
#[derive(Debug)]
pub struct Example {
    access_token: String,
    nonce: Option<Nonce>,
    thumbprint: Jkt,
    header: Object,
    claims: Object,
    proof: Signed,
}

impl Example {
    /// Makes key, token, nonce and proof; the key is gone afterwards.
    pub fn made_now(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let key = ProofKey::generate(entropy);
        let access_token = unique_id(entropy);
        let nonce: Option<Nonce> = unique_id(entropy).parse().ok();
        let draft = Draft::correct(
            &key,
            Statement {
                htm: METHOD,
                htu: &format!("{ORIGIN}{PATH}"),
                access_token: Some(&access_token),
                nonce: nonce.as_ref(),
                jti: &unique_id(entropy),
                iat: clock.unix_seconds(),
            },
        );
        let (header, claims) = (draft.header.clone(), draft.claims.clone());
        let proof = draft.sign(&key);
        Self { access_token, nonce, thumbprint: key.thumbprint(), header, claims, proof }
    }
}

impl fmt::Display for Example {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = ORIGIN.trim_start_matches("https://");
        writeln!(out, "The access token, made up (yours comes from the authorization server):\n")?;
        writeln!(out, "    {}\n", self.access_token)?;
        let ath = Ath::of(&self.access_token);
        writeln!(out, "Its hash, base64url(SHA-256(token)), is ath:\n\n    {ath}\n")?;
        if let Some(nonce) = &self.nonce {
            writeln!(out, "The nonce that the server supplied last, made up as well:\n")?;
            writeln!(out, "    DPoP-Nonce: {nonce}\n")?;
        }
        writeln!(out, "The thumbprint of the key (RFC 7638), which a bound token has as cnf.jkt:\n")?;
        writeln!(out, "    {}\n", self.thumbprint)?;
        writeln!(out, "Header:\n\n{}\n", Indented(&self.header))?;
        writeln!(out, "Claims:\n\n{}\n", Indented(&self.claims))?;
        writeln!(
            out,
            "Both in base64url with a dot between are what is signed; the signature follows after"
        )?;
        writeln!(out, "another dot. The request with it:\n")?;
        writeln!(out, "{METHOD} {PATH} HTTP/1.1\nHost: {host}")?;
        writeln!(out, "Authorization: DPoP {}\nDPoP: {}", self.access_token, self.proof.compact())
    }
}

/// An object as a person wants to read it: a member a line, four columns in.
struct Indented<'a>(&'a Object);

impl fmt::Display for Indented<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_object(out, self.0, 4)
    }
}

fn write_object(out: &mut fmt::Formatter<'_>, object: &Object, column: usize) -> fmt::Result {
    // The first brace of an inner object stands behind its name.
    let margin = if column == 4 { 4 } else { 0 };
    write!(out, "{:margin$}{{", "")?;
    for (index, (name, value)) in object.members().iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}\n{:1$}{2}: ", "", column + 2, Json::from(name.as_str()).to_text())?;
        match value {
            Json::Object(inner) => write_object(out, inner, column + 2)?,
            leaf @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
                out.write_str(&leaf.to_text())?;
            }
        }
    }
    write!(out, "\n{:column$}}}", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;
    use crate::entropy::SystemEntropy;
    use crate::guide::MEMBERS;
    use crate::jose::json;
    use crate::jose::jws::Compact;

    fn example() -> Example {
        Example::made_now(&VirtualClock::at_unix(1_700_000_000), &SystemEntropy)
    }

    /// What is explained is there, and what is there is explained, in the same order.
    #[test]
    fn it_has_every_member_that_the_table_explains() {
        let Example { header, claims, .. } = example();
        let found: Vec<_> =
            header.members().iter().chain(claims.members()).map(|(name, _)| name.clone()).collect();
        assert_eq!(found, MEMBERS.iter().map(|member| member.name).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_shown_decoded_is_what_is_sent() {
        let example = example();
        let compact = example.proof.compact();
        let read = Compact::read(compact.as_bytes()).expect("well-formed");
        let shown = |object| json::read(Indented(object).to_string().as_bytes()).expect("JSON");
        assert_eq!(shown(&example.header), Json::Object(read.header));
        assert_eq!(shown(&example.claims), Json::Object(read.claims));
        assert_eq!(example.claims.member("iat"), Some(&Json::from(1_700_000_000)));
        let text = example.to_string();
        let ath = example.claims.member("ath").and_then(Json::as_str).expect("ath");
        let thumbprint = example.thumbprint.to_string();
        for value in [ath, &example.access_token, &thumbprint, &compact] {
            assert!(text.contains(value), "{value}\n{text}");
        }
    }

    #[test]
    fn nothing_in_it_comes_twice() {
        let (one, other) = (example(), example());
        assert_ne!(one.thumbprint, other.thumbprint);
        assert_ne!(one.access_token, other.access_token);
        assert_ne!(one.nonce, other.nonce);
        assert_ne!(one.claims.member("jti"), other.claims.member("jti"));
    }
}
