//! `--report sarif`: SARIF 2.1.0 (OASIS), for code scanning: a rule a case that was performed, a result a finding, at the line
//! of the resource in the config, or of a scenario that is not built in. Where nothing was found it is a valid file without results, so that old alerts are closed.

use std::collections::BTreeSet;
use std::io::{self, Write};

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};

use super::document::{Case, Document, Entry};
use super::message::Message;
use crate::judge::Verdict;
use crate::spec::{Ledger, Level};

/// Where the schema is.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The specification that most cases are about.
const RFC: &str = "https://www.rfc-editor.org/rfc/rfc9449";

/// Writes the log.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let performed = |case: &&Case<'_>| case.verdict != Verdict::Skip;
    let cases: Vec<&Case<'_>> = document.cases.iter().filter(performed).collect();
    let weaknesses: Vec<u16> =
        cases.iter().flat_map(|case| case.cwe.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect();
    let rules: Vec<Value> = cases.iter().map(|case| rule(case, &weaknesses)).collect();
    let results: Vec<Value> =
        cases.iter().enumerate().filter_map(|(at, case)| result(case, at, document)).collect();
    let mut run = json!({
        "tool": { "driver": {
            "name": "dpop",
            "semanticVersion": document.tool.version,
            "informationUri": RFC,
            "rules": rules,
            "supportedTaxonomies": [{ "name": "CWE", "index": 0 }],
        }},
        "automationDetails": { "id": format!("dpop/{}/{}/", document.target.name, document.profile) },
        "invocations": [invocation(document)],
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    if weaknesses.is_empty() {
        run["tool"]["driver"]["supportedTaxonomies"] = json!([]);
    } else {
        let taxa: Vec<Value> = weaknesses.iter().map(|number| json!({ "id": number.to_string() })).collect();
        run["taxonomies"] = json!([{
            "name": "CWE",
            "organization": "MITRE",
            "shortDescription": { "text": "Common Weakness Enumeration" },
            "informationUri": "https://cwe.mitre.org/",
            "isComprehensive": false,
            "taxa": taxa,
        }]);
    }
    let log = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn rule(case: &Case<'_>, weaknesses: &[u16]) -> Value {
    let requirements: Vec<String> = case
        .spec
        .iter()
        .filter_map(|id| Ledger::embedded().requirement(id))
        .map(|row| format!("{} ({})", row.text, row.source))
        .collect();
    let attacker = case.attacker.iter().map(|attacker| format!("Who gains: {attacker}."));
    let paragraphs: Vec<String> = [case.why.to_string()]
        .into_iter()
        .chain(attacker)
        .chain(requirements)
        .filter(|text| !text.is_empty())
        .collect();
    let relationships: Vec<Value> = case
        .cwe
        .iter()
        .map(|number| {
            let at = weaknesses.iter().position(|known| known == number);
            json!({
                "target": { "id": number.to_string(), "index": at, "toolComponent": { "name": "CWE", "index": 0 } },
                "kinds": ["superset"],
            })
        })
        .collect();
    let weaknesses = case.cwe.iter().map(|number| format!("external/cwe/cwe-{number:03}"));
    let tags: Vec<String> = ["security".to_owned()].into_iter().chain(weaknesses).collect();
    let severity = match &*case.level {
        level if level == Level::Must.name() => "8.0",
        level if level == Level::Should.name() => "5.0",
        _ => "3.0",
    };
    let more = format!("\n\nMore: `dpop explain {}`", case.id);
    json!({
        "id": case.id,
        "name": pascal_case(&case.id),
        "shortDescription": { "text": case.title },
        "fullDescription": { "text": if paragraphs.is_empty() { case.title.to_string() } else { paragraphs.join(" ") } },
        "help": {
            "text": format!("{}{more}", paragraphs.join("\n\n")),
            "markdown": format!("{}{more}", paragraphs.join("\n\n")),
        },
        "helpUri": RFC,
        "defaultConfiguration": { "level": level(verdict_of(&case.level)) },
        "relationships": relationships,
        "properties": { "tags": tags, "security-severity": severity, "precision": "very-high" },
    })
}

/// What a case of this level is where it is missed.
fn verdict_of(level: &str) -> Verdict {
    let levels = [Level::Must, Level::Should, Level::May, Level::Policy];
    levels.into_iter().find(|known| known.name() == level).map_or(Verdict::Fail, Verdict::of_violation)
}

fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "error",
        Verdict::Warn => "warning",
        Verdict::Note => "note",
        Verdict::Pass | Verdict::Skip | Verdict::Inconclusive => "none",
    }
}

fn result(case: &Case<'_>, rule: usize, document: &Document<'_>) -> Option<Value> {
    match case.verdict {
        Verdict::Fail | Verdict::Warn | Verdict::Note => {}
        Verdict::Pass | Verdict::Skip | Verdict::Inconclusive => return None,
    }
    let reason = case.reason.iter().map(|reason| format!(" {reason}."));
    let mut result = json!({
        "ruleId": case.id,
        "ruleIndex": rule,
        "level": level(case.verdict),
        "message": { "text": format!("{}: {}.{}", case.title, case.told(), reason.collect::<String>()) },
        "locations": [location(case, document)],
        "partialFingerprints": { "dpopCase/v1": fingerprint(&document.target.name, &case.id) },
        "suppressions": case.waived.iter().map(|waiver| json!({
            "kind": "external",
            "status": "accepted",
            "justification": format!("{} (until {})", waiver.reason, waiver.expires),
        })).collect::<Vec<_>>(),
        "properties": { "scenario": format!("{}:{}", case.file, case.line), "expected": case.expected, "spec": case.spec, "reproduced": case.reproduced },
    });
    if let Some(drift) = &document.drift {
        result["baselineState"] = match drift.word(&case.id) {
            "changed" => "updated",
            "new" => "new",
            _ => "unchanged",
        }
        .into();
    }
    if let Some(entry) = case.decisive() {
        result["webRequest"] = request(&entry, document);
        result["webResponse"] = response(&entry);
    }
    Some(result)
}

fn location(case: &Case<'_>, document: &Document<'_>) -> Value {
    let (file, line) = document.place(case);
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri_reference(file) },
            "region": { "startLine": line.max(1) },
        },
    });
    if let Some(url) = &document.facts.url {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": url, "kind": "resource" }]);
    }
    location
}

fn request(entry: &Entry<'_>, document: &Document<'_>) -> Value {
    let message = Message::of(&entry.request);
    let scheme = if document.facts.url.as_ref().is_some_and(|url| url.starts_with("https:")) {
        "https"
    } else {
        "http"
    };
    json!({
        "protocol": "HTTP",
        "version": message.version().trim_start_matches("HTTP/"),
        "method": message.method_and_target().0,
        "target": message.url(scheme),
        "headers": fields(&message),
    })
}

fn response(entry: &Entry<'_>) -> Value {
    let Some(status) = entry.status else {
        return json!({ "noResponseReceived": true, "reasonPhrase": entry.response });
    };
    let message = Message::of(&entry.response);
    json!({
        "protocol": "HTTP",
        "version": message.version().trim_start_matches("HTTP/"),
        "statusCode": status,
        "headers": fields(&message),
        "body": { "text": message.content },
    })
}

/// Fields by name; the values of one that comes more than once are joined, as the format has one text for each.
fn fields(message: &Message<'_>) -> Value {
    let mut map = Map::new();
    for (name, value) in &message.fields {
        match map.get_mut(*name) {
            Some(Value::String(before)) => before.push_str(&format!(", {value}")),
            Some(_) | None => drop(map.insert((*name).to_owned(), Value::from(*value))),
        }
    }
    Value::Object(map)
}

/// What kept the run from being whole, and waivers that are no longer good.
fn invocation(document: &Document<'_>) -> Value {
    let note = |level: &str, text: String| json!({ "level": level, "message": { "text": text } });
    let trouble = document.facts.trouble.iter().map(|trouble| note("error", trouble.to_string()));
    let unclear = document.cases.iter().filter(|case| case.verdict == Verdict::Inconclusive);
    let unclear = unclear
        .map(|case| note("warning", format!("{}: {}", case.id, case.reason.as_deref().unwrap_or_default())));
    let waivers = document.bad_waivers.iter().map(|waiver| note("error", waiver.told.to_string()));
    let notifications: Vec<Value> = trouble.chain(unclear).chain(waivers).collect();
    let mut invocation = json!({
        "executionSuccessful": document.facts.trouble.is_none(),
        "toolExecutionNotifications": notifications,
    });
    if let Some(began) = &document.began {
        invocation["startTimeUtc"] = Value::from(began.as_ref());
    }
    invocation
}

/// The same for the same case against the same target, wherever and whenever it is performed.
fn fingerprint(target: &str, id: &str) -> String {
    let hash = digest::digest(&digest::SHA256, format!("{target}\0{id}").as_bytes());
    hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// `RsAthOtherToken`
fn pascal_case(id: &str) -> String {
    id.split(['.', '-'])
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect()
}

/// A path as a URI reference (RFC 3986 section 4.1).
fn uri_reference(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let path = path.replace('\\', "/");
    let escaped: String = path
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    if path.starts_with('/') { format!("file://{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places() {
        assert_eq!(pascal_case("rs.ath.other-token"), "RsAthOtherToken");
        assert_eq!(uri_reference("my scenarios/ä.yaml"), "my%20scenarios/%C3%A4.yaml");
        assert_eq!(uri_reference("/abs/x.yaml"), "file:///abs/x.yaml");
        assert_ne!(fingerprint("a", "rs.x"), fingerprint("b", "rs.x"));
    }
}
