use std::collections::BTreeSet;
use std::path::Path;

use crate::scenario::{Diagnostic, Source, load};
use crate::target::Config;

/// The loader of scenarios: any text loads, with ids that are unique and steps that belong to what is expected of them, or has a
/// diagnostic with a place in the text.
///
/// # Panics
/// Where that does not hold.
pub fn scenario_loader(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match load(&[source(text)]) {
        Ok(scenarios) => {
            let ids: Vec<&str> =
                scenarios.iter().flat_map(|scenario| &scenario.cases).map(|case| case.id.as_str()).collect();
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id twice");
            let lines = text.lines().count();
            assert!(
                scenarios.iter().all(|scenario| (1..=lines).contains(&scenario.line)),
                "a line of the file"
            );
        }
        Err(diagnostic) => shown(&diagnostic),
    }
}

/// The loader of `dpop.yaml`: any text loads, or has a diagnostic with a place in the text.
///
/// # Panics
/// Where it does not.
pub fn config_loader(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Err(diagnostic) = Config::read(&source(text), Path::new("/nonexistent")) {
        shown(&diagnostic);
    }
}

fn source(text: &str) -> Source {
    Source { file: "fuzz.yaml".to_owned(), text: text.to_owned() }
}

fn shown(diagnostic: &Diagnostic) {
    let shown = diagnostic.render(false);
    assert!(shown.contains("fuzz.yaml") && !shown.contains('\u{1b}'), "{shown:?}");
}
