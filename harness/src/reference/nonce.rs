use aws_lc_rs::hmac;

use crate::entropy::Entropy;
use crate::jose::base64url;

/// How long one nonce is handed out. It stays good for as long again, so its life is at most twice this: five minutes.
const SLOT_SECONDS: i64 = 150;

/// Whether a server uses nonces (RFC 9449 sections 8 and 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NonceMode {
    /// It supplies none, and a `nonce` claim means nothing to it.
    #[default]
    Never,
    /// It supplies nonces, and checks one that is there.
    Optional,
    /// Every proof must have one.
    Required,
}

impl NonceMode {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// Supplies nonces and recognises them again.
///
/// A nonce is an HMAC over the number of the time slot, so nobody can foresee one (RFC 9449 section 8) and nothing needs
/// to be stored.
#[derive(Clone)]
pub struct Nonces {
    mode: NonceMode,
    secret: hmac::Key,
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Nonces").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Nonces {
    /// Nonces under a fresh secret.
    pub fn new(mode: NonceMode, entropy: &dyn Entropy) -> Self {
        let mut secret = [0; 32];
        entropy.fill(&mut secret);
        Self { mode, secret: hmac::Key::new(hmac::HMAC_SHA256, &secret) }
    }

    /// Whether nonces are used at all.
    pub fn mode(&self) -> NonceMode {
        self.mode
    }

    /// The nonce to hand out at `now`, in seconds since 1970; none where the mode is [`NonceMode::Never`].
    pub fn current(&self, now: i64) -> Option<String> {
        match self.mode {
            NonceMode::Never => None,
            NonceMode::Optional | NonceMode::Required => Some(self.of_slot(now.div_euclid(SLOT_SECONDS))),
        }
    }

    /// Whether `nonce` is the current one at `now` or the one before.
    pub fn recognises(&self, nonce: &str, now: i64) -> bool {
        self.recent(now).iter().any(|recent| recent == nonce)
    }

    /// Whether `nonce` was good at any time of the last day; only for [`Defect::NonceNeverExpires`].
    ///
    /// [`Defect::NonceNeverExpires`]: super::Defect::NonceNeverExpires
    pub(super) fn recognised(&self, nonce: &str, now: i64) -> bool {
        let slot = now.div_euclid(SLOT_SECONDS);
        (slot - 24 * 3600 / SLOT_SECONDS..=slot).any(|slot| self.of_slot(slot) == nonce)
    }

    /// Those that are good at `now`: the current one and the one before.
    pub(super) fn recent(&self, now: i64) -> [String; 2] {
        let slot = now.div_euclid(SLOT_SECONDS);
        [slot, slot - 1].map(|slot| self.of_slot(slot))
    }

    fn of_slot(&self, slot: i64) -> String {
        base64url::encode(hmac::sign(&self.secret, &slot.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::jose::Nonce;

    #[test]
    fn a_nonce_lives_at_least_one_slot_and_at_most_five_minutes() {
        let nonces = Nonces::new(NonceMode::Required, &SystemEntropy);
        for born in [0, 1, 149, 150, 1_700_000_000] {
            let nonce = nonces.current(born).expect("nonces are on");
            assert!(nonce.parse::<Nonce>().is_ok(), "section 8.1: {nonce}");
            assert!(nonces.recognises(&nonce, born));
            assert!(nonces.recognises(&nonce, born + SLOT_SECONDS));
            assert!(!nonces.recognises(&nonce, born + 2 * SLOT_SECONDS));
            assert!(
                !nonces.recognises(&nonce, born - SLOT_SECONDS),
                "nonces of the future are not known yet"
            );
        }
    }

    #[test]
    fn nobody_else_makes_them() {
        let nonces = Nonces::new(NonceMode::Optional, &SystemEntropy);
        let stranger = Nonces::new(NonceMode::Optional, &SystemEntropy);
        let nonce = stranger.current(1000).expect("nonces are on");
        assert!(!nonces.recognises(&nonce, 1000));
        assert!(!nonces.recognises("", 1000));
        assert_eq!(Nonces::new(NonceMode::Never, &SystemEntropy).current(1000), None);
    }
}
