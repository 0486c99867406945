//! Scenarios: what is sent and what is expected of the answer, as data in YAML files.

mod check;
mod embedded;
mod expect;
mod file;
mod load;
mod pattern;
mod profile;
mod source;
mod tag;

use crate::jose::Alg;
use crate::proof::{Connection, HttpVersion, Script};
use crate::spec::{Level, Profile};

pub use embedded::EMBEDDED;
pub use expect::Expect;
pub use file::{AnswerCheck, Capability, Endpoint, Excuse, MetadataCheck, Pitfall, PreflightCheck, schema};
pub use load::{load, load_embedded, load_embedded_and, read_dir};
pub use pattern::matches;
pub use profile::{Demand, Rules, profile_schema};
pub use source::{Diagnostic, Fault, Place, Source, nearest, read_one};
pub use tag::Tag;

/// A group of cases about one property.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// E.g. `rs.ath`.
    pub id: String,
    /// What holds where every case passes.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// The mistake of the guide that it belongs to.
    pub pitfall: Option<Pitfall>,
    /// Weakness numbers.
    pub cwe: Vec<u16>,
    /// Who gains what where a case fails.
    pub attacker: Option<String>,
    /// The cases, in the order of the file.
    pub cases: Vec<Case>,
    /// The file, as results show it.
    pub file: String,
    /// Its line, counted from 1.
    pub line: usize,
}

/// One judged row of a scenario.
#[derive(Debug, Clone)]
pub struct Case {
    /// E.g. `rs.ath.missing`.
    pub id: String,
    /// What is sent, in words.
    pub title: String,
    /// Where its steps go: the outcome is one for all places.
    pub at: Vec<Endpoint>,
    /// How binding it is, before the profile.
    pub level: Level,
    /// Ids of ledger rows.
    pub spec: Vec<String>,
    /// What the target must have for the case to mean something.
    pub requires: Vec<Capability>,
    /// The only profiles that it belongs to; all where there are none.
    pub profiles: Vec<Profile>,
    /// A circumstance in which the target may do otherwise.
    pub excused_by: Option<Excuse>,
    /// Whether its refusals have to show where those who run the target see them.
    pub observed: bool,
    /// What is done.
    pub kind: CaseKind,
    /// The line of the case, counted from 1.
    pub line: usize,
}

/// What a case does.
#[derive(Debug, Clone)]
pub enum CaseKind {
    /// It sends requests and judges each answer.
    Script {
        /// The requests.
        script: Script,
        /// What is expected of each.
        expects: Vec<Expect>,
    },
    /// It judges the refusals of the whole run.
    Answers(AnswerCheck),
    /// It judges what the target publishes of itself.
    Metadata(MetadataCheck),
    /// It is a condition for everything else.
    Preflight(PreflightCheck),
}

impl Case {
    /// Whether it belongs to `profile`.
    pub fn is_for(&self, profile: Profile) -> bool {
        self.profiles.is_empty() || self.profiles.contains(&profile)
    }

    /// Why it shows nothing under `profile`, if so.
    pub fn not_for(&self, profile: Profile) -> Option<String> {
        let names = || self.profiles.iter().map(|profile| profile.name()).collect::<Vec<_>>().join(" or ");
        (!self.is_for(profile)).then(|| format!("only for the profile {}", names()))
    }

    /// The algorithm that its client must have, if it names one.
    pub fn client_alg(&self) -> Option<Alg> {
        match &self.kind {
            CaseKind::Script { script, .. } => script.client.alg,
            CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => None,
        }
    }

    /// Whether it is about what a server does around the verifier of proofs: other places, connections, how answers are put,
    /// policies for unbound tokens.
    pub fn is_about_http(&self) -> bool {
        let of_server = |capability: &Capability| match capability {
            Capability::BearerRefused
            | Capability::BearerAllowed
            | Capability::Http2
            | Capability::Scope
            | Capability::Cors
            | Capability::DpopPublished
            | Capability::DeclaredNonce => true,
            Capability::Nonce | Capability::NonceRequired | Capability::SingleUseJti | Capability::Alg(_) => {
                false
            }
        };
        let by_kind = match &self.kind {
            CaseKind::Script { script, .. } => {
                script.client.connection == Connection::Kept
                    || script.steps.iter().any(|step| {
                        // How long a nonce is good is decided by who supplies it.
                        let old_nonce = step.wait.is_some() && step.proof.names_nonce();
                        step.after_lost_answer || step.send.is_some() || old_nonce
                    })
            }
            // What a verifier fails over is its own.
            CaseKind::Answers(check) => *check != AnswerCheck::Fault,
            CaseKind::Metadata(_) => true,
            CaseKind::Preflight(_) => false,
        };
        let elsewhere = self.at.iter().any(|place| *place != Endpoint::Resource);
        by_kind || self.observed || elsewhere || self.needs_http2() || self.requires.iter().any(of_server)
    }

    /// Whether a request of it goes over HTTP/2, or it says so itself.
    pub fn needs_http2(&self) -> bool {
        let asks = match &self.kind {
            CaseKind::Script { script, .. } => script.asks_for(HttpVersion::Http2),
            CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => false,
        };
        asks || self.requires.contains(&Capability::Http2)
    }
}

impl CaseKind {
    /// Whether every request of the case is one that must be accepted.
    pub fn expects_acceptance(&self) -> bool {
        matches!(self, Self::Script { expects, .. } if expects.iter().all(Expect::is_accept))
    }

    /// Whether a refusal says that the token is not good for the resource, and nothing about the proof.
    pub fn is_about_authority(&self) -> bool {
        let about_scope = |expect: &Expect| match expect {
            Expect::Reject(codes) => codes.iter().any(|code| code == "insufficient_scope"),
            Expect::Accept | Expect::Challenge | Expect::AcceptsExactly(_) | Expect::Answer | Expect::Any => {
                false
            }
        };
        matches!(self, Self::Script { expects, .. } if expects.iter().any(about_scope))
    }
}
