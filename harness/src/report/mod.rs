//! From results to what people and machines read: one file a format.

mod checklist;
mod diff;
mod document;
mod facts;
mod from_run;
mod github;
mod hanging;
mod har;
mod health;
mod html;
mod human;
pub mod json;
mod junit;
mod md;
mod merge;
mod message;
mod ndjson;
mod sarif;

use std::io::{self, Write};
use std::time::SystemTime;

pub use checklist::{LINES, Line, Mark, write_answer, write_checklist};
pub use diff::Comparison;
pub use document::{Document, DocumentError};
pub use facts::{facts_page, facts_schema, write_facts};
pub use hanging::hanging;
pub use health::{doctor_line, doctor_page};
pub use html::write_matrix;
pub use human::{Human, Style, glyph};
pub use merge::MergeError;
pub use ndjson::Live;

use crate::plan::Partition;
use crate::snapshot::Drift;
use crate::suite::Results;

/// A finished run as reporters see it.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// What the run found.
    pub results: &'a Results,
    /// How that differs from what was reviewed; none where there is no snapshot to compare with.
    pub drift: Option<&'a Drift>,
    /// When the run began.
    pub began: SystemTime,
    /// How long it took.
    pub seconds: f64,
    /// The share of the cases that was asked for, where several jobs have one each.
    pub partition: Option<Partition>,
    /// Where the target is set up, if there is a config.
    pub config: Option<&'a ConfigPlace>,
}

/// The line of a config that names the protected resource: what concerns the target is told there, where its owner's repository has
/// no file of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPlace {
    /// The file, as the repository has it.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

/// A format for `--report NAME=PATH`. What a report shows is in the document: it can be made later, too.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// Writes it.
    pub write: fn(&Document<'_>, &mut dyn Write) -> io::Result<()>,
}

/// Every format.
pub const FORMATS: &[Format] = &[
    Format { name: "json", summary: "everything, as `dpop schema results` describes it", write: json::write },
    Format {
        name: "ndjson",
        summary: "the same as events, a line each, as they happen",
        write: ndjson::write,
    },
    Format { name: "checklist", summary: "the advice for production, line by line", write: write_checklist },
    Format { name: "junit", summary: "one testcase a case, for CI servers", write: junit::write },
    Format { name: "sarif", summary: "SARIF 2.1.0, for code scanning", write: sarif::write },
    Format { name: "html", summary: "one page that shows everything, for browsers", write: html::write },
    Format { name: "md", summary: "Markdown, for the summary of a job", write: md::write },
    Format { name: "github", summary: "annotations of GitHub Actions, of what fails", write: github::write },
    Format {
        name: "har",
        summary: "every request and answer, redacted, for browsers and proxies",
        write: har::write,
    },
];
