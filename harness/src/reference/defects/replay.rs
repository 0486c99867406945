//! Planted bugs: the memory of proofs.

use super::{Defect, DefectRow, row};

pub(super) const ROWS: &[DefectRow] = &[
    row(
        Defect::JtiNotTracked,
        "jti-not-tracked",
        "Remembers no proof, so a recorded request can be sent again.",
        &[
            "rs.replay.twice",
            "rs.replay.same-jti",
            "rs.replay.twin-signature",
            "rs.http.keep-alive-replay",
            "rs.http.http2-replay",
        ],
    ),
    row(
        Defect::ReplayKeyIsSignature,
        "replay-key-is-signature",
        "Remembers proofs by their signature, which anybody can turn into its twin `n - s`.",
        &["rs.replay.same-jti", "rs.replay.same-jti-respelled-url", "rs.replay.twin-signature"],
    ),
    row(
        Defect::ReplayKeyIsSigningInput,
        "replay-key-is-signing-input",
        "Remembers proofs by their signed text, so a `jti` may come back in another proof.",
        &["rs.replay.same-jti", "rs.replay.same-jti-respelled-url"],
    ),
    row(
        Defect::ReplayKeyIsThumbprint,
        "replay-key-is-thumbprint",
        "Remembers proofs by their key alone, so each key can be used once.",
        &["rs.replay.distinct-ok"],
    ),
    row(
        Defect::ReplayKeyIsProof,
        "replay-key-is-proof",
        "Remembers proofs by their bytes and decodes signatures leniently, so another spelling is taken for another proof.",
        &[
            "rs.replay.same-jti",
            "rs.replay.same-jti-respelled-url",
            "rs.replay.twin-signature",
            "rs.replay.padded-signature",
            "rs.replay.trailing-bits",
            "rs.replay.standard-alphabet",
            "rs.replay.stray-character",
        ],
    ),
    row(
        Defect::ReplayCheckedThenStored,
        "replay-checked-then-stored",
        "Looks a proof up and stores it in two steps, so copies that arrive in between pass.",
        &["rs.replay.race", "rs.replay.race-http2"],
    ),
    row(
        Defect::OneRequestAKey,
        "one-request-a-key",
        "Refuses a request while another with the same key is under way.",
        &["rs.replay.parallel-ok", "rs.replay.parallel-http2-ok"],
    ),
    row(
        Defect::ForgottenAfterASecond,
        "forgotten-after-a-second",
        "Forgets a proof a second after it was accepted, long before it is too old.",
        &["rs.replay.after-2s", "rs.replay.dated-ahead", "rs.replay.dated-now", "rs.replay.dated-far-ahead"],
    ),
    row(
        Defect::ForgottenAfterAMinute,
        "forgotten-after-a-minute",
        "Forgets a proof after a minute, and takes proofs that are five minutes old.",
        &["rs.replay.dated-now"],
    ),
    row(
        Defect::RetentionFromReceipt,
        "retention-from-receipt",
        "Forgets a proof as long after its receipt as proofs may be old (here a minute), although one dated ahead is good for longer.",
        &["rs.replay.dated-ahead", "rs.replay.dated-far-ahead"],
    ),
    row(
        Defect::ReplayStoreEvicts,
        "replay-store-evicts",
        "Makes room in a full store by forgetting the oldest proof, although it is still good.",
        &["rs.replay.after-200-own"],
    ),
    row(
        Defect::ReplayStorePerHttpVersion,
        "replay-store-per-http-version",
        "Remembers proofs apart for HTTP/1.1 and HTTP/2, so each is good once in either.",
        &["rs.http.http2-replay"],
    ),
    row(
        Defect::ReplayKeyIsJti,
        "replay-key-is-jti",
        "Remembers proofs by their `jti` alone, so one client can use up that of another.",
        &["rs.distinct.two-keys"],
    ),
    row(
        Defect::ReplayKeyWithRawHtu,
        "replay-key-with-raw-htu",
        "Remembers `jti` values together with `htu` as it is written, and compares it in its normal form: a new spelling is a new name.",
        &["rs.replay.same-jti-respelled-url"],
    ),
    row(
        Defect::ReplayKeyWithMethod,
        "replay-key-with-method",
        "Remembers `jti` values for each method apart, so one is good for a HEAD and a GET.",
        &["rs.replay.same-jti-other-method"],
    ),
    row(
        Defect::JtiRecordedUnverified,
        "jti-recorded-unverified",
        "Remembers the `jti` of a proof before it verifies the signature, so whoever knows one uses it up.",
        &["rs.burn.bad-signature", "rs.burn.stranger", "rs.burn.bad-ath", "rs.burn.bad-url"],
    ),
    row(
        Defect::JtiRecordedBeforeClaims,
        "jti-recorded-before-claims",
        "Remembers the `jti` of a proof for the token's key before it looks at `htu`, `ath` and the key of the proof.",
        &["rs.burn.stranger", "rs.burn.bad-ath", "rs.burn.bad-url"],
    ),
    row(
        Defect::JtiCollated,
        "jti-collated",
        "Looks `jti` values up in a column whose collation ignores case, accents and spaces at the end.",
        &["rs.distinct.other-case", "rs.distinct.trailing-space", "rs.distinct.composed"],
    ),
    row(
        Defect::JtiCutAtNul,
        "jti-cut-at-nul",
        "Hands `jti` values to a store that takes strings to end at the first NUL.",
        &["rs.distinct.trailing-nul"],
    ),
    row(
        Defect::JtiTruncated,
        "jti-truncated",
        "Keeps `jti` values in a column of 255 characters, which cuts longer ones off.",
        &["rs.distinct.long-prefix"],
    ),
    row(
        Defect::LongJtiCrashes,
        "long-jti-crashes",
        "Takes proofs of any length, and answers 500 where a `jti` does not fit into its column.",
        &["rs.jti.1-kib", "rs.jti.16-kib", "rs.jti.64-kib"],
    ),
];
