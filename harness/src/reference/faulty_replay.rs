//! What planted defects remember of proofs, when, and under which name.
//!
//! Without the defect each of these changes nothing.

use super::claims::PAST_WINDOW;
use super::defects::{Defect, DefectSet};
use super::faulty_claims::SHORT_WINDOW;
use super::refusal::Refusal;
use super::replay::ReplayStore;
use crate::jose::json::{Json, Object};
use crate::jose::jws::Compact;
use crate::jose::{Jkt, base64url};

/// How many proofs a store holds that is too small.
const SMALL_STORE: usize = 100;
/// The width of a column that values are cut to, in characters.
const COLUMN: usize = 255;

/// The store of accepted proofs.
pub(super) fn store(defects: DefectSet) -> ReplayStore {
    if defects.contains(Defect::ReplayStoreEvicts) {
        ReplayStore::evicting(SMALL_STORE)
    } else {
        ReplayStore::default()
    }
}

/// The last second in which a proof is remembered that is acceptable until `last`.
pub(super) fn last_second(last: i64, now: i64, defects: DefectSet) -> i64 {
    if defects.contains(Defect::ForgottenAfterASecond) {
        now.saturating_add(1)
    } else if defects.contains(Defect::ForgottenAfterAMinute) {
        now.saturating_add(60)
    } else if defects.contains(Defect::RetentionFromReceipt) {
        now.saturating_add(SHORT_WINDOW)
    } else {
        last
    }
}

/// How far a proof has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It was read.
    Read,
    /// Its signature was verified.
    Verified,
}

/// Whether a proof is remembered at this stage already, before everything was checked.
fn remembers_at(stage: Stage, defects: DefectSet) -> bool {
    match stage {
        Stage::Read => defects.contains(Defect::JtiRecordedUnverified),
        Stage::Verified => defects.contains(Defect::JtiRecordedBeforeClaims),
    }
}

/// Whether a proof is remembered before everything was checked, and so no more at the end.
pub(super) fn remembers_early(defects: DefectSet) -> bool {
    [Stage::Read, Stage::Verified].into_iter().any(|stage| remembers_at(stage, defects))
}

/// Remembers a proof too early, under the key that the token is bound to: that is known from the start.
pub(super) fn remember_early(
    store: Option<&ReplayStore>,
    stage: Stage,
    claims: &Object,
    bound_key: Option<Jkt>,
    now: i64,
    defects: DefectSet,
) -> Result<(), Refusal> {
    let jti = claims.member("jti").and_then(Json::as_str);
    match (store, jti, bound_key) {
        (Some(store), Some(jti), Some(key)) if remembers_at(stage, defects) => {
            store.record(format!("{key} {jti}"), now.saturating_add(PAST_WINDOW), now)
        }
        _ => Ok(()),
    }
}

/// What a proof is remembered by: key and `jti`, so that one client can't use up the identifiers of another.
pub(super) fn key(
    jkt: Jkt,
    jti: &str,
    jws: &Compact<'_>,
    proof: &[u8],
    method: &str,
    defects: DefectSet,
) -> String {
    let is = |defect| defects.contains(defect);
    let jti = stored(jti, defects);
    if is(Defect::ReplayKeyIsProof) {
        String::from_utf8_lossy(proof).into_owned()
    } else if is(Defect::ReplayKeyIsSignature) {
        base64url::encode(&jws.signature)
    } else if is(Defect::ReplayKeyIsSigningInput) {
        jws.signing_input.to_owned()
    } else if is(Defect::ReplayKeyIsThumbprint) {
        jkt.to_string()
    } else if is(Defect::ReplayKeyIsJti) {
        jti
    } else if is(Defect::ReplayKeyWithRawHtu) {
        let htu = jws.claims.member("htu").and_then(Json::as_str).unwrap_or_default();
        format!("{jkt} {jti} {htu}")
    } else if is(Defect::ReplayKeyWithMethod) {
        format!("{jkt} {jti} {method}")
    } else {
        format!("{jkt} {jti}")
    }
}

/// The `jti` as the store keeps and compares it.
fn stored(jti: &str, defects: DefectSet) -> String {
    let is = |defect| defects.contains(defect);
    if is(Defect::JtiTruncated) {
        jti.chars().take(COLUMN).collect()
    } else if is(Defect::JtiCutAtNul) {
        jti.split('\0').next().unwrap_or_default().to_owned()
    } else if is(Defect::JtiCollated) {
        // As databases compare that ignore case, accents, and spaces at the end.
        let plain = jti.trim_end_matches(' ').to_lowercase().replace('\u{e9}', "e");
        plain.replace('\u{301}', "")
    } else {
        jti.to_owned()
    }
}
