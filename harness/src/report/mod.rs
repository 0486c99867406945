//! From results to what people and machines read: one file a format.

mod checklist;
mod diff;
mod document;
mod facts;
mod hanging;
mod health;
mod human;
pub mod json;
mod junit;

use std::io::{self, Write};

pub use checklist::{LINES, Line, Mark, write_answer, write_checklist};
pub use diff::Comparison;
pub use document::{Document, DocumentError};
pub use facts::{facts_page, facts_schema, write_facts};
pub use hanging::hanging;
pub use health::{doctor_line, doctor_page};
pub use human::{Human, Style, glyph};

use crate::snapshot::Drift;
use crate::suite::Results;

/// A finished run as reporters see it.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// What the run found.
    pub results: &'a Results,
    /// How that differs from what was reviewed; none where there is no snapshot to compare with.
    pub drift: Option<&'a Drift>,
    /// How long the run took.
    pub seconds: f64,
}

/// A format for `--report NAME=PATH`.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// Writes it.
    pub write: fn(&Report<'_>, &mut dyn Write) -> io::Result<()>,
}

/// Every format.
pub const FORMATS: &[Format] = &[
    Format { name: "json", summary: "everything, as `dpop schema results` describes it", write: json::write },
    Format { name: "checklist", summary: "the advice for production, line by line", write: write_checklist },
    Format { name: "junit", summary: "one testcase a case, for CI servers", write: junit::write },
];
