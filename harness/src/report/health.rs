//! What the preflight found out, on the first line of a run.

use std::io::{self, Write};

use super::hanging::{WIDTH, hanging};
use crate::suite::{Health, State};

/// What stands before the line, and before its continuation.
const HEAD: &str = "doctor";

/// The sign of a state: readable without colour, and in ASCII where nothing else can be shown.
fn sign(state: State, ascii: bool) -> &'static str {
    match (state, ascii) {
        (State::Good, false) => "✓",
        (State::Good, true) => "ok",
        (State::Odd, _) => "!",
        (State::Bad, false) => "✗",
        (State::Bad, true) => "x",
        (State::Plain, false) => "·",
        (State::Plain, true) => "-",
    }
}

/// Where the text of a check begins.
const INDENT: usize = 15;

/// A line for each check, and for what else there is to note.
///
/// # Errors
/// Those of `out`.
pub fn doctor_page<'a>(
    health: &Health,
    notes: impl IntoIterator<Item = &'a str>,
    ascii: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    for check in health.checks() {
        hanging(
            out,
            &format!("{:INDENT$}", format!("{:2} {}", sign(check.state, ascii), check.name)),
            &check.text,
        )?;
    }
    for note in notes {
        hanging(out, &format!("{:INDENT$}", format!("{:2} note", sign(State::Odd, ascii))), note)?;
    }
    Ok(())
}

/// `doctor   ✓ tls  ✓ token bound to key  ✓ control 200  ! clock server +1.8 s`, on as many lines as it takes.
pub fn doctor_line(health: &Health, ascii: bool) -> String {
    let mut text = format!("{HEAD} ");
    let mut column = text.chars().count();
    for check in health.checks().iter().filter(|check| !check.brief.is_empty()) {
        let part = format!("  {} {}", sign(check.state, ascii), check.brief);
        if column + part.chars().count() > WIDTH {
            text.push_str(&format!("\n{:1$}", "", HEAD.len() + 1));
            column = HEAD.len() + 1;
        }
        column += part.chars().count();
        text.push_str(&part);
    }
    text
}
