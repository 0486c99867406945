//! YAML text with places: reading it strictly, and saying where it is wrong.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use saphyr_parser::{Event, Parser, Span};
use serde::de::DeserializeOwned;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;
/// May stand before a YAML text (YAML 1.2 section 5.2), and is no part of it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// How deeply mappings and sequences may nest.
const MAX_DEPTH: usize = 32;
/// How many aliases one file may use.
const MAX_ALIASES: usize = 64;

/// A text file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, as messages and results show it.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// A range of bytes in a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(Range<usize>);

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub fault: Fault,
    /// The file.
    pub file: String,
    /// Line and column, both counted from 1; the column in characters.
    pub at: (usize, usize),
    /// The text and the place in it, where there is a text to show.
    excerpt: Option<(String, Place)>,
    /// A name that may have been meant.
    pub hint: Option<String>,
}

/// What can be wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It can't be read; the operating system says why.
    #[error("can't read the file: {0}")]
    Unreadable(String),
    /// It is larger than 1 MiB.
    #[error("the file is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// It is not UTF-8.
    #[error("the file is not UTF-8")]
    NotUtf8,
    /// It is not YAML 1.2.
    #[error("not YAML: {0}")]
    Syntax(String),
    /// A mapping has the same key twice.
    #[error("duplicate key `{0}`")]
    DuplicateKey(String),
    /// More than 64 aliases.
    #[error("more than {MAX_ALIASES} aliases")]
    TooManyAliases,
    /// More than 32 levels.
    #[error("nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// A value that does not fit: unknown key, wrong type, missing field.
    #[error("{0}")]
    Shape(String),
    /// A name that refers to something that is not there.
    #[error("unknown {what} `{name}`")]
    Unknown {
        /// What kind of thing, e.g. `requirement`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Something that contradicts something else.
    #[error("{0}")]
    Contradiction(String),
}

/// The places of everything in one YAML document, by path: `cases.missing.proof.omit[0]`.
#[derive(Debug, Default)]
pub(super) struct Places {
    keys: HashMap<String, Place>,
    values: HashMap<String, Place>,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Fault::Unreadable`], [`Fault::TooLarge`] and [`Fault::NotUtf8`].
    pub fn open(path: &Path) -> Result<Self, Box<Diagnostic>> {
        let file = path.display().to_string();
        let unreadable = |error: std::io::Error| Diagnostic::unreadable(path, &error);
        let mut bytes = Vec::new();
        // A device has no size that one could ask for.
        let mut limited = File::open(path).map_err(unreadable)?.take(MAX_BYTES + 1);
        limited.read_to_end(&mut bytes).map_err(unreadable)?;
        if limited.limit() == 0 {
            return Err(Diagnostic::at_start(path, Fault::TooLarge));
        }
        if bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { file, text }),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let end = text
                    .get(valid..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(valid, |c| valid + c.len_utf8());
                Err(Self { file, text }.diagnostic(Fault::NotUtf8, &Place(valid..end)))
            }
        }
    }

    /// A fault at a place in this file.
    pub fn diagnostic(&self, fault: Fault, place: &Place) -> Box<Diagnostic> {
        let before = self.text.get(..place.0.start).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
        Box::new(Diagnostic {
            fault,
            file: self.file.clone(),
            at: (before.matches('\n').count() + 1, column),
            excerpt: Some((self.text.clone(), place.clone())),
            hint: None,
        })
    }

    /// A fault of the value at `path` (`target.resource`) in a file with one document.
    pub fn at(&self, path: &str, fault: Fault) -> Box<Diagnostic> {
        let places = self.places().unwrap_or_default();
        let place = places.first().map_or(Place(0..0), |places| places.value(path));
        self.diagnostic(fault, &place)
    }

    /// The line of the key at `path` (`target.resource`) in a file with one document, counted from 1.
    pub fn line_at(&self, path: &str) -> usize {
        let places = self.places().unwrap_or_default();
        places.first().map_or(1, |places| self.line_of(&places.key(path)))
    }

    /// The line of a place, counted from 1.
    pub fn line_of(&self, place: &Place) -> usize {
        self.text.get(..place.0.start).map_or(1, |before| before.matches('\n').count() + 1)
    }

    /// The word that begins at a line and column, both counted from 1.
    fn word_at(&self, line: usize, column: usize) -> Place {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = self.text.get(start..).unwrap_or_default();
        let skipped: usize = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        let start = (start + skipped).min(self.text.len());
        let word = self.text.get(start..).unwrap_or_default();
        let length = word
            .find(|c: char| !(c.is_alphanumeric() || "-_./'\"+".contains(c)))
            .unwrap_or(word.len())
            .max(usize::from(!word.is_empty() && !word.starts_with('\n')));
        let end = start + length;
        Place(start..if self.text.is_char_boundary(end) { end } else { self.text.len() })
    }

    /// Every document in the file with the places of its parts.
    pub(super) fn documents<T: DeserializeOwned>(&self) -> Result<Vec<(T, Places)>, Box<Diagnostic>> {
        let places = self.places()?;
        let mut documents = Vec::new();
        for (deserializer, places) in serde_yaml::Deserializer::from_str(&self.text).zip(places) {
            // Enums as `{name: value}` and not as `!name value`.
            let document = serde_yaml::with::singleton_map_recursive::deserialize(deserializer)
                .map_err(|error| self.shape(&error))?;
            documents.push((document, places));
        }
        Ok(documents)
    }

    fn shape(&self, error: &serde_yaml::Error) -> Box<Diagnostic> {
        let mut message = error.to_string();
        let place = match error.location() {
            Some(location) => {
                if let Some(end) = message.rfind(" at line ") {
                    message.truncate(end);
                }
                self.word_at(location.line(), location.column())
            }
            None => Place(0..0),
        };
        let (unknown, candidates) = quoted_names(&message);
        self.diagnostic(Fault::Shape(in_words_of_yaml(&message)), &place)
            .with_hint(&unknown, candidates.iter().map(String::as_str))
    }

    /// Walks over the syntax: finds duplicate keys and excess, and notes where everything stands.
    fn places(&self) -> Result<Vec<Places>, Box<Diagnostic>> {
        let offsets: Vec<usize> =
            self.text.char_indices().map(|(at, _)| at).chain([self.text.len()]).collect();
        let byte = |index: usize| offsets.get(index).copied().unwrap_or(self.text.len());
        let place = |span: Span| Place(byte(span.start.index())..byte(span.end.index()));
        let mut documents = Vec::new();
        let mut places = Places::default();
        let mut levels: Vec<Container> = Vec::new();
        let mut aliases = 0;
        for event in Parser::new_from_str(&self.text) {
            let (event, span) = event.map_err(|error| {
                let marker = *error.marker();
                // What is missing at the end of the file is missing behind its last word.
                let at = match byte(marker.index()) {
                    end if end == self.text.len() => self.text.trim_end().len(),
                    at => at,
                };
                self.diagnostic(Fault::Syntax(error.info().to_owned()), &Place(at..at))
            })?;
            match event {
                Event::DocumentEnd => documents.push(std::mem::take(&mut places)),
                Event::Alias(_) => {
                    aliases += 1;
                    if aliases > MAX_ALIASES {
                        return Err(self.diagnostic(Fault::TooManyAliases, &place(span)));
                    }
                    self.enter(&mut levels, &mut places, None, &place(span))?;
                }
                Event::Scalar(text, ..) => {
                    self.enter(&mut levels, &mut places, Some(&text), &place(span))?;
                }
                Event::SequenceStart(..) | Event::MappingStart(..) => {
                    let path = self.enter(&mut levels, &mut places, None, &place(span))?;
                    if levels.len() == MAX_DEPTH {
                        return Err(self.diagnostic(Fault::TooDeep, &place(span)));
                    }
                    let mapping = matches!(event, Event::MappingStart(..));
                    levels.push(Container { path, mapping, key: None, seen: Vec::new(), index: 0 });
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    levels.pop();
                }
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
            }
        }
        Ok(documents)
    }

    /// Takes one node in as key or value of the innermost container; its path comes back.
    fn enter(
        &self,
        levels: &mut [Container],
        places: &mut Places,
        scalar: Option<&str>,
        place: &Place,
    ) -> Result<String, Box<Diagnostic>> {
        let Some(container) = levels.last_mut() else { return Ok(String::new()) };
        if !container.mapping {
            let path = format!("{}[{}]", container.path, container.index);
            container.index += 1;
            places.values.insert(path.clone(), place.clone());
            return Ok(path);
        }
        if let Some(path) = container.key.take() {
            places.values.insert(path.clone(), place.clone());
            return Ok(path);
        }
        let key = scalar.unwrap_or_default().to_owned();
        if container.seen.contains(&key) {
            return Err(self.diagnostic(Fault::DuplicateKey(key), place));
        }
        let path = if container.path.is_empty() { key.clone() } else { format!("{}.{key}", container.path) };
        container.seen.push(key);
        places.keys.insert(path.clone(), place.clone());
        container.key = Some(path.clone());
        Ok(path)
    }
}

struct Container {
    path: String,
    mapping: bool,
    key: Option<String>,
    seen: Vec<String>,
    index: usize,
}

impl Places {
    /// The place of the key, or of the item of a sequence, at `path`, or of the nearest thing above it.
    pub(super) fn key(&self, path: &str) -> Place {
        self.nearest(
            path,
            |path| if path.ends_with(']') { self.values.get(path) } else { self.keys.get(path) },
        )
    }

    /// The place of the value at `path`, or of the nearest thing above it.
    pub(super) fn value(&self, path: &str) -> Place {
        self.nearest(path, |path| self.values.get(path))
    }

    fn nearest<'a>(&'a self, path: &str, find: impl Fn(&str) -> Option<&'a Place>) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = find(path).or_else(|| self.keys.get(path)) {
                return place.clone();
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return Place(0..0),
            }
        }
    }
}

/// Reads a file that holds exactly one document.
///
/// # Errors
/// A [`Diagnostic`] with its place.
pub fn read_one<T: DeserializeOwned>(source: &Source) -> Result<T, Box<Diagnostic>> {
    let mut documents = source.documents()?;
    if documents.len() != 1 {
        let fault = Fault::Shape(format!("expected one YAML document, found {}", documents.len()));
        return Err(source.diagnostic(fault, &Place(0..0)));
    }
    match documents.pop() {
        Some((document, _)) => Ok(document),
        None => unreachable!("there is one"),
    }
}

impl Diagnostic {
    /// A fault of the file as a whole.
    pub(super) fn at_start(path: &Path, fault: Fault) -> Box<Self> {
        Box::new(Self { fault, file: path.display().to_string(), at: (1, 1), excerpt: None, hint: None })
    }

    /// A file or folder that the operating system does not let us read.
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Box<Self> {
        Self::at_start(path, Fault::Unreadable(error.to_string()))
    }

    /// Adds the candidate that is nearest to `name`, where one is near.
    #[must_use]
    pub fn with_hint<'a>(
        mut self: Box<Self>,
        name: &str,
        candidates: impl Iterator<Item = &'a str>,
    ) -> Box<Self> {
        self.hint = nearest(name, candidates).map(str::to_owned);
        self
    }

    /// The message with the source line and a caret under the place, in colour or not.
    pub fn render(&self, colour: bool) -> String {
        let title = self.fault.to_string();
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut group = match &self.excerpt {
            Some((text, place)) => Level::ERROR.primary_title(title.as_str()).element(
                Snippet::source(text.as_str())
                    .path(self.file.as_str())
                    .annotation(AnnotationKind::Primary.span(place.0.clone())),
            ),
            None => Level::ERROR.primary_title(title.as_str()).element(
                annotate_snippets::Origin::path(self.file.as_str()).line(self.at.0).char_column(self.at.1),
            ),
        };
        let help = self.hint.as_ref().map(|hint| format!("did you mean `{hint}`?"));
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}: {}", self.file, self.at.0, self.at.1, self.fault)?;
        match &self.hint {
            Some(hint) => write!(out, " (did you mean `{hint}`?)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// The candidate that a misspelled `name` most likely meant.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A message of serde without the names of Rust's types.
fn in_words_of_yaml(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let expected = match expected.split_once(' ').map_or(expected, |(kind, _)| kind) {
        "struct" => "a mapping",
        "enum" => "a word",
        "u16" | "u32" | "u64" | "usize" => "a whole number",
        "a" if expected.contains("nonzero") => "a whole number above 0",
        _ => expected,
    };
    format!("{found}, expected {expected}")
}

/// The first name in backquotes in a message of serde, and the names behind it.
fn quoted_names(message: &str) -> (String, Vec<String>) {
    let mut names = message.split('`').skip(1).step_by(2).map(str::to_owned);
    (names.next().unwrap_or_default(), names.collect())
}
