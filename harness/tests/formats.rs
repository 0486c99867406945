//! Reports are what they claim to be: valid by the schemas of others, whatever a run was like, and the same when they are made
//! from `results.json` later.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use crate::support::{run as run_dpop, text};
use dpop_harness::clock::SystemClock;
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::judge::Verdict;
use dpop_harness::plan::all_of;
use dpop_harness::reference::{Defect, NonceMode};
use dpop_harness::report::{ConfigPlace, Document, FORMATS, Live, Report};
use dpop_harness::scenario::load_embedded;
use dpop_harness::snapshot::Drift;
use dpop_harness::spec::Profile;
use dpop_harness::suite::{Event, Results, against_reference, run};
use dpop_harness::target::{Day, Limits, Waiver};
use serde_json::Value;

/// Two runs: one clean, one with failures, warnings, a waived failure, waivers that are no longer good, and drift; and what was
/// told of the second while it went on.
struct Runs {
    clean: Results,
    faulty: Results,
    drift: Drift,
    live: String,
}

fn runs() -> &'static Runs {
    static RUNS: OnceLock<Runs> = OnceLock::new();
    RUNS.get_or_init(|| tokio::runtime::Runtime::new().expect("a runtime").block_on(make_runs()))
}

async fn make_runs() -> Runs {
    let scenarios = load_embedded().expect("valid");
    let perform = async |defects: &[Defect], events: &mut (dyn FnMut(Event<'_>) + Send)| {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let defects = defects.iter().copied().collect();
        let limits = Limits::default();
        let (_running, setup) =
            against_reference(NonceMode::Required, defects, Profile::Rfc9449, &limits, clock, entropy)
                .await
                .expect("servers on loopback");
        run(&setup, &scenarios, &all_of(&scenarios, setup.profile), events).await
    };
    let clean = perform(&[], &mut |_| {}).await;
    let waiver = |case: &str, expires: &str| Waiver {
        case: case.to_owned(),
        reason: "a & b <c> \"d\"".to_owned(),
        expires: Day(expires.parse().expect("a day")),
    };
    let waivers = [
        waiver("rs.ath.missing", "2999-01-31"),
        waiver("rs.ath.other-token", "2020-01-31"),
        waiver("rs.key.fresh-key", "2999-01-31"),
    ];
    let today = Day("2026-01-01".parse().expect("a day"));
    let mut lines = Vec::new();
    let mut live = Live::new(&mut lines);
    live.start("reference", "rfc9449", 0, 1).expect("memory");
    let mut faulty = perform(&[Defect::AthNotChecked, Defect::HtuLiteral], &mut |event| {
        if let Event::Finished(outcome) = event {
            let mut outcome = outcome.clone();
            outcome.accept(&waivers, today);
            live.case(&outcome).expect("memory");
        }
    })
    .await;
    faulty.apply(&waivers, today);
    let drift = Drift {
        changed: vec![("rs.ath.missing".to_owned(), "reject".to_owned(), "accept".to_owned())],
        new: vec!["rs.ath.hex".to_owned()],
        gone: vec!["rs.ath.retired".to_owned()],
    };
    live.end(&Document::from(&report(&faulty, Some(&drift)))).expect("memory");
    drop(live);
    assert!(
        faulty.outcomes.iter().any(|outcome| outcome.waived.is_some()) && faulty.waiver_faults.len() == 2
    );
    Runs { clean, faulty, drift, live: String::from_utf8(lines).expect("UTF-8") }
}

fn report<'a>(results: &'a Results, drift: Option<&'a Drift>) -> Report<'a> {
    let began = SystemTime::UNIX_EPOCH + Duration::from_millis(1_780_000_000_123);
    Report { results, drift, began, seconds: 1.5, partition: None, config: None }
}

/// The documents of several runs by name: clean, faulty, and with nothing in it.
fn documents() -> Vec<(&'static str, Document<'static>)> {
    let runs = runs();
    let nothing: &'static Results =
        Box::leak(Box::new(Results { outcomes: Vec::new(), ..runs.clean.clone() }));
    vec![
        ("clean", Document::from(&report(&runs.clean, None))),
        ("faulty", Document::from(&report(&runs.faulty, Some(&runs.drift)))),
        ("nothing", Document::from(&report(nothing, None))),
    ]
}

fn written(name: &str, document: &Document<'_>) -> String {
    let format = FORMATS.iter().find(|format| format.name == name).expect("a format of that name");
    let mut text = Vec::new();
    (format.write)(document, &mut text).expect("written");
    String::from_utf8(text).expect("UTF-8")
}

fn schema(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn sarif_is_valid_by_the_schema_of_oasis() {
    let mut schemas = boon::Schemas::new();
    let schema = boon::Compiler::new()
        .compile(text(&schema("sarif-2.1.0.json")), &mut schemas)
        .expect("the schema is one");
    for (name, document) in documents() {
        let log = json(&written("sarif", &document));
        if let Err(error) = schemas.validate(&log, schema) {
            panic!("{name}: {error:#}");
        }
    }
}

#[test]
fn sarif_says_where_and_what() {
    let runs = runs();
    let log = json(&written("sarif", &Document::from(&report(&runs.faulty, Some(&runs.drift)))));
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("results");
    let counts = runs.faulty.counts();
    let findings = [Verdict::Fail, Verdict::Warn, Verdict::Note].map(|verdict| counts.number(verdict));
    assert_eq!(results.len(), findings.iter().sum::<usize>());
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().expect("a number") as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        let (file, line) = (&place["artifactLocation"]["uri"], &place["region"]["startLine"]);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file.as_str().expect("a path"));
        let source = std::fs::read_to_string(&file).expect("the scenario's file");
        let at = source.lines().nth(line.as_u64().expect("a line") as usize - 1).expect("a line of it");
        let name = result["ruleId"].as_str().and_then(|id| id.rsplit('.').next()).expect("an id");
        assert!(at.contains(name), "{file:?} {line}: {at}");
    }
    let of = |id: &str| results.iter().find(|result| result["ruleId"] == id).expect("a result");
    let waived = of("rs.ath.missing");
    assert_eq!(waived["suppressions"][0]["justification"], "a & b <c> \"d\" (until 2999-01-31)");
    assert_eq!(waived["baselineState"], "updated");
    assert_eq!((&waived["level"], &waived["webResponse"]["statusCode"]), (&"error".into(), &200.into()));
    assert_eq!(of("rs.ath.hex")["baselineState"], "new");
    assert_eq!(of("rs.ath.other-token")["suppressions"], Value::Array(Vec::new()));
    let weakness = &run["tool"]["driver"]["rules"][waived["ruleIndex"].as_u64().expect("a number") as usize];
    let target = &weakness["relationships"][0]["target"];
    let taxon = &run["taxonomies"][0]["taxa"][target["index"].as_u64().expect("a number") as usize];
    assert_eq!(taxon["id"], target["id"]);
    let again = json(&written("sarif", &Document::from(&report(&runs.faulty, None))));
    let print = |log: &Value| log["runs"][0]["results"][0]["partialFingerprints"].clone();
    assert_eq!(print(&again), print(&log));
}

/// The XSD of Jenkins does not know what GitLab and others read besides: how many are skipped in all, where
/// a test case is, and its properties.
const MORE: [(&str, &str); 3] = [
    (
        "<xs:attribute name=\"errors\" type=\"xs:string\" />",
        "<xs:attribute name=\"errors\" type=\"xs:string\"/><xs:attribute name=\"skipped\" type=\"xs:string\"/>",
    ),
    (
        "<xs:attribute name=\"group\" type=\"xs:string\"/>\n        </xs:complexType>\n    </xs:element>\n\n    <xs:element name=\"testsuite\">",
        "<xs:attribute name=\"group\" type=\"xs:string\"/><xs:attribute name=\"file\" type=\"xs:string\"/>\
         <xs:attribute name=\"line\" type=\"xs:string\"/></xs:complexType></xs:element><xs:element name=\"testsuite\">",
    ),
    ("<xs:element ref=\"skipped\"/>", "<xs:element ref=\"skipped\"/><xs:element ref=\"properties\"/>"),
];

#[test]
fn junit_is_valid_by_the_schema_of_jenkins() {
    let mut xsd = std::fs::read_to_string(schema("junit-10.xsd")).expect("a schema");
    for (from, to) in MORE {
        assert_eq!(xsd.matches(from).count(), 1, "{from}");
        xsd = xsd.replace(from, to);
    }
    let schema = uppsala::parse(&xsd).expect("XML");
    let validator = uppsala::XsdValidator::from_schema(&schema).expect("a schema");
    let check = |text: &str| {
        let document = uppsala::parse(text).expect("well-formed");
        validator.validate(&document).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for (name, document) in documents() {
        assert_eq!(check(&written("junit", &document)), Vec::<String>::new(), "{name}");
    }
    let spoiled = written("junit", &documents()[1].1).replacen("<skipped", "<ignored", 1);
    assert!(!check(&spoiled).is_empty(), "the validator sees what is wrong");
}

#[test]
fn junit_says_what_a_waiver_is_worth() {
    let runs = runs();
    let text = written("junit", &Document::from(&report(&runs.faulty, Some(&runs.drift))));
    let read = quick_junit::Report::deserialize_from_str(&text).expect("JUnit");
    let all: Vec<_> = read.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    let of = |id: &str| {
        let found = all.iter().find(|case| case.name.as_str().split(' ').next() == Some(id));
        format!("{:?}", found.expect("a test case").status)
    };
    assert!(of("rs.ath.missing").contains("waived until 2999-01-31"), "{}", of("rs.ath.missing"));
    assert!(of("rs.ath.other-token").contains("expired-waiver"), "{}", of("rs.ath.other-token"));
    assert!(of("rs.key.fresh-key").contains("stale-waiver"), "{}", of("rs.key.fresh-key"));
    assert!(text.contains("<property name=\"snapshot\" value=\"changed\"/>"));
}

#[test]
fn annotations_are_ten_at_most_and_of_what_fails() {
    let documents = documents();
    assert_eq!(written("github", &documents[0].1), "");
    assert_eq!(written("github", &documents[2].1), "");
    let text = written("github", &documents[1].1);
    let lines: Vec<_> = text.lines().collect();
    let fails =
        runs().faulty.outcomes.iter().filter(|one| one.verdict == Verdict::Fail && one.waived.is_none());
    // Those, what drifted, what is gone, and two waivers.
    let all = fails.count() + 4;
    assert!(all > 10);
    assert_eq!(lines.len(), 11, "{text}");
    assert_eq!(lines[10], format!("::notice title=dpop::{} more, which GitHub would not show", all - 10));
    for line in &lines[..10] {
        assert!(line.starts_with("::error file=scenarios/") && line.contains(",line="), "{line}");
    }
    assert!(!text.contains("rs.ath.missing (") && !text.contains(Verdict::Warn.name()), "{text}");
}

/// Whoever tests a server of their own has our scenarios in no file of theirs.
#[test]
fn findings_stand_in_the_config_where_there_is_one_and_the_scenario_is_built_in() {
    let runs = runs();
    let mut results = runs.faulty.clone();
    let own = results.outcomes.iter_mut().find(|outcome| outcome.id == "rs.ath.hex").expect("a case");
    (own.file, own.line) = ("mine/ath.yaml".to_owned(), 7);
    let place = ConfigPlace { file: "api/dpop.yaml".to_owned(), line: 3 };
    let report = Report { config: Some(&place), ..report(&results, Some(&runs.drift)) };
    let document = Document::from(&report);
    let log = json(&written("sarif", &document));
    for result in log["runs"][0]["results"].as_array().expect("results") {
        let place = &result["locations"][0]["physicalLocation"];
        let told = (place["artifactLocation"]["uri"].as_str(), place["region"]["startLine"].as_u64());
        let is_own = result["ruleId"] == "rs.ath.hex";
        let wanted = if is_own { ("mine/ath.yaml", 7) } else { ("api/dpop.yaml", 3) };
        assert_eq!(told, (Some(wanted.0), Some(wanted.1)), "{result}");
        let scenario = result["properties"]["scenario"].as_str().expect("a place");
        assert!(scenario.ends_with(".yaml:7") || scenario.starts_with("scenarios/"), "{scenario}");
    }
    let only = |id: &str| written("github", &Document::from(&report).only(&[id.to_owned()]));
    assert!(only("rs.ath.hex").starts_with("::error file=mine/ath.yaml,line=7,"), "{}", only("rs.ath.hex"));
    let built_in = only("rs.ath.array");
    assert!(built_in.starts_with("::error file=api/dpop.yaml,line=3,title=rs.ath.array"), "{built_in}");
}

#[test]
fn the_summary_of_a_job_answers_first() {
    for ((name, document), answer) in
        documents().iter().zip(["✅ conforms", "❌ does not conform", "✅ conforms"])
    {
        let text = written("md", document);
        assert!(text.lines().next().is_some_and(|line| line.contains(answer)), "{name}: {text}");
        assert!(text.len() < 1 << 20);
    }
    let text = written("md", &documents()[1].1);
    for part in [
        "| ❌ fail | `rs.ath.other-token`<br>CWE-",
        "waived until 2999-01-31: a &amp; b &lt;c&gt;",
        "### Drift",
        "| `rs.ath.missing` | reject | accept |",
        "1 cases are new to the snapshot",
        "the waiver expired on 2020-01-31",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn har_has_every_exchange_once() {
    let results = &runs().faulty;
    let har = json(&written("har", &Document::from(&report(results, None))));
    let own: usize = results
        .outcomes
        .iter()
        .map(|outcome| outcome.transcript.iter().filter(|exchange| !exchange.shared).count())
        .sum();
    let entries = har["log"]["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), own);
    let pages: Vec<_> =
        har["log"]["pages"].as_array().expect("pages").iter().map(|page| &page["id"]).collect();
    for entry in entries {
        assert!(pages.contains(&&entry["pageref"]));
        let url = entry["request"]["url"].as_str().expect("a URL");
        assert!(url.starts_with("http://127.0.0.1:") || url.contains("://"), "{url}");
        assert!(entry["startedDateTime"].as_str().is_some_and(|time| time.starts_with("20")), "{entry}");
    }
}

#[test]
fn events_tell_the_same_live_and_later() {
    let runs = runs();
    let document = json(&written("json", &Document::from(&report(&runs.faulty, Some(&runs.drift)))));
    let later = written("ndjson", &Document::from(&report(&runs.faulty, Some(&runs.drift))));
    for told in [&later, &runs.live] {
        let events: Vec<Value> = told.lines().map(json).collect();
        assert_eq!(events.first().expect("a line")["event"], "run.start");
        assert_eq!(events.last().expect("a line")["event"], "run.end");
        assert_eq!(events.last().expect("a line")["summary"], document["summary"]);
        let mut cases: Vec<&Value> = Vec::new();
        for event in &events[1..events.len() - 1] {
            assert_eq!(event["event"], "case.end");
            cases.retain(|case| case["id"] != event["case"]["id"]);
            cases.push(&event["case"]);
        }
        assert_eq!(cases.len(), document["cases"].as_array().expect("cases").len());
        for case in document["cases"].as_array().expect("cases") {
            assert!(cases.contains(&case), "{}", case["id"]);
        }
    }
}

#[test]
fn every_report_can_be_made_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, document) = documents().remove(1);
    let results = folder.path().join("results.json");
    std::fs::write(&results, written("json", &document)).expect("a file");
    for format in FORMATS {
        let path = folder.path().join(format.name);
        let report = format!("{}={}", format.name, text(&path));
        run_dpop(["report", "--from", text(&results), "--report", &report]).with(0);
        let made = std::fs::read_to_string(&path).expect("a report");
        assert!(made == written(format.name, &document), "{}", format.name);
    }
    run_dpop(["report", "--from", text(&results)]).with(2);
    run_dpop(["report", "--from", "nowhere.json", "--report", "md=-"]).with(2);
    let shown = run_dpop(["report", "--from", text(&results), "--report", "md=-"]).with(0).stdout;
    assert!(shown == written("md", &document));
}
