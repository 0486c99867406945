use std::fmt;

use crate::jose::json::{self, Json};
use crate::jose::uri::Uri;
use crate::jose::{AlgSet, Jkt, base64url};
use crate::run::{Decision, Observation, Skew};
use crate::target::tokens::Credentials;
use crate::target::{NoAnswer, NoncePolicy};

/// What the preflight found out about a target, beside its verdicts: what `dpop doctor` shows, and the first line of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The URL that is requested, without query.
    pub url: Uri,
    /// The URL that proofs name.
    pub htu: Uri,
    /// The answer to a request without credentials; none where it was not asked for.
    pub answered: Option<Observation>,
    /// Whether what nobody may have was refused; none where it was not asked for.
    pub protected: Option<bool>,
    /// How far the target's clock is ahead, as its `Date` fields say.
    pub skew: Option<Skew>,
    /// Which clock the time in proofs comes from.
    pub time: Time,
    /// Whether the token is bound to the key; none where there is no token.
    pub binding: Option<Binding>,
    /// The answer to a correct request; none where none was sent.
    pub control: Option<Observation>,
    /// The use of nonces that it shows.
    pub nonce: NoncePolicy,
    /// The algorithms of proofs that the target is known to accept.
    pub algs: AlgSet,
    /// Why it can't be judged.
    pub trouble: Option<Trouble>,
}

/// The clock that the time in proofs comes from.
///
/// A `Date` field may be wrong while proofs are judged by the right time, so nothing follows it until a correct request has
/// shown that it may be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Time {
    /// Ours: a correct request was accepted by it, or nothing speaks against it.
    #[default]
    Own,
    /// The target's, so many seconds ahead: a correct request was accepted by that one only.
    Target(i64),
    /// Ours, though a correct request was accepted by the target's as well, so many seconds ahead. What depends on the
    /// time must be seen by both.
    Either(i64),
}

/// What a token says about the key that it is bound to (RFC 9449 section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// It names the key.
    Bound,
    /// It names another key.
    OtherKey,
    /// It is a JWT and names none.
    Unbound,
    /// It is no JWT, so it can't be seen.
    Opaque,
}

/// Why a target can't be judged: one line, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Who has to do something.
    pub whose: Whose,
    /// What is wrong, without secrets and on one line.
    pub what: String,
}

/// Who has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Whoever writes dpop.yaml: this key of it.
    Config(&'static str),
    /// The owner of the server.
    Server,
    /// Whoever starts things: a server that is down, a program that fails.
    Surroundings,
}

impl fmt::Display for Whose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(key) => write!(out, "configuration ({key})"),
            Self::Server => out.write_str("server"),
            Self::Surroundings => out.write_str("environment"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.whose, self.what)
    }
}

impl Binding {
    /// What the claims of the token say; its signature is the server's business.
    pub fn of(credentials: &Credentials) -> Self {
        let claims = |token: &str| {
            let mut segments = token.split('.');
            let (_, claims, _) = (segments.next()?, segments.next()?, segments.next()?);
            match json::read(&base64url::decode(claims)?) {
                Ok(Json::Object(claims)) => Some(claims),
                Ok(_) | Err(_) => None,
            }
        };
        let Some(claims) = claims(credentials.token.expose()) else { return Self::Opaque };
        let named = claims.member("cnf").and_then(Json::as_object).and_then(|cnf| cnf.member("jkt"));
        match named.and_then(Json::as_str).map(str::parse::<Jkt>) {
            None => Self::Unbound,
            Some(Ok(jkt)) if jkt == credentials.key.thumbprint() => Self::Bound,
            Some(_) => Self::OtherKey,
        }
    }

    /// The word in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::OtherKey => "other-key",
            Self::Unbound => "unbound",
            Self::Opaque => "opaque",
        }
    }
}

impl Time {
    /// How far the clock of proofs is ahead of ours.
    pub fn ahead(self) -> i64 {
        match self {
            Self::Target(seconds) => seconds,
            Self::Own | Self::Either(_) => 0,
        }
    }

    /// The same for what confirms a finding that depends on the time.
    pub fn ahead_to_confirm(self) -> i64 {
        match self {
            Self::Target(seconds) | Self::Either(seconds) => seconds,
            Self::Own => 0,
        }
    }

    /// The word in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Target(_) => "target",
            Self::Either(_) => "either",
        }
    }
}

/// How one check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Worth a look; it can be judged all the same.
    Odd,
    /// It can't be judged like that.
    Bad,
    /// Worth knowing, or it can't be seen.
    Plain,
}

/// One line of `dpop doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it came out.
    pub state: State,
    /// A few words for the first line of a run; empty where they would say nothing.
    pub brief: String,
    /// A sentence.
    pub text: String,
}

impl Health {
    /// The checks that were made, in order.
    pub fn checks(&self) -> Vec<Check> {
        let checks = [
            self.reachable(),
            self.tls(),
            self.protection(),
            self.clock(),
            self.token(),
            self.correct_request(),
            self.origin(),
            self.nonces(),
            self.algorithms(),
        ];
        checks.into_iter().flatten().collect()
    }

    fn reachable(&self) -> Option<Check> {
        let seen = self.answered.as_ref()?;
        let url = &self.url;
        Some(match (&seen.nothing, seen.status) {
            (Some(nothing), _) => check("reachable", State::Bad, "unreachable", format!("{url}: {nothing}")),
            (None, status) => {
                let status = status.map(|status| status.to_string()).unwrap_or_default();
                check("reachable", State::Good, "", format!("{url} answers {status} without credentials"))
            }
        })
    }

    fn tls(&self) -> Option<Check> {
        let nothing = &self.answered.as_ref()?.nothing;
        Some(match (self.url.is_https(), nothing) {
            (false, _) if self.url.is_loopback() => {
                check("tls", State::Plain, "http on loopback", "http on a loopback address: there is none")
            }
            (false, _) => check(
                "tls",
                State::Odd,
                "no tls",
                "http beyond this machine: token and proof can be read on the way (dpop explain https-only)",
            ),
            (true, None) => check("tls", State::Good, "tls", "the certificate is accepted"),
            (true, Some(NoAnswer::Untrusted(why) | NoAnswer::BadCertificate(why) | NoAnswer::NoTls(why))) => {
                check("tls", State::Bad, "tls", why.clone())
            }
            (true, Some(_)) => return None,
        })
    }

    fn protection(&self) -> Option<Check> {
        Some(if self.protected? {
            check("protected", State::Good, "", "refuses a request without credentials, and a made-up token")
        } else {
            check("protected", State::Bad, "unprotected", "serves what nobody may have")
        })
    }

    fn clock(&self) -> Option<Check> {
        self.answered.as_ref().filter(|seen| seen.nothing.is_none())?;
        let Some(skew) = self.skew else {
            let text = "its answers have no Date field, so it can't be seen";
            return Some(check("clock", State::Plain, "clock not shown", text));
        };
        Some(match self.time {
            _ if skew.is_none() => {
                check("clock", State::Good, "clock", "agrees with ours to within a second")
            }
            _ if !skew.is_notable() => {
                check("clock", State::Good, format!("clock {skew}"), format!("server {skew}"))
            }
            Time::Own if !self.is_accepted() => check(
                "clock",
                State::Odd,
                format!("clock server {skew}"),
                format!("server {skew}, as its Date field says"),
            ),
            Time::Own => check(
                "clock",
                State::Odd,
                format!("Date {skew}, not believed"),
                format!(
                    "its Date field says {skew}; proofs by that time are refused, so they don't follow it"
                ),
            ),
            Time::Target(_) => check(
                "clock",
                State::Odd,
                format!("clock server {skew}, followed"),
                format!(
                    "server {skew}: only proofs by its time are accepted, so ours follow it; one of the clocks is wrong"
                ),
            ),
            Time::Either(_) => check(
                "clock",
                State::Odd,
                format!("clock server {skew}, both used"),
                format!(
                    "server {skew}: what depends on the time has to be seen by both clocks; one of them is wrong"
                ),
            ),
        })
    }

    fn is_accepted(&self) -> bool {
        self.control.as_ref().is_some_and(|seen| seen.decision == Decision::Accept)
    }

    fn token(&self) -> Option<Check> {
        Some(match self.binding? {
            Binding::Bound => {
                let text = "bound to the key: cnf.jkt is its thumbprint";
                check("token", State::Good, "token bound to key", text)
            }
            Binding::OtherKey => {
                check("token", State::Bad, "token of another key", "bound to another key: see cnf.jkt")
            }
            Binding::Unbound => {
                check("token", State::Odd, "token not bound", "a JWT that names no key (cnf.jkt)")
            }
            Binding::Opaque => check(
                "token",
                State::Plain,
                "token opaque",
                "no JWT, so it can't be seen whether it is bound",
            ),
        })
    }

    fn correct_request(&self) -> Option<Check> {
        let seen = self.control.as_ref()?;
        Some(if seen.decision == Decision::Accept {
            let status = seen.status.map(|status| status.to_string()).unwrap_or_default();
            let text = format!("a correct request is answered {status}");
            check("control", State::Good, format!("control {status}"), text)
        } else {
            let said = seen.said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
            let text = format!("a correct request is answered {seen}{said}");
            check("control", State::Bad, format!("control: {seen}"), text)
        })
    }

    fn origin(&self) -> Option<Check> {
        if !self.is_accepted() {
            return None;
        }
        let other = self.htu.origin() != self.url.origin();
        let brief = if other { format!("htu {}", self.htu.origin()) } else { String::new() };
        Some(check("htu", State::Good, brief, format!("proofs for {} are accepted", self.htu)))
    }

    fn nonces(&self) -> Option<Check> {
        // Who refuses everything shows nothing of what it does with nonces.
        self.control.as_ref()?;
        if !self.is_accepted() && self.nonce == NoncePolicy::Never {
            return None;
        }
        let name = self.nonce.name();
        Some(check("nonces", State::Plain, format!("nonces {name}"), name))
    }

    fn algorithms(&self) -> Option<Check> {
        self.control.as_ref()?;
        let names = self.algs.names().join(", ");
        let text = if names.is_empty() { "none is known to be accepted".to_owned() } else { names };
        Some(check("algorithms", State::Plain, "", text))
    }
}

fn check(name: &'static str, state: State, brief: impl Into<String>, text: impl Into<String>) -> Check {
    Check { name, state, brief: brief.into(), text: text.into() }
}
