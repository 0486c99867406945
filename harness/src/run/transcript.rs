use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::observe::Observation;
use super::redact::Redactor;
use crate::proof::{HttpVersion, Request};
use crate::scenario::Endpoint;
use crate::target::{Answer, NoAnswer};

/// How much of a response's content is kept.
const BODY_SHOWN: usize = 2000;

/// Everything that was sent for a case and what came back, in order.
pub type Transcript = Vec<Exchange>;

/// Why a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// A request that must be refused by any server that protects anything.
    Canary,
    /// The correct request before the case.
    ControlBefore,
    /// A step of the case, counted from 0.
    Step(usize),
    /// The correct request after the case.
    ControlAfter,
    /// A request that looks for the reason why a correct one is refused, or for the time that the target goes by.
    Diagnosis,
}

/// One request and its answer, without secrets and control characters.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Why it was sent.
    pub turn: Turn,
    /// Where it was sent to.
    pub at: Endpoint,
    /// The method of the request.
    pub method: String,
    /// What the request, its proof and the answer look like.
    pub evidence: Evidence,
    /// Whether the request presented a token with a proof under the DPoP scheme.
    pub presented: bool,
    /// What the request asked with.
    pub asked: Asked,
    /// Whether the request's fault is one of HTTP: then a bare 400, a routing answer or a closed connection refuses it, too.
    pub odd: bool,
    /// Whether the proof carried a nonce that the server had supplied.
    pub with_nonce: bool,
    /// How many challenges of its step came before it: so many times was a nonce supplied, and used in the next proof.
    pub challenges_before: usize,
    /// Whether it is a correct request with the nonce that came with the 2xx before it.
    pub with_nonce_of_success: bool,
    /// Whether it was sent for the case before, and stands here as its control once more.
    pub shared: bool,
    /// How many exchanges of the step it stands for, itself among them: the others were decided alike, and are not kept.
    pub alike: usize,
    /// Where its request was one of many that were sent at the same time.
    pub crowd: Option<Crowd>,
    /// What was looked at beside the answer.
    pub watched: Option<Watched>,
    /// What the answer amounts to.
    pub seen: Observation,
    /// When it was sent, in milliseconds since 1970.
    pub sent: u64,
    /// From the first byte sent to the last byte read.
    pub milliseconds: u64,
}

/// What was looked at beside an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// Whether the server called the URL in the proof.
    Calls(bool),
    /// How long the answer took.
    Time,
}

/// How long an answer may take before that is remarkable, in milliseconds, where others take `usual`: ten times as long, and half a
/// second on top.
pub fn slow_beyond(usual: u64) -> u64 {
    usual.saturating_mul(10).saturating_add(500)
}

/// Whether an answer takes so much longer than those to the correct requests in `transcript` that the proof must be why.
pub fn is_slow(exchange: &Exchange, transcript: &[Exchange]) -> bool {
    let controls =
        transcript.iter().filter(|other| matches!(other.turn, Turn::ControlBefore | Turn::ControlAfter));
    let slowest = controls.map(|control| control.milliseconds).max().unwrap_or_default();
    exchange.milliseconds > slow_beyond(slowest)
}

/// What a request asks with, as far as the wording of its answer depends on that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Its credentials.
    pub credentials: Credentials,
    /// Whether it comes from a web page of another origin (`Origin`).
    pub cross_origin: bool,
    /// Whether it asks, for such a page, what requests the server takes: a preflight request (the Fetch standard,
    /// section 3.2.2).
    pub preflight: bool,
}

/// The credentials of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Credentials {
    /// None of any kind.
    None,
    /// One `Authorization` field with this scheme, in lower case.
    Under(String),
    /// Others: a proof alone, several fields, a token in an unusual place.
    #[default]
    Others,
}

impl Asked {
    /// What `request` asks with. It is `odd` where its fault is one of HTTP.
    pub(super) fn with(request: &Request, odd: bool) -> Self {
        let fields = |name: &'static str| {
            request.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
        };
        let has = |name| fields(name).next().is_some();
        let mut schemes =
            fields("Authorization").map(|field| field.value.split(' ').next().unwrap_or_default());
        let credentials = match (schemes.next(), schemes.next()) {
            (None, _) if !odd && !has("DPoP") && !has("Proxy-Authorization") => Credentials::None,
            (Some(scheme), None) if !odd => Credentials::Under(scheme.to_ascii_lowercase()),
            _ => Credentials::Others,
        };
        let cross_origin = has("Origin");
        let preflight = cross_origin && request.method == "OPTIONS" && has("Access-Control-Request-Method");
        Self { credentials, cross_origin, preflight }
    }
}

/// Requests of one step that were sent at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Crowd {
    /// The trial of the case, counted from 1.
    pub trial: usize,
    /// How many were sent.
    pub sent: usize,
    /// How many were accepted.
    pub accepted: usize,
}

impl Exchange {
    /// What was seen, and how often: `accept 200`, `accepted 3 of 32`, `accept 200, 200 times`.
    pub fn told(&self) -> String {
        match self.crowd {
            Some(crowd) => format!("accepted {} of {}", crowd.accepted, crowd.sent),
            None if self.alike > 1 => format!("{}, {} times", self.seen, self.alike),
            None => self.seen.to_string(),
        }
    }

    /// Whether nothing of the request came to the server, because there was no connection to it.
    pub fn never_connected(&self) -> bool {
        matches!(self.seen.nothing, Some(NoAnswer::Unreachable(_)))
    }

    /// Whether the server had the request, or a part of it, and gave no answer.
    pub fn is_unanswered(&self) -> bool {
        let nothing = self.seen.nothing.as_ref();
        nothing.is_some_and(|nothing| !nothing.is_of_the_harness()) && !self.never_connected()
    }

    /// Whether caches keep answers to its method without being told to (RFC 9110 section 9.2.3).
    pub fn is_cacheable(&self) -> bool {
        self.is_head() || self.method == "GET"
    }

    /// Whether it is a HEAD request, whose answers have no content (RFC 9110 section 9.3.2).
    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

/// A request as text.
pub(super) fn show_request(request: &Request, redactor: &Redactor) -> String {
    redactor.clean(String::from_utf8_lossy(&request.to_bytes()).replace("\r\n", "\n").trim_end())
}

/// An answer as text.
pub(super) fn show_answer(answer: &Answer, http: HttpVersion, redactor: &Redactor) -> String {
    match answer {
        Answer::Nothing(why) => redactor.clean(&why.to_string()),
        Answer::Response(response) => {
            let mut text = format!("{} {}\n", http.name(), response.status);
            for (name, value) in &response.fields {
                text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value)));
            }
            // Cleaned before it is cut, lest half a secret be left at the end.
            let body = redactor.clean(&String::from_utf8_lossy(&response.body));
            let shown: String = body.chars().take(BODY_SHOWN).collect();
            let cut = if shown.len() < body.len() { "\n[cut]" } else { "" };
            format!("{}\n{shown}{cut}", redactor.clean(&text)).trim_end().to_owned()
        }
    }
}
