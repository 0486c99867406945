use schemars::JsonSchema;
use serde::Serialize;

use super::bench::{Bench, FIRST, claiming, dated, named, resent, with};
use super::{Means, Told, Unmeasured};
use crate::jose::Ath;
use crate::jose::json::{Json, Object};
use crate::proof::{
    HtmEdit, HtuEdit, KeyChoice, NonceEdit, OmittedField, ProofEdits, RequestEdits, Step, TokenEdits,
};
use crate::run::{Decision, Observation};
use crate::target::NoncePolicy;

/// What each kind of fault is answered with (RFC 9449 section 7.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorMap {
    /// A row for each fault that was tried.
    pub faults: Vec<Fault>,
}

/// One fault and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Fault {
    /// Its name.
    pub fault: &'static str,
    /// Whose it is: `proof`, `binding` of key and token, `token`, `nonce`, or nothing was presented (`none`).
    pub kind: &'static str,
    /// The answer; null where it was not tried.
    pub answer: Option<Refused>,
    /// Why it was not tried.
    pub why_not: Option<String>,
}

/// An answer in short.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Refused {
    /// `accept`, `reject`, `challenge`, `fault`, `no-answer` or `other`.
    pub decision: &'static str,
    /// The status.
    pub status: Option<u16>,
    /// The scheme of its challenge: `DPoP`, `other`, or null where there is no challenge.
    pub scheme: Option<&'static str>,
    /// The `error`.
    pub error: Option<String>,
}

impl Refused {
    fn of(seen: &Observation) -> Self {
        let scheme = match (seen.challenged, seen.offers_dpop) {
            (_, true) => Some("DPoP"),
            (true, false) => Some("other"),
            (false, false) => None,
        };
        let Observation { decision, status, error, .. } = seen;
        Self { decision: decision.name(), status: *status, scheme, error: error.clone() }
    }

    fn told(&self) -> String {
        let status = self.status.map(|status| status.to_string());
        let error = self.error.clone().unwrap_or_else(|| "no error".to_owned());
        let refusal = [Decision::Reject.name(), Decision::Challenge.name()].contains(&self.decision);
        let word = (!refusal).then(|| self.decision.to_owned());
        let scheme = self.scheme.map(str::to_owned);
        [word, status, scheme, Some(error)].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// The fault of a proof, the token or the request, and its name and kind.
fn faults() -> Vec<(&'static str, &'static str, Step)> {
    let proof = |edits: ProofEdits| with(edits);
    let default = ProofEdits::default;
    let request = |edits: RequestEdits| Step { request: edits, ..Step::default() };
    let omit = |name: &str| proof(ProofEdits { omit: vec![name.to_owned()], ..default() });
    let mutate = |name: &str| proof(ProofEdits { mutate: vec![name.to_owned()], ..default() });
    let header = |name: &str, value: &str| {
        let header = Object::from([(name, Json::from(value))]);
        proof(ProofEdits { header, ..default() })
    };
    let day = 86_400;
    vec![
        ("no-proof", "proof", request(RequestEdits { omit: vec![OmittedField::Dpop], ..Default::default() })),
        ("no-jwt", "proof", mutate("dots-for-proof")),
        ("bad-signature", "proof", mutate("flipped-signature")),
        ("other-typ", "proof", header("typ", "JWT")),
        ("other-htm", "proof", proof(ProofEdits { htm: Some(HtmEdit::OtherMethod), ..default() })),
        ("other-htu", "proof", proof(ProofEdits { htu: Some(HtuEdit::OtherPath), ..default() })),
        ("other-ath", "proof", claiming("ath", Ath::of("another token").as_str())),
        ("no-ath", "proof", omit("ath")),
        ("no-jti", "proof", omit("jti")),
        ("a-day-old", "proof", dated(-day)),
        ("a-day-ahead", "proof", dated(day)),
        ("other-key", "binding", proof(ProofEdits { key: Some(KeyChoice::Fresh), ..default() })),
        (
            "token-spoiled",
            "token",
            Step { token: TokenEdits { tamper: true, ..Default::default() }, ..Step::default() },
        ),
        (
            "bound-token-as-bearer",
            "token",
            request(RequestEdits {
                scheme: Some("Bearer".to_owned()),
                omit: vec![OmittedField::Dpop],
                ..Default::default()
            }),
        ),
    ]
}

pub(super) async fn measure(means: &Means<'_>) -> Result<ErrorMap, Unmeasured> {
    let mut bench = means.bench().await?;
    let bare = Refused::of(&bench.send_bare().await?);
    let mut faults_seen =
        vec![Fault { fault: "no-credentials", kind: "none", answer: Some(bare), why_not: None }];
    for (fault, kind, step) in faults() {
        faults_seen.push(tried(&mut bench, fault, kind, &step).await?);
    }
    if means.nonce != NoncePolicy::Never {
        let missing = with(ProofEdits { omit: vec!["nonce".to_owned()], ..ProofEdits::default() });
        let made_up = with(ProofEdits { nonce: Some(NonceEdit::MadeUp), ..ProofEdits::default() });
        for (fault, step) in [("no-nonce", missing), ("made-up-nonce", made_up)] {
            faults_seen.push(tried(&mut bench, fault, "nonce", &step).await?);
        }
    }
    bench.must_accept(&named(FIRST, Step::default())).await?;
    faults_seen.push(tried(&mut bench, "used-twice", "proof", &resent()).await?);
    bench.control().await?;
    Ok(ErrorMap { faults: faults_seen })
}

async fn tried(
    bench: &mut Bench<'_>,
    fault: &'static str,
    kind: &'static str,
    step: &Step,
) -> Result<Fault, Unmeasured> {
    let (answer, why_not) = match bench.send(step).await {
        Ok(seen) => (Some(Refused::of(&seen)), None),
        Err(why @ Unmeasured::NotMade(_)) => (None, Some(why.to_string())),
        Err(why) => return Err(why),
    };
    Ok(Fault { fault, kind, answer, why_not })
}

impl ErrorMap {
    /// The `error` of the fault of this name.
    fn error(&self, fault: &str) -> Option<&str> {
        self.faults.iter().find(|row| row.fault == fault)?.answer.as_ref()?.error.as_deref()
    }

    /// Each answer, and the faults that have it.
    fn groups(&self) -> Vec<(String, Vec<&'static str>)> {
        let mut groups: Vec<(String, Vec<&'static str>)> = Vec::new();
        for row in &self.faults {
            let Some(answer) = &row.answer else { continue };
            let told = answer.told();
            match groups.iter_mut().find(|(known, _)| *known == told) {
                Some((_, faults)) => faults.push(row.fault),
                None => groups.push((told, vec![row.fault])),
            }
        }
        groups
    }
}

impl Told for ErrorMap {
    fn told(&self) -> String {
        let tried = self.faults.iter().filter(|row| row.answer.is_some()).count();
        format!("{} different answers to {tried} faults", self.groups().len())
    }

    fn meaning(&self) -> String {
        let word = |error: Option<&str>| error.unwrap_or("no error").to_owned();
        let (proof, binding) = (word(self.error("bad-signature")), word(self.error("other-key")));
        let right = proof == "invalid_dpop_proof" && binding == "invalid_token";
        let usual = if right { ", as the examples of the RFC have it" } else { "" };
        format!("a bad proof is {proof}, a token of another key {binding}{usual}")
    }

    fn details(&self) -> Vec<(String, String)> {
        let mut lines: Vec<(String, String)> =
            self.groups().into_iter().map(|(answer, faults)| (answer, faults.join(", "))).collect();
        for row in &self.faults {
            lines.extend(row.why_not.iter().map(|why| (row.fault.to_owned(), format!("not tried: {why}"))));
        }
        lines
    }
}
