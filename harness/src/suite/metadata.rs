use crate::judge::{Judgement, judge_metadata};
use crate::plan::Selected;
use crate::run::{Published, Redactor, Transcript};
use crate::scenario::{MetadataCheck, Rules};

use super::outcome::Outcome;
use super::performance::joined;
use super::{Setup, Suite, session};

/// What the target publishes, as far as a client may believe it.
pub(super) async fn published(setup: &Setup, redactor: &Redactor) -> Published {
    Published::of(&mut session(setup, redactor), &mut Transcript::new()).await
}

impl Suite<'_> {
    /// Judges what the target publishes of itself. A deviation has to be seen twice.
    pub(super) async fn judge_metadata(&self, case: Selected<'_>, check: MetadataCheck) -> Outcome {
        if let Some(why) = self.traits.unmet(case.case).or_else(|| self.lost_because()) {
            return self.skipped(case, &why);
        }
        let profile = self.setup.profile;
        let level = Rules::of(profile).level(case.case);
        let look = async || {
            let mut transcript = Transcript::new();
            let published = Published::of(&mut self.session(), &mut transcript).await;
            let judgement = judge_metadata(check, &published, level);
            let reason = judgement.reason.map(|reason| self.redactor.clean_word(&reason));
            (Judgement { reason, ..judgement }, transcript)
        };
        let (first, transcript) = look().await;
        if !first.verdict.is_finding() {
            return Outcome::new(case, profile, first, transcript, None);
        }
        let (again, more) = look().await;
        let seen_again = again.verdict == first.verdict;
        let judgement = if seen_again {
            again.behind(transcript.len())
        } else {
            Judgement::inconclusive(format!("not reproducible: {}", first.reason.unwrap_or_default()))
        };
        let times = (1 + usize::from(seen_again), 2);
        Outcome::new(case, profile, judgement, joined(transcript, more), Some(times))
    }
}
