use std::time::Duration;

use crate::judge::Verdict;
use crate::measure::{
    ClockSkew, Contradiction, Facts, Means, Origin, Unmeasured, contradictions, measure as measure_facts,
};
use crate::scenario::Scenario;
use crate::spec::Fact;

use super::health::Health;
use super::{Setup, Stop, preflight, redactor};

/// What was measured of a target.
#[derive(Debug)]
pub struct Measured {
    /// What the preflight found out.
    pub health: Health,
    /// What it noted beside that.
    pub notes: Vec<String>,
    /// What was measured, and why the rest was not.
    pub facts: Facts,
    /// What dpop.yaml says otherwise.
    pub contradictions: Vec<Contradiction>,
    /// How many requests that took.
    pub requests: usize,
}

/// Measures the wanted facts, where the preflight passes; what takes time is waited for as long as `budget` in all on a clock
/// that leaps, and otherwise for each fact that takes some. When `stop` is requested, what was measured until then comes back.
pub async fn measure(
    stop: &Stop,
    setup: &Setup,
    scenarios: &[Scenario],
    wanted: &[Fact],
    budget: Duration,
) -> Measured {
    let (target, redactor) = (setup.target.as_ref(), redactor(setup));
    let before = target.requests_left();
    let found = preflight::run(setup, stop, scenarios, &[], &redactor).await;
    let health = found.health;
    let mut facts = Facts::default();
    let is_wanted = |fact| wanted.contains(&fact);
    if is_wanted(Fact::Skew) && health.answered.as_ref().is_some_and(|seen| seen.nothing.is_none()) {
        facts.skew = Some(Ok(ClockSkew {
            seconds: health.skew.map(|skew| skew.milliseconds() as f64 / 1000.0),
            time: health.time.name(),
        }));
    }
    match found.obstacle {
        Some(obstacle) => {
            let why = if stop.is_requested() {
                Unmeasured::Interrupted
            } else {
                Unmeasured::Trouble(health.trouble.as_ref().map_or(obstacle, ToString::to_string))
            };
            facts.give_up(wanted, &why);
        }
        None => {
            if is_wanted(Fact::Origin) {
                let (origin, requested) = (health.htu.origin(), health.url.origin());
                facts.origin = Some(Ok(Origin { origin, requested }));
            }
            let means = Means {
                target,
                call: &setup.call,
                places: &setup.places,
                source: setup.source.as_ref(),
                pool: found.pool,
                alg: found.alg,
                clock: setup.clock.as_ref(),
                ahead: health.time.ahead(),
                entropy: setup.entropy.as_ref(),
                redactor: &redactor,
                nonce: health.nonce,
                budget,
            };
            tokio::select! {
                biased;
                () = stop.requested() => {}
                () = measure_facts(&means, wanted, &mut facts) => {}
            }
            facts.give_up(wanted, &Unmeasured::Interrupted);
        }
    }
    let noted = found.outcomes.into_iter().filter(|outcome| outcome.verdict == Verdict::Note);
    Measured {
        health,
        notes: noted.filter_map(|outcome| outcome.reason).collect(),
        contradictions: contradictions(&setup.capabilities, &facts),
        facts,
        requests: before.saturating_sub(target.requests_left()),
    }
}
