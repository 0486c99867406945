use std::fmt;
use std::fmt::Write as _;

/// A header parameter or claim of a proof (RFC 9449 section 4.2).
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Where it stands.
    pub part: Part,
    /// Its name.
    pub name: &'static str,
    /// When it has to be there.
    pub when: &'static str,
    /// What it is good for.
    pub purpose: &'static str,
    /// Where the client has it from.
    pub source: &'static str,
    /// What the server does with it.
    pub check: &'static str,
}

/// A half of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The JOSE header.
    Header,
    /// The claims.
    Claims,
}

impl Part {
    /// The word for one member of it.
    pub fn member(self) -> &'static str {
        match self {
            Self::Header => "header parameter",
            Self::Claims => "claim",
        }
    }
}

const ALWAYS: &str = "always";

/// What a proof consists of, in the order in which it is written here.
pub const MEMBERS: &[Member] = &[
    Member {
        part: Part::Header,
        name: "typ",
        when: ALWAYS,
        purpose: "no JWT that was made for something else is a proof",
        source: "the constant dpop+jwt",
        check: "it is dpop+jwt (check 4)",
    },
    Member {
        part: Part::Header,
        name: "alg",
        when: ALWAYS,
        purpose: "names the signature algorithm",
        source: "the kind of the key; servers list what they take, in algs or in their metadata",
        check: "an asymmetric algorithm that it accepts, never none or a MAC (check 5)",
    },
    Member {
        part: Part::Header,
        name: "jwk",
        when: ALWAYS,
        purpose: "the public key, so that the server needs no list of keys",
        source: "the key pair that the client made once",
        check: "no private half (check 7), signature good (check 6), the token bound to it (check 12)",
    },
    Member {
        part: Part::Claims,
        name: "jti",
        when: ALWAYS,
        purpose: "a name for this one proof, so that a second use can be noticed",
        source: "at least 96 random bits, or a version 4 UUID, new for each proof",
        check: "it is there (check 3); where the server remembers, not seen before (section 11.1)",
    },
    Member {
        part: Part::Claims,
        name: "htm",
        when: ALWAYS,
        purpose: "a proof for GET is none for DELETE",
        source: "the method of the request",
        check: "equal to the method of the request (check 8)",
    },
    Member {
        part: Part::Claims,
        name: "htu",
        when: ALWAYS,
        purpose: "a proof for one server and path is none for another",
        source: "the URL of the request without query and fragment",
        check: "equal to the URL of the request, normalised, query and fragment ignored (check 9)",
    },
    Member {
        part: Part::Claims,
        name: "iat",
        when: ALWAYS,
        purpose: "limits how long the proof is good",
        source: "the client's clock, in seconds since 1970",
        check: "at most seconds or minutes old; a nonce may tell the time instead (check 11)",
    },
    Member {
        part: Part::Claims,
        name: "ath",
        when: "with an access token",
        purpose: "a proof for one token is none for another of the same key",
        source: "base64url of the SHA-256 of the token, without padding",
        check: "equal to the hash of the token in this request (check 12)",
    },
    Member {
        part: Part::Claims,
        name: "nonce",
        when: "once the server has supplied one",
        purpose: "the proof was made after the server asked, not in advance",
        source: "the newest DPoP-Nonce of this server",
        check: "one that it supplied lately (check 10); not left out once it has (section 11.3)",
    },
];

/// The members as a Markdown table.
pub fn members_as_markdown() -> String {
    let mut text = "| member | when | purpose | the client has it from | the server checks |\n".to_owned();
    text += "|---|---|---|---|---|\n";
    for Member { part, name, when, purpose, source, check } in MEMBERS {
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {} `{name}` | {when} | {purpose} | {source} | {check} |", part.member());
    }
    text + "\nThe checks are numbered as in RFC 9449 section 4.3.\n"
}

impl fmt::Display for Member {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} {}, {}", self.part.member(), self.name, self.when)?;
        writeln!(out, "    for      {}", self.purpose)?;
        writeln!(out, "    from     {}", self.source)?;
        writeln!(out, "    checked  {}", self.check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_fits_a_terminal_and_a_table() {
        for member in MEMBERS {
            for line in member.to_string().lines() {
                assert!(line.chars().count() <= super::super::WIDTH, "{line}");
            }
        }
        for line in members_as_markdown().lines().filter(|line| line.starts_with('|')) {
            assert_eq!(line.matches('|').count(), 6, "{line}");
        }
    }

    /// Check by check, section 4.3 is there: 1 and 2 are about the field as a whole.
    #[test]
    fn every_check_on_a_member_is_named() {
        let text: String = MEMBERS.iter().map(|member| member.check).collect();
        for number in 3..=12 {
            assert!(text.contains(&format!("(check {number})")), "check {number}");
        }
    }
}
