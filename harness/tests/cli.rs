//! The command line as scripts and people meet it: help, exit codes, what goes to which stream, formats, environment.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Ended, Serving, code_within, dpop, ended, free_port, run, text};
use dpop_harness::guide::WIDTH;
use dpop_harness::scenario::EMBEDDED;
use serde::Deserialize as _;
use serde_json::Value;

/// Flags that are part of a command's contract; there may be more.
const FLAGS: &[(&str, &[&str])] = &[
    ("demo", &["--report"]),
    (
        "run",
        &[
            "--checklist",
            "--config",
            "--report",
            "--profile",
            "--deny",
            "--jobs",
            "--timeout",
            "--rate",
            "--max-requests",
            "--seed",
            "--partition",
            "--failed",
            "--changed",
            "--max-fail",
            "--repeat",
            "--until-fail",
            "--authorised",
            "--http1.1",
            "--http2",
            "--cacert",
            "--insecure",
            "--connect-to",
        ],
    ),
    ("init", &["--output", "--force", "--timeout", "--authorised"]),
    ("doctor", &["--config", "--timeout", "--authorised"]),
    ("list", &["--format"]),
    (
        "measure",
        &[
            "--config",
            "--only",
            "--for",
            "--format",
            "--timeout",
            "--rate",
            "--max-requests",
            "--defect",
            "--authorised",
            "--http1.1",
            "--cacert",
            "--insecure",
            "--connect-to",
        ],
    ),
    (
        "fuzz",
        &[
            "--config",
            "--layer",
            "--for",
            "--requests",
            "--seed",
            "--state",
            "--partition",
            "--against",
            "--minimize",
            "--jobs",
            "--format",
            "--timeout",
            "--rate",
            "--max-requests",
            "--defect",
            "--authorised",
        ],
    ),
    ("coverage", &["--format"]),
    ("explain", &[]),
    ("review", &["--config", "--accept"]),
    ("diff", &["--fail-on", "--format"]),
    ("report", &["--from", "--report"]),
    ("merge", &["--report", "--deny"]),
    ("matrix", &["--output"]),
    ("replay", &["--config", "--report", "--authorised"]),
    ("proof", &["--jwk", "--token-file", "--case", "--nonce"]),
    ("completions", &[]),
    ("man", &["--output"]),
    (
        "serve",
        &[
            "--listen",
            "--issuer-listen",
            "--trust",
            "--nonce",
            "--no-replay-store",
            "--public-url",
            "--defect",
            "--list-defects",
        ],
    ),
    ("selftest", &["--defect", "--jobs", "--format", "--output", "--check"]),
    ("schema", &[]),
];

/// Flags of every command.
const COMMON_FLAGS: &[&str] = &["--scenarios", "--color", "--quiet", "--verbose", "--help"];

#[track_caller]
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[track_caller]
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// The words that begin with `--` and name a flag in a help text.
fn flags(help: &str) -> BTreeSet<&str> {
    let is_option = |line: &&str| line.trim_start().starts_with('-') && line.starts_with("  ");
    let words = help.lines().filter(is_option).flat_map(|line| line.split([' ', ',']));
    words.map(|word| word.trim_end_matches('.')).filter(|word| word.starts_with("--")).collect()
}

fn commands() -> Vec<String> {
    let help = run(["--help"]).with(0).stdout;
    let (_, rest) = help.split_once("Commands:\n").expect("a list of commands");
    let (list, _) = rest.split_once("\n\n").expect("an end");
    let name = |line: &str| Some(line.strip_prefix("  ")?.split_once(' ')?.0.to_owned());
    list.lines().filter_map(name).filter(|name| !name.is_empty() && name != "help").collect()
}

#[test]
fn every_command_has_help_with_every_flag() {
    let commands = commands();
    for (name, flags_of) in FLAGS {
        assert!(commands.iter().any(|command| command == name), "{name} is gone");
        let help = run([name, "--help"]).with(0).stdout;
        let there = flags(&help);
        for flag in flags_of.iter().chain(COMMON_FLAGS) {
            assert!(there.contains(flag), "dpop {name} --help does not mention {flag}:\n{help}");
        }
    }
}

#[test]
fn every_flag_has_an_environment_variable() {
    for command in commands() {
        let Ended { stdout: help, stderr, .. } = run([command.as_str(), "--help"]).with(0);
        assert_eq!(stderr, "");
        assert_eq!(run(["help", command.as_str()]).with(0).stdout, help);
        for flag in flags(&help).into_iter().filter(|flag| *flag != "--help") {
            let variable = format!(
                "[env: DPOP_{}=",
                flag.trim_start_matches('-').replace(['-', '.'], "_").to_uppercase()
            );
            assert!(help.contains(&variable), "{command} {flag} has no {variable}]:\n{help}");
        }
    }
}

#[test]
fn version_and_usage() {
    let version = run(["--version"]).with(0).stdout;
    assert_eq!(version, format!("dpop {}\n", env!("CARGO_PKG_VERSION")));
    for wrong in
        [&[][..], &["rnu"], &["run", "--nonsense"], &["run", "--jobs", "x"], &["list", "--format", "xml"]]
    {
        let Ended { stdout, stderr, .. } = run(wrong).with(2);
        assert_eq!(stdout, "", "{wrong:?}");
        assert!(stderr.contains("Usage:") || stderr.contains("--help"), "{wrong:?}: {stderr}");
    }
    assert!(run(["lst"]).stderr.contains("'list'"), "the nearest command");
}

#[test]
fn without_a_config_the_built_in_server_is_tested() {
    let Ended { stdout, .. } = run(["run"]).with(0);
    assert!(stdout.contains("target reference"), "{stdout}");
    let last = stdout.lines().last().unwrap_or_default();
    assert!(last.contains(" pass") && !last.contains("fail"), "{last}");
}

#[test]
fn the_demonstration() {
    let Ended { stdout, .. } = run(["demo"]).with(0);
    for said in ["1. A correct server", "2. The same server with the bug", "FAIL rs.", "Who gains"] {
        assert!(stdout.contains(said), "{said} is not in {stdout}");
    }
    assert!(!stdout.contains("NOT caught"), "{stdout}");
}

#[test]
fn a_nonconformity_is_exit_1() {
    let Ended { stdout, .. } = run(["run", "rs.ath.missing", "--defect", "ath-not-checked"]).with(1);
    assert!(stdout.contains("FAIL rs.ath.missing"), "{stdout}");
    assert!(stdout.contains("reproduced 2/2"), "{stdout}");
}

#[test]
fn a_server_that_is_not_there_is_one_finding_and_exit_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    let (target, issuer) = (free_port(), free_port());
    fs::write(&path, config(target, issuer)).expect("written");
    let report = folder.path().join("results.json");
    let to_file = format!("json={}", text(&report));
    let Ended { stdout, .. } = run(["run", "--config", text(&path), "--report", &to_file]).with(3);
    assert!(stdout.contains("INCONCLUSIVE rs.preflight.reachable"), "{stdout}");
    assert!(stdout.contains(&format!("127.0.0.1:{target}")), "{stdout}");
    let results = json(&fs::read_to_string(&report).expect("a report"));
    let cases = results["cases"].as_array().expect("a list");
    let others: Vec<_> = cases.iter().filter(|case| case["verdict"] != "skip").collect();
    assert_eq!(others.len(), 1, "{others:?}");
    assert_eq!(others[0]["id"], "rs.preflight.reachable");
    assert_eq!(others[0]["verdict"], "inconclusive");
    for case in cases.iter().filter(|case| case["verdict"] == "skip") {
        assert!(case["reason"].is_string(), "a skip has a reason: {case}");
    }
}

#[test]
fn a_port_that_is_taken_is_exit_3() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let taken = listener.local_addr().expect("an address").port();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    fs::write(&path, config(free_port(), taken)).expect("written");
    let Ended { stderr, .. } = run(["run", "--config", text(&path)]).with(3);
    assert!(stderr.contains(&format!("127.0.0.1:{taken}")) && stderr.contains("auth.listen"), "{stderr}");
    run(["serve", "--listen", "127.0.0.1:0", "--issuer-listen", &format!("127.0.0.1:{taken}")]).with(3);
}

fn config(target: u16, issuer: u16) -> String {
    format!(
        "dpop: 1
target: {{ name: staging, resource: GET http://127.0.0.1:{target}/resource, bearer: refused }}
auth: {{ kind: embedded, listen: 127.0.0.1:{issuer}, issuer: http://127.0.0.1:{issuer}, audience: http://127.0.0.1:{target} }}
"
    )
}

#[test]
fn selecting_nothing_is_exit_4_with_a_hint() {
    for command in ["run", "list"] {
        let Ended { stdout, stderr, .. } = run([command, "rs.ath.mising"]).with(4);
        assert_eq!(stdout, "");
        assert!(stderr.contains("`rs.ath.mising` (did you mean `rs.ath.missing`?)"), "{stderr}");
        assert!(run([command, "rs.nothing.*"]).with(4).stderr.contains("`rs.nothing.*`"));
        // One that fits does not excuse one that does not.
        run([command, "rs.ath.missing", "nothing"]).with(4);
    }
}

#[test]
fn ids_and_globs() {
    let listed = |pattern: &str| -> Vec<String> {
        let Ended { stdout, stderr, .. } = run(["list", pattern]).with(0);
        assert_eq!(stderr, "");
        stdout.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
    };
    assert_eq!(listed("rs.ath.missing"), ["rs.ath.missing"]);
    let scenario = listed("rs.ath");
    assert!(scenario.len() > 1 && scenario.iter().all(|id| id.starts_with("rs.ath.")), "{scenario:?}");
    assert_eq!(listed("rs.ath.*"), scenario);
    let missing = listed("rs.*.missing");
    assert!(missing.len() > 1 && missing.iter().all(|id| id.ends_with(".missing")), "{missing:?}");

    let Ended { stdout, .. } = run(["run", "rs.*.missing", "-v"]).with(0);
    for id in &missing {
        assert!(stdout.contains(id.as_str()), "{id} was not performed: {stdout}");
    }
    assert!(stdout.contains(&format!("\n{} cases: ", missing.len())), "{stdout}");
    // What is named twice is performed once.
    assert!(run(["run", "rs.ath.missing", "rs.ath.missing"]).with(0).stdout.contains("\n1 case: 1 pass"));
}

#[test]
fn a_report_on_standard_output_moves_the_console_report() {
    let Ended { stdout, stderr, .. } = run(["run", "rs.ath", "--report", "json=-"]).with(0);
    check_results(&json(&stdout));
    assert!(stderr.contains("cases: "), "{stderr}");
    let Ended { stdout, stderr, .. } = run(["-q", "run", "rs.ath", "--report", "json=-"]).with(0);
    check_results(&json(&stdout));
    assert!(stderr.lines().last().is_some_and(|line| line.contains("cases: ")), "{stderr}");
}

/// The contract `dpop-results/1`: these keys are there; others may come.
#[track_caller]
fn check_results(results: &Value) {
    assert_eq!(results["format"], "dpop-results/1");
    check_keys(results, &["format", "tool", "target", "profile", "seed", "facts", "cases", "summary"]);
    check_keys(&results["tool"], &["version"]);
    check_keys(&results["target"], &["name"]);
    let verdicts = ["pass", "note", "warn", "fail", "skip", "inconclusive"];
    check_keys(&results["summary"], &verdicts);
    check_keys(&results["summary"], &["waived"]);
    let cases = results["cases"].as_array().expect("a list");
    assert!(!cases.is_empty());
    for case in cases {
        check_keys(
            case,
            &[
                "id",
                "scenario",
                "line",
                "title",
                "spec",
                "level",
                "cwe",
                "verdict",
                "decision",
                "status",
                "error",
                "expected",
                "reason",
                "reproduced",
                "waived",
                "requests",
                "ms",
                "transcript",
            ],
        );
    }
    for verdict in verdicts {
        let number = cases.iter().filter(|case| case["verdict"] == verdict).count();
        assert_eq!(results["summary"][verdict], number, "{verdict}");
    }
}

#[track_caller]
fn check_keys(object: &Value, expected: &[&str]) {
    let there = keys(object);
    for key in expected {
        assert!(there.contains(key), "{key} is missing in {there:?}");
    }
}

#[test]
fn reports_in_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (first, second) = (format!("json={}", text(&path("a"))), format!("json={}", text(&path("b"))));
    let Ended { stdout, .. } =
        run(["run", "rs.ath.missing", "--report", &first, "--report", &second]).with(0);
    assert!(stdout.contains("1 case: 1 pass"), "{stdout}");
    let read = |name: &str| fs::read_to_string(path(name)).expect("a report");
    assert_eq!(read("a"), read("b"));
    check_results(&json(&read("a")));

    // A path may have an equals sign; an older report is replaced.
    let third = format!("json={}", text(&path("x=y")));
    fs::write(path("x=y"), "x".repeat(100_000)).expect("written");
    run(["run", "rs.ath.missing", "--report", &third]).with(0);
    check_results(&json(&read("x=y")));
}

#[test]
fn reports_that_can_not_be() {
    for (wrong, said) in [
        ("jsno=x.json", "did you mean `json`?"),
        ("xml2=x", "formats are "),
        ("json", "FORMAT=PATH"),
        ("json=", "the path is missing"),
        ("", "FORMAT=PATH"),
    ] {
        let Ended { stdout, stderr, .. } = run(["run", "rs.ath.missing", "--report", wrong]).with(2);
        assert_eq!(stdout, "", "{wrong}");
        assert!(stderr.contains(said), "{wrong}: {stderr}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "").expect("written");
    let no_folder = folder.path().join("file/results.json");
    let missing = folder.path().join("missing/results.json");
    let mut unwritable = vec![text(&no_folder), text(&missing), text(folder.path())];
    if cfg!(target_os = "linux") {
        // Where even root may not write, and where there is no room.
        unwritable.extend(["/proc/results.json", "/dev/full"]);
    }
    for path in unwritable {
        let Ended { stderr, .. } =
            run(["run", "rs.ath.missing", "--report", &format!("json={path}")]).with(3);
        assert!(stderr.contains(path), "{stderr}");
    }
}

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

/// A schema that `dpop schema` prints, compiled by a validator that others wrote.
struct Schema {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Schema {
    #[track_caller]
    fn printed(what: &str) -> Self {
        let Ended { stdout, stderr, .. } = run(["schema", what]).with(0);
        assert_eq!(stderr, "");
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        let url = format!("https://dpop.example/{what}.json");
        compiler.add_resource(&url, json(&stdout)).expect("a resource");
        let index = compiler.compile(&url, &mut schemas).unwrap_or_else(|error| panic!("{what}: {error:#}"));
        Self { schemas, index }
    }

    #[track_caller]
    fn accepts(&self, what: &str, document: &Value) {
        if let Err(error) = self.schemas.validate(document, self.index) {
            panic!("{what}: {error:#}");
        }
    }

    #[track_caller]
    fn refuses(&self, document: &Value) {
        assert!(self.schemas.validate(document, self.index).is_err(), "not refused: {document}");
    }
}

fn yaml(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).expect("YAML"))
        .collect()
}

/// The document with one value replaced or added.
fn with(document: &Value, pointer: &str, key: &str, value: Value) -> Value {
    let mut changed = document.clone();
    changed
        .pointer_mut(pointer)
        .and_then(Value::as_object_mut)
        .expect("an object")
        .insert(key.to_owned(), value);
    changed
}

#[test]
fn the_schema_of_scenarios() {
    let schema = Schema::printed("scenario");
    for (file, text) in EMBEDDED {
        for document in yaml(text) {
            schema.accepts(file, &document);
            schema.refuses(&with(&document, "", "levl", "must".into()));
            schema.refuses(&with(&document, "", "level", "mist".into()));
        }
    }
    let case = |case: &str| {
        let text = format!(
            "id: rs.x\ntitle: T\nwhy: W\nspec: [a]\nat: [resource]\nlevel: must\ncases: {{ one: {case} }}"
        );
        yaml(&text).remove(0)
    };
    schema.accepts(
        "a case",
        &case("{ proof: { iat: -1h, mutate: [twin-signature] }, expect: { reject: [a] } }"),
    );
    for wrong in [
        "{ expct: accept }",
        "{ expect: acept }",
        "{ expect: { reject: a } }",
        "{ proof: { iat: 1w }, expect: reject }",
        "{ proof: { mutate: [no-such-mutation] }, expect: reject }",
        "{ steps: [{ as: first }] }",
    ] {
        schema.refuses(&case(wrong));
    }
}

#[test]
fn the_schema_of_configs() {
    let schema = Schema::printed("config");
    let targets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("targets");
    let mut read = 0;
    for folder in fs::read_dir(targets).expect("a folder") {
        let path = folder.expect("an entry").path().join("dpop.yaml");
        let Ok(content) = fs::read_to_string(&path) else { continue };
        schema.accepts(text(&path), &yaml(&content).remove(0));
        read += 1;
    }
    assert!(read > 0);
    let right = yaml(&config(1, 2)).remove(0);
    schema.accepts("that of the tests", &right);
    schema.refuses(&with(&right, "", "targt", Value::Null));
    schema.refuses(&with(&right, "", "dpop", "one".into()));
    schema.refuses(&with(&right, "/target", "nam", "x".into()));
    schema.refuses(&with(&right, "/auth", "kind", "magic".into()));
    schema.refuses(&with(&right, "", "limits", serde_json::json!({ "rate": "20" })));
    schema.refuses(&with(&right, "", "limits", serde_json::json!({ "timeout": "5" })));
}

#[test]
fn the_schema_of_results() {
    let schema = Schema::printed("results");
    let Ended { stdout, .. } = run(["run", "--report", "json=-"]).with(0);
    let clean = json(&stdout);
    schema.accepts("a clean run", &clean);
    let Ended { stdout, .. } =
        run(["run", "rs.ath", "--defect", "ath-not-checked", "--report", "json=-"]).with(1);
    schema.accepts("a run with findings", &json(&stdout));
    schema.refuses(&with(&clean, "", "cases", Value::Null));
    schema.refuses(&with(&clean, "/cases/0", "verdict", "fine".into()));
    schema.refuses(&with(&clean, "/summary", "pass", "many".into()));
}

#[test]
fn how_much_is_said() {
    let lines = |arguments: &[&str]| {
        let Ended { stdout, .. } = run(["run", "rs.ath.missing"].iter().chain(arguments)).with(0);
        stdout
    };
    let quiet = lines(&["-q"]);
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    assert!(quiet.starts_with("1 case: 1 pass "), "{quiet}");
    let normal = lines(&[]);
    assert!(!normal.contains("rs.ath.missing"), "{normal}");
    let verbose = lines(&["-v"]);
    assert!(verbose.contains("rs.ath.missing") && !verbose.contains("> GET "), "{verbose}");
    let wire = lines(&["-vv"]);
    for said in ["control before", "step 1", "control after", "> GET ", "< HTTP/1.1 401", "dpop+jwt"] {
        assert!(wire.contains(said), "{said} is not in {wire}");
    }
    let authorization: Vec<_> = wire.lines().filter(|line| line.contains("Authorization: DPoP")).collect();
    assert_eq!(authorization.len(), 3, "{wire}");
    assert!(authorization.iter().all(|line| line.contains("[token sha256:")), "{authorization:?}");
    assert!(normal.len() < verbose.len() && verbose.len() < wire.len());
    assert!(run(["run", "-q", "-v"]).with(2).stderr.contains("cannot be used with"));
}

#[test]
fn colour() {
    let coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command =
            dpop(["run", "rs.ath.missing", "--defect", "ath-not-checked"].iter().chain(arguments));
        command.envs(variables.iter().copied());
        ended(&mut command).with(1).stdout.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "standard output is no terminal here");
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&[], &[("DPOP_COLOR", "always")]));
    assert!(!coloured(&["--color", "never"], &[("DPOP_COLOR", "always")]), "the flag wins");
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
    assert!(!coloured(&[], &[("NO_COLOR", "1"), ("TERM", "xterm-256color")]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]), "the flag wins");

    let Ended { stderr, .. } = run(["list", "--scenarios", "/nonexistent", "--color", "always"]).with(2);
    assert!(stderr.contains('\u{1b}'), "{stderr}");
    let Ended { stderr, .. } = run(["list", "--scenarios", "/nonexistent"]).with(2);
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
    // A report on standard output is for programs.
    let Ended { stdout, .. } = run(["run", "rs.ath", "--report", "json=-", "--color", "always"]).with(0);
    check_results(&json(&stdout));
}

#[test]
fn whoever_stops_reading_has_seen_enough() {
    for arguments in [
        &["list"][..],
        &["list", "--format", "json"],
        &["explain", "defects"],
        &["schema", "results"],
        &["--help"],
    ] {
        let mut child = dpop(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let code = code_within(&mut child, Duration::from_secs(30)).expect("an end");
        let mut stderr = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_exit_3() {
    let full = fs::File::options().write(true).open("/dev/full").expect("a device");
    let mut child = dpop(["list"]).stdout(full).stderr(Stdio::piped()).spawn().expect("the program starts");
    assert_eq!(code_within(&mut child, Duration::from_secs(30)), Some(Some(3)));
}

#[test]
fn the_environment_sets_what_no_flag_says() {
    let results = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = dpop(["run", "rs.ath.missing", "--report", "json=-"].iter().chain(arguments));
        command.envs(variables.iter().copied());
        json(&ended(&mut command).with(0).stdout)
    };
    assert_eq!(results(&[], &[])["seed"], 0);
    assert_eq!(results(&[], &[("DPOP_SEED", "7")])["seed"], 7);
    assert_eq!(results(&["--seed", "5"], &[("DPOP_SEED", "7")])["seed"], 5);
    assert_eq!(results(&[], &[("DPOP_PROFILE", "strict")])["profile"], "strict");
    assert_eq!(results(&["--profile", "rfc9449"], &[("DPOP_PROFILE", "strict")])["profile"], "rfc9449");
    results(&[], &[("DPOP_JOBS", "1"), ("DPOP_TIMEOUT", "2s"), ("DPOP_RATE", "500/s")]);

    for (variable, value) in
        [("DPOP_JOBS", "x"), ("DPOP_TIMEOUT", "5"), ("DPOP_RATE", "20"), ("DPOP_COLOR", "red")]
    {
        ended(dpop(["run", "rs.ath.missing"]).env(variable, value)).with(2);
    }
    let both = ended(dpop(["run", "--http1.1"]).env("DPOP_HTTP2", "1")).with(2);
    assert!(both.stderr.contains("--http1.1 and --http2 exclude each other"), "{}", both.stderr);
    let http = |arguments: &[&str], environment: &[(&str, &str)]| {
        results(arguments, environment)["facts"]["http2"].clone()
    };
    assert_eq!(http(&["--http1.1"], &[("DPOP_HTTP2", "false")]), Value::Null);
    assert_eq!(http(&[], &[("DPOP_HTTP1_1", "true")]), Value::Null);
    assert_eq!(http(&[], &[("DPOP_HTTP2", "1")]), true);
    let quiet = ended(dpop(["run", "rs.ath.missing"]).env("DPOP_QUIET", "1")).with(0);
    assert_eq!(quiet.stdout.lines().count(), 1, "{}", quiet.stdout);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("results.json");
    let to_file = format!("json={}", text(&report));
    ended(dpop(["run", "rs.ath.missing"]).env("DPOP_REPORT", to_file)).with(0);
    check_results(&json(&fs::read_to_string(report).expect("a report")));
}

#[test]
fn flag_then_environment_then_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    fs::write(&path, config(free_port(), free_port()) + "profile: strict\n").expect("written");
    // Nobody is there: what counts is how the run would have been made.
    let run_with = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = dpop(["run", "rs.ath.missing", "--report", "json=-"].iter().chain(arguments));
        command.envs(variables.iter().copied()).current_dir(folder.path());
        let results = json(&ended(&mut command).with(3).stdout);
        assert_eq!(results["target"]["name"], "staging");
        results["profile"].as_str().expect("text").to_owned()
    };
    // ./dpop.yaml is found without being named.
    assert_eq!(run_with(&[], &[]), "strict");
    assert_eq!(run_with(&["--config", text(&path)], &[]), "strict");
    assert_eq!(run_with(&[], &[("DPOP_PROFILE", "rfc9449")]), "rfc9449");
    assert_eq!(run_with(&["--profile", "strict"], &[("DPOP_PROFILE", "rfc9449")]), "strict");
    assert_eq!(run_with(&[], &[("DPOP_CONFIG", text(&path)), ("DPOP_SEED", "1")]), "strict");
    assert_eq!(run_with(&["--config", text(&path)], &[("DPOP_CONFIG", "/nonexistent")]), "strict");
}

#[test]
fn the_defects_that_can_be_served() {
    let Ended { stdout, stderr, .. } = run(["serve", "--list-defects"]).with(0);
    assert_eq!(stderr, "");
    let names: BTreeSet<_> = stdout.lines().collect();
    assert_eq!(names.len(), stdout.lines().count(), "each once");
    assert!(names.contains("ath-not-checked"));
    assert!(
        names
            .iter()
            .all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
    );

    let Ended { stdout, stderr, .. } = run(["serve", "--defect", "ath-not-cheked"]).with(2);
    assert_eq!(stdout, "");
    assert!(
        stderr.contains("`ath-not-cheked`") && stderr.contains("did you mean `ath-not-checked`?"),
        "{stderr}"
    );
    run(["serve", "--listen", "here"]).with(2);
    run(["serve", "--nonce", "sometimes"]).with(2);
}

#[cfg(unix)]
#[test]
fn a_served_server_answers_and_ends_on_ctrl_c() {
    let mut serving = Serving::start(&["--listen", "127.0.0.1:0", "--issuer-listen", "127.0.0.1:0"]);
    let said = &serving.announcement;
    let url = said.split_whitespace().find(|word| word.ends_with("/resource")).expect("its URL");
    let authority = url.trim_start_matches("http://").trim_end_matches("/resource");
    let mut stream = TcpStream::connect(authority).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    write!(stream, "GET /resource HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("www-authenticate: dpop"), "{answer}");

    let id = serving.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    assert_eq!(code_within(&mut serving.child, Duration::from_secs(10)), Some(Some(0)));
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let runs: Vec<_> =
        (0..2).map(|_| std::thread::spawn(|| run(["run", "--report", "json=-"]).with(0))).collect();
    let verdicts: Vec<Vec<(String, String)>> = runs
        .into_iter()
        .map(|thread| {
            let results = json(&thread.join().expect("a run").stdout);
            let of = |case: &Value| (case["id"].to_string(), case["verdict"].to_string());
            results["cases"].as_array().expect("a list").iter().map(of).collect()
        })
        .collect();
    assert_eq!(verdicts[0], verdicts[1]);
}
