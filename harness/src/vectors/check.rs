use super::{Group, Vector};
use crate::generator::Fate;
use crate::target::shim::{Question, Reply, Shim, ShimError};

/// What a verifier made of the vectors.
#[derive(Debug, Default)]
pub struct Checked {
    /// How many it judged as they say, or as they leave it.
    pub agreed: usize,
    /// What it judged otherwise, and where it failed.
    pub findings: Vec<Finding>,
    /// What shows nothing about it, by reason, with the number of vectors.
    pub skipped: Vec<(String, usize)>,
}

/// A vector that a verifier does not judge as it has to.
#[derive(Debug)]
pub struct Finding {
    /// The vector.
    pub vector: Vector,
    /// What the verifier did.
    pub reply: Reply,
}

/// Gives a shim all vectors of the groups that it does not say it has no algorithm for. Where it refuses the correct proof of a
/// group, the group shows nothing.
///
/// # Errors
/// [`ShimError`] where it can't be asked.
pub async fn check(shim: &mut Shim, groups: &[Group]) -> Result<Checked, ShimError> {
    let mut checked = Checked::default();
    for group in groups {
        let listed = |algs: &Vec<String>| algs.iter().any(|alg| alg == group.alg.name());
        if !shim.about().algs.as_ref().is_none_or(listed) {
            checked.skip(format!("{} is not verified", group.alg.name()), group.vectors.len());
            continue;
        }
        if group.nonce.is_some() && !shim.about().has("nonce") {
            checked.skip("it knows no nonces".to_owned(), group.vectors.len());
            continue;
        }
        let correct: Vec<Question> =
            group.vectors.iter().take(1).map(|first| question(group, first)).collect();
        match shim.ask(&correct).await?.first() {
            Some(Reply::Accept { .. }) => checked.judge(shim, group).await?,
            Some(Reply::Unsupported(why)) => checked.skip(why.clone(), group.vectors.len()),
            other => {
                let reply = other.map(ToString::to_string).unwrap_or_default();
                let nonce = if group.nonce.is_some() { "with" } else { "without" };
                let why = format!("the correct proof by {} {nonce} a nonce: {reply}", group.alg.name());
                checked.skip(why, group.vectors.len());
            }
        }
    }
    Ok(checked)
}

impl Checked {
    fn skip(&mut self, why: String, number: usize) {
        match self.skipped.iter_mut().find(|(other, _)| *other == why) {
            Some((_, count)) => *count += number,
            None => self.skipped.push((why, number)),
        }
    }

    async fn judge(&mut self, shim: &mut Shim, group: &Group) -> Result<(), ShimError> {
        let (replays, once): (Vec<&Vector>, Vec<&Vector>) =
            group.vectors.iter().partition(|vector| vector.seen);
        let questions: Vec<Question> = once.iter().map(|vector| question(group, vector)).collect();
        for (vector, reply) in once.iter().zip(shim.ask(&questions).await?) {
            self.take(group, vector, reply);
        }
        for vector in replays {
            if !shim.about().has("replay") {
                self.skip("no jti is remembered".to_owned(), 1);
                continue;
            }
            let first = question(group, vector);
            let again = Question { state: "keep", ..first.clone() };
            let mut replies = shim.ask(&[first, again]).await?.into_iter();
            match (replies.next(), replies.next()) {
                (Some(Reply::Accept { .. }), Some(again)) => {
                    // It says that it remembers them.
                    let refused = Vector { fate: Fate::Refused, ..(*vector).clone() };
                    self.take(group, &refused, again);
                }
                (Some(first @ (Reply::Crash(_) | Reply::Died(_) | Reply::Hung)), _) => {
                    self.take(group, vector, first);
                }
                _ => self.skip("the proof to show again was not accepted the first time".to_owned(), 1),
            }
        }
        Ok(())
    }

    fn take(&mut self, group: &Group, vector: &Vector, reply: Reply) {
        let agrees = match (&reply, vector.fate) {
            (Reply::Unsupported(why), _) => return self.skip(why.clone(), 1),
            // Whose key it was has to be right wherever it says so.
            (Reply::Accept { jkt: Some(jkt) }, Fate::Accepted | Fate::Either) => *jkt == group.jkt,
            (Reply::Accept { jkt: None }, Fate::Accepted | Fate::Either)
            | (Reply::Reject { .. }, Fate::Refused | Fate::Either) => true,
            (Reply::Accept { .. }, Fate::Refused)
            | (Reply::Reject { .. }, Fate::Accepted)
            | (Reply::Crash(_) | Reply::Died(_) | Reply::Hung, _) => false,
        };
        if agrees {
            self.agreed += 1;
        } else {
            self.findings.push(Finding { vector: vector.clone(), reply });
        }
    }
}

fn question(group: &Group, vector: &Vector) -> Question {
    Question {
        proof: vector.proof.clone(),
        htm: vector.htm.clone(),
        htu: vector.htu.clone(),
        at: Some(group.access_token.clone()),
        jkt: Some(group.jkt.clone()),
        nonce: group.nonce.clone(),
        now: vector.now,
        state: "fresh",
    }
}
