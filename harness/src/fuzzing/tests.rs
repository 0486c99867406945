use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::generator::{Catalogue, Fate, Kind, Recipe, Sight, Trial};
use crate::jose::json;
use crate::jose::jws::Compact;
use crate::target::Challenges;

/// What lies in a folder under `fuzz/`, sorted; nothing where there is no such folder.
fn entries(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(folder);
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
}

fn stems(paths: &[PathBuf]) -> Vec<&str> {
    paths.iter().filter_map(|path| path.file_stem()?.to_str()).collect()
}

fn names() -> Vec<&'static str> {
    TARGETS.iter().map(|(name, _)| *name).collect()
}

#[test]
fn every_target_has_its_file_its_entry_and_its_seeds() {
    assert!(names().is_sorted_by(|one, next| one < next));
    assert_eq!(stems(&entries("fuzz_targets")), names());
    let folders = entries("seeds");
    assert!(stems(&folders).iter().all(|name| names().contains(name)), "seeds of no target: {folders:?}");
    let manifest =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/Cargo.toml")).expect("there");
    let paths = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
    assert_eq!(paths.filter_map(|path| path.strip_suffix(".rs\"")).collect::<Vec<_>>(), names());
    let found: Vec<_> = entries("regressions").into_iter().filter(|path| path.is_dir()).collect();
    assert!(stems(&found).iter().all(|name| names().contains(name)), "regressions of no target: {found:?}");
}

#[test]
fn seeds_and_regressions_are_fine() {
    for (name, body) in TARGETS {
        let kept = [entries(&format!("seeds/{name}")), entries(&format!("regressions/{name}"))].concat();
        let kept = kept.iter().map(|path| (path.display().to_string(), fs::read(path).expect("readable")));
        let inputs: Vec<_> = kept.chain(seeds(name)).collect();
        assert!(!inputs.is_empty(), "no seeds for {name}");
        for (from, data) in inputs {
            assert!(std::panic::catch_unwind(|| body(&data)).is_ok(), "{name} panics on {from}");
        }
    }
}

#[track_caller]
fn seeds_keep_their_word(name: &str, takes: fn(&[u8]) -> bool) {
    for path in entries(&format!("seeds/{name}")) {
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let expected = ["accept", "refuse"].map(|word| file.starts_with(&format!("{word}-")));
        let taken = takes(&fs::read(&path).expect("readable"));
        assert_eq!(expected, [taken, !taken], "{name}/{file}");
    }
}

#[test]
fn seeds_are_taken_or_refused_as_their_names_say() {
    seeds_keep_their_word("challenge_parser", |data| {
        Challenges::read(data.split(|byte| *byte == b'\n')).faults.is_empty()
    });
    seeds_keep_their_word("json_reader", |data| json::read(data).is_ok());
    seeds_keep_their_word("jws_reader", |data| Compact::read(data).is_ok());
}

/// libFuzzer stops at the first bad line; its syntax has three escapes, and its words end at 64 bytes.
fn dictionary_word(line: &str) -> Option<usize> {
    let (name, quoted) = line.split_at(line.find('"')?);
    let name = if name.is_empty() { "unnamed" } else { name.strip_suffix('=')? };
    let mut rest = quoted.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut length = 0;
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'\\', [b'\\' | b'"', tail @ ..]) => tail,
            (b'\\', [b'x', high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                tail
            }
            (b'\\' | b'"', _) => return None,
            (b' '..=b'~', tail) => tail,
            _ => return None,
        };
        length += 1;
    }
    let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (named && (1..=64).contains(&length)).then_some(length)
}

#[test]
fn every_dictionary_line_is_one_that_libfuzzer_reads() {
    assert_eq!(dictionary_word(r#""\x0a\\\"a""#), Some(4));
    assert_eq!(dictionary_word(r#"name="ab""#), Some(2));
    for bad in
        [r#""\n""#, r#""\x0""#, "\"", "\"\"", "ab", r#""a"b""#, "\"é\"", "\"\t\"", r#""a\""#, r#"="a""#]
    {
        assert_eq!(dictionary_word(bad), None, "{bad}");
    }
    let dictionaries = entries("dictionary");
    assert!(!dictionaries.is_empty());
    for path in dictionaries {
        let text = fs::read_to_string(&path).expect("UTF-8");
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let distinct: BTreeSet<_> = lines.iter().collect();
        assert_eq!(distinct.len(), lines.len(), "a word twice in {}", path.display());
        for line in lines {
            assert!(dictionary_word(line).is_some(), "{}: {line}", path.display());
        }
    }
}

/// The seeds of a target have names of their own, and are written below `DPOP_SEEDS` where that is set: `fuzz/build.sh` does so.
#[test]
fn seeds_are_files() {
    let folder = std::env::var_os("DPOP_SEEDS").map(PathBuf::from);
    let mut made = BTreeSet::new();
    for name in names() {
        for (seed, bytes) in seeds(name) {
            let fits = seed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            assert!(fits && !seed.is_empty(), "{name}/{seed} is no name of a file");
            if let Some(folder) = &folder {
                fs::create_dir_all(folder.join(name)).expect("writable");
                fs::write(folder.join(name).join(&seed), bytes).expect("writable");
            }
            assert!(made.insert((name, seed)), "two seeds of one name");
        }
    }
    assert!(made.len() > 1000, "{} seeds", made.len());
}

/// A verifier that takes everything, one that takes nothing, and the reference itself.
#[test]
fn disagreements() {
    let omit = Catalogue::embedded().pool(Kind::Omit)[0].clone();
    let bytes = |recipe| Trial::new(0, recipe).encode().expect("edits of the pools");
    let (wrong, right) = (bytes(Recipe::default().with(omit)), bytes(Recipe::default()));
    let all = |sight: &Sight<'_>, _| Ok(sight.jkt());
    let found = differential(&wrong, all).expect("a disagreement");
    assert_eq!((found.edits.as_str(), found.fate), ("{ proof: { omit: [typ] } }", Fate::Refused));
    assert_eq!(differential(&right, all), None);
    assert_eq!(differential(&right, |_, _| Err("no".to_owned())), None, "it never accepts anything");
    let own = |sight: &Sight<'_>, now| {
        sight.judge_at(now).map(|proof| proof.jkt.to_string()).map_err(|no| no.to_string())
    };
    assert_eq!([&wrong, &right].map(|data| differential(data, own)), [None, None]);
}

/// Recipes of edits to the proof: fewer edits are simpler.
fn recipes() -> impl Strategy<Value = Recipe> {
    let edits: Vec<_> = Catalogue::embedded().edits().filter(|edit| edit.is_of_proof()).cloned().collect();
    proptest::collection::vec(proptest::sample::select(edits), 0..4)
        .prop_map(|edits| edits.into_iter().fold(Recipe::default(), Recipe::with))
}

/// Every edit alone, in every setting: most of them are judged, and as foreseen.
#[test]
fn builder_and_reference_agree_on_every_edit() {
    let (mut judged, mut told) = (BTreeSet::new(), BTreeSet::new());
    for edit in Catalogue::embedded().edits() {
        for setting in [0, 5, 10] {
            let trial = Trial::new(setting, Recipe::default().with(edit.clone()));
            if proofs::check(null_scene(), &trial).is_some() {
                judged.insert(trial.recipe.yaml());
                told.insert(edit.fate(trial.uses_nonces()));
            }
        }
    }
    assert!(judged.len() > 900, "{} edits", judged.len());
    assert_eq!(told, BTreeSet::from([Fate::Accepted, Fate::Either, Fate::Refused]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn builder_and_reference_agree_on_every_edit_list(setting in 0..Trial::settings(), recipe in recipes()) {
        proofs::check(null_scene(), &Trial::new(setting, recipe));
    }

    #[test]
    fn urls_of_any_parts(text in r"(https?://[a-zA-B.@:%41\[\]-]{1,8}[/a-z%2eF?#:@.;=]{0,12}\n?){2}") {
        htu(text.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_sequence_of_any_moves(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        nonce_machine(&data);
        replay_store(&data);
    }

    #[test]
    fn with_real_signatures_too(setting in 0..Trial::settings(), recipe in recipes()) {
        let trial = Trial::new(setting, recipe);
        signed_proofs(&trial.encode().expect("edits of the pools"));
    }
}
