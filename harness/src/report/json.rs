//! `--report json`: everything, in the format `dpop-results/1`. Within `/1` there are only additions.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use crate::judge::Verdict;
use crate::run::{Crowd, Exchange, Turn};
use crate::suite::{Binding, Outcome};

/// The results of one run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "dpop results")]
struct Document<'a> {
    /// `dpop-results/1`
    format: &'static str,
    tool: Tool,
    target: TargetName<'a>,
    /// The rules laid over RFC 9449.
    profile: &'static str,
    seed: u64,
    facts: Facts,
    cases: Vec<Case<'a>>,
    summary: Summary,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TargetName<'a> {
    name: &'a str,
}

/// What was measured, not judged.
#[derive(Debug, Serialize, JsonSchema)]
struct Facts {
    /// `never`, `optional` or `required`.
    nonce: &'static str,
    /// Whether it speaks HTTP/2; null where nothing depended on it.
    http2: Option<bool>,
    /// The algorithms of proofs that the target is known to accept.
    algs: Vec<&'static str>,
    /// How far its clock is ahead of ours by its `Date` fields, in seconds, to within one; null where it has none.
    skew: Option<f64>,
    /// The clock that the time in proofs came from: `own`, `target`, or `either` where what depends on the time had to be
    /// seen by both.
    time: &'static str,
    /// What the token says of the key that it is bound to: `bound`, `unbound`, `other-key`, `opaque`; null without a token.
    token: Option<&'static str>,
    /// The origin that proofs named.
    origin: String,
    /// Why the target could not be judged, and whose that is.
    trouble: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Case<'a> {
    id: &'a str,
    scenario: &'a str,
    file: &'a str,
    line: usize,
    title: &'a str,
    /// Ids of ledger rows.
    spec: &'a [String],
    level: &'static str,
    cwe: &'a [u16],
    verdict: Verdict,
    /// `accept`, `reject`, `challenge`, `fault`, `no-answer` or `other`, where a request decided.
    decision: Option<&'static str>,
    status: Option<u16>,
    error: Option<&'a str>,
    expected: &'a str,
    /// Always there unless the verdict is `pass`.
    reason: Option<&'a str>,
    /// E.g. `2/2`.
    reproduced: Option<String>,
    waived: Option<Waived<'a>>,
    requests: usize,
    ms: u64,
    transcript: Vec<Entry<'a>>,
}

/// An accepted failure.
#[derive(Debug, Serialize, JsonSchema)]
struct Waived<'a> {
    reason: &'a str,
    expires: String,
}

/// One request and its answer, redacted.
#[derive(Debug, Serialize, JsonSchema)]
struct Entry<'a> {
    /// `canary`, `control-before`, `step 1`, `control-after`, `diagnosis`.
    turn: String,
    request: &'a str,
    proof: Option<Proof<'a>>,
    decision: &'static str,
    status: Option<u16>,
    error: Option<&'a str>,
    response: &'a str,
    ms: u64,
    /// How many exchanges of the step it stands for, itself among them: the others were decided alike.
    alike: usize,
    /// Where many requests were sent at the same time.
    crowd: Option<Crowd>,
    /// Whether it was sent for the case before and stands here once more.
    shared: bool,
}

/// A proof's JSON texts.
#[derive(Debug, Serialize, JsonSchema)]
struct Proof<'a> {
    header: &'a str,
    claims: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    pass: usize,
    note: usize,
    warn: usize,
    fail: usize,
    skip: usize,
    inconclusive: usize,
    waived: usize,
}

/// The JSON Schema of `dpop-results/1`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document<'_>).to_value()
}

/// Writes the document.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let results = report.results;
    let counts = results.counts();
    let document = Document {
        format: "dpop-results/1",
        tool: Tool { name: "dpop", version: env!("CARGO_PKG_VERSION") },
        target: TargetName { name: &results.target },
        profile: results.profile.name(),
        seed: results.seed,
        facts: Facts {
            nonce: results.traits.nonce.name(),
            http2: results.traits.http2,
            algs: results.traits.algs.names(),
            skew: results.health.skew.map(|skew| skew.milliseconds() as f64 / 1000.0),
            time: results.health.time.name(),
            token: results.health.binding.map(Binding::name),
            origin: results.health.htu.origin(),
            trouble: results.health.trouble.as_ref().map(ToString::to_string),
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
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn case(outcome: &Outcome) -> Case<'_> {
    let decisive = outcome.decisive_exchange();
    Case {
        id: &outcome.id,
        scenario: &outcome.scenario,
        file: &outcome.file,
        line: outcome.line,
        title: &outcome.title,
        spec: &outcome.spec,
        level: outcome.level.name(),
        cwe: &outcome.cwe,
        verdict: outcome.verdict,
        decision: decisive.map(|exchange| exchange.seen.decision.name()),
        status: decisive.and_then(|exchange| exchange.seen.status),
        error: decisive.and_then(|exchange| exchange.seen.error.as_deref()),
        expected: &outcome.expected,
        reason: outcome.reason.as_deref(),
        reproduced: outcome.reproduced.map(|(seen, of)| format!("{seen}/{of}")),
        waived: outcome
            .waived
            .as_ref()
            .map(|waiver| Waived { reason: &waiver.reason, expires: waiver.expires.to_string() }),
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
            Turn::Canary => "canary".to_owned(),
            Turn::ControlBefore => "control-before".to_owned(),
            Turn::Step(index) => format!("step {}", index + 1),
            Turn::ControlAfter => "control-after".to_owned(),
            Turn::Diagnosis => "diagnosis".to_owned(),
        },
        request: &exchange.request,
        proof: exchange.proof.as_ref().map(|proof| Proof { header: &proof.header, claims: &proof.claims }),
        decision: exchange.seen.decision.name(),
        status: exchange.seen.status,
        error: exchange.seen.error.as_deref(),
        response: &exchange.response,
        ms: exchange.milliseconds,
        alike: exchange.alike,
        crowd: exchange.crowd,
        shared: exchange.shared,
    }
}
