use crate::judge::{Compliance, Judgement, Verdict, judge_answer, judge_code};
use crate::plan::Selected;
use crate::run::{Exchange, Transcript, Turn};
use crate::scenario::{AnswerCheck, Case, CaseKind, Endpoint, Expect, Rules};

use super::Suite;
use super::outcome::Outcome;
use super::preflight;

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
            let stopped = self.stop.is_requested().then(|| self.stop.why().to_owned());
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
        let seen: Vec<Seen<'_>> = checks
            .iter()
            .chain(played)
            .flat_map(|outcome| seen(&outcome.id, self.case(&outcome.id), &outcome.transcript, check))
            .collect();
        let outcome = |judgement, transcript, reproduced| {
            Outcome::new(case, self.setup.profile, judgement, transcript, reproduced)
        };
        if seen.is_empty() {
            return outcome(Judgement::skip(absent(check)), Transcript::new(), None);
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

    fn case(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|known| known.case.id == id).map(|known| known.case)
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
        seen(id, self.case(id), &transcript, check).any(|seen| verdict_of(seen.compliance) == worst)
    }
}

struct Seen<'a> {
    case: &'a str,
    exchange: &'a Exchange,
    compliance: Compliance,
}

/// Why there is nothing to judge.
fn absent(check: AnswerCheck) -> &'static str {
    match check {
        AnswerCheck::ErrorPlace => "no refusal offered several schemes",
        AnswerCheck::Authority => "nothing was refused for want of authority",
        AnswerCheck::Status
        | AnswerCheck::Challenge
        | AnswerCheck::Error
        | AnswerCheck::ErrorKind
        | AnswerCheck::Fault
        | AnswerCheck::NonceField
        | AnswerCheck::NonceStatus
        | AnswerCheck::OneNonce
        | AnswerCheck::NonceCharacters
        | AnswerCheck::Uncached
        | AnswerCheck::EndlessChallenge
        | AnswerCheck::SuccessNonce
        | AnswerCheck::NonceAlways
        | AnswerCheck::Syntax
        | AnswerCheck::NoCredentials
        | AnswerCheck::Algs
        | AnswerCheck::ProxyChallenge
        | AnswerCheck::Leak
        | AnswerCheck::NotShared
        | AnswerCheck::ExposedChallenge
        | AnswerCheck::ExposedNonce
        | AnswerCheck::Preflight
        | AnswerCheck::OriginCredentials => "no such answer was seen",
    }
}

/// The answers in the transcript of a case to which a check applies. A preflight check has no case.
fn seen<'a>(
    id: &'a str,
    case: Option<&'a Case>,
    transcript: &'a [Exchange],
    check: AnswerCheck,
) -> impl Iterator<Item = Seen<'a>> {
    transcript.iter().filter_map(move |exchange| {
        let compliance = match check {
            AnswerCheck::ErrorKind => case.map_or(Compliance::NotApplicable, |case| {
                judge_code(exchange, fitting_codes(case, exchange.turn))
            }),
            check if applies(check, case, exchange) => judge_answer(check, exchange),
            _ => Compliance::NotApplicable,
        };
        match compliance {
            Compliance::NotApplicable => None,
            compliance => Some(Seen { case: id, exchange, compliance }),
        }
    })
}

/// Whether a check means the answers of this case: those to what is refused for want of authority are not about a proof.
fn applies(check: AnswerCheck, case: Option<&Case>, exchange: &Exchange) -> bool {
    let by_case = case.is_some_and(|case| case.kind.is_about_authority());
    let malformed = || {
        case.and_then(|case| fitting_codes(case, exchange.turn).first())
            .is_some_and(|code| code == "invalid_request")
    };
    match check {
        // A malformed request is answered with 400 (RFC 6750 section 3.1).
        AnswerCheck::Status => !by_case && !malformed(),
        AnswerCheck::Error => !by_case,
        AnswerCheck::Authority => {
            matches!(exchange.turn, Turn::Step(_)) && (by_case || exchange.at == Endpoint::Forbidden)
        }
        AnswerCheck::Challenge
        | AnswerCheck::ErrorKind
        | AnswerCheck::ErrorPlace
        | AnswerCheck::Fault
        | AnswerCheck::NonceField
        | AnswerCheck::NonceStatus
        | AnswerCheck::OneNonce
        | AnswerCheck::NonceCharacters
        | AnswerCheck::Uncached
        | AnswerCheck::EndlessChallenge
        | AnswerCheck::SuccessNonce
        | AnswerCheck::NonceAlways
        | AnswerCheck::Syntax
        | AnswerCheck::NoCredentials
        | AnswerCheck::Algs
        | AnswerCheck::ProxyChallenge
        | AnswerCheck::Leak
        | AnswerCheck::NotShared
        | AnswerCheck::ExposedChallenge
        | AnswerCheck::ExposedNonce
        | AnswerCheck::Preflight
        | AnswerCheck::OriginCredentials => true,
    }
}

/// The error codes that a case has for what is wrong with the request of one of its steps.
fn fitting_codes(case: &Case, turn: Turn) -> &[String] {
    match (&case.kind, turn) {
        (CaseKind::Script { expects, .. }, Turn::Step(at)) => match expects.get(at) {
            Some(Expect::Reject(codes)) => codes,
            Some(
                Expect::Accept | Expect::Answer | Expect::Challenge | Expect::AcceptsExactly(_) | Expect::Any,
            )
            | None => &[],
        },
        (
            CaseKind::Script { .. } | CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_),
            _,
        ) => &[],
    }
}
