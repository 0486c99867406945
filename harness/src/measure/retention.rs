use std::time::Duration;

use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use super::bench::{FIRST, dated, named, resent, twin};
use super::{Means, Unmeasured};

/// How long a proof that was accepted is refused when it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Kept {
    /// The date of the proofs.
    pub dated: Dated,
    /// How far ahead of now that was, in seconds.
    pub ahead: i64,
    /// The longest delay after which the proof was refused and another of the same date was accepted, in seconds; null
    /// where no delay showed that.
    pub remembered: Option<i64>,
    /// The shortest delay after which the proof was accepted again; null where none was seen.
    pub forgotten: Option<i64>,
    /// The shortest delay after which no proof of that date is accepted: nothing can be replayed any more.
    pub outlived: Option<i64>,
}

/// The date of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dated {
    /// The moment in which it was made.
    Now,
    /// As far ahead as is accepted: it lives longest.
    Latest,
}

/// What became of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was refused, and a twin that nobody had seen was accepted.
    Remembered,
    /// It was accepted again.
    Forgotten,
    /// A twin was refused as well: by its age, or its nonce.
    Outlived,
}

/// Uses proofs again after delays, a fresh one for each: on a clock that leaps as many as it takes to find the edge;
/// otherwise several beside each other, as far as the budget goes.
pub(super) async fn measure(means: &Means<'_>, dated: Dated, ahead: i64) -> Result<Kept, Unmeasured> {
    let longest = i64::try_from(means.budget.as_secs()).unwrap_or(i64::MAX);
    let mut seen = Vec::new();
    if means.clock.leaps() {
        search(means, ahead, longest, &mut seen).await?;
    } else {
        let delays = delays(longest);
        let fates = join_all(delays.iter().map(|delay| fate(means, ahead, *delay))).await;
        for (delay, fate) in delays.into_iter().zip(fates) {
            seen.push((delay, fate?));
        }
    }
    let of = |wanted: Fate| seen.iter().filter(move |(_, fate)| *fate == wanted).map(|(delay, _)| *delay);
    let forgotten = of(Fate::Forgotten).min();
    let until_forgotten = |delay: &i64| forgotten.is_none_or(|forgotten| *delay < forgotten);
    Ok(Kept {
        dated,
        ahead,
        remembered: of(Fate::Remembered).filter(until_forgotten).max(),
        forgotten,
        outlived: of(Fate::Outlived).min(),
    })
}

/// 0, 1, 2, 4, … and the longest itself.
fn delays(longest: i64) -> Vec<i64> {
    let powers = std::iter::successors(Some(1_i64), |delay| delay.checked_mul(2));
    let mut delays: Vec<i64> = [0].into_iter().chain(powers.take_while(|delay| *delay < longest)).collect();
    delays.extend((longest > 0).then_some(longest));
    delays
}

/// Doubles the delay until the proof is not remembered, then halves the distance.
async fn search(
    means: &Means<'_>,
    ahead: i64,
    longest: i64,
    seen: &mut Vec<(i64, Fate)>,
) -> Result<(), Unmeasured> {
    let mut remembered = 0;
    let mut other = None;
    for delay in delays(longest) {
        let fate = fate(means, ahead, delay).await?;
        seen.push((delay, fate));
        if fate != Fate::Remembered {
            other = Some(delay);
            break;
        }
        remembered = delay;
    }
    let Some(mut other) = other else { return Ok(()) };
    while other - remembered > 1 {
        let middle = remembered.midpoint(other);
        let fate = fate(means, ahead, middle).await?;
        seen.push((middle, fate));
        if fate == Fate::Remembered {
            remembered = middle;
        } else {
            other = middle;
        }
    }
    Ok(())
}

async fn fate(means: &Means<'_>, ahead: i64, delay: i64) -> Result<Fate, Unmeasured> {
    let mut bench = means.bench().await?;
    bench.without_needless_nonce();
    bench.must_accept(&named(FIRST, dated(ahead))).await?;
    if delay > 0 {
        means.clock.sleep(Duration::from_secs(delay.unsigned_abs())).await;
    }
    if !bench.accepts(&twin()).await? {
        return Ok(Fate::Outlived);
    }
    if bench.accepts(&resent()).await? {
        return Ok(Fate::Forgotten);
    }
    // It may have become too old just now.
    Ok(if bench.accepts(&twin()).await? { Fate::Remembered } else { Fate::Outlived })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        assert_eq!(delays(0), [0]);
        assert_eq!(delays(1), [0, 1]);
        assert_eq!(delays(10), [0, 1, 2, 4, 8, 10]);
        assert_eq!(delays(8), [0, 1, 2, 4, 8]);
    }
}
