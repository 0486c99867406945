use serde_json::{Value, json};

use super::{Group, Vector};
use crate::generator::Fate;
use crate::reference::{FUTURE_WINDOW, PAST_WINDOW};

/// The vectors as a JSON text in Wycheproof's frame, one vector a line.
pub fn document(groups: &[Group]) -> String {
    let number: usize = groups.iter().map(|group| group.vectors.len()).sum();
    let mut text = format!(
        "{{\n  \"algorithm\": \"DPoP\",\n  \"schema\": \"dpop-proof-verify.schema.json\",\n  \"numberOfTests\": {number},\n  \"header\": {},\n  \"notes\": {},\n  \"testGroups\": [",
        json!([
            "Proofs of RFC 9449 section 4.2, each with one departure from a correct one, as a resource server sees them.",
            "Each is judged at the time `now`, with the policy of its group, and by a verifier that saw none before."
        ]),
        notes(),
    );
    for (place, group) in groups.iter().enumerate() {
        let head = json!({
            "type": "DpopProofVerify",
            "alg": group.alg.name(),
            "policy": {
                "nonce": if group.nonce.is_some() { "required" } else { "never" },
                "iatPast": PAST_WINDOW,
                "iatFuture": FUTURE_WINDOW,
            },
            "nonce": group.nonce,
            "jkt": group.jkt,
            "accessToken": group.access_token,
        });
        let head = head.to_string();
        let open = head.strip_suffix('}').unwrap_or(&head);
        text.push_str(if place == 0 { "\n    " } else { ",\n    " });
        text.push_str(&format!("{open},\"tests\":[\n"));
        let lines: Vec<String> =
            group.vectors.iter().map(|vector| format!("      {}", row(vector))).collect();
        text.push_str(&lines.join(",\n"));
        text.push_str("\n    ]}");
    }
    text.push_str("\n  ]\n}\n");
    text
}

fn row(vector: &Vector) -> Value {
    let flags: &[&str] = match (vector.fate, vector.seen, &vector.case) {
        (Fate::Accepted, ..) => &["Correct"],
        (Fate::Either, true, _) => &["Policy", "Replay"],
        (Fate::Either, false, _) => &["Policy"],
        (Fate::Refused, _, Some(_)) => &["Case"],
        (Fate::Refused, _, None) => &["Mutation"],
    };
    json!({
        "tcId": vector.id,
        "case": vector.case,
        "comment": vector.comment,
        "edits": vector.edits,
        "htm": vector.htm,
        "htu": vector.htu,
        "proof": vector.proof,
        "now": vector.now,
        "seen": vector.seen,
        "result": result(vector.fate),
        "flags": flags,
        "reason": vector.reason,
        "spec": vector.spec,
    })
}

/// The word of Wycheproof for it.
fn result(fate: Fate) -> &'static str {
    match fate {
        Fate::Accepted => "valid",
        Fate::Either => "acceptable",
        Fate::Refused => "invalid",
    }
}

fn notes() -> Value {
    let note = |kind: &str, text: &str| json!({ "bugType": kind, "description": text });
    json!({
        "Correct": note("FUNCTIONALITY", "A correct proof, or one with what specifications allow."),
        "Case": note("CAN_OF_WORMS", "A case of the conformance suite, whose id stands in `case`; `dpop explain ID` tells of it."),
        "Mutation": note("CAN_OF_WORMS", "A structural fault that a case of the suite has together with others."),
        "Policy": note("LEGACY", "Specifications leave the choice; `reason` says why the reference verifier refuses it, if it does."),
        "Replay": note("REPLAY", "The verifier accepted this very proof just before."),
    })
}

/// The JSON Schema of the document.
pub fn schema() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let object = |properties: Value| {
        let required: Vec<&String> =
            properties.as_object().into_iter().flat_map(|members| members.keys()).collect();
        json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
    };
    let list = |items: Value| json!({ "type": "array", "items": items });
    let test = object(json!({
        "tcId": { "type": "integer", "minimum": 1, "description": "The number of the vector in this file." },
        "case": { "type": ["string", "null"], "description": "The case of the suite that it is from." },
        "comment": { "type": "string", "description": "What is wrong with the proof, in words." },
        "edits": { "type": "string", "description": "The edits to a correct proof, as a scenario writes them." },
        "htm": { "type": "string", "description": "The method of the request." },
        "htu": { "type": "string", "description": "The URL of the request, with its query." },
        "proof": { "type": "string", "description": "The value of the only DPoP field." },
        "now": { "type": "integer", "description": "The time, in seconds since 1970-01-01T00:00:00Z." },
        "seen": { "type": "boolean", "description": "Whether the verifier accepted this very proof just before." },
        "result": { "enum": ["valid", "invalid", "acceptable"] },
        "flags": list(json!({ "enum": ["Correct", "Case", "Mutation", "Policy", "Replay"] })),
        "reason": { "type": ["string", "null"], "description": "Why the reference verifier refuses it; null where it accepts it." },
        "spec": list(text.clone()),
    }));
    let group = object(json!({
        "type": { "const": "DpopProofVerify" },
        "alg": { "enum": crate::jose::AlgSet::all().names() },
        "policy": object(json!({
            "nonce": { "enum": ["never", "required"] },
            "iatPast": { "type": "integer", "description": "How old a proof may be, in seconds." },
            "iatFuture": { "type": "integer", "description": "How far ahead a proof may be dated, in seconds." },
        })),
        "nonce": maybe,
        "jkt": { "type": "string", "description": "The thumbprint that the access token is bound to (RFC 7638)." },
        "accessToken": { "type": "string", "description": "The access token beside each proof." },
        "tests": list(test),
    }));
    let note = object(json!({ "bugType": text, "description": text }));
    let mut schema = object(json!({
        "algorithm": { "const": "DPoP" },
        "schema": text,
        "numberOfTests": { "type": "integer", "minimum": 1 },
        "header": list(text.clone()),
        "notes": { "type": "object", "additionalProperties": note },
        "testGroups": list(group),
    }));
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("DPoP proof test vectors");
    schema
}
