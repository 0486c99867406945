//! `dpop-verifier` behind docs/shim.md, by way of the adapter in `harness/second-opinion`. It keeps no jti values.

use std::io::{BufRead as _, Write as _, stdin, stdout};

use second_opinion::{Opinion, Presented, Verifier};
use serde_json::{Value, json};

fn verify(question: &Value) -> Value {
    let text = |name: &str| question[name].as_str();
    let (Some(proof), Some(method), Some(url), Some(now)) =
        (text("proof"), text("htm"), text("htu"), question["now"].as_i64())
    else {
        return json!({ "result": "unsupported", "why": "a question without proof, htm, htu or now" });
    };
    let (access_token, nonce) = (text("at"), text("nonce"));
    let presented = Presented { proof, method, url, access_token, nonce };
    match Verifier::DpopVerifier.judge(presented, now) {
        Opinion::Accepts { jkt } if text("jkt").is_none_or(|bound| bound == jkt) => {
            json!({ "result": "accept", "jkt": jkt })
        }
        Opinion::Accepts { .. } => {
            json!({ "result": "reject", "code": "invalid_token", "why": "the token is bound to another key" })
        }
        Opinion::Refuses(why) if why.contains("panicked") => json!({ "result": "crash", "why": why }),
        Opinion::Refuses(why) => json!({ "result": "reject", "code": "invalid_dpop_proof", "why": why }),
    }
}

fn main() -> std::io::Result<()> {
    for line in stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let answer = match message["op"].as_str() {
            Some("hello") => json!({
                "name": "dpop-verifier",
                "version": "4.4.0",
                "algs": ["ES256", "EdDSA"],
                "features": ["clock", "jkt", "nonce"],
            }),
            Some("verify") => {
                let mut answer = verify(&message);
                answer["id"] = message["id"].clone();
                answer
            }
            Some("bye") => break,
            _ => continue,
        };
        writeln!(stdout().lock(), "{answer}")?;
    }
    Ok(())
}
