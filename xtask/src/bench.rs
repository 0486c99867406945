//! `cargo xtask bench fuzz`: how soon planted bugs are found by edit scripts, and by bytes.

mod planted;
mod verifier;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use dpop_harness::entropy::{Entropy as _, SeededEntropy, SystemEntropy};
use dpop_harness::generator::{Catalogue, Draw, Fate, Recipe};
use dpop_harness::jose::AlgSet;
use dpop_harness::mutation::mint;
use dpop_harness::proof::{AccessToken, Call, Field, Material, ProofKey, Request};
use dpop_harness::reference::{DefectSet, NonceMode, Nonces, Presented, RequestUri, Verifier};

use planted::{Bug, PLANTED};
use verifier::{Not, Shown, verify};

const SEEDS: u64 = 3;
const URL: &str = "https://rs.example/v1/me";
const NOW: i64 = 1_700_000_000;
/// How many inputs are drawn with half of the kinds of edits off, before it is another half.
const BATCH: u64 = 100;

/// When a bug was found: after so many inputs, and so much time.
type Found = BTreeMap<usize, (u64, Duration)>;

/// What one run came to.
struct Run {
    /// What the strict verifier refuses was accepted, or was not survived.
    found: Found,
    /// The same where the model says, too, that it must be refused: what can be seen from outside.
    by_model: Found,
    inputs: u64,
}

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let usage = || crate::Usage("bench fuzz [SECONDS]".to_owned());
    let seconds = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fuzz"] => 60,
        ["fuzz", seconds] => seconds.parse().map_err(|_| usage())?,
        _ => return Err(usage().into()),
    };
    let budget = Duration::from_secs(seconds);
    let scene = Scene::new()?;
    scene.accuses_nobody()?;
    let structured: Vec<Run> = (0..SEEDS).map(|seed| scene.by_edits(seed, budget)).collect();
    let bytes: Vec<Run> = (0..SEEDS).map(|seed| scene.by_bytes(seed, budget)).collect();
    print(&structured, &bytes, seconds);
    Ok(())
}

/// A client, its token and a strict verifier.
struct Scene {
    key: ProofKey,
    stranger: (ProofKey, AccessToken),
    token: AccessToken,
    spare: AccessToken,
    call: Call,
    strict: Verifier,
    /// The value of `Authorization`.
    credentials: String,
    /// How many fields a correct request has beside the proof.
    other_fields: usize,
}

impl Scene {
    fn new() -> anyhow::Result<Self> {
        let uri = URL.parse().context("a URL")?;
        let nonces = Nonces::new(NonceMode::Never, &SystemEntropy);
        let mut scene = Self {
            credentials: String::new(),
            other_fields: 0,
            key: ProofKey::generate(&SystemEntropy),
            stranger: (ProofKey::generate(&SystemEntropy), AccessToken::new("token-of-a-stranger")),
            token: AccessToken::new("token-of-the-client"),
            spare: AccessToken::new("another-token-of-the-client"),
            call: Call::to("GET", uri),
            strict: Verifier::new(nonces, None, AlgSet::all(), DefectSet::default()),
        };
        scene.credentials = format!("DPoP {}", scene.token.expose());
        let correct = scene.request_of(&Recipe::default()).context("a correct request")?;
        scene.other_fields = correct.fields.len() - 1;
        Ok(scene)
    }

    fn shown<'a>(&'a self, proofs: Vec<&'a [u8]>) -> Shown<'a> {
        let (token, bound) = (self.token.expose(), self.key.thumbprint());
        Shown { proofs, method: "GET", url: URL, token, bound, now: NOW }
    }

    /// Whether the verifier without bugs accepts it.
    fn is_sound(&self, shown: &Shown<'_>) -> bool {
        let presented = Presented {
            proofs: &shown.proofs,
            method: shown.method,
            uri: RequestUri { uri: &self.call.uri, query: None },
            access_token: Some(shown.token),
            bound_key: Some(shown.bound),
            now: shown.now,
        };
        self.strict.verify(&presented).is_ok()
    }

    /// The `DPoP` fields of an input; none where its fault is elsewhere, and so not to be seen.
    fn proofs_of(&self, recipe: &Recipe) -> Option<Vec<Vec<u8>>> {
        let is_proof = |field: &&Field| field.name.eq_ignore_ascii_case("dpop");
        let request = self.request_of(recipe)?;
        let others = request.fields.iter().filter(|field| !is_proof(field));
        let credentials = |field: &Field| field.name == "Authorization" && field.value == self.credentials;
        let elsewhere = !recipe.is_of_proof()
            || request.method != "GET"
            || others.clone().filter(|field| credentials(field)).count() != 1
            || others.count() != self.other_fields;
        let proofs = request.fields.iter().filter(is_proof);
        (!elsewhere).then(|| proofs.map(|field| field.value.clone().into_bytes()).collect())
    }

    fn request_of(&self, recipe: &Recipe) -> Option<Request> {
        let (key, token) = &self.stranger;
        let material = Material {
            key: &self.key,
            token: &self.token,
            spare: Some(&self.spare),
            stranger: Some((key, token)),
            issuer: None,
            decoy: None,
            nonce: None,
            call: &self.call,
            resource: &self.call,
            now: NOW,
            entropy: &SystemEntropy,
            choices: &SeededEntropy::new(0),
            earlier: &BTreeMap::new(),
        };
        mint(&recipe.step(), &material).ok().map(|minted| minted.request)
    }

    /// A recipe that the strict verifier judges otherwise than the model would count as finding every bug.
    fn accuses_nobody(&self) -> anyhow::Result<()> {
        let mut inputs = Inputs::new(u64::MAX);
        for _ in 0..1000 {
            let recipe = inputs.next();
            let Some(proofs) = self.proofs_of(&recipe) else { continue };
            let sound = self.is_sound(&self.shown(proofs.iter().map(Vec::as_slice).collect()));
            let fate = recipe.fate(false);
            let fits = if sound { fate != Fate::Refused } else { fate != Fate::Accepted };
            ensure!(fits, "the verifier without bugs is accused: {}", recipe.yaml());
        }
        Ok(())
    }

    /// Edit scripts from an empty corpus.
    fn by_edits(&self, seed: u64, budget: Duration) -> Run {
        let mut inputs = Inputs::new(seed);
        self.search(budget, || {
            let recipe = inputs.next();
            let proofs = self.proofs_of(&recipe)?;
            Some((proofs, recipe.fate(false) == Fate::Refused))
        })
    }

    /// Bytes from an empty corpus; what is refused for a new reason is kept and mutated further. There is no model.
    fn by_bytes(&self, seed: u64, budget: Duration) -> Run {
        let mut bytes =
            Bytes { chance: SeededEntropy::new(seed), kept: vec![Vec::new()], classes: BTreeSet::new() };
        self.search(budget, || {
            let input = bytes.next();
            let class = format!("{:?}", dpop_harness::jose::jws::Compact::read(&input).map(drop));
            bytes.learn(&class, &input);
            Some((vec![input], false))
        })
    }

    /// Gives each input to the verifiers with those bugs that are not found yet, until the time is over.
    fn search(&self, budget: Duration, mut next: impl FnMut() -> Option<(Vec<Vec<u8>>, bool)>) -> Run {
        let (began, mut found, mut by_model, mut inputs) = (Instant::now(), Found::new(), Found::new(), 0);
        while began.elapsed() < budget && by_model.len() < PLANTED.len() {
            let Some((proofs, must_be_refused)) = next() else { continue };
            inputs += 1;
            let shown = self.shown(proofs.iter().map(Vec::as_slice).collect());
            // What is accepted without bugs is accepted with any of them.
            if self.is_sound(&shown) || verify(&shown, Bug::Nothing).is_ok() {
                continue;
            }
            for (at, row) in PLANTED.iter().enumerate() {
                if by_model.contains_key(&at) || (found.contains_key(&at) && !must_be_refused) {
                    continue;
                }
                let now = (inputs, began.elapsed());
                let survived = match verify(&shown, row.bug) {
                    Ok(()) => true,
                    Err(Not::Survived) => false,
                    Err(Not::Accepted) => continue,
                };
                found.entry(at).or_insert(now);
                if must_be_refused || !survived {
                    by_model.entry(at).or_insert(now);
                }
            }
        }
        Run { found, by_model, inputs }
    }
}

/// Recipes by a seed; after each batch other kinds of edits are off.
struct Inputs {
    seeds: SeededEntropy,
    draw: Draw<'static>,
    left: u64,
}

impl Inputs {
    fn new(seed: u64) -> Self {
        let seeds = SeededEntropy::new(seed);
        let draw = Draw::new(Catalogue::embedded(), number(&seeds));
        Self { seeds, draw, left: BATCH }
    }

    fn next(&mut self) -> Recipe {
        if self.left == 0 {
            self.draw = Draw::new(Catalogue::embedded(), number(&self.seeds));
            self.left = BATCH;
        }
        self.left -= 1;
        self.draw.recipe()
    }
}

fn number(chance: &SeededEntropy) -> u64 {
    let mut bytes = [0; 8];
    chance.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

/// A fuzzer of bytes.
struct Bytes {
    chance: SeededEntropy,
    kept: Vec<Vec<u8>>,
    classes: BTreeSet<String>,
}

impl Bytes {
    fn below(&self, limit: usize) -> usize {
        usize::try_from(number(&self.chance) >> 1).unwrap_or(0) % limit.max(1)
    }

    fn next(&self) -> Vec<u8> {
        let mut input = self.kept[self.below(self.kept.len())].clone();
        for _ in 0..=self.below(8) {
            let (at, byte) = (self.below(input.len() + 1), self.below(256));
            let byte = u8::try_from(byte).unwrap_or(0);
            match self.below(4) {
                0 if at < input.len() => input[at] = byte,
                1 if at < input.len() => drop(input.remove(at)),
                2 => {
                    let from = self.below(input.len() + 1);
                    let part = input[from.min(at)..from.max(at)].to_vec();
                    input.splice(at..at, part);
                }
                _ => input.insert(at, byte),
            }
        }
        input.truncate(4096);
        input
    }

    fn learn(&mut self, class: &str, input: &[u8]) {
        if self.kept.len() < 1000 && self.classes.insert(class.to_owned()) {
            self.kept.push(input.to_vec());
        }
    }
}

/// A column of the table: its name, the runs, and what counts in them.
type Column<'a> = (&'static str, &'a [Run], fn(&Run) -> &Found);

/// The median of three, where at least two found it.
fn median(runs: &[Run], of: fn(&Run) -> &Found, at: usize) -> Option<(u64, Duration)> {
    let mut found: Vec<_> = runs.iter().filter_map(|run| of(run).get(&at).copied()).collect();
    found.sort();
    found.get(runs.len() / 2).copied()
}

fn print(structured: &[Run], bytes: &[Run], seconds: u64) {
    let columns: [Column<'_>; 3] = [
        ("edit scripts", structured, |run| &run.found),
        ("edit scripts, by model", structured, |run| &run.by_model),
        ("bytes", bytes, |run| &run.found),
    ];
    let heads: String = columns.iter().map(|(name, ..)| format!(" {name:>23}")).collect();
    println!("{:<64}{heads}", "planted bug");
    for (at, row) in PLANTED.iter().enumerate() {
        let cell = |(_, runs, of): &Column<'_>| match median(runs, *of, at) {
            Some((inputs, time)) => format!(" {inputs:>12} {:>8.2} s", time.as_secs_f64()),
            None => format!(" {:>12} {:>8}  ", "-", "-"),
        };
        println!("{:<64}{}", row.name, columns.iter().map(cell).collect::<String>());
    }
    for (name, runs, of) in columns {
        let found = (0..PLANTED.len()).filter(|at| median(runs, of, *at).is_some()).count();
        let inputs: Vec<String> = runs.iter().map(|run| run.inputs.to_string()).collect();
        println!(
            "{name}: {found} of {} within {seconds} s (median of {SEEDS} seeds, which sent {} inputs)",
            PLANTED.len(),
            inputs.join(", ")
        );
    }
    println!(
        "found: accepted although the strict verifier refuses it; by model: although it is known to be wrong, too"
    );
    println!("times are since the beginning of a run that looks for all of them at once");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bugs_are_many_and_each_is_there_once() {
        assert!(PLANTED.len() >= 30);
        for (at, row) in PLANTED.iter().enumerate() {
            assert!(
                PLANTED[..at].iter().all(|other| other.bug != row.bug && other.name != row.name),
                "{}",
                row.name
            );
        }
    }

    /// Each bug only adds to what is accepted, and a correct proof is none of it.
    #[test]
    fn a_correct_proof_is_accepted_with_every_bug_but_is_no_finding() {
        let scene = Scene::new().expect("a scene");
        let proofs = scene.proofs_of(&Recipe::default()).expect("made");
        let shown = scene.shown(proofs.iter().map(Vec::as_slice).collect());
        assert!(scene.is_sound(&shown));
        for row in PLANTED {
            assert_eq!(verify(&shown, row.bug), Ok(()), "{}", row.name);
        }
        scene.accuses_nobody().expect("a sound model");
    }
}
