use crate::judge::{Judgement, Verdict};
use crate::plan::{Selected, Traits};
use crate::proof::Watch;
use crate::run::{Decision, Transcript};
use crate::scenario::{AnswerCheck, CaseKind, Expect, MetadataCheck, PreflightCheck, Rules, Scenario};
use crate::spec::{Level, Profile};
use crate::target::Waiver;

use super::health::Health;
use super::performance::Lost;
use super::{Setup, WaiverFault};

/// What an outcome is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The answers to the requests of a case.
    Requests,
    /// A property of all refusals of the run.
    Answers,
    /// Whether the target can be judged at all.
    Preflight,
}

/// The outcome of one case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// E.g. `rs.ath.missing`.
    pub id: String,
    /// E.g. `rs.ath`.
    pub scenario: String,
    /// What it is about.
    pub subject: Subject,
    /// The scenario's file.
    pub file: String,
    /// The line of the case in it.
    pub line: usize,
    /// What was sent, in words.
    pub title: String,
    /// Ids of ledger rows.
    pub spec: Vec<String>,
    /// How binding the case is, after the profile.
    pub level: Level,
    /// Weakness numbers.
    pub cwe: Vec<u16>,
    /// Why it matters.
    pub why: String,
    /// Who gains what.
    pub attacker: Option<String>,
    /// The page of the guide about the mistake behind it.
    pub pitfall: Option<&'static str>,
    /// What should have happened.
    pub expected: String,
    /// What it means.
    pub verdict: Verdict,
    /// Why it means that; always there unless the verdict is `pass`.
    pub reason: Option<String>,
    /// How often a finding was seen, of how many times it was looked for.
    pub reproduced: Option<(usize, usize)>,
    /// The waiver, where the finding is accepted for a while. The verdict stays as it is.
    pub waived: Option<Waiver>,
    /// Whether it was left out since nobody asked for it, and it would cost much: that says nothing of the target.
    pub withheld: bool,
    /// The exchange that decided, as an index into the transcript.
    pub decisive: Option<usize>,
    /// Everything that was sent and seen.
    pub transcript: Transcript,
}

impl Outcome {
    pub(super) fn new(
        selected: Selected<'_>,
        profile: Profile,
        judgement: Judgement,
        transcript: Transcript,
        reproduced: Option<(usize, usize)>,
    ) -> Self {
        let Selected { scenario, case } = selected;
        Self {
            id: case.id.clone(),
            scenario: scenario.id.clone(),
            subject: match case.kind {
                CaseKind::Script { .. } | CaseKind::Metadata(_) => Subject::Requests,
                CaseKind::Answers(_) => Subject::Answers,
                CaseKind::Preflight(_) => Subject::Preflight,
            },
            file: scenario.file.clone(),
            line: case.line,
            title: case.title.clone(),
            spec: Rules::of(profile).spec(case),
            level: Rules::of(profile).level(case),
            cwe: scenario.cwe.clone(),
            why: scenario.why.clone(),
            attacker: scenario.attacker.clone(),
            pitfall: scenario.pitfall.map(|pitfall| pitfall.name()),
            expected: expected(&case.kind),
            verdict: judgement.verdict,
            reason: judgement.reason,
            reproduced,
            waived: None,
            withheld: false,
            decisive: judgement.decisive,
            transcript,
        }
    }

    /// How many requests were sent for it.
    pub fn requests(&self) -> usize {
        let own = self.transcript.iter().filter(|exchange| !exchange.shared);
        own.map(|exchange| exchange.alike).sum()
    }

    /// Whether the target lacks what the case asks for; where it may lack it, that is but a note.
    pub fn is_missed(&self) -> bool {
        self.verdict.is_finding() || (self.level == Level::May && self.verdict == Verdict::Note)
    }

    /// What the target did in the exchange that decided.
    pub fn decision(&self) -> Option<Decision> {
        self.decisive_exchange().map(|exchange| exchange.seen.decision)
    }

    /// The exchange that decided.
    pub fn decisive_exchange(&self) -> Option<&crate::run::Exchange> {
        self.decisive.and_then(|at| self.transcript.get(at))
    }
}

fn expected(kind: &CaseKind) -> String {
    match kind {
        CaseKind::Script { script, expects } => match expects.as_slice() {
            [Expect::Answer] => match script.steps.first().and_then(|step| step.watch) {
                Some(Watch::Calls) => "no call to the URL in the proof".to_owned(),
                Some(Watch::Time) => "any answer, in time".to_owned(),
                None => Expect::Answer.to_string(),
            },
            [only] => only.to_string(),
            several => {
                let judged = several.iter().filter(|expect| **expect != Expect::Any);
                let mut words: Vec<_> = judged.map(Expect::to_string).collect();
                words.dedup();
                words.join(", then ")
            }
        },
        CaseKind::Answers(check) => match check {
            AnswerCheck::Status => "401 for every refused proof",
            AnswerCheck::Challenge => "WWW-Authenticate with the DPoP scheme on every 401",
            AnswerCheck::Error => "an error code for every refused proof",
            AnswerCheck::Fault => "a refusal, whatever is sent",
            AnswerCheck::EndlessChallenge => "no challenge where the proof has the nonce just supplied",
            AnswerCheck::SuccessNonce => "no challenge where the proof has the nonce of the 200 before it",
            AnswerCheck::NonceAlways => "DPoP-Nonce on every answer to a proof",
            AnswerCheck::NonceField => "DPoP-Nonce on every use_dpop_nonce challenge",
            AnswerCheck::NonceStatus => "401 for every use_dpop_nonce challenge",
            AnswerCheck::OneNonce => "one DPoP-Nonce at most on every answer",
            AnswerCheck::NonceCharacters => "1*NQCHAR in every DPoP-Nonce",
            AnswerCheck::Uncached => "no cache keeps an answer with DPoP-Nonce",
            AnswerCheck::Syntax => "challenges as RFC 9110 has them",
            AnswerCheck::NoCredentials => "no error in the challenge to a request without credentials",
            AnswerCheck::Algs => "algs with asymmetric algorithms in every DPoP challenge",
            AnswerCheck::ErrorKind => "an error code that fits what is wrong",
            AnswerCheck::ErrorPlace => "the error in the challenge of the scheme that was used",
            AnswerCheck::Authority => "403 where the token has no authority",
            AnswerCheck::ProxyChallenge => "no Proxy-Authenticate with the DPoP scheme",
            AnswerCheck::Leak => "no secret and no stack trace in a refusal",
            AnswerCheck::NotShared => "nothing for shared caches in an answer to credentials",
            AnswerCheck::ExposedChallenge => "challenges that web pages of other origins can read",
            AnswerCheck::ExposedNonce => "nonces that web pages of other origins can read",
            AnswerCheck::Preflight => "DPoP and Authorization allowed to web pages of other origins",
            AnswerCheck::OriginCredentials => "no credentials for every origin alike",
        }
        .to_owned(),
        CaseKind::Metadata(check) => match check {
            MetadataCheck::Resource => "the URL that the place of the metadata is made from",
            MetadataCheck::Link => "metadata of the resource",
            MetadataCheck::Algs => "an array of the algorithms that the challenge names",
        }
        .to_owned(),
        CaseKind::Preflight(check) => match check {
            PreflightCheck::Reachable => "an HTTP answer",
            PreflightCheck::Token => "an access token",
            PreflightCheck::Control => "accept",
            PreflightCheck::Canary => "reject",
        }
        .to_owned(),
    }
}

/// How many outcomes have each verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([usize; Verdict::ALL.len()]);

impl Counts {
    /// Counts outcomes.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        Self::of_verdicts(outcomes.into_iter().map(|outcome| outcome.verdict))
    }

    /// Counts verdicts.
    pub fn of_verdicts(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut counts = Self::default();
        for found in verdicts {
            if let Some(at) = Verdict::ALL.iter().position(|verdict| *verdict == found) {
                counts.0[at] += 1;
            }
        }
        counts
    }

    /// How many have `verdict`.
    pub fn number(&self, verdict: Verdict) -> usize {
        Verdict::ALL.iter().zip(self.0).find(|(known, _)| **known == verdict).map_or(0, |(_, number)| number)
    }
}

/// What one run found.
#[derive(Debug, Clone)]
pub struct Results {
    /// What the target is called.
    pub target: String,
    /// The rules that applied.
    pub profile: Profile,
    /// The seed of the run.
    pub seed: u64,
    /// What is known of the target.
    pub traits: Traits,
    /// What the preflight found out about it.
    pub health: Health,
    /// The outcomes in the order of the scenarios.
    pub outcomes: Vec<Outcome>,
    /// Waivers that are no longer good.
    pub waiver_faults: Vec<WaiverFault>,
}

impl Results {
    pub(super) fn new(setup: &Setup, traits: Traits, health: Health, outcomes: Vec<Outcome>) -> Self {
        Self {
            target: setup.name.clone(),
            profile: setup.profile,
            seed: setup.seed,
            traits,
            health,
            outcomes,
            waiver_faults: Vec::new(),
        }
    }

    /// How many outcomes have each verdict.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.outcomes)
    }

    /// How many findings are waived.
    pub fn waived(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.waived.is_some()).count()
    }

    /// Whether the target could not be judged as a whole: a preflight check did not pass, or it was lost on the way.
    pub fn is_blocked(&self) -> bool {
        self.outcomes
            .iter()
            .any(|outcome| outcome.subject == Subject::Preflight && super::stops_the_run(outcome))
    }

    /// How many requests were sent.
    pub fn requests(&self) -> usize {
        self.outcomes.iter().map(Outcome::requests).sum()
    }
}

/// Puts the one finding that a lost target amounts to in the place of the preflight check that had passed.
pub(super) fn replace_preflight<'a>(
    outcomes: &'a mut Vec<Outcome>,
    scenarios: &[Scenario],
    setup: &Setup,
    lost: &Lost,
) -> Option<&'a Outcome> {
    let lost_check = |kind: &CaseKind| matches!(kind, CaseKind::Preflight(check) if *check == lost.check);
    let selected =
        crate::plan::all(scenarios).into_iter().find(|selected| lost_check(&selected.case.kind))?;
    let before =
        outcomes.iter().position(|outcome| outcome.id == selected.case.id).map(|at| outcomes.remove(at));
    let transcript = before.map(|outcome| outcome.transcript).unwrap_or_default();
    let judgement = Judgement::inconclusive(lost.why.clone());
    outcomes.push(Outcome::new(selected, setup.profile, judgement, transcript, None));
    outcomes.last()
}
