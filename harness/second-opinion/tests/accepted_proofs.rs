//! Every proof that a case expects to be accepted is also accepted by verifiers that others wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dpop_harness::clock::{Clock, VirtualClock};
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::uri::Uri;
use dpop_harness::jose::{Alg, PublicJwk, json};
use dpop_harness::mutation::{Minted, mint};
use dpop_harness::proof::{
    AccessToken, BoundTo, Call, EditError, HttpChoice, IssuerKey, Material, OmittedField, ProofKey, Request,
    Step, TokenChoice,
};
use dpop_harness::reference::{Issuer, TokenRequest};
use dpop_harness::scenario::{Case, CaseKind, load_embedded};
use second_opinion::{Opinion, Presented, Verifier};

const NOW: i64 = 1_700_000_000;

/// Fewer steps than these mean that the cases were not found.
const LEAST_STEPS: usize = 8;

/// A host with letters, whose case can be changed, and what most targets under test look like; a path with percent-encoded
/// octets, and none.
const URLS: &[&str] = &[
    "https://rs.example/resource",
    "http://127.0.0.1:9401/resource",
    "https://rs.example/tree/caf%C3%A9",
    "https://rs.example/",
];

/// The nonce that the server supplied last, if it supplies any. From RFC 9449 section 8.
const NONCES: &[Option<&str>] = &[None, Some("eyJ7S_zG.eyJH0-Z.HX4w-7v")];

/// Proofs that a verifier refuses although RFC 9449 allows them. One that it accepts after all fails the test.
const EXCEPTIONS: &[Exception] = &[
    Exception {
        verifier: Verifier::Huskarl,
        case: "rs.htu.query-ok",
        reason: "htu is what section 4.2 defines, a URL without query; one with a query is refused, not shortened",
    },
    Exception {
        verifier: Verifier::Huskarl,
        case: "rs.htu.fragment-ok",
        reason: "htu is what section 4.2 defines, a URL without fragment; one with a fragment is refused, not shortened",
    },
    Exception {
        verifier: Verifier::DpopVerifier,
        case: "rs.htu.encoded-unreserved-ok",
        reason: "percent-encoding is compared as it is written; normalising it is a SHOULD (section 4.3)",
    },
    Exception {
        verifier: Verifier::DpopVerifier,
        case: "rs.htu.hex-digit-case-ok",
        reason: "percent-encoding is compared as it is written; normalising it is a SHOULD (section 4.3)",
    },
    Exception {
        verifier: Verifier::DpopVerifier,
        case: "rs.accept.iat-fraction",
        reason: "iat is read as a whole number; the case is a SHOULD",
    },
    Exception {
        verifier: Verifier::DpopVerifier,
        case: "rs.time.iat-exponent-ok",
        reason: "iat is read as a whole number; the case is a SHOULD",
    },
    Exception {
        verifier: Verifier::Huskarl,
        case: "rs.distinct.long-prefix",
        reason: "a jti has at most 255 bytes there; the case only notes what becomes of a longer one",
    },
    Exception {
        verifier: Verifier::Huskarl,
        case: "rs.time.exp-past-ok",
        reason: "exp is honoured, as RFC 7519 has it; the case is a note",
    },
    Exception {
        verifier: Verifier::Huskarl,
        case: "rs.time.nbf-ahead-ok",
        reason: "nbf is honoured, as RFC 7519 has it; the case is a note",
    },
    Exception {
        verifier: Verifier::Huskarl,
        case: "rs.mcp.iat-290s-ahead-ok",
        reason: "only SEP-1932 demands so wide a window",
    },
    Exception {
        verifier: Verifier::DpopVerifier,
        case: "rs.mcp.iat-290s-ahead-ok",
        reason: "only SEP-1932 demands so wide a window",
    },
    no_such_alg(Verifier::DpopVerifier, "rs.alg.es384-ok"),
    no_such_alg(Verifier::DpopVerifier, "rs.alg.es512-ok"),
    no_such_alg(Verifier::DpopVerifier, "rs.alg.ps256-ok"),
    no_such_alg(Verifier::DpopVerifier, "rs.alg.rs256-ok"),
    no_such_alg(Verifier::Huskarl, "rs.alg.es512-ok"),
];

const fn no_such_alg(verifier: Verifier, case: &'static str) -> Exception {
    Exception { verifier, case, reason: "the verifier does not support the algorithm" }
}

/// Cases that every verifier refuses, so that their acceptance means something, and a word of each one's reason.
const REFUSED: &[(&str, [&str; 2])] = &[
    ("rs.htm.other-method", ["htm mismatch", "'htm' mismatch"]),
    ("rs.htu.other-path", ["htu mismatch", "'htu' mismatch"]),
    ("rs.htu.other-host", ["htu mismatch", "'htu' mismatch"]),
    ("rs.ath.missing", ["missing ath", "'ath'"]),
    ("rs.ath.other-token", ["ath mismatch", "'ath' mismatch"]),
    ("rs.jose.flipped-signature", ["signature", "signature"]),
    ("rs.jose.jwk-private", ["'d'", "private"]),
    ("rs.key.bound-jwk-other-signer", ["signature", "signature"]),
    ("rs.time.iat-old", ["too old", "maximum age"]),
    ("rs.time.iat-future", ["future", "future"]),
];

struct Exception {
    verifier: Verifier,
    case: &'static str,
    reason: &'static str,
}

#[test]
fn dpop_verifier_accepts() {
    check_accepted(Verifier::DpopVerifier);
}

#[test]
fn huskarl_accepts() {
    check_accepted(Verifier::Huskarl);
}

#[test]
fn dpop_verifier_refuses() {
    check_refused(Verifier::DpopVerifier, |[reason, _]| reason);
}

#[test]
fn huskarl_refuses() {
    check_refused(Verifier::Huskarl, |[_, reason]| reason);
}

fn check_accepted(verifier: Verifier) {
    let exceptions: BTreeMap<&str, &str> =
        EXCEPTIONS.iter().filter(|row| row.verifier == verifier).map(|row| (row.case, row.reason)).collect();
    let mut complaints = Vec::new();
    let mut excepted = BTreeSet::new();
    for sent in accepted_proofs() {
        let exception = exceptions.get(sent.case.as_str());
        let complaint = match (verifier.judge(sent.presented(), NOW), exception) {
            (Opinion::Accepts { jkt }, None) if jkt == sent.jkt => None,
            (Opinion::Accepts { jkt }, None) => Some(format!("names the key {jkt}, not {}", sent.jkt)),
            (Opinion::Refuses(why), None) => Some(format!("refuses: {why}")),
            (Opinion::Accepts { .. }, Some(reason)) => {
                Some(format!("accepts; the exception is stale: {reason}"))
            }
            (Opinion::Refuses(_), Some(_)) => None,
        };
        complaints.extend(complaint.map(|complaint| format!("{complaint}\n{sent}")));
        if exception.is_some() {
            excepted.insert(sent.case);
        }
    }
    for (case, reason) in exceptions.iter().filter(|(case, _)| !excepted.contains(**case)) {
        complaints.push(format!("has an exception for {case}, of which no proof was made: {reason}"));
    }
    assert!(complaints.is_empty(), "{}", told(verifier, &complaints));
}

fn check_refused(verifier: Verifier, reason_of: fn([&'static str; 2]) -> &'static str) {
    let proofs = proofs();
    let mut complaints = Vec::new();
    for (case, reasons) in REFUSED {
        let reason = reason_of(*reasons);
        let mut found = false;
        for sent in proofs.iter().filter(|sent| sent.case == *case && !sent.to_be_accepted) {
            found = true;
            match verifier.judge(sent.presented(), NOW) {
                Opinion::Refuses(why) if why.contains(reason) => {}
                Opinion::Refuses(why) => {
                    complaints.push(format!("refuses, but not for {reason:?}: {why}\n{sent}"));
                }
                Opinion::Accepts { .. } => complaints.push(format!("accepts\n{sent}")),
            }
        }
        if !found {
            complaints.push(format!("there is no proof of {case} to be refused"));
        }
    }
    assert!(complaints.is_empty(), "{}", told(verifier, &complaints));
}

fn told(verifier: Verifier, complaints: &[String]) -> String {
    format!("{verifier}, {} complaint(s):\n\n{}\n", complaints.len(), complaints.join("\n\n"))
}

/// A proof on its way, as a step of a case sends it.
struct Sent {
    case: String,
    /// Its place in the case, from 1.
    step: usize,
    to_be_accepted: bool,
    request: Request,
    url: String,
    nonce: Option<&'static str>,
    /// The thumbprint that the access token is bound to.
    jkt: String,
    header: String,
    claims: String,
}

impl Sent {
    fn fields(&self, name: &str) -> Vec<&str> {
        let named = |field: &&dpop_harness::proof::Field| field.name.eq_ignore_ascii_case(name);
        self.request.fields.iter().filter(named).map(|field| field.value.as_str()).collect()
    }

    fn presented(&self) -> Presented<'_> {
        let [proof] = self.fields("DPoP")[..] else { panic!("one DPoP field is expected\n{self}") };
        let access_token = self.fields("Authorization").first().and_then(|value| value.split_once(' '));
        Presented {
            // The white space around a field value is not part of it.
            proof: proof.trim(),
            method: &self.request.method,
            url: &self.url,
            access_token: access_token.map(|(_, token)| token.trim_start()),
            nonce: self.nonce,
        }
    }
}

impl std::fmt::Display for Sent {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { case, step, request, url, nonce, header, claims, .. } = self;
        writeln!(out, "  {case}, step {step}: {} {url}, nonce {nonce:?}", request.method)?;
        write!(out, "  {header}\n  {claims}")
    }
}

/// The proofs of all steps that expect acceptance.
fn accepted_proofs() -> Vec<Sent> {
    let sent: Vec<Sent> = proofs().into_iter().filter(|sent| sent.to_be_accepted).collect();
    let steps: BTreeSet<_> = sent.iter().map(|sent| (&sent.case, sent.step)).collect();
    assert!(steps.len() >= LEAST_STEPS, "only {} steps of all cases expect acceptance", steps.len());
    sent
}

/// The proofs of all cases, sent to each URL with and without a nonce.
fn proofs() -> Vec<Sent> {
    let scenarios = load_embedded().unwrap_or_else(|diagnostic| panic!("{}", diagnostic.render(false)));
    let cases = || scenarios.iter().flat_map(|scenario| &scenario.cases);
    let clients: BTreeMap<Alg, Clients> = Alg::ALL.iter().map(|alg| (*alg, Clients::new(*alg))).collect();
    let mut sent = Vec::new();
    for url in URLS {
        let uri: Uri = url.parse().expect("a URL");
        let call = Call { http: HttpChoice::Both, ..Call::to("GET", uri) };
        for nonce in NONCES {
            sent.extend(cases().flat_map(|case| clients[&alg_of(case)].send(case, &call, *nonce)));
        }
    }
    for case in cases().filter(|case| case.kind.expects_acceptance() && has_proof(case)) {
        assert!(sent.iter().any(|sent| sent.case == case.id), "{} changes nothing at any URL", case.id);
    }
    sent
}

/// Whether a step of a case sends a proof.
fn has_proof(case: &Case) -> bool {
    let left_out = |step: &Step| step.request.omit.contains(&OmittedField::Dpop);
    matches!(&case.kind, CaseKind::Script { script, .. } if !script.steps.iter().all(left_out))
}

/// The algorithm of the client of a case.
fn alg_of(case: &Case) -> Alg {
    match &case.kind {
        CaseKind::Script { script, .. } => script.client.alg.unwrap_or(Alg::Es256),
        CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => Alg::Es256,
    }
}

/// Two clients of one issuer; the first has two tokens.
struct Clients {
    key: ProofKey,
    token: AccessToken,
    spare: AccessToken,
    stranger: (ProofKey, AccessToken),
    issuer: IssuerKey,
}

impl Clients {
    fn new(alg: Alg) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::at_unix(NOW.unsigned_abs()));
        let issuer = Issuer::new("https://id.example".to_owned(), clock, Arc::new(SystemEntropy));
        let token_for = |key: &ProofKey| {
            AccessToken::new(issuer.mint(&TokenRequest {
                subject: "somebody".to_owned(),
                client_id: "client".to_owned(),
                audience: "https://rs.example".to_owned(),
                scope: "read".to_owned(),
                lifetime: Duration::from_secs(600),
                confirmation: Some(key.thumbprint()),
            }))
        };
        let [key, other] = [(); 2].map(|()| ProofKey::generate_for(alg, &SystemEntropy));
        let (token, spare, others) = (token_for(&key), token_for(&key), token_for(&other));
        let lent =
            ProofKey::from_pkcs8(issuer.alg(), issuer.signing_key_pkcs8()).expect("the issuer's own key");
        Self { key, token, spare, stranger: (other, others), issuer: IssuerKey::new(lent) }
    }

    /// What the steps of `case` send, as far as they send a proof.
    fn send(&self, case: &Case, call: &Call, nonce: Option<&'static str>) -> Vec<Sent> {
        let CaseKind::Script { script, expects } = &case.kind else { return Vec::new() };
        let latest = nonce.map(|nonce| nonce.parse().expect("a nonce"));
        let mut earlier = BTreeMap::new();
        let mut sent = Vec::new();
        for ((step, expect), place) in script.steps.iter().zip(expects).zip(1..) {
            let material = Material {
                key: &self.key,
                token: &self.token,
                spare: Some(&self.spare),
                stranger: Some((&self.stranger.0, &self.stranger.1)),
                issuer: Some(&self.issuer),
                decoy: None,
                nonce: latest.as_ref(),
                call,
                resource: call,
                now: NOW,
                entropy: &SystemEntropy,
                choices: &SystemEntropy,
                earlier: &earlier,
            };
            let minted = match mint(step, &material) {
                Ok(minted) => minted,
                // E.g. a host without letters, whose case can't be changed.
                Err(
                    EditError::NoChange
                    | EditError::NoOtherSpelling(_)
                    | EditError::NotForThisUrl(_)
                    | EditError::NoDecoy(_),
                ) => {
                    continue;
                }
                // A wrong nonce is made from the right one.
                Err(EditError::NoSuchMember(name)) if name == "nonce" && nonce.is_none() => continue,
                Err(error) => panic!("{}, step {place}: {error}", case.id),
            };
            let Minted { request, record, proof, odd: _ } = minted;
            if let Some(name) = &step.name {
                earlier.insert(name.clone(), record);
            }
            let one = Sent {
                case: case.id.clone(),
                step: place,
                to_be_accepted: expect.is_accept(),
                url: if request.target.starts_with('/') {
                    format!("{}://{}{}", call.uri.scheme, call.uri.host_and_port(), request.target)
                } else {
                    request.target.clone()
                },
                request,
                nonce,
                jkt: match step.token.bound_to {
                    None => self.owner(step).thumbprint().to_string(),
                    Some(BoundTo::SentJwk) if !expect.is_accept() => String::new(),
                    Some(BoundTo::SentJwk) => thumbprint_in(&proof.header),
                },
                header: proof.header,
                claims: proof.claims,
            };
            if !one.fields("DPoP").is_empty() {
                sent.push(one);
            }
        }
        sent
    }

    /// Whose token the step presents.
    fn owner(&self, step: &Step) -> &ProofKey {
        match step.token.choice {
            // A proof that is presented as a token is made with the key of the case.
            None | Some(TokenChoice::Own | TokenChoice::Spare | TokenChoice::Proof) => &self.key,
            Some(TokenChoice::Stranger) => &self.stranger.0,
        }
    }
}

/// The thumbprint of the key in the header of a proof, to which the token was bound for it.
fn thumbprint_in(header: &str) -> String {
    let header = json::read(header.as_bytes()).expect("JSON");
    let jwk = header.as_object().and_then(|header| header.member("jwk")?.as_object());
    PublicJwk::from_json(jwk.expect("a jwk")).expect("a key").thumbprint().to_string()
}
