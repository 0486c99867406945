//! Structured proofs against the reference verifier.

use super::scene::{null_scene, signed_scene};
use crate::generator::{Fate, Scene, Sight, Trial};
use crate::jose::json::Json;
use crate::jose::jws::Compact;
use crate::proof::EditError;

/// A recipe against the reference verifier, with the null signature: it decides as the rows of the catalogue foresee, and alike
/// at the second sight.
///
/// # Panics
/// Where it does not, or refuses in a way that has no error code, or names a key that is not the client's.
pub fn proofs(data: &[u8]) {
    let trial = Trial::decode(data);
    check(null_scene(), &trial);
}

/// The same with real signatures, and `jsonwebtoken` as a second opinion on each.
///
/// # Panics
/// As [`proofs`], and where the reference accepts a signature or a claim that `jsonwebtoken` does not.
pub fn signed_proofs(data: &[u8]) {
    let trial = Trial::decode(data);
    if let Some(sight) = check(signed_scene(), &trial)
        && sight.judge().is_ok()
    {
        agrees(&sight, &trial);
    }
}

/// Judges a trial; what was judged, where it was a proof as a whole.
///
/// # Panics
/// Where the verdict is not what the rows foresee.
pub(super) fn check<'a>(scene: &'a Scene, trial: &Trial) -> Option<Sight<'a>> {
    if !trial.recipe.is_of_proof() {
        return None;
    }
    let sight = match scene.show(trial) {
        Ok(sight) => sight,
        Err(
            EditError::NoChange
            | EditError::NoOtherSpelling(_)
            | EditError::NotForThisKey(_)
            | EditError::NotForThisUrl(_)
            | EditError::NoSuchMember(_)
            | EditError::NoDecoy(_),
        ) => return None,
        Err(error) => panic!("{}: {error}", trial.recipe.yaml()),
    };
    if !sight.is_whole() {
        return None;
    }
    let verdict = sight.judge();
    assert_eq!(verdict, sight.judge(), "the same proof at the same time: {}", trial.recipe.yaml());
    match (trial.recipe.fate(trial.uses_nonces()), &verdict) {
        (Fate::Accepted, Err(refusal)) => panic!("refused: {refusal}: {}", trial.recipe.yaml()),
        (Fate::Refused, Ok(_)) => panic!("accepted: {}", trial.recipe.yaml()),
        (Fate::Accepted | Fate::Either, Ok(proof)) => {
            assert_eq!(proof.jkt.to_string(), sight.jkt(), "{}", trial.recipe.yaml());
        }
        (Fate::Either | Fate::Refused, Err(refusal)) => assert!(!refusal.reason().is_empty()),
    }
    Some(sight)
}

/// What the reference accepted, a library that others wrote reads in the same way: the signature fits, and the key has that
/// thumbprint. Only members that nobody has to understand may keep it from reading.
fn agrees(sight: &Sight<'_>, trial: &Trial) {
    let recipe = trial.recipe.yaml();
    match second_opinion(&sight.proofs[0]) {
        Ok((verified, thumbprint)) => {
            assert!(verified, "accepted, and jsonwebtoken finds that the signature does not fit: {recipe}");
            assert_eq!(thumbprint, sight.jkt(), "{recipe}");
        }
        Err(error) if trial.recipe.fate(trial.uses_nonces()) == Fate::Accepted => {
            panic!("accepted, and jsonwebtoken says {error}: {recipe}");
        }
        Err(_) => {}
    }
}

/// Whether the signature fits the key in the proof, and the thumbprint of that.
fn second_opinion(proof: &str) -> Result<(bool, String), String> {
    use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
    use jsonwebtoken::{DecodingKey, crypto, decode_header};
    let read = Compact::read(proof.as_bytes()).map_err(|error| error.to_string())?;
    let header = decode_header(proof).map_err(|error| error.to_string())?;
    let jwk = read.header.member("jwk").map(Json::to_text).unwrap_or_default();
    let jwk: Jwk = serde_json::from_str(&jwk).map_err(|error| error.to_string())?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?;
    let signature = proof.rsplit('.').next().unwrap_or_default();
    let verified = crypto::verify(signature, read.signing_input.as_bytes(), &key, header.alg);
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|error| error.to_string())?;
    Ok((verified.map_err(|error| error.to_string())?, thumbprint))
}
