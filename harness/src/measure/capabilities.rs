use super::{Facts, Tried};
use crate::target::Capabilities;

/// What dpop.yaml says of a target and a measurement denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The key, e.g. `capabilities.nonce`.
    pub key: &'static str,
    /// What it says.
    pub says: String,
    /// What was measured: what it should say.
    pub measured: String,
}

impl std::fmt::Display for Contradiction {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, says, measured } = self;
        write!(out, "{key} says {says}, and {measured} was measured: write `{}: {measured}`", self.name())
    }
}

impl Contradiction {
    fn name(&self) -> &'static str {
        self.key.rsplit('.').next().unwrap_or(self.key)
    }
}

/// What was measured of the capabilities: the key, and what belongs there.
fn measured(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if let Some(Ok(nonce)) = &facts.nonce {
        found.push(("capabilities.nonce", nonce.policy.to_owned()));
    }
    if let Some(Ok(memory)) = &facts.jti {
        // What a nonce ends was not ended by a memory of jti values.
        let known = match (&memory.again, memory.nonce_may_be_used_again, &memory.signed_anew) {
            (Tried::Accepted, ..) => Some(false),
            (Tried::Refused, true, _) | (Tried::Refused, false, Tried::Refused) => Some(true),
            (Tried::Refused, false, Tried::Accepted | Tried::NotTried(_)) | (Tried::NotTried(_), ..) => None,
        };
        found.extend(known.map(|known| ("capabilities.single-use-jti", known.to_string())));
    }
    if let Some(Ok(algs)) = &facts.algs
        && !algs.accepted.is_empty()
    {
        found.push(("capabilities.algs", format!("[{}]", algs.accepted.join(", "))));
    }
    found
}

/// The lines of dpop.yaml that are not so.
pub fn contradictions(capabilities: &Capabilities, facts: &Facts) -> Vec<Contradiction> {
    let says = |key: &str| match key {
        "capabilities.nonce" => capabilities.nonce.map(|policy| policy.name().to_owned()),
        "capabilities.single-use-jti" => capabilities.single_use_jti.map(|known| known.to_string()),
        "capabilities.algs" => capabilities.algs.map(|algs| format!("[{}]", algs.names().join(", "))),
        _ => None,
    };
    let contradiction = |(key, measured): (&'static str, String)| {
        let says = says(key).filter(|says| *says != measured)?;
        Some(Contradiction { key, says, measured })
    };
    measured(facts).into_iter().filter_map(contradiction).collect()
}

/// The section of dpop.yaml that says what was measured; none where nothing was.
pub fn capabilities_block(facts: &Facts) -> Option<String> {
    let lines: Vec<String> = measured(facts)
        .iter()
        .map(|(key, value)| format!("  {}: {value}", key.rsplit('.').next().unwrap_or(key)))
        .collect();
    (!lines.is_empty()).then(|| format!("capabilities:\n{}\n", lines.join("\n")))
}
