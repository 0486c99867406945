//! What happens to files that are wrong: exit code 2, nothing on standard output, and a message that names the line and
//! column, shows them, and guesses what was meant.
mod configs;
mod scenarios;
mod texts;

use crate::support::{Ended, run, text};
use dpop_harness::scenario::{load_embedded_and, read_dir};
use dpop_harness::target::Config;
use std::fs;
use std::path::Path;

const SCENARIO: &str = "\
id: rs.mine
title: A title
why: Because.
spec: [9449-4.3-12a]
at: [resource]
level: must
cases:
  one: { expect: accept }
";

const CONFIG: &str = "\
dpop: 1
target:
  name: staging
  resource: GET http://127.0.0.1:9/r
auth:
  kind: embedded
  listen: 127.0.0.1:0
  issuer: http://127.0.0.1:9400
  audience: a
limits: { rate: 20/s, timeout: 1s }
";

/// Line, column, beginning of the message, and hint.
type Expected<'a> = ((usize, usize), &'a str, Option<&'a str>);

/// The right scenario with something else in the place of `from`.
#[track_caller]
fn scenario(from: &str, to: &str) -> String {
    replaced(SCENARIO, from, to)
}

#[track_caller]
fn case(to: &str) -> String {
    scenario("{ expect: accept }", to)
}

#[track_caller]
fn config(from: &str, to: &str) -> String {
    replaced(CONFIG, from, to)
}

#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} stands once in the right file");
    text.replacen(from, to, 1)
}

#[track_caller]
fn check_scenario(content: impl AsRef<[u8]>, expected: Expected<'_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.yaml");
    fs::write(&path, &content).expect("written");
    let ended = run(["list", "--scenarios", text(folder.path())]);
    check(ended, &path, content.as_ref(), expected);
    let diagnostic =
        read_dir(folder.path()).and_then(|more| load_embedded_and(&more)).expect_err("it is bad");
    assert_eq!(diagnostic.at, expected.0, "the place in the library");
}

#[track_caller]
fn check_config(content: impl AsRef<[u8]>, expected: Expected<'_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    fs::write(&path, &content).expect("written");
    let ended = run(["run", "rs.ath.missing", "--config", text(&path)]);
    check(ended, &path, content.as_ref(), expected);
    // Whoever reads the file says the same.
    check(run(["review", "--config", text(&path)]), &path, content.as_ref(), expected);
    let diagnostic = Config::open(&path).expect_err("it is bad");
    assert_eq!(diagnostic.at, expected.0, "the place in the library");
}

/// The one check of everything that is said about a file.
#[track_caller]
fn check(ended: Ended, path: &Path, content: &[u8], expected: Expected<'_>) {
    let ((line, column), message, hint) = expected;
    let Ended { stdout, stderr, .. } = ended.with(2);
    assert_eq!(stdout, "", "nothing on standard output");
    let mut lines = stderr.lines();
    let title = lines.next().unwrap_or_default();
    assert!(title.starts_with(&format!("error: {message}")), "{stderr}");
    let place = lines.next().unwrap_or_default().trim_start();
    assert_eq!(place, format!("--> {}:{line}:{column}", path.display()), "{stderr}");
    check_excerpt(&stderr, content, line, column);
    let said = stderr.lines().find_map(|line| line.trim_start().strip_prefix("= help: did you mean `"));
    assert_eq!(said.map(|rest| rest.trim_end_matches("`?")), hint, "{stderr}");
}

/// The line is shown, and a caret stands under the column, where that can be seen without knowing how wide letters are.
#[track_caller]
fn check_excerpt(stderr: &str, content: &[u8], line: usize, column: usize) {
    let Ok(content) = std::str::from_utf8(content) else { return };
    let Some(source) = content.lines().nth(line - 1).filter(|source| source.len() < 90) else { return };
    let number = format!("{line} | ");
    let shown = stderr.lines().position(|shown| shown.trim_start().starts_with(number.trim_end()));
    let shown = shown.unwrap_or_else(|| panic!("line {line} is not shown:\n{stderr}"));
    let carets = stderr.lines().nth(shown + 1).unwrap_or_default();
    let caret = carets.find('^').unwrap_or_else(|| panic!("no caret below line {line}:\n{stderr}"));
    let shown_as_it_is = source.is_ascii() && !source.contains('\t') && !source.starts_with(&" ".repeat(20));
    if shown_as_it_is {
        assert!(stderr.contains(format!("{number}{source}").trim_end()), "{stderr}");
        assert_eq!(caret + 1 - number.len(), column, "the caret's column\n{stderr}");
    }
}

#[test]
fn the_files_that_the_others_spoil_are_right() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mine.yaml"), SCENARIO).expect("written");
    let ended = run(["list", "rs.mine", "--scenarios", text(folder.path())]).with(0);
    assert_eq!(ended.stdout, "rs.mine.one  must    a correct request\n");
    let path = folder.path().join("dpop.yaml");
    fs::write(&path, CONFIG).expect("written");
    run(["review", "--config", text(&path)]).with(0);
}
