use serde_json::{Map, Value};

use super::session::Session;
use super::transcript::{Exchange, Transcript, Turn};
use crate::jose::uri::Uri;
use crate::proof::{Call, Request};
use crate::scenario::Endpoint;
use crate::target::metadata::{self, PROTECTED_RESOURCE, ResourceMetadata};
use crate::target::{Answer, Challenge};

/// What a resource publishes of itself (RFC 9728), and what its challenge says beside that.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The URLs by which clients may know the resource: the one in proofs first, then the one that is requested.
    pub names: Vec<Uri>,
    /// Where its challenge leads (section 5.1).
    pub link: Link,
    /// The first document that lies where section 3.1 wants one.
    pub document: Option<Document>,
    /// The algorithms that its challenge names (RFC 9449 section 7.1).
    pub algs: Option<Vec<String>>,
}

/// Where `resource_metadata` of a challenge leads.
#[derive(Debug, Clone, PartialEq)]
pub enum Link {
    /// The challenge does not have it.
    Missing,
    /// It is no URL.
    NotUrl(String),
    /// To another origin, which is not asked.
    Elsewhere(Uri),
    /// To an answer that is no metadata: the exchange, and its status, if something came.
    Nowhere(usize, Option<u16>),
    /// To metadata.
    To(Document),
}

/// A document of metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Where it lies.
    pub url: Uri,
    /// The identifiers from which that URL is made; none where a challenge gave it.
    pub made_from: Vec<Uri>,
    /// What it says.
    pub content: Map<String, Value>,
    /// The exchange that brought it, as an index into the transcript.
    pub at: usize,
}

impl Published {
    /// Asks a resource without credentials, and then for its metadata. Nothing secret is sent, and nobody else is asked.
    pub async fn of(session: &mut Session<'_>, transcript: &mut Transcript) -> Self {
        let call = session.call;
        session.send(&Request::bare(call), None, Turn::Canary, transcript).await;
        let challenges = transcript
            .last()
            .map(|exchange| exchange.seen.wording.challenges.list.clone())
            .unwrap_or_default();
        let algs = challenges.iter().filter(|one| one.is_dpop()).find_map(|one| one.parameter("algs"));
        let algs = algs.map(|algs| algs.split_ascii_whitespace().map(str::to_owned).collect());
        let mut names = vec![call.htu.clone(), call.uri.clone(), call.uri.without_query()];
        names.dedup();
        let link = Self::follow(session, &names, &challenges, transcript).await;
        let document = Self::look_up(session, &names, transcript).await;
        Self { names, link, document, algs }
    }

    async fn follow(
        session: &mut Session<'_>,
        names: &[Uri],
        challenges: &[Challenge],
        transcript: &mut Transcript,
    ) -> Link {
        let Some(named) = challenges.iter().find_map(|one| one.parameter("resource_metadata")) else {
            return Link::Missing;
        };
        let Ok(url) = named.parse::<Uri>() else { return Link::NotUrl(named.to_owned()) };
        if !names.iter().any(|name| metadata::is_beside(name, &url)) {
            return Link::Elsewhere(url);
        }
        let (at, status, content) = fetch(session, &url, transcript).await;
        match content {
            Some(content) => Link::To(Document { url, made_from: Vec::new(), content, at }),
            None => Link::Nowhere(at, status),
        }
    }

    /// Looks where the rules of section 3.1 lead: with the path of the resource, and without.
    async fn look_up(
        session: &mut Session<'_>,
        names: &[Uri],
        transcript: &mut Transcript,
    ) -> Option<Document> {
        let mut places: Vec<(Uri, Vec<Uri>)> = Vec::new();
        let roots = names.iter().map(|name| Uri { path: String::new(), ..name.without_query() });
        for identifier in names.iter().cloned().chain(roots) {
            let url = metadata::inserted(&identifier, PROTECTED_RESOURCE);
            match places.iter_mut().find(|(known, _)| known.origin_form() == url.origin_form()) {
                Some((_, made_from)) => made_from.push(identifier),
                None => places.push((url, vec![identifier])),
            }
        }
        for (url, made_from) in places {
            let (at, _, content) = fetch(session, &url, transcript).await;
            if let Some(content) = content {
                return Some(Document { url, made_from, content, at });
            }
        }
        None
    }

    /// What a client may believe: the first of the documents that is about the resource, or about what it belongs to.
    pub fn believed(&self) -> Option<(&Document, ResourceMetadata)> {
        let linked = match &self.link {
            Link::To(document) => Some(document),
            Link::Missing | Link::NotUrl(_) | Link::Elsewhere(_) | Link::Nowhere(..) => None,
        };
        linked.into_iter().chain(&self.document).find_map(|document| {
            let read = ResourceMetadata::of(&document.content)?;
            let about: Uri = read.resource.parse().ok()?;
            self.names.iter().any(|name| metadata::is_about(&about, name)).then_some((document, read))
        })
    }
}

/// Asks the target for the document that its clients know by `url`: the exchange, the status, and the content where that may
/// be metadata.
async fn fetch(
    session: &mut Session<'_>,
    url: &Uri,
    transcript: &mut Transcript,
) -> (usize, Option<u16>, Option<Map<String, Value>>) {
    let here = session.call.uri.clone();
    let uri = Uri { scheme: here.scheme, host: here.host, port: here.port, userinfo: None, ..url.clone() };
    let request = Request::bare(&Call { http: session.call.http, ..Call::to("GET", uri) });
    let before = session.clock.now();
    let answer = session.target.send(&request).await;
    let took = session.clock.now().duration_since(before).unwrap_or_default();
    let exchange = session.exchange(&request, None, Turn::Step(0), &answer, (before, took));
    transcript.push(Exchange { at: Endpoint::Metadata, ..exchange });
    let at = transcript.len() - 1;
    let response = match answer {
        Answer::Response(response) => response,
        Answer::Nothing(_) => return (at, None, None),
    };
    // A page for every path may be JSON, too.
    let content = match serde_json::from_slice::<Value>(&response.body) {
        Ok(Value::Object(content)) if response.status == 200 => {
            let known = ["resource", "authorization_servers", "dpop_signing_alg_values_supported"];
            known.iter().any(|name| content.contains_key(*name)).then_some(content)
        }
        Ok(_) | Err(_) => None,
    };
    (at, Some(response.status), content)
}
