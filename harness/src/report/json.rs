//! `--report json`: everything, in the format `dpop-results/1`.

use std::io::{self, Write};

use super::Document;

/// The JSON Schema of `dpop-results/1`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document<'_>).to_value()
}

/// Writes the document.
///
/// # Errors
/// Those of `out`.
pub fn write(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}
