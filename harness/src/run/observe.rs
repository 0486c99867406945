use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::redact::visible;
use super::wording::{Wording, nonces};
use crate::jose::{AlgSet, Nonce};
use crate::proof::Success;
use crate::target::{Answer, Challenge, NoAnswer, Response};

/// What a target did with a request, before anybody asks whether that was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// 2xx, or what the config names in its place (`target.success`): it let the request through.
    Accept,
    /// 400, 401 or 403: it refused.
    Reject,
    /// It asked for a nonce (RFC 9449 sections 8 and 9).
    Challenge,
    /// 5xx, but for 501.
    Fault,
    /// Nothing came: a hang, a reset, something that is not HTTP.
    NoAnswer,
    /// A redirect or a routing answer such as 404, 405, 429 or 501, and a 2xx where the config names others: no verdict on
    /// the proof.
    Other,
}

impl Decision {
    /// The word in results and snapshots.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Challenge => "challenge",
            Self::Fault => "fault",
            Self::NoAnswer => "no-answer",
            Self::Other => "other",
        }
    }
}

/// The parts of an answer that matter to a judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What the target did.
    pub decision: Decision,
    /// The status code.
    pub status: Option<u16>,
    /// The `error` code, without control characters.
    pub error: Option<String>,
    /// The first `DPoP-Nonce` that is well-formed (RFC 9449 section 8.1); there should be one at most.
    pub nonce: Option<Nonce>,
    /// How many nonces `DPoP-Nonce` fields supply.
    pub nonce_fields: usize,
    /// Whether there is a challenge in `WWW-Authenticate`.
    pub challenged: bool,
    /// Whether one of its challenges has the DPoP scheme.
    pub offers_dpop: bool,
    /// The algorithms that those say the server accepts (section 7.1), as far as they are known; none where they say
    /// nothing.
    pub algs: Option<AlgSet>,
    /// The `error_description`, without control characters: for a diagnosis, and for no verdict.
    pub said: Option<String>,
    /// How it is put; filled in where it becomes evidence.
    pub wording: Arc<Wording>,
    /// Why nothing came.
    pub nothing: Option<NoAnswer>,
}

/// What an answer amounts to, where `success` are the statuses of success.
pub fn observe(answer: &Answer, success: &Success) -> Observation {
    match answer {
        Answer::Response(response) => observe_response(response, success),
        Answer::Nothing(why) => Observation {
            decision: Decision::NoAnswer,
            status: None,
            error: None,
            nonce: None,
            nonce_fields: 0,
            challenged: false,
            offers_dpop: false,
            algs: None,
            said: None,
            wording: Arc::default(),
            nothing: Some(why.clone()),
        },
    }
}

fn observe_response(response: &Response, success: &Success) -> Observation {
    let error = response.error().map(|error| visible(&error));
    let challenges = response.challenges().list;
    let nonces: Vec<String> = nonces(response).collect();
    let nonce = nonces.iter().find_map(|nonce| nonce.parse().ok());
    let decision = match response.status {
        status if success.takes(status) => Decision::Accept,
        400 | 401 | 403 if error.as_deref() == Some("use_dpop_nonce") => Decision::Challenge,
        400 | 401 | 403 => Decision::Reject,
        // Of these, 501 says that the method is not known (RFC 9110 section 15.6.2).
        501 => Decision::Other,
        500..=599 => Decision::Fault,
        _ => Decision::Other,
    };
    Observation {
        decision,
        status: Some(response.status),
        error,
        nonce,
        nonce_fields: nonces.len(),
        challenged: !challenges.is_empty(),
        offers_dpop: challenges.iter().any(Challenge::is_dpop),
        algs: challenges
            .iter()
            .filter(|challenge| challenge.is_dpop())
            .find_map(|challenge| challenge.parameter("algs"))
            .map(|algs| AlgSet::from_names(algs.split_ascii_whitespace())),
        said: response.error_description().map(|said| visible(&said)),
        wording: Arc::default(),
        nothing: None,
    }
}

impl fmt::Display for Observation {
    /// `reject 401 invalid_dpop_proof`, `no-answer: the connection was closed …`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.decision.name())?;
        if let Some(status) = self.status {
            write!(out, " {status}")?;
        }
        if let Some(error) = &self.error {
            write!(out, " {error}")?;
        }
        match &self.nothing {
            Some(why) => write!(out, ": {}", visible(&why.to_string())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, fields: &[(&str, &str)]) -> Observation {
        let fields =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        observe(&Answer::Response(Response { status, fields, body: Vec::new() }), &Success::default())
    }

    #[test]
    fn decisions_where_statuses_are_named() {
        let success = Success::only(vec![201, 302]).expect("codes of success");
        let decision = |status| {
            let answer = Answer::Response(Response { status, ..Response::default() });
            observe(&answer, &success).decision
        };
        for (status, decided) in [
            (201, Decision::Accept),
            (302, Decision::Accept),
            (200, Decision::Other),
            (303, Decision::Other),
            (401, Decision::Reject),
            (500, Decision::Fault),
        ] {
            assert_eq!(decision(status), decided, "{status}");
        }
    }

    #[test]
    fn decisions_by_status() {
        for (status, decision) in [
            (200, Decision::Accept),
            (204, Decision::Accept),
            (302, Decision::Other),
            (400, Decision::Reject),
            (401, Decision::Reject),
            (403, Decision::Reject),
            (404, Decision::Other),
            (405, Decision::Other),
            (429, Decision::Other),
            (500, Decision::Fault),
            (501, Decision::Other),
            (503, Decision::Fault),
        ] {
            assert_eq!(answer(status, &[]).decision, decision, "{status}");
        }
    }

    #[test]
    fn a_nonce_challenge_is_told_by_its_error() {
        let challenge = ("WWW-Authenticate", "DPoP error=\"use_dpop_nonce\"");
        let seen = answer(401, &[challenge, ("dpop-nonce", "abc")]);
        assert_eq!(seen.decision, Decision::Challenge);
        assert_eq!(seen.nonce.as_ref().map(Nonce::as_str), Some("abc"));
        assert!(seen.challenged && seen.offers_dpop);
        assert_eq!(answer(401, &[challenge]).nonce, None);
        let twice = answer(401, &[challenge, ("dpop-nonce", "a"), ("DPoP-Nonce", "b")]);
        assert_eq!((twice.nonce.as_ref().map(Nonce::as_str), twice.nonce_fields), (Some("a"), 2));
    }

    #[test]
    fn the_algorithms_of_a_dpop_challenge() {
        let algs = |challenge| answer(401, &[("WWW-Authenticate", challenge)]).algs;
        assert_eq!(algs("Bearer algs=\"RS256\", DPoP algs=\"ES256 X\""), Some(AlgSet::from_names(["ES256"])));
        assert_eq!(algs("DPoP algs=\"\""), Some(AlgSet::default()));
        assert_eq!(algs("DPoP error=\"invalid_token\""), None);
    }

    #[test]
    fn what_a_server_sends_is_escaped() {
        let seen = answer(401, &[("WWW-Authenticate", "DPoP error=\"\u{1b}[31mred\"")]);
        assert_eq!(seen.to_string(), "reject 401 \\u{1b}[31mred");
    }
}
