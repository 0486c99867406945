use std::time::{SystemTime, UNIX_EPOCH};

use dpop_verifier::{DpopError, DpopVerifier, NonceMode, ReplayContext, ReplayStore};

use crate::{IAT_FUTURE, IAT_PAST, Presented, chain};

/// The thumbprint that the crate `dpop-verifier` finds.
pub(crate) async fn thumbprint(presented: Presented<'_>, now: i64) -> Result<String, String> {
    let ahead = seconds_since(now);
    let verifier = DpopVerifier::new()
        .with_max_age_seconds(IAT_PAST + ahead)
        .with_future_skew_seconds(IAT_FUTURE - ahead)
        .with_nonce_mode(match presented.nonce {
            Some(nonce) => NonceMode::RequireEqual { expected_nonce: nonce.to_owned() },
            None => NonceMode::Disabled,
        });
    let Presented { proof, method, url, access_token, nonce: _ } = presented;
    match verifier.verify(&mut NeverSeen, proof, url, method, access_token).await {
        Ok(verified) => Ok(verified.jkt),
        Err(error) => Err(chain(&error)),
    }
}

/// How far the system's clock is ahead of `now`: this verifier reads that clock, so its window is moved instead.
#[expect(clippy::disallowed_methods, reason = "what the verifier reads as well")]
fn seconds_since(now: i64) -> i64 {
    let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(real).unwrap_or(i64::MAX).saturating_sub(now)
}

struct NeverSeen;

#[async_trait::async_trait]
impl ReplayStore for NeverSeen {
    async fn insert_once(&mut self, _: [u8; 32], _: ReplayContext<'_>) -> Result<bool, DpopError> {
        Ok(true)
    }
}
