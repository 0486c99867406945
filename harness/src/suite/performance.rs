use std::sync::PoisonError;
use std::time::Duration;

use crate::judge::{Judgement, Verdict, judge};
use crate::plan::Selected;
use crate::proof::Script;
use crate::run::{Cast, CastError, Decision, Ending, Observation, Run, Session, Transcript, Turn};
use crate::scenario::{CaseKind, PreflightCheck};
use crate::target::NoAnswer;

use super::Suite;
use super::health::Time;
use super::outcome::Outcome;

/// How long to wait before a target that failed a control is asked once more.
const PATIENCE: Duration = Duration::from_millis(300);

/// Why a run was given up: one finding, in the place of a preflight check that had passed.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) check: PreflightCheck,
    pub(super) why: String,
    /// Why everything that is left is skipped.
    skip: &'static str,
}

impl Lost {
    fn of(during: Selected<'_>, seen: &Observation) -> Self {
        let id = &during.case.id;
        let (why, skip) = match &seen.nothing {
            Some(NoAnswer::CapReached) => (
                format!("stopped during {id}: {}", NoAnswer::CapReached),
                "the cap on requests (limits.max-requests) was reached",
            ),
            _ => (
                format!("lost during {id}: a correct request was answered {seen}"),
                "the target was lost, see rs.preflight.control",
            ),
        };
        Self { check: PreflightCheck::Control, why, skip }
    }

    fn without_token(during: Selected<'_>, error: &str) -> Self {
        Self {
            check: PreflightCheck::Token,
            why: format!("no access token during {}: {error}", during.case.id),
            skip: "there were no more access tokens, see rs.preflight.token",
        }
    }
}

/// One performance and what it means.
struct Take {
    run: Run,
    judgement: Judgement,
    /// Whether there was a token to perform it with.
    performed: bool,
}

impl Suite<'_> {
    /// A case that is not performed.
    pub(super) fn skipped(&self, case: Selected<'_>, why: &str) -> Outcome {
        Outcome::new(case, self.setup.profile, Judgement::skip(why), Transcript::new(), None)
    }

    /// Performs one case. What looks like a fault of the target is performed once more, with fresh key and token.
    pub(super) async fn perform(&self, case: Selected<'_>, session: &mut Session<'_>) -> Outcome {
        match self.confirmed(case, session).await {
            Ok(outcome) => outcome,
            Err(why) => self.skipped(case, &why),
        }
    }

    /// The outcome of a case, or why there is none.
    async fn confirmed(&self, case: Selected<'_>, session: &mut Session<'_>) -> Result<Outcome, String> {
        let CaseKind::Script { script, .. } = &case.case.kind else {
            return Err("it sends nothing".to_owned());
        };
        let unmet = self.traits.unmet(case.case);
        if let Some(why) = unmet.or_else(|| self.lost_because()) {
            return Err(why);
        }
        let outcome = |judgement, transcript, reproduced| {
            Outcome::new(case, self.setup.profile, judgement, transcript, reproduced)
        };

        let first = self.settled(case, session, self.cast(script).await).await?;
        if !first.judgement.verdict.is_finding() {
            return Ok(outcome(first.judgement, first.run.transcript, None));
        }

        // Once more, with nothing left from the first time.
        let again =
            self.settled(case, &mut self.session_to_confirm(script), self.fresh_cast(script).await).await?;
        let reproduced = again.judgement.verdict == first.judgement.verdict;
        let finding = first.judgement.reason.unwrap_or_default();
        let judgement = if reproduced {
            again.judgement.behind(first.run.transcript.len())
        } else if again.performed && is_timed(script) && matches!(self.time, Time::Either(_)) {
            Judgement::inconclusive(format!(
                "seen by our clock and not by that of the target, which differ: {finding}"
            ))
        } else if again.performed {
            Judgement::inconclusive(format!("not reproducible: {finding}"))
        } else {
            let why = again.judgement.reason.unwrap_or_default();
            Judgement::inconclusive(format!(
                "seen once, and could not be looked for again ({why}): {finding}"
            ))
        };
        let times = (1 + usize::from(reproduced), 1 + usize::from(again.performed));
        Ok(outcome(judgement, joined(first.run.transcript, again.run.transcript), Some(times)))
    }

    /// The conversation in which a finding is looked for again: by the other clock where two were accepted and the case
    /// depends on the time, so that no clock that is wrong makes an accusation.
    fn session_to_confirm(&self, script: &Script) -> Session<'_> {
        let ahead = if is_timed(script) { self.time.ahead_to_confirm() } else { self.time.ahead() };
        Session { ahead, ..self.session() }
    }

    /// Performs a case, and once more where a control failed: a control that fails once shows nothing, and what the next
    /// time shows, counts.
    async fn settled(
        &self,
        case: Selected<'_>,
        session: &mut Session<'_>,
        cast: Result<Cast, CastError>,
    ) -> Result<Take, String> {
        let first = self.take(case, session, cast).await?;
        if first.judgement.verdict.is_finding() || !control_failed(&first.run) {
            return Ok(first);
        }
        let CaseKind::Script { script, .. } = &case.case.kind else { return Ok(first) };
        let mut anew = Session { ahead: session.ahead, ..self.session() };
        let again = self.take(case, &mut anew, self.fresh_cast(script).await).await?;
        let judgement = again.judgement.behind(first.run.transcript.len());
        let transcript = joined(first.run.transcript, again.run.transcript);
        Ok(Take { run: Run { transcript, ending: again.run.ending }, judgement, performed: again.performed })
    }

    /// Performs a case once and judges it; or why there is nothing to judge: the target was lost over it.
    async fn take(
        &self,
        case: Selected<'_>,
        session: &mut Session<'_>,
        cast: Result<Cast, CastError>,
    ) -> Result<Take, String> {
        let CaseKind::Script { script, expects } = &case.case.kind else {
            return Err("it sends nothing".to_owned());
        };
        let cast = match cast {
            Ok(cast) => cast,
            Err(error @ CastError::Algorithm(_)) => return Err(error.to_string()),
            Err(error) => {
                let why = self.redactor.clean(&format!("no access token: {error}"));
                let run = Run { transcript: Transcript::new(), ending: Ending::Played };
                return Ok(Take { run, judgement: Judgement::inconclusive(why), performed: false });
            }
        };
        if let Some(alg) = script.client.alg
            && cast.own.key.alg() != alg
        {
            return Err(format!("the token source makes its own keys, and not for {}", alg.name()));
        }
        let controlled = !case.case.kind.expects_acceptance();
        let run = session.play(script, expects, &cast, controlled).await;
        let level = self.setup.profile.level(case.case.level);
        let judgement = judge(&run, expects, level, case.case.excused_by);
        // Where no control tells, a correct request that was not accepted makes one ask if the target is still there.
        let doubtful = !controlled && !matches!(judgement.verdict, Verdict::Pass | Verdict::Skip);
        if doubtful || control_failed(&run) || run.transcript.iter().any(unanswered) {
            self.still_there(case).await?;
        }
        Ok(Take { run, judgement, performed: true })
    }

    pub(super) fn lost_because(&self) -> Option<String> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.as_ref().map(|lost| lost.skip.to_owned())
    }

    /// Whether the target still accepts a correct request by a new client. If not, the run gives it up: that is one
    /// finding, and everything that is left is skipped.
    async fn still_there(&self, during: Selected<'_>) -> Result<(), String> {
        let mut found = self.ask_for_control(during).await;
        if found.is_err() {
            self.setup.clock.sleep(PATIENCE).await;
            found = self.ask_for_control(during).await;
        }
        let Err(reason) = found else { return Ok(()) };
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        Err(lost.get_or_insert(reason).skip.to_owned())
    }

    async fn ask_for_control(&self, during: Selected<'_>) -> Result<(), Lost> {
        let mut session = Session { nonce: None, ..self.session() }; // as a client that was never here before
        let cast = self
            .fresh_cast(&Script::default())
            .await
            .map_err(|error| Lost::without_token(during, &self.redactor.clean(&error.to_string())))?;
        let seen = session.control(&cast, Turn::ControlAfter, &mut Transcript::new()).await;
        if seen.decision == Decision::Accept { Ok(()) } else { Err(Lost::of(during, &seen)) }
    }
}

/// Whether what a script sends depends on the time.
fn is_timed(script: &Script) -> bool {
    script.steps.iter().any(|step| step.proof.iat.is_some() || !step.token.shift.is_empty())
}

fn joined(mut first: Transcript, second: Transcript) -> Transcript {
    first.extend(second);
    first
}

fn control_failed(run: &Run) -> bool {
    matches!(run.ending, Ending::ControlBefore | Ending::ControlAfter)
}

fn unanswered(exchange: &crate::run::Exchange) -> bool {
    exchange.seen.decision == Decision::NoAnswer
}
