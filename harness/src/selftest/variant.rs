use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::jose::{Alg, AlgSet};
use crate::judge::Verdict;
use crate::proof::{HttpChoice, HttpVersion};
use crate::reference::{DefectSet, NonceMode, Options, Running};
use crate::spec::Profile;
use crate::suite::{Outcome, Setup, against_reference_with};
use crate::target::Limits;

/// A way to set up the reference server and its clients.
#[derive(Debug, Clone)]
pub struct Variant {
    /// What tests and reports call it.
    pub name: Cow<'static, str>,
    /// What the server does with nonces.
    pub nonce: NonceMode,
    /// What the issuer signs tokens with.
    pub token_alg: Alg,
    /// The URL by which clients know the resource.
    pub public_url: Option<&'static str>,
    /// The scenarios that it is for: all, or those whose ids begin so.
    pub scenarios: &'static str,
    /// Whether the server remembers proofs.
    pub replay: bool,
    /// Whether unbound tokens are still served.
    pub unbound_bearer: bool,
    /// Whether the server publishes metadata.
    pub publishes: bool,
    /// The only algorithm of proofs that the server accepts, and says so; otherwise it accepts all.
    pub only: Option<Alg>,
    /// The versions of HTTP that requests go over.
    pub http: HttpChoice,
    /// The profile that the server is set up for, and judged by.
    pub profile: Profile,
    /// What the reason of a case that may be skipped here speaks of.
    pub may_lack: &'static [&'static str],
}

/// Every policy about nonces, with its name.
pub const NONCES: [(&str, NonceMode); 3] = [
    ("nonce-never", NonceMode::Never),
    ("nonce-optional", NonceMode::Optional),
    ("nonce-required", NonceMode::Required),
];

impl Variant {
    /// The plain server with this policy about nonces.
    pub const fn new(name: &'static str, nonce: NonceMode) -> Self {
        Self {
            name: Cow::Borrowed(name),
            nonce,
            token_alg: Alg::Es256,
            public_url: None,
            scenarios: "",
            replay: true,
            unbound_bearer: false,
            publishes: true,
            only: None,
            http: HttpChoice::Both,
            profile: Profile::Strict,
            may_lack: &["nonce", "not for this URL", "target.bearer", "several schemes"],
        }
    }

    /// Every way to run the clean server that the whole suite must find clean: with nonces and without, with a replay
    /// store and without, and two kinds of tokens.
    pub fn whole() -> impl Iterator<Item = Self> {
        NONCES.into_iter().flat_map(|(name, nonce)| {
            [(true, "replay-store"), (false, "no-replay-store")].into_iter().flat_map(
                move |(replay, store)| {
                    [Alg::Es256, Alg::Rs256].map(|token_alg| Self {
                        name: format!("{name}/{store}/{}", token_alg.name()).into(),
                        replay,
                        token_alg,
                        // Who demands a memory of proofs does not take it for an answer that there is none.
                        profile: if replay { Profile::Strict } else { Profile::Rfc9449 },
                        may_lack: &[
                            "nonce",
                            "not for this URL",
                            "target.bearer",
                            "several schemes",
                            "single-use-jti",
                        ],
                        ..Self::new(name, nonce)
                    })
                },
            )
        })
    }

    /// The clean server set up as each profile demands, and judged by that profile.
    pub fn of_profiles() -> impl Iterator<Item = Self> {
        Profile::ALL.iter().map(|profile| {
            let nonce = if *profile == Profile::Atproto { NonceMode::Required } else { NonceMode::Optional };
            Self {
                name: format!("profile-{}", profile.name()).into(),
                profile: *profile,
                may_lack: &[
                    "nonce",
                    "not for this URL",
                    "target.bearer",
                    "does not say that it accepts",
                    "no refusal offered several schemes",
                ],
                ..Self::new("", nonce)
            }
        })
    }

    /// Ways to run the clean server in which single cases have something else to show.
    pub fn special() -> [Self; 6] {
        [
            Self {
                unbound_bearer: true,
                may_lack: &["nonce", "not for this URL", "target.bearer", "its metadata do not say"],
                ..Self::new("migrating", NonceMode::Never)
            },
            Self {
                publishes: false,
                scenarios: "rs.metadata",
                may_lack: &["publishes no metadata (RFC 9728)", "no challenge names metadata"],
                ..Self::new("no-metadata", NonceMode::Never)
            },
            Self {
                only: Some(Alg::EdDsa),
                may_lack: &[
                    "several schemes",
                    "is for ES256 keys",
                    "does not say that it accepts",
                    "not for this URL",
                    "target.bearer",
                ],
                ..Self::new("eddsa-only", NonceMode::Required)
            },
            // Behind a proxy that ends TLS: every spelling of a URL has something to show at one of these.
            Self {
                public_url: Some("https://rs.example/tree/caf%C3%A9"),
                scenarios: "rs.htu",
                may_lack: &[
                    "not for this URL: the resource is not at the root",
                    "not for this URL: its host is no IPv4 address",
                    "not for this URL: its host is not this machine",
                ],
                ..Self::new("public-url", NonceMode::Required)
            },
            Self {
                public_url: Some("https://rs.example/"),
                scenarios: "rs.htu",
                may_lack: &["not for this URL"],
                ..Self::new("root", NonceMode::Required)
            },
            Self {
                http: HttpChoice::Only(HttpVersion::Http2),
                may_lack: &[
                    "several schemes",
                    "HTTP/1.1 is not used",
                    "HTTP/2 can't express",
                    "not for this URL",
                    "target.bearer",
                ],
                ..Self::new("over-http2", NonceMode::Required)
            },
        ]
    }

    /// Starts the servers, and sets up a run against them.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(
        &self,
        defects: DefectSet,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> io::Result<(Running, Setup)> {
        let public_resource = self.public_url.map(str::parse).transpose().map_err(io::Error::other)?;
        let conforming = Options::new(clock, entropy).conforming_to(self.profile);
        let options = Options {
            nonce: self.nonce,
            token_alg: self.token_alg,
            unbound_bearer: self.unbound_bearer,
            publishes: self.publishes,
            replay: self.replay,
            public_resource,
            algs: self.only.map_or(conforming.algs, |alg| AlgSet::default().with(alg)),
            defects,
            ..conforming
        };
        let limits = Limits { max_requests: Some(usize::MAX), ..Limits::default() };
        let (running, mut setup) = against_reference_with(options, self.profile, &limits).await?;
        setup.call.http = self.http;
        setup.capabilities.single_use_jti = Some(self.replay);
        Ok((running, setup))
    }

    /// Why an outcome is not one of a correct server: it has to pass, or be skipped for a reason that speaks of what may
    /// lack here.
    pub fn false_alarm(&self, outcome: &Outcome) -> Option<String> {
        let reason = outcome.reason.as_deref().unwrap_or_default();
        let right = match outcome.verdict {
            Verdict::Pass => true,
            Verdict::Skip => self.may_lack.iter().any(|what| reason.contains(what)),
            Verdict::Note | Verdict::Warn | Verdict::Fail | Verdict::Inconclusive => false,
        };
        (!right).then(|| format!("{} {}: {reason}", outcome.id, outcome.verdict.name()))
    }
}
