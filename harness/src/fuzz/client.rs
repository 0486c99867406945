use std::collections::BTreeMap;
use std::time::Duration;

use super::symptom::{Sighting, Symptom};
use crate::generator::{Fate, Recipe};
use crate::jose::Alg;
use crate::proof::{EditError, Request};
use crate::run::{Cast, CastError, Decision, Exchange, Observation, Redactor, Session, Transcript, Turn};
use crate::suite::Approach;
use crate::target::{NoAnswer, NoncePolicy};

/// The targets of a campaign: the one under test, and maybe one to compare it with.
pub struct Targets<'a> {
    /// The one under test.
    pub subject: &'a Approach<'a>,
    /// What it is compared with.
    pub against: Option<&'a Approach<'a>>,
}

impl Targets<'_> {
    /// Whether the target uses nonces, which some fates depend on.
    fn has_nonces(&self) -> bool {
        self.subject.health.nonce != NoncePolicy::Never
    }

    /// What the target has to do with an input. That keys and algorithms are spoiled is known of clients with ES256 only: to the key
    /// of another, the member may be the right one or none at all.
    pub(super) fn fate(&self, recipe: &Recipe) -> Fate {
        let fate = recipe.fate(self.has_nonces());
        if fate == Fate::Refused && self.subject.alg() != Alg::Es256 && recipe.writes_key_or_alg() {
            return Fate::Either;
        }
        fate
    }

    pub(super) fn symptom_of(
        &self,
        recipe: &Recipe,
        seen: &Seen,
        usual_milliseconds: u64,
    ) -> Option<Symptom> {
        let fate = self.fate(recipe);
        let (exchange, against) = (&seen.exchange, seen.against.as_ref());
        Sighting { exchange, against, fate, usual_milliseconds }.symptom()
    }
}

/// What came of one input.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) exchange: Exchange,
    pub(super) against: Option<Exchange>,
}

/// Why an input shows nothing.
#[derive(Debug)]
pub(super) enum Unseen {
    /// The request can't be made of this key and token.
    NotMade(EditError),
    /// It is no request that this target is asked about: a verifier behind a shim sees none of the connection.
    NotAsked,
    /// No more requests may be sent.
    Cap,
}

/// A correct request that was not accepted.
#[derive(Debug)]
pub(super) struct NoControl {
    pub(super) exchange: Exchange,
    /// Whether it was the target that the one under test is compared with.
    of_other: bool,
}

impl NoControl {
    /// Whether the target under test was not there to answer it.
    pub(super) fn is_of_lost_target(&self) -> bool {
        !self.of_other && (self.exchange.is_unanswered() || self.exchange.never_connected())
    }
}

/// Clients with a key and a token, and their conversations with the targets.
pub(super) struct Client<'a> {
    targets: &'a Targets<'a>,
    subject: Conversation<'a>,
    against: Option<Conversation<'a>>,
}

struct Conversation<'a> {
    session: Session<'a>,
    cast: Cast,
}

impl<'a> Conversation<'a> {
    async fn begin(
        approach: &'a Approach<'a>,
        redactor: &'a Redactor,
        clock: Clock,
    ) -> Result<Self, CastError> {
        let cast = approach.cast(redactor).await?;
        let session = match clock {
            Clock::Usual => approach.session(redactor),
            Clock::ToConfirm => approach.session_to_confirm(redactor),
        };
        Ok(Self { session, cast })
    }

    async fn send(&mut self, recipe: &Recipe) -> Result<Exchange, Unseen> {
        let mut transcript = Transcript::new();
        let (step, earlier) = (recipe.step(), &mut BTreeMap::new());
        let sent = self.session.step(&step, &self.cast, Turn::Step(0), earlier, &mut transcript).await;
        sent.map_err(Unseen::NotMade)?;
        let Some(exchange) = transcript.pop() else { return Err(Unseen::Cap) };
        match &exchange.seen.nothing {
            Some(NoAnswer::CapReached) => Err(Unseen::Cap),
            Some(nothing) if nothing.is_not_sent() => Err(Unseen::NotAsked),
            Some(_) | None => Ok(exchange),
        }
    }

    async fn control(&mut self, turn: Turn) -> Result<Exchange, Exchange> {
        let mut transcript = Transcript::new();
        let seen = self.session.control(&self.cast, turn, &mut transcript).await;
        let Some(exchange) = transcript.pop() else { unreachable!("a request leaves a trace: {seen}") };
        if seen.decision == Decision::Accept { Ok(exchange) } else { Err(exchange) }
    }
}

/// The clock that the time in proofs follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// That of the preflight.
    Usual,
    /// The other one, where the target accepts proofs by two.
    ToConfirm,
}

impl Clock {
    /// The clock of the look with this number: each in turn.
    pub(super) fn of_turn(turn: usize) -> Self {
        if turn.is_multiple_of(2) { Self::ToConfirm } else { Self::Usual }
    }
}

impl<'a> Client<'a> {
    /// New clients; the redactors learn their secrets.
    pub(super) async fn new(
        targets: &'a Targets<'a>,
        redactors: &'a [Redactor; 2],
        clock: Clock,
    ) -> Result<Self, CastError> {
        let [first, second] = redactors;
        let subject = Conversation::begin(targets.subject, first, clock).await?;
        let against = match targets.against {
            Some(approach) => Some(Conversation::begin(approach, second, clock).await?),
            None => None,
        };
        Ok(Self { targets, subject, against })
    }

    /// Sends an input to every target.
    pub(super) async fn send(&mut self, recipe: &Recipe) -> Result<Seen, Unseen> {
        let exchange = self.subject.send(recipe).await?;
        let against = match &mut self.against {
            Some(conversation) => Some(conversation.send(recipe).await?),
            None => None,
        };
        Ok(Seen { exchange, against })
    }

    /// Sends a correct request to every target; the answer that was no acceptance, if there is one.
    pub(super) async fn control(&mut self, turn: Turn) -> Result<Exchange, NoControl> {
        let control = self.subject.control(turn).await;
        let control = control.map_err(|exchange| NoControl { exchange, of_other: false })?;
        if let Some(conversation) = &mut self.against {
            let other = conversation.control(turn).await;
            other.map_err(|exchange| NoControl { exchange, of_other: true })?;
        }
        Ok(control)
    }

    /// Whether more correct requests are accepted, one after another, where `symptom` is one that an overloaded server shows now and
    /// then, whatever it is sent.
    pub(super) async fn is_steady(&mut self, symptom: Symptom) -> bool {
        for _ in 0..if symptom.is_of_load() { STEADY } else { 0 } {
            if self.control(Turn::Diagnosis).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Sends a request without credentials, which has to be refused.
    pub(super) async fn canary(&mut self) -> Observation {
        let session = &mut self.subject.session;
        let request = Request::bare(session.call);
        session.send(&request, None, Turn::Canary, &mut Transcript::new()).await
    }

    /// The same, again and again for as long as somebody takes to start a server anew that has died.
    pub(super) async fn control_once_back(&mut self, turn: Turn) -> Result<Exchange, NoControl> {
        let mut last = self.control(turn).await;
        for wait in WAITS {
            match &last {
                Err(none) if none.exchange.seen.nothing != Some(NoAnswer::CapReached) => {}
                Ok(_) | Err(_) => break,
            }
            self.targets.subject.setup().clock.sleep(Duration::from_millis(*wait)).await;
            last = self.control(turn).await;
        }
        last
    }
}

/// How many correct requests in a row show that a target is well.
const STEADY: usize = 2;

/// How long to wait before a target that failed a control is asked once more, in milliseconds.
const WAITS: &[u64] = &[300, 600, 1200, 2400];

/// The redactors of one set of clients: long campaigns make many tokens, and so each set has its own.
pub(super) fn redactors(targets: &Targets<'_>) -> [Redactor; 2] {
    [targets.subject.redactor(), targets.against.map(Approach::redactor).unwrap_or_default()]
}
