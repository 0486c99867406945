//! Keys that no client should have, and one that every client may have by chance. They are the same in every run, and no
//! secret: a token is bound to one only for the request that shows it.

use aws_lc_rs::digest::{SHA256, digest};

use super::rsa::{self, Number};
use super::{Mutation, Stage};
use crate::jose::base64url;
use crate::jose::json::{self, Json, Object};
use crate::proof::ProofKey;

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "rsa-512",
        phrase: "jwk is an RSA key of 512 bits, which signed",
        stage: Stage::By(OddKey::Rsa512),
    },
    Mutation {
        name: "rsa-1024",
        phrase: "jwk is an RSA key of 1024 bits, which signed",
        stage: Stage::By(OddKey::Rsa1024),
    },
    Mutation {
        name: "rsa-2047",
        phrase: "jwk is an RSA key of 2047 bits, which signed",
        stage: Stage::By(OddKey::Rsa2047),
    },
    Mutation {
        name: "rsa-exponent-one",
        phrase: "jwk is an RSA key with the exponent 1, for which anybody can sign",
        stage: Stage::By(OddKey::RsaExponentOne),
    },
    Mutation {
        name: "rsa-even-modulus",
        phrase: "jwk is an RSA key with an even modulus, which signed",
        stage: Stage::By(OddKey::RsaEven),
    },
    Mutation {
        name: "rsa-huge-exponent",
        phrase: "jwk is an RSA key of 8192 bits with an exponent as long, and a signature as long",
        stage: Stage::By(OddKey::RsaHugeExponent),
    },
    Mutation {
        name: "rsa-16384",
        phrase: "jwk is an RSA key of 16384 bits, and a signature as long",
        stage: Stage::By(OddKey::Rsa16384),
    },
    Mutation {
        name: "leading-zero-key",
        phrase: "jwk is a key on P-256 whose x begins with a zero octet, which signed",
        stage: Stage::By(OddKey::LeadingZero),
    },
];

/// A key that stands in `jwk` and signs, instead of the client's.
#[derive(Debug, Clone, Copy)]
pub(super) enum OddKey {
    /// 512 bits.
    Rsa512,
    /// 1024 bits.
    Rsa1024,
    /// One bit less than RFC 7518 section 3.3 demands.
    Rsa2047,
    /// The exponent 1: the signature is the padded hash itself.
    RsaExponentOne,
    /// Twice a prime, which is no secret to who reads it.
    RsaEven,
    /// 8192 bits, and an exponent as long.
    RsaHugeExponent,
    /// 16384 bits.
    Rsa16384,
    /// A key on P-256 as good as any other, whose x coordinate begins with a zero octet.
    LeadingZero,
}

/// The private JWKs, by name. Made for this purpose.
const KEYS: &str = include_str!("odd_keys.json");

impl OddKey {
    fn name(self) -> &'static str {
        match self {
            Self::Rsa512 => "rsa-512",
            Self::Rsa1024 => "rsa-1024",
            Self::Rsa2047 => "rsa-2047",
            Self::RsaExponentOne => "rsa-e1",
            Self::RsaEven => "rsa-even",
            Self::RsaHugeExponent | Self::Rsa16384 => "",
            Self::LeadingZero => "leading-zero",
        }
    }

    /// The algorithm that it signs with.
    pub(super) fn alg(self) -> &'static str {
        match self {
            Self::LeadingZero => "ES256",
            Self::Rsa512
            | Self::Rsa1024
            | Self::Rsa2047
            | Self::RsaExponentOne
            | Self::RsaEven
            | Self::RsaHugeExponent
            | Self::Rsa16384 => "RS256",
        }
    }

    fn private_jwk(self) -> Object {
        let keys = json::read(KEYS.as_bytes()).ok();
        let jwk = keys.as_ref().and_then(|keys| keys.as_object()?.member(self.name())?.as_object());
        jwk.cloned().unwrap_or_default()
    }

    /// The public half.
    pub(super) fn jwk(self) -> Object {
        let huge = |n: &[u8], e: &[u8]| {
            let [n, e] = [n, e].map(|number| Json::from(base64url::encode(number)));
            Object::from([("e", e), ("kty", Json::from("RSA")), ("n", n)])
        };
        let mut jwk = match self {
            Self::RsaHugeExponent => huge(&long_number(1024), &long_number(1024)),
            Self::Rsa16384 => huge(&long_number(2048), &[1, 0, 1]),
            Self::Rsa512
            | Self::Rsa1024
            | Self::Rsa2047
            | Self::RsaExponentOne
            | Self::RsaEven
            | Self::LeadingZero => self.private_jwk(),
        };
        for name in ["d", "q"] {
            jwk.remove(name);
        }
        jwk
    }

    /// A signature over `input`.
    pub(super) fn sign(self, input: &[u8]) -> Vec<u8> {
        let jwk = self.private_jwk();
        let number = |name: &str| {
            jwk.member(name).and_then(Json::as_str).and_then(base64url::decode).unwrap_or_default()
        };
        let padded = |n: &[u8]| rsa::padded_hash(digest(&SHA256, input).as_ref(), n.len());
        match self {
            Self::Rsa512 | Self::Rsa1024 | Self::Rsa2047 | Self::RsaExponentOne => {
                let n = number("n");
                rsa::raised(&padded(&n), &number("d"), &n).unwrap_or_default()
            }
            Self::RsaEven => {
                let (n, q) = (number("n"), number("q"));
                let hash = padded(&n);
                let Some(root) = rsa::raised(&hash, &number("d"), &q) else { return Vec::new() };
                // Modulo 2 a number is its own root: of the two numbers with this rest modulo q it is the one as odd as it.
                let odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last % 2 == 1);
                let root = Number::of(&root);
                let root = if odd(&root.to_bytes(n.len())) == odd(&hash) {
                    root
                } else {
                    root.plus(&Number::of(&q))
                };
                root.to_bytes(n.len())
            }
            // Nobody knows the private half; what counts is how long it takes to see that.
            Self::RsaHugeExponent => [vec![0], long_number(1023)].concat(),
            Self::Rsa16384 => [vec![0], long_number(2047)].concat(),
            Self::LeadingZero => {
                ProofKey::from_private_jwk(&jwk).map(|key| key.sign(input)).unwrap_or_default()
            }
        }
    }
}

/// An odd number of so many octets, the first of which is large.
fn long_number(octets: usize) -> Vec<u8> {
    let mut number: Vec<u8> = (0_u32..)
        .flat_map(|counter| digest(&SHA256, &counter.to_be_bytes()).as_ref().to_vec())
        .take(octets)
        .collect();
    if let Some(first) = number.first_mut() {
        *first |= 0x80;
    }
    if let Some(last) = number.last_mut() {
        *last |= 1;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each is as odd as its name says, and the roots are right ones.
    #[test]
    fn they_are_what_they_are_called() {
        for (key, bits, e) in [
            (OddKey::Rsa512, 512, "AQAB"),
            (OddKey::Rsa1024, 1024, "AQAB"),
            (OddKey::Rsa2047, 2047, "AQAB"),
            (OddKey::RsaExponentOne, 2048, "AQ"),
            (OddKey::RsaEven, 2048, "AQAB"),
        ] {
            let jwk = key.jwk();
            assert_eq!(jwk.members().len(), 3, "{key:?}");
            let n = base64url::decode(jwk.member("n").and_then(Json::as_str).expect("n")).expect("base64url");
            assert_eq!(n.len() * 8 - n[0].leading_zeros() as usize, bits, "{key:?}");
            assert_eq!(jwk.member("e").and_then(Json::as_str), Some(e));
            assert_eq!(n[n.len() - 1] % 2 == 0, matches!(key, OddKey::RsaEven));
            let e = base64url::decode(e).expect("base64url");
            let hash = rsa::padded_hash(digest(&SHA256, b"x").as_ref(), n.len());
            if !matches!(key, OddKey::RsaEven) {
                assert_eq!(rsa::raised(&key.sign(b"x"), &e, &n), Some(hash), "{key:?}");
            }
        }
        let jwk = OddKey::LeadingZero.jwk();
        let x = base64url::decode(jwk.member("x").and_then(Json::as_str).expect("x")).expect("base64url");
        assert_eq!((x.len(), x[0]), (32, 0));
        assert_eq!(OddKey::LeadingZero.sign(b"x").len(), 64);
    }
}
