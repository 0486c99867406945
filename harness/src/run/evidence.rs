//! What was sent and what came back, in words: in memory while a case is under way, and on file from then on, so that a run
//! needs no more memory for many cases than for few.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::transcript::Transcript;
use super::wording::Wording;
use crate::mutation::MintedProof;

/// The texts of one exchange, without secrets and control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// Request line and header fields.
    pub request: String,
    /// The proof in readable form, where the request carries one.
    pub proof: Option<MintedProof>,
    /// Status line, header fields and the beginning of the content.
    pub response: String,
}

/// The texts of one exchange, wherever they are. Clones stand for the same ones.
#[derive(Debug, Clone)]
pub struct Evidence(Arc<Mutex<Place>>);

#[derive(Debug)]
enum Place {
    Memory(Arc<Texts>),
    File { archive: Arc<Archive>, at: u64, length: usize },
}

impl From<Texts> for Evidence {
    fn from(texts: Texts) -> Self {
        Self(Arc::new(Mutex::new(Place::Memory(Arc::new(texts)))))
    }
}

impl Evidence {
    /// The texts. Where the file can't be read again, the response says so.
    pub fn texts(&self) -> Arc<Texts> {
        match &*self.place() {
            Place::Memory(texts) => texts.clone(),
            Place::File { archive, at, length } => {
                Arc::new(archive.read(*at, *length).unwrap_or_else(|error| Texts {
                    response: format!("[the evidence can't be read again: {error}]"),
                    ..Texts::default()
                }))
            }
        }
    }

    /// Moves the texts from memory into `archive`. They stay where they are if it takes nothing.
    fn file(&self, archive: &Arc<Archive>) {
        let mut place = self.place();
        let Place::Memory(texts) = &*place else { return };
        if let Ok((at, length)) = archive.append(texts) {
            *place = Place::File { archive: archive.clone(), at, length };
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the evidence of finished cases is. The texts are in a file without a name in the folder for temporary files: it is made
/// when something is put into it, and is gone with the process.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    file: Mutex<Option<File>>,
    /// How answers were put: most are put like another one.
    wordings: Mutex<HashSet<Arc<Wording>>>,
}

impl Archive {
    /// Takes in what is large of the evidence of a case.
    pub(crate) fn keep(self: &Arc<Self>, transcript: &mut Transcript) {
        let mut wordings = self.wordings.lock().unwrap_or_else(PoisonError::into_inner);
        for exchange in transcript.iter_mut() {
            exchange.evidence.file(self);
            let wording = &mut exchange.seen.wording;
            match wordings.get(wording) {
                Some(known) => *wording = known.clone(),
                None => drop(wordings.insert(wording.clone())),
            }
        }
        transcript.shrink_to_fit();
    }

    /// Puts `texts` at the end: where that is, and how many bytes they take.
    fn append(&self, texts: &Texts) -> io::Result<(u64, usize)> {
        let bytes = serde_json::to_vec(texts)?;
        let mut file = self.file();
        let file = match &mut *file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let at = file.seek(SeekFrom::End(0))?;
        file.write_all(&bytes)?;
        Ok((at, bytes.len()))
    }

    fn read(&self, at: u64, length: usize) -> io::Result<Texts> {
        let mut bytes = vec![0; length];
        let mut file = self.file();
        let file = file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    fn file(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(response: &str) -> Texts {
        let proof = MintedProof { header: "{}".to_owned(), claims: "{\"é\":1}".to_owned(), correct: None };
        Texts { request: "GET / HTTP/1.1".to_owned(), proof: Some(proof), response: response.to_owned() }
    }

    #[test]
    fn texts_are_the_same_on_file() {
        let archive = Arc::default();
        let all: Vec<Evidence> =
            ["one", "", "three\n\u{1f600}"].map(|text| Evidence::from(texts(text))).into();
        let clone = all[0].clone();
        for evidence in all.iter().chain(&all) {
            evidence.file(&archive);
        }
        assert_eq!(
            all.iter().map(|evidence| evidence.texts().response.clone()).collect::<Vec<_>>(),
            ["one", "", "three\n\u{1f600}"]
        );
        assert_eq!(*clone.texts(), texts("one"));
        assert!(matches!(&*clone.place(), Place::File { at: 0, .. }), "a clone is on file with it");
    }

    #[test]
    fn a_lost_file_is_told() {
        let archive = Arc::default();
        let evidence = Evidence::from(texts("one"));
        evidence.file(&archive);
        archive.file().as_mut().unwrap().set_len(3).unwrap();
        assert!(evidence.texts().response.starts_with("[the evidence can't be read again"));
    }
}
