use super::health::Health;
use super::{Setup, Stop, preflight, redactor};
use crate::jose::{Alg, Nonce};
use crate::plan::all;
use crate::run::{Cast, CastError, Needs, Redactor, Session};
use crate::scenario::{CaseKind, Scenario};

/// A target that the preflight has looked at, for others than the suite to drive.
pub struct Approach<'a> {
    setup: &'a Setup,
    /// What the preflight found out.
    pub health: Health,
    /// Why the target can't be judged.
    pub obstacle: Option<String>,
    alg: Alg,
    nonce: Option<Nonce>,
    pool: Option<Cast>,
}

/// Who has to be there for any single step.
const ANYBODY: Needs = Needs { spare: true, stranger: true };

impl<'a> Approach<'a> {
    /// Looks whether the target can be judged: reachable, protected, and it accepts a correct request.
    pub async fn make(stop: &Stop, setup: &'a Setup, scenarios: &[Scenario]) -> Self {
        // The clients are those of the cases that need most.
        let mut needy = all(scenarios);
        needy.retain(|selected| {
            let needs = match &selected.case.kind {
                CaseKind::Script { script, .. } => Needs::of(script),
                CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => Needs::default(),
            };
            needs != Needs::default() && !selected.case.needs_http2() && selected.case.requires.is_empty()
        });
        let found = preflight::run(setup, stop, scenarios, &needy, &redactor(setup)).await;
        Self {
            setup,
            health: found.health,
            obstacle: found.obstacle,
            alg: found.alg,
            nonce: found.nonce,
            pool: found.pool,
        }
    }

    /// What is driven.
    pub fn setup(&self) -> &'a Setup {
        self.setup
    }

    /// The algorithm of the clients whose case names none.
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// What takes secrets out of evidence, and knows those of the setup.
    pub fn redactor(&self) -> Redactor {
        redactor(self.setup)
    }

    /// New clients, or the shared ones where a token costs a request.
    ///
    /// # Errors
    /// [`CastError`] where there is no token.
    pub async fn cast(&self, redactor: &Redactor) -> Result<Cast, CastError> {
        match &self.pool {
            Some(pool) => {
                pool.hide(redactor);
                Ok(pool.clone())
            }
            None => {
                let (source, entropy) = (self.setup.source.as_ref(), self.setup.entropy.as_ref());
                Cast::fresh(source, ANYBODY, self.alg, entropy, redactor).await
            }
        }
    }

    /// A conversation with the target.
    pub fn session<'b>(&'b self, redactor: &'b Redactor) -> Session<'b> {
        let ahead = self.health.time.ahead();
        Session { nonce: self.nonce.clone(), ahead, ..super::session(self.setup, redactor) }
    }

    /// The same by the other clock, where the target accepts two: so no clock that is wrong makes an accusation.
    pub fn session_to_confirm<'b>(&'b self, redactor: &'b Redactor) -> Session<'b> {
        Session { ahead: self.health.time.ahead_to_confirm(), ..self.session(redactor) }
    }
}
