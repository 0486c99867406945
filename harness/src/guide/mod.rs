//! The guide: a page for each mistake and each rule, the client's flow, and the parts of a proof with a live example.
//!
//! The pages lie in `docs/guide/`, for people who read the repository, and are compiled in for `dpop explain`.

mod example;
mod members;

pub use example::Example;
pub use members::{MEMBERS, Member, Part, members_as_markdown};

/// A page of the guide.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The word after `dpop explain`; the file is `docs/guide/NAME.md`.
    pub name: &'static str,
    /// The page in Markdown, no line wider than [`WIDTH`]. Its first line is `# ` and the title.
    pub text: &'static str,
}

/// The widest line of the guide.
pub const WIDTH: usize = 100;

/// The headings of a page, in this order.
pub const SECTIONS: &[&str] = &[
    "What people get wrong",
    "Why it happens",
    "What to do instead",
    "What a server should do when it sees it",
    "Who gains what if it does not",
    "See also",
];

/// The client's flow as a diagram, from the first token to the refreshed one.
pub const FLOW: &str = include_str!("flow.txt");

macro_rules! page {
    ($name:literal) => {
        Page { name: $name, text: include_str!(concat!("../../../docs/guide/", $name, ".md")) }
    };
}

/// One page for each [`Pitfall`](crate::scenario::Pitfall), called as it is.
pub const PITFALLS: &[Page] = &[
    page!("new-key-per-request"),
    page!("other-key-at-the-api"),
    page!("reused-proof"),
    page!("missing-ath"),
    page!("wrong-htm"),
    page!("wrong-htu"),
    page!("ignored-nonce"),
    page!("bearer-downgrade"),
    page!("real-http-stacks"),
    page!("possession-is-not-permission"),
    page!("https-only"),
    page!("failures-are-seen"),
];

/// The advice for production that is not about one mistake in a proof.
pub const RULES: &[Page] = &[page!("browser-matter"), page!("nonces-where-risk-is-high")];

/// Every page: mistakes, then rules.
pub fn pages() -> impl Iterator<Item = &'static Page> {
    PITFALLS.iter().chain(RULES)
}

/// The page of this name.
pub fn page(name: &str) -> Option<&'static Page> {
    pages().find(|page| page.name == name)
}

impl Page {
    /// The title, without the sign of a heading.
    pub fn title(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches("# ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::jose::Ath;
    use crate::scenario::{Pitfall, load_embedded};

    #[test]
    fn every_pitfall_has_its_page() {
        let names: Vec<_> = PITFALLS.iter().map(|page| page.name).collect();
        let pitfalls: Vec<_> = Pitfall::ALL.iter().map(|pitfall| pitfall.name()).collect();
        assert_eq!(names, pitfalls);
        for rule in RULES {
            assert!(!names.contains(&rule.name), "{} is in both lists", rule.name);
        }
    }

    #[test]
    fn every_file_in_the_folder_is_a_page() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(files, pages().map(|page| format!("{}.md", page.name)).collect());
    }

    /// The lines outside code blocks, the fences not counted.
    fn prose(page: &Page) -> Vec<&'static str> {
        let mut code = false;
        let lines = page.text.lines().filter(|line| {
            let fence = line.starts_with("```");
            code ^= fence;
            !fence && !code
        });
        lines.collect()
    }

    #[test]
    fn every_page_has_its_sections_with_something_in_them() {
        for page in pages() {
            let text = prose(page);
            assert!(page.text.starts_with("# ") && !page.title().is_empty(), "{}", page.name);
            let headings: Vec<_> = text.iter().filter_map(|line| line.strip_prefix("## ")).collect();
            assert_eq!(headings, SECTIONS, "{}", page.name);
            for section in page.text.split("\n## ").skip(1) {
                let body = section.split_once('\n').map(|(_, body)| body.trim()).unwrap_or_default();
                assert!(body.len() > 60, "{}: {section}", page.name);
            }
            let lines = page.text.lines().count();
            assert!((25..=50).contains(&lines), "{} has {lines} lines", page.name);
        }
    }

    #[test]
    fn an_example_stands_under_what_to_do_instead() {
        for page in pages() {
            let instead = page.text.split("\n## ").find(|section| section.starts_with("What to do instead"));
            let fences = instead.expect("a section").matches("\n```").count();
            assert_eq!(fences, 2, "{}", page.name);
            assert_eq!(page.text.matches("\n```").count(), 2, "{}: only there", page.name);
        }
    }

    #[test]
    fn everything_fits_a_terminal() {
        let text = pages().map(|page| (page.name, page.text)).chain([("flow", FLOW)]);
        for (name, line) in text.flat_map(|(name, text)| text.lines().map(move |line| (name, line))) {
            assert!(line.chars().count() <= WIDTH, "{name}: {line}");
            assert!(!line.contains('\t'), "{name}: {line}");
        }
    }

    /// Words of letters, digits, dots and hyphens that begin with the role of a case.
    fn ids(text: &str) -> impl Iterator<Item = &str> {
        text.split(|sign: char| !(sign.is_ascii_alphanumeric() || ".-".contains(sign)))
            .map(|word| word.trim_end_matches(['.', '-']))
            .filter(|word| ["rs.", "as.", "client."].iter().any(|role| word.starts_with(role)))
    }

    #[test]
    fn every_case_that_a_page_mentions_exists() {
        let scenarios = load_embedded().expect("valid");
        let cases = scenarios.iter().flat_map(|scenario| &scenario.cases).map(|case| case.id.as_str());
        let known: BTreeSet<_> = scenarios.iter().map(|scenario| scenario.id.as_str()).chain(cases).collect();
        for page in pages() {
            let mut mentioned = 0;
            for id in ids(page.text) {
                assert!(known.contains(id), "{} mentions {id}", page.name);
                mentioned += 1;
            }
            assert!(mentioned > 0, "{} mentions no case", page.name);
        }
    }

    /// A page on a mistake leads to cases of that mistake.
    #[test]
    fn a_pitfall_leads_to_its_own_cases() {
        let scenarios = load_embedded().expect("valid");
        for pitfall in Pitfall::ALL {
            let text = page(pitfall.name()).expect("a page").text;
            let own = |id: &str| {
                scenarios.iter().filter(|scenario| scenario.pitfall == Some(*pitfall)).any(|scenario| {
                    id.strip_prefix(scenario.id.as_str()).is_some_and(|rest| rest.starts_with('.'))
                })
            };
            assert!(ids(text).any(own), "{} mentions none of its cases", pitfall.name());
        }
    }

    #[test]
    fn see_also_leads_somewhere() {
        for page in pages() {
            let also = page.text.rsplit("\n## ").next().expect("a section").replace('\n', " ");
            assert!(also.contains("RFC 9449 section"), "{}", page.name);
            for other in also.split("`dpop explain ").skip(1) {
                let name = other.split('`').next().unwrap_or_default();
                assert!(
                    ["proof", "flow"].contains(&name) || super::page(name).is_some(),
                    "{}: {name}",
                    page.name
                );
            }
        }
    }

    #[test]
    fn the_example_of_ath_is_right() {
        let page = page("missing-ath").expect("a page");
        assert!(page.text.contains("Authorization: DPoP an-access-token\n"));
        assert!(page.text.contains(Ath::of("an-access-token").as_str()));
    }

    #[test]
    fn the_flow_is_plain_ascii() {
        assert!(FLOW.is_ascii());
    }
}
