use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::symptom::Symptom;
use crate::generator::{Catalogue, Edit, Recipe};

/// What a campaign has learned, on disk: lines that are only ever appended, so that whatever ends the program leaves all but the last
/// line behind.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
}

/// What makes a campaign the same one: its batches are numbered, and done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// What results call the target.
    pub(super) target: String,
    /// The seed.
    pub(super) seed: u64,
    /// The layers.
    pub(super) layers: Vec<&'static str>,
    /// The share, as it was asked for.
    pub(super) share: Option<String>,
}

/// What a journal tells whoever goes on with it.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Inputs whose answers were of a new class.
    pub(super) kept: Vec<(String, Recipe)>,
    /// The batches of this campaign that are done.
    pub(super) batches: Vec<u64>,
    /// How many inputs were sent for it.
    pub(super) executions: u64,
    /// What was found.
    pub(super) findings: Vec<(Symptom, Recipe)>,
    /// What the target may have been lost over.
    pub(super) suspects: Vec<Recipe>,
}

/// The name of the file.
const FILE: &str = "journal.ndjson";

impl Journal {
    /// Opens the journal in `folder`, or begins one. As long as it is open, it is nobody else's.
    ///
    /// # Errors
    /// Where the folder can't be made or the file not be read or written, or somebody else has it open.
    pub(super) fn open(folder: &Path, heading: &Heading) -> io::Result<(Self, Past)> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(FILE);
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let why = "another dpop fuzz has its state there; give each a folder of its own with --state";
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
            }
            // Some file systems have no locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            file.write_all(b"\n")?; // the line that the end of the program cut off
        }
        let past = Past::read(&String::from_utf8_lossy(&bytes), heading);
        let mut journal = Self { file };
        journal.append(&json!({ "campaign": heading.to_json() }))?;
        Ok((journal, past))
    }

    pub(super) fn keep(&mut self, class: &str, recipe: &Recipe) -> io::Result<()> {
        self.append(&json!({ "kept": { "class": class, "edits": edits_to_json(recipe) } }))
    }

    pub(super) fn done(&mut self, batch: u64, executions: u64) -> io::Result<()> {
        self.append(&json!({ "done": { "batch": batch, "executions": executions } }))
    }

    /// So many inputs of a batch were sent that was not done when the campaign ended.
    pub(super) fn begun(&mut self, executions: u64) -> io::Result<()> {
        self.append(&json!({ "begun": { "executions": executions } }))
    }

    pub(super) fn found(&mut self, symptom: Symptom, recipe: &Recipe) -> io::Result<()> {
        self.append(&json!({ "found": { "symptom": symptom.name(), "edits": edits_to_json(recipe) } }))
    }

    /// What was found is not there any more.
    pub(super) fn gone(&mut self, symptom: Symptom, recipe: &Recipe) -> io::Result<()> {
        self.append(&json!({ "gone": { "symptom": symptom.name(), "edits": edits_to_json(recipe) } }))
    }

    /// After this input the target was not to be had any more.
    pub(super) fn suspect(&mut self, recipe: &Recipe) -> io::Result<()> {
        self.append(&json!({ "suspect": { "edits": edits_to_json(recipe) } }))
    }

    /// A suspect is looked at.
    pub(super) fn cleared(&mut self, recipe: &Recipe) -> io::Result<()> {
        self.append(&json!({ "cleared": { "edits": edits_to_json(recipe) } }))
    }

    /// Appends one line by one write, unbuffered.
    fn append(&mut self, line: &Value) -> io::Result<()> {
        self.file.write_all(format!("{line}\n").as_bytes())
    }
}

impl Heading {
    fn to_json(&self) -> Value {
        json!({ "target": self.target, "seed": self.seed, "layers": self.layers, "share": self.share })
    }
}

impl Past {
    fn read(text: &str, heading: &Heading) -> Self {
        let mut past = Self::default();
        let (wanted, mut same_target, mut same) = (heading.to_json(), false, false);
        for line in text.lines() {
            let Ok(Value::Object(line)) = serde_json::from_str(line) else { continue };
            if let Some(campaign) = line.get("campaign") {
                same = *campaign == wanted;
                same_target = campaign.get("target") == wanted.get("target");
            }
            let of = |name: &str| line.get(name).filter(|_| same_target);
            if let Some((kept, recipe)) = of("kept").and_then(|kept| Some((kept, recipe_of(kept)?)))
                && let Some(class) = kept.get("class").and_then(Value::as_str)
            {
                past.kept.push((class.to_owned(), recipe));
            }
            let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
            if let Some(done) = of("done").filter(|_| same) {
                past.batches.extend(number(done, "batch"));
                past.executions += number(done, "executions").unwrap_or(0);
            }
            if let Some(begun) = of("begun").filter(|_| same) {
                past.executions += number(begun, "executions").unwrap_or(0);
            }
            let found = of("found").and_then(finding_of);
            past.findings.extend(found.filter(|found| !past.findings.contains(found)));
            if let Some(gone) = of("gone").and_then(finding_of) {
                past.findings.retain(|finding| *finding != gone);
            }
            past.suspects.extend(of("suspect").and_then(recipe_of));
            if let Some(cleared) = of("cleared").and_then(recipe_of) {
                past.suspects.retain(|suspect| *suspect != cleared);
            }
        }
        past
    }
}

fn finding_of(value: &Value) -> Option<(Symptom, Recipe)> {
    Some((Symptom::from_name(value.get("symptom")?.as_str()?)?, recipe_of(value)?))
}

/// The edits of a recipe, each as the fragment of a step that it is.
pub(super) fn edits_to_json(recipe: &Recipe) -> Vec<Map<String, Value>> {
    recipe.edits().iter().map(|edit| edit.fragment().clone()).collect()
}

/// The recipe whose edits these are; none where this version of the program does not know one.
fn recipe_of(value: &Value) -> Option<Recipe> {
    let edits = value.get("edits")?.as_array()?.iter();
    let edits = edits.map(|edit| Catalogue::embedded().written(edit.as_object()?));
    let edits: Option<Vec<Arc<Edit>>> = edits.collect();
    Some(edits?.into_iter().fold(Recipe::default(), Recipe::with))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(seed: u64) -> Heading {
        Heading { target: "staging".to_owned(), seed, layers: vec!["jose"], share: None }
    }

    fn recipe(text: &str) -> Recipe {
        let edit: Value = serde_json::from_str(text).expect("JSON");
        let edit = Catalogue::embedded().written(edit.as_object().expect("an object"));
        Recipe::default().with(edit.expect("known"))
    }

    /// Whatever is cut off: the lines before it are there, and what is written behind it is, too.
    #[test]
    fn a_line_that_was_cut_off_is_the_only_loss() {
        let folder = tempfile::tempdir().expect("a folder");
        let typ = recipe(r#"{"proof":{"header":{"typ":"some-jwt"}}}"#);
        let (mut journal, past) = Journal::open(folder.path(), &heading(1)).expect("begun");
        assert!(past.kept.is_empty() && past.batches.is_empty());
        journal.keep("reject 401", &typ).expect("written");
        journal.done(0, 100).expect("written");
        journal.found(Symptom::Accepted, &typ).expect("written");
        drop(journal);
        let path = folder.path().join(FILE);
        let whole = std::fs::read(&path).expect("readable");
        std::fs::write(&path, [&whole[..], b"{\"done\":{\"batch\":1,\"exec"].concat()).expect("writable");
        let (mut journal, past) = Journal::open(folder.path(), &heading(1)).expect("read");
        assert_eq!(past.kept, [("reject 401".to_owned(), typ.clone())]);
        assert_eq!((past.batches, past.executions), (vec![0], 100));
        assert_eq!(past.findings, [(Symptom::Accepted, typ.clone())]);
        journal.done(1, 50).expect("written");
        journal.begun(7).expect("written");
        journal.gone(Symptom::Accepted, &typ).expect("written");
        journal.suspect(&recipe(r#"{"proof":{"omit":["jti"]}}"#)).expect("written");
        journal.suspect(&typ).expect("written");
        journal.cleared(&recipe(r#"{"proof":{"omit":["jti"]}}"#)).expect("written");
        drop(journal);
        let (_, past) = Journal::open(folder.path(), &heading(1)).expect("read");
        assert_eq!((past.batches, past.executions, past.findings), (vec![0, 1], 157, Vec::new()));
        assert_eq!(past.suspects, [typ]);
    }

    #[test]
    fn a_journal_is_of_one_campaign_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Journal::open(folder.path(), &heading(1)).expect("begun");
        let second = Journal::open(folder.path(), &heading(2)).expect_err("it is taken");
        assert_eq!(second.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        Journal::open(folder.path(), &heading(2)).expect("it is free");
    }

    #[test]
    fn another_seed_has_other_batches_and_the_same_classes() {
        let folder = tempfile::tempdir().expect("a folder");
        let omit = recipe(r#"{"proof":{"omit":["typ"]}}"#);
        let (mut journal, _) = Journal::open(folder.path(), &heading(1)).expect("begun");
        journal.keep("reject 401", &omit).expect("written");
        journal.done(0, 100).expect("written");
        drop(journal);
        let (_, past) = Journal::open(folder.path(), &heading(2)).expect("read");
        assert_eq!((past.kept.len(), past.batches.len(), past.executions), (1, 0, 0));
        let elsewhere = Heading { target: "other".to_owned(), ..heading(1) };
        let (_, past) = Journal::open(folder.path(), &elsewhere).expect("read");
        assert_eq!((past.kept.len(), past.batches.len()), (0, 0));
    }
}
