//! A request and its answer, put down as evidence: without secrets, and with what the judge reads of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::evidence::{Evidence, Texts};
use super::leak::Leak;
use super::observe::{Decision, observe};
use super::session::Session;
use super::transcript::{Asked, Exchange, Turn, show_answer, show_request};
use super::wording::Wording;
use crate::mutation::{Minted, MintedProof};
use crate::proof::{Request, Success};
use crate::scenario::Endpoint;
use crate::target::{Answer, NoAnswer, Response};

impl Session<'_> {
    /// One request and its answer, as evidence.
    pub(super) fn exchange(
        &self,
        request: &Request,
        minted: Option<&Minted>,
        turn: Turn,
        answer: &Answer,
        (began, took): (SystemTime, Duration),
    ) -> Exchange {
        let asked = Asked::with(request, minted.is_some_and(|minted| minted.odd));
        let call = self.place_of(turn).map_or(self.call, |place| place.call);
        // What a browser asks beforehand is no request for the resource.
        let success = if asked.preflight { &Success::default() } else { &call.success };
        let mut seen = observe(answer, success);
        // What a server says may be what it was sent.
        seen.error = seen.error.map(|error| self.redactor.clean_word(&error));
        seen.said = seen.said.map(|said| self.redactor.clean_word(&said));
        if let Some(NoAnswer::Shim(why)) = &mut seen.nothing {
            *why = self.redactor.clean_word(why);
        }
        let has = |name: &str| request.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
        let under_dpop = request.fields.iter().any(|field| {
            field.name == "Authorization" && field.value.to_ascii_lowercase().starts_with("dpop ")
        });
        let odd = minted.is_some_and(|minted| minted.odd);
        if let Answer::Response(response) = answer {
            // What a verifier gives as its reason goes to the program around it, and to no client.
            let private = odd || self.target.is_bare_verifier();
            seen.wording = Arc::new(self.wording(response, seen.decision, private));
        }
        Exchange {
            turn,
            at: self.place_of(turn).map_or(Endpoint::Resource, |place| place.at),
            method: request.method.clone(),
            evidence: Evidence::from(Texts {
                request: show_request(request, self.redactor),
                proof: minted.filter(|_| has("DPoP")).map(|minted| self.readable(&minted.proof)),
                response: show_answer(answer, request.http, self.redactor),
            }),
            presented: under_dpop && has("DPoP") && !odd,
            asked,
            odd,
            with_nonce: self.nonce.is_some(),
            challenges_before: 0,
            with_nonce_of_success: false,
            shared: false,
            alike: 1,
            crowd: None,
            watched: None,
            seen,
            sent: milliseconds(began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
            milliseconds: milliseconds(took),
        }
    }

    fn readable(&self, proof: &MintedProof) -> MintedProof {
        let clean = |text: &str| self.redactor.clean(text);
        let correct = proof.correct.as_ref().map(|(header, claims)| (clean(header), clean(claims)));
        MintedProof { header: clean(&proof.header), claims: clean(&proof.claims), correct }
    }

    /// How an answer is put, without secrets. What the URL had, a page about the URL may repeat.
    fn wording(&self, response: &Response, decision: Decision, private: bool) -> Wording {
        let mut wording = Wording::of(response, &|text| self.redactor.clean_word(text));
        if decision != Decision::Accept && !private {
            let values = response.fields.iter().map(|(_, value)| value.as_slice());
            let said = values.chain([response.body.as_slice()]).map(String::from_utf8_lossy);
            wording.leak = said.fold(None, |leak, text| match leak {
                Some(Leak::Secret) => leak,
                Some(_) | None if self.redactor.is_in(&text) => Some(Leak::Secret),
                Some(_) | None => leak.or_else(|| Leak::in_text(&text)),
            });
        }
        wording
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
