use serde::Serialize;

use super::observe::Observation;
use super::redact::Redactor;
use crate::mutation::MintedProof;
use crate::proof::Request;
use crate::scenario::Endpoint;
use crate::target::Answer;

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
    /// Request line and header fields.
    pub request: String,
    /// The proof in readable form, where the request carries one.
    pub proof: Option<MintedProof>,
    /// Whether the request presented a token with a proof under the DPoP scheme.
    pub presented: bool,
    /// Whether the proof carried a nonce that the server had supplied.
    pub with_nonce: bool,
    /// Whether it was sent for the case before, and stands here as its control once more.
    pub shared: bool,
    /// What the answer amounts to.
    pub seen: Observation,
    /// Status line, header fields and the beginning of the content.
    pub response: String,
    /// From the first byte sent to the last byte read.
    pub milliseconds: u64,
}

/// A request as text.
pub(super) fn show_request(request: &Request, redactor: &Redactor) -> String {
    redactor.clean(String::from_utf8_lossy(&request.to_bytes()).replace("\r\n", "\n").trim_end())
}

/// An answer as text.
pub(super) fn show_answer(answer: &Answer, redactor: &Redactor) -> String {
    match answer {
        Answer::Nothing(why) => redactor.clean(&why.to_string()),
        Answer::Response(response) => {
            let mut text = format!("HTTP/1.1 {}\n", response.status);
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
