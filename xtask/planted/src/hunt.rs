//! The search for the planted bugs: which inputs show them, and when.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use dpop_harness::generator::{Catalogue, Fate};
use serde::{Deserialize, Serialize};

use crate::bug::{Bug, PLANTED};
use crate::scene::Scene;
use crate::verifier::{Not, verify};

/// The environment variable that names the file of what is found.
pub const FOUND: &str = "DPOP_FOUND";

/// That a bug was found: a line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its name.
    pub bug: String,
    /// Whether the model knew, too, that the proof is wrong: what can be seen without a strict verifier beside the other.
    pub by_model: bool,
    /// After how many inputs.
    pub inputs: u64,
    /// After how many seconds.
    pub seconds: f64,
}

/// What is known of a bug so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Nothing,
    Found,
    FoundByModel,
}

struct Hunt {
    scene: Scene,
    began: Instant,
    inputs: u64,
    known: Vec<Known>,
    file: Option<File>,
}

static HUNT: LazyLock<Mutex<Hunt>> = LazyLock::new(|| Mutex::new(Hunt::new()));

/// The body of a target: the bytes are the `DPoP` fields, one a line. There is no model.
pub fn fields(data: &[u8]) {
    let mut hunt = HUNT.lock().unwrap_or_else(PoisonError::into_inner);
    let fields = data.split(|byte| *byte == b'\n').collect();
    hunt.show(fields, false);
}

/// The body of a target: the bytes are edits to a correct proof.
pub fn edits(data: &[u8]) {
    let mut hunt = HUNT.lock().unwrap_or_else(PoisonError::into_inner);
    let recipe = Catalogue::embedded().decode(data);
    let fields = hunt.scene.fields_of(&recipe);
    let fields = fields.iter().flatten().map(Vec::as_slice).collect();
    hunt.show(fields, recipe.fate(false) == Fate::Refused);
}

impl Hunt {
    /// # Panics
    /// Where the file can't be written: nothing would be known of what is found.
    fn new() -> Self {
        let file = std::env::var_os(FOUND).map(|path| {
            let file = OpenOptions::new().create(true).append(true).open(&path);
            file.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        });
        let known = vec![Known::Nothing; PLANTED.len()];
        Self { scene: Scene::new(), began: Instant::now(), inputs: 0, known, file }
    }

    /// Gives an input to the verifiers with those bugs that are not known by the model yet.
    fn show(&mut self, fields: Vec<&[u8]>, must_be_refused: bool) {
        self.inputs += 1;
        let shown = self.scene.shown(fields);
        // What is accepted without bugs is accepted with any of them.
        if shown.proofs.is_empty() || self.scene.is_sound(&shown) || verify(&shown, Bug::Nothing).is_ok() {
            return;
        }
        let mut news = Vec::new();
        for (row, known) in PLANTED.iter().zip(&mut self.known) {
            let most = if must_be_refused { Known::FoundByModel } else { Known::Found };
            if *known >= most {
                continue;
            }
            let now = match verify(&shown, row.bug) {
                Ok(()) => most,
                Err(Not::Survived) => Known::FoundByModel,
                Err(Not::Accepted) => continue,
            };
            if *known == Known::Nothing {
                news.push((row.name, false));
            }
            if now == Known::FoundByModel {
                news.push((row.name, true));
            }
            *known = now;
        }
        for (bug, by_model) in news {
            self.write(bug, by_model);
        }
    }

    fn write(&mut self, bug: &str, by_model: bool) {
        let seconds = self.began.elapsed().as_secs_f64();
        let found = Found { bug: bug.to_owned(), by_model, inputs: self.inputs, seconds };
        if let (Some(file), Ok(line)) = (&mut self.file, serde_json::to_string(&found)) {
            assert!(writeln!(file, "{line}").is_ok(), "{FOUND} can't be written");
        }
    }
}
