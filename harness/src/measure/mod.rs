//! Facts: what is measured about a server, and not judged. Each has its control: a correct request that was accepted.
//!
//! A fact that can't be measured says why. What takes time is waited for within a budget; on a clock that leaps, waiting
//! costs nothing.

mod algs;
mod bench;
mod capabilities;
mod clock;
mod edge;
mod errors;
mod htu;
mod jti;
mod nonce;
mod nonce_shape;
mod retention;
mod sizes;
mod unmeasured;
mod window;

use std::time::Duration;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::jose::Alg;
use crate::proof::Call;
use crate::run::{Cast, Redactor};
use crate::spec::Fact;
use crate::target::tokens::TokenSource;
use crate::target::{NoncePolicy, Places, Target};

pub use algs::Algorithms;
pub use capabilities::{Contradiction, capabilities_block, contradictions};
pub use clock::{ClockSkew, Origin};
pub use errors::{ErrorMap, Fault, Refused};
pub use htu::{Form, Forms};
pub use jti::{Memory, Tried};
pub use nonce::{Lifetime, Nonces, Older, Rotation};
pub use nonce_shape::{Alphabet, Pattern, Shape};
pub use retention::{Dated, Kept};
pub use sizes::{Limit, Sizes};
pub use unmeasured::Unmeasured;
pub use window::{Edge, Window};

/// What it takes to measure.
pub struct Means<'a> {
    /// The server under test.
    pub target: &'a dyn Target,
    /// The protected resource.
    pub call: &'a Call,
    /// What else there is.
    pub places: &'a Places,
    /// Where tokens come from.
    pub source: &'a dyn TokenSource,
    /// The clients that are shared where tokens cost a request.
    pub pool: Option<Cast>,
    /// The algorithm of the clients.
    pub alg: Alg,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// How far the clock of proofs is ahead of ours.
    pub ahead: i64,
    /// Where keys and `jti` values come from.
    pub entropy: &'a dyn Entropy,
    /// Takes secrets out of what is told.
    pub redactor: &'a Redactor,
    /// The use of nonces that the answers to a correct request showed.
    pub nonce: NoncePolicy,
    /// How long to wait for what takes time.
    pub budget: Duration,
}

/// A fact: not asked for, measured, or a reason why it could not be.
pub type Found<T> = Option<Result<T, Unmeasured>>;

/// What was measured.
#[derive(Debug, Default)]
pub struct Facts {
    /// [`Fact::Skew`].
    pub skew: Found<ClockSkew>,
    /// [`Fact::Origin`].
    pub origin: Found<Origin>,
    /// [`Fact::Nonce`].
    pub nonce: Found<Nonces>,
    /// [`Fact::Algs`].
    pub algs: Found<Algorithms>,
    /// [`Fact::Window`].
    pub window: Found<Window>,
    /// [`Fact::Jti`].
    pub jti: Found<Memory>,
    /// [`Fact::Htu`].
    pub htu: Found<Forms>,
    /// [`Fact::Sizes`].
    pub sizes: Found<Sizes>,
    /// [`Fact::Errors`].
    pub errors: Found<ErrorMap>,
}

/// What a measurement says to people.
pub trait Told {
    /// The value, in a few words.
    fn told(&self) -> String;

    /// What that means, in a sentence.
    fn meaning(&self) -> String;

    /// More of it, a line each.
    fn details(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// Measures what takes requests of its own; what the preflight knows already is put into `facts` by others. What was
/// measured until this is dropped is there.
pub async fn measure(means: &Means<'_>, wanted: &[Fact], facts: &mut Facts) {
    let is_wanted = |fact| wanted.contains(&fact);
    if is_wanted(Fact::Nonce) {
        facts.nonce = Some(nonce::measure(means).await);
    }
    if is_wanted(Fact::Algs) {
        facts.algs = Some(algs::measure(means).await);
    }
    let window = if is_wanted(Fact::Window) || is_wanted(Fact::Jti) {
        let window = window::measure(means).await;
        if is_wanted(Fact::Window) {
            facts.window = Some(window.clone());
        }
        window.ok()
    } else {
        None
    };
    if is_wanted(Fact::Htu) {
        facts.htu = Some(htu::measure(means).await);
    }
    if is_wanted(Fact::Sizes) {
        facts.sizes = Some(sizes::measure(means).await);
    }
    if is_wanted(Fact::Errors) {
        facts.errors = Some(errors::measure(means).await);
    }
    // Last, as on a clock that leaps it goes far ahead.
    if is_wanted(Fact::Jti) {
        facts.jti = Some(jti::measure(means, window.as_ref()).await);
    }
}

impl Facts {
    /// Why a fact was not measured; none where it was, or was not asked for.
    pub fn unmeasured(&self, fact: Fact) -> Option<&Unmeasured> {
        fn why<T>(found: &Found<T>) -> Option<&Unmeasured> {
            found.as_ref()?.as_ref().err()
        }
        match fact {
            Fact::Skew => why(&self.skew),
            Fact::Origin => why(&self.origin),
            Fact::Nonce => why(&self.nonce),
            Fact::Algs => why(&self.algs),
            Fact::Window => why(&self.window),
            Fact::Jti => why(&self.jti),
            Fact::Htu => why(&self.htu),
            Fact::Sizes => why(&self.sizes),
            Fact::Errors => why(&self.errors),
        }
    }

    /// What is to be told of a fact that was measured.
    pub fn told(&self, fact: Fact) -> Option<&dyn Told> {
        fn told<T: Told>(found: &Found<T>) -> Option<&dyn Told> {
            found.as_ref()?.as_ref().ok().map(|value| value as &dyn Told)
        }
        match fact {
            Fact::Skew => told(&self.skew),
            Fact::Origin => told(&self.origin),
            Fact::Nonce => told(&self.nonce),
            Fact::Algs => told(&self.algs),
            Fact::Window => told(&self.window),
            Fact::Jti => told(&self.jti),
            Fact::Htu => told(&self.htu),
            Fact::Sizes => told(&self.sizes),
            Fact::Errors => told(&self.errors),
        }
    }

    /// Says `why` of each of these facts that was neither measured nor found impossible to measure.
    pub fn give_up(&mut self, wanted: &[Fact], why: &Unmeasured) {
        fn give_up<T>(found: &mut Found<T>, why: &Unmeasured) {
            found.get_or_insert_with(|| Err(why.clone()));
        }
        for fact in wanted {
            match fact {
                Fact::Skew => give_up(&mut self.skew, why),
                Fact::Origin => give_up(&mut self.origin, why),
                Fact::Nonce => give_up(&mut self.nonce, why),
                Fact::Algs => give_up(&mut self.algs, why),
                Fact::Window => give_up(&mut self.window, why),
                Fact::Jti => give_up(&mut self.jti, why),
                Fact::Htu => give_up(&mut self.htu, why),
                Fact::Sizes => give_up(&mut self.sizes, why),
                Fact::Errors => give_up(&mut self.errors, why),
            }
        }
    }
}
