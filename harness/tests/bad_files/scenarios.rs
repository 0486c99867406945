//! Scenario files that say what no scenario can mean.

use super::*;

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
