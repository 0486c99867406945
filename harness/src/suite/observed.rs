use std::time::Duration;

use crate::judge::{Judgement, Verdict};
use crate::plan::Selected;
use crate::run::{Cast, Decision, Session, Transcript, Turn};
use crate::scenario::Rules;
use crate::target::{ObserveError, Observer};

use super::Suite;
use super::performance::{Take, joined};

/// How often to look whether a refusal shows by now, and how long to wait between.
const LOOKS: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);

impl Suite<'_> {
    /// Performs a case whose refusals have to show at `observer`. No other case is performed meanwhile.
    pub(super) async fn take_observed(
        &self,
        case: Selected<'_>,
        session: &mut Session<'_>,
        cast: &Cast,
        observer: &Observer,
    ) -> Result<Take, String> {
        let unseen = |transcript, error: ObserveError| {
            let why = self.redactor.clean(&format!("can't count refusals (observe): {error}"));
            Ok(Take::of(transcript, Judgement::inconclusive(why)))
        };
        let mut transcript = Transcript::new();
        self.setup.clock.sleep(observer.lag()).await; // for what came before
        let at_first = match observer.count().await {
            Ok(count) => count,
            Err(error) => return unseen(transcript, error),
        };
        session.control(cast, Turn::ControlBefore, &mut transcript).await;
        self.setup.clock.sleep(observer.lag()).await;
        let before = match observer.count().await {
            Ok(count) => count,
            Err(error) => return unseen(transcript, error),
        };
        let challenges = transcript.iter().filter(|exchange| exchange.seen.decision == Decision::Challenge);
        let over_a_correct_request = before.saturating_sub(at_first);
        let allowed = u64::try_from(challenges.count()).unwrap_or(u64::MAX);

        let take = self.take_at(case, session, cast).await?;
        let refusals = take.run.transcript.iter().enumerate().filter(|(_, exchange)| {
            matches!(exchange.turn, Turn::Step(_)) && exchange.seen.decision == Decision::Reject
        });
        let refusals: Vec<usize> = refusals.map(|(at, _)| at + transcript.len()).collect();
        let refused = u64::try_from(refusals.len()).unwrap_or(u64::MAX);
        let mut counted = 0;
        for _ in 0..LOOKS {
            counted = match observer.count().await {
                Ok(count) => count.saturating_sub(before),
                Err(error) => return unseen(joined(transcript, take.run.transcript), error),
            };
            if counted >= refused {
                break;
            }
            self.setup.clock.sleep(PAUSE).await;
        }
        let judgement = if take.judgement.verdict.is_finding() {
            Judgement::skip("a request that must be refused was accepted, which other cases are about")
        } else if take.judgement.verdict != Verdict::Pass {
            take.judgement.behind(transcript.len())
        } else if counted < refused {
            let level = Rules::of(self.setup.profile).level(case.case);
            Judgement {
                verdict: Verdict::of_violation(level),
                reason: Some(format!("of {refused} refused requests {counted} were counted (observe)")),
                decisive: refusals.last().copied(),
            }
        } else if over_a_correct_request > allowed {
            Judgement::inconclusive(format!(
                "the count of refusals grew by {over_a_correct_request} over a correct request: it counts something else, \
                 or others use the server (observe)"
            ))
        } else {
            take.judgement.behind(transcript.len())
        };
        Ok(Take::of(joined(transcript, take.run.transcript), judgement))
    }
}
