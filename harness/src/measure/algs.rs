use schemars::JsonSchema;
use serde::Serialize;

use super::{Means, Told, Unmeasured};
use crate::jose::uri::Uri;
use crate::jose::{Alg, AlgSet};
use crate::proof::Step;
use crate::run::{Cast, Decision, Needs};
use crate::target::metadata::{self, PROTECTED_RESOURCE, ResourceMetadata};

/// The algorithms of proofs, as a server says and as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Algorithms {
    /// A correct proof was accepted.
    pub accepted: Vec<&'static str>,
    /// A correct proof was refused.
    pub refused: Vec<&'static str>,
    /// Not tried, and why.
    pub not_tried: Vec<NotTried>,
    /// What its challenges say (RFC 9449 section 7.1), of those that are known here; null where they say nothing.
    pub challenged: Option<Vec<&'static str>>,
    /// What its metadata says (RFC 9728 section 2); null where it publishes none.
    pub published: Option<Vec<String>>,
}

/// An algorithm that was not tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotTried {
    /// Its name.
    pub alg: &'static str,
    /// Why.
    pub why: String,
}

pub(super) async fn measure(means: &Means<'_>) -> Result<Algorithms, Unmeasured> {
    let mut bench = means.bench().await?;
    let challenged = bench.send_bare().await?.algs;
    let published = published(means).await;
    let mut found = Algorithms {
        accepted: Vec::new(),
        refused: Vec::new(),
        not_tried: Vec::new(),
        challenged: challenged.map(AlgSet::names),
        published,
    };
    for alg in Alg::ALL {
        match accepts(means, *alg).await {
            Ok(true) => found.accepted.push(alg.name()),
            Ok(false) => found.refused.push(alg.name()),
            Err(Unmeasured::Cap) => return Err(Unmeasured::Cap),
            Err(why) => found.not_tried.push(NotTried { alg: alg.name(), why: why.to_string() }),
        }
    }
    bench.control().await?;
    Ok(found)
}

async fn accepts(means: &Means<'_>, alg: Alg) -> Result<bool, Unmeasured> {
    let cast = Cast::fresh(means.source, Needs::default(), alg, means.entropy, means.redactor).await;
    let cast = cast.map_err(|error| Unmeasured::NoToken(means.redactor.clean(&error.to_string())))?;
    if cast.own.key.alg() != alg {
        return Err(Unmeasured::Lacks("the token source insists on a key of its own"));
    }
    let mut bench = means.untried(cast);
    let seen = bench.send(&Step::default()).await?;
    match seen.decision {
        Decision::Accept => Ok(true),
        Decision::Reject => Ok(false),
        Decision::Challenge | Decision::Fault | Decision::NoAnswer | Decision::Other => {
            Err(Unmeasured::NoVerdict(Box::new(seen)))
        }
    }
}

/// What the metadata of the resource says, or that of its origin.
async fn published(means: &Means<'_>) -> Option<Vec<String>> {
    let uri = means.call.uri.without_query();
    for identifier in [uri.clone(), Uri { path: String::new(), ..uri }] {
        let url = metadata::inserted(&identifier, PROTECTED_RESOURCE);
        if let Some(found) = metadata::read::<ResourceMetadata>(means.target, &url).await {
            let algs = found.dpop_signing_alg_values_supported;
            let clean = |name: &String| means.redactor.clean_word(name);
            return (!algs.is_empty()).then(|| algs.iter().map(clean).collect());
        }
    }
    None
}

impl Algorithms {
    /// What it says that it accepts, in challenges or metadata, as far as it is known here.
    pub fn advertised(&self) -> Option<AlgSet> {
        let challenged = self.challenged.as_ref().map(|names| AlgSet::from_names(names.iter().copied()));
        let published =
            self.published.as_ref().map(|names| AlgSet::from_names(names.iter().map(String::as_str)));
        challenged.or(published)
    }

    /// What was accepted.
    pub fn accepted(&self) -> AlgSet {
        AlgSet::from_names(self.accepted.iter().copied())
    }
}

fn listed(algs: impl Iterator<Item = Alg>) -> Option<String> {
    let names: Vec<&str> = algs.map(Alg::name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

impl Told for Algorithms {
    fn told(&self) -> String {
        if self.accepted.is_empty() { "none".to_owned() } else { self.accepted.join(" ") }
    }

    fn meaning(&self) -> String {
        let Some(advertised) = self.advertised() else {
            return "it does not say which it accepts, so clients have to guess".to_owned();
        };
        let refused = AlgSet::from_names(self.refused.iter().copied());
        let broken = listed(advertised.iter().filter(|alg| refused.contains(*alg)));
        let hidden = listed(self.accepted().iter().filter(|alg| !advertised.contains(*alg)));
        match (broken, hidden) {
            (None, None) => "as advertised".to_owned(),
            (Some(broken), None) => format!("it advertises {broken} and refuses it"),
            (None, Some(hidden)) => format!("it accepts {hidden} and does not say so"),
            (Some(broken), Some(hidden)) => {
                format!("it advertises {broken} and refuses it; it accepts {hidden} and does not say so")
            }
        }
    }

    fn details(&self) -> Vec<(String, String)> {
        let not_tried = self.not_tried.iter();
        not_tried.map(|NotTried { alg, why }| ((*alg).to_owned(), format!("not tried: {why}"))).collect()
    }
}
