//! Which cases are performed, and why others are not.

mod filter;
mod opt_in;

use crate::jose::AlgSet;
use crate::proof::{HttpChoice, HttpVersion};
use crate::scenario::{Capability, Case, CaseKind, Rules, Scenario, nearest};
use crate::spec::Profile;
use crate::target::{BearerPolicy, Capabilities, NoncePolicy};

pub use filter::{Filter, Partition, names};
pub use opt_in::OptIn;

pub use crate::scenario::matches;

/// Why a verifier without a server around it is not asked.
const OF_HTTP: &str = "it is about HTTP, and a verifier behind a shim sees nothing of that";

/// A case with the scenario that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Selected<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The case.
    pub case: &'a Case,
}

/// Nothing has the id, or fits the pattern, that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NothingSelected {
    /// No case and no scenario has the name, or fits it.
    #[error("no case is called `{pattern}`{}", hint.as_ref().map(|hint| format!(" (did you mean `{hint}`?)")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        pattern: String,
        /// A name that may have been meant.
        hint: Option<String>,
    },
    /// What has the name belongs to other profiles.
    #[error("`{pattern}` is {why} (--profile), and this is {}", profile.name())]
    OtherProfile {
        /// What was asked for.
        pattern: String,
        /// Which ones.
        why: String,
        /// The one that was asked for.
        profile: Profile,
    },
}

/// Every case of the scenarios, in their order.
pub fn all(scenarios: &[Scenario]) -> Vec<Selected<'_>> {
    scenarios
        .iter()
        .flat_map(|scenario| scenario.cases.iter().map(move |case| Selected { scenario, case }))
        .collect()
}

/// The cases that belong to `profile`, in their order.
pub fn all_of(scenarios: &[Scenario], profile: Profile) -> Vec<Selected<'_>> {
    all(scenarios).into_iter().filter(|selected| selected.case.is_for(profile)).collect()
}

/// The cases that one of `patterns` names: a case's id, a scenario's id, or either with `*` for any text. Without
/// patterns every case.
///
/// # Errors
/// [`NothingSelected`] for the first pattern that names nothing: selecting nothing is never success.
pub fn select<'a>(
    scenarios: &'a [Scenario],
    patterns: &[String],
) -> Result<Vec<Selected<'a>>, NothingSelected> {
    let all = all(scenarios);
    for pattern in patterns {
        if !all.iter().any(|selected| fits(pattern, selected)) {
            let names =
                all.iter().flat_map(|selected| [selected.case.id.as_str(), selected.scenario.id.as_str()]);
            return Err(NothingSelected::Unknown {
                pattern: pattern.clone(),
                hint: nearest(pattern, names).map(str::to_owned),
            });
        }
    }
    Ok(all
        .into_iter()
        .filter(|selected| patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, selected)))
        .collect())
}

/// The same, without the cases of other profiles.
///
/// # Errors
/// [`NothingSelected`] for the first pattern that names nothing, or only cases of other profiles.
pub fn select_for<'a>(
    scenarios: &'a [Scenario],
    patterns: &[String],
    profile: Profile,
) -> Result<Vec<Selected<'a>>, NothingSelected> {
    let mut selected = select(scenarios, patterns)?;
    for pattern in patterns {
        let named = || selected.iter().filter(|selected| fits(pattern, selected));
        if named().all(|selected| !selected.case.is_for(profile)) {
            let why = named().find_map(|selected| selected.case.not_for(profile)).unwrap_or_default();
            return Err(NothingSelected::OtherProfile { pattern: pattern.clone(), why, profile });
        }
    }
    selected.retain(|selected| selected.case.is_for(profile));
    Ok(selected)
}

fn fits(pattern: &str, selected: &Selected<'_>) -> bool {
    matches(pattern, &selected.case.id) || matches(pattern, &selected.scenario.id)
}

/// What is known of the target: measured where that is possible, otherwise as its owner says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// Its use of nonces.
    pub nonce: NoncePolicy,
    /// Whether it remembers `jti` values; unknown counts as yes, and the cases tell.
    pub single_use_jti: Option<bool>,
    /// Whether it serves unbound tokens; unknown is unknown.
    pub bearer: Option<BearerPolicy>,
    /// The algorithms that it is known to accept in proofs: its owner or its challenges say so, or a correct request
    /// showed it.
    pub algs: AlgSet,
    /// The versions of HTTP that the run uses.
    pub http: HttpChoice,
    /// Whether it speaks HTTP/2; none where nobody asked.
    pub http2: Option<bool>,
    /// Whether it demands scopes; unknown is unknown.
    pub scope: Option<bool>,
    /// The rules laid over RFC 9449: what they demand, its owner can't say that it lacks.
    pub profile: Profile,
    /// Whether web pages of other origins can read its answers; none where nobody asked.
    pub cors: Option<bool>,
    /// Whether it is a verifier without a server around it.
    pub bare: bool,
    /// What its metadata say about unbound tokens: whether they are refused; none where it publishes none, or nobody asked.
    pub dpop_published: Option<bool>,
}

impl Traits {
    /// Puts together what was `measured` of the nonce policy, the algorithms that are known, and what the owner says. What
    /// was seen can't be talked away.
    pub fn new(
        measured: NoncePolicy,
        algs: AlgSet,
        capabilities: Capabilities,
        bearer: Option<BearerPolicy>,
    ) -> Self {
        let nonce = match (measured, capabilities.nonce) {
            (NoncePolicy::Required, _) | (_, Some(NoncePolicy::Required)) => NoncePolicy::Required,
            (NoncePolicy::Optional, _) | (_, Some(NoncePolicy::Optional)) => NoncePolicy::Optional,
            (NoncePolicy::Never, None | Some(NoncePolicy::Never)) => NoncePolicy::Never,
        };
        Self {
            nonce,
            single_use_jti: capabilities.single_use_jti,
            bearer,
            algs,
            scope: capabilities.scope,
            http: HttpChoice::Both,
            http2: capabilities.http2,
            profile: Profile::default(),
            cors: None,
            bare: false,
            dpop_published: None,
        }
    }

    /// Why a case means nothing against such a target, if so.
    pub fn unmet(&self, case: &Case) -> Option<String> {
        if let Some(why) = case.not_for(self.profile) {
            return Some(why);
        }
        if self.bare && case.is_about_http() {
            return Some(OF_HTTP.to_owned());
        }
        let (alg, uses_http1) = match &case.kind {
            CaseKind::Script { script, .. } => {
                (script.client.alg.map(Capability::Alg), script.asks_for(HttpVersion::Http1))
            }
            CaseKind::Answers(_) | CaseKind::Metadata(_) | CaseKind::Preflight(_) => (None, false),
        };
        if uses_http1 && self.http == HttpChoice::Only(HttpVersion::Http2) {
            return Some("HTTP/1.1 is not used in this run (--http2)".to_owned());
        }
        let http2 = case.needs_http2().then_some(Capability::Http2);
        case.requires.iter().chain(&alg).chain(&http2).find_map(|capability| self.lacks(*capability))
    }

    fn lacks(&self, capability: Capability) -> Option<String> {
        let demanded = Rules::of(self.profile).requires.contains(&capability);
        let why = match capability {
            // Of these the owner's word is all there is.
            Capability::SingleUseJti | Capability::BearerRefused | Capability::Alg(_) if demanded => {
                return None;
            }
            Capability::Alg(alg) if !self.algs.contains(alg) => {
                return Some(format!("the server does not say that it accepts {}", alg.name()));
            }
            Capability::Nonce if self.nonce == NoncePolicy::Never => "the server supplies no nonces",
            Capability::NonceRequired if self.nonce != NoncePolicy::Required => {
                "the server does not demand nonces"
            }
            Capability::SingleUseJti if self.single_use_jti == Some(false) => {
                "the server does not remember jti values (capabilities.single-use-jti)"
            }
            Capability::BearerRefused if self.bearer == Some(BearerPolicy::Allowed) => {
                "the server still serves unbound tokens (target.bearer: allowed)"
            }
            Capability::BearerRefused if self.bearer.is_none() => {
                "it is not known whether the server may serve unbound tokens (target.bearer)"
            }
            Capability::Http2 if self.http == HttpChoice::Only(HttpVersion::Http1) => {
                "HTTP/2 is not used in this run (--http1.1)"
            }
            Capability::Http2 if self.http2 == Some(false) => "the server does not speak HTTP/2",
            Capability::BearerAllowed if self.bearer != Some(BearerPolicy::Allowed) => {
                "the server does not say that it still serves unbound tokens (target.bearer: allowed)"
            }
            Capability::Scope if self.scope == Some(false) => {
                "the server does not ask for scopes (capabilities.scope)"
            }
            Capability::Scope if self.scope.is_none() => {
                "it is not known whether the server asks for scopes (capabilities.scope)"
            }
            Capability::Cors if self.cors == Some(false) => {
                "the server allows no other origin (Access-Control-Allow-Origin)"
            }
            Capability::DpopPublished if self.dpop_published.is_none() => {
                "it publishes no metadata (RFC 9728) that are about this resource"
            }
            Capability::DpopPublished if self.dpop_published == Some(false) => {
                "its metadata do not say that tokens have to be bound (dpop_bound_access_tokens_required)"
            }
            // What one of several resources must have is seen to where they are chosen.
            Capability::DeclaredNonce
            | Capability::Scope
            | Capability::Nonce
            | Capability::NonceRequired
            | Capability::SingleUseJti
            | Capability::BearerRefused
            | Capability::BearerAllowed
            | Capability::Alg(_)
            | Capability::Http2
            | Capability::Cors
            | Capability::DpopPublished => return None,
        };
        Some(why.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_embedded;

    #[test]
    fn a_pattern_that_names_nothing_is_an_error_with_a_hint() {
        let scenarios = load_embedded().expect("valid");
        let error = select(&scenarios, &["rs.ath.mising".to_owned()]).expect_err("nothing");
        assert_eq!(error.to_string(), "no case is called `rs.ath.mising` (did you mean `rs.ath.missing`?)");
        let ath = scenarios.iter().find(|scenario| scenario.id == "rs.ath").expect("a scenario");
        assert_eq!(select(&scenarios, &["rs.ath".to_owned()]).expect("some").len(), ath.cases.len());
        assert_eq!(select(&scenarios, &[]).expect("all").len(), all(&scenarios).len());
    }

    #[test]
    fn what_belongs_to_another_profile_is_left_out_and_says_so_when_it_is_named() {
        let scenarios = load_embedded().expect("valid");
        let ids = |patterns: &[&str], profile| {
            let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
            let selected = select_for(&scenarios, &patterns, profile)?;
            Ok::<_, NothingSelected>(selected.iter().map(|one| one.case.id.clone()).collect::<Vec<_>>())
        };
        let of_fapi = |ids: &Vec<String>| ids.iter().any(|id| id.starts_with("rs.fapi2."));
        assert!(!of_fapi(&ids(&[], Profile::Rfc9449).expect("some")));
        assert!(!of_fapi(&ids(&["rs.*"], Profile::Mcp).expect("some")));
        assert!(of_fapi(&ids(&[], Profile::Fapi2).expect("some")));
        let error = ids(&["rs.fapi2"], Profile::Rfc9449).expect_err("another profile");
        assert_eq!(
            error.to_string(),
            "`rs.fapi2` is only for the profile fapi2 (--profile), and this is rfc9449"
        );
    }

    #[test]
    fn what_a_profile_demands_cannot_be_talked_away() {
        let scenarios = load_embedded().expect("valid");
        let known = all(&scenarios);
        let case = known.iter().find(|known| known.case.id == "rs.replay.twice").expect("a case").case;
        let says = Capabilities { single_use_jti: Some(false), ..Capabilities::default() };
        let traits = Traits::new(NoncePolicy::Never, AlgSet::default(), says, None);
        assert!(traits.unmet(case).is_some());
        assert_eq!(Traits { profile: Profile::Strict, ..traits }.unmet(case), None);
    }

    #[test]
    fn what_needs_http2_says_so() {
        let scenarios = load_embedded().expect("valid");
        let case =
            |id: &str| all(&scenarios).into_iter().find(|known| known.case.id == id).expect(id).case.clone();
        let (mut plain, over_http2) = (case("rs.ath.missing"), case("rs.http.http2-ok"));
        let says = Capabilities { http2: Some(false), ..Capabilities::default() };
        let traits = Traits::new(NoncePolicy::Never, AlgSet::default(), says, None);
        let why = Some("the server does not speak HTTP/2".to_owned());
        assert_eq!(traits.unmet(&over_http2), why);
        assert_eq!(traits.unmet(&plain), None);
        plain.requires.push(Capability::Http2);
        assert_eq!(traits.unmet(&plain), why);
        assert_eq!(Traits { http2: Some(true), ..traits }.unmet(&over_http2), None);
    }

    #[test]
    fn what_was_seen_cannot_be_talked_away() {
        let says = |nonce| Capabilities { nonce: Some(nonce), ..Capabilities::default() };
        let traits = |measured, says| Traits::new(measured, AlgSet::default(), says, None).nonce;
        assert_eq!(traits(NoncePolicy::Required, says(NoncePolicy::Never)), NoncePolicy::Required);
        assert_eq!(traits(NoncePolicy::Never, says(NoncePolicy::Required)), NoncePolicy::Required);
        assert_eq!(traits(NoncePolicy::Optional, Capabilities::default()), NoncePolicy::Optional);
    }
}
