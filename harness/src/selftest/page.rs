use std::fmt::Write as _;

use super::{Found, Sight};
use crate::scenario::Scenario;

/// The planted bugs and the cases that catch them as a Markdown page, `reports/kill-matrix.md`.
///
/// Which other cases notice a bug is left out: where a bug shows with one key in so many, that is chance.
pub fn as_markdown(found: &Found, scenarios: &[Scenario]) -> String {
    let mut page = "# Planted bugs and the cases that catch them\n\n".to_owned();
    page += "Written by `dpop selftest -o reports/kill-matrix.md`, and compared by `dpop selftest --check reports/kill-matrix.md`: the\n\
             whole suite against the reference server with one bug at a time. A bug counts as caught where every case that it names\n\
             catches it.\n\n";
    // Writing to a string does not fail.
    let _ = writeln!(
        page,
        "Caught {} of {} planted bugs. False alarms: {} against {} clean servers.\n",
        found.caught_count(),
        found.caught.len(),
        found.false_alarms(),
        found.clean.len(),
    );
    page += "| planted bug | nonces | caught by |\n|---|---|---|\n";
    for caught in &found.caught {
        let named: Vec<String> = caught
            .named
            .iter()
            .map(|(id, sight)| match sight {
                Sight::Caught => format!("`{id}`"),
                other => format!("NOT `{id}` ({other})"),
            })
            .collect();
        let cells = [
            format!("`{}` {}", caught.row.name, caught.row.summary),
            caught.row.nonce.name().to_owned(),
            named.join(", "),
        ];
        let _ = writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    page += "\n## Cases and the bugs that need them\n\n| case | needed by |\n|---|---|\n";
    for proven in found.proven(scenarios) {
        let needed = match proven.reason {
            Some(reason) if proven.needed_by.is_empty() => format!("none: {reason}"),
            _ => proven.needed_by.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        };
        let _ = writeln!(page, "| `{}` | {needed} |", proven.id);
    }
    page
}
