//! What `dpop measure` prints: a page for people, and the format `dpop-facts/1` for programs, with additions only.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::hanging::hanging;
use crate::measure::{
    Algorithms, ClockSkew, ErrorMap, Facts, Forms, Found, Memory, Nonces, Origin, Sizes, Told, Window,
    capabilities_block,
};
use crate::spec::Fact;
use crate::suite::Measured;

/// Where the text of a fact begins.
const INDENT: usize = 10;
/// Where the text of a detail begins.
const DETAIL: usize = 40;

/// What was measured of one target.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "dpop facts")]
struct Document<'a> {
    /// `dpop-facts/1`
    format: &'static str,
    tool: Tool,
    target: Target<'a>,
    /// How many requests it took.
    requests: usize,
    /// Why nothing could be measured, and whose that is.
    trouble: Option<String>,
    /// What was asked for; null where it was not.
    facts: Entries<'a>,
    /// What dpop.yaml says otherwise.
    contradictions: Vec<Contradicted<'a>>,
    /// The section of dpop.yaml that says what was measured.
    capabilities: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Target<'a> {
    name: &'a str,
    /// Method and URL.
    resource: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Entries<'a> {
    skew: Option<Entry<&'a ClockSkew>>,
    origin: Option<Entry<&'a Origin>>,
    nonce: Option<Entry<&'a Nonces>>,
    algs: Option<Entry<&'a Algorithms>>,
    window: Option<Entry<&'a Window>>,
    jti: Option<Entry<&'a Memory>>,
    htu: Option<Entry<&'a Forms>>,
    sizes: Option<Entry<&'a Sizes>>,
    errors: Option<Entry<&'a ErrorMap>>,
}

/// One fact.
#[derive(Debug, Serialize, JsonSchema)]
struct Entry<T> {
    /// Ids of the ledger rows that it measures.
    spec: &'static [&'static str],
    /// What was measured; null where it could not be.
    measured: Option<T>,
    /// Why it could not be.
    why_not: Option<String>,
    /// The value, in a few words.
    told: Option<String>,
    /// What it means, in a sentence.
    meaning: Option<String>,
}

/// A line of dpop.yaml that is not so.
#[derive(Debug, Serialize, JsonSchema)]
struct Contradicted<'a> {
    /// E.g. `capabilities.nonce`.
    key: &'a str,
    says: &'a str,
    measured: &'a str,
}

/// The JSON Schema of `dpop-facts/1`.
pub fn facts_schema() -> serde_json::Value {
    schemars::schema_for!(Document<'_>).to_value()
}

fn entry<T: Told>(fact: Fact, found: &Found<T>) -> Option<Entry<&T>> {
    let found = found.as_ref()?;
    let value = found.as_ref().ok();
    Some(Entry {
        spec: fact.rows(),
        measured: value,
        why_not: found.as_ref().err().map(ToString::to_string),
        told: value.map(Told::told),
        meaning: value.map(Told::meaning),
    })
}

/// Writes the document.
///
/// # Errors
/// Those of `out`.
pub fn write_facts(name: &str, resource: &str, measured: &Measured, out: &mut dyn Write) -> io::Result<()> {
    let Measured { health, facts, contradictions, requests, .. } = measured;
    let Facts { skew, origin, nonce, algs, window, jti, htu, sizes, errors } = facts;
    let document = Document {
        format: super::document::FACTS,
        tool: Tool { name: "dpop", version: env!("CARGO_PKG_VERSION") },
        target: Target { name, resource },
        requests: *requests,
        trouble: health.trouble.as_ref().map(ToString::to_string),
        facts: Entries {
            skew: entry(Fact::Skew, skew),
            origin: entry(Fact::Origin, origin),
            nonce: entry(Fact::Nonce, nonce),
            algs: entry(Fact::Algs, algs),
            window: entry(Fact::Window, window),
            jti: entry(Fact::Jti, jti),
            htu: entry(Fact::Htu, htu),
            sizes: entry(Fact::Sizes, sizes),
            errors: entry(Fact::Errors, errors),
        },
        contradictions: contradictions
            .iter()
            .map(|found| Contradicted { key: found.key, says: &found.says, measured: &found.measured })
            .collect(),
        capabilities: capabilities_block(facts),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

/// A line or two for each fact, with `details` all that is known of it, and the capabilities for dpop.yaml.
///
/// # Errors
/// Those of `out`.
pub fn facts_page(measured: &Measured, details: bool, out: &mut dyn Write) -> io::Result<()> {
    let facts = &measured.facts;
    for fact in Fact::ALL {
        let head = format!("{:INDENT$}", fact.name());
        if let Some(told) = facts.told(*fact) {
            hanging(out, &head, &told.told())?;
            hanging(out, &format!("{:INDENT$}", ""), &told.meaning())?;
            for (name, text) in told.details().iter().filter(|_| details) {
                let name: String = name.chars().take(DETAIL - INDENT - 1).collect();
                hanging(out, &format!("{:INDENT$}{name:1$}", "", DETAIL - INDENT), text)?;
            }
        } else if let Some(why) = facts.unmeasured(*fact) {
            hanging(out, &head, &format!("not measured: {why}"))?;
        }
    }
    if let Some(block) = capabilities_block(facts) {
        writeln!(out, "\nfor dpop.yaml:\n{}", block.trim_end())?;
    }
    for contradiction in &measured.contradictions {
        hanging(out, "! ", &contradiction.to_string())?;
    }
    Ok(())
}
