//! Shims that keep to docs/shim.md, and shims that die, hang or talk nonsense.

use std::time::Duration;

use dpop_harness::generator::Fate;
use dpop_harness::target::shim::{Question, Reply, Shim, ShimError};
use dpop_harness::vectors::{Group, Vector, check, hello};

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
    Shim::start(&shim(r#"{"name":"fake","version":"1"}"#, body), &hello(), patience).await.expect("a shim")
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
    assert_eq!(shim.restarts(), 2);
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
    let silent = Shim::start("true", &hello(), PATIENCE).await;
    assert!(matches!(silent, Err(ShimError::Silent(_))));
    let nonsense = Shim::start("sh -c 'echo {'", &hello(), PATIENCE).await;
    assert!(matches!(nonsense, Err(ShimError::Protocol(_))));
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
    for (hello_line, body, expected) in [
        (fake, by_proof.clone(), (3, vec![], 1)),
        (fake, answer("accept"), (2, vec![2], 1)),
        (fake, other_key, (1, vec![1, 3], 1)),
        // It refuses the correct proof, so nothing shows.
        (fake, answer("reject"), (0, vec![], 4)),
        (fake, answer("unsupported"), (0, vec![], 4)),
        (for_es384, answer("accept"), (0, vec![], 4)),
    ] {
        let mut shim = Shim::start(&shim(hello_line, &body), &hello(), PATIENCE).await.expect("a shim");
        let checked = check(&mut shim, &[group()]).await.expect("it answers");
        assert_eq!(summary(&checked), expected, "{body}");
    }
}
