use std::collections::BTreeMap;

use super::{Means, Unmeasured};
use crate::jose::Nonce;
use crate::jose::json::{Json, Object};
use crate::proof::{Call, CopyEdit, Node, ProofEdits, Request, Shift, Step, StepRecord};
use crate::run::{Cast, Decision, Elsewhere, Needs, Observation, Session, Transcript, Turn};
use crate::scenario::Endpoint;
use crate::target::{NoAnswer, NoncePolicy};

/// The name of the step whose request is sent again.
pub(super) const FIRST: &str = "first";

/// A client at work: its key and token, and a conversation with the target.
pub(super) struct Bench<'a> {
    pub(super) means: &'a Means<'a>,
    pub(super) session: Session<'a>,
    pub(super) cast: Cast,
    earlier: BTreeMap<String, StepRecord>,
}

impl<'a> Means<'a> {
    fn session(&'a self) -> Session<'a> {
        Session {
            target: self.target,
            call: self.call,
            elsewhere: None,
            node: Node::default(),
            issuer: self.source.issuer_key(),
            clock: self.clock,
            entropy: self.entropy,
            ahead: self.ahead,
            skew: None,
            seed: 0,
            redactor: self.redactor,
            nonce: None,
            nonce_of_success: false,
            standing: None,
            decoy: None,
            kept: None,
        }
    }

    /// A client of its own, or the shared one where tokens cost a request, whose correct request is accepted.
    pub(super) async fn bench(&'a self) -> Result<Bench<'a>, Unmeasured> {
        let cast = match &self.pool {
            Some(cast) => cast.clone(),
            None => self.cast(Needs::default()).await?,
        };
        self.bench_of(cast).await
    }

    /// The same for these clients.
    pub(super) async fn bench_of(&'a self, cast: Cast) -> Result<Bench<'a>, Unmeasured> {
        let mut bench = self.untried(cast);
        bench.control().await?;
        Ok(bench)
    }

    /// The same, where nothing was sent yet.
    pub(super) fn untried(&'a self, cast: Cast) -> Bench<'a> {
        Bench { means: self, session: self.session(), cast, earlier: BTreeMap::new() }
    }

    /// New clients.
    pub(super) async fn cast(&self, needs: Needs) -> Result<Cast, Unmeasured> {
        let cast = Cast::fresh(self.source, needs, self.alg, self.entropy, self.redactor).await;
        cast.map_err(|error| Unmeasured::NoToken(self.redactor.clean(&error.to_string())))
    }
}

impl<'a> Bench<'a> {
    /// Sends a step, whatever comes back.
    pub(super) async fn send(&mut self, step: &Step) -> Result<Observation, Unmeasured> {
        let mut transcript = Transcript::new();
        let Self { session, cast, earlier, .. } = self;
        let seen = session.step(step, cast, Turn::Step(0), earlier, &mut transcript).await?;
        sent(seen)
    }

    /// Sends a request without credentials.
    pub(super) async fn send_bare(&mut self) -> Result<Observation, Unmeasured> {
        let request = Request::bare(self.session.call);
        sent(self.session.send(&request, None, Turn::Canary, &mut Transcript::new()).await)
    }

    /// Whether a step is accepted; an answer that is no answer to that is none.
    pub(super) async fn accepts(&mut self, step: &Step) -> Result<bool, Unmeasured> {
        let mut seen = self.send(step).await?;
        if seen.decision == Decision::NoAnswer {
            seen = self.send(step).await?; // a connection may break once
        }
        match seen.decision {
            Decision::Accept => Ok(true),
            Decision::Reject | Decision::Challenge => Ok(false),
            Decision::Fault | Decision::NoAnswer | Decision::Other => {
                Err(Unmeasured::NoVerdict(Box::new(seen)))
            }
        }
    }

    /// Whether at least two of three are accepted: servers may answer from nodes whose clocks are apart.
    pub(super) async fn mostly_accepts(&mut self, step: &Step, tries: usize) -> Result<bool, Unmeasured> {
        let mut accepted = 0;
        for _ in 0..tries {
            accepted += usize::from(self.accepts(step).await?);
        }
        Ok(accepted * 2 > tries)
    }

    /// A correct request, which has to be accepted.
    pub(super) async fn control(&mut self) -> Result<(), Unmeasured> {
        self.must_accept(&Step::default()).await
    }

    /// A correct request of another form, which has to be accepted.
    pub(super) async fn must_accept(&mut self, step: &Step) -> Result<(), Unmeasured> {
        let mut seen = self.send(step).await?;
        if seen.decision == Decision::NoAnswer {
            seen = self.send(step).await?;
        }
        if seen.decision == Decision::Accept {
            Ok(())
        } else {
            Err(Unmeasured::ControlRefused(Box::new(seen)))
        }
    }

    /// The nonce that came last.
    pub(super) fn nonce(&self) -> Option<&Nonce> {
        self.session.nonce.as_ref()
    }

    /// Forgets the nonce where the server does not demand one: whoever steals a proof without it is not held up by it.
    pub(super) fn without_needless_nonce(&mut self) {
        if self.means.nonce != NoncePolicy::Required {
            self.session.nonce = None;
        }
    }

    /// How long the proof was that the step of this name sent, in bytes.
    pub(super) fn proof_length(&self, name: &str) -> Option<usize> {
        let fields = &self.earlier.get(name)?.request.fields;
        fields.iter().find(|field| field.name == "DPoP").map(|field| field.value.len())
    }

    /// Sends the further steps to another resource of the server.
    pub(super) fn go_to(&mut self, call: &'a Call) {
        let (at, target) = (Endpoint::OtherResources, self.means.target);
        self.session.elsewhere = Some(Elsewhere { at, target, first: None, call, takes_controls: true });
    }
}

/// What was seen of a request, unless it was not sent.
fn sent(seen: Observation) -> Result<Observation, Unmeasured> {
    if seen.nothing == Some(NoAnswer::CapReached) { Err(Unmeasured::Cap) } else { Ok(seen) }
}

/// A correct step with these edits to its proof.
pub(super) fn with(proof: ProofEdits) -> Step {
    Step { proof, ..Step::default() }
}

/// A correct step whose `iat` is so many seconds ahead of now.
pub(super) fn dated(ahead: i64) -> Step {
    // Nothing moved is no edit.
    let iat = (ahead != 0).then_some(Shift(ahead));
    with(ProofEdits { iat, ..ProofEdits::default() })
}

/// A correct step with this claim.
pub(super) fn claiming(name: &str, value: impl Into<Json>) -> Step {
    let mut claims = Object::new();
    claims.set(name, value);
    with(ProofEdits { claims, ..ProofEdits::default() })
}

/// The step, under this name.
pub(super) fn named(name: &str, step: Step) -> Step {
    Step { name: Some(name.to_owned()), ..step }
}

/// What the first step sent, once more.
pub(super) fn resent() -> Step {
    Step { resend: Some(FIRST.to_owned()), ..Step::default() }
}

/// A proof that differs from that of the first step in its `jti` only: by its date and nonce it is as good.
pub(super) fn twin() -> Step {
    let claims = ["iat", "nonce"].map(str::to_owned).to_vec();
    with(ProofEdits { copy: Some(CopyEdit { of: FIRST.to_owned(), claims }), ..ProofEdits::default() })
}
