//! The document `dpop-results/1`: what a run leaves behind for other programs, and what reports are made from later.
//!
//! Within `/1` there are only additions. It borrows where it is made from a run, and owns where it was read from a file.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::Verdict;
use crate::run::{Crowd, Exchange, Turn};
use crate::suite::{Outcome, Results};

/// The value of `format`.
const FORMAT: &str = "dpop-results/1";

/// The results of one run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "dpop results")]
pub struct Document<'a> {
    /// `dpop-results/1`
    pub(super) format: Cow<'a, str>,
    pub(super) tool: Tool<'a>,
    pub(super) target: TargetName<'a>,
    /// The rules laid over RFC 9449.
    pub(super) profile: Cow<'a, str>,
    pub(super) seed: u64,
    pub(super) facts: Facts<'a>,
    pub(super) cases: Vec<Case<'a>>,
    pub(super) summary: Summary,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Tool<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct TargetName<'a> {
    pub(super) name: Cow<'a, str>,
}

/// What was measured, not judged.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Facts<'a> {
    /// `never`, `optional` or `required`.
    pub(super) nonce: Cow<'a, str>,
    /// Whether it speaks HTTP/2; null where nothing depended on it.
    pub(super) http2: Option<bool>,
    /// The algorithms of proofs that the target is known to accept.
    pub(super) algs: Vec<Cow<'a, str>>,
    /// How far its clock is ahead of ours by its `Date` fields, in seconds, to within one; null where it has none.
    pub(super) skew: Option<f64>,
    /// The clock that the time in proofs came from: `own`, `target`, or `either` where what depends on the time had to be
    /// seen by both.
    pub(super) time: Cow<'a, str>,
    /// What the token says of the key that it is bound to: `bound`, `unbound`, `other-key`, `opaque`; null without a token.
    pub(super) token: Option<Cow<'a, str>>,
    /// The origin that proofs named.
    pub(super) origin: Cow<'a, str>,
    /// Why the target could not be judged, and whose that is.
    pub(super) trouble: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Case<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) scenario: Cow<'a, str>,
    pub(super) file: Cow<'a, str>,
    pub(super) line: usize,
    pub(super) title: Cow<'a, str>,
    /// Ids of ledger rows.
    pub(super) spec: Cow<'a, [String]>,
    pub(super) level: Cow<'a, str>,
    pub(super) cwe: Cow<'a, [u16]>,
    pub(super) verdict: Verdict,
    /// `accept`, `reject`, `challenge`, `fault`, `no-answer` or `other`, where a request decided.
    pub(super) decision: Option<Cow<'a, str>>,
    pub(super) status: Option<u16>,
    pub(super) error: Option<Cow<'a, str>>,
    pub(super) expected: Cow<'a, str>,
    /// Always there unless the verdict is `pass`.
    pub(super) reason: Option<Cow<'a, str>>,
    /// E.g. `2/2`.
    pub(super) reproduced: Option<Cow<'a, str>>,
    pub(super) waived: Option<Waived<'a>>,
    pub(super) requests: usize,
    pub(super) ms: u64,
    pub(super) transcript: Vec<Entry<'a>>,
}

/// An accepted failure.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Waived<'a> {
    pub(super) reason: Cow<'a, str>,
    pub(super) expires: Cow<'a, str>,
}

/// One request and its answer, redacted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Entry<'a> {
    /// `canary`, `control-before`, `step 1`, `control-after`, `diagnosis`.
    pub(super) turn: Cow<'a, str>,
    pub(super) request: Cow<'a, str>,
    pub(super) proof: Option<Proof<'a>>,
    pub(super) decision: Cow<'a, str>,
    pub(super) status: Option<u16>,
    pub(super) error: Option<Cow<'a, str>>,
    pub(super) response: Cow<'a, str>,
    pub(super) ms: u64,
    /// How many exchanges of the step it stands for, itself among them: the others were decided alike.
    pub(super) alike: usize,
    /// Where many requests were sent at the same time.
    pub(super) crowd: Option<Crowd>,
    /// Whether it was sent for the case before and stands here once more.
    pub(super) shared: bool,
}

/// A proof's JSON texts.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Proof<'a> {
    pub(super) header: Cow<'a, str>,
    pub(super) claims: Cow<'a, str>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Summary {
    pub(super) pass: usize,
    pub(super) note: usize,
    pub(super) warn: usize,
    pub(super) fail: usize,
    pub(super) skip: usize,
    pub(super) inconclusive: usize,
    pub(super) waived: usize,
}

/// A file that holds no results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It can't be read.
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// It is no JSON, or not of the shape that `dpop schema results` describes.
    #[error("{0}: {1}; `dpop run --report json=PATH` writes such files")]
    Malformed(PathBuf, serde_json::Error),
    /// It names another format.
    #[error("{0}: its format is `{1}`, and this version reads `dpop-results/1`")]
    Format(PathBuf, String),
}

impl Document<'static> {
    /// Reads what `--report json` wrote, by this version or another of the same format.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn open(path: &Path) -> Result<Self, DocumentError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let text =
            std::fs::read_to_string(path).map_err(|error| DocumentError::Io(path.to_owned(), error))?;
        let malformed = |error| DocumentError::Malformed(path.to_owned(), error);
        let head: Head = serde_json::from_str(&text).map_err(malformed)?;
        if head.format != FORMAT {
            return Err(DocumentError::Format(path.to_owned(), head.format));
        }
        serde_json::from_str(&text).map_err(malformed)
    }
}

impl<'a> From<&'a Results> for Document<'a> {
    fn from(results: &'a Results) -> Self {
        let counts = results.counts();
        Self {
            format: FORMAT.into(),
            tool: Tool { name: "dpop".into(), version: env!("CARGO_PKG_VERSION").into() },
            target: TargetName { name: (&results.target).into() },
            profile: results.profile.name().into(),
            seed: results.seed,
            facts: Facts {
                nonce: results.traits.nonce.name().into(),
                http2: results.traits.http2,
                algs: results.traits.algs.names().into_iter().map(Cow::from).collect(),
                skew: results.health.skew.map(|skew| skew.milliseconds() as f64 / 1000.0),
                time: results.health.time.name().into(),
                token: results.health.binding.map(|binding| binding.name().into()),
                origin: results.health.htu.origin().into(),
                trouble: results.health.trouble.as_ref().map(|trouble| trouble.to_string().into()),
            },
            cases: results.outcomes.iter().map(case).collect(),
            summary: Summary {
                pass: counts.number(Verdict::Pass),
                note: counts.number(Verdict::Note),
                warn: counts.number(Verdict::Warn),
                fail: counts.number(Verdict::Fail),
                skip: counts.number(Verdict::Skip),
                inconclusive: counts.number(Verdict::Inconclusive),
                waived: results.waived(),
            },
        }
    }
}

fn case(outcome: &Outcome) -> Case<'_> {
    let decisive = outcome.decisive_exchange();
    Case {
        id: (&outcome.id).into(),
        scenario: (&outcome.scenario).into(),
        file: (&outcome.file).into(),
        line: outcome.line,
        title: (&outcome.title).into(),
        spec: Cow::Borrowed(&outcome.spec),
        level: outcome.level.name().into(),
        cwe: Cow::Borrowed(&outcome.cwe),
        verdict: outcome.verdict,
        decision: decisive.map(|exchange| exchange.seen.decision.name().into()),
        status: decisive.and_then(|exchange| exchange.seen.status),
        error: decisive.and_then(|exchange| exchange.seen.error.as_deref().map(Cow::from)),
        expected: (&outcome.expected).into(),
        reason: outcome.reason.as_deref().map(Cow::from),
        reproduced: outcome.reproduced.map(|(seen, of)| format!("{seen}/{of}").into()),
        waived: outcome.waived.as_ref().map(|waiver| Waived {
            reason: (&waiver.reason).into(),
            expires: waiver.expires.to_string().into(),
        }),
        requests: outcome.requests(),
        ms: outcome
            .transcript
            .iter()
            .filter(|exchange| !exchange.shared)
            .map(|exchange| exchange.milliseconds)
            .sum(),
        transcript: outcome.transcript.iter().map(entry).collect(),
    }
}

fn entry(exchange: &Exchange) -> Entry<'_> {
    Entry {
        turn: match exchange.turn {
            Turn::Canary => "canary".into(),
            Turn::ControlBefore => "control-before".into(),
            Turn::Step(index) => format!("step {}", index + 1).into(),
            Turn::ControlAfter => "control-after".into(),
            Turn::Diagnosis => "diagnosis".into(),
        },
        request: (&exchange.request).into(),
        proof: exchange
            .proof
            .as_ref()
            .map(|proof| Proof { header: (&proof.header).into(), claims: (&proof.claims).into() }),
        decision: exchange.seen.decision.name().into(),
        status: exchange.seen.status,
        error: exchange.seen.error.as_deref().map(Cow::from),
        response: (&exchange.response).into(),
        ms: exchange.milliseconds,
        alike: exchange.alike,
        crowd: exchange.crowd,
        shared: exchange.shared,
    }
}
