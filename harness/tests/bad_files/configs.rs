//! Configurations with wrong keys, types and values.

use super::*;

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
    let both = headers("{ X-A: { env: A, file: a } }");
    check_config(both, ((5, 19), "a secret value is `{ env: NAME }` or", None));
    check_config(headers("{ X-A: { env: 1A } }"), ((5, 19), "the name of a variable is", None));
    check_config(
        headers("{ X-A: { evn: A } }"),
        ((5, 21), "target.headers.X-A: unknown field `evn`", Some("env")),
    );
    check_config(
        headers("{ X-A: 7 }"),
        ((5, 19), "target.headers.X-A: invalid type: integer `7`, expected a text, or", None),
    );
    let plain = headers("{ X-A: { env: A } }\n  plain-http: http://127.0.0.1:8/r");
    check_config(plain, ((6, 15), "a request for this would send the secret of `X-A`", None));
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
