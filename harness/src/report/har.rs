//! `--report har`: every request and its answer as an HTTP Archive 1.2, a page a case. Secrets were replaced when the evidence was
//! taken; sizes that are not known are -1, as the format has it.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::document::{Case, Document, Entry};
use super::message::Message;

/// Writes the archive.
///
/// # Errors
/// Those of `out`.
pub(super) fn write(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    let scheme = match &document.facts.url {
        Some(url) if url.starts_with("https:") => "https",
        Some(_) | None => "http",
    };
    let sent = |case: &&Case<'_>| case.transcript.iter().any(|entry| is_own(&entry));
    let pages: Vec<Value> = document.cases.iter().filter(sent).map(page).collect();
    let entries: Vec<Value> = document
        .cases
        .iter()
        .flat_map(|case| case.transcript.iter().filter(|entry| is_own(entry)).map(move |entry| (case, entry)))
        .map(|(case, exchange)| entry(case, &exchange, scheme))
        .collect();
    let archive = json!({ "log": {
        "version": "1.2",
        "creator": { "name": document.tool.name, "version": document.tool.version },
        "pages": pages,
        "entries": entries,
        "comment": format!("target {}, profile {}", document.target.name, document.profile),
    }});
    serde_json::to_writer_pretty(&mut *out, &archive)?;
    writeln!(out)
}

/// Whether it was sent for this case, and not for the one before.
fn is_own(entry: &Entry<'_>) -> bool {
    !entry.shared
}

fn page(case: &Case<'_>) -> Value {
    let first = case.transcript.iter().find(|entry| is_own(entry)).and_then(|entry| entry.sent);
    json!({
        "startedDateTime": time(first),
        "id": case.id,
        "title": format!("{} {}: {}", case.id, case.title, case.verdict.name()),
        "pageTimings": {},
    })
}

fn entry(case: &Case<'_>, entry: &Entry<'_>, scheme: &str) -> Value {
    let (request, response) = (Message::of(&entry.request), Message::of(&entry.response));
    let (method, _) = request.method_and_target();
    let mut sent = json!({
        "method": method,
        "url": request.url(scheme),
        "httpVersion": request.version(),
        "cookies": [],
        "headers": fields(&request),
        "queryString": [],
        "headersSize": -1,
        "bodySize": request.content.len(),
    });
    if !request.content.is_empty() {
        sent["postData"] = json!({
            "mimeType": request.field("Content-Type").unwrap_or_default(),
            "text": request.content,
        });
    }
    let answered = entry.status.is_some();
    json!({
        "pageref": case.id,
        "startedDateTime": time(entry.sent),
        "time": entry.ms,
        "request": sent,
        // Without an answer the status is 0, as browsers have it, and the text says why.
        "response": {
            "status": entry.status.unwrap_or(0),
            "statusText": "",
            "httpVersion": if answered { response.version() } else { request.version() },
            "cookies": [],
            "headers": if answered { fields(&response) } else { Vec::new() },
            "content": {
                "size": response.content.len(),
                "mimeType": response.field("Content-Type").unwrap_or_default(),
                "text": if answered { response.content } else { &entry.response },
            },
            "redirectURL": response.field("Location").unwrap_or_default(),
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": { "send": 0, "wait": entry.ms, "receive": 0 },
        "comment": format!("{}: {}", entry.turn, entry.told()),
    })
}

fn fields(message: &Message<'_>) -> Vec<Value> {
    message.fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// RFC 3339 with milliseconds. Results of an older version don't say when something was sent.
fn time(milliseconds: Option<u64>) -> String {
    let milliseconds =
        milliseconds.and_then(|milliseconds| i64::try_from(milliseconds).ok()).unwrap_or_default();
    format!("{:.3}", Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH))
}
