//! What a run leaves of its failures beside the config, a file each: results with one case, which `dpop replay` sends again and
//! every report can be made from.

use std::fs;
use std::io;
use std::path::Path;

use super::issuer_key::{FOLDER, hidden_folder};
use crate::report::{Document, Report, json};

/// Writes a file for each failure, and takes away those of cases that failed before and do not any more.
pub(super) fn leave(folder: &Path, report: &Report<'_>) -> io::Result<()> {
    let document = Document::from(report);
    let place = folder.join(FOLDER).join("bundles").join(document.target());
    let failures: Vec<String> = document.failures().map(str::to_owned).collect();
    hidden_folder(&folder.join(FOLDER))?;
    for outcome in &report.results.outcomes {
        let file = place.join(format!("{}.json", outcome.id));
        if failures.contains(&outcome.id) {
            fs::create_dir_all(&place)?;
            let mut out = io::BufWriter::new(fs::File::create(file)?);
            json::write(&Document::from(report).only(std::slice::from_ref(&outcome.id)), &mut out)?;
        } else if let Err(error) = fs::remove_file(file)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
    }
    Ok(())
}
