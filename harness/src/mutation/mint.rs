use std::cell::OnceCell;

use super::{Mutation, Stage, find};
use crate::proof::{Draft, EditError, KeyChoice, Material, ProofKey, Request, Step, StepRecord};

/// A request ready to be sent, and what is known of it.
#[derive(Clone)]
pub struct Minted {
    /// The request.
    pub request: Request,
    /// For later steps.
    pub record: StepRecord,
    /// The proof in readable form, where the request carries one.
    pub proof: MintedProof,
}

/// The request without its values: a spoiled proof may carry a private key.
impl std::fmt::Debug for Minted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Minted({:?})", self.request)
    }
}

/// A proof in readable form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintedProof {
    /// The JSON text of its header.
    pub header: String,
    /// The JSON text of its claims.
    pub claims: String,
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
    apply_to_draft(&mut draft, key, mutations.clone());

    let mut signed = draft.sign(signer);
    for mutation in mutations.clone() {
        mutation.spoil(&mut signed, key)?;
    }

    let mut request = Request::presenting(&call, &token, &signed.compact(), &step.request);
    for mutation in mutations {
        if let Stage::Carry(apply) = mutation.stage {
            let (another, _) = material.draft(key, &call, &token);
            apply(&mut request, &another.sign(signer).compact());
        }
    }
    Ok(minted(StepRecord { signed, jti, token, request }))
}

fn apply_to_draft(draft: &mut Draft, key: &ProofKey, mutations: impl Iterator<Item = &'static Mutation>) {
    for mutation in mutations {
        if let Stage::Draft(apply) = mutation.stage {
            apply(draft, key);
        }
    }
}

fn minted(record: StepRecord) -> Minted {
    let proof = MintedProof {
        header: record.signed.header_text().to_owned(),
        claims: record.signed.claims_text().to_owned(),
    };
    Minted { request: record.request.clone(), record, proof }
}
