use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::world::scene;
use super::{Group, Vector};
use crate::generator::{Catalogue, Edit, Fate, Kind, NOW, Recipe, Scene, Sight, Trial};
use crate::jose::Alg;
use crate::mutation::describe;
use crate::reference::NonceMode;
use crate::scenario::load_embedded;

/// The longest proof that becomes a vector: what many servers take no longer fields than.
const LONGEST: usize = 7 * 1024;

/// When the same correct proof is judged, by its distance from its date, and what a verifier then has to do. One that tells the
/// time by a nonce need not look at the date.
const CLOCKS: &[(i64, Fate, Fate)] = &[
    (5, Fate::Accepted, Fate::Accepted),
    (-3, Fate::Either, Fate::Either),
    (59, Fate::Either, Fate::Either),
    (299, Fate::Either, Fate::Either),
    (-86_400, Fate::Refused, Fate::Either),
    (86_400, Fate::Refused, Fate::Either),
];

/// All vectors: each case of the suite that edits one proof, by algorithm, without and with nonces.
pub fn vectors() -> Vec<Group> {
    let specs = specs();
    let mut groups = Vec::new();
    for alg in Alg::ALL {
        for mode in [NonceMode::Never, NonceMode::Required] {
            // Claims are checked alike whatever the algorithm: with nonces one shows it.
            if mode == NonceMode::Never || *alg == Alg::Es256 {
                groups.push(group(*alg, mode, &specs));
            }
        }
    }
    let numbered = groups.iter_mut().flat_map(|group| &mut group.vectors).zip(1..);
    numbered.for_each(|(vector, id)| vector.id = id);
    groups
}

fn group(alg: Alg, mode: NonceMode, specs: &BTreeMap<String, Vec<String>>) -> Group {
    let scene = scene(alg);
    let plain = Trial::new(Trial::setting(0, mode), Recipe::default());
    let correct = scene.show(&plain).unwrap_or_else(|error| unreachable!("nothing is edited, and {error}"));
    let (jkt, access_token) = (correct.jkt(), correct.access_token().to_owned());
    let nonce = correct.nonce().map(str::to_owned);
    let mut vectors = Vec::new();
    vectors.extend(vector(&plain, &correct, "nothing wrong", None, specs));
    let first = vectors.first().cloned();
    for (later, without, with) in CLOCKS {
        let fate = if plain.uses_nonces() { *with } else { *without };
        let comment = format!("nothing wrong, judged {later:+} s from its date");
        let reason = correct.judge_at(NOW + later).err().map(|refusal| refusal.reason());
        vectors.extend(first.clone().map(|first| Vector {
            comment,
            now: NOW + later,
            fate,
            reason,
            ..first
        }));
    }
    let comment = "nothing wrong, and accepted before".to_owned();
    // RFC 9449 section 11.1 leaves it to the server whether proofs are used once.
    let (fate, reason) = (Fate::Either, Some("replayed"));
    vectors.extend(first.map(|first| Vector { comment, seen: true, fate, reason, ..first }));

    let (mut seen, mut said) = (BTreeSet::new(), BTreeSet::new());
    said.extend(vectors.first().map(Vector::said));
    for edit in edits(alg) {
        let recipe = Recipe::default().with(edit.clone());
        if !recipe.is_of_proof() || !seen.insert(recipe.yaml()) {
            continue;
        }
        let comment = describe(&recipe.step()).join("; ");
        let trials = (0..Trial::calls()).map(|call| Trial::new(Trial::setting(call, mode), recipe.clone()));
        let shown = |trial: Trial| shown(&scene, trial);
        if let Some((trial, sight)) = trials.filter_map(shown).next() {
            let vector = vector(&trial, &sight, &comment, edit.case(), specs);
            // Where there are no nonces, a proof that leaves its nonce out is the correct one.
            vectors.extend(vector.filter(|vector| said.insert(vector.said())));
        }
    }
    Group { alg, nonce, jkt, access_token, vectors }
}

fn shown(scene: &Scene, trial: Trial) -> Option<(Trial, Sight<'_>)> {
    let sight = scene.show(&trial).ok()?;
    Some((trial, sight)).filter(|(_, sight)| sight.is_whole() && sight.proofs.len() == 1)
}

/// The edits that show something with this algorithm: all with ES256, EdDSA and ES384, and with the others what is about keys
/// and signatures.
fn edits(alg: Alg) -> Vec<Arc<Edit>> {
    let catalogue = Catalogue::embedded();
    let about_keys = |edit: &Arc<Edit>| {
        edit.subjects().iter().any(|subject| ["jwk", "alg", "binding", "mutate"].contains(&subject.as_str()))
    };
    let few = match alg {
        Alg::Es256 | Alg::Es384 | Alg::EdDsa => false,
        Alg::Es512 | Alg::Ps256 | Alg::Rs256 => true,
    };
    let cases = catalogue.pool(Kind::Case).iter().filter(|edit| !few || about_keys(edit)).cloned();
    let of_keys = [Kind::JwkMutation, Kind::SignatureMutation, Kind::Binding];
    cases.chain(of_keys.iter().flat_map(|kind| catalogue.pool(*kind)).cloned()).collect()
}

fn vector(
    trial: &Trial,
    sight: &Sight<'_>,
    comment: &str,
    case: Option<&str>,
    specs: &BTreeMap<String, Vec<String>>,
) -> Option<Vector> {
    let [proof] = &sight.proofs[..] else { return None };
    Some(Vector {
        id: 0,
        case: case.map(str::to_owned),
        comment: comment.to_owned(),
        edits: trial.recipe.yaml(),
        htm: sight.method().to_owned(),
        htu: sight.url().to_owned(),
        proof: proof.clone(),
        now: NOW,
        seen: false,
        fate: trial.recipe.fate(trial.uses_nonces()),
        reason: sight.judge().err().map(|refusal| refusal.reason()),
        spec: case.and_then(|case| specs.get(case)).cloned().unwrap_or_default(),
    })
    .filter(|vector| vector.proof.len() <= LONGEST)
}

/// The rows of the ledger that each case cites.
fn specs() -> BTreeMap<String, Vec<String>> {
    let scenarios = load_embedded().unwrap_or_default();
    let cases = scenarios.into_iter().flat_map(|scenario| scenario.cases);
    cases.map(|case| (case.id, case.spec)).collect()
}
