use std::sync::PoisonError;
use std::time::Duration;

use crate::judge::{Judgement, judge};
use crate::plan::Selected;
use crate::run::{Cast, Decision, Ending, Needs, Run, Session, Transcript, Turn};
use crate::scenario::CaseKind;

use super::Suite;
use super::outcome::Outcome;

/// How long to wait before a target that failed a control is asked once more.
const PATIENCE: Duration = Duration::from_millis(300);

impl Suite<'_> {
    /// A case that is not performed.
    pub(super) fn skipped(&self, case: Selected<'_>, why: &str) -> Outcome {
        Outcome::new(case, self.setup.profile, Judgement::skip(why), Transcript::new(), None)
    }

    /// Performs one case. What looks like a fault of the target is performed once more, with fresh key and token.
    pub(super) async fn perform(&self, case: Selected<'_>, session: &mut Session<'_>) -> Outcome {
        let CaseKind::Script { script, expects } = &case.case.kind else {
            return self.skipped(case, "it sends nothing");
        };
        if let Some(why) = self.traits.unmet(case.case) {
            return self.skipped(case, why);
        }
        if let Some(why) = self.lost_because() {
            return self.skipped(case, &why);
        }
        let level = self.setup.profile.level(case.case.level);
        let needs = Needs::of(script);
        let controlled = !case.case.kind.expects_acceptance();
        let play = async |session: &mut Session<'_>, cast: Result<Cast, _>| match cast {
            Ok(cast) => {
                let run = session.play(script, expects, &cast, controlled).await;
                let judgement = judge(&run, expects, level, case.case.excused_by);
                (run, judgement)
            }
            Err(error) => no_token(&self.redactor.clean(&format!("{error}"))),
        };

        let (run, judgement) = play(session, self.cast(needs).await).await;
        if troubled(&run)
            && let Err(why) = self.still_there(case).await
        {
            return self.skipped(case, &why);
        }
        let broken = matches!(run.ending, Ending::ControlBefore | Ending::ControlAfter);
        if !judgement.verdict.is_finding() && !broken {
            return Outcome::new(case, self.setup.profile, judgement, run.transcript, None);
        }

        // Once more, with nothing left from the first time.
        let mut fresh = self.session();
        let (again, second) = play(&mut fresh, self.fresh_cast(needs).await).await;
        let finding =
            [&judgement, &second].into_iter().find(|judgement| judgement.verdict.is_finding()).cloned();
        let Some(finding) = finding else {
            // A control that failed once and not again: what the second time shows, counts.
            return Outcome::new(case, self.setup.profile, second, joined(run, again).0, None);
        };
        let reproduced = judgement.verdict == second.verdict;
        if reproduced
            && !controlled
            && let Err(why) = self.still_there(case).await
        {
            return self.skipped(case, &why);
        }
        let (transcript, offset) = joined(run, again);
        let judgement = if reproduced {
            Judgement { decisive: second.decisive.map(|at| at + offset), ..second }
        } else {
            Judgement::inconclusive(format!("not reproducible: {}", finding.reason.unwrap_or_default()))
        };
        let times = (1 + usize::from(reproduced), 2);
        Outcome::new(case, self.setup.profile, judgement, transcript, Some(times))
    }

    pub(super) fn lost_because(&self) -> Option<String> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.as_ref().map(|_| "the target was lost, see rs.preflight.control".to_owned())
    }

    /// Whether the target still accepts a correct request by a new client. If not, the run gives it up: that is one
    /// finding, and everything that is left is skipped.
    async fn still_there(&self, during: Selected<'_>) -> Result<(), String> {
        let mut last = String::new();
        for attempt in 0..2 {
            if attempt > 0 {
                self.setup.clock.sleep(PATIENCE).await;
            }
            let mut session = Session { nonce: None, ..self.session() }; // as a client that was never here before
            last = match self.fresh_cast(Needs::default()).await {
                Ok(cast) => {
                    let seen = session.control(&cast, Turn::ControlAfter, &mut Transcript::new()).await;
                    if seen.decision == Decision::Accept {
                        return Ok(());
                    }
                    format!("a correct request was answered {seen}")
                }
                Err(error) => self.redactor.clean(&error.to_string()),
            };
        }
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert_with(|| format!("lost during {}: {last}", during.case.id));
        Err("the target was lost, see rs.preflight.control".to_owned())
    }
}

/// Whether something happened that makes one ask if the target is still there.
fn troubled(run: &Run) -> bool {
    let nothing = |exchange: &crate::run::Exchange| exchange.seen.decision == Decision::NoAnswer;
    matches!(run.ending, Ending::ControlBefore | Ending::ControlAfter) || run.transcript.iter().any(nothing)
}

fn no_token(why: &str) -> (Run, Judgement) {
    let run = Run { transcript: Transcript::new(), ending: Ending::Played };
    (run, Judgement::inconclusive(format!("no access token: {why}")))
}

/// Both transcripts, and where the second begins.
fn joined(first: Run, second: Run) -> (Transcript, usize) {
    let mut transcript = first.transcript;
    let offset = transcript.len();
    transcript.extend(second.transcript);
    (transcript, offset)
}
