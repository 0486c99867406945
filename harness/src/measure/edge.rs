use super::Unmeasured;

/// This close to an edge the majority of three decides: servers may answer from nodes that are a second apart.
const NEAR: i64 = 4;

/// Where the good end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    /// The last that was good.
    pub(super) good: i64,
    /// The first that was not; none where all were good.
    pub(super) bad: Option<i64>,
}

/// The last good number of `from..=to`, by bisection; `from` is known to be good. `is_good` is told how often to try.
pub(super) async fn last(
    from: i64,
    to: i64,
    mut is_good: impl AsyncFnMut(i64, usize) -> Result<bool, Unmeasured>,
) -> Result<Last, Unmeasured> {
    if from >= to || is_good(to, 1).await? {
        return Ok(Last { good: from.max(to), bad: None });
    }
    let (mut good, mut bad) = (from, to);
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        let tries = if bad - good <= NEAR { 3 } else { 1 };
        if is_good(middle, tries).await? {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Ok(Last { good, bad: Some(bad) })
}

/// The same where the edge is likely to be near `from`: in doubled steps up to `to`, and by bisection in the last one.
pub(super) async fn last_from_below(
    from: i64,
    to: i64,
    mut is_good: impl AsyncFnMut(i64, usize) -> Result<bool, Unmeasured>,
) -> Result<Last, Unmeasured> {
    let (mut good, mut step) = (from, from.max(1));
    while good < to {
        let next = good.saturating_add(step).min(to);
        if !is_good(next, 1).await? {
            // It was bad just now; asking again costs one request.
            return last(good, next, is_good).await;
        }
        (good, step) = (next, step.saturating_mul(2));
    }
    Ok(Last { good, bad: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn edges_are_found_to_the_one() {
        for edge in [0, 1, 4, 59, 60, 299, 300, 598, 599] {
            let mut asked = 0;
            let found = last(0, 600, async |number, _| {
                asked += 1;
                Ok(number <= edge)
            });
            assert_eq!(found.await, Ok(Last { good: edge, bad: Some(edge + 1) }));
            assert!(asked <= 11, "{asked}");
            let found = last_from_below(0, 600, async |number, _| Ok(number <= edge)).await;
            assert_eq!(found, Ok(Last { good: edge, bad: Some(edge + 1) }));
        }
        for search in [600, 601, 10_000] {
            assert_eq!(last(0, 600, async |n, _| Ok(n <= search)).await, Ok(Last { good: 600, bad: None }));
            let below = last_from_below(1, 600, async |n, _| Ok(n <= search)).await;
            assert_eq!(below, Ok(Last { good: 600, bad: None }));
        }
    }

    #[tokio::test]
    async fn close_to_the_edge_the_majority_decides() {
        let mut tries = Vec::new();
        let found = last(0, 100, async |number, times| {
            tries.push((number, times));
            Ok(number <= 42)
        });
        found.await.expect("every probe has an answer");
        assert!(tries.iter().any(|(number, times)| (number - 42).abs() <= 1 && *times == 3), "{tries:?}");
        assert!(tries.iter().any(|(_, times)| *times == 1), "{tries:?}");
    }

    #[tokio::test]
    async fn what_is_no_answer_ends_the_search() {
        assert_eq!(last(0, 9, async |_, _| Err(Unmeasured::Cap)).await, Err(Unmeasured::Cap));
    }
}
