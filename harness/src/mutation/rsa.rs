//! RSA by hand (RFC 8017): signatures that no library makes.

use aws_lc_rs::digest::{SHA256, digest};
use p256::elliptic_curve::bigint::modular::runtime_mod::{DynResidue, DynResidueParams};
use p256::elliptic_curve::bigint::{Encoding as _, U2048};

use super::{Mutation, Stage};
use crate::jose::json::Json;
use crate::jose::{PublicJwk, base64url};
use crate::proof::{ProofKey, Signed};

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "garbage-behind-hash",
        phrase: "an RSA signature whose padding is short, with other octets behind the hash",
        stage: Stage::Sign(|signed, key| {
            sign(signed, key, |hash, length| {
                let padded = padded_hash(hash, PREFIX.len() + hash.len() + 11);
                Some([padded, vec![0xa5; length.checked_sub(PREFIX.len() + hash.len() + 11)?]].concat())
            });
        }),
    },
    Mutation {
        name: "pss-without-salt",
        phrase: "a PSS signature with an empty salt",
        stage: Stage::Sign(|signed, key| sign(signed, key, |hash, length| pss(hash, 0, length))),
    },
    Mutation {
        name: "pss-with-longest-salt",
        phrase: "a PSS signature with the longest salt for the modulus",
        stage: Stage::Sign(|signed, key| {
            sign(signed, key, |hash, length| pss(hash, length.checked_sub(2 + hash.len())?, length));
        }),
    },
];

/// The most octets of a modulus.
const MOST: usize = 256;

/// A number of at most 2048 bits.
pub(super) struct Number(U2048);

impl Number {
    /// The number with these octets, big-endian; 0 where they are too many.
    pub(super) fn of(octets: &[u8]) -> Self {
        let mut all = [0; MOST];
        if let Some(low) = MOST.checked_sub(octets.len()).and_then(|from| all.get_mut(from..)) {
            low.copy_from_slice(octets);
        }
        Self(U2048::from_be_bytes(all))
    }

    /// So many octets, big-endian.
    pub(super) fn to_bytes(&self, length: usize) -> Vec<u8> {
        self.0.to_be_bytes().get(MOST.saturating_sub(length)..).unwrap_or_default().to_vec()
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self(self.0.wrapping_add(&other.0))
    }
}

/// The power modulo an odd `modulus` of at most 2048 bits; none for others.
pub(super) fn raised(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Option<Vec<u8>> {
    let odd = modulus.last().is_some_and(|last| last % 2 == 1);
    if !odd || modulus.len() > MOST {
        return None;
    }
    let parameters = DynResidueParams::new(&Number::of(modulus).0);
    let rest = Number::of(base).0.checked_rem(&Number::of(modulus).0);
    let rest = Option::<U2048>::from(rest)?;
    let power = DynResidue::new(&rest, parameters)
        .pow_bounded_exp(&Number::of(exponent).0, exponent.len().min(MOST) * 8);
    let power = power.retrieve();
    Some(Number(power).to_bytes(modulus.len()))
}

/// What stands before a SHA-256 hash in DigestInfo (RFC 8017 section 9.2, note 1).
const PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// A SHA-256 hash in so many octets (RFC 8017 section 9.2).
pub(super) fn padded_hash(hash: &[u8], length: usize) -> Vec<u8> {
    let padding = length.saturating_sub(PREFIX.len() + hash.len() + 3);
    [&[0, 1][..], &vec![0xff; padding], &[0], &PREFIX, hash].concat()
}

/// A SHA-256 hash with a salt of this length in so many octets, for a modulus of eight times as many bits (RFC 8017
/// section 9.1.1).
fn pss(hash: &[u8], salt: usize, length: usize) -> Option<Vec<u8>> {
    let salt = vec![0x3c; salt];
    let salted = digest(&SHA256, &[&[0; 8], hash, &salt].concat());
    let salted = salted.as_ref();
    let zeros = length.checked_sub(salt.len() + salted.len() + 2)?;
    let mut block = [vec![0; zeros], vec![1], salt].concat();
    let mask = (0_u32..).flat_map(|counter| {
        let block = digest(&SHA256, &[salted, &counter.to_be_bytes()].concat());
        block.as_ref().to_vec()
    });
    block.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
    if let Some(first) = block.first_mut() {
        *first &= 0x7f;
    }
    Some([&block, salted, &[0xbc]].concat())
}

/// Signs by hand what `encoded` makes of the hash for so many octets; nothing with other keys than those of RSA with
/// 2048 bits.
fn sign(signed: &mut Signed, key: &ProofKey, encoded: impl FnOnce(&[u8], usize) -> Option<Vec<u8>>) {
    let PublicJwk::Rsa(public) = key.public() else { return };
    if public.n().len() != MOST {
        return;
    }
    let hash = digest(&SHA256, signed.signing_input().as_bytes());
    let private = key.to_private_jwk();
    let d = private.member("d").and_then(Json::as_str).and_then(base64url::decode).unwrap_or_default();
    let signature = encoded(hash.as_ref(), public.n().len()).and_then(|text| raised(&text, &d, public.n()));
    if let Some(signature) = signature {
        signed.set_signature(&signature);
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::PublicKeyComponents;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256};

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::jose::Alg;

    /// With the right padding, and the right salt, a library takes them.
    #[test]
    fn what_is_made_by_hand_is_made_right() {
        let key = ProofKey::generate_for(Alg::Rs256, &SystemEntropy);
        let PublicJwk::Rsa(public) = key.public() else { panic!("an RSA key") };
        let private = key.to_private_jwk();
        let d = base64url::decode(private.member("d").and_then(Json::as_str).expect("d")).expect("base64url");
        let hash = digest(&SHA256, b"text");
        let library = PublicKeyComponents { n: public.n(), e: public.e() };
        let by_hand = |encoded: Vec<u8>| raised(&encoded, &d, public.n()).expect("a signature");
        let one = by_hand(padded_hash(hash.as_ref(), 256));
        assert!(library.verify(&RSA_PKCS1_2048_8192_SHA256, b"text", &one).is_ok());
        let other = by_hand(pss(hash.as_ref(), 32, 256).expect("room"));
        assert!(library.verify(&RSA_PSS_2048_8192_SHA256, b"text", &other).is_ok());
    }
}
