//! RSA as planted bugs know it: any key, and padding that is not looked at to its end.
//!
//! Without the bug nothing passes here.

use aws_lc_rs::digest::{SHA256, digest};
use p256::elliptic_curve::bigint::{Encoding as _, U2048};

use super::defects::{Defect, DefectSet};
use crate::jose::json::{Json, Object};
use crate::jose::jws::Compact;
use crate::jose::{PublicJwk, RsaPublic, base64url};

/// What stands before a SHA-256 hash in a signature (RFC 8017 section 9.2, note 1).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// The key in `jwk`, however weak it is.
pub(super) fn weak_key(jwk: &Object, defects: DefectSet) -> Option<PublicJwk> {
    let number = |name: &str| jwk.member(name).and_then(Json::as_str).and_then(base64url::decode);
    let ours = defects.contains(Defect::RsaKeyNotChecked) && jwk.member("d").is_none();
    let key = RsaPublic::unchecked(number("n")?, number("e")?);
    ours.then_some(PublicJwk::Rsa(key))
}

/// Whether a signature passes that does not verify.
pub(super) fn accepted(jws: &Compact<'_>, key: &PublicJwk, defects: DefectSet) -> bool {
    let is = |defect| defects.contains(defect);
    let PublicJwk::Rsa(rsa) = key else { return false };
    if !(is(Defect::RsaKeyNotChecked) || is(Defect::RsaPaddingEndIgnored) || is(Defect::PssSaltAnyLength)) {
        return false;
    }
    let Some(text) = raised(&jws.signature, rsa.e(), rsa.n()) else { return false };
    let hash = digest(&SHA256, jws.signing_input.as_bytes());
    let info = [&DIGEST_INFO, hash.as_ref()].concat();
    match padded(&text) {
        _ if is(Defect::PssSaltAnyLength) => has_salt(&text, hash.as_ref()),
        Some(rest) if is(Defect::RsaPaddingEndIgnored) => rest.starts_with(&info),
        Some(rest) => rest == info,
        None => false,
    }
}

/// What stands behind the padding of a signature of PKCS #1 v1.5.
fn padded(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(&[0, 1])?;
    let ones = rest.iter().take_while(|byte| **byte == 0xff).count();
    rest.get(ones..)?.strip_prefix(&[0]).filter(|_| ones >= 8)
}

/// Whether the text is a PSS encoding of the hash with any salt (RFC 8017 section 9.1.2).
fn has_salt(text: &[u8], hash: &[u8]) -> bool {
    let Some((block, [salted @ .., 0xbc])) = text.split_at_checked(text.len().saturating_sub(33)) else {
        return false;
    };
    let mask = (0_u32..)
        .flat_map(|counter| digest(&SHA256, &[salted, &counter.to_be_bytes()].concat()).as_ref().to_vec());
    let mut block: Vec<u8> = block.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    if let Some(first) = block.first_mut() {
        *first &= 0x7f;
    }
    let zeros = block.iter().take_while(|byte| **byte == 0).count();
    let Some([1, salt @ ..]) = block.get(zeros..) else { return false };
    digest(&SHA256, &[&[0; 8], hash, salt].concat()).as_ref() == salted
}

/// The power modulo any number of at most 2048 bits.
fn raised(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Option<Vec<u8>> {
    let number = |bytes: &[u8]| {
        let mut all = [0; 256];
        all.get_mut(256_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
        Some(U2048::from_be_bytes(all))
    };
    let n = number(modulus)?;
    let times = |one: &U2048, other: &U2048| U2048::const_rem_wide(one.mul_wide(other), &n).0;
    let base = number(base)?;
    let mut power = U2048::ONE;
    for byte in exponent {
        for bit in (0..8).rev() {
            power = times(&power, &power);
            if byte >> bit & 1 == 1 {
                power = times(&power, &base);
            }
        }
    }
    Some(power.to_be_bytes().get(256 - modulus.len()..)?.to_vec())
}
