use std::collections::BTreeMap;

use super::catalogue::Catalogue;
use super::recipe::Recipe;
use crate::entropy::Entropy;
use crate::jose::uri::Uri;
use crate::jose::{Alg, AlgSet, Nonce};
use crate::mutation::{Minted, mint};
use crate::proof::{AccessToken, Call, EditError, Material, ProofKey};
use crate::reference::{
    DefectSet, NonceMode, Nonces, Presented, Refusal, RequestUri, VerifiedProof, Verifier,
};

/// When every proof is made and judged.
pub const NOW: i64 = 1_800_000_000;

/// The requests that proofs are made for: what normalisation can change differs.
const CALLS: &[(&str, &str)] = &[
    ("GET", "https://rs.example/a/r"),
    ("POST", "https://rs.example/"),
    ("GET", "http://127.0.0.1:8080/v1/me?x=1"),
    ("DELETE", "https://RS.example:8443/%7eu/%2Fx"),
];

/// Whether a verifier uses nonces, as bytes choose it.
const MODES: &[NonceMode] = &[NonceMode::Never, NonceMode::Required, NonceMode::Optional];

/// A client, its token and a strict verifier: a place to try recipes in.
pub struct Scene {
    key: ProofKey,
    stranger: ProofKey,
    token: AccessToken,
    spare: AccessToken,
    strangers_token: AccessToken,
    calls: Vec<(Call, String)>,
    verifiers: Vec<(Verifier, Option<Nonce>)>,
    entropy: Box<dyn Entropy>,
}

/// What bytes stand for: a setting, and a recipe in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    setting: usize,
    /// The edits.
    pub recipe: Recipe,
}

/// A proof as a verifier sees it.
pub struct Sight<'a> {
    /// The request.
    pub minted: Minted,
    /// The values of the `DPoP` fields, without the white space around them.
    pub proofs: Vec<String>,
    call: &'a Call,
    url: &'a str,
    verifier: &'a Verifier,
    nonce: Option<&'a Nonce>,
    scene: &'a Scene,
}

impl Trial {
    /// The trial of any bytes: the first is the setting, the others are the edits.
    pub fn decode(bytes: &[u8]) -> Self {
        let (setting, rest) =
            bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest));
        Self { setting: setting % Self::settings(), recipe: Catalogue::embedded().decode(rest) }
    }

    /// A recipe in the setting of this number.
    pub fn new(setting: usize, recipe: Recipe) -> Self {
        Self { setting: setting % Self::settings(), recipe }
    }

    /// The same request with a correct proof.
    #[must_use]
    pub fn without_edits(&self) -> Self {
        Self { recipe: Recipe::default(), ..*self }
    }

    /// The bytes of it; none where an edit is in no pool.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let recipe = Catalogue::embedded().encode(&self.recipe)?;
        Some([vec![u8::try_from(self.setting).ok()?], recipe].concat())
    }

    /// How many settings there are.
    pub fn settings() -> usize {
        CALLS.len() * MODES.len()
    }

    fn mode(&self) -> usize {
        self.setting / CALLS.len()
    }

    /// The setting with the request of this number, counted round, and a verifier in this mode.
    pub fn setting(call: usize, mode: NonceMode) -> usize {
        let mode = MODES.iter().position(|other| *other == mode).unwrap_or_default();
        mode * CALLS.len() + call % CALLS.len()
    }

    /// How many requests there are.
    pub fn calls() -> usize {
        CALLS.len()
    }

    /// Whether the verifier uses nonces.
    pub fn uses_nonces(&self) -> bool {
        MODES.get(self.mode()).is_some_and(|mode| *mode != NonceMode::Never)
    }
}

impl Scene {
    /// A scene in which the client signs with `alg`. `token` makes an access token that is bound to a key; the number makes it
    /// another.
    pub fn new(alg: Alg, entropy: Box<dyn Entropy>, token: impl Fn(&ProofKey, usize) -> String) -> Self {
        let calls = CALLS.iter().map(|(method, url)| {
            let uri: Uri = url.parse().unwrap_or_else(|error| unreachable!("{url} is {error}"));
            (Call::to(method, uri), (*url).to_owned())
        });
        let verifiers = MODES.iter().map(|mode| {
            let nonces = Nonces::new(*mode, &*entropy);
            let nonce = nonces.current(NOW).and_then(|nonce| nonce.parse().ok());
            let algs = AlgSet::from_iter(Alg::ALL.iter().copied());
            (Verifier::new(nonces, None, algs, DefectSet::default()), nonce)
        });
        let verifiers = verifiers.collect();
        let [key, stranger] = [(); 2].map(|()| ProofKey::generate_for(alg, &*entropy));
        let token = |key, number| AccessToken::new(token(key, number));
        Self {
            calls: calls.collect(),
            verifiers,
            token: token(&key, 0),
            spare: token(&key, 1),
            strangers_token: token(&stranger, 2),
            key,
            stranger,
            entropy,
        }
    }

    /// The same with null signatures in the place of ES256.
    #[cfg(any(test, feature = "fuzzing"))]
    #[must_use]
    pub fn with_null_signatures(self) -> Self {
        let verifiers = self.verifiers.into_iter();
        Self {
            key: self.key.with_null_signatures(),
            stranger: self.stranger.with_null_signatures(),
            verifiers: verifiers.map(|(verifier, nonce)| (verifier.with_null_signatures(), nonce)).collect(),
            ..self
        }
    }

    /// The request of a trial; an error where there is none.
    ///
    /// # Errors
    /// [`EditError`] where an edit can't be made here.
    pub fn show(&self, trial: &Trial) -> Result<Sight<'_>, EditError> {
        let (call, url) = &self.calls[trial.setting % CALLS.len()];
        let (verifier, nonce) = &self.verifiers[trial.mode()];
        let earlier = BTreeMap::new();
        let material = Material {
            key: &self.key,
            token: &self.token,
            spare: Some(&self.spare),
            stranger: Some((&self.stranger, &self.strangers_token)),
            issuer: None,
            decoy: None,
            nonce: nonce.as_ref(),
            call,
            resource: call,
            now: NOW,
            entropy: &*self.entropy,
            choices: &*self.entropy,
            earlier: &earlier,
        };
        let minted = mint(&trial.recipe.step(), &material)?;
        let named = |field: &&crate::proof::Field| field.name.eq_ignore_ascii_case("DPoP");
        let fields = minted.request.fields.iter().filter(named);
        let proofs = fields.map(|field| field.value.trim_matches([' ', '\t']).to_owned()).collect();
        Ok(Sight { minted, proofs, call, url, verifier, nonce: nonce.as_ref(), scene: self })
    }
}

impl Sight<'_> {
    /// Whether the verifier sees all that was edited: the request is otherwise a correct one, and can be sent.
    pub fn is_whole(&self) -> bool {
        let request = &self.minted.request;
        let credentials: Vec<_> =
            request.fields.iter().filter(|field| field.name == "Authorization").collect();
        let usual = format!("DPoP {}", self.scene.token.expose());
        request.method == self.call.method
            && request.target == self.call.uri.origin_form()
            && matches!(credentials[..], [field] if field.value == usual)
            && !self.proofs.iter().any(|proof| proof.contains(['\r', '\n', '\0']))
    }

    /// What the reference verifier says.
    ///
    /// # Errors
    /// [`Refusal`] for the first check that fails.
    pub fn judge(&self) -> Result<VerifiedProof, Refusal> {
        self.judge_at(NOW)
    }

    /// What it says at another time than that of the proof.
    ///
    /// # Errors
    /// As [`Sight::judge`].
    pub fn judge_at(&self, now: i64) -> Result<VerifiedProof, Refusal> {
        let proofs: Vec<&[u8]> = self.proofs.iter().map(String::as_bytes).collect();
        let bare = self.call.uri.without_query();
        self.verifier.verify(&Presented {
            proofs: &proofs,
            method: &self.call.method,
            uri: RequestUri { uri: &bare, query: self.call.uri.query.as_deref() },
            access_token: Some(self.scene.token.expose()),
            bound_key: Some(self.scene.key.thumbprint()),
            now,
        })
    }

    /// The method of the request.
    pub fn method(&self) -> &str {
        &self.call.method
    }

    /// The URL of the request.
    pub fn url(&self) -> &str {
        self.url
    }

    /// The access token beside the proof.
    pub fn access_token(&self) -> &str {
        self.scene.token.expose()
    }

    /// The nonce that the verifier supplied.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.map(Nonce::as_str)
    }

    /// The thumbprint that the token is bound to.
    pub fn jkt(&self) -> String {
        self.scene.key.thumbprint().to_string()
    }
}
