//! Chance as an argument: keys, `jti` values, nonces and token ids come from here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with fresh randomness.
    fn fill(&self, bytes: &mut [u8]);

    /// A fresh RSA key of 2048 bits as PKCS #8 (RFC 5958). The generator of aws-lc makes it, with randomness of its own,
    /// and takes some 50 ms.
    ///
    /// # Panics
    /// Where the operating system has no randomness to give.
    fn rsa_key(&self) -> Vec<u8> {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok();
        let document =
            pair.and_then(|pair| Some(AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).ok()?.as_ref().to_vec()));
        document.unwrap_or_else(|| unreachable!("the system's random generator failed"))
    }
}

/// The operating system's generator, by way of aws-lc.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    /// Where the operating system has no randomness to give: nothing that follows would be safe.
    fn fill(&self, bytes: &mut [u8]) {
        assert!(aws_lc_rs::rand::fill(bytes).is_ok(), "the system's random generator failed");
    }
}

/// The operating system's generator with RSA keys in store, for many runs that need the same few: each takes them from
/// the first on, and no run has one twice.
#[derive(Clone)]
pub struct StockedEntropy {
    rsa_keys: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
}

impl StockedEntropy {
    /// With so many keys in store, and fresh ones behind them.
    pub fn new(keys: usize) -> Self {
        let rsa_keys = (0..keys).map(|_| SystemEntropy.rsa_key()).collect();
        Self { rsa_keys, next: Arc::default() }
    }

    /// The same store for another run, from its first key on.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { rsa_keys: self.rsa_keys.clone(), next: Arc::default() }
    }
}

impl Entropy for StockedEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        SystemEntropy.fill(bytes);
    }

    fn rsa_key(&self) -> Vec<u8> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.rsa_keys.get(next).cloned().unwrap_or_else(|| SystemEntropy.rsa_key())
    }
}

/// A repeatable sequence for tests and for choices that follow `--seed`. Not for keys.
#[derive(Debug)]
pub struct SeededEntropy {
    state: Mutex<u64>,
}

impl SeededEntropy {
    /// The sequence that begins with `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64, the generator that xoshiro's authors recommend for spreading a seed.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(word.to_le_bytes().get(..chunk.len()).unwrap_or_default());
        }
    }
}

/// A fresh value of 128 random bits in base64url: a `jti`, a token id, a client's name.
pub fn unique_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    crate::jose::base64url::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_sequence() {
        let sequence = |seed| {
            let entropy = SeededEntropy::new(seed);
            (unique_id(&entropy), unique_id(&entropy))
        };
        assert_eq!(sequence(1), sequence(1));
        assert_ne!(sequence(1), sequence(2));
        assert_ne!(sequence(1).0, sequence(1).1);
    }

    #[test]
    fn keys_in_store_come_once_a_run() {
        let store = StockedEntropy::new(1);
        let (first, second) = (store.rsa_key(), store.rsa_key());
        assert_ne!(first, second);
        let other = store.anew();
        assert_eq!(other.rsa_key(), first);
        assert!(![first, second].contains(&other.rsa_key()));
    }

    #[test]
    fn the_system_does_not_repeat_itself() {
        assert_ne!(unique_id(&SystemEntropy), unique_id(&SystemEntropy));
    }
}
