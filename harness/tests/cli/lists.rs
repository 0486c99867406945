//! What is there: cases, requirements, explanations.

use super::*;

#[test]
fn the_list_for_programs() {
    let Ended { stdout, stderr, .. } = run(["list", "--format", "json"]).with(0);
    assert_eq!(stderr, "");
    let list = json(&stdout);
    assert_eq!(keys(&list), ["cases"]);
    let cases = list["cases"].as_array().expect("a list");
    for case in cases {
        assert_eq!(keys(case), ["id", "title", "at", "level", "spec", "tags", "file", "line"]);
        let id = case["id"].as_str().expect("text");
        assert!(["rs.", "as.", "client."].iter().any(|role| id.starts_with(role)), "{id}");
        let (file, line) = (case["file"].as_str().expect("text"), case["line"].as_u64().expect("a number"));
        let (_, source) = EMBEDDED.iter().find(|(name, _)| *name == file).expect("an embedded file");
        let line = source.lines().nth(usize::try_from(line).expect("small") - 1).expect("a line of it");
        let name = id.rsplit('.').next().unwrap_or_default();
        assert!(
            line.trim_start().replace('"', "").starts_with(&format!("{name}:")),
            "{id} does not stand in {line:?}"
        );
    }
    assert_eq!(cases.len(), run(["list"]).with(0).stdout.lines().count());
}

#[test]
fn coverage_for_people() {
    let Ended { stdout, stderr, .. } = run(["coverage"]).with(0);
    assert_eq!(stderr, "");
    assert!(stdout.contains("\nRFC 9449 section 4.3: "), "{stdout}");
    assert!(stdout.contains("because nothing to refuse"), "{stdout}");
    for line in stdout.lines() {
        assert!(line.chars().count() <= WIDTH, "{line}");
    }
    let summary = run(["coverage", "-q"]).with(0).stdout;
    assert_eq!(summary.lines().count(), 2);
    assert!(stdout.ends_with(&summary), "{stdout}");
    let every = run(["coverage", "-v"]).with(0).stdout;
    assert!(every.contains("by rs.ath.hex, ") && !stdout.contains("by rs.ath.hex, "), "{every}");
}

#[test]
fn coverage_for_programs() {
    let Ended { stdout, stderr, .. } = run(["coverage", "--format", "json"]).with(0);
    assert_eq!(stderr, "");
    let document = json(&stdout);
    assert_eq!(keys(&document), ["requirements", "summary"]);
    let states = ["covered", "measured", "open", "untestable", "out-of-scope", "no-suite", "forgotten"];
    assert_eq!(keys(&document["summary"]), states);
    let rows = document["requirements"].as_array().expect("a list");
    for row in rows {
        let members =
            ["id", "role", "level", "source", "also", "read", "text", "state", "reason", "cases", "facts"];
        assert_eq!(keys(row), members);
        let cases = row["cases"].as_array().expect("a list");
        assert_eq!(row["state"] == "covered", !cases.is_empty(), "{row}");
        assert_eq!(
            matches!(row["state"].as_str(), Some("open" | "untestable" | "out-of-scope")),
            row["reason"].is_string(),
            "{row}"
        );
    }
    let counted: u64 =
        states.iter().map(|state| document["summary"][state].as_u64().expect("a number")).sum();
    assert_eq!(usize::try_from(counted), Ok(rows.len()));
    let row = rows.iter().find(|row| row["id"] == "9449-4.3-12a").expect("a row");
    assert!(row["cases"].as_array().expect("a list").contains(&"rs.ath.missing".into()), "{row}");
}

#[test]
fn explanations() {
    for (name, said) in [
        ("rs.ath.missing", "Catches      ath-not-checked"),
        ("rs.ath", "rs.ath.missing"),
        ("missing-ath", "rs.ath.missing"),
        ("9449-4.3-12a", "rs.ath.missing"),
        ("9449-4.3-12a", "State        covered"),
        ("9449-11.7-1", "State        untestable: nothing to refuse"),
        ("8414-1", "State        no-suite"),
        ("ath-not-checked", "dpop serve --defect ath-not-checked"),
        ("twin-signature", "twin-signature: "),
        ("pitfalls", "missing-ath"),
        ("defects", "ath-not-checked"),
        ("mutations", "twin-signature"),
    ] {
        let Ended { stdout, stderr, .. } = run(["explain", name]).with(0);
        assert!(stdout.contains(said), "{name}: {stdout}");
        assert_eq!(stderr, "", "{name}");
    }
    for (unknown, hint) in
        [("rs.ath.mising", "`rs.ath.missing`"), ("missing-aht", "`missing-ath`"), ("defcts", "`defects`")]
    {
        let Ended { stdout, stderr, .. } = run(["explain", unknown]).with(2);
        assert_eq!(stdout, "");
        assert!(stderr.contains(&format!("`{unknown}` (did you mean {hint}?)")), "{stderr}");
    }
    let Ended { stderr, .. } = run(["explain", "something-else-entirely"]).with(2);
    assert!(stderr.contains("dpop list") && !stderr.contains("did you mean"), "{stderr}");
    run(["explain"]).with(2);
}
