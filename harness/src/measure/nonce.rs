use std::time::Duration;

use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use super::bench::{Bench, claiming, with};
use super::edge::{last, last_from_below};
use super::jti::Tried;
use super::nonce_shape::{Sample, Shape};
use super::{Means, Told, Unmeasured};
use crate::proof::{NonceEdit, ProofEdits, Step};
use crate::target::NoncePolicy;

/// How many nonces are collected to look at.
const SAMPLES: usize = 200;
/// How many newer nonces an older one is tried behind.
const MOST_NEWER: i64 = 64;
/// How often is looked whether the nonce has changed.
const LOOKS: u32 = 180;
/// The same where waiting takes time.
const LOOKS_IN_REAL_TIME: u32 = 30;

/// The use of nonces (RFC 9449 sections 8, 8.2 and 9).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Nonces {
    /// `never`, `optional` or `required`: what the config calls `capabilities.nonce`.
    pub policy: &'static str,
    /// A proof with a nonce that the server never supplied.
    pub made_up: Tried,
    /// When a new one is supplied; null where none is.
    pub rotation: Option<Rotation>,
    /// Whether a nonce is good for more than one proof; null where they are not supplied, or not checked.
    pub reusable: Option<bool>,
    /// How many newer ones may have been supplied; null where nonces change with time only.
    pub older: Option<Older>,
    /// How long one is good.
    pub lifetime: Option<Lifetime>,
    /// What they look like.
    pub shape: Option<Shape>,
}

/// When a new nonce is supplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rotation {
    /// With every answer.
    EveryAnswer,
    /// After so many seconds.
    ByTime {
        /// At least.
        least: u64,
        /// At most.
        most: u64,
    },
    /// Not within so many seconds.
    NotSeen {
        /// How long was looked.
        seconds: u64,
    },
}

/// How many newer nonces may have been supplied while an older one is still good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Older {
    /// Behind so many it was accepted.
    pub accepted: i64,
    /// Behind so many it was refused; null where it never was.
    pub refused: Option<i64>,
}

/// How long a nonce is good, in seconds since it was supplied first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Lifetime {
    /// The highest age at which it was accepted for certain.
    pub accepted: u64,
    /// The age at which it was refused for certain; null where it never was.
    pub refused: Option<u64>,
}

pub(super) async fn measure(means: &Means<'_>) -> Result<Nonces, Unmeasured> {
    let mut bench = means.bench().await?;
    let made_up = with(ProofEdits { nonce: Some(NonceEdit::MadeUp), ..ProofEdits::default() });
    let made_up = Tried::of(bench.accepts(&made_up).await?);
    bench.control().await?;
    if bench.nonce().is_none() {
        let policy = NoncePolicy::Never.name();
        let (rotation, reusable, older, lifetime, shape) = (None, None, None, None, None);
        return Ok(Nonces { policy, made_up, rotation, reusable, older, lifetime, shape });
    }
    let needless = bench.accepts(&without_nonce()).await?;
    let policy = if needless { NoncePolicy::Optional } else { NoncePolicy::Required };
    let every_answer = changes_with_every_answer(&mut bench).await?;
    let mut found = Nonces {
        policy: policy.name(),
        made_up,
        rotation: every_answer.then_some(Rotation::EveryAnswer),
        reusable: None,
        older: None,
        lifetime: None,
        shape: None,
    };
    // Where any nonce is good there is no more to see of what they are good for.
    let checked = found.made_up == Tried::Refused;
    if checked {
        found.reusable = Some(is_reusable(&mut bench).await?);
        if every_answer {
            found.older = Some(older(means).await?);
        }
    }
    let mut samples = collect(&mut bench, every_answer).await?;
    if checked && found.reusable == Some(false) {
        found.lifetime = Some(lifetime_of_unused(means).await?);
    } else {
        let seen = watch(means, checked, every_answer).await?;
        found.lifetime = seen.lifetime;
        found.rotation = found.rotation.or(Some(seen.rotation));
        if !every_answer {
            samples = seen.samples;
        }
    }
    if let Some(Rotation::ByTime { most, .. }) = found.rotation
        && means.clock.leaps()
    {
        samples = collect_over_time(means, Duration::from_secs(most)).await?;
    }
    found.shape = Some(Shape::of(&samples));
    Ok(found)
}

fn without_nonce() -> Step {
    with(ProofEdits { omit: vec!["nonce".to_owned()], ..ProofEdits::default() })
}

fn current(bench: &Bench<'_>) -> Option<String> {
    bench.nonce().map(|nonce| nonce.as_str().to_owned())
}

/// Whether three answers in a row have three nonces.
async fn changes_with_every_answer(bench: &mut Bench<'_>) -> Result<bool, Unmeasured> {
    let mut last = current(bench);
    for _ in 0..3 {
        bench.control().await?;
        let next = current(bench);
        if next == last {
            return Ok(false);
        }
        last = next;
    }
    Ok(true)
}

/// Whether a nonce is good for a second proof.
async fn is_reusable(bench: &mut Bench<'_>) -> Result<bool, Unmeasured> {
    let Some(nonce) = current(bench) else { return Err(Unmeasured::Lacks("no nonce came")) };
    let step = claiming("nonce", nonce);
    bench.must_accept(&step).await?;
    let again = bench.accepts(&step).await?;
    bench.control().await?;
    Ok(again)
}

/// How many newer ones may have come, of a nonce that was not used.
async fn older(means: &Means<'_>) -> Result<Older, Unmeasured> {
    let found = last_from_below(0, MOST_NEWER, async |newer, _| {
        let mut bench = means.bench().await?;
        let Some(nonce) = current(&bench) else { return Err(Unmeasured::Lacks("no nonce came")) };
        for _ in 0..newer {
            bench.send(&without_nonce()).await?; // its answer brings a new one
        }
        bench.accepts(&claiming("nonce", nonce)).await
    });
    let found = found.await?;
    Ok(Older { accepted: found.good, refused: found.bad })
}

/// As many nonces as there are to see at once.
async fn collect(bench: &mut Bench<'_>, every_answer: bool) -> Result<Vec<Sample>, Unmeasured> {
    let mut samples = Vec::new();
    let enough = if every_answer { SAMPLES } else { 1 };
    bench.control().await?; // the nonce may have become too old in the meantime
    while samples.len() < enough {
        let Some(nonce) = current(bench) else { break };
        samples.push(Sample { nonce, seconds: bench.means.clock.unix_seconds() });
        bench.control().await?;
    }
    Ok(samples)
}

/// One nonce after each such time.
async fn collect_over_time(means: &Means<'_>, period: Duration) -> Result<Vec<Sample>, Unmeasured> {
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        let bench = means.bench().await?;
        if let Some(nonce) = current(&bench) {
            samples.push(Sample { nonce, seconds: means.clock.unix_seconds() });
        }
        means.clock.sleep(period).await;
    }
    Ok(samples)
}

/// How old a nonce may be that no proof has used, for nonces that are good for one: a fresh one for each age.
async fn lifetime_of_unused(means: &Means<'_>) -> Result<Lifetime, Unmeasured> {
    let longest = means.budget.as_secs();
    let is_good = async |age: u64| {
        let mut bench = means.bench().await?;
        let Some(nonce) = current(&bench) else { return Err(Unmeasured::Lacks("no nonce came")) };
        means.clock.sleep(Duration::from_secs(age)).await;
        bench.accepts(&claiming("nonce", nonce)).await
    };
    if means.clock.leaps() {
        let longest = i64::try_from(longest).unwrap_or(i64::MAX);
        let found = last(0, longest, async |age, _| is_good(age.unsigned_abs()).await).await?;
        return Ok(Lifetime {
            accepted: found.good.unsigned_abs(),
            refused: found.bad.map(i64::unsigned_abs),
        });
    }
    let powers = std::iter::successors(Some(1_u64), |age| age.checked_mul(2));
    let ages: Vec<u64> = powers.take_while(|age| *age < longest).chain([longest]).collect();
    let good = join_all(ages.iter().map(|age| is_good(*age))).await;
    let mut found = Lifetime { accepted: 0, refused: None };
    for (age, good) in ages.into_iter().zip(good) {
        if good? && found.refused.is_none() {
            found.accepted = age;
        } else {
            found.refused = found.refused.or(Some(age));
        }
    }
    Ok(found)
}

/// What was seen of nonces over time.
struct Seen {
    rotation: Rotation,
    lifetime: Option<Lifetime>,
    samples: Vec<Sample>,
}

/// Looks again and again which nonce is supplied, and whether one whose first moment was seen is still good.
async fn watch(means: &Means<'_>, checked: bool, every_answer: bool) -> Result<Seen, Unmeasured> {
    let looks = if means.clock.leaps() { LOOKS } else { LOOKS_IN_REAL_TIME };
    let step = (means.budget.as_secs() / u64::from(looks)).max(1);
    let mut bench = means.bench().await?;
    let seconds = |means: &Means<'_>| means.clock.unix_seconds();
    let began = seconds(means);
    let passed = |now: i64| now.saturating_sub(began).unsigned_abs();
    let mut samples: Vec<Sample> = Vec::new();
    // The second of the look before each nonce was seen, and of the look that saw it.
    let mut changes: Vec<(u64, u64)> = Vec::new();
    // A nonce with its first moment, as far as that is known, and until when it was good.
    let mut tracked: Option<(String, (u64, u64))> = None;
    let mut lifetime = None;
    let mut before = 0;
    loop {
        bench.control().await?;
        let now = passed(seconds(means));
        let Some(nonce) = current(&bench) else { return Err(Unmeasured::Lacks("no nonce came")) };
        if samples.last().is_none_or(|last| last.nonce != nonce) {
            if !samples.is_empty() && !every_answer {
                changes.push((before, now));
            }
            let first_moment_known = every_answer || !samples.is_empty();
            if tracked.is_none() && first_moment_known {
                tracked = Some((nonce.clone(), (before, now)));
            }
            samples.push(Sample { nonce, seconds: seconds(means) });
        }
        if checked && let Some((nonce, (earliest, latest))) = &tracked {
            let ended = lifetime.is_some_and(|lifetime: Lifetime| lifetime.refused.is_some());
            if !ended {
                let good = bench.accepts(&claiming("nonce", nonce.clone())).await?;
                let accepted = lifetime.map_or(0, |lifetime: Lifetime| lifetime.accepted);
                lifetime = Some(if good {
                    Lifetime { accepted: now.saturating_sub(*latest), refused: None }
                } else {
                    Lifetime { accepted, refused: Some(now.saturating_sub(*earliest)) }
                });
            }
        }
        let ended = lifetime.is_some_and(|lifetime| lifetime.refused.is_some()) || !checked;
        let enough_changes = every_answer || changes.len() >= 2;
        if now.saturating_add(step) > means.budget.as_secs() || (ended && enough_changes) {
            let seconds = now;
            let rotation = match changes.as_slice() {
                [one, two, ..] => {
                    Rotation::ByTime { least: two.0.saturating_sub(one.1), most: two.1.saturating_sub(one.0) }
                }
                [one] => Rotation::ByTime { least: seconds.saturating_sub(one.1), most: seconds.max(one.1) },
                [] => Rotation::NotSeen { seconds },
            };
            // One that was there from the beginning has been good since then, at least.
            if lifetime.is_none() && checked && changes.is_empty() {
                lifetime = Some(Lifetime { accepted: now, refused: None });
            }
            return Ok(Seen { rotation, lifetime, samples });
        }
        before = now;
        means.clock.sleep(Duration::from_secs(step)).await;
    }
}

impl Told for Nonces {
    fn told(&self) -> String {
        let rotation = self.rotation.map(|rotation| match rotation {
            Rotation::EveryAnswer => "new with every answer".to_owned(),
            Rotation::ByTime { least, most } => format!("new every {least} to {most} s"),
            Rotation::NotSeen { seconds } => format!("the same for {seconds} s"),
        });
        let lifetime = self.lifetime.map(|lifetime| match lifetime.refused {
            Some(refused) => format!("good for {} to {refused} s", lifetime.accepted),
            None => format!("good for at least {} s", lifetime.accepted),
        });
        let once = (self.reusable == Some(false)).then(|| "good for one proof".to_owned());
        let parts = [Some(self.policy.to_owned()), rotation, once, lifetime];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn meaning(&self) -> String {
        let foreseeable = self.shape.as_ref().and_then(Shape::weakness);
        match (self.policy, &self.made_up) {
            _ if foreseeable.is_some() => {
                format!("{}: proofs can be made in advance", foreseeable.unwrap_or_default())
            }
            ("never", Tried::Refused) => {
                "nonces are not used; a proof that has one all the same is refused".to_owned()
            }
            ("never", _) => "nonces are not used: a proof can be made long before it is used".to_owned(),
            (_, Tried::Accepted) => "any nonce is good: they protect nothing".to_owned(),
            ("optional", _) => {
                "a nonce is checked where it is there, and not missed where it is not".to_owned()
            }
            (_, Tried::Refused | Tried::NotTried(_)) => {
                "a proof can't be made before the server has supplied its nonce".to_owned()
            }
        }
    }

    fn details(&self) -> Vec<(String, String)> {
        let older = self.older.map(|older| match older.refused {
            Some(refused) => format!("good behind {} newer ones, not behind {refused}", older.accepted),
            None => format!("good behind at least {} newer ones", older.accepted),
        });
        let older = older.map(|text| ("older ones".to_owned(), text));
        let shape = self.shape.as_ref().map(|shape| ("shape".to_owned(), shape.told()));
        older.into_iter().chain(shape).collect()
    }
}
