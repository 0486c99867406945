//! The twelve checks of RFC 9449 section 4.3 on one proof, strictly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::claims;
use super::defects::{Defect, DefectSet};
use super::faulty;
use super::faulty_claims;
use super::faulty_jws;
use super::faulty_mac;
use super::faulty_remote;
use super::faulty_replay::{self, Stage};
use super::faulty_rsa;
use super::faulty_signature;
use super::htu::RequestUri;
use super::nonce::Nonces;
use super::refusal::Refusal;
use super::replay::ReplayStore;
use super::signature;
use crate::jose::json::{Json, Object};
use crate::jose::jws::Compact;
use crate::jose::{Alg, AlgSet, Jkt, PROOF_TYP, PublicJwk};

/// The longest proof that is read. A proof with an RSA key of 4096 bits has some 1,800 bytes.
pub const MAX_PROOF_BYTES: usize = 16 * 1024;

/// A request as far as its proof is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The values of all `DPoP` fields, in order.
    pub proofs: &'a [&'a [u8]],
    /// The method of the request.
    pub method: &'a str,
    /// The URI of the request.
    pub uri: RequestUri<'a>,
    /// The access token beside the proof; none at the token endpoint.
    pub access_token: Option<&'a str>,
    /// The key that the access token is bound to: its `cnf.jkt`.
    pub bound_key: Option<Jkt>,
    /// The time on the server's clock, in seconds since 1970.
    pub now: i64,
}

/// A proof that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedProof {
    /// The thumbprint of the key that signed it.
    pub jkt: Jkt,
    /// Its `jti`.
    pub jti: String,
}

/// A proof that passed every check but the one for replays.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) proof: VerifiedProof,
    key: Option<PublicJwk>,
    /// What it is remembered by, and the last second in which it is acceptable; none where it is not remembered.
    memory: Option<(String, i64)>,
}

/// What a server needs to judge proofs: its nonces, its memory, and the bugs planted in it.
#[derive(Debug)]
pub struct Verifier {
    nonces: Nonces,
    replay: Option<Arc<ReplayStore>>,
    algs: AlgSet,
    future_window: i64,
    nbf_window: Option<i64>,
    defects: DefectSet,
    /// Only for [`Defect::KeyCachedByThumbprint`].
    remembered_keys: Mutex<BTreeMap<Jkt, PublicJwk>>,
    /// Only for [`Defect::SignatureRemembered`].
    known_signatures: Mutex<BTreeSet<Vec<u8>>>,
    #[cfg(any(test, feature = "fuzzing"))]
    null_signatures: bool,
}

impl Verifier {
    /// A verifier that takes proofs of these `algs`, and remembers them if `replay` is there; nodes of one server share that.
    pub fn new(nonces: Nonces, replay: Option<Arc<ReplayStore>>, algs: AlgSet, defects: DefectSet) -> Self {
        let (remembered_keys, known_signatures) = (Mutex::default(), Mutex::default());
        let (future_window, nbf_window) = (claims::FUTURE_WINDOW, None);
        Self {
            nonces,
            replay,
            algs,
            future_window,
            nbf_window,
            defects,
            remembered_keys,
            known_signatures,
            #[cfg(any(test, feature = "fuzzing"))]
            null_signatures: false,
        }
    }

    /// The same, with the null signature in the place of ES256: for fuzzers, whose time curves would eat.
    #[cfg(any(test, feature = "fuzzing"))]
    #[must_use]
    pub fn with_null_signatures(self) -> Self {
        Self { null_signatures: true, ..self }
    }

    /// The same, for proofs whose `iat` lies ahead by so many seconds at most, and whose `nbf` does, where somebody looks at it.
    #[must_use]
    pub fn with_windows(self, future_window: i64, nbf_window: Option<i64>) -> Self {
        Self { future_window, nbf_window, ..self }
    }

    /// The memory of proofs.
    pub(super) fn replay(&self) -> Option<&Arc<ReplayStore>> {
        self.replay.as_ref()
    }

    /// The algorithms that it says it accepts.
    pub fn algs(&self) -> AlgSet {
        self.algs
    }

    /// The nonces that this verifier recognises.
    pub fn nonces(&self) -> &Nonces {
        &self.nonces
    }

    /// Judges the proof of one request.
    ///
    /// Nothing is remembered of a proof that fails: otherwise whoever sees a `jti` could use it up for its owner.
    ///
    /// # Errors
    /// [`Refusal`] for the first check that fails.
    pub fn verify(&self, presented: &Presented<'_>) -> Result<VerifiedProof, Refusal> {
        self.record(self.check(presented)?, presented.now)
    }

    /// Judges the proof without regard to others.
    pub(super) fn check(&self, presented: &Presented<'_>) -> Result<Checked, Refusal> {
        let defects = self.defects;
        let proof = one_proof(presented.proofs, defects)?;
        let jws = read(proof, defects)?;
        let early = |stage| {
            let (store, bound) = (self.replay.as_deref(), presented.bound_key);
            faulty_replay::remember_early(store, stage, &jws.claims, bound, presented.now, defects)
        };
        early(Stage::Read)?;
        faulty_remote::look_keys_up(&jws.header, defects);
        let alg = check_header(&jws.header, self.algs, defects)?;
        let key = self.key(&jws, presented.bound_key)?;
        if let Some(key) = &key
            && !self.knows_signature(&jws.signature)
        {
            self.check_signature(&jws, alg, &key.public)?;
            self.remember_signature(&jws.signature);
        }
        early(Stage::Verified)?;

        if defects.contains(Defect::PossessionOnly) {
            let proof = VerifiedProof {
                jkt: bound_key(key.as_ref(), presented.bound_key, defects)?,
                jti: String::new(),
            };
            return Ok(Checked { proof, key: None, memory: None });
        }
        let now = presented.now;
        if defects.contains(Defect::UnknownClaimsRefused) {
            only_known(&jws.claims, &["jti", "htm", "htu", "iat", "ath", "nonce"])?;
        }
        let jti = claims::check_jti(&jws.claims, defects)?;
        claims::check_htm(&jws.claims, presented.method, defects)?;
        claims::check_htu(&jws.claims, presented.uri, defects)?;
        if !faulty::nonce_not_needed(presented.uri.uri, defects) {
            claims::check_nonce(&jws.claims, &self.nonces, now, defects)?;
        }
        let last_second = claims::check_iat(&jws.claims, now, self.future_window, defects)?;
        claims::check_nbf(&jws.claims, now, self.nbf_window, defects)?;
        if let Some(access_token) = presented.access_token {
            claims::check_ath(&jws.claims, access_token, defects)?;
        }
        let jkt = bound_key(key.as_ref(), presented.bound_key, defects)?;

        let last_second = faulty_replay::last_second(last_second, now, defects);
        let tracked = self.replay.is_some()
            && !defects.contains(Defect::JtiNotTracked)
            && !faulty_replay::remembers_early(defects);
        let memory = jti
            .as_deref()
            .filter(|_| tracked)
            .map(|jti| (faulty_replay::key(jkt, jti, &jws, proof, presented.method, defects), last_second));
        let proof = VerifiedProof { jkt, jti: jti.unwrap_or_default() };
        Ok(Checked { proof, key: key.map(|key| key.public), memory })
    }

    /// Whether a checked proof was accepted before.
    pub(super) fn knows(&self, checked: &Checked, now: i64) -> bool {
        let known =
            |(key, _): &(String, i64)| self.replay.as_ref().is_some_and(|store| store.knows(key, now));
        checked.memory.as_ref().is_some_and(known)
    }

    /// Remembers a checked proof, unless it was accepted before.
    pub(super) fn record(&self, checked: Checked, now: i64) -> Result<VerifiedProof, Refusal> {
        let Checked { proof, key, memory } = checked;
        if let (Some(store), Some((key, last_second))) = (&self.replay, memory) {
            store.record(key, last_second, now)?;
        }
        if let Some(key) = key {
            self.remember(proof.jkt, key);
        }
        Ok(proof)
    }

    /// Checks 5 and 7: the key in `jwk` is public and of a supported kind. `None` stands for no key at all, which only a
    /// defect lets pass.
    fn key(&self, jws: &Compact<'_>, bound_key: Option<Jkt>) -> Result<Option<ProofKey>, Refusal> {
        let header = &jws.header;
        let member = match header.member("jwk") {
            None if self.defects.contains(Defect::JwkOptional) => return Ok(None),
            None => return Err(Refusal::ParameterMissing("jwk")),
            Some(member) => member,
        };
        let (jwk, public) = match self.readable(member) {
            Err(_) if self.defects.contains(Defect::JwkUnreadableSkipped) => return Ok(None),
            Err(_) if faulty_mac::secret_in_jwk(jws, self.defects) => return Ok(None),
            readable => readable?,
        };
        if !self.defects.contains(Defect::KeyPurposeIgnored) {
            check_purpose(&jwk, header)?;
        }
        if self.defects.contains(Defect::KeyCachedByThumbprint)
            && let Some(bound) = bound_key
            && let Some(known) = self.remembered_key(bound)
        {
            return Ok(Some(ProofKey { thumbprint: bound, public: known }));
        }
        let stated = faulty_signature::stated_thumbprint(header, &jwk, self.defects)
            .or_else(|| faulty_remote::thumbprint_of_certificate(header, self.defects));
        let thumbprint = stated.unwrap_or_else(|| faulty::thumbprint(&jwk, &public, self.defects));
        let certified = || faulty_remote::key_of_certificate(header, self.defects);
        let public = faulty_signature::other_key(header, self.defects).or_else(certified).unwrap_or(public);
        Ok(Some(ProofKey { thumbprint, public }))
    }

    fn readable(&self, jwk: &Json) -> Result<(Object, PublicJwk), Refusal> {
        let object = faulty::jwk_object(jwk, self.defects).ok_or(Refusal::ParameterType("jwk"))?;
        let object = faulty::readable_jwk(object, self.defects);
        let canonical = faulty_signature::canonical(&object, self.defects);
        let public = PublicJwk::from_json(&canonical)
            .or_else(|error| faulty_rsa::weak_key(&canonical, self.defects).ok_or(error));
        let public = public.map_err(Refusal::Jwk)?;
        Ok((object, public))
    }

    /// Check 6.
    fn check_signature(&self, jws: &Compact<'_>, alg: Option<Alg>, key: &PublicJwk) -> Result<(), Refusal> {
        #[cfg(any(test, feature = "fuzzing"))]
        if self.null_signatures && alg == Some(Alg::Es256) {
            let right = crate::jose::null_signature(key, jws.signing_input.as_bytes());
            let accepted = key.algs().contains(&Alg::Es256) && jws.signature == right;
            return if accepted { Ok(()) } else { Err(Refusal::Signature) };
        }
        check_signature(jws, alg, key, self.defects)
    }

    fn knows_signature(&self, signature: &[u8]) -> bool {
        let known = self.known_signatures.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(signature)
    }

    fn remember_signature(&self, signature: &[u8]) {
        if self.defects.contains(Defect::SignatureRemembered) {
            let mut known = self.known_signatures.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(signature.to_vec());
        }
    }

    fn remembered_key(&self, thumbprint: Jkt) -> Option<PublicJwk> {
        self.remembered_keys.lock().unwrap_or_else(PoisonError::into_inner).get(&thumbprint).cloned()
    }

    fn remember(&self, thumbprint: Jkt, key: PublicJwk) {
        if self.defects.contains(Defect::KeyCachedByThumbprint) {
            self.remembered_keys.lock().unwrap_or_else(PoisonError::into_inner).insert(thumbprint, key);
        }
    }
}

/// The key in `jwk`, and its thumbprint as this server computes it.
struct ProofKey {
    public: PublicJwk,
    thumbprint: Jkt,
}

/// Check 1: there is one `DPoP` field.
fn one_proof<'a>(proofs: &[&'a [u8]], defects: DefectSet) -> Result<&'a [u8], Refusal> {
    let proof = match proofs {
        [] => return Err(Refusal::ProofMissing),
        [proof] => proof,
        [first, ..] if defects.contains(Defect::FirstProofWins) => first,
        [.., last] if defects.contains(Defect::LastProofWins) => last,
        several => return Err(Refusal::ProofRepeated(several.len())),
    };
    if proof.len() > MAX_PROOF_BYTES && !defects.contains(Defect::LongJtiCrashes) {
        return Err(Refusal::ProofTooLong(proof.len()));
    }
    Ok(proof)
}

/// Check 2: it is one well-formed JWT.
fn read(proof: &[u8], defects: DefectSet) -> Result<Compact<'_>, Refusal> {
    let read = Compact::read(proof).or_else(|error| {
        let otherwise = || faulty_jws::read(proof, defects);
        faulty::read(proof, defects).or_else(otherwise).ok_or(Refusal::Malformed(error))
    });
    let read = match faulty_jws::read(proof, defects) {
        Some(literally) if defects.contains(Defect::EscapedNamesLiteral) => Ok(literally),
        _ => read,
    };
    read.map(|jws| Compact {
        header: faulty_jws::with_prototype(jws.header, defects),
        claims: faulty_jws::with_prototype(jws.claims, defects),
        ..jws
    })
}

/// Checks 4 and 5, and that no extension is demanded which this server does not have. The algorithm is none where a
/// defect accepts what is no algorithm for proofs.
fn check_header(header: &Object, algs: AlgSet, defects: DefectSet) -> Result<Option<Alg>, Refusal> {
    check_typ(header, defects)?;
    let name = match header.member("alg") {
        Some(Json::String(name)) => name,
        _ if defects.contains(Defect::AlgOfTheKeyTaken) => "",
        _ => text(header, "alg")?,
    };
    let alg = Alg::from_name(name);
    let accepted = match alg {
        Some(alg) => {
            let listed = algs.contains(alg) || defects.contains(Defect::AlgListNotEnforced);
            listed && !faulty::alg_refused(alg, defects)
        }
        None => faulty::alg_accepted(name, defects),
    };
    if !accepted {
        return Err(Refusal::Alg);
    }
    // RFC 7515 section 4.1.11: an extension that is not understood is a reason to refuse, and so is an empty list.
    let ignored = defects.contains(Defect::CritIgnored);
    if header.member("crit").is_some() && !ignored {
        return Err(Refusal::Critical);
    }
    // RFC 7797 section 7: a JWT always has `b64` true.
    if header.member("b64").is_some_and(|b64| *b64 != Json::Bool(true)) && !ignored {
        return Err(Refusal::Unencoded);
    }
    if defects.contains(Defect::UnknownParametersRefused) {
        only_known(header, &["typ", "alg", "jwk"])?;
    }
    Ok(alg)
}

/// Check 4: `typ` is exactly `dpop+jwt`, so no JWT that was made for something else is a proof (section 11.5).
fn check_typ(header: &Object, defects: DefectSet) -> Result<(), Refusal> {
    let optional = defects.contains(Defect::TypOptional) && header.member("typ").is_none();
    if optional || defects.contains(Defect::TypNotChecked) || defects.contains(Defect::PossessionOnly) {
        return Ok(());
    }
    if defects.contains(Defect::TypNonStringSkipped) && faulty::is_no_string(header.member("typ")) {
        return Ok(());
    }
    let typ = text(header, "typ")?;
    if typ == PROOF_TYP || faulty_claims::typ_accepted(typ, defects) { Ok(()) } else { Err(Refusal::Typ) }
}

/// `use`, `key_ops` and `alg` of a key, where they are given, allow it to verify this signature (RFC 7517 sections 4.2,
/// 4.3 and 4.4).
fn check_purpose(jwk: &Object, header: &Object) -> Result<(), Refusal> {
    let alg = header.member("alg").and_then(Json::as_str);
    let is = |value: &Json, word: &str| value.as_str() == Some(word);
    let verifies =
        |value: &Json| matches!(value, Json::Array(words) if words.iter().any(|word| is(word, "verify")));
    let allowed = |name, allows: &dyn Fn(&Json) -> bool| match jwk.member(name) {
        Some(value) if !allows(value) => Err(Refusal::JwkPurpose(name)),
        _ => Ok(()),
    };
    allowed("use", &|value| is(value, "sig"))?;
    allowed("key_ops", &verifies)?;
    allowed("alg", &|value| value.as_str() == alg)
}

/// Check 6: the signature verifies with the key in `jwk`, and by the algorithm that goes with it: the sender's `alg`
/// chooses among those and no others.
fn check_signature(
    jws: &Compact<'_>,
    alg: Option<Alg>,
    key: &PublicJwk,
    defects: DefectSet,
) -> Result<(), Refusal> {
    let alg = faulty::alg_for(alg, key, defects);
    if alg.is_some_and(|alg| !key.algs().contains(&alg)) {
        return Err(Refusal::AlgKey);
    }
    if signature::is_of_small_order(key) && !defects.contains(Defect::SmallOrderKeyAccepted) {
        return Err(Refusal::Signature);
    }
    let input = faulty_jws::signing_input(jws, defects);
    let verified = alg.is_some_and(|alg| signature::verifies(alg, key, input.as_bytes(), &jws.signature));
    let accepted = verified
        || faulty::signature_accepted(jws, key, defects)
        || faulty_signature::accepted(jws, key, defects)
        || faulty_rsa::accepted(jws, key, defects);
    if accepted { Ok(()) } else { Err(Refusal::Signature) }
}

/// Check 12, second half: the proof's key is the one that the access token is bound to.
fn bound_key(key: Option<&ProofKey>, bound: Option<Jkt>, defects: DefectSet) -> Result<Jkt, Refusal> {
    match (key.map(|key| key.thumbprint), bound) {
        (Some(proved), Some(bound)) if proved != bound && !defects.contains(Defect::CnfIgnored) => {
            Err(Refusal::OtherKey)
        }
        (Some(proved), _) => Ok(proved),
        (None, Some(bound)) => Ok(bound),
        (None, None) => Err(Refusal::ParameterMissing("jwk")),
    }
}

fn only_known(object: &Object, known: &[&str]) -> Result<(), Refusal> {
    let all_known = object.members().iter().all(|(name, _)| known.contains(&name.as_str()));
    if all_known { Ok(()) } else { Err(Refusal::UnknownMember) }
}

fn text<'a>(header: &'a Object, name: &'static str) -> Result<&'a str, Refusal> {
    header.member(name).ok_or(Refusal::ParameterMissing(name))?.as_str().ok_or(Refusal::ParameterType(name))
}
