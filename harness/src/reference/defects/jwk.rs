//! Planted bugs: the key in the header, and its thumbprint.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::JwkOptional,
        "jwk-optional",
        "Lets a proof without `jwk` through, as there is nothing to verify it with.",
        &["rs.jose.jwk-missing"],
    ),
    row(
        Defect::JwkUnreadableSkipped,
        "jwk-unreadable-skipped",
        "Takes the failure to read `jwk` for there being none, and lets the proof through.",
        &[
            "rs.jose.jwk-null",
            "rs.jose.jwk-string",
            "rs.jose.jwk-array",
            "rs.jose.jwk-set",
            "rs.jose.jwk-empty",
            "rs.jwk.p384-label",
        ],
    ),
    row(
        Defect::JwkFirstOfList,
        "jwk-first-of-list",
        "Takes the first key where `jwk` is an array or a JWK Set.",
        &["rs.jose.jwk-array", "rs.jose.jwk-set"],
    ),
    row(
        Defect::JwkPrivateAccepted,
        "jwk-private-accepted",
        "Accepts a private key in `jwk`.",
        &["rs.jose.jwk-private", "rs.jwk.private-okp", "rs.jwk.private-primes"],
    ),
    row(
        Defect::ThumbprintOverAllMembers,
        "thumbprint-over-all-members",
        "Hashes every member of `jwk`, not only the required ones.",
        &["rs.accept.extra-jwk-members"],
    ),
    row(
        Defect::ThumbprintInMemberOrder,
        "thumbprint-in-member-order",
        "Hashes the members of `jwk` in the order in which they stand.",
        &["rs.accept.member-order"],
    ),
    row(
        Defect::DuplicateJwkLastUsed,
        "duplicate-jwk-last-used",
        "Hashes the first of two keys and verifies with the last.",
        &["rs.duplicate.jwk-behind", "rs.duplicate.coordinates-behind"],
    ),
    row(
        Defect::DuplicateJwkFirstUsed,
        "duplicate-jwk-first-used",
        "Hashes the last of two keys and verifies with the first.",
        &["rs.duplicate.jwk-before", "rs.duplicate.coordinates-before"],
    ),
    row(
        Defect::JwkPrivateByDOnly,
        "jwk-private-by-d-only",
        "Takes a key for private only where it has `d`.",
        &["rs.jwk.private-primes"],
    ),
    row(
        Defect::KidTakenForThumbprint,
        "kid-taken-for-thumbprint",
        "Compares `kid` with `cnf.jkt` where the header has one.",
        &["rs.jwk.kid"],
    ),
    row(
        Defect::JwkKidTakenForThumbprint,
        "jwk-kid-taken-for-thumbprint",
        "Compares the `kid` of the key with `cnf.jkt` where it has one.",
        &["rs.jwk.kid-in-jwk"],
    ),
    row(
        Defect::KeyErrorSkipsSignature,
        "key-error-skips-signature",
        "Goes on where the library refuses the key, and so without verifying the signature.",
        &["rs.jwk.off-curve", "rs.jwk.huge-x"],
    ),
    row(
        Defect::InfinityKeyAccepted,
        "infinity-key-accepted",
        "Takes the point (0, 0) for infinity and verifies with it, and for that key anybody can sign.",
        &["rs.jwk.zero-point"],
    ),
    row(
        Defect::CoordinatesDecodedLeniently,
        "coordinates-decoded-leniently",
        "Decodes coordinates leniently and hashes them as they are spelled, so one key has many thumbprints.",
        &[
            "rs.jwk.padded-x",
            "rs.jwk.zero-before-x",
            "rs.key-kind.short-x",
            "rs.key-kind.zero-before-n",
            "rs.key-kind.zero-before-e",
        ],
    ),
    row(
        Defect::EcCurveIgnored,
        "ec-curve-ignored",
        "Takes every EC key for one on P-256, whatever `crv` says.",
        &["rs.key-kind.p192-label", "rs.key-kind.secp256k1-label", "rs.jwk.p384-label"],
    ),
    row(
        Defect::OkpCurveIgnored,
        "okp-curve-ignored",
        "Takes every OKP key for one of Ed25519, whatever `crv` says.",
        &["rs.key-kind.x25519-label", "rs.key-kind.ed448-label", "rs.key-kind.no-crv"],
    ),
    row(
        Defect::KeyPurposeIgnored,
        "key-purpose-ignored",
        "Verifies with a key whose `use`, `key_ops` or `alg` says that it is for something else.",
        &["rs.key-kind.encryption-use", "rs.key-kind.encryption-key-ops", "rs.key-kind.foreign-alg"],
    ),
    row(
        Defect::RsaKeyNotChecked,
        "rsa-key-not-checked",
        "Verifies with any RSA key, however short its modulus and whatever its exponent.",
        &[
            "rs.strength.rsa-512",
            "rs.strength.rsa-1024",
            "rs.strength.rsa-2047",
            "rs.strength.exponent-one",
            "rs.strength.even-modulus",
        ],
    ),
    row(
        Defect::LeadingZeroDropped,
        "leading-zero-dropped",
        "Keeps coordinates as numbers, so one key in 128 has another thumbprint here than anywhere else.",
        &["rs.key-kind.leading-zero-ok"],
    ),
];
