/// Something about a server that is measured and not judged: what `dpop measure` finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// How far the server's clock is ahead of ours.
    Skew,
    /// The origin that proofs have to name.
    Origin,
    /// The use of nonces (RFC 9449 sections 8 and 9).
    Nonce,
    /// The algorithms of proofs that are accepted.
    Algs,
    /// The times in `iat` that are accepted.
    Window,
    /// What is remembered of a proof that was accepted, and for how long (RFC 9449 section 11.1).
    Jti,
    /// The spellings of `htu` that match (RFC 9449 section 4.3).
    Htu,
    /// The longest proof, and the longest `jti`.
    Sizes,
    /// What each kind of fault is answered with (RFC 9449 section 7.1).
    Errors,
}

impl Fact {
    /// Every fact, in the order in which they are measured and shown.
    pub const ALL: &[Self] = &[
        Self::Skew,
        Self::Origin,
        Self::Nonce,
        Self::Algs,
        Self::Window,
        Self::Jti,
        Self::Htu,
        Self::Sizes,
        Self::Errors,
    ];

    /// The word on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Skew => "skew",
            Self::Origin => "origin",
            Self::Nonce => "nonce",
            Self::Algs => "algs",
            Self::Window => "window",
            Self::Jti => "jti",
            Self::Htu => "htu",
            Self::Sizes => "sizes",
            Self::Errors => "errors",
        }
    }

    /// What it says, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Skew => "how far the server's clock is ahead of ours",
            Self::Origin => "the origin that proofs have to name in htu",
            Self::Nonce => {
                "whether nonces are demanded, how long one is good, how often they change, what they look like"
            }
            Self::Algs => "the algorithms of proofs that are accepted, beside those that are advertised",
            Self::Window => "how old a proof may be, and how far ahead its iat",
            Self::Jti => "whether a proof can be used again, for how long, and what it is remembered by",
            Self::Htu => "which spellings of htu match",
            Self::Sizes => "the longest proof and the longest jti",
            Self::Errors => "what each kind of fault is answered with",
        }
    }

    /// The rows of the ledger that it measures: a verdict on them would not be fair, or is somebody else's.
    pub fn rows(self) -> &'static [&'static str] {
        match self {
            Self::Nonce => &["9449-8-4", "9449-8.2-2"],
            Self::Window => &["9449-4.3-11c", "9449-11.1-1"],
            Self::Errors => &["9449-7.1-8"],
            Self::Skew | Self::Origin | Self::Algs | Self::Jti | Self::Htu | Self::Sizes => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Ledger;

    #[test]
    fn names_are_unique_and_in_order() {
        for (index, fact) in Fact::ALL.iter().enumerate() {
            assert!(Fact::ALL[index + 1..].iter().all(|other| other.name() != fact.name() && other > fact));
        }
    }

    #[test]
    fn measured_rows_are_read_duties_of_a_resource_server() {
        let mut seen = Vec::new();
        for id in Fact::ALL.iter().flat_map(|fact| fact.rows()) {
            let row = Ledger::embedded().requirement(id);
            let row = row.unwrap_or_else(|| panic!("{id} is not in the ledger"));
            assert!(row.role.includes_resource_server(), "{id}");
            assert!(!seen.contains(id), "{id} is measured twice");
            seen.push(id);
        }
    }
}
