//! Shims that keep to docs/shim.md, and shims that die, hang or talk nonsense.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dpop_harness::clock::{Clock as _, SystemClock};
use dpop_harness::entropy::{Entropy, SystemEntropy};
use dpop_harness::generator::Fate;
use dpop_harness::jose::base64url;
use dpop_harness::proof::{AccessToken, Call, Request, RequestEdits};
use dpop_harness::target::shim::{Question, Reply, Shim, ShimError, ShimTarget, shim_call};
use dpop_harness::target::{Answer, Capabilities, Limits, Target as _};
use dpop_harness::vectors::{Group, Vector, check, hello};
use serde_json::Value;

use crate::support::dpop;

const PATIENCE: Duration = Duration::from_secs(5);

/// A shim for the shell that answers to each question with `body`, which has its id as `$id` and its line as `$line`.
fn shim(hello: &str, body: &str) -> String {
    let script = format!(
        r#"read -r line; echo '{hello}'; while read -r line; do case "$line" in *'"op":"bye"'*) exit;; esac; id=${{line##*'"id":'}}; id=${{id%'}}'}}; {body}; done"#
    );
    format!("sh -c '{}'", script.replace('\'', r"'\''"))
}

fn question(proof: &str) -> Question {
    Question {
        proof: proof.to_owned(),
        htm: "GET".to_owned(),
        htu: "https://rs.example/".to_owned(),
        at: None,
        jkt: None,
        nonce: None,
        now: 1_800_000_000,
        state: "fresh",
    }
}

async fn started(body: &str, patience: Duration) -> Shim {
    Shim::start(&shim(r#"{"name":"fake","version":"1"}"#, body), Path::new("."), &hello(), patience)
        .await
        .expect("a shim")
}

#[tokio::test]
async fn replies_come_in_the_order_of_the_questions() {
    let body = r#"case "$line" in *good*) echo "{\"id\":$id,\"result\":\"accept\",\"jkt\":\"k\"}";; *) echo "{\"id\":$id,\"result\":\"reject\",\"why\":\"w\"}";; esac"#;
    let mut shim = started(body, PATIENCE).await;
    assert_eq!((shim.about().name.as_str(), shim.about().algs.as_ref()), ("fake", None));
    let questions: Vec<Question> =
        (0..100).map(|at| question(if at % 3 == 0 { "good" } else { "bad" })).collect();
    let replies = shim.ask(&questions).await.expect("replies");
    assert_eq!(replies.len(), 100);
    for (at, reply) in replies.iter().enumerate() {
        let expected = match at % 3 {
            0 => Reply::Accept { jkt: Some("k".into()) },
            _ => Reply::Reject { code: None, why: "w".into() },
        };
        assert_eq!(*reply, expected, "{at}");
    }
    assert_eq!(shim.restarts(), 0);
    shim.end().await;
}

#[tokio::test]
async fn the_question_that_it_died_of_is_charged_and_the_others_are_asked() {
    let body = r#"case "$line" in *bomb*) exit 7;; *) echo "{\"id\":$id,\"result\":\"accept\"}";; esac"#;
    let mut shim = started(body, PATIENCE).await;
    let replies = shim.ask(&["a", "bomb", "b", "bomb", "c"].map(question)).await.expect("replies");
    let died = |reply: &Reply| matches!(reply, Reply::Died(status) if status.contains('7'));
    assert_eq!(replies.iter().map(died).collect::<Vec<_>>(), [false, true, false, true, false]);
    assert!(replies.iter().all(|reply| reply.is_fault() == died(reply)));
    // Each bomb is asked about again, alone.
    assert_eq!(shim.restarts(), 4);
}

/// It works on several questions at a time, and the second costs it its life: the first, which is not answered either, is asked again.
#[tokio::test]
async fn the_question_before_the_one_that_it_died_of_is_not_charged() {
    let body = r#"case "$line" in *bomb*) exit 7;; *slow*) (sleep 1; echo "{\"id\":$id,\"result\":\"accept\"}") & ;; esac"#;
    let mut shim = started(body, PATIENCE).await;
    let replies = shim.ask(&["slow", "bomb", "slow"].map(question)).await.expect("replies");
    assert!(
        matches!(&replies[..], [Reply::Accept { .. }, Reply::Died(_), Reply::Accept { .. }]),
        "{replies:?}"
    );
}

#[tokio::test]
async fn output_without_end_is_not_kept() {
    for endless in ["cat /dev/zero", "head -c 2000 /dev/urandom", r"printf '\033[31m\n'"] {
        let told = Shim::start(endless, Path::new("."), &hello(), PATIENCE).await.map(|_| ());
        let Err(ShimError::Protocol(why)) = told else { panic!("{endless}: {told:?}") };
        assert!(!why.contains('\u{1b}') && why.len() < 2000, "{why:?}");
    }
}

/// A command may be any line for the shell, and what it starts ends with it.
#[tokio::test]
async fn nothing_is_left_of_a_shim() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = r#"sleep 60 & echo $! > child; echo "{\"id\":$id,\"result\":\"accept\"}""#;
    let command = format!("cd {} && FAKE=1 {}", folder.path().display(), shim(r#"{"name":"fake"}"#, body));
    let mut shim = Shim::start(&command, Path::new("/"), &hello(), PATIENCE).await.expect("a shim");
    shim.ask(&[question("a")]).await.expect("a reply");
    let child = std::fs::read_to_string(folder.path().join("child")).expect("its id");
    let status = format!("/proc/{}/stat", child.trim());
    let lives = || std::fs::read_to_string(&status).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(lives());
    shim.end().await;
    for _ in 0..50 {
        if !lives() {
            return;
        }
        SystemClock.sleep(Duration::from_millis(100)).await;
    }
    panic!("{child} lives");
}

#[tokio::test]
async fn a_shim_that_hangs_is_started_anew() {
    let body =
        r#"case "$line" in *tar*) exec sleep 60;; *) echo "{\"id\":$id,\"result\":\"accept\"}";; esac"#;
    let mut shim = started(body, Duration::from_millis(1500)).await;
    let replies = shim.ask(&["a", "tar", "b"].map(question)).await.expect("replies");
    assert_eq!(replies, [Reply::Accept { jkt: None }, Reply::Hung, Reply::Accept { jkt: None }]);
}

#[tokio::test]
async fn what_is_no_answer_ends_the_run() {
    for body in [
        r#"echo "{\"id\":99,\"result\":\"accept\"}""#,
        r#"echo "{\"id\":$id,\"result\":\"maybe\"}""#,
        "echo hello",
    ] {
        let mut shim = started(body, PATIENCE).await;
        let told = shim.ask(&[question("a")]).await;
        assert!(matches!(told, Err(ShimError::Protocol(_))), "{body}: {told:?}");
    }
    let silent = Shim::start("true", Path::new("."), &hello(), PATIENCE).await;
    assert!(matches!(silent, Err(ShimError::Silent(_))));
    let nonsense = Shim::start("sh -c 'echo {'", Path::new("."), &hello(), PATIENCE).await;
    assert!(matches!(nonsense, Err(ShimError::Protocol(_))));
}

/// Half of what is asked is asked before the first reply: else nobody would ever answer here.
#[tokio::test]
async fn questions_are_pipelined() {
    let body = r#"ids="$ids $id"; case "$ids" in *" "*" "*" "*" "*" "*" "*" "*" "*" "*" "*" "*" "*" "*" "*" "*" "*) for id in $ids; do echo "{\"id\":$id,\"result\":\"accept\"}"; done; ids=;; esac"#;
    let mut shim = started(body, PATIENCE).await;
    let long = "x".repeat(7000); // more than a pipe holds, all together
    let questions: Vec<Question> = (0..160).map(|_| question(&long)).collect();
    let replies = shim.ask(&questions).await.expect("replies");
    assert!(replies.iter().all(|reply| *reply == Reply::Accept { jkt: None }), "{replies:?}");
    assert_eq!((replies.len(), shim.asked(), shim.restarts()), (160, 160, 0));
}

/// A proof whose claims are these, as a request carries it; nobody looks at its signature here.
fn request(method: &str, jti: &str) -> Request {
    let segment = |json: Value| base64url::encode(json.to_string());
    let header = segment(serde_json::json!({ "typ": "dpop+jwt", "alg": "ES256" }));
    let claims = segment(serde_json::json!({ "jti": jti }));
    let call = Call { method: method.to_owned(), ..shim_call() };
    Request::presenting(
        &call,
        &AccessToken::new("t"),
        &format!("{header}.{claims}.c2ln"),
        &RequestEdits::default(),
    )
}

/// What a shim forgot because it was started anew is held against nobody; what it can remember is asked about.
#[tokio::test]
async fn a_jti_that_was_forgotten_is_not_asked_about() {
    let accepts = r#"case "$line" in *BOMB*) exit 7;; *) echo "{\"id\":$id,\"result\":\"accept\"}";; esac"#;
    for (features, forgets) in [(r#"["token","replay"]"#, true), (r#"["token"]"#, false)] {
        let command = shim(&format!(r#"{{"name":"fake","features":{features}}}"#), accepts);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let limits = Limits::default();
        let started = ShimTarget::start(&command, Path::new("."), Capabilities::default(), &limits, &entropy);
        let target = started.await.expect("a shim");
        let asked = async |method: &str, jti: &str| match target.send(&request(method, jti)).await {
            Answer::Response(response) => response.status.to_string(),
            Answer::Nothing(nothing) => nothing.to_string(),
        };
        assert_eq!(asked("GET", "one").await, "200");
        assert_eq!(asked("GET", "one").await, "200", "it is there to be remembered");
        assert!(asked("BOMB", "two").await.contains("the shim died"));
        let again = asked("GET", "one").await;
        assert_eq!(
            again.contains("started anew") && again.contains("not asked"),
            forgets,
            "{features}: {again}"
        );
        assert_eq!(asked("GET", "three").await, "200");
    }
}

/// A group with a correct proof, one to refuse and one that is left to the server.
fn group() -> Group {
    let vector = |id, proof: &str, fate, seen| Vector {
        id,
        case: None,
        comment: String::new(),
        edits: String::new(),
        htm: "GET".to_owned(),
        htu: "https://rs.example/".to_owned(),
        proof: proof.to_owned(),
        now: 1_800_000_000,
        seen,
        fate,
        reason: None,
        spec: Vec::new(),
    };
    Group {
        alg: dpop_harness::jose::Alg::Es256,
        nonce: None,
        jkt: "k".to_owned(),
        access_token: "t".to_owned(),
        vectors: vec![
            vector(1, "good", Fate::Accepted, false),
            vector(2, "bad", Fate::Refused, false),
            vector(3, "odd", Fate::Either, false),
            vector(4, "good", Fate::Either, true),
        ],
    }
}

#[track_caller]
fn summary(checked: &dpop_harness::vectors::Checked) -> (usize, Vec<usize>, usize) {
    let findings = checked.findings.iter().map(|finding| finding.vector.id).collect();
    (checked.agreed, findings, checked.skipped.iter().map(|(_, number)| number).sum())
}

#[tokio::test]
async fn a_verifier_is_judged_by_what_it_did() {
    let answer = |result: &str| format!(r#"echo "{{\"id\":$id,\"result\":\"{result}\",\"jkt\":\"k\"}}""#);
    let by_proof = format!(r#"case "$line" in *bad*) {};; *) {};; esac"#, answer("reject"), answer("accept"));
    let other_key = by_proof.replace(r#"\"k\""#, r#"\"other\""#);
    let for_es384 = r#"{"name":"fake","algs":["ES384"]}"#;
    let fake = r#"{"name":"fake"}"#;
    let remembers = r#"{"name":"fake","features":["replay"]}"#;
    let once = by_proof.replace("*bad*)", r#"*bad*|*'"keep"'*)"#);
    for (hello_line, body, expected) in [
        (fake, by_proof.clone(), (3, vec![], 1)),
        (fake, answer("accept"), (2, vec![2], 1)),
        (fake, other_key, (1, vec![1, 3], 1)),
        // It refuses the correct proof, so nothing shows.
        (fake, answer("reject"), (0, vec![], 4)),
        (fake, answer("unsupported"), (0, vec![], 4)),
        (for_es384, answer("accept"), (0, vec![], 4)),
        // It says that it remembers proofs.
        (remembers, by_proof.clone(), (3, vec![4], 0)),
        (remembers, once, (4, vec![], 0)),
    ] {
        let mut shim =
            Shim::start(&shim(hello_line, &body), Path::new("."), &hello(), PATIENCE).await.expect("a shim");
        let checked = check(&mut shim, &[group()]).await.expect("it answers");
        assert_eq!(summary(&checked), expected, "{body}");
        // Of nonces it says nothing.
        let with_nonce = Group { nonce: Some("n".to_owned()), ..group() };
        let skipped = check(&mut shim, &[with_nonce]).await.expect("it answers");
        assert_eq!(summary(&skipped), (0, vec![], 4), "{body}");
    }
}

/// The reference verifier as a shim, with these defects.
fn reference(defects: &[&str]) -> String {
    let defects = defects.iter().map(|name| format!(" --defect {name}"));
    format!("{} serve --verifier{}", env!("CARGO_BIN_EXE_dpop"), defects.collect::<String>())
}

/// What `dpop run --shim` says, as JSON, and how it ends.
fn run(shim: &str, arguments: &[&str]) -> (i32, Value) {
    let mut command = dpop(["run", "--quiet", "--report", "json=-", "--shim", shim]);
    let output = command.args(arguments).output().expect("it ends");
    let results = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap_or_default(), results.unwrap_or_default())
}

fn verdicts(results: &Value) -> BTreeMap<&str, (&str, &str)> {
    let cases = results["cases"].as_array().expect("cases").iter();
    cases
        .map(|case| {
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            (text("id"), (text("verdict"), text("reason")))
        })
        .collect()
}

/// A verifier is judged by what one can be asked, and of everything else it says that nothing was performed.
#[test]
fn a_correct_verifier_behind_a_shim_is_not_accused() {
    let (code, results) = run(&reference(&[]), &[]);
    let verdicts = verdicts(&results);
    assert_eq!(code, 0, "{verdicts:#?}");
    let count = |wanted: &str| verdicts.values().filter(|(verdict, _)| *verdict == wanted).count();
    assert_eq!(count("pass") + count("skip") + count("note"), verdicts.len(), "{verdicts:#?}");
    assert!(count("pass") > 200, "{verdicts:#?}");
    for (id, why) in [
        ("rs.preflight.canary", "takes the access token for granted"),
        ("rs.field.identical", "not asked: the request has not exactly one proof"),
        ("rs.answer.status", "it is about HTTP"),
        ("rs.nonce.missing", "the server does not demand nonces"),
        ("rs.http.http2-ok", "it is about HTTP"),
    ] {
        let (verdict, reason) = verdicts.get(id).copied().unwrap_or_default();
        assert!(verdict == "skip" && reason.contains(why), "{id}: {verdict} {reason}");
    }
    for id in ["rs.preflight.control", "rs.ath.missing", "rs.replay.twice", "rs.answer.fault"] {
        assert_eq!(verdicts.get(id).map(|(verdict, _)| *verdict), Some("pass"), "{id}");
    }
}

#[test]
fn a_bug_of_a_verifier_shows_behind_a_shim() {
    for (defect, case, expected) in [
        ("ath-not-checked", "rs.ath.missing", (1, Some("fail"))),
        ("jti-not-tracked", "rs.replay.twice", (0, Some("warn"))),
    ] {
        let (code, results) = run(&reference(&[defect]), &[case]);
        assert_eq!((code, verdicts(&results).get(case).map(|(verdict, _)| *verdict)), expected, "{defect}");
    }
}

/// Dying and hanging are findings, and it is started anew: what comes behind is judged.
#[test]
fn a_shim_that_dies_or_hangs_is_a_finding() {
    let filtered = |long: &str| {
        let script = format!(
            r#"while read -r line; do [ ${{#line}} -gt 15000 ] && {long}; printf "%s\n" "$line"; done | {}"#,
            reference(&[])
        );
        format!("sh -c '{script}'")
    };
    for (command, why) in [("exit", "the shim died"), ("sleep 20", "no answer within the deadline")] {
        let cases = ["rs.jti.16-kib", "rs.replay.twice", "--timeout", "2s"];
        let (_, results) = run(&filtered(command), &cases);
        let verdicts = verdicts(&results);
        let of = |id: &str| verdicts.get(id).copied().unwrap_or_default();
        assert!(of("rs.jti.16-kib").0 == "warn" && of("rs.jti.16-kib").1.contains(why), "{verdicts:#?}");
        assert_eq!(of("rs.replay.twice").0, "pass", "{verdicts:#?}");
    }
    let (code, results) = run(&filtered("exit"), &["rs.answer.fault"]);
    let verdicts = verdicts(&results);
    assert_eq!(
        (code, verdicts.get("rs.answer.fault").map(|(verdict, _)| *verdict)),
        (1, Some("fail")),
        "{verdicts:#?}"
    );
}

#[test]
fn a_shim_that_cannot_be_asked_is_one_line() {
    for shim in ["true", "no-such-program", "echo nonsense"] {
        for command in ["run", "fuzz"] {
            let output = dpop([command, "--shim", shim]).output().expect("it ends");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{shim}: {said}");
            assert!(
                said.starts_with("dpop: the shim ") && said.trim().lines().count() == 1,
                "{shim}: {said}"
            );
        }
    }
}

#[test]
fn fuzzing_behind_a_shim() {
    let state = tempfile::tempdir().expect("a folder");
    let fuzz = |shim: &str, state: &Path| {
        let state = state.to_str().expect("text");
        let arguments = ["fuzz", "--requests", "1500", "--for", "60s", "--format", "json", "--state", state];
        let output = dpop(arguments).args(["--shim", shim]).output().expect("it ends");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap_or_default(), report)
    };
    let (code, clean) = fuzz(&reference(&[]), &state.path().join("clean"));
    assert_eq!((code, &clean["findings"]), (0, &serde_json::json!([])), "{clean:#}");
    assert!(clean["executions"].as_u64() > Some(300), "{clean:#}");
    let (code, found) = fuzz(&reference(&["ath-not-checked"]), &state.path().join("found"));
    assert_eq!(code, 1, "{found:#}");
    let symptoms: Vec<_> =
        found["findings"].as_array().into_iter().flatten().map(|one| &one["symptom"]).collect();
    assert!(symptoms.contains(&&Value::from("accepted")), "{found:#}");
}

#[test]
fn a_config_may_name_a_shim() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = |more: &str| {
        let path = folder.path().join("dpop.yaml");
        let text = format!("dpop: 1\ntarget: {{ name: mine, shim: '{}' }}\n{more}", reference(&[]));
        std::fs::write(&path, text).expect("writable");
        let arguments = ["run", "rs.ath", "--config", path.to_str().expect("text"), "--report", "json=-"];
        let output = dpop(arguments).arg("--quiet").output().expect("it ends");
        let results: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), results, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, results, said) = config("");
    assert_eq!((code, &results["target"]["name"]), (Some(0), &Value::from("mine")), "{said}");
    let (code, _, said) = config("allow-hosts: [rs.example]\n");
    assert!(code == Some(2) && said.contains("a verifier without one"), "{said}");
}

#[test]
fn vectors_are_exported_and_given_to_a_shim() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("vectors.json");
    let export = dpop(["vectors", "export", "-o"]).arg(&file).output().expect("it ends");
    assert!(export.status.success() && export.stdout.is_empty(), "{export:?}");
    let written: Value = serde_json::from_slice(&std::fs::read(&file).expect("a file")).expect("JSON");
    let groups = written["testGroups"].as_array().expect("groups");
    let tests: usize = groups.iter().filter_map(|group| Some(group["tests"].as_array()?.len())).sum();
    assert_eq!(written["numberOfTests"], tests);
    assert!(tests >= 1000, "{tests}");

    let refuses = shim(r#"{"name":"fake"}"#, r#"echo "{\"id\":$id,\"result\":\"reject\"}""#);
    for (shim, code, said) in [
        (reference(&[]), 0, " 0 findings, "),
        (reference(&["ath-not-checked"]), 1, "rs.ath.missing"),
        ("true".to_owned(), 3, "the shim did not answer to hello"),
        (refuses, 4, "fake : 0 agreed, 0 findings"),
    ] {
        let output = dpop(["-v", "vectors", "check", "--shim", &shim]).output().expect("it ends");
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(
            output.status.code() == Some(code) && text.contains(said),
            "{shim}: {:?} {text}",
            output.status
        );
    }
}
