//! A client, its token and a strict verifier.

use std::collections::BTreeMap;

use dpop_harness::entropy::SeededEntropy;
use dpop_harness::generator::Recipe;
use dpop_harness::jose::AlgSet;
use dpop_harness::jose::uri::Uri;
use dpop_harness::mutation::mint;
use dpop_harness::proof::{AccessToken, Call, Field, Material, ProofKey, Request};
use dpop_harness::reference::{DefectSet, NonceMode, Nonces, Presented, RequestUri, Verifier};

use crate::verifier::Shown;

const METHOD: &str = "GET";
const URL: &str = "https://rs.example/v1/me";
const NOW: i64 = 1_700_000_000;

/// A place to try proofs in, the same in every process.
pub(crate) struct Scene {
    key: ProofKey,
    stranger: (ProofKey, AccessToken),
    token: AccessToken,
    spare: AccessToken,
    call: Call,
    strict: Verifier,
    entropy: SeededEntropy,
    /// The value of `Authorization`.
    credentials: String,
    /// How many fields a correct request has beside the proof.
    other_fields: usize,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let entropy = SeededEntropy::new(1);
        let uri: Uri = URL.parse().unwrap_or_else(|error| unreachable!("{URL} is {error}"));
        let nonces = Nonces::new(NonceMode::Never, &entropy);
        let token = AccessToken::new("token-of-the-client");
        let mut scene = Self {
            credentials: format!("DPoP {}", token.expose()),
            other_fields: 0,
            key: ProofKey::generate(&entropy),
            stranger: (ProofKey::generate(&entropy), AccessToken::new("token-of-a-stranger")),
            token,
            spare: AccessToken::new("another-token-of-the-client"),
            call: Call::to(METHOD, uri),
            strict: Verifier::new(nonces, None, AlgSet::all(), DefectSet::default()),
            entropy,
        };
        let correct = scene.request_of(&Recipe::default());
        scene.other_fields = correct.map_or(0, |request| request.fields.len() - 1);
        scene
    }

    /// A request with these proofs.
    pub(crate) fn shown<'a>(&self, proofs: Vec<&'a [u8]>) -> Shown<'a> {
        Shown {
            proofs,
            method: METHOD,
            url: URL,
            token: self.token.expose().to_owned(),
            bound: self.key.thumbprint(),
            now: NOW,
        }
    }

    /// Whether the verifier without bugs accepts it.
    pub(crate) fn is_sound(&self, shown: &Shown<'_>) -> bool {
        let presented = Presented {
            proofs: &shown.proofs,
            method: shown.method,
            uri: RequestUri { uri: &self.call.uri, query: None },
            access_token: Some(&shown.token),
            bound_key: Some(shown.bound),
            now: shown.now,
        };
        self.strict.verify(&presented).is_ok()
    }

    /// The `DPoP` fields of a recipe; none where its fault is elsewhere, and so not to be seen.
    pub(crate) fn fields_of(&self, recipe: &Recipe) -> Option<Vec<Vec<u8>>> {
        let is_proof = |field: &&Field| field.name.eq_ignore_ascii_case("dpop");
        let request = self.request_of(recipe)?;
        let others = request.fields.iter().filter(|field| !is_proof(field));
        let credentials = |field: &Field| field.name == "Authorization" && field.value == self.credentials;
        let elsewhere = !recipe.is_of_proof()
            || request.method != METHOD
            || others.clone().filter(|field| credentials(field)).count() != 1
            || others.count() != self.other_fields;
        let proofs = request.fields.iter().filter(is_proof);
        // White space around a value is none of it (RFC 9110 section 5.5).
        let value = |field: &Field| field.value.trim_matches([' ', '\t']).as_bytes().to_vec();
        (!elsewhere).then(|| proofs.map(value).collect())
    }

    fn request_of(&self, recipe: &Recipe) -> Option<Request> {
        let (key, token) = &self.stranger;
        let material = Material {
            key: &self.key,
            token: &self.token,
            spare: Some(&self.spare),
            stranger: Some((key, token)),
            issuer: None,
            decoy: None,
            nonce: None,
            call: &self.call,
            resource: &self.call,
            now: NOW,
            entropy: &self.entropy,
            choices: &self.entropy,
            earlier: &BTreeMap::new(),
        };
        mint(&recipe.step(), &material).ok().map(|minted| minted.request)
    }
}

#[cfg(test)]
mod tests {
    use dpop_harness::generator::{Catalogue, Draw, Fate};

    use super::*;
    use crate::bug::PLANTED;
    use crate::verifier::verify;

    /// Each bug only adds to what is accepted, and a correct proof is none of it.
    #[test]
    fn a_correct_proof_is_accepted_with_every_bug_but_is_no_finding() {
        let scene = Scene::new();
        let fields = scene.fields_of(&Recipe::default()).expect("made");
        let shown = scene.shown(fields.iter().map(Vec::as_slice).collect());
        assert!(scene.is_sound(&shown));
        for row in PLANTED {
            assert_eq!(verify(&shown, row.bug), Ok(()), "{}", row.name);
        }
    }

    /// A recipe that the strict verifier judges otherwise than the model would count as finding every bug.
    #[test]
    fn the_verifier_without_bugs_is_not_accused() {
        let scene = Scene::new();
        for seed in 0..20 {
            let mut draw = Draw::new(Catalogue::embedded(), seed);
            for recipe in (0..50).map(|_| draw.recipe()) {
                let Some(fields) = scene.fields_of(&recipe) else { continue };
                let sound = scene.is_sound(&scene.shown(fields.iter().map(Vec::as_slice).collect()));
                let wrong = if sound { Fate::Refused } else { Fate::Accepted };
                assert_ne!(recipe.fate(false), wrong, "{}", recipe.yaml());
            }
        }
    }
}
