//! What planted defects do when they read `typ`, `htm`, `iat` and `ath`. Without the defect each of these changes nothing.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;

use super::claims::PAST_WINDOW;
use super::defects::{Defect, DefectSet};
use crate::jose::json::{Json, Object};
use crate::jose::{Ath, PROOF_TYP, base64url};

/// How old a proof may be at a server with [`Defect::RetentionFromReceipt`], in seconds. Short, so that its nonces outlive
/// its proofs.
pub(super) const SHORT_WINDOW: i64 = 60;
/// The window of [`Defect::IatWindowOfSeconds`], either way.
const NARROW_WINDOW: i64 = 5;
/// How far ahead a proof may be dated at a server with [`Defect::IatHoursAheadAccepted`].
const HOURS_AHEAD: i64 = 12 * 3600;
/// The last second that a date of ECMAScript can be (ECMA-262, section "Time Values and Time Range").
const LAST_DATE: f64 = 8.64e12;

/// Whether a `typ` passes that is not `dpop+jwt`.
pub(super) fn typ_accepted(typ: &str, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    (is(Defect::TypPlainJwtAccepted) && typ.eq_ignore_ascii_case("JWT"))
        || (is(Defect::TypPrefix) && typ.starts_with(PROOF_TYP))
        || (is(Defect::TypCaseFolded) && typ.eq_ignore_ascii_case(PROOF_TYP))
        || (is(Defect::TypMediaTypeAccepted) && typ.strip_prefix("application/") == Some(PROOF_TYP))
        || (is(Defect::TypAnyJwtAccepted) && typ.ends_with("+jwt"))
}

/// Whether an `htm` passes that is not `method`.
pub(super) fn htm_accepted(htm: &str, method: &str, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    (is(Defect::HtmCaseFolded) && htm.eq_ignore_ascii_case(method))
        || (is(Defect::HeadWithGetProofAccepted) && (htm, method) == ("GET", "HEAD"))
        || (is(Defect::HtmTrimmed) && htm.trim() == method)
        || (is(Defect::HtmOfOtherMethodsNotChecked) && method != "GET")
}

/// How old a proof may be, in seconds.
pub(super) fn past_window(defects: DefectSet) -> i64 {
    if defects.contains(Defect::RetentionFromReceipt) {
        SHORT_WINDOW
    } else if defects.contains(Defect::IatWindowOfSeconds) {
        NARROW_WINDOW
    } else {
        PAST_WINDOW
    }
}

/// How far ahead of the server's clock a proof may be dated, in seconds, where it should be `window`.
pub(super) fn future_window(window: i64, defects: DefectSet) -> i64 {
    if defects.contains(Defect::IatZeroSkew) {
        0
    } else if defects.contains(Defect::IatWindowOfSeconds) {
        NARROW_WINDOW
    } else if defects.contains(Defect::IatHoursAheadAccepted) {
        HOURS_AHEAD
    } else {
        window
    }
}

/// Whether the age of a proof with this `iat` is not checked.
pub(super) fn age_skipped(iat: Option<&Json>, now: i64, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    let Some(iat @ Json::Number(digits)) = iat else {
        // No comparison with it holds, neither that it is too old nor that it is too new.
        return is(Defect::NanAccepted) && iat.and_then(Json::as_str) == Some("NaN");
    };
    let of_64_bits = iat.as_i64();
    (is(Defect::IatOverflow) && is_young(iat, now))
        || (is(Defect::IatTooLargeSkipped) && of_64_bits.is_none() && !digits.contains(['.', 'e']))
        || (is(Defect::IatTooLargeSkipped) && iat.as_f64().is_some_and(f64::is_infinite))
        || (is(Defect::IatDateInvalid) && iat.as_f64().is_some_and(|seconds| seconds.abs() > LAST_DATE))
        || (is(Defect::IatMinusOneIsNone) && of_64_bits == Some(-1))
}

/// Whether an `iat` is one of the last minutes, where 64 bits wrap round. What is less than they hold becomes the least.
fn is_young(iat: &Json, now: i64) -> bool {
    // The cast saturates.
    let iat = iat.as_i64().or_else(|| iat.as_f64().map(|seconds| seconds as i64));
    iat.is_some_and(|iat| iat <= now && now.wrapping_sub(iat) <= PAST_WINDOW)
}

/// Whether a proof is refused by the `exp` or `nbf` in it, which RFC 9449 does not speak of.
pub(super) fn dated_otherwise(claims: &Object, now: i64, defects: DefectSet) -> bool {
    let date = |name| claims.member(name).and_then(Json::as_i64);
    defects.contains(Defect::ProofExpHonoured)
        && (date("exp").is_some_and(|exp| exp < now) || date("nbf").is_some_and(|nbf| nbf > now))
}

/// Whether an `ath` passes that is another spelling of the hash, or the hash of something else.
pub(super) fn ath_accepted(ath: &str, access_token: &str, defects: DefectSet) -> bool {
    (defects.contains(Defect::AthOfCredentialsAccepted)
        && ath == Ath::of(&format!("DPoP {access_token}")).as_str())
        || (defects.contains(Defect::AthTrailingBitsIgnored)
            && decoded_but_for_trailing_bits(ath) == base64url::decode(Ath::of(access_token).as_str()))
}

fn decoded_but_for_trailing_bits(text: &str) -> Option<Vec<u8>> {
    GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true)).decode(text).ok()
}
