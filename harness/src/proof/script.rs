//! Edit scripts: how each request of a case departs from a correct one, as data.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::cross_origin::CrossOrigin;
use super::http::HttpVersion;
use super::htu::HtuEdit;
use super::jti::JtiEdit;
use super::nonce::NonceEdit;
use super::pretence::Pretence;
use super::shift::Shift;
use super::token::{TokenChoice, TokenEdits};
use super::volley::Volley;
use crate::clock::Span;
use crate::jose::Alg;
use crate::jose::json::Object;

/// The requests of one case, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Script {
    /// Who sends them.
    pub client: Client,
    /// At least one step.
    pub steps: Vec<Step>,
    /// How often the only step is performed; without it once.
    pub trials: Option<usize>,
}

/// The client of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Client {
    /// The algorithm of its key, to which its token is bound; otherwise it is the same in all cases. The case is skipped
    /// where the server does not say that it accepts it.
    pub alg: Option<Alg>,
    /// How its requests and those of the controls are spread over connections.
    pub connection: Connection,
}

/// How the requests of a case are spread over connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// Each has a connection of its own.
    #[default]
    New,
    /// All go over one, the controls too. The case is skipped where the server closes it before the last step.
    Kept,
}

/// One request: a correct proof, token and request, and the edits to them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// A name for later steps to refer to.
    pub name: Option<String>,
    /// Send what the step of this name sent, instead of something new. Only mutations of the signature and of the
    /// request apply.
    pub resend: Option<String>,
    /// Edits to the proof.
    pub proof: ProofEdits,
    /// Edits to the access token.
    pub token: TokenEdits,
    /// Edits to the request.
    pub request: RequestEdits,
    /// The node that it goes to, at `nodes`.
    pub node: Node,
    /// How long to wait before it.
    pub wait: Option<Span>,
    /// Send it only if the step of this name was sent and accepted.
    pub if_accepted: Option<String>,
    /// Send many at the same time.
    pub send: Option<Volley>,
    /// Send so many, one after another, each with a proof of its own.
    pub repeat: Option<usize>,
    /// A correct request goes before it, and its connection is cut before the answer comes.
    pub after_lost_answer: bool,
    /// What to look at beside the answer.
    pub watch: Option<Watch>,
}

/// What is looked at beside the answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// Whether the server calls the URL that `remote-key` puts into the proof: a listener on loopback, which must not be
    /// called. The case is skipped where the server is not on loopback.
    Calls,
    /// How long the answer takes: not ten times as long as that to a correct request, and half a second.
    Time,
}

/// One of the two nodes of a server that a case at `nodes` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    /// The one that is visited before.
    First,
    /// The one that is judged, and where the controls go.
    #[default]
    Second,
}

/// Edits to a correct proof. They are applied in the order in which they are listed here.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProofEdits {
    /// The key that signs and whose public half stands in `jwk`.
    pub key: Option<KeyChoice>,
    /// Another key that signs, while `jwk` still shows `key`.
    pub signer: Option<KeyChoice>,
    /// The request that `htm` and `htu` name, instead of the one that carries the proof.
    #[serde(rename = "for")]
    pub made_for: Option<MadeFor>,
    /// Another method in `htm` than the request's.
    pub htm: Option<HtmEdit>,
    /// Another URL in `htu` than the request's.
    pub htu: Option<HtuEdit>,
    /// Moves `iat` away from now, e.g. `-1h`.
    pub iat: Option<Shift>,
    /// Further claims that are dates, by their distance from now, e.g. `exp: -1h`.
    pub dates: BTreeMap<String, Shift>,
    /// Another `jti` than a fresh one.
    pub jti: Option<JtiEdit>,
    /// Another `ath` than that of the token presented.
    pub ath: Option<AthEdit>,
    /// Another nonce than the server's latest.
    pub nonce: Option<NonceEdit>,
    /// Claims as they are in the proof of an earlier step.
    pub copy: Option<CopyEdit>,
    /// A `kid` that is the thumbprint of the key that the token is bound to.
    pub kid: Option<KidPlace>,
    /// A URL of keys, behind which a listener waits for calls. Needs `watch: calls`.
    pub remote_key: Option<RemoteKey>,
    /// Claims set to a value as it is.
    pub claims: Object,
    /// Header parameters set to a value as it is.
    pub header: Object,
    /// Members of `jwk` set to a value as it is.
    pub jwk: Object,
    /// Members of `jwk` taken out.
    pub omit_of_jwk: Vec<String>,
    /// The right value in another JSON type, by the name of the claim or header parameter.
    pub retype: BTreeMap<String, JsonType>,
    /// Claims and header parameters taken out.
    pub omit: Vec<String>,
    /// Claims and header parameters that stand a second time, behind all others, with this value.
    pub again: Object,
    /// Structural faults by name; `dpop explain mutations` lists them.
    pub mutate: Vec<String>,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyChoice {
    /// The key that the token is bound to.
    Own,
    /// A key made for this one proof.
    Fresh,
    /// The key of another client, which has a token of its own.
    Stranger,
    /// A key made for this one proof, for this algorithm.
    FreshFor(Alg),
}

/// A request that a proof is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MadeFor {
    /// The protected resource, `target.resource` in the config: a proof that is right there, presented elsewhere.
    Resource,
}

/// Another `htm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HtmEdit {
    /// `POST`, or `GET` where the request is a POST.
    OtherMethod,
    /// The request's method in lower case.
    LowerCase,
    /// The request's method with a space behind it.
    TrailingSpace,
}

/// Another `ath`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AthEdit {
    /// The token that is hashed.
    pub of: AthSource,
    /// SHA-512 instead of SHA-256.
    pub sha512: bool,
    /// Only the left half of the hash, as `at_hash` has it (OpenID Connect Core section 3.1.3.6).
    pub half: bool,
    /// How the hash is written.
    pub encode: Encoding,
}

/// The token that `ath` is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AthSource {
    /// The token that the request presents.
    #[default]
    PresentedToken,
    /// Another valid token, bound to the same key.
    SpareToken,
    /// The whole value of `Authorization`: the scheme, a space and the token.
    Credentials,
}

/// A way to write bytes as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// base64url without padding, as RFC 9449 demands.
    #[default]
    Base64url,
    /// base64url with padding.
    Padded,
    /// Hexadecimal digits in lower case.
    Hex,
    /// base64url with its letters in upper case.
    UpperCase,
    /// base64url with other unused bits in its last character, which lenient decoders take for the same bytes.
    TrailingBits,
}

/// Claims taken over from the proof of an earlier step: what is not there is left out here, too.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyEdit {
    /// The name of the step.
    pub of: String,
    /// The names of the claims.
    pub claims: Vec<String>,
}

/// A URL of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RemoteKey {
    /// The member that holds it.
    pub member: KeyUrl,
    /// Where that stands.
    #[serde(rename = "in")]
    pub place: KidPlace,
}

/// A member that holds a URL of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyUrl {
    /// A JWK Set (RFC 7515 section 4.1.2).
    Jku,
    /// A certificate (RFC 7515 section 4.1.5).
    X5u,
}

impl KeyUrl {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jku => "jku",
            Self::X5u => "x5u",
        }
    }
}

/// Where a `kid` stands, or what is like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KidPlace {
    /// In the header (RFC 7515 section 4.1.4).
    Header,
    /// In the `jwk` (RFC 7517 section 4.5).
    Jwk,
    /// As the hash of a certificate, `x5t#S256` in the header (RFC 7515 section 4.1.8).
    CertificateHash,
}

/// A JSON type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JsonType {
    /// The value as the only element of an array.
    Array,
    /// The value as the member `value` of an object.
    Object,
    /// The value's text as a string.
    String,
    /// The number with `.5` behind it.
    Fraction,
    /// A number for a text, for another text another one.
    Number,
}

/// Edits to the request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequestEdits {
    /// Another method than the resource's, with a proof for it: `HEAD`.
    pub method: Option<String>,
    /// The authentication scheme in `Authorization`, instead of `DPoP`.
    pub scheme: Option<String>,
    /// A query appended to the URL that is requested.
    pub query: Option<String>,
    /// Header fields left out.
    pub omit: Vec<OmittedField>,
    /// The version of HTTP, instead of the one that the run uses. The case is skipped where the server does not speak it.
    /// The controls of the case use the same.
    pub http: Option<HttpVersion>,
    /// A second statement of the method or URL, which agrees with the proof and not with the request line and `Host`.
    pub pretend: Option<Pretence>,
    /// Where the token stands, if not in the `Authorization` field alone.
    pub token_in: Option<TokenPlace>,
    /// Makes it a request of a web page of another origin.
    pub cross_origin: Option<CrossOrigin>,
}

/// Places for the access token other than `Authorization` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenPlace {
    /// The query parameter `access_token`, which bearer tokens know (RFC 6750 section 2.3).
    Query,
    /// The form parameter `access_token` in the content, likewise (RFC 6750 section 2.2).
    Form,
    /// `Authorization`, and the query parameter besides.
    AlsoQuery,
    /// `Authorization`, and the form parameter besides.
    AlsoForm,
    /// The `Proxy-Authorization` field (RFC 9110 section 11.7.2).
    ProxyAuthorization,
}

/// A header field that a request can lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OmittedField {
    /// `DPoP`: the proof.
    Dpop,
    /// `Authorization`: the token.
    Authorization,
}

impl ProofEdits {
    /// Whether the script itself says what nonce the proof carries. A challenge is then an answer, not an obstacle.
    pub fn names_nonce(&self) -> bool {
        self.nonce.is_some()
            || self.copy.as_ref().is_some_and(|copy| copy.claims.iter().any(|name| name == "nonce"))
            || self.claims.member("nonce").is_some()
            || self.again.member("nonce").is_some()
            || self.retype.contains_key("nonce")
            || self.omit.iter().any(|name| name == "nonce")
    }
}

impl Script {
    /// How long it waits in all.
    pub fn waiting(&self) -> Duration {
        self.steps.iter().filter_map(|step| step.wait).map(|wait| wait.0).sum()
    }

    /// Whether nothing else may be sent meanwhile: it sends many requests at the same time, or looks how long answers take.
    pub fn wants_quiet(&self) -> bool {
        self.steps.iter().any(|step| step.send.is_some() || step.watch == Some(Watch::Time))
    }

    /// Whether a step says that it goes over `version`.
    pub fn asks_for(&self, version: HttpVersion) -> bool {
        self.steps.iter().any(|step| step.request.http == Some(version))
    }
}

impl Step {
    /// Whether the step needs the key of another client.
    pub fn needs_stranger(&self) -> bool {
        self.token.choice == Some(TokenChoice::Stranger)
            || [self.proof.key, self.proof.signer].contains(&Some(KeyChoice::Stranger))
    }

    /// Whether the step needs a second token of the same key.
    pub fn needs_spare(&self) -> bool {
        self.token.choice == Some(TokenChoice::Spare)
            || self.proof.ath.is_some_and(|ath| ath.of == AthSource::SpareToken)
    }

    /// Whether the request is a correct one, without any edit.
    pub fn is_plain(&self) -> bool {
        *self == Self { name: self.name.clone(), ..Self::default() }
    }

    /// Whether the proof can be made again with a fresh nonce and `jti` without changing what is tested.
    pub fn can_answer_a_challenge(&self) -> bool {
        self.resend.is_none() && !self.proof.names_nonce()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_names_the_nonce_is_not_reminted() {
        let step = |yaml: &str| Step { proof: serde_yaml::from_str(yaml).expect("valid"), ..Step::default() };
        assert!(step("{ htm: lower-case }").can_answer_a_challenge());
        for yaml in [
            "{ omit: [nonce] }",
            "{ claims: { nonce: '' } }",
            "{ nonce: made-up }",
            "{ copy: { of: a, claims: [iat, nonce] } }",
        ] {
            assert!(!step(yaml).can_answer_a_challenge(), "{yaml}");
        }
    }
}
