//! `--report github`: annotations of GitHub Actions, of what fails the run and of nothing else. They stand at a line that the
//! repository has: that of the resource in `dpop.yaml`, or of a scenario of its own.
//!
//! GitHub shows ten errors a step, so there are ten at most, the worst first, and a notice of how many more there are.

use std::io::{self, Write};

use super::document::{Case, Document};
use crate::judge::Verdict;

/// As many as GitHub shows.
const MOST: usize = 10;

struct Annotation<'a> {
    case: Option<&'a Case<'a>>,
    title: String,
    message: String,
}

/// Writes the annotations.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let annotations = annotations(document);
    for Annotation { case, title, message } in annotations.iter().take(MOST) {
        let place = case.map(|case| document.place(case)).or_else(|| document.config_place());
        let place = place.map(|(file, line)| format!("file={},line={line},", property(file)));
        writeln!(
            out,
            "::error {}title={}::{}",
            place.unwrap_or_default(),
            property(&format!("{title} ({})", document.target.name)),
            data(message)
        )?;
    }
    match annotations.len().saturating_sub(MOST) {
        0 => Ok(()),
        more => writeln!(out, "::notice title=dpop::{more} more, which GitHub would not show"),
    }
}

fn annotations<'a>(document: &'a Document<'_>) -> Vec<Annotation<'a>> {
    let of = |wanted: fn(&Case<'_>) -> bool| document.cases.iter().filter(move |case| wanted(case));
    let find = |id: &str| document.cases.iter().find(|case| case.id == id);
    let fails = of(|case| case.fails()).map(|case| Annotation {
        case: Some(case),
        title: case.id.to_string(),
        message: format!("{}: {}. {}", case.title, case.told(), case.why),
    });
    let drift = document.drift.iter();
    let changed = drift.clone().flat_map(|drift| &drift.changed).map(|changed| Annotation {
        case: find(&changed.id),
        title: format!("{} drifted", changed.id),
        message: format!("was {}, is {}: see `dpop review`", changed.was, changed.is),
    });
    let gone = drift.flat_map(|drift| &drift.gone).map(|id| Annotation {
        case: None,
        title: format!("{id} is gone"),
        message: "it is in the snapshot, and not in the suite".to_owned(),
    });
    let waivers = document.bad_waivers.iter().map(|waiver| Annotation {
        case: find(&waiver.case),
        title: format!("{} waiver", waiver.fault),
        message: waiver.told.to_string(),
    });
    let unclear = of(|case| case.verdict == Verdict::Inconclusive).map(|case| Annotation {
        case: Some(case),
        title: format!("{} is inconclusive", case.id),
        message: case.reason.as_deref().unwrap_or_default().to_owned(),
    });
    fails.chain(changed).chain(gone).chain(waivers).chain(unclear).collect()
}

/// Text behind `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which a comma ends.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
