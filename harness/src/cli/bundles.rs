//! What a run leaves of its failures beside the config, two files each: results with one case, which `dpop replay` sends again and
//! every report can be made from; and a shell script that sends it with curl.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::issuer_key::{FOLDER, hidden_folder};
use crate::report::{Document, Report, json};
use crate::suite::Outcome;

/// Writes the files of each failure, and takes away those of cases that failed before and do not any more.
pub(super) fn leave(
    folder: &Path,
    report: &Report<'_>,
    script: &dyn Fn(&Outcome) -> Option<String>,
) -> io::Result<()> {
    let document = Document::from(report);
    let place = folder.join(FOLDER).join("bundles").join(document.target());
    let failures: Vec<String> = document.failures().map(str::to_owned).collect();
    hidden_folder(&folder.join(FOLDER))?;
    for outcome in &report.results.outcomes {
        let results = place.join(format!("{}.json", outcome.id));
        let program = place.join(format!("{}.sh", outcome.id));
        if failures.contains(&outcome.id) {
            fs::create_dir_all(&place)?;
            let mut out = io::BufWriter::new(fs::File::create(results)?);
            json::write(&Document::from(report).only(std::slice::from_ref(&outcome.id)), &mut out)?;
            out.flush()?;
            if let Some(text) = script(outcome) {
                executable(&program, &text)?;
            }
        } else {
            gone(&results)?;
            gone(&program)?;
        }
    }
    Ok(())
}

fn executable(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(())
}

fn gone(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
