//! The ways to put nginx in front of a server that are tried, well and badly, and what must come of each.

use crate::targets::results::Verdict;

/// The name of the host in front.
pub(super) const HOST: &str = "api.example.test";
/// What the proxy takes away from the path.
pub(super) const PREFIX: &str = "/api";
/// What a server behind it has to be told.
const PUBLIC: &str = "https://api.example.test/api";

/// A proxy and a server, and what must come of it.
pub(super) struct Deployment {
    pub(super) name: &'static str,
    /// What the server is told that its URL is; nothing where it goes by the address at which it listens.
    pub(super) public_url: Option<&'static str>,
    /// More arguments of `dpop serve`.
    pub(super) serve: &'static [&'static str],
    /// What the server believes that it should not, by the name of a planted bug.
    pub(super) defect: Option<&'static str>,
    /// Directives beside the server blocks.
    pub(super) http: &'static str,
    /// Directives for what is handed on to `{upstream}`.
    pub(super) location: &'static str,
    /// What becomes of requests for other names; without it they are taken for ours.
    pub(super) strangers: Option<&'static str>,
    /// More arguments of `dpop run`.
    pub(super) run: &'static [&'static str],
    pub(super) expected: Expected,
}

/// What must come of it.
pub(super) enum Expected {
    /// What comes of the same server without a proxy, except for these findings.
    Like(&'static [(&'static str, Verdict)]),
    /// It can't be judged: one finding that says this, and the exit code of `dpop doctor`.
    Trouble { code: i32, says: &'static [&'static str] },
    /// It goes away while it is judged: one finding that says this.
    Lost { event: Event, says: &'static str },
}

/// What happens after a hundred requests.
#[derive(Clone, Copy)]
pub(super) enum Event {
    /// Nothing that the configuration does not say.
    Nothing,
    /// The server ends.
    ServerEnds,
    /// The server hangs.
    ServerHangs,
    /// The proxy ends.
    ProxyEnds,
}

/// As it should be; all others differ from it.
const WELL: Deployment = Deployment {
    name: "",
    public_url: Some(PUBLIC),
    serve: &[],
    defect: None,
    http: "",
    location: "proxy_pass http://{upstream}/;",
    strangers: None,
    run: &[],
    expected: Expected::Like(&[]),
};

/// What a proxy can have to do with.
const ABOUT_URLS: &[&str] = &["rs.forwarded", "rs.htu", "rs.accept", "rs.resources"];

pub(super) const DEPLOYMENTS: &[Deployment] = &[
    Deployment { name: "well", ..WELL },
    Deployment { name: "well-over-http2", run: &["--http2"], ..WELL },
    Deployment { name: "well-with-nonces", serve: &["--nonce", "required"], ..WELL },
    Deployment {
        name: "well-with-kept-connections",
        serve: &["--nonce", "optional"],
        http: "upstream kept { server {upstream}; keepalive 8; }",
        location: "proxy_pass http://kept/; proxy_http_version 1.1; proxy_set_header Connection '';",
        ..WELL
    },
    Deployment {
        name: "strangers-refused",
        defect: Some("host-trusted"),
        location: "proxy_pass http://{upstream}/; proxy_set_header Host $http_host;",
        strangers: Some("return 421;"),
        run: ABOUT_URLS,
        ..WELL
    },
    Deployment {
        name: "strangers-cut-off",
        defect: Some("host-trusted"),
        location: "proxy_pass http://{upstream}/; proxy_set_header Host $http_host;",
        strangers: Some("return 444;"),
        run: ABOUT_URLS,
        ..WELL
    },
    Deployment {
        name: "host-passed-on",
        defect: Some("host-trusted"),
        location: "proxy_pass http://{upstream}/; proxy_set_header Host $http_host;",
        run: ABOUT_URLS,
        expected: Expected::Like(&[("rs.forwarded.host", Verdict::Note)]),
        ..WELL
    },
    // A server that believes X-Forwarded-Host and is told nothing else of its host.
    Deployment {
        name: "x-forwarded-host-set",
        public_url: Some("https://backend.internal.test/api"),
        defect: Some("forwarded-host-trusted"),
        location: "proxy_pass http://{upstream}/; proxy_set_header X-Forwarded-Host $server_name;",
        run: ABOUT_URLS,
        ..WELL
    },
    Deployment {
        name: "x-forwarded-host-from-host",
        public_url: Some("https://backend.internal.test/api"),
        defect: Some("forwarded-host-trusted"),
        location: "proxy_pass http://{upstream}/; proxy_set_header X-Forwarded-Host $http_host;",
        run: ABOUT_URLS,
        expected: Expected::Like(&[("rs.forwarded.host", Verdict::Note)]),
        ..WELL
    },
    Deployment {
        name: "x-forwarded-host-passed-on",
        defect: Some("forwarded-host-trusted"),
        run: ABOUT_URLS,
        expected: Expected::Like(&[("rs.forwarded.x-forwarded-host", Verdict::Warn)]),
        ..WELL
    },
    Deployment {
        name: "x-forwarded-proto-set",
        defect: Some("forwarded-proto-trusted"),
        location: "proxy_pass http://{upstream}/; proxy_set_header X-Forwarded-Proto $scheme;",
        run: ABOUT_URLS,
        ..WELL
    },
    Deployment {
        name: "x-forwarded-proto-passed-on",
        defect: Some("forwarded-proto-trusted"),
        run: ABOUT_URLS,
        expected: Expected::Like(&[("rs.forwarded.x-forwarded-proto", Verdict::Warn)]),
        ..WELL
    },
    Deployment {
        name: "x-forwarded-port-set",
        defect: Some("forwarded-port-trusted"),
        location: "proxy_pass http://{upstream}/; proxy_set_header X-Forwarded-Port 443;",
        run: ABOUT_URLS,
        ..WELL
    },
    Deployment {
        name: "x-forwarded-port-passed-on",
        defect: Some("forwarded-port-trusted"),
        run: ABOUT_URLS,
        expected: Expected::Like(&[("rs.forwarded.x-forwarded-port", Verdict::Warn)]),
        ..WELL
    },
    Deployment {
        name: "forwarded-set",
        defect: Some("forwarded-field-trusted"),
        location: "proxy_pass http://{upstream}/; proxy_set_header Forwarded 'host=\"api.example.test\";proto=https';",
        run: ABOUT_URLS,
        ..WELL
    },
    Deployment {
        name: "forwarded-passed-on",
        defect: Some("forwarded-field-trusted"),
        run: ABOUT_URLS,
        expected: Expected::Like(&[("rs.forwarded.forwarded", Verdict::Warn)]),
        ..WELL
    },
    Deployment {
        name: "server-told-nothing",
        public_url: None,
        expected: Expected::Trouble {
            code: 1,
            says: &["server: it takes proofs for http://127.0.0.1:", "must be told its public URL"],
        },
        ..WELL
    },
    Deployment {
        name: "prefix-unknown",
        public_url: Some("https://api.example.test"),
        expected: Expected::Trouble {
            code: 1,
            says: &[
                "server: it takes proofs for https://api.example.test/resource and",
                "none for https://api.example.test/api/resource",
            ],
        },
        ..WELL
    },
    Deployment {
        name: "https-unknown",
        public_url: Some("http://api.example.test/api"),
        expected: Expected::Trouble {
            code: 1,
            says: &[
                "server: it takes proofs for http://api.example.test/api/resource",
                "(https, or X-Forwarded-Proto)",
            ],
        },
        ..WELL
    },
    Deployment {
        name: "https-and-prefix-unknown",
        public_url: Some("http://api.example.test"),
        serve: &["--nonce", "required"],
        expected: Expected::Trouble {
            code: 1,
            says: &[
                "server: it takes proofs for http://api.example.test/resource",
                "none for https://api.example.test/api/resource",
            ],
        },
        ..WELL
    },
    Deployment {
        name: "x-forwarded-port-of-the-proxy",
        defect: Some("forwarded-port-trusted"),
        location: "proxy_pass http://{upstream}/; proxy_set_header X-Forwarded-Port $server_port;",
        expected: Expected::Trouble {
            code: 2,
            says: &[
                "configuration (target.htu-base): it refuses a correct proof",
                "must be told its public URL",
            ],
        },
        ..WELL
    },
    Deployment {
        name: "prefix-not-taken-away",
        location: "proxy_pass http://{upstream};",
        expected: Expected::Trouble {
            code: 2,
            says: &["configuration (target.resource): is that the right"],
        },
        ..WELL
    },
    Deployment {
        name: "proof-taken-away",
        location: "proxy_pass http://{upstream}/; proxy_set_header DPoP '';",
        expected: Expected::Trouble { code: 2, says: &["it refuses a correct proof"] },
        ..WELL
    },
    Deployment {
        name: "nothing-behind",
        location: "proxy_pass http://127.0.0.1:1/;",
        expected: Expected::Trouble {
            code: 3,
            says: &["environment: what stands in front of the server gets no answer"],
        },
        ..WELL
    },
    Deployment {
        name: "server-ends",
        expected: Expected::Lost { event: Event::ServerEnds, says: "gets no answer from it" },
        ..WELL
    },
    Deployment {
        name: "server-hangs",
        location: "proxy_pass http://{upstream}/; proxy_read_timeout 1s;",
        expected: Expected::Lost { event: Event::ServerHangs, says: "gets no answer from it" },
        ..WELL
    },
    Deployment {
        name: "proxy-ends",
        expected: Expected::Lost { event: Event::ProxyEnds, says: "does not answer any more" },
        ..WELL
    },
    Deployment {
        name: "a-hundred-requests",
        http: "limit_req_zone $server_name zone=few:1m rate=1r/m;",
        location: "proxy_pass http://{upstream}/; limit_req zone=few burst=99 nodelay; limit_req_status 429;",
        expected: Expected::Lost { event: Event::Nothing, says: "configuration (limits.rate)" },
        ..WELL
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        let mut names: Vec<&str> = DEPLOYMENTS.iter().map(|it| it.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DEPLOYMENTS.len());
    }
}
