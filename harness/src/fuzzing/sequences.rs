//! What a verifier remembers, against a model: nonces and proofs that were used.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::entropy::SeededEntropy;
use crate::jose::uri::Uri;
use crate::jose::{Alg, AlgSet, Nonce};
use crate::proof::{Draft, ProofKey, Statement};
use crate::reference::{
    DefectSet, FUTURE_WINDOW, NonceMode, Nonces, PAST_WINDOW, Presented, Refusal, ReplayStore, RequestUri,
    Verifier,
};

/// The time at which a sequence begins: the middle of nothing in particular.
const BEGIN: i64 = 1_800_000_017;

/// A nonce is good for so many seconds at least, and for twice as long at most.
const NONCE_LIFE: i64 = 150;

/// A proof that was presented, and what the model knows of it.
struct Known {
    compact: String,
    iat: i64,
    /// When its nonce was supplied; none where it has none.
    nonce_born: Option<i64>,
    /// Whether it was seen to be refused for its nonce.
    nonce_gone: bool,
    accepted: bool,
}

/// Proofs that are made, kept and presented again while time goes by, of two bytes a move: nobody is accepted twice, nor with a
/// nonce that is too old or none, nor from outside of the window; and whoever is none of that gets in.
///
/// # Panics
/// Where the verifier decides otherwise.
pub fn nonce_machine(data: &[u8]) {
    let chance = SeededEntropy::new(2);
    let key = ProofKey::generate(&chance).with_null_signatures();
    let nonces = Nonces::new(NonceMode::Required, &chance);
    let store = Arc::new(ReplayStore::with_capacity(1000));
    let algs = AlgSet::from_iter([Alg::Es256]);
    let verifier =
        Verifier::new(nonces.clone(), Some(store), algs, DefectSet::default()).with_null_signatures();
    let mut now = BEGIN;
    let mut supplied: Vec<(Nonce, i64)> = Vec::new();
    let mut known: Vec<Known> = Vec::new();
    for (place, step) in data.chunks_exact(2).take(200).enumerate() {
        let &[kind, argument] = step else { continue };
        let fresh = |iat: i64, nonce: Option<&(Nonce, i64)>| Known {
            compact: proof(&key, iat, nonce.map(|(nonce, _)| nonce), place),
            iat,
            nonce_born: nonce.map(|(_, born)| *born),
            nonce_gone: false,
            accepted: false,
        };
        let shown = match kind % 6 {
            0 => {
                now += i64::from(argument) * 2;
                continue;
            }
            1 => {
                let nonce = nonces.current(now).and_then(|nonce| nonce.parse().ok());
                supplied.extend(nonce.map(|nonce| (nonce, now)));
                continue;
            }
            2 => fresh(now, None),
            3 => fresh(now, nth(&supplied, argument)),
            4 => fresh(now + (i64::from(argument) - 128) * 4, supplied.last()),
            _ => match known.len().checked_sub(1 + usize::from(argument) % known.len().max(1)) {
                Some(at) => known.swap_remove(at),
                None => continue,
            },
        };
        known.push(presented(&verifier, shown, now));
    }
}

/// Presents a proof, and holds the verdict against what the model says of it.
fn presented(verifier: &Verifier, mut shown: Known, now: i64) -> Known {
    let verdict = judge(verifier, &shown.compact, now);
    let age = now - shown.iat;
    let in_window = (-FUTURE_WINDOW..=PAST_WINDOW).contains(&age);
    let nonce_age = shown.nonce_born.map(|born| now - born);
    let nonce_good = nonce_age.is_some_and(|age| age <= NONCE_LIFE);
    let nonce_bad = nonce_age.is_none_or(|age| age >= 2 * NONCE_LIFE) || shown.nonce_gone;
    let told = format!("{verdict:?} at age {age}, nonce {nonce_age:?}, accepted before: {}", shown.accepted);
    match &verdict {
        Ok(()) => assert!(in_window && !nonce_bad && !shown.accepted, "{told}"),
        Err(Refusal::Replayed) => assert!(shown.accepted && in_window && !nonce_bad, "{told}"),
        Err(Refusal::NonceMissing) => assert!(shown.nonce_born.is_none(), "{told}"),
        Err(Refusal::NonceUnknown) => assert!(nonce_age.is_some() && !nonce_good, "{told}"),
        Err(Refusal::Iat) => assert!(!in_window, "{told}"),
        Err(other) => panic!("{other}: {told}"),
    }
    shown.nonce_gone |= verdict == Err(Refusal::NonceUnknown);
    shown.accepted |= verdict.is_ok();
    shown
}

fn judge(verifier: &Verifier, compact: &str, now: i64) -> Result<(), Refusal> {
    let uri = resource();
    let presented = Presented {
        proofs: &[compact.as_bytes()],
        method: "GET",
        uri: RequestUri { uri: &uri, query: None },
        access_token: None,
        bound_key: None,
        now,
    };
    verifier.verify(&presented).map(|_| ())
}

fn proof(key: &ProofKey, iat: i64, nonce: Option<&Nonce>, place: usize) -> String {
    let (htu, jti) = (resource().to_string(), format!("jti-{place}"));
    let statement = Statement { htm: "GET", htu: &htu, access_token: None, nonce, jti: &jti, iat };
    Draft::correct(key, statement).sign(key).compact()
}

fn resource() -> Uri {
    "https://rs.example/a".parse().unwrap_or_else(|error| unreachable!("a URL, and {error}"))
}

fn nth<T>(list: &[T], number: u8) -> Option<&T> {
    list.get(usize::from(number).checked_rem(list.len())?)
}

/// A replay store with room for four, of three bytes a move (which, how long, and how far time goes on): it never takes one
/// twice while it lives, takes it again afterwards, and refuses where it is full instead of forgetting.
///
/// # Panics
/// Where the store and the model differ.
pub fn replay_store(data: &[u8]) {
    const ROOM: usize = 4;
    let store = ReplayStore::with_capacity(ROOM);
    let mut model: BTreeMap<u8, i64> = BTreeMap::new();
    let mut now = BEGIN;
    for step in data.chunks_exact(3) {
        let &[name, life, later] = step else { continue };
        now += i64::from(later % 16);
        model.retain(|_, last| *last >= now);
        let (name, last) = (name % 8, now + i64::from(life % 32));
        let expected = match (model.get(&name), model.len()) {
            (Some(_), _) => Err(Refusal::Replayed),
            (None, ROOM..) => Err(Refusal::ReplayStoreFull),
            (None, _) => Ok(()),
        };
        assert_eq!(store.record(name.to_string(), last, now), expected, "{name} at {now} with {model:?}");
        if expected.is_ok() {
            model.insert(name, last);
        }
    }
}
