use std::collections::BTreeMap;

use super::scene::null_scene;
use crate::entropy::{SeededEntropy, SystemEntropy};
use crate::generator::{Catalogue, Recipe, Trial};
use crate::jose::Alg;
use crate::jose::json::{self, Json};
use crate::proof::ProofKey;
use crate::scenario::EMBEDDED;

/// The inputs that the suite gives a target, by name; none for a target that has only those in `fuzz/seeds/`.
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "proofs" | "signed_proofs" => {
            trials().filter_map(|(name, trial)| Some((name, trial.encode()?))).collect()
        }
        "jws_reader" => texts(|[proof, _, _]| proof),
        "json_reader" => {
            let all = [texts(|[_, header, _]| header), texts(|[_, _, claims]| claims)].concat();
            distinct(
                all.into_iter().enumerate().map(|(place, (name, text))| (format!("{place}-{name}"), text)),
            )
        }
        "htu" => urls(),
        "public_key" => keys(),
        "scenario_loader" => {
            let stem = |file: &str| file.replace(['/', '.'], "-");
            EMBEDDED.iter().map(|(file, text)| (stem(file), text.as_bytes().to_vec())).collect()
        }
        "nonce_machine" | "replay_store" => moves(),
        _ => Vec::new(),
    }
}

/// Each case and mutation of the suite that edits the proof alone, where a server uses no nonces and where it demands them.
fn trials() -> impl Iterator<Item = (String, Trial)> {
    let settings = [0, 1, Trial::settings() / 3, 1 + Trial::settings() / 3];
    let edits = Catalogue::embedded().edits().filter(|edit| edit.is_of_proof());
    let named = edits.filter_map(|edit| Some((edit.case()?.to_owned(), edit.clone())));
    let by_name: BTreeMap<_, _> = named.collect();
    by_name
        .into_iter()
        .zip(settings.into_iter().cycle())
        .map(|((name, edit), setting)| (name, Trial::new(setting, Recipe::default().with(edit))))
}

/// A text of each of their proofs: of the compact form, the header and the claims.
fn texts(which: fn([String; 3]) -> String) -> Vec<(String, Vec<u8>)> {
    let text = |(name, trial): (String, Trial)| {
        let sight = null_scene().show(&trial).ok()?;
        let proof = sight.proofs.first()?.clone();
        let minted = sight.minted.proof;
        Some((name, which([proof, minted.header, minted.claims]).into_bytes()))
    };
    distinct(trials().filter_map(text))
}

fn urls() -> Vec<(String, Vec<u8>)> {
    let url = |(name, trial): (String, Trial)| {
        let sight = null_scene().show(&trial).ok()?;
        let claims = json::read(sight.minted.proof.claims.as_bytes()).ok()?;
        let htu = claims.as_object()?.member("htu")?.as_str()?.to_owned();
        Some((name, format!("{htu}\n{}", sight.url()).into_bytes()))
    };
    distinct(trials().filter_map(url))
}

fn keys() -> Vec<(String, Vec<u8>)> {
    let key = |alg: &Alg| {
        let entropy: &dyn crate::entropy::Entropy = match alg {
            Alg::Ps256 | Alg::Rs256 => &SystemEntropy,
            Alg::Es256 | Alg::Es384 | Alg::Es512 | Alg::EdDsa => &SeededEntropy::new(3),
        };
        (
            alg.name().to_owned(),
            ProofKey::generate_for(*alg, entropy).public().to_json().to_text().into_bytes(),
        )
    };
    let of_case = |(name, trial): (String, Trial)| {
        let sight = null_scene().show(&trial).ok()?;
        let header = json::read(sight.minted.proof.header.as_bytes()).ok()?;
        let jwk = header.as_object()?.member("jwk").map(Json::to_text)?;
        Some((name, jwk.into_bytes()))
    };
    distinct(Alg::ALL.iter().map(key).chain(trials().filter_map(of_case)))
}

/// Sequences of moves: the first that comes to mind, and some by chance.
fn moves() -> Vec<(String, Vec<u8>)> {
    let chance = SeededEntropy::new(4);
    let by_chance = (0..4).map(|number| {
        let mut bytes = vec![0; 60];
        crate::entropy::Entropy::fill(&chance, &mut bytes);
        (format!("chance-{number}"), bytes)
    });
    let twice = ("twice".to_owned(), vec![1, 0, 3, 0, 5, 0, 0, 100, 5, 0]);
    let late = ("late".to_owned(), vec![1, 0, 3, 0, 0, 80, 3, 0, 0, 80, 5, 0, 5, 1]);
    [twice, late].into_iter().chain(by_chance).collect()
}

/// Of inputs that are the same the first.
fn distinct(seeds: impl Iterator<Item = (String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let mut seen = std::collections::BTreeSet::new();
    seeds.filter(|(_, text)| seen.insert(text.clone())).collect()
}
