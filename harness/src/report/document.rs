//! The document `dpop-results/1`: what a run leaves behind for other programs, and what reports are made from later.
//!
//! Within `/1` there are only additions. It borrows where it is made from a run, whose evidence is fetched where it is asked for, and owns where it was read from a file.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::judge::Verdict;
use crate::run::{Crowd, Exchange};
use crate::suite::Counts;

use super::human::words;

/// The value of `format`.
pub(super) const FORMAT: &str = "dpop-results/1";

/// The format of facts, which `dpop matrix` shows beside results.
pub(super) const FACTS: &str = "dpop-facts/1";

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
    /// When the run began (RFC 3339).
    #[serde(default)]
    pub(super) began: Option<Cow<'a, str>>,
    /// How long it took.
    #[serde(default)]
    pub(super) seconds: Option<f64>,
    /// The share of the cases that was asked for, e.g. `hash:1/4`; null where it was no share, and once all are merged.
    #[serde(default)]
    pub(super) partition: Option<Cow<'a, str>>,
    pub(super) facts: Facts<'a>,
    pub(super) cases: Vec<Case<'a>>,
    /// How the outcomes differ from those that were reviewed; null where there is nothing to compare with.
    #[serde(default)]
    pub(super) drift: Option<Drifted<'a>>,
    /// Waivers that are no longer good.
    #[serde(default)]
    pub(super) bad_waivers: Vec<BadWaiver<'a>>,
    pub(super) summary: Summary,
}

/// How outcomes differ from the snapshot.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Drifted<'a> {
    /// Cases that came out in another way.
    pub(super) changed: Vec<Changed<'a>>,
    /// Cases that the snapshot does not have.
    pub(super) new: Vec<Cow<'a, str>>,
    /// Cases that only the snapshot has.
    pub(super) gone: Vec<Cow<'a, str>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Changed<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) was: Cow<'a, str>,
    pub(super) is: Cow<'a, str>,
}

/// A waiver that fails the run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct BadWaiver<'a> {
    pub(super) case: Cow<'a, str>,
    /// `expired` or `stale`.
    pub(super) fault: Cow<'a, str>,
    /// The same in a sentence.
    pub(super) told: Cow<'a, str>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Tool<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct TargetName<'a> {
    pub(super) name: Cow<'a, str>,
    /// The config; null where there was none.
    #[serde(default)]
    pub(super) file: Option<Cow<'a, str>>,
    /// The line in it that names the resource.
    #[serde(default)]
    pub(super) line: Option<usize>,
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
    /// The URL that was requested, without query.
    #[serde(default)]
    pub(super) url: Option<Cow<'a, str>>,
    /// What the owner says of unbound tokens: `refused` or `allowed`.
    #[serde(default)]
    pub(super) bearer: Option<Cow<'a, str>>,
    /// What shows that the resource is open to everybody; null where it is not.
    #[serde(default)]
    pub(super) open: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Case<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) scenario: Cow<'a, str>,
    pub(super) file: Cow<'a, str>,
    pub(super) line: usize,
    /// Whether the file is one of those that are built in.
    #[serde(default)]
    pub(super) built_in: bool,
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
    /// Why it matters.
    #[serde(default)]
    pub(super) why: Cow<'a, str>,
    /// Who gains what where it is missed.
    #[serde(default)]
    pub(super) attacker: Option<Cow<'a, str>>,
    /// The page of the guide about the mistake behind it.
    #[serde(default)]
    pub(super) pitfall: Option<Cow<'a, str>>,
    /// The request that decided, as an index into `transcript`.
    #[serde(default)]
    pub(super) decisive: Option<usize>,
    pub(super) transcript: Entries<'a>,
}

/// An accepted failure.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Waived<'a> {
    pub(super) reason: Cow<'a, str>,
    pub(super) expires: Cow<'a, str>,
}

/// The requests of a case and their answers: as they were read, or of a run, and then shown one at a time.
#[derive(Debug)]
pub(super) enum Entries<'a> {
    Read(Vec<Entry<'a>>),
    Of(&'a [Exchange]),
}

impl Entries<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Read(entries) => entries.len(),
            Self::Of(exchanges) => exchanges.len(),
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<Cow<'_, Entry<'_>>> {
        match self {
            Self::Read(entries) => entries.get(at).map(Cow::Borrowed),
            Self::Of(exchanges) => exchanges.get(at).map(Entry::from).map(Cow::Owned),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Cow<'_, Entry<'_>>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Entries<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::Read)
    }
}

impl<'a> JsonSchema for Entries<'a> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Vec::<Entry<'a>>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Entry<'a>>::json_schema(generator)
    }
}

/// One request and its answer, redacted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
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
    /// When it was sent, in milliseconds since 1970.
    #[serde(default)]
    pub(super) sent: Option<u64>,
}

/// A proof's JSON texts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Proof<'a> {
    pub(super) header: Cow<'a, str>,
    pub(super) claims: Cow<'a, str>,
    /// The same proof without the edits of the case; null where these texts have none.
    #[serde(default)]
    pub(super) correct: Option<Texts<'a>>,
}

/// The JSON texts of a proof.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Texts<'a> {
    pub(super) header: Cow<'a, str>,
    pub(super) claims: Cow<'a, str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Summary {
    pub(super) pass: usize,
    pub(super) note: usize,
    pub(super) warn: usize,
    pub(super) fail: usize,
    pub(super) skip: usize,
    pub(super) inconclusive: usize,
    pub(super) waived: usize,
}

impl Summary {
    /// Counts cases.
    pub(super) fn of(cases: &[Case<'_>]) -> Self {
        let counts = Counts::of_verdicts(cases.iter().map(|case| case.verdict));
        Self {
            pass: counts.number(Verdict::Pass),
            note: counts.number(Verdict::Note),
            warn: counts.number(Verdict::Warn),
            fail: counts.number(Verdict::Fail),
            skip: counts.number(Verdict::Skip),
            inconclusive: counts.number(Verdict::Inconclusive),
            waived: cases.iter().filter(|case| case.waived.is_some()).count(),
        }
    }
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
        Self::open_either(path)?.map_err(|_| DocumentError::Format(path.to_owned(), FACTS.to_owned()))
    }

    /// Reads results, or else the facts that `dpop measure --format json` wrote.
    ///
    /// # Errors
    /// [`DocumentError`] for what is neither.
    pub fn open_either(path: &Path) -> Result<Result<Self, Value>, DocumentError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let text =
            std::fs::read_to_string(path).map_err(|error| DocumentError::Io(path.to_owned(), error))?;
        let malformed = |error| DocumentError::Malformed(path.to_owned(), error);
        let head: Head = serde_json::from_str(&text).map_err(malformed)?;
        match head.format.as_str() {
            FORMAT => serde_json::from_str(&text).map(Ok).map_err(malformed),
            FACTS => serde_json::from_str(&text).map(Err).map_err(malformed),
            _ => Err(DocumentError::Format(path.to_owned(), head.format)),
        }
    }
}

impl Document<'_> {
    /// Whether a case fails, or with `deny_warnings` warns, and is not waived; or something else fails the run: drift, or a
    /// waiver that is no longer good.
    pub fn is_nonconformity(&self, deny_warnings: bool) -> bool {
        let denied = |case: &Case<'_>| {
            case.fails() || (deny_warnings && case.verdict == Verdict::Warn && case.waived.is_none())
        };
        let drifted = |drift: &Drifted<'_>| !drift.changed.is_empty() || !drift.gone.is_empty();
        self.cases.iter().any(denied)
            || !self.bad_waivers.is_empty()
            || self.drift.as_ref().is_some_and(drifted)
    }

    /// Whether something could not be judged.
    pub fn is_unclear(&self) -> bool {
        self.summary.inconclusive > 0
    }

    /// What the target is called.
    pub fn target(&self) -> &str {
        &self.target.name
    }

    /// File and line where a finding is told: those of its scenario; where that is built in, those of the config, if there is one.
    pub(super) fn place<'b>(&'b self, case: &'b Case<'_>) -> (&'b str, usize) {
        self.config_place().filter(|_| case.built_in).unwrap_or((&case.file, case.line))
    }

    /// File and line where the target is set up.
    pub(super) fn config_place(&self) -> Option<(&str, usize)> {
        self.target.file.as_deref().zip(self.target.line)
    }

    /// The name of the profile.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The ids of the cases by which the run fails.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().filter(|case| case.fails()).map(|case| case.id.as_ref())
    }

    /// The ids of the cases that did not come out well, waived or not.
    pub fn findings(&self) -> impl Iterator<Item = &str> {
        let amiss = |case: &&Case<'_>| match case.verdict {
            Verdict::Fail | Verdict::Warn | Verdict::Inconclusive => true,
            Verdict::Pass | Verdict::Note | Verdict::Skip => false,
        };
        self.cases.iter().filter(amiss).map(|case| case.id.as_ref())
    }

    /// The same with these cases only.
    #[must_use]
    pub fn only(mut self, ids: &[String]) -> Self {
        self.cases.retain(|case| ids.iter().any(|id| *id == case.id));
        self.summary = Summary::of(&self.cases);
        self.drift = None;
        self.bad_waivers.retain(|waiver| ids.iter().any(|id| *id == waiver.case));
        self
    }

    /// The last line of the console report.
    pub fn told(&self) -> String {
        let words = words(Counts::of_verdicts(self.cases.iter().map(|case| case.verdict)));
        let requests: usize = self.cases.iter().map(|case| case.requests).sum();
        format!("{} cases: {words}   {requests} requests", self.cases.len())
    }

    /// Whether the target could not be judged as a whole: a preflight check did not pass, or it was lost on the way.
    pub(super) fn is_blocked(&self) -> bool {
        let stops = |verdict| matches!(verdict, Verdict::Fail | Verdict::Inconclusive);
        self.cases.iter().any(|case| case.scenario == "rs.preflight" && stops(case.verdict))
    }
}

impl Drifted<'_> {
    /// The snapshot's word on a case: `same`, `changed`, `new`.
    pub(super) fn word(&self, id: &str) -> &'static str {
        if self.changed.iter().any(|changed| changed.id == id) {
            "changed"
        } else if self.new.iter().any(|new| new == id) {
            "new"
        } else {
            "same"
        }
    }
}

impl Case<'_> {
    /// Whether the run fails by it, apart from `--deny`.
    pub(super) fn fails(&self) -> bool {
        self.verdict == Verdict::Fail && self.waived.is_none()
    }

    /// The exchange that decided.
    pub(super) fn decisive(&self) -> Option<Cow<'_, Entry<'_>>> {
        self.decisive.and_then(|at| self.transcript.get(at))
    }

    /// What was seen in a line: what decided, or why it was not judged.
    pub(super) fn saw(&self) -> String {
        match self.decisive() {
            Some(entry) => entry.told(),
            None => self.reason.as_deref().unwrap_or("nothing").to_owned(),
        }
    }

    /// `expected reject, saw accept 200`
    pub(super) fn told(&self) -> String {
        format!("expected {}, saw {}", self.expected, self.saw())
    }

    /// The CWE numbers as they are written: `CWE-294`.
    pub(super) fn weaknesses(&self) -> impl Iterator<Item = String> + '_ {
        self.cwe.iter().map(|number| format!("CWE-{number}"))
    }
}

impl Entry<'_> {
    /// What was seen, and how often: `accept 200`, `accepted 3 of 32`, `accept 200, 200 times`.
    pub(super) fn told(&self) -> String {
        if let Some(crowd) = self.crowd {
            return format!("accepted {} of {}", crowd.accepted, crowd.sent);
        }
        let status = self.status.map(|status| format!(" {status}")).unwrap_or_default();
        let error = self.error.as_deref().map(|error| format!(" {error}")).unwrap_or_default();
        // Without a status there was no answer, and that is what the text says.
        let why = if self.status.is_none() { format!(": {}", self.response) } else { String::new() };
        let often = if self.alike > 1 { format!(", {} times", self.alike) } else { String::new() };
        format!("{}{status}{error}{why}{often}", self.decision)
    }
}
