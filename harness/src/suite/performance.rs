use std::sync::PoisonError;
use std::time::Duration;

use crate::judge::{Judgement, Verdict, judge};
use crate::plan::Selected;
use crate::proof::{OmittedField, Script, Step};
use crate::run::{Cast, CastError, Decision, Elsewhere, Ending, Observation, Run, Session, Transcript, Turn};
use crate::scenario::{CaseKind, Endpoint, PreflightCheck, Rules};
use crate::target::NoAnswer;
use crate::target::tokens::TokenError;

use super::Suite;
use super::health::{Time, Trouble};
use super::outcome::Outcome;
use super::places::Place;

/// How long to wait before a target that failed a control is asked once more.
const PATIENCE: Duration = Duration::from_millis(300);

/// Why a run was given up: one finding, in the place of a preflight check that had passed.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) check: PreflightCheck,
    pub(super) why: String,
    /// Who has to do something.
    pub(super) trouble: Trouble,
    /// Why everything that is left is skipped.
    skip: &'static str,
}

impl Lost {
    fn of(during: Selected<'_>, seen: &Observation) -> Self {
        let id = &during.case.id;
        let trouble = Trouble::lost(seen);
        let (why, skip) = match &seen.nothing {
            Some(NoAnswer::CapReached) => (
                format!("stopped during {id}: {}", NoAnswer::CapReached),
                "the cap on requests (limits.max-requests) was reached",
            ),
            _ => (
                format!("lost during {id}: a correct request was answered {seen}; {trouble}"),
                "the target was lost, see rs.preflight.control",
            ),
        };
        Self { check: PreflightCheck::Control, why, trouble, skip }
    }

    fn without_token(during: Selected<'_>, error: &TokenError, why: &str) -> Self {
        Self {
            check: PreflightCheck::Token,
            why: format!("no access token during {}: {why}", during.case.id),
            trouble: Trouble::no_token(error, why),
            skip: "there were no more access tokens, see rs.preflight.token",
        }
    }
}

/// One performance and what it means.
pub(super) struct Take {
    pub(super) run: Run,
    pub(super) judgement: Judgement,
    /// Whether there was a token to perform it with.
    performed: bool,
    /// The place that the judgement is about; empty for the protected resource.
    place: String,
}

impl Take {
    /// What was performed to its end, and what it means.
    pub(super) fn of(transcript: Transcript, judgement: Judgement) -> Self {
        let run = Run::ended(transcript, Ending::Played);
        Self { run, judgement, performed: true, place: String::new() }
    }

    /// Nothing was sent.
    fn not_performed(judgement: Judgement) -> Self {
        let run = Run::ended(Transcript::new(), Ending::Played);
        Self { run, judgement, performed: false, place: String::new() }
    }

    /// The same case here and at the next place: the worse judgement counts.
    fn and(self, next: Self) -> Self {
        let there = next.judgement.behind(self.run.transcript.len());
        let (judgement, place) =
            if there.outweighs(&self.judgement) { (there, next.place) } else { (self.judgement, self.place) };
        let ending = if control_failed(&self.run) { self.run.ending } else { next.run.ending };
        let transcript = joined(self.run.transcript, next.run.transcript);
        let performed = self.performed || next.performed;
        Self { run: Run::ended(transcript, ending), judgement, performed, place }
    }
}

impl Suite<'_> {
    /// A case that is not performed.
    pub(super) fn skipped(&self, case: Selected<'_>, why: &str) -> Outcome {
        Outcome::new(case, self.setup.profile, Judgement::skip(why), Transcript::new(), None)
    }

    /// Performs one case. What looks like a fault of the target is performed once more, with fresh key and token.
    pub(super) async fn perform(&self, case: Selected<'_>, session: &mut Session<'_>) -> Outcome {
        let withheld = self.setup.opt_in.withholds(case.case, self.setup.clock.leaps());
        if let (Some(why), None) = (withheld, self.traits.unmet(case.case)) {
            return Outcome { withheld: true, ..self.skipped(case, &why) };
        }
        if let CaseKind::Metadata(check) = case.case.kind {
            return self.judge_metadata(case, check).await;
        }
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

        if case.case.observed && self.setup.observer.is_none() {
            return Err("no `observe` in the config".to_owned());
        }
        self.places_of(case)?; // before a token is got for nothing
        let cast = match self.overheard(case)? {
            true => self.fresh_cast(script).await,
            false => self.cast(script).await,
        };
        let first = self.settled(case, session, cast).await?;
        if !first.judgement.verdict.is_finding() {
            return Ok(outcome(first.judgement, first.run.transcript, None));
        }

        // Once more, with nothing left from the first time.
        let again =
            self.settled(case, &mut self.session_to_confirm(script), self.fresh_cast(script).await).await?;
        let reproduced = again.judgement.verdict == first.judgement.verdict && again.place == first.place;
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

    /// Whether the token of a case is sent where it may be overheard, and so must be one that nobody needs afterwards; or
    /// why there is none to send.
    fn overheard(&self, case: Selected<'_>) -> Result<bool, String> {
        let CaseKind::Script { script, .. } = &case.case.kind else { return Ok(false) };
        let shows_token = |step: &Step| !step.request.omit.contains(&OmittedField::Authorization);
        let overheard = case.case.at.contains(&Endpoint::PlainHttp) && script.steps.iter().any(shows_token);
        if overheard && !self.setup.source.has_new_tokens() {
            return Err(
                "would send a token in the clear, and the token source has no new one for that".to_owned()
            );
        }
        Ok(overheard)
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
        let transcript = joined(first.run.transcript, again.run.transcript.clone());
        let run = Run { transcript, ..again.run };
        Ok(Take { run, judgement, performed: again.performed, place: again.place })
    }

    /// Performs a case once and judges it; or why there is nothing to judge: the target was lost over it.
    async fn take(
        &self,
        case: Selected<'_>,
        session: &mut Session<'_>,
        cast: Result<Cast, CastError>,
    ) -> Result<Take, String> {
        let CaseKind::Script { script, .. } = &case.case.kind else {
            return Err("it sends nothing".to_owned());
        };
        let cast = match cast {
            Ok(cast) => cast,
            Err(error @ CastError::Algorithm(_)) => return Err(error.to_string()),
            Err(error) => {
                let why = self.redactor.clean(&format!("no access token: {error}"));
                return Ok(Take::not_performed(Judgement::inconclusive(why)));
            }
        };
        if let Some(alg) = script.client.alg
            && cast.own.key.alg() != alg
        {
            return Err(format!("the token source makes its own keys, and not for {}", alg.name()));
        }
        let mut whole: Option<Take> = None;
        for place in self.places_of(case)? {
            let take = match place {
                Place::Resource => match &self.setup.observer {
                    Some(observer) if case.case.observed => {
                        self.take_observed(case, session, &cast, observer).await?
                    }
                    Some(_) | None => self.take_at(case, session, &cast).await?,
                },
                Place::Elsewhere(elsewhere, name) => {
                    let take = self.take_elsewhere(case, session, elsewhere, &cast).await?;
                    Take { judgement: take.judgement.about(&name), place: name, ..take }
                }
                Place::NotJudged(why) => Take::not_performed(Judgement::skip(why)),
            };
            whole = Some(match whole {
                Some(before) => before.and(take),
                None => take,
            });
        }
        whole.ok_or_else(|| "there is no place to send it to".to_owned())
    }

    /// Performs a case at another place than the protected resource.
    async fn take_elsewhere(
        &self,
        case: Selected<'_>,
        session: &mut Session<'_>,
        elsewhere: Elsewhere<'_>,
        cast: &Cast,
    ) -> Result<Take, String> {
        // A control there says nothing about the protected resource, and the reverse.
        let standing = if elsewhere.takes_controls { None } else { session.standing.take() };
        let nonce = session.nonce.clone();
        let ahead = session.ahead;
        let mut there = Session { elsewhere: Some(elsewhere), nonce, standing, ahead, ..self.session() };
        let take = self.take_at(case, &mut there, cast).await;
        session.nonce = there.nonce;
        if !elsewhere.takes_controls {
            session.standing = there.standing;
        }
        take
    }

    /// Performs a case where the session says.
    pub(super) async fn take_at(
        &self,
        case: Selected<'_>,
        session: &mut Session<'_>,
        cast: &Cast,
    ) -> Result<Take, String> {
        let CaseKind::Script { script, expects } = &case.case.kind else {
            return Err("it sends nothing".to_owned());
        };
        let controlled = !case.case.kind.expects_acceptance();
        let run = session.play(script, expects, cast, controlled).await;
        let level = Rules::of(self.setup.profile).level(case.case);
        let judgement = judge(&run, expects, level, case.case.excused_by);
        // Where no control tells, a correct request that was not accepted makes one ask if the target is still there.
        let doubtful = !controlled && !matches!(judgement.verdict, Verdict::Pass | Verdict::Skip)
            || matches!(run.ending, Ending::NotServed(..));
        if doubtful || control_failed(&run) || run.transcript.iter().any(unanswered) {
            self.still_there(case).await?;
        }
        Ok(Take { run, judgement, performed: true, place: String::new() })
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
            .map_err(|error| Lost::without_token(during, &error, &self.redactor.clean(&error.to_string())))?;
        let seen = session.control(&cast, Turn::ControlAfter, &mut Transcript::new()).await;
        if seen.decision == Decision::Accept { Ok(()) } else { Err(Lost::of(during, &seen)) }
    }
}

/// Whether what a script sends depends on the time.
fn is_timed(script: &Script) -> bool {
    script.steps.iter().any(|step| step.proof.iat.is_some() || !step.token.shift.is_empty())
}

pub(super) fn joined(mut first: Transcript, second: Transcript) -> Transcript {
    first.extend(second);
    first
}

fn control_failed(run: &Run) -> bool {
    matches!(run.ending, Ending::ControlBefore | Ending::ControlAfter)
}

fn unanswered(exchange: &crate::run::Exchange) -> bool {
    let ours = |why: &NoAnswer| why.is_not_sent() || *why == NoAnswer::Cut;
    // Nothing has to answer over plain HTTP.
    exchange.seen.decision == Decision::NoAnswer
        && exchange.at != Endpoint::PlainHttp
        && !exchange.seen.nothing.as_ref().is_some_and(ours)
}
