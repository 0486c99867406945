//! The file format, as serde and the JSON Schema see it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::expect::Expect;
use crate::clock::Span;
use crate::jose::Alg;
use crate::proof::{Client, Node, ProofEdits, RequestEdits, TokenEdits, Volley, Watch};
use crate::spec::{Level, Profile};

/// A scenario: one YAML document. A file holds one or more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "dpop scenario")]
pub(super) struct ScenarioRow {
    /// Begins with the role, `rs.`; lower-case words joined by dots and hyphens. Never renamed once published.
    pub(super) id: String,
    /// What holds where every case passes, as a sentence.
    pub(super) title: String,
    /// Why it matters: what goes wrong where a case fails.
    pub(super) why: String,
    /// The mistake of the guide that the cases belong to.
    pub(super) pitfall: Option<Pitfall>,
    /// Rows of the ledger that every case cites, unless it cites its own.
    pub(super) spec: Vec<String>,
    /// Weakness numbers of the Common Weakness Enumeration.
    #[serde(default)]
    pub(super) cwe: Vec<u16>,
    /// Who gains what where a case fails.
    pub(super) attacker: Option<String>,
    /// Where the steps go, unless a case says otherwise.
    pub(super) at: Vec<Endpoint>,
    /// How binding the cases are, unless one says otherwise.
    pub(super) level: Level,
    /// What the target must have for the cases to mean something.
    #[serde(default)]
    pub(super) requires: Vec<Capability>,
    /// The only profiles that the cases belong to, unless one says otherwise; all where there are none.
    #[serde(default)]
    pub(super) profiles: Vec<Profile>,
    /// The cases, by the last part of their ids.
    pub(super) cases: CaseRows,
}

/// One case: either `steps`, or one step written in place, or a check over the answers, or a preflight check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Case")]
pub(super) struct CaseRow {
    /// What is sent, in words; without it the edits are put into words.
    pub(super) title: Option<String>,
    /// Another level than the scenario's.
    pub(super) level: Option<Level>,
    /// Other places than the scenario's.
    pub(super) at: Option<Vec<Endpoint>>,
    /// Other rows of the ledger than the scenario's.
    pub(super) spec: Option<Vec<String>>,
    /// Other requirements on the target than the scenario's.
    pub(super) requires: Option<Vec<Capability>>,
    /// Other profiles than the scenario's.
    pub(super) profiles: Option<Vec<Profile>>,
    /// A circumstance in which the target may legitimately do otherwise. The verdict is then at most a note.
    pub(super) excused_by: Option<Excuse>,
    /// The client that sends the requests, and its key.
    #[serde(default)]
    pub(super) client: Client,
    /// Edits to the proof of the only step.
    #[serde(default)]
    pub(super) proof: ProofEdits,
    /// Edits to the token of the only step.
    #[serde(default)]
    pub(super) token: TokenEdits,
    /// Edits to the request of the only step.
    #[serde(default)]
    pub(super) request: RequestEdits,
    /// Send many of the only step at the same time.
    pub(super) send: Option<Volley>,
    /// How often the only step, which sends many at the same time, is performed: 2 to 20 times, each time anew.
    #[schemars(range(min = 2, max = 20))]
    pub(super) trials: Option<usize>,
    /// Whether a correct request goes before the only step, whose connection is cut before the answer comes.
    #[serde(default)]
    pub(super) after_lost_answer: bool,
    /// What to look at beside the answer.
    pub(super) watch: Option<Watch>,
    /// What the target should do with the only step.
    pub(super) expect: Option<Expect>,
    /// Whether the refusals have to show where the config's `observe` says.
    #[serde(default)]
    pub(super) observed: bool,
    /// Several requests in order, instead of one.
    pub(super) steps: Option<Vec<StepRow>>,
    /// A property of all refusals of the run, instead of a request.
    pub(super) answers: Option<AnswerCheck>,
    /// A property of what the target publishes of itself, instead of a request.
    pub(super) metadata: Option<MetadataCheck>,
    /// A condition that is checked before anything else, instead of a request.
    pub(super) preflight: Option<PreflightCheck>,
}

/// One request of a case with several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Step")]
pub(super) struct StepRow {
    /// A name for later steps to refer to.
    #[serde(rename = "as")]
    pub(super) name: Option<String>,
    /// Send what the step of this name sent, once more.
    pub(super) resend: Option<String>,
    /// Edits to the proof.
    #[serde(default)]
    pub(super) proof: ProofEdits,
    /// Edits to the token.
    #[serde(default)]
    pub(super) token: TokenEdits,
    /// Edits to the request.
    #[serde(default)]
    pub(super) request: RequestEdits,
    /// The node that it goes to, where the case is at `nodes`; without it the second.
    #[serde(default)]
    pub(super) node: Node,
    /// How long to wait before it.
    pub(super) wait: Option<Span>,
    /// Send it only if the earlier step of this name was sent and accepted.
    pub(super) if_accepted: Option<String>,
    /// Send many at the same time.
    pub(super) send: Option<Volley>,
    /// Send so many, one after another, each with a proof of its own: 2 to 1000.
    #[schemars(range(min = 2, max = 1000))]
    pub(super) repeat: Option<usize>,
    /// Whether a correct request goes before it, whose connection is cut before the answer comes.
    #[serde(default)]
    pub(super) after_lost_answer: bool,
    /// What to look at beside the answer.
    pub(super) watch: Option<Watch>,
    /// What the target should do with it.
    pub(super) expect: Expect,
}

/// Where requests go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// The protected resource, `target.resource` in the config.
    Resource,
    /// Each of `target.resources` in the config: one outcome for all.
    OtherResources,
    /// Each of `target.forbidden` in the config: what the token has no authority for.
    Forbidden,
    /// `target.plain-http` in the config: the resource without TLS, where nothing but serving it is wrong.
    PlainHttp,
    /// Two of `target.nodes` in the config, one behind the other, until each was judged.
    Nodes,
    /// What the resource publishes of itself (RFC 9728).
    Metadata,
}

impl Endpoint {
    /// The word in scenarios and lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::OtherResources => "other-resources",
            Self::Forbidden => "forbidden",
            Self::PlainHttp => "plain-http",
            Self::Nodes => "nodes",
            Self::Metadata => "metadata",
        }
    }
}

/// Something that a target may legitimately lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// It supplies nonces.
    Nonce,
    /// It refuses proofs without a nonce.
    NonceRequired,
    /// It remembers `jti` values.
    SingleUseJti,
    /// It refuses unbound access tokens (`target.bearer: refused`).
    BearerRefused,
    /// It still serves unbound access tokens (`target.bearer: allowed`).
    BearerAllowed,
    /// It says that it accepts proofs with this algorithm.
    Alg(Alg),
    /// It speaks HTTP/2.
    Http2,
    /// It demands the scopes of `auth.scope` (`capabilities.scope: true`).
    Scope,
    /// It says of other resources that they demand nonces (`nonce: required` in `target.resources`).
    DeclaredNonce,
    /// It lets web pages of other origins read its answers (`Access-Control-Allow-Origin`).
    Cors,
    /// Its metadata say that tokens have to be bound (`dpop_bound_access_tokens_required`).
    DpopPublished,
}

impl fmt::Display for Capability {
    /// What it is to have it: `nonces, demanded of every proof`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nonce => out.write_str("nonces"),
            Self::NonceRequired => out.write_str("nonces, demanded of every proof"),
            Self::SingleUseJti => out.write_str("a memory of jti values"),
            Self::BearerRefused => out.write_str("no unbound tokens"),
            Self::BearerAllowed => out.write_str("unbound tokens, too"),
            Self::Alg(alg) => write!(out, "proofs by {}", alg.name()),
            Self::Http2 => out.write_str("HTTP/2"),
            Self::Scope => out.write_str("scopes, demanded of tokens"),
            Self::DeclaredNonce => out.write_str("other resources that demand nonces"),
            Self::Cors => out.write_str("answers that web pages of other origins can read"),
            Self::DpopPublished => out.write_str("metadata that say that tokens have to be bound"),
        }
    }
}

/// A circumstance in which a target may legitimately do otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Excuse {
    /// The proof carries a nonce that the server supplied: it may tell the time by that (RFC 9449 section 4.3, check 11).
    Nonce,
}

/// A property of all refusals, judged once a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerCheck {
    /// A refused proof is answered with 401.
    Status,
    /// A 401 carries `WWW-Authenticate`, and offers the DPoP scheme in it.
    Challenge,
    /// A refused proof is answered with an `error` code.
    Error,
    /// No 5xx, hang or dropped connection.
    Fault,
    /// A `use_dpop_nonce` challenge carries a `DPoP-Nonce`.
    NonceField,
    /// A nonce is asked for with 401.
    NonceStatus,
    /// No answer carries more than one nonce.
    OneNonce,
    /// A nonce has only the characters that it can have.
    NonceCharacters,
    /// An answer that carries a nonce is kept by no cache.
    Uncached,
    /// A proof with the nonce that was just supplied is not challenged again and again.
    EndlessChallenge,
    /// A nonce that comes with a 2xx is good for the next request.
    SuccessNonce,
    /// Every answer to a proof has a `DPoP-Nonce`.
    NonceAlways,
    /// `WWW-Authenticate` is well-formed.
    Syntax,
    /// The challenge to a request without credentials has no `error`.
    NoCredentials,
    /// The DPoP challenge says in `algs` what signs proofs, in the form and of the kind that it must be.
    Algs,
    /// The `error` code is one of those that the case has for its fault.
    ErrorKind,
    /// Where several schemes are offered, the `error` stands with the one that was used.
    ErrorPlace,
    /// What the token has no authority for is refused with 403, and not for its proof.
    Authority,
    /// The DPoP scheme is not offered for proxies.
    ProxyChallenge,
    /// No refusal repeats a secret or shows a stack trace.
    Leak,
    /// What came with credentials is not given to shared caches.
    NotShared,
    /// Web pages of other origins can read refusals and their challenges.
    ExposedChallenge,
    /// Web pages of other origins can read nonces.
    ExposedNonce,
    /// A preflight request is answered without credentials, and told that `DPoP` and `Authorization` are allowed.
    Preflight,
    /// Credentials are not allowed to every origin alike.
    OriginCredentials,
}

impl AnswerCheck {
    /// Whether a deviation is a fault by itself, also where no correct request was ever accepted.
    pub fn needs_no_control(self) -> bool {
        match self {
            Self::NonceField
            | Self::OneNonce
            | Self::NonceCharacters
            | Self::EndlessChallenge
            | Self::Syntax
            | Self::ProxyChallenge => true,
            // Of a server that is not set up, or down, these say nothing about DPoP.
            Self::Status
            | Self::Challenge
            | Self::Error
            | Self::ErrorKind
            | Self::ErrorPlace
            | Self::Fault
            | Self::NonceStatus
            | Self::SuccessNonce
            | Self::NonceAlways
            | Self::Uncached
            | Self::NoCredentials
            | Self::Algs
            | Self::Authority
            | Self::Leak
            | Self::NotShared
            | Self::ExposedChallenge
            | Self::ExposedNonce
            | Self::Preflight
            | Self::OriginCredentials => false,
        }
    }
}

/// A property of what a resource publishes of itself (RFC 9728).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetadataCheck {
    /// `resource` is the URL that the place of the metadata is made from.
    Resource,
    /// The URL in a challenge leads to metadata of the resource that sent it.
    Link,
    /// The list of algorithms is well-formed, and that of the challenge.
    Algs,
}

/// A condition without which nothing else can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PreflightCheck {
    /// The target answers HTTP.
    Reachable,
    /// The token source yields a token.
    Token,
    /// A correct request is accepted.
    Control,
    /// A request without credentials, and one with a junk token, are refused.
    Canary,
}

/// A mistake that DPoP guides warn of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pitfall {
    /// The client makes a new key for every request.
    NewKeyPerRequest,
    /// The client calls the API with another key than it asked for the token with.
    OtherKeyAtTheApi,
    /// A proof, or its `jti`, is used again.
    ReusedProof,
    /// The proof has no `ath`, or that of another token.
    MissingAth,
    /// The proof names another method.
    WrongHtm,
    /// The proof names another URL.
    WrongHtu,
    /// The server's nonce is left out of the next proof.
    IgnoredNonce,
    /// A bound token is used, or accepted, as a bearer token.
    BearerDowngrade,
    /// Proofs are right in a test and wrong over kept connections, in HTTP/2, or after a lost answer.
    RealHttpStacks,
    /// Whoever shows a proof may do everything.
    PossessionIsNotPermission,
    /// The resource is served without TLS.
    HttpsOnly,
    /// Nobody sees what is refused.
    FailuresAreSeen,
}

impl Pitfall {
    /// Every pitfall.
    pub const ALL: &[Self] = &[
        Self::NewKeyPerRequest,
        Self::OtherKeyAtTheApi,
        Self::ReusedProof,
        Self::MissingAth,
        Self::WrongHtm,
        Self::WrongHtu,
        Self::IgnoredNonce,
        Self::BearerDowngrade,
        Self::RealHttpStacks,
        Self::PossessionIsNotPermission,
        Self::HttpsOnly,
        Self::FailuresAreSeen,
    ];

    /// The word in scenarios and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::NewKeyPerRequest => "new-key-per-request",
            Self::OtherKeyAtTheApi => "other-key-at-the-api",
            Self::ReusedProof => "reused-proof",
            Self::MissingAth => "missing-ath",
            Self::WrongHtm => "wrong-htm",
            Self::WrongHtu => "wrong-htu",
            Self::IgnoredNonce => "ignored-nonce",
            Self::BearerDowngrade => "bearer-downgrade",
            Self::RealHttpStacks => "real-http-stacks",
            Self::PossessionIsNotPermission => "possession-is-not-permission",
            Self::HttpsOnly => "https-only",
            Self::FailuresAreSeen => "failures-are-seen",
        }
    }

    /// The mistake, in a sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Self::NewKeyPerRequest => {
                "The client makes a new key for every request, so no proof fits the token."
            }
            Self::OtherKeyAtTheApi => {
                "The client calls the API with another key than it asked for the token with."
            }
            Self::ReusedProof => "A proof, or its jti, is used again.",
            Self::MissingAth => "The proof has no ath, or that of another token.",
            Self::WrongHtm => "The proof names another method than the request's.",
            Self::WrongHtu => "The proof names another URL than the request's.",
            Self::IgnoredNonce => "The server's nonce is left out of the next proof.",
            Self::BearerDowngrade => "A bound token is used, or accepted, as a bearer token.",
            Self::RealHttpStacks => {
                "Proofs are right in a test and wrong over kept connections, in HTTP/2, or after a lost answer."
            }
            Self::PossessionIsNotPermission => {
                "A perfect proof is taken as permission, whatever the token is good for."
            }
            Self::HttpsOnly => "The resource is served over plain HTTP, too.",
            Self::FailuresAreSeen => {
                "Refusals say nothing to the client, or nothing to those who run the server."
            }
        }
    }
}

/// Cases in the order of the file.
#[derive(Debug)]
pub(super) struct CaseRows(pub(super) Vec<(String, CaseRow)>);

impl<'de> Deserialize<'de> for CaseRows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CaseRowsVisitor)
    }
}

struct CaseRowsVisitor;

impl<'de> Visitor<'de> for CaseRowsVisitor {
    type Value = CaseRows;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a mapping of names to cases")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<CaseRows, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = members.next_entry()? {
            rows.push(row);
        }
        Ok(CaseRows(rows))
    }
}

impl JsonSchema for CaseRows {
    fn schema_name() -> Cow<'static, str> {
        "Cases".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        BTreeMap::<String, CaseRow>::json_schema(generator)
    }
}

/// The JSON Schema of a scenario document; mutations and ledger rows are listed by name.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(ScenarioRow).to_value();
    let mutations: Vec<_> = crate::mutation::catalogue().map(|mutation| mutation.name).collect();
    if let Some(mutate) = schema.pointer_mut("/$defs/ProofEdits/properties/mutate/items") {
        *mutate = serde_json::json!({ "enum": mutations });
    }
    schema
}
