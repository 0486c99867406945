//! Planted bugs: signatures and algorithms.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::SignatureNotVerified,
        "signature-not-verified",
        "Reads the proof without verifying its signature, so a public key is enough to forge one.",
        &[
            "rs.key.bound-jwk-other-signer",
            "rs.jose.flipped-signature",
            "rs.jose.zero-signature",
            "rs.jose.der-signature",
        ],
    ),
    row(
        Defect::AlgNoneAccepted,
        "alg-none-accepted",
        "Accepts an unsigned proof that says `alg: none`.",
        &[
            "rs.jose.alg-none",
            "rs.jose.alg-none-capital",
            "rs.jose.alg-none-upper",
            "rs.jose.alg-none-mixed",
            "rs.jose.alg-none-signed",
        ],
    ),
    row(
        Defect::AlgNoneBySpelling,
        "alg-none-by-spelling",
        "Refuses `alg: none` in lower case, and takes any other spelling of it for an unsigned proof.",
        &["rs.jose.alg-none-capital", "rs.jose.alg-none-upper", "rs.jose.alg-none-mixed"],
    ),
    row(
        Defect::HmacAccepted,
        "hmac-accepted",
        "Accepts HS256 with the public key as the secret.",
        &[
            "rs.jose.hmac-public-key",
            "rs.jose.hmac-public-pem",
            "rs.jose.hmac-public-der",
            "rs.jose.hmac-public-x",
        ],
    ),
    row(
        Defect::ZeroSignatureAccepted,
        "zero-signature-accepted",
        "Accepts an ECDSA signature of zeros, which verifies any text where the range of r and s is not checked.",
        &["rs.jose.zero-signature", "rs.jws.eddsa-zero", "rs.jws.rs256-zero"],
    ),
    row(
        Defect::DerSignatureAccepted,
        "der-signature-accepted",
        "Accepts an ASN.1 DER signature as well.",
        &["rs.jose.der-signature"],
    ),
    row(
        Defect::AlgOfTheKeyTaken,
        "alg-of-the-key-taken",
        "Verifies with the algorithm that the key has, whatever `alg` says.",
        &["rs.alg.alg-key-mismatch", "rs.alg.missing", "rs.alg.unknown"],
    ),
    row(
        Defect::RsaPaddingNotBound,
        "rsa-padding-not-bound",
        "Takes a signature of either padding by an RSA key, whichever `alg` names.",
        &["rs.alg.rs256-as-ps256"],
    ),
    row(
        Defect::Es256Refused,
        "es256-refused",
        "Says that it accepts ES256, and refuses it.",
        &["rs.alg.es256-ok"],
    ),
    row(
        Defect::Es384Refused,
        "es384-refused",
        "Says that it accepts ES384, and refuses it.",
        &["rs.alg.es384-ok"],
    ),
    row(
        Defect::Es512Refused,
        "es512-refused",
        "Says that it accepts ES512, and refuses it.",
        &["rs.alg.es512-ok"],
    ),
    row(
        Defect::EdDsaRefused,
        "eddsa-refused",
        "Says that it accepts EdDSA, and refuses it.",
        &["rs.alg.eddsa-ok"],
    ),
    row(
        Defect::Ps256Refused,
        "ps256-refused",
        "Says that it accepts PS256, and refuses it.",
        &["rs.alg.ps256-ok"],
    ),
    row(
        Defect::Rs256Refused,
        "rs256-refused",
        "Says that it accepts RS256, and refuses it.",
        &["rs.alg.rs256-ok"],
    ),
    row(
        Defect::SignatureZeroModOrder,
        "signature-zero-mod-order",
        "Refuses r = 0 and s = 0 by their bytes only, and so not where they are 0 modulo the order.",
        &["rs.jws.order-signature"],
    ),
    row(
        Defect::SignatureInFixedBuffer,
        "signature-in-fixed-buffer",
        "Copies the signature into a buffer of the right length: what is short is filled up, what is long cut off.",
        &["rs.jws.short-signature", "rs.jws.long-signature"],
    ),
    row(
        Defect::EdDsaOrderNotChecked,
        "eddsa-order-not-checked",
        "Reduces S of an Ed25519 signature instead of refusing what is too large.",
        &["rs.jws.eddsa-plus-order"],
    ),
];
