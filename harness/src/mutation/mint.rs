use std::cell::OnceCell;

use serde::{Deserialize, Serialize};

use super::{Mutation, find};
use crate::jose::base64url;
use crate::jose::json::{Json, Object};
use crate::proof::{
    AccessToken, BoundTo, Call, Draft, EditError, KeyChoice, Material, ProofKey, Request, Statement, Step,
    StepRecord,
};

/// What every server takes in one header line; many HTTP libraries and proxies refuse more than 8 KiB (RFC 9110 section 5.4
/// leaves them the choice).
const LONG_PROOF: usize = 7 * 1024;

/// How often a signature is made anew to get one that can be spelled otherwise: one in fifteen can't by chance.
const MAX_SIGNATURES: usize = 16;

/// A request ready to be sent, and what is known of it.
#[derive(Clone)]
pub struct Minted {
    /// The request.
    pub request: Request,
    /// For later steps.
    pub record: StepRecord,
    /// The proof in readable form, where the request carries one.
    pub proof: MintedProof,
    /// Whether the fault is one of HTTP, so that what refuses it may never have seen the proof: a bare 400, a routing answer
    /// or a closed connection is a refusal, too.
    pub odd: bool,
}

/// The request without its values: a spoiled proof may carry a private key.
impl std::fmt::Debug for Minted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Minted({:?})", self.request)
    }
}

/// A proof in readable form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MintedProof {
    /// The JSON text of its header.
    pub header: String,
    /// The JSON text of its claims.
    pub claims: String,
    /// The texts that it would have without the edits of its step; none where they are the same, or nothing but the way of
    /// sending was edited.
    pub correct: Option<(String, String)>,
}

/// Makes the request of one step: a correct proof, token and request with the edits and mutations of the step, each in
/// its stage.
///
/// # Errors
/// [`EditError`] where the step can't be made from this material, and [`EditError::NoChange`] where an edited proof
/// turns out to be the correct one.
pub fn mint(step: &Step, material: &Material<'_>) -> Result<Minted, EditError> {
    let fresh = OnceCell::new();
    let key = material.key_for(step.proof.key.unwrap_or(KeyChoice::Own), &fresh)?;
    let mutations = || step.proof.mutate.iter().filter_map(|name| find(name));
    let signer = material.key_for(step.proof.signer.or(step.proof.key).unwrap_or(KeyChoice::Own), &fresh)?;
    if let Some(mutation) = mutations().find(|mutation| !mutation.applies_to(signer)) {
        return Err(EditError::NotForThisKey(mutation.name));
    }
    match &step.resend {
        Some(name) => resend(name, step, material, key, mutations()),
        None => make(step, material, key, signer, mutations()),
    }
}

fn resend(
    name: &str,
    step: &Step,
    material: &Material<'_>,
    key: &ProofKey,
    mutations: impl Iterator<Item = &'static Mutation>,
) -> Result<Minted, EditError> {
    let mut record =
        material.earlier.get(name).cloned().ok_or_else(|| EditError::NoSuchStep(name.to_owned()))?;
    for mutation in mutations {
        mutation.spoil(&mut record.signed, key)?;
    }
    record.request.http = step.request.http.unwrap_or(record.request.http);
    let compact = record.signed.compact();
    for field in record.request.fields.iter_mut().filter(|field| field.name == "DPoP") {
        field.value.clone_from(&compact);
    }
    Ok(minted(record))
}

fn make(
    step: &Step,
    material: &Material<'_>,
    key: &ProofKey,
    signer: &ProofKey,
    mutations: impl Iterator<Item = &'static Mutation> + Clone,
) -> Result<Minted, EditError> {
    let bound;
    let step = match step.token.bound_to {
        None => step,
        Some(BoundTo::SentJwk) => {
            let (mut draft, _) = material.draft(key, &material.call_for(step), material.token);
            mutations.clone().for_each(|mutation| mutation.edit(&mut draft, key, signer));
            bound = step_bound_to(step, &draft)?;
            &bound
        }
    };
    let token = material.token_for(step)?;
    let call = material.call_for(step);

    let (correct, jti) = material.draft(key, &call, &token);
    let mut draft = correct.clone();
    material.edit(&mut draft, &step.proof, &token)?;
    let data_only = step.proof.mutate.is_empty() && step.proof.signer.is_none() && step.proof.key.is_none();
    if step.proof != crate::proof::ProofEdits::default()
        && data_only
        && draft == correct
        && !step.proof.names_nonce()
    {
        return Err(EditError::NoChange);
    }
    let [htm, htu] = ["htm", "htu"].map(|name| {
        let text = draft.claims.member(name).and_then(Json::as_str);
        text.unwrap_or_default().to_owned()
    });
    let mut idle: Vec<&str> = mutations.clone().map(|mutation| mutation.name).collect();
    for mutation in mutations.clone() {
        let before = draft.clone();
        mutation.edit(&mut draft, key, signer);
        idle.retain(|name| *name != mutation.name || draft == before);
    }

    let mut signed = draft.sign(signer);
    for mutation in mutations.clone() {
        let before = signed.signing_input();
        mutation.rewrite(&mut signed, signer);
        idle.retain(|name| *name != mutation.name || signed.signing_input() == before);
    }
    for mutation in mutations.clone() {
        let before = signed.clone();
        let mut spoiled = mutation.spoil(&mut signed, key);
        // Most algorithms make another signature each time.
        for _ in 0..MAX_SIGNATURES {
            if spoiled.is_ok() || mutations.clone().count() > 1 {
                break;
            }
            signed.sign_again(signer);
            spoiled = mutation.spoil(&mut signed, key);
        }
        spoiled?;
        idle.retain(|name| *name != mutation.name || signed == before);
    }

    let mut request = Request::presenting(&call, &token, &signed.compact(), &step.request);
    let mut odd = step.request.token_in.is_some() || signed.compact().len() > LONG_PROOF;
    if let Some(pretence) = step.request.pretend {
        pretence.apply(&mut request, &htm, &htu.parse().unwrap_or(call.htu.clone()));
        odd = true;
    }
    for mutation in mutations {
        let before = request.clone();
        mutation.carry(&mut request, || material.draft(key, &call, &token).0.sign(signer).compact());
        idle.retain(|name| *name != mutation.name || request == before);
        odd |= mutation.is_about_http();
    }
    // A fault that this proof can't have would be sent as a correct proof, and its acceptance be held against the server.
    if !idle.is_empty() {
        return Err(EditError::NoChange);
    }
    let honest = honest(material, &call, &token, &jti);
    let mut minted = Minted { odd, ..minted(StepRecord { signed, jti, token, request }) };
    if honest != (minted.proof.header.clone(), minted.proof.claims.clone()) {
        minted.proof.correct = Some(honest);
    }
    Ok(minted)
}

/// The texts of the proof that an honest client would send in the place of this one.
fn honest(material: &Material<'_>, call: &Call, token: &AccessToken, jti: &str) -> (String, String) {
    let statement = Statement {
        htm: &call.method,
        htu: &call.htu.to_string(),
        access_token: Some(token.expose()),
        nonce: material.nonce,
        jti,
        iat: material.now,
    };
    let draft = Draft::correct(material.key, statement);
    (draft.header.to_text(), draft.claims.to_text())
}

/// The step with a token that is bound to the `jwk` of `draft` as it stands there.
fn step_bound_to(step: &Step, draft: &Draft) -> Result<Step, EditError> {
    let jwk = draft.header.member("jwk").and_then(Json::as_object).ok_or(EditError::NoThumbprint)?;
    let mut hashed = Object::new();
    for name in ["crv", "e", "k", "kty", "n", "x", "y"] {
        jwk.member(name).into_iter().for_each(|value| hashed.append(name, value.clone()));
    }
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, hashed.to_text().as_bytes());
    let mut step = step.clone();
    step.token.claims.set("cnf", Object::from([("jkt", Json::from(base64url::encode(hash)))]));
    Ok(step)
}

fn minted(record: StepRecord) -> Minted {
    let proof = MintedProof {
        header: record.signed.header_text().to_owned(),
        claims: record.signed.claims_text().to_owned(),
        correct: None,
    };
    Minted { request: record.request.clone(), record, proof, odd: false }
}
