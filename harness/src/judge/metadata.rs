use serde_json::Value;

use super::{Judgement, Verdict};
use crate::jose::uri::Uri;
use crate::run::{Document, Link, Published};
use crate::scenario::MetadataCheck;
use crate::spec::Level;
use crate::target::metadata::{is_about, is_same};

/// Judges what a resource publishes of itself by one property, whose level, after the profile, is `level`. What it says may
/// be shown as it is.
pub fn judge_metadata(check: MetadataCheck, published: &Published, level: Level) -> Judgement {
    let deviates = |at: usize, why: String| Judgement::new(Verdict::of_violation(level), why, Some(at));
    match check {
        MetadataCheck::Resource => {
            let Some(document) = &published.document else {
                return Judgement::skip(UNPUBLISHED);
            };
            of_identifier(document, &document.made_from, "the URL that its place is made from", &deviates)
        }
        MetadataCheck::Link => match &published.link {
            Link::Missing => Judgement::skip("no challenge names metadata (resource_metadata)"),
            Link::NotUrl(text) => deviates(0, format!("resource_metadata is no URL: {text}")),
            Link::Elsewhere(url) => Judgement::skip(format!(
                "resource_metadata leads to another origin, which is not asked: {url}"
            )),
            Link::Nowhere(at, None | Some(429)) => Judgement::new(
                Verdict::Inconclusive,
                "no metadata came from where resource_metadata leads",
                Some(*at),
            ),
            Link::Nowhere(at, Some(status)) => {
                deviates(*at, format!("resource_metadata leads to no metadata: answered {status}"))
            }
            Link::To(document) => {
                of_identifier(document, &published.names, "the URL that was requested", &deviates)
            }
        },
        MetadataCheck::Algs => algs(published, &deviates),
    }
}

/// Why there is nothing to judge.
const UNPUBLISHED: &str = "it publishes no metadata (RFC 9728)";

/// Whether the document is about one of `names`. One about what lies above is a note: that is what many have for a whole API.
fn of_identifier(
    document: &Document,
    names: &[Uri],
    what: &str,
    deviates: &dyn Fn(usize, String) -> Judgement,
) -> Judgement {
    let Some(resource) = document.content.get("resource").and_then(Value::as_str) else {
        return deviates(document.at, "metadata without `resource`".to_owned());
    };
    let fits = |fit: fn(&Uri, &Uri) -> bool| {
        resource.parse().is_ok_and(|about: Uri| names.iter().any(|name| fit(&about, name)))
    };
    let name = names.first().map(Uri::to_string).unwrap_or_default();
    if fits(is_same) {
        Judgement { verdict: Verdict::Pass, reason: None, decisive: Some(document.at) }
    } else if fits(is_about) {
        let reason = format!(
            "`resource` is {resource}, above {what}, {name}: clients that compare them use none of it"
        );
        Judgement::new(Verdict::Note, reason, Some(document.at))
    } else {
        deviates(document.at, format!("`resource` is {resource}, and not {what}, {name}"))
    }
}

fn algs(published: &Published, deviates: &dyn Fn(usize, String) -> Judgement) -> Judgement {
    let documents = match &published.link {
        Link::To(document) => Some(document),
        Link::Missing | Link::NotUrl(_) | Link::Elsewhere(_) | Link::Nowhere(..) => None,
    };
    let mut documents = documents.into_iter().chain(&published.document).peekable();
    if documents.peek().is_none() {
        return Judgement::skip(UNPUBLISHED);
    }
    let Some((document, algs)) =
        documents.find_map(|one| Some((one, one.content.get("dpop_signing_alg_values_supported")?)))
    else {
        return Judgement::skip("its metadata say nothing about the algorithms of proofs");
    };
    let names: Option<Vec<&str>> = algs.as_array().and_then(|algs| algs.iter().map(Value::as_str).collect());
    let Some(mut names) = names else {
        return deviates(document.at, "dpop_signing_alg_values_supported is no array of names".to_owned());
    };
    if let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case("none") || name.starts_with("HS"))
    {
        return deviates(document.at, format!("metadata name {name}, which no proof may have"));
    }
    let Some(challenged) = &published.algs else {
        return Judgement::skip("no challenge names algorithms to compare those of its metadata with");
    };
    let mut challenged: Vec<&str> = challenged.iter().map(String::as_str).collect();
    for list in [&mut names, &mut challenged] {
        list.sort_unstable();
        list.dedup();
    }
    if names == challenged {
        return Judgement { verdict: Verdict::Pass, reason: None, decisive: Some(document.at) };
    }
    let (names, challenged) = (names.join(" "), challenged.join(" "));
    deviates(document.at, format!("metadata name {names}, and challenges {challenged}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Document;

    const HERE: &str = "https://a.test/v1/me";

    fn document(content: &str) -> Document {
        let content = match serde_json::from_str(content) {
            Ok(Value::Object(content)) => content,
            other => panic!("{other:?}"),
        };
        let here: Uri = HERE.parse().expect("a URL");
        Document { url: here.clone(), made_from: vec![here], content, at: 1 }
    }

    fn published(content: &str, algs: Option<&str>) -> Published {
        let names = vec![HERE.parse().expect("a URL")];
        let algs = algs.map(|algs| algs.split(' ').map(str::to_owned).collect());
        Published { names, link: Link::Missing, document: Some(document(content)), algs }
    }

    #[track_caller]
    fn check(found: Judgement, verdict: Verdict, reason: &str) {
        assert_eq!(found.verdict, verdict, "{found:?}");
        let said = found.reason.unwrap_or_default();
        assert!(said.contains(reason) && said.is_empty() == reason.is_empty(), "{said:?}");
    }

    #[test]
    fn whose_metadata_they_are() {
        use MetadataCheck::{Link as Leads, Resource};
        use Verdict::{Fail, Note, Pass};
        for (resource, verdict, reason) in [
            (r#"{"resource":"https://a.test/v1/me"}"#, Pass, ""),
            (r#"{"resource":"HTTPS://A.test:443/v1/me/"}"#, Pass, ""),
            (r#"{"resource":"https://a.test"}"#, Note, "above"),
            (r#"{"resource":"https://a.test/v1/other"}"#, Fail, "and not the URL"),
            (r#"{"resource":"http://a.test/v1/me"}"#, Fail, "and not the URL"),
            (r#"{"resource":"me"}"#, Fail, "and not the URL"),
            (r#"{"resource":7}"#, Fail, "without `resource`"),
        ] {
            let found = published(resource, None);
            check(judge_metadata(Resource, &found, Level::Must), verdict, reason);
            let linked = Published { link: Link::To(document(resource)), document: None, ..found };
            check(judge_metadata(Leads, &linked, Level::Must), verdict, reason);
        }
    }

    #[test]
    fn where_a_challenge_leads() {
        use Verdict::{Fail, Inconclusive, Skip};
        let elsewhere = Link::Elsewhere("https://b.test/x".parse().expect("a URL"));
        for (link, verdict, reason) in [
            (Link::Missing, Skip, "no challenge names metadata"),
            (Link::NotUrl("x".into()), Fail, "no URL"),
            (elsewhere, Skip, "another origin"),
            (Link::Nowhere(1, Some(404)), Fail, "answered 404"),
            (Link::Nowhere(1, Some(429)), Inconclusive, "no metadata came"),
            (Link::Nowhere(1, None), Inconclusive, "no metadata came"),
        ] {
            let found = Published { link, ..published("{}", None) };
            check(judge_metadata(MetadataCheck::Link, &found, Level::Must), verdict, reason);
        }
    }

    #[test]
    fn the_algorithms_that_are_published() {
        use Verdict::{Pass, Skip, Warn};
        let says = |algs: &str| format!(r#"{{"dpop_signing_alg_values_supported":{algs}}}"#);
        for (content, challenged, verdict, reason) in [
            (says(r#"["ES256","PS256"]"#), Some("PS256 ES256"), Pass, ""),
            (
                says(r#"["ES256"]"#),
                Some("ES256 PS256"),
                Warn,
                "metadata name ES256, and challenges ES256 PS256",
            ),
            (says(r#"["ES256"]"#), None, Skip, "no challenge names"),
            (says(r#""ES256 PS256""#), Some("ES256 PS256"), Warn, "no array"),
            (says(r#"["ES256",7]"#), Some("ES256"), Warn, "no array"),
            (says(r#"["ES256","none"]"#), None, Warn, "no proof may have"),
            ("{}".to_owned(), Some("ES256"), Skip, "say nothing"),
        ] {
            let found = published(&content, challenged);
            check(judge_metadata(MetadataCheck::Algs, &found, Level::Should), verdict, reason);
        }
        let nothing = Published { document: None, ..published("{}", None) };
        check(judge_metadata(MetadataCheck::Algs, &nothing, Level::Should), Skip, "RFC 9728");
        check(judge_metadata(MetadataCheck::Resource, &nothing, Level::Must), Skip, "RFC 9728");
    }
}
