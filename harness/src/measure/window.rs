use schemars::JsonSchema;
use serde::Serialize;

use super::bench::dated;
use super::edge::last;
use super::{Means, Told, Unmeasured};
use crate::target::NoncePolicy;

/// How far from now is looked, in seconds.
const FARTHEST: i64 = 600;

/// The times in `iat` that are accepted (RFC 9449 sections 4.3 and 11.1), in seconds from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Window {
    /// How old a proof may be.
    pub past: Edge,
    /// How far ahead of now its date may be.
    pub future: Edge,
    /// How exact both are, in seconds.
    pub resolution: i64,
    /// Whether the proofs carried a nonce of the server, which may say the time instead of `iat`.
    pub with_nonce: bool,
}

/// One edge of what is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Edge {
    /// The farthest that was accepted.
    pub accepted: i64,
    /// The nearest that was refused; null where all was accepted that was tried: then it is more than `accepted`.
    pub refused: Option<i64>,
}

impl Edge {
    /// `300 s`, `more than 600 s`.
    pub fn told(self) -> String {
        let more = if self.refused.is_none() { "more than " } else { "" };
        format!("{more}{} s", self.accepted)
    }
}

pub(super) async fn measure(means: &Means<'_>) -> Result<Window, Unmeasured> {
    let mut bench = means.bench().await?;
    let mut edges = [Edge { accepted: 0, refused: None }; 2];
    for (edge, sign) in edges.iter_mut().zip([-1, 1]) {
        let found = last(0, FARTHEST, async |distance, tries| {
            bench.without_needless_nonce();
            bench.mostly_accepts(&dated(sign * distance), tries).await
        });
        let found = found.await?;
        *edge = Edge { accepted: found.good, refused: found.bad };
    }
    bench.control().await?;
    let [past, future] = edges;
    Ok(Window { past, future, resolution: 1, with_nonce: means.nonce == NoncePolicy::Required })
}

impl Told for Window {
    fn told(&self) -> String {
        format!("{} old, {} ahead (to within {} s)", self.past.told(), self.future.told(), self.resolution)
    }

    fn meaning(&self) -> String {
        let Self { past, future, .. } = self;
        let mut text = match (past.refused, self.with_nonce) {
            (None, true) => format!(
                "iat does not end the life of a proof within {FARTHEST} s; the nonce in it may (see nonce)"
            ),
            (None, false) => format!("a proof that leaks can be used for more than {FARTHEST} s"),
            (Some(_), true) => format!(
                "a proof that leaks can be used for {} s at most, or as long as its nonce is good",
                past.accepted
            ),
            (Some(_), false) => format!("a proof that leaks can be used for {} s", past.accepted),
        };
        if future.accepted == 0 {
            text += "; a client whose clock is a second ahead is refused";
        } else {
            text += &format!("; one that is dated ahead, for up to {} longer", future.told());
        }
        text
    }
}
