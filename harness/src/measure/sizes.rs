use schemars::JsonSchema;
use serde::Serialize;

use super::bench::{Bench, claiming, named};
use super::edge::{Last, last_from_below};
use super::{Means, Told, Unmeasured};
use crate::entropy::unique_id;
use crate::proof::Step;
use crate::run::Decision;

/// The longest that is tried, in bytes.
const LONGEST: i64 = 64 * 1024;
/// The claim that makes a proof long. Servers ignore what they don't know (RFC 9449 section 4.2).
const PAD: &str = "pad";
/// The name of the step whose proof is looked at.
const PROBE: &str = "probe";

/// How long proofs and their identifiers may be. RFC 9449 section 11.1 lets servers refuse long ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Sizes {
    /// The `DPoP` field, in bytes.
    pub proof: Limit,
    /// The `jti`, in bytes. Where the proof becomes too long before, the limit is that of the proof.
    pub jti: Limit,
}

/// A length up to which something is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Limit {
    /// The longest that was accepted, in bytes.
    pub accepted: i64,
    /// The shortest that was refused; null where all were accepted that were tried.
    pub refused: Option<i64>,
    /// What that was answered.
    pub answer: Option<String>,
}

pub(super) async fn measure(means: &Means<'_>) -> Result<Sizes, Unmeasured> {
    let mut bench = means.bench().await?;
    let padded = |length: i64| {
        let text = "x".repeat(usize::try_from(length).unwrap_or_default());
        named(PROBE, claiming(PAD, text))
    };
    bench.must_accept(&padded(1)).await?;
    let empty = bench.proof_length(PROBE).unwrap_or_default();
    let mut answer = None;
    let mut lengths = Vec::new();
    let found = last_from_below(1, LONGEST * 3 / 4, async |length, tries| {
        let accepted = probe(&mut bench, &padded(length), tries, &mut answer).await?;
        lengths.push((length, bench.proof_length(PROBE).unwrap_or_default()));
        Ok(accepted)
    })
    .await?;
    let in_bytes = |pad: i64| {
        let known = lengths.iter().rev().find(|(length, _)| *length == pad);
        i64::try_from(known.map_or(empty, |(_, bytes)| *bytes)).unwrap_or(i64::MAX)
    };
    let proof = Limit { accepted: in_bytes(found.good), refused: found.bad.map(in_bytes), answer };
    bench.control().await?;

    let mut answer = None;
    let identified = |length: i64| claiming("jti", identifier(means, length));
    let least = 22; // as long as those of correct proofs
    let Last { good, bad } = last_from_below(least, found.good, async |length, tries| {
        let mut accepted = 0;
        for _ in 0..tries {
            accepted += usize::from(probe(&mut bench, &identified(length), 1, &mut answer).await?);
        }
        Ok(accepted * 2 > tries)
    })
    .await?;
    bench.control().await?;
    Ok(Sizes { proof, jti: Limit { accepted: good, refused: bad, answer } })
}

/// A fresh identifier of so many bytes.
fn identifier(means: &Means<'_>, length: i64) -> String {
    let length = usize::try_from(length).unwrap_or_default();
    let mut text = unique_id(means.entropy);
    while text.len() < length {
        text.push_str(&unique_id(means.entropy));
    }
    text.truncate(length);
    text
}

/// Whether a long one is accepted. Whatever else comes is a refusal: of the server, or of what stands in front of it.
async fn probe(
    bench: &mut Bench<'_>,
    step: &Step,
    tries: usize,
    answer: &mut Option<String>,
) -> Result<bool, Unmeasured> {
    let mut accepted = 0;
    for _ in 0..tries {
        let seen = bench.send(step).await?;
        if seen.decision == Decision::Accept {
            accepted += 1;
        } else {
            *answer = Some(seen.to_string());
        }
    }
    Ok(accepted * 2 > tries)
}

impl Limit {
    fn told(&self) -> String {
        let more = if self.refused.is_none() { "more than " } else { "" };
        format!("{more}{} bytes", self.accepted)
    }
}

impl Told for Sizes {
    fn told(&self) -> String {
        format!("proof {}, jti {}", self.proof.told(), self.jti.told())
    }

    fn meaning(&self) -> String {
        match (&self.proof.refused, &self.jti.refused) {
            (None, _) => "no limit was found: whoever sends long proofs makes the server work".to_owned(),
            (Some(_), None) => {
                "a jti is as long as its proof may be: remembering many of them takes room".to_owned()
            }
            (Some(_), Some(_)) => "what has to be read and remembered is limited".to_owned(),
        }
    }

    fn details(&self) -> Vec<(String, String)> {
        let row = |name: &str, limit: &Limit| {
            let answer = limit.answer.as_ref()?;
            Some((name.to_owned(), format!("{} bytes are answered {answer}", limit.refused?)))
        };
        row("longer proof", &self.proof).into_iter().chain(row("longer jti", &self.jti)).collect()
    }
}
