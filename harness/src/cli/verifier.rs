use std::io::{BufRead as _, Write, stdin};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Exit, Failure};
use crate::entropy::SystemEntropy;
use crate::jose::AlgSet;
use crate::jose::uri::Uri;
use crate::reference::{DefectSet, NonceMode, Nonces, Presented, RequestUri, Verifier};

/// What a harness asks of the verifier (docs/shim.md).
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
enum Message {
    Hello,
    Verify(Question),
    Bye,
}

#[derive(Deserialize)]
struct Question {
    id: u64,
    proof: String,
    htm: String,
    htu: String,
    at: Option<String>,
    jkt: Option<String>,
    nonce: Option<String>,
    now: i64,
    state: String,
}

/// The reference verifier on standard input and output, as a shim: the model of one, and what `--shim` is tested with.
pub(super) struct Stand {
    pub(super) algs: AlgSet,
    pub(super) replay: bool,
    pub(super) defects: DefectSet,
}

impl Stand {
    /// Answers until it is told to end, or nobody asks any more.
    pub(super) fn serve(&self, context: &mut Context) -> Result<Exit, Failure> {
        let mut verifier = self.verifier();
        for line in stdin().lock().lines() {
            let message = serde_json::from_str(&line?)
                .map_err(|error| Failure::Usage(format!("no message of docs/shim.md: {error}")))?;
            let answer = match message {
                Message::Hello => self.about(),
                Message::Verify(question) => {
                    if question.state == "fresh" {
                        verifier = self.verifier();
                    }
                    let mut answer = judged(&verifier, &question);
                    answer["id"] = Value::from(question.id);
                    answer
                }
                Message::Bye => break,
            };
            writeln!(context.out, "{answer}")?;
            context.out.flush()?;
        }
        Ok(Exit::Conforms)
    }

    fn verifier(&self) -> Verifier {
        let nonces = Nonces::new(NonceMode::Never, &SystemEntropy);
        Verifier::new(nonces, self.replay.then(Default::default), self.algs, self.defects)
    }

    fn about(&self) -> Value {
        let mut features = vec!["clock", "jkt"];
        features.extend(self.replay.then_some("replay"));
        let (algs, version) = (self.algs.names(), env!("CARGO_PKG_VERSION"));
        json!({ "name": "reference", "version": version, "algs": algs, "features": features })
    }
}

fn judged(verifier: &Verifier, question: &Question) -> Value {
    let unsupported = |why: &str| json!({ "result": "unsupported", "why": why });
    let Ok(uri) = question.htu.parse::<Uri>() else { return unsupported("no http URL") };
    let Ok(bound_key) = question.jkt.as_deref().map(str::parse).transpose() else {
        return unsupported("no thumbprint");
    };
    if question.nonce.is_some() {
        return unsupported("it knows its own nonces only");
    }
    let bare = uri.without_query();
    let verified = verifier.verify(&Presented {
        proofs: &[question.proof.as_bytes()],
        method: &question.htm,
        uri: RequestUri { uri: &bare, query: uri.query.as_deref() },
        access_token: question.at.as_deref(),
        bound_key,
        now: question.now,
    });
    match verified {
        Ok(proof) => json!({ "result": "accept", "jkt": proof.jkt.to_string() }),
        Err(refusal) => {
            json!({ "result": "reject", "code": refusal.code().name(), "why": refusal.to_string() })
        }
    }
}
