//! The checks of RFC 9449 section 4.3 that concern one claim each.

use super::defects::{Defect, DefectSet};
use super::faulty;
use super::faulty_claims;
use super::faulty_htu;
use super::htu::{self, RequestUri};
use super::nonce::{NonceMode, Nonces};
use super::refusal::Refusal;
use crate::jose::Ath;
use crate::jose::json::{Json, Object};
use crate::jose::uri::Uri;

/// How old a proof may be, in seconds.
pub const PAST_WINDOW: i64 = 300;

/// How far ahead of the server's clock a proof may be dated, in seconds, unless the server is set up otherwise.
pub const FUTURE_WINDOW: i64 = 60;

/// The longest `jti`, in bytes: a server should not have to remember more (section 11.1).
const MAX_JTI_BYTES: usize = 256;

/// Check 3: `jti` is there, a string, and fit to be unique. `None` stands for no `jti`, which only a defect lets pass.
pub(super) fn check_jti(claims: &Object, defects: DefectSet) -> Result<Option<String>, Refusal> {
    match claims.member("jti") {
        None if defects.contains(Defect::JtiOptional) => Ok(None),
        Some(value) if defects.contains(Defect::JtiAnyType) => Ok(Some(value.to_text())),
        _ => {
            let jti = text(claims, "jti")?;
            if jti.is_empty() && defects.contains(Defect::JtiEmptyAccepted) {
                return Ok(None);
            }
            if jti.is_empty() || jti.len() > MAX_JTI_BYTES {
                return Err(Refusal::JtiLength(jti.len()));
            }
            Ok(Some(jti.to_owned()))
        }
    }
}

/// Check 8: `htm` is the method of the request. Methods are case-sensitive (RFC 9110 section 9.1).
pub(super) fn check_htm(claims: &Object, method: &str, defects: DefectSet) -> Result<(), Refusal> {
    let htm = claims.member("htm");
    let skipped = (defects.contains(Defect::HtmOptional) && htm.is_none())
        || (defects.contains(Defect::HtmFalsySkipped) && faulty::is_falsy(htm))
        || (defects.contains(Defect::HtmNonStringSkipped) && faulty::is_no_string(htm));
    if skipped || defects.contains(Defect::HtmNotChecked) {
        return Ok(());
    }
    let htm = match faulty::first_of_array(claims, "htm") {
        Some(htm) if defects.contains(Defect::HtmFirstOfArray) => htm,
        _ => text(claims, "htm")?,
    };
    let method = match method {
        "HEAD" if defects.contains(Defect::HeadTakenForGet) => "GET",
        other => other,
    };
    if htm == method || faulty_claims::htm_accepted(htm, method, defects) {
        Ok(())
    } else {
        Err(Refusal::Htm)
    }
}

/// Check 9: `htu` is the URI of the request, query and fragment ignored.
pub(super) fn check_htu(claims: &Object, uri: RequestUri<'_>, defects: DefectSet) -> Result<(), Refusal> {
    let htu = claims.member("htu");
    let skipped = (defects.contains(Defect::HtuOptional) && htu.is_none())
        || (defects.contains(Defect::HtuFalsySkipped) && faulty::is_falsy(htu))
        || (defects.contains(Defect::HtuNonStringSkipped) && faulty::is_no_string(htu));
    if skipped || defects.contains(Defect::HtuNotChecked) {
        return Ok(());
    }
    let htu = match faulty::first_of_array(claims, "htu") {
        Some(htu) if defects.contains(Defect::HtuFirstOfArray) => htu,
        _ => text(claims, "htu")?,
    };
    let htu = faulty_htu::read(htu, uri.uri, defects);
    let htu: Uri = htu.parse().map_err(Refusal::HtuNotUri)?;
    if htu::matches(&htu, uri, defects) { Ok(()) } else { Err(Refusal::Htu) }
}

/// Check 10: the nonce is one that this server supplied lately (sections 8, 9 and 11.3).
pub(super) fn check_nonce(
    claims: &Object,
    nonces: &Nonces,
    now: i64,
    defects: DefectSet,
) -> Result<(), Refusal> {
    let demanded = match nonces.mode() {
        NonceMode::Never => return Ok(()),
        NonceMode::Optional => false,
        NonceMode::Required => !defects.contains(Defect::NonceNotDemanded),
    };
    let good = match claims.member("nonce") {
        None if demanded => return Err(Refusal::NonceMissing),
        None => return Ok(()),
        Some(_) if defects.contains(Defect::NonceNotChecked) => true,
        Some(_) if defects.contains(Defect::NonceNeverValid) => false,
        Some(_) if defects.contains(Defect::NonceSecretNotShared) => false,
        Some(Json::String(nonce)) => {
            nonces.recognises(nonce, now)
                || (defects.contains(Defect::NonceNeverExpires) && nonces.recognised(nonce, now))
                || faulty::nonce_accepted(nonce, &nonces.recent(now), defects)
        }
        Some(_) => defects.contains(Defect::NonceNonStringSkipped),
    };
    if good { Ok(()) } else { Err(Refusal::NonceUnknown) }
}

/// Check 11: `iat` is a NumericDate (RFC 7519 section 2) within the window around `now`.
///
/// Returns the last second in which a proof of this date is acceptable: until then its `jti` must be remembered.
pub(super) fn check_iat(
    claims: &Object,
    now: i64,
    future_window: i64,
    defects: DefectSet,
) -> Result<i64, Refusal> {
    let iat = claims.member("iat");
    let skipped = (defects.contains(Defect::IatOptional) && iat.is_none())
        || (defects.contains(Defect::IatFalsySkipped) && faulty::is_falsy(iat))
        || (defects.contains(Defect::IatNonNumberSkipped) && faulty::is_no_number(iat))
        || faulty_claims::age_skipped(iat, now, defects);
    if skipped || defects.contains(Defect::IatNotChecked) {
        return Ok(now.saturating_add(PAST_WINDOW));
    }
    let iat = match iat.ok_or(Refusal::ClaimMissing("iat"))? {
        Json::Number(number) if defects.contains(Defect::IatFractionRefused) && number.contains('.') => None,
        Json::Number(number) if defects.contains(Defect::IatExponentRefused) && number.contains('e') => None,
        Json::Number(number) if faulty::other_iat(number, defects).is_some() => {
            faulty::other_iat(number, defects)
        }
        Json::String(digits) if defects.contains(Defect::IatStringAccepted) => digits.parse().ok(),
        value => value.as_f64(),
    };
    // Fractions are allowed, so this is a double: exact for every date near now, and nothing overflows. 1e400 is
    // infinite, and so is refused.
    let iat: f64 = iat.ok_or(Refusal::ClaimType("iat"))?;
    let age = now as f64 - iat;
    let past_window = faulty_claims::past_window(defects);
    let too_old = age > past_window as f64 && !defects.contains(Defect::IatPastUnlimited);
    let ahead = faulty_claims::future_window(future_window, defects);
    let too_new = -age > ahead as f64 && !defects.contains(Defect::IatFutureUnlimited);
    if !iat.is_finite() || too_old || too_new || faulty_claims::dated_otherwise(claims, now, defects) {
        return Err(Refusal::Iat);
    }
    // The cast saturates.
    Ok((iat + past_window as f64).floor() as i64)
}

/// `nbf`, of which RFC 9449 says nothing: where it is there it is a date (RFC 7519 section 4.1.5) not far ahead of `now`
/// (FAPI 2.0 Security Profile section 5.3.2.1).
pub(super) fn check_nbf(
    claims: &Object,
    now: i64,
    window: Option<i64>,
    defects: DefectSet,
) -> Result<(), Refusal> {
    let (Some(nbf), Some(window)) = (claims.member("nbf"), window) else { return Ok(()) };
    let nbf = nbf.as_f64().ok_or(Refusal::ClaimType("nbf"))?;
    if nbf - now as f64 <= window as f64 || defects.contains(Defect::NbfOfProofIgnored) {
        Ok(())
    } else {
        Err(Refusal::Nbf)
    }
}

/// Check 12, first half: `ath` is the hash of the access token that came with the proof.
pub(super) fn check_ath(claims: &Object, access_token: &str, defects: DefectSet) -> Result<(), Refusal> {
    if defects.contains(Defect::AthNotChecked)
        || faulty::ath_accepted(claims.member("ath"), access_token, defects)
    {
        return Ok(());
    }
    if text(claims, "ath")? == Ath::of(access_token).as_str() { Ok(()) } else { Err(Refusal::Ath) }
}

/// Check 3: a required claim is there and a string.
fn text<'a>(claims: &'a Object, name: &'static str) -> Result<&'a str, Refusal> {
    claims.member(name).ok_or(Refusal::ClaimMissing(name))?.as_str().ok_or(Refusal::ClaimType(name))
}
