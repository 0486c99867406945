use crate::judge::{Compliance, Judgement, Verdict, judge_answer};
use crate::plan::Selected;
use crate::run::{Exchange, Transcript};
use crate::scenario::{AnswerCheck, CaseKind, Rules};

use super::outcome::Outcome;
use super::preflight;
use super::{INTERRUPTED, Suite};

/// How many deviating cases a reason names.
const NAMED: usize = 3;

impl Suite<'_> {
    /// Judges how refusals are worded, over everything that was seen in the run.
    pub(super) async fn judge_answers(
        &self,
        selected: &[Selected<'_>],
        played: &[Outcome],
        checks: &[Outcome],
        obstacle: Option<&str>,
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for case in selected {
            let CaseKind::Answers(check) = case.case.kind else { continue };
            let stopped = self.stop.is_requested().then(|| INTERRUPTED.to_owned());
            let unmet = self.traits.unmet(case.case);
            let outcome = match (stopped.or_else(|| self.lost_because()), obstacle, unmet) {
                (Some(why), ..) | (None, None, Some(why)) => self.skipped(*case, &why),
                // What the preflight saw may be a fault whatever stood in the way of the rest.
                (None, Some(why), None) if check.needs_no_control() => {
                    let seen = self.judge_answer(*case, check, &[], checks).await;
                    if seen.verdict.is_finding() { seen } else { self.skipped(*case, why) }
                }
                (None, Some(why), _) => self.skipped(*case, why),
                (None, None, None) => {
                    let outcome = self.judge_answer(*case, check, played, checks).await;
                    // It may be lost over looking for a deviation once more.
                    match self.lost_because() {
                        Some(why) => self.skipped(*case, &why),
                        None => outcome,
                    }
                }
            };
            self.finished(&outcome);
            outcomes.push(outcome);
        }
        outcomes
    }

    async fn judge_answer(
        &self,
        case: Selected<'_>,
        check: AnswerCheck,
        played: &[Outcome],
        checks: &[Outcome],
    ) -> Outcome {
        let level = Rules::of(self.setup.profile).level(case.case);
        let of_proofs = matches!(check, AnswerCheck::Status | AnswerCheck::Error);
        let is_about_authority = |outcome: &&Outcome| {
            self.cases.iter().any(|known| known.case.id == outcome.id && known.case.kind.is_about_authority())
        };
        let seen: Vec<Seen<'_>> = checks
            .iter()
            .chain(played)
            .filter(|outcome| !(of_proofs && is_about_authority(outcome)))
            .flat_map(|outcome| seen(&outcome.id, &outcome.transcript, check))
            .collect();
        let outcome = |judgement, transcript, reproduced| {
            Outcome::new(case, self.setup.profile, judgement, transcript, reproduced)
        };
        if seen.is_empty() {
            return outcome(Judgement::skip("no such answer was seen"), Transcript::new(), None);
        }
        let verdict_of = |compliance: Compliance| match compliance {
            Compliance::NotApplicable | Compliance::Complies => Verdict::Pass,
            // What the field tolerates, a profile that asks for more does not.
            Compliance::Tolerated(_) if level < case.case.level => Verdict::of_violation(level),
            Compliance::Tolerated(_) => Verdict::Note,
            Compliance::Weak(_) => Verdict::Warn.min(Verdict::of_violation(level)),
            Compliance::Deviates(_) => Verdict::of_violation(level),
        };
        let worst = seen.iter().map(|seen| verdict_of(seen.compliance)).max().unwrap_or(Verdict::Pass);
        let deviating: Vec<&Seen<'_>> =
            seen.iter().filter(|seen| verdict_of(seen.compliance) == worst).collect();
        let transcript: Transcript = deviating.iter().take(NAMED).map(|seen| seen.exchange.clone()).collect();
        let (Compliance::Tolerated(what) | Compliance::Weak(what) | Compliance::Deviates(what)) =
            deviating.first().map_or(Compliance::Complies, |seen| seen.compliance)
        else {
            let judgement = Judgement { verdict: Verdict::Pass, reason: None, decisive: Some(0) };
            return outcome(judgement, transcript, None);
        };
        let mut cases: Vec<&str> = deviating.iter().map(|seen| seen.case).collect();
        cases.dedup();
        let named = cases.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more =
            if cases.len() > NAMED { format!(" and {} more", cases.len() - NAMED) } else { String::new() };
        let reason = format!("{what}: {} of {} answers, in {named}{more}", deviating.len(), seen.len());
        let judgement = Judgement { verdict: worst, reason: Some(reason), decisive: Some(0) };
        if !worst.is_finding() {
            return outcome(judgement, transcript, None);
        }
        // Two answers that were odd once each are no deviation seen twice: one of them has to be odd again.
        let mut again = false;
        for id in cases.iter().take(NAMED) {
            again = again || self.seen_again(id, check, &verdict_of, worst).await;
        }
        if again {
            let times = deviating.len() + 1;
            outcome(judgement, transcript, Some((times, times)))
        } else {
            let reason = format!("not reproducible: {}", judgement.reason.unwrap_or_default());
            outcome(Judgement::inconclusive(reason), transcript, Some((1, 2)))
        }
    }

    /// Performs the case in which a deviation was seen once more, and looks for it.
    async fn seen_again(
        &self,
        id: &str,
        check: AnswerCheck,
        verdict_of: &dyn Fn(Compliance) -> Verdict,
        worst: Verdict,
    ) -> bool {
        let transcript = match self.cases.iter().find(|case| case.case.id == id) {
            Some(case) => self.perform(*case, &mut self.session()).await.transcript,
            None => preflight::requests_again(self.setup, self.redactor).await,
        };
        seen(id, &transcript, check).any(|seen| verdict_of(seen.compliance) == worst)
    }
}

struct Seen<'a> {
    case: &'a str,
    exchange: &'a Exchange,
    compliance: Compliance,
}

/// The answers in the transcript of a case to which a check applies.
fn seen<'a>(case: &'a str, transcript: &'a [Exchange], check: AnswerCheck) -> impl Iterator<Item = Seen<'a>> {
    transcript.iter().filter_map(move |exchange| match judge_answer(check, exchange) {
        Compliance::NotApplicable => None,
        compliance => Some(Seen { case, exchange, compliance }),
    })
}
