//! What happens to files that are wrong: exit code 2, nothing on standard output, and a message that names the line and
//! column, shows them, and guesses what was meant.

use std::fs;
use std::path::Path;

use crate::support::{Ended, run, text};
use dpop_harness::scenario::{load_embedded_and, read_dir};
use dpop_harness::target::Config;

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

#[test]
fn keys_and_types_of_scenarios() {
    let unknown = scenario("level: must", "levl: must");
    check_scenario(unknown, ((6, 1), "unknown field `levl`, expected one of `id`,", Some("level")));
    let unknown = case("{ expct: accept }");
    check_scenario(unknown, ((8, 10), "cases.one: unknown field `expct`", Some("expect")));
    let unknown = case("{ proof: { omitt: [ath] }, expect: reject }");
    check_scenario(unknown, ((8, 19), "cases.one.proof: unknown field `omitt`", Some("omit")));
    check_scenario(scenario("id:", "zzz:"), ((1, 1), "unknown field `zzz`", None));
    check_scenario(scenario("level: must\n", ""), ((1, 1), "missing field `level`", None));

    let wrong = scenario("level: must", "level: 5");
    check_scenario(wrong, ((6, 8), "level: invalid type: integer `5`, expected a word", None));
    let wrong = scenario("level: must", "level: mist");
    check_scenario(wrong, ((6, 8), "level: unknown variant `mist`", Some("must")));
    let wrong = scenario("spec: [9449-4.3-12a]", "spec: 9449-4.3-12a");
    check_scenario(wrong, ((4, 7), "spec: invalid type: string", None));
    let wrong = scenario("level: must", "level: must\ncwe: [12, x]");
    check_scenario(wrong, ((7, 11), "cwe[1]: invalid type: string \"x\", expected a whole number", None));
    let wrong = case("{ expect: acept }");
    check_scenario(wrong, ((8, 18), "cases.one.expect: unknown variant `acept`", Some("accept")));
    let wrong = case("{ proof: { iat: 1w }, expect: reject }");
    check_scenario(wrong, ((8, 24), "cases.one.proof.iat: invalid value: string \"1w\"", None));
    let wrong = case("{ proof: { claims: { x: .inf } }, expect: reject }");
    check_scenario(wrong, ((8, 32), "cases.one.proof.claims.x: invalid value: floating point `inf`", None));
    check_scenario("- rs.mine\n", ((1, 1), "invalid type: sequence, expected a mapping", None));
    check_scenario("rs.mine\n", ((1, 1), "invalid type: string \"rs.mine\", expected a mapping", None));
}

#[test]
fn duplicates_in_scenarios() {
    check_scenario(format!("{SCENARIO}id: rs.other\n"), ((9, 1), "duplicate key `id`", None));
    check_scenario(format!("{SCENARIO}\"id\": rs.other\n"), ((9, 1), "duplicate key `id`", None));
    check_scenario(format!("{SCENARIO}  one: {{ expect: reject }}\n"), ((9, 3), "duplicate key `one`", None));
    let twice = case("{ proof: { claims: { x: 1, x: 2 } }, expect: reject }");
    check_scenario(twice, ((8, 35), "duplicate key `x`", None));
    let twice = case("{ steps: [{ as: a, expect: accept }, { as: a, expect: accept }] }");
    check_scenario(twice, ((8, 47), "an earlier step is called `a`, too", None));
}

#[test]
fn an_id_that_stands_twice_names_both_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = folder.path().join("a.yaml");
    fs::write(&first, scenario("id: rs.mine", "# mine\nid: rs.mine")).expect("written");
    let second = folder.path().join("b.yaml");
    fs::write(&second, SCENARIO).expect("written");
    let ended = run(["list", "--scenarios", text(folder.path())]);
    let message = format!("the id `rs.mine` is taken by {}:2", first.display());
    check(ended, &second, SCENARIO.as_bytes(), ((1, 5), &message, None));

    let embedded = "the id `rs.ath` is taken by scenarios/resource-server/ath.yaml:2";
    check_scenario(scenario("rs.mine", "rs.ath"), ((1, 5), embedded, None));
}

#[test]
fn names_that_scenarios_refer_to() {
    let unknown = scenario("9449-4.3-12a", "9449-4.3-12z");
    check_scenario(unknown, ((4, 8), "unknown requirement `9449-4.3-12z`", Some("9449-4.3-12a")));
    let unknown = case("{ spec: [nonsense], expect: accept }");
    check_scenario(unknown, ((8, 17), "unknown requirement `nonsense`", None));
    let unknown = case("{ proof: { mutate: [twin-signatur] }, expect: reject }");
    check_scenario(unknown, ((8, 28), "unknown mutation `twin-signatur`", Some("twin-signature")));
    let unknown = case("{ proof: { omit: [aht] }, expect: reject }");
    check_scenario(unknown, ((8, 26), "unknown claim or header parameter `aht`", Some("ath")));
    let unknown = case("{ proof: { retype: { jit: array } }, expect: reject }");
    check_scenario(unknown, ((8, 29), "unknown claim or header parameter `jit`", Some("jti")));
    let unknown = case("{ steps: [{ as: first, expect: accept }, { resend: frist, expect: reject }] }");
    check_scenario(unknown, ((8, 59), "unknown earlier step `frist`", Some("first")));
    let unknown = case("{ proof: { jti: { of: first } }, expect: reject }");
    check_scenario(unknown, ((8, 30), "unknown earlier step `first`", None));
    let later = case("{ steps: [{ resend: first, expect: reject }, { as: first, expect: accept }] }");
    check_scenario(later, ((8, 28), "unknown earlier step `first`", None));
    let unknown = scenario("spec:", "pitfall: missing-at\nspec:");
    check_scenario(unknown, ((4, 10), "pitfall: unknown variant `missing-at`", Some("missing-ath")));
}

#[test]
fn scenarios_that_contradict_themselves() {
    let id = "an id is `rs.` and lower-case words";
    check_scenario(scenario("rs.mine", "rs.Mine"), ((1, 1), id, None));
    check_scenario(scenario("rs.mine", "mine"), ((1, 1), id, None));
    check_scenario(scenario("[9449-4.3-12a]", "[]"), ((4, 1), "a case cites at least one requirement", None));
    check_scenario(scenario("[resource]", "[]"), ((5, 1), "a scenario needs a place", None));
    let none = "a scenario needs at least one case";
    check_scenario(scenario("\n  one: { expect: accept }", " {}"), ((7, 1), none, None));
    check_scenario(scenario("  one: { expect: accept }\n", ""), ((7, 1), none, None));
    check_scenario(scenario("one:", "One:"), ((8, 3), "a case's name is a lower-case word", None));
    check_scenario(case("{}"), ((8, 3), "a case needs `expect`, `steps`", None));
    check_scenario(case("{ expect: accept, steps: [] }"), ((8, 3), "a case has only one of", None));
    check_scenario(case("{ steps: [] }"), ((8, 3), "a case needs at least one step", None));
    check_scenario(case("{ proof: { omit: [ath] } }"), ((8, 3), "a case with edits needs `expect`", None));
    let edited = case(
        "{ steps: [{ as: a, expect: accept }, { resend: a, token: { tamper: true }, expect: reject }] }",
    );
    check_scenario(edited, ((8, 45), "what is sent again can only be changed by", None));
    let versions = case(
        "{ steps: [{ request: { http: 1.1 }, expect: reject }, { request: { http: 2 }, expect: reject }] }",
    );
    check_scenario(versions, ((8, 3), "the steps that must be refused go over one version of HTTP", None));
    for steps in [
        "[{ expect: accept }, { request: { http: 2 }, expect: reject }]",
        "[{ expect: accept }, { after-lost-answer: true, expect: accept }]",
    ] {
        let kept = case(&format!("{{ client: {{ connection: kept }}, steps: {steps} }}"));
        check_scenario(kept, ((8, 3), "a connection that is kept has one version of HTTP", None));
    }
    check_scenario(
        case("{ request: { http: 3 }, expect: accept }"),
        ((8, 27), "cases.one.request.http: invalid value: integer `3`", None),
    );
}

#[test]
fn sending_and_waiting_that_contradict_themselves() {
    let copies = |copies: &str, expect: &str| {
        case(&format!("{{ send: {{ copies: {copies}, gate: last-byte }}, expect: {expect} }}"))
    };
    let exactly = "{ accepts: { exactly: 1 } }";
    for number in ["0", "1", "65"] {
        check_scenario(copies(number, exactly), ((8, 18), "2 to 64 copies", None));
    }
    for expect in ["accept", "reject", "any"] {
        check_scenario(copies("32", expect), ((8, 49), "of copies of one request, `expect: { accepts", None));
    }
    for number in [0, 32] {
        let expect = format!("{{ accepts: {{ exactly: {number} }} }}");
        check_scenario(copies("32", &expect), ((8, 49), "at least one of the copies, and not all", None));
    }
    check_scenario(case(&format!("{{ expect: {exactly} }}")), ((8, 10), "`accepts` counts copies", None));
    let fresh =
        case(&format!("{{ send: {{ copies: 8, gate: last-byte, each: fresh }}, expect: {exactly} }}"));
    check_scenario(fresh, ((8, 61), "of requests with a proof each, `expect: accept`", None));
    check_scenario(
        case("{ send: { copies: 8, gate: last-byte } }"),
        ((8, 3), "a case with edits needs", None),
    );
    let gate = case("{ send: { copies: 8, gate: first-byte }, expect: accept }");
    check_scenario(gate, ((8, 35), "cases.one.send.gate: unknown variant `first-byte`", Some("last-byte")));

    let trials = |trials: &str| {
        case(&format!("{{ send: {{ copies: 2, gate: last-byte }}, trials: {trials}, expect: {exactly} }}"))
    };
    check_scenario(trials("1"), ((8, 48), "2 to 20 trials", None));
    check_scenario(trials("21"), ((8, 48), "2 to 20 trials", None));
    check_scenario(case("{ trials: 2, expect: accept }"), ((8, 10), "only a case that sends copies", None));

    let remote = "`proof: { remote-key: … }` and `watch: calls` need each other";
    check_scenario(case("{ watch: calls, expect: answer }"), ((8, 3), remote, None));
    let url = "remote-key: { member: jku, in: header }";
    check_scenario(case(&format!("{{ proof: {{ {url} }}, expect: answer }}")), ((8, 3), remote, None));

    let steps = |second: &str| case(&format!("{{ steps: [{{ as: a, expect: accept }}, {{ {second} }}] }}"));
    let wait = steps("wait: 11m, expect: accept");
    check_scenario(wait, ((8, 10), "waits of 11m in all, and 10m are the most", None));
    let wait = steps("wait: 2, expect: accept");
    check_scenario(wait, ((8, 53), "cases.one.steps[1].wait: \"2\" is not a duration", None));
    let wait = steps("wait: 2w, expect: accept");
    check_scenario(wait, ((8, 53), "cases.one.steps[1].wait: \"2w\" is not a duration", None));
    let repeated = "only what is to be accepted, made anew each time, is repeated";
    check_scenario(steps("repeat: 1, expect: accept"), ((8, 47), "2 to 1000 requests", None));
    check_scenario(steps("repeat: 1001, expect: accept"), ((8, 47), "2 to 1000 requests", None));
    check_scenario(steps("repeat: 2, expect: reject"), ((8, 47), repeated, None));
    check_scenario(steps("repeat: 2, resend: a, expect: accept"), ((8, 47), repeated, None));
    check_scenario(
        steps("if-accepted: b, expect: any, as: c"),
        ((8, 60), "unknown earlier step `b`", Some("a")),
    );
    check_scenario(steps("expect: any"), ((8, 47), "a step of which any answer will do needs a name", None));
    let copy = steps("proof: { copy: { of: b, claims: [iat] } }, expect: accept");
    check_scenario(copy, ((8, 68), "unknown earlier step `b`", Some("a")));
    let copy = steps("proof: { copy: { of: a, claims: [] } }, expect: accept");
    check_scenario(copy, ((8, 71), "nothing is copied", None));
    let fresh = steps("resend: a, send: { copies: 2, gate: last-byte, each: fresh }, expect: accept");
    check_scenario(fresh, ((8, 94), "what is sent again is never fresh", None));
}

#[test]
fn connections_nodes_and_names_that_contradict_themselves() {
    let exactly = "{ accepts: { exactly: 1 } }";
    let one =
        case(&format!("{{ send: {{ copies: 2, gate: last-byte, connection: one }}, expect: {exactly} }}"));
    check_scenario(one, ((8, 46), "many at once over one connection need", None));
    let own = "request: { http: 2 }, send: { copies: 2, gate: last-byte }";
    let own = case(&format!("{{ {own}, expect: {exactly} }}"));
    check_scenario(own, ((8, 3), "over HTTP/2 many at once go with `connection: one`", None));
    let node = case("{ steps: [{ as: a, expect: accept }, { node: first, expect: accept }] }");
    check_scenario(node, ((8, 47), "only a case at `nodes` has two nodes", None));
    let lost = case("{ at: [nodes], after-lost-answer: true, expect: accept }");
    check_scenario(lost, ((8, 3), "a case at `nodes` is nowhere else", None));
    let jti = |edit: &str| case(&format!("{{ proof: {{ jti: {edit} }}, expect: accept }}"));
    check_scenario(jti("{}"), ((8, 19), "nothing is changed", None));
    check_scenario(jti("{ length: 8 }"), ((8, 26), "32 to 65536 characters", None));
    check_scenario(jti("{ of: b }"), ((8, 30), "unknown earlier step `b`", None));
}

#[test]
fn the_syntax_of_scenarios() {
    check_scenario(format!("{SCENARIO}\ttwo: {{}}\n"), ((9, 2), "not YAML: tabs disallowed", None));
    let open = format!("{SCENARIO}  two: {{ expect: accept\n");
    check_scenario(open, ((9, 24), "not YAML: while parsing a flow mapping", None));
    check_scenario(case("*nothing"), ((8, 8), "not YAML: while parsing node, found unknown anchor", None));
    check_scenario(case("{ ? [a] : b }"), ((8, 12), "cases.one: invalid type: sequence", None));
    check_scenario("", ((1, 1), "there is no scenario in this file", None));
    check_scenario("# nothing yet\n", ((1, 1), "there is no scenario in this file", None));
}

#[test]
fn lines_of_later_documents_are_those_of_the_file() {
    let second = |from: &str, to: &str| {
        format!("{SCENARIO}---\n{}", replaced(&SCENARIO.replace("rs.mine", "rs.second"), from, to))
    };
    check_scenario(second("level: must", "levl: must"), ((15, 1), "unknown field `levl`", Some("level")));
    check_scenario(second("level: must\n", ""), ((10, 1), "missing field `level`", None));
    check_scenario(second("must", "mist"), ((15, 8), "level: unknown variant `mist`", Some("must")));
    check_scenario(second("4.3-12a", "4.3-12z"), ((13, 8), "unknown requirement", Some("9449-4.3-12a")));
    check_scenario(second("one:", "One:"), ((17, 3), "a case's name is a lower-case word", None));
    check_scenario(second("level: must", "id: rs.x"), ((15, 1), "duplicate key `id`", None));
    check_scenario(
        second("level: must", "\tlevel: must"),
        ((15, 2), "not YAML: while parsing a block mapping", None),
    );
    let taken = |first: usize| format!("mine.yaml:{first}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.yaml");
    let content = format!("{SCENARIO}---\n{SCENARIO}");
    fs::write(&path, &content).expect("written");
    let ended = run(["list", "--scenarios", text(folder.path())]);
    assert!(ended.stderr.contains(&taken(1)), "{}", ended.stderr);
    check(ended, &path, content.as_bytes(), ((10, 5), "the id `rs.mine` is taken by", None));
}

#[test]
fn other_line_ends_and_letters_do_not_move_the_place() {
    let crlf = |text: String| text.replace('\n', "\r\n");
    check_scenario(crlf(case("{ expct: accept }")), ((8, 10), "cases.one: unknown field", Some("expect")));
    let second =
        format!("{SCENARIO}---\n{}", scenario("9449-4.3-12a", "9449-4.3-12z").replace("rs.mine", "rs.b"));
    check_scenario(crlf(second), ((13, 8), "unknown requirement", Some("9449-4.3-12a")));

    // The column counts characters, not bytes and not UTF-16 units.
    let shape = case("{ title: \"é日本𝄞\", expct: accept }");
    check_scenario(shape, ((8, 25), "cases.one: unknown field", Some("expect")));
    let name = case("{ title: \"é日本𝄞\", proof: { mutate: [twin-signatur] }, expect: reject }");
    check_scenario(name, ((8, 43), "unknown mutation", Some("twin-signature")));
    let duplicate = case("{ title: \"é日本𝄞\", title: x, expect: accept }");
    check_scenario(duplicate, ((8, 25), "duplicate key `title`", None));
    let syntax = case("{ title: \"é日本𝄞\", expect: *no }");
    check_scenario(syntax, ((8, 33), "not YAML", None));

    let marked = format!("\u{feff}{}", scenario("level: must", "levl: must"));
    check_scenario(marked, ((6, 1), "unknown field `levl`", Some("level")));
    check_scenario(
        format!("\u{feff}{}", scenario("id:", "idd:")),
        ((1, 1), "unknown field `idd`", Some("id")),
    );
}

#[test]
fn excess() {
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for pair in ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"] {
        let (from, to) = pair.split_at(1);
        bomb += &format!("{to}: &{to} [{}]\n", vec![format!("*{from}"); 9].join(","));
    }
    check_scenario(&bomb, ((9, 11), "more than 64 aliases", None));
    check_config(&bomb, ((9, 11), "more than 64 aliases", None));
    // As many aliases as are allowed, where any value may stand: 9^7 strings.
    let mut bomb = scenario(
        "{ expect: accept }",
        "\n    expect: reject\n    proof:\n      claims:\n        a: &a [x,x,x,x,x,x,x,x,x]",
    );
    for pair in ["ab", "bc", "cd", "de", "ef", "fg"] {
        let (from, to) = pair.split_at(1);
        bomb += &format!("        {to}: &{to} [{}]\n", vec![format!("*{from}"); 9].join(","));
    }
    check_scenario(bomb, ((1, 1), "repetition limit exceeded", None));

    check_scenario(format!("a: {}", "[".repeat(200)), ((1, 35), "nested more than 32 levels deep", None));
    let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    check_scenario(deep, ((1, 259), "not YAML: recursion limit exceeded", None));
    let block: String = (0..40).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    check_config(block, ((33, 33), "nested more than 32 levels deep", None));

    let large = "x".repeat(10_000_000);
    check_scenario(&large, ((1, 1), "the file is larger than 1048576 bytes", None));
    check_config(&large, ((1, 1), "the file is larger than 1048576 bytes", None));
}

#[test]
fn other_encodings() {
    let latin_1 = b"id: rs.mine\ntitle: \"caf\xe9\"\n";
    check_scenario(latin_1, ((2, 12), "the file is not UTF-8", None));
    check_config(b"dpop: 1\r\ntarget: {\xc3\xa9\xff", ((2, 11), "the file is not UTF-8", None));
    let utf_16: Vec<u8> = "\u{feff}dpop: 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check_config(utf_16, ((1, 1), "the file is not UTF-8", None));
}

#[test]
fn keys_and_types_of_configs() {
    check_config(config("target:", "targt:"), ((2, 1), "unknown field `targt`", Some("target")));
    check_config(config("  name:", "  nam:"), ((3, 3), "target: unknown field `nam`", Some("name")));
    check_config(config("dpop: 1\n", ""), ((1, 1), "missing field `dpop`", None));
    check_config(config("  name: staging\n", ""), ((3, 3), "target: missing field `name`", None));
    check_config(config("dpop: 1", "dpop: one"), ((1, 7), "dpop: invalid type: string \"one\"", None));
    check_config(config("dpop: 1", "dpop: 2"), ((1, 7), "version 2 of the format is not known", None));
    check_config(config("dpop: 1", "dpop: 1\ndpop: 1"), ((2, 1), "duplicate key `dpop`", None));
    check_config("dpop\n", ((1, 1), "invalid type: string \"dpop\", expected a mapping", None));
    check_config(format!("{CONFIG}profile: strct\n"), ((11, 10), "profile: unknown variant", Some("strict")));
    check_config(format!("{CONFIG}profile: fapi9\n"), ((11, 10), "profile: unknown variant", Some("fapi2")));
    check_config(format!("{CONFIG}---\n{CONFIG}"), ((1, 1), "expected one YAML document, found 2", None));
    check_config("", ((1, 1), "expected one YAML document, found 0", None));
    check_config(config("  kind", "\tkind"), ((6, 2), "not YAML: tabs disallowed", None));
    let nonce = format!("{CONFIG}capabilities: {{ nonce: require }}\n");
    check_config(nonce, ((11, 24), "capabilities.nonce: unknown variant `require`", Some("required")));
    let algs = format!("{CONFIG}capabilities: {{ algs: [HS256] }}\n");
    check_config(algs, ((11, 23), "none of these can be tested", None));
}

#[test]
fn the_values_of_configs() {
    let resource = |to: &str| config("GET http://127.0.0.1:9/r", to);
    check_config(resource("http://127.0.0.1:9/r"), ((4, 13), "a method and a URL, such as", None));
    check_config(
        resource("GET htp://127.0.0.1/r"),
        ((4, 13), "`htp://127.0.0.1/r`: not an http or https", None),
    );
    check_config(
        resource("GET http://127.0.0.1:99999/"),
        ((4, 13), "`http://127.0.0.1:99999/`: not a port", None),
    );
    check_config(resource("GET http:///r"), ((4, 13), "`http:///r`: no host", None));
    check_config(resource("G@T http://127.0.0.1/"), ((4, 13), "`G@T` is not a method", None));
    check_config(resource("GET http://127.0.0.1/r#x"), ((4, 13), "a request has no `#fragment`", None));
    check_config(resource("GET http://u:p@127.0.0.1/"), ((4, 13), "user and password", None));
    check_config(config("staging", "../x"), ((3, 9), "a name is letters, digits", None));
    let origin = |origin: &str| config("9/r", &format!("9/r\n  origin: {origin}"));
    check_config(origin("x"), ((5, 11), "`x`: not an http or https URI", None));
    check_config(origin("https://app.test/page"), ((5, 11), "an origin is a scheme", None));
    check_config(config("9/r", "9/r\n  htu-base: x"), ((5, 13), "`x`: not an http or https URI", None));
    let headers = |headers: &str| config("9/r", &format!("9/r\n  headers: {headers}"));
    check_config(headers("{ X Y: a }"), ((5, 19), "`X Y` is not the name of a header field", None));
    check_config(headers("{ dpop: a }"), ((5, 20), "`dpop` is not for `headers` to say", None));
    check_config(headers("{ X-A: a, x-a: b }"), ((5, 27), "`x-a` stands here already", None));
    check_config(headers("{ X-A: \"a\\nb\" }"), ((5, 19), "a value is one line", None));
    check_config(headers("[Accept]"), ((5, 12), "target.headers: invalid type: sequence", None));
    let success = |success: &str| config("9/r", &format!("9/r\n  success: {success}"));
    check_config(success("[200, 401]"), ((5, 18), "401 is no status of success", None));
    check_config(success("[2xx]"), ((5, 13), "target.success[0]: invalid type: string", None));
    check_config(success("[]"), ((5, 12), "at least one code is needed", None));
    check_config(success("200"), ((5, 12), "target.success: invalid type: integer", None));
    check_config(
        config("timeout: 1s", "timeout: 1d"),
        ((10, 32), "limits.timeout: \"1d\" is not a duration", None),
    );
    check_config(
        config("timeout: 1s", "timeout: 5"),
        ((10, 32), "limits.timeout: \"5\" is not a duration", None),
    );
    check_config(config("rate: 20/s", "rate: 20"), ((10, 17), "limits.rate: \"20\" is not a rate", None));
    check_config(config("rate: 20/s", "rate: 0/s"), ((10, 17), "limits.rate: \"0/s\" is not a rate", None));
    let list = config("rate: 20/s", "rate: [20]");
    check_config(list, ((10, 17), "limits.rate: invalid type: sequence, expected a rate such as", None));
    let jobs = config("rate: 20/s", "jobs: -1");
    check_config(
        jobs,
        ((10, 17), "limits.jobs: invalid type: integer `-1`, expected a whole number above 0", None),
    );
}

#[test]
fn the_places_of_configs() {
    let beside = |rows: &str| config("9/r", &format!("9/r\n  {rows}"));
    let resources = |row: &str| beside(&format!("resources:\n    - {row}"));
    check_config(
        resources("{ reqest: GET http://127.0.0.1:9/s }"),
        ((6, 9), "target.resources[0]", Some("request")),
    );
    check_config(
        resources("{ request: http://127.0.0.1:9/s }"),
        ((6, 18), "a method and a URL, such as", None),
    );
    check_config(resources("{ request: GET http://127.0.0.1:8/s }"), ((6, 18), "another origin than", None));
    check_config(resources("{ request: GET https://127.0.0.1:9/s }"), ((6, 18), "another origin than", None));
    let same = "this method and path stand in the config already";
    check_config(resources("{ request: GET http://127.0.0.1:9/r?a=1 }"), ((6, 18), same, None));
    check_config(
        resources("{ request: GET http://127.0.0.1:9/s, class: finance }"),
        ((6, 51), "target.resources[0].class: unknown variant `finance`", Some("financial")),
    );
    check_config(
        resources("{ request: GET http://127.0.0.1:9/s, nonce: yes }"),
        ((6, 51), "target.resources[0].nonce: unknown variant `yes`", None),
    );
    check_config(beside("resources: GET"), ((5, 14), "target.resources: invalid type: string", None));
    check_config(beside("forbidden: GET"), ((5, 14), "a method and a URL, such as", None));
    check_config(beside("forbidden: GET http://127.0.0.1:9/r"), ((5, 14), same, None));
    check_config(
        beside("forbidden: 1"),
        ((5, 14), "target.forbidden: invalid type: integer `1`, expected a request", None),
    );
    check_config(
        beside("forbidden: [{ request: GET http://127.0.0.1:9/s, lacks: scopes }]"),
        ((5, 59), "target.forbidden[0].lacks: unknown variant `scopes`", Some("scope")),
    );
    let twice = "{ request: GET http://127.0.0.1:9/s }, { request: GET http://127.0.0.1:9/s }";
    check_config(beside(&format!("forbidden: [{twice}]")), ((5, 65), same, None));
}

#[test]
fn observe_in_configs() {
    let observe = |row: &str| format!("{CONFIG}observe: {row}\n");
    let either = "either `metrics` and `counter`, or `log` and `pattern`";
    check_config(observe("{}"), ((11, 10), either, None));
    check_config(observe("{ metrics: http://127.0.0.1/m, pattern: x }"), ((11, 10), either, None));
    let both = observe("{ metrics: http://127.0.0.1/m, counter: x, log: l, pattern: x }");
    check_config(both, ((11, 10), either, None));
    let metrics = observe("{ metrics: http://127.0.0.1/m }");
    check_config(metrics, ((11, 10), "`metrics` needs `counter`", None));
    check_config(observe("{ log: server.log }"), ((11, 10), "`log` needs `pattern`", None));
    let everything = observe("{ log: server.log, pattern: \"\" }");
    check_config(everything, ((11, 38), "every line has that", None));
    let url = observe("{ metrics: /metrics, counter: x }");
    check_config(url, ((11, 21), "`/metrics`: not an http or https URI", None));
    let labels = observe("{ metrics: http://127.0.0.1/m, counter: \"x{a=1}\" }");
    check_config(labels, ((11, 50), "the name of a counter, without labels", None));
    check_config(observe("{ metric: x }"), ((11, 12), "observe: unknown field `metric`", Some("metrics")));
}

#[test]
fn plain_http_in_configs() {
    let plain = |url: &str| config("9/r", &format!("9/r\n  plain-http: {url}"));
    check_config(plain("127.0.0.1/r"), ((5, 15), "`127.0.0.1/r`: not an http or https URI", None));
    check_config(plain("https://127.0.0.1/r"), ((5, 15), "this is the URL without TLS", None));
    check_config(plain("http://127.0.0.1:9/r"), ((5, 15), "this is `target.resource` itself", None));
    check_config(plain("http://u@127.0.0.1/r"), ((5, 15), "user and password", None));
}

#[test]
fn nodes_in_configs() {
    let nodes = |nodes: &str| config("9/r", &format!("9/r\n  nodes: {nodes}"));
    check_config(
        nodes("{ a: \"10.0.0.5:1\" }"),
        ((5, 10), "one node has nobody to share anything with", None),
    );
    check_config(
        nodes("{ a: \"10.0.0.5\", b: \"10.0.0.6:1\" }"),
        ((5, 15), "`10.0.0.5`: an address and a port", None),
    );
}

#[test]
fn the_auth_of_configs() {
    check_config(config("embedded", "embeded"), ((6, 9), "auth.kind: unknown variant", Some("embedded")));
    check_config(config("embedded", "magic"), ((6, 9), "auth.kind: unknown variant `magic`", None));
    let without = config("  listen: 127.0.0.1:0\n", "");
    check_config(without, ((6, 9), "`kind: embedded` needs `listen`", None));
    let without = config("  audience: a\n", "");
    check_config(without, ((6, 9), "`kind: embedded` needs `audience`", None));
    let everywhere = config("listen: 127.0.0.1:0", "listen: 0.0.0.0:9400");
    check_config(everywhere, ((7, 11), "the issuer gives tokens to everybody", None));
    let name = config("listen: 127.0.0.1:0", "listen: localhost:9400");
    check_config(name, ((7, 11), "auth.listen: invalid socket address", None));
    let issuer = config("issuer: http://127.0.0.1:9400", "issuer: me");
    check_config(issuer, ((8, 11), "`me`: not an http or https URI", None));
    let both = config("audience: a", "audience: a\n  command: [x]");
    check_config(both, ((10, 12), "`command` belongs to `kind: command`", None));
    let own = config("audience: a", "audience: a\n  claims: { webid: x, cnf: {} }");
    check_config(own, ((10, 28), "`cnf` is not for `claims` to say", None));
    let half = config("audience: a", "audience: a\n  certificate-file: x");
    check_config(half, ((10, 21), "`certificate-file` needs `private-key-file`", None));
    let half = config("audience: a", "audience: a\n  private-key-file: x");
    check_config(half, ((10, 21), "`private-key-file` needs `certificate-file`", None));
    let plain = config("audience: a", "audience: a\n  certificate-file: x\n  private-key-file: y");
    check_config(plain, ((8, 11), "`http://127.0.0.1:9400` is not under https", None));
    let both = config("embedded", "command");
    check_config(both, ((7, 11), "`listen` belongs to `kind: embedded`", None));
    let both = config("audience: a", "audience: a\n  token-file: x");
    check_config(both, ((10, 15), "`token-file` belongs to `kind: static`", None));
    let empty = "dpop: 1\ntarget: { name: x, resource: GET http://127.0.0.1/ }\nauth: { kind: command, command: [] }\n";
    check_config(empty, ((3, 15), "`kind: command` needs `command: [program", None));
}

#[test]
fn the_static_auth_of_configs() {
    let with = |auth: &str| {
        let target = "target: { name: x, resource: GET http://127.0.0.1/ }";
        format!("dpop: 1\n{target}\nauth:\n  kind: static\n{auth}")
    };
    let needs = |what: &str| format!("a client of `kind: static` needs `{what}-file` or `{what}-env`");
    check_config(with(""), ((4, 9), &needs("token"), None));
    check_config(with("  token-env: T\n"), ((4, 9), &needs("jwk"), None));
    check_config(with("  jwk-file: j\n"), ((4, 9), &needs("token"), None));
    check_config(with("  tokn-file: j\n"), ((5, 3), "auth: unknown field `tokn-file`", Some("token-file")));
    check_config(with("  token: secret\n"), ((5, 3), "auth: unknown field `token`", None));
    let both = with("  token-file: t\n  token-env: T\n  jwk-file: j\n");
    check_config(both, ((6, 14), "either `token-file` or `token-env`, not both", None));
    let listen = with("  token-file: t\n  jwk-file: j\n  listen: 127.0.0.1:0\n");
    check_config(listen, ((7, 11), "`listen` belongs to `kind: embedded`", None));
    let scope = with("  token-file: t\n  jwk-file: j\n  scope: read\n");
    check_config(
        scope,
        ((7, 10), "`scope` belongs to `kind: embedded`, `kind: command` or `kind: client-credentials`", None),
    );
    check_config(with("  clients: []\n"), ((5, 12), "at least one client is needed", None));
    let both = with("  token-file: t\n  clients: [{ token-file: t, jwk-file: j }]\n");
    check_config(both, ((6, 12), "either one client in `auth` itself", None));
    let second = with("  clients:\n    - { token-file: t, jwk-file: j }\n    - { token-file: t }\n");
    check_config(second, ((7, 7), &needs("jwk"), None));
}

/// What is not there or not a file has a name, and no text to show.
#[test]
fn files_that_can_not_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing");
    let expected = ((1, 1), "can't read the file: ", None);
    check(run(["run", "--config", text(&missing)]), &missing, b"", expected);
    check(run(["run", "--config", text(folder.path())]), folder.path(), b"", expected);
    check(run(["list", "--scenarios", text(&missing)]), &missing, b"", expected);
    let empty = ((1, 1), "there is no *.yaml file below this folder", None);
    check(run(["list", "--scenarios", text(folder.path())]), folder.path(), b"", empty);

    let file = folder.path().join("file.yaml");
    fs::write(&file, SCENARIO).expect("written");
    check(run(["list", "--scenarios", text(&file)]), &file, b"", expected);
}

#[cfg(unix)]
#[test]
fn an_endless_file_is_too_large() {
    let path = Path::new("/dev/zero");
    check(run(["run", "--config", "/dev/zero"]), path, b"", ((1, 1), "the file is larger than", None));

    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("dangling.yaml");
    std::os::unix::fs::symlink("/nonexistent", &link).expect("a link");
    let ended = run(["list", "--scenarios", text(folder.path())]);
    check(ended, &link, b"", ((1, 1), "can't read the file: ", None));
}
