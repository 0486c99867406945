use super::scene::signed_scene;
use crate::generator::{Fate, NOW, Sight, Trial};

/// What another verifier says of a proof: the thumbprint of its key, or why it refuses it.
pub type Opinion = Result<String, String>;

/// A proof that another verifier does not judge as every verifier has to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The edits to a correct proof, as a scenario writes them.
    pub edits: String,
    /// What has to be done.
    pub fate: Fate,
    /// What was done.
    pub opinion: Opinion,
}

/// A recipe with real signatures, judged by somebody else's verifier at the time [`NOW`]. What specifications leave to servers
/// ([`Fate::Either`]) is no disagreement, nor is anything in a setting whose correct proof that verifier refuses.
///
/// # Panics
/// Where the reference verifier itself does not decide as the rows foresee.
pub fn differential(data: &[u8], judge: impl Fn(&Sight<'_>, i64) -> Opinion) -> Option<Disagreement> {
    let trial = Trial::decode(data);
    let sight = super::proofs::check(signed_scene(), &trial)?;
    let [_] = &sight.proofs[..] else { return None };
    let fate = trial.recipe.fate(trial.uses_nonces());
    let opinion = judge(&sight, NOW);
    let agrees = match (fate, &opinion) {
        (Fate::Either, Err(_)) | (Fate::Refused, Err(_)) => true,
        (Fate::Accepted | Fate::Either, Ok(jkt)) => *jkt == sight.jkt(),
        (Fate::Accepted, Err(_)) | (Fate::Refused, Ok(_)) => false,
    };
    let correct =
        || signed_scene().show(&trial.without_edits()).is_ok_and(|sight| judge(&sight, NOW).is_ok());
    if agrees || !correct() {
        return None;
    }
    Some(Disagreement { edits: trial.recipe.yaml(), fate, opinion })
}
