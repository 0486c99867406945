//! How a finished run becomes a document.

use std::borrow::Cow;

use jiff::Timestamp;

use super::Report;
use super::document::{
    BadWaiver, Case, Changed, Document, Drifted, Entries, Entry, FORMAT, Facts, Proof, Summary, TargetName,
    Texts, Tool, Waived,
};
use crate::mutation::MintedProof;
use crate::run::{Exchange, Turn};
use crate::scenario::EMBEDDED;
use crate::snapshot::Drift;
use crate::suite::{Outcome, Results, WaiverFault};

impl<'a> From<&Report<'a>> for Document<'a> {
    fn from(report: &Report<'a>) -> Self {
        Self {
            began: Timestamp::try_from(report.began).ok().map(|began| format!("{began:.3}").into()),
            seconds: Some(report.seconds),
            partition: report.partition.map(|partition| partition.to_string().into()),
            drift: report.drift.map(drifted),
            target: TargetName {
                name: (&report.results.target).into(),
                file: report.config.map(|place| place.file.as_str().into()),
                line: report.config.map(|place| place.line),
            },
            ..Self::from(report.results)
        }
    }
}

impl<'a> From<&'a Results> for Document<'a> {
    fn from(results: &'a Results) -> Self {
        let cases: Vec<_> = results.outcomes.iter().map(case).collect();
        Self {
            format: FORMAT.into(),
            tool: Tool { name: "dpop".into(), version: env!("CARGO_PKG_VERSION").into() },
            target: TargetName { name: (&results.target).into(), file: None, line: None },
            profile: results.profile.name().into(),
            seed: results.seed,
            began: None,
            seconds: None,
            partition: None,
            drift: None,
            bad_waivers: results.waiver_faults.iter().map(bad_waiver).collect(),
            facts: Facts {
                nonce: results.traits.nonce.name().into(),
                http2: results.traits.http2,
                algs: results.traits.algs.names().into_iter().map(Cow::from).collect(),
                skew: results.health.skew.map(|skew| skew.milliseconds() as f64 / 1000.0),
                time: results.health.time.name().into(),
                token: results.health.binding.map(|binding| binding.name().into()),
                origin: results.health.htu.origin().into(),
                trouble: results.health.trouble.as_ref().map(|trouble| trouble.to_string().into()),
                url: Some(results.health.url.to_string().into()),
                bearer: results.traits.bearer.map(|policy| policy.name().into()),
                open: results
                    .health
                    .trouble
                    .as_ref()
                    .filter(|_| results.health.protected == Some(false))
                    .map(|trouble| trouble.what.as_str().into()),
            },
            summary: Summary::of(&cases),
            cases,
        }
    }
}

fn drifted(drift: &Drift) -> Drifted<'_> {
    let ids = |ids: &'_ [String]| ids.iter().map(|id| Cow::Owned(id.clone())).collect();
    Drifted {
        changed: drift
            .changed
            .iter()
            .map(|(id, was, is)| Changed { id: id.into(), was: was.into(), is: is.into() })
            .collect(),
        new: ids(&drift.new),
        gone: ids(&drift.gone),
    }
}

fn bad_waiver(fault: &WaiverFault) -> BadWaiver<'_> {
    let (waiver, word) = match fault {
        WaiverFault::Expired(waiver) => (waiver, "expired"),
        WaiverFault::Stale(waiver) => (waiver, "stale"),
    };
    BadWaiver { case: (&waiver.case).into(), fault: word.into(), told: fault.to_string().into() }
}

/// One case of it.
pub(super) fn case(outcome: &Outcome) -> Case<'_> {
    let decisive = outcome.decisive_exchange();
    Case {
        id: (&outcome.id).into(),
        scenario: (&outcome.scenario).into(),
        file: (&outcome.file).into(),
        line: outcome.line,
        built_in: EMBEDDED.iter().any(|(file, _)| *file == outcome.file),
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
        why: (&outcome.why).into(),
        attacker: outcome.attacker.as_deref().map(Cow::from),
        pitfall: outcome.pitfall.map(Cow::from),
        decisive: outcome.decisive,
        transcript: Entries::Of(&outcome.transcript),
    }
}

impl From<&Exchange> for Entry<'static> {
    fn from(exchange: &Exchange) -> Self {
        let texts = exchange.evidence.texts();
        let proof = |proof: &MintedProof| Proof {
            header: proof.header.clone().into(),
            claims: proof.claims.clone().into(),
            correct: proof
                .correct
                .clone()
                .map(|(header, claims)| Texts { header: header.into(), claims: claims.into() }),
        };
        Self {
            turn: match exchange.turn {
                Turn::Canary => "canary".into(),
                Turn::ControlBefore => "control-before".into(),
                Turn::Step(index) => format!("step {}", index + 1).into(),
                Turn::ControlAfter => "control-after".into(),
                Turn::Diagnosis => "diagnosis".into(),
            },
            request: texts.request.clone().into(),
            proof: texts.proof.as_ref().map(proof),
            decision: exchange.seen.decision.name().into(),
            status: exchange.seen.status,
            error: exchange.seen.error.clone().map(Cow::from),
            response: texts.response.clone().into(),
            ms: exchange.milliseconds,
            alike: exchange.alike,
            crowd: exchange.crowd,
            shared: exchange.shared,
            sent: Some(exchange.sent),
        }
    }
}
