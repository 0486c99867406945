//! Runs and servers: what they end with.

use super::*;

#[test]
fn without_a_config_the_built_in_server_is_tested() {
    let Ended { stdout, .. } = run(["run"]).with(0);
    assert!(stdout.contains("target reference"), "{stdout}");
    let last = stdout.lines().last().unwrap_or_default();
    assert!(last.contains(" pass") && !last.contains("fail"), "{last}");
}

#[test]
fn the_demonstration() {
    let Ended { stdout, .. } = run(["demo"]).with(0);
    for said in ["1. A correct server", "2. The same server with the bug", "FAIL rs.", "Who gains"] {
        assert!(stdout.contains(said), "{said} is not in {stdout}");
    }
    assert!(!stdout.contains("NOT caught"), "{stdout}");
}

#[test]
fn a_nonconformity_is_exit_1() {
    let Ended { stdout, .. } = run(["run", "rs.ath.missing", "--defect", "ath-not-checked"]).with(1);
    assert!(stdout.contains("FAIL rs.ath.missing"), "{stdout}");
    assert!(stdout.contains("reproduced 2/2"), "{stdout}");
}

#[test]
fn a_server_that_is_not_there_is_one_finding_and_exit_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    let (target, issuer) = (free_port(), free_port());
    fs::write(&path, config(target, issuer)).expect("written");
    let report = folder.path().join("results.json");
    let to_file = format!("json={}", text(&report));
    let Ended { stdout, .. } = run(["run", "--config", text(&path), "--report", &to_file]).with(3);
    assert!(stdout.contains("INCONCLUSIVE rs.preflight.reachable"), "{stdout}");
    assert!(stdout.contains(&format!("127.0.0.1:{target}")), "{stdout}");
    let results = json(&fs::read_to_string(&report).expect("a report"));
    let cases = results["cases"].as_array().expect("a list");
    let others: Vec<_> = cases.iter().filter(|case| case["verdict"] != "skip").collect();
    assert_eq!(others.len(), 1, "{others:?}");
    assert_eq!(others[0]["id"], "rs.preflight.reachable");
    assert_eq!(others[0]["verdict"], "inconclusive");
    for case in cases.iter().filter(|case| case["verdict"] == "skip") {
        assert!(case["reason"].is_string(), "a skip has a reason: {case}");
    }
}

#[test]
fn a_port_that_is_taken_is_exit_3() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let taken = listener.local_addr().expect("an address").port();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    fs::write(&path, config(free_port(), taken)).expect("written");
    let Ended { stderr, .. } = run(["run", "--config", text(&path)]).with(3);
    assert!(stderr.contains(&format!("127.0.0.1:{taken}")) && stderr.contains("auth.listen"), "{stderr}");
    run(["serve", "--listen", "127.0.0.1:0", "--issuer-listen", &format!("127.0.0.1:{taken}")]).with(3);
}

#[test]
fn selecting_nothing_is_exit_4_with_a_hint() {
    for command in ["run", "list"] {
        let Ended { stdout, stderr, .. } = run([command, "rs.ath.mising"]).with(4);
        assert_eq!(stdout, "");
        assert!(stderr.contains("`rs.ath.mising` (did you mean `rs.ath.missing`?)"), "{stderr}");
        assert!(run([command, "rs.nothing.*"]).with(4).stderr.contains("`rs.nothing.*`"));
        // One that fits does not excuse one that does not.
        run([command, "rs.ath.missing", "nothing"]).with(4);
    }
}

#[test]
fn ids_and_globs() {
    let listed = |pattern: &str| -> Vec<String> {
        let Ended { stdout, stderr, .. } = run(["list", pattern]).with(0);
        assert_eq!(stderr, "");
        stdout.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
    };
    assert_eq!(listed("rs.ath.missing"), ["rs.ath.missing"]);
    let scenario = listed("rs.ath");
    assert!(scenario.len() > 1 && scenario.iter().all(|id| id.starts_with("rs.ath.")), "{scenario:?}");
    assert_eq!(listed("rs.ath.*"), scenario);
    let missing = listed("rs.*.missing");
    assert!(missing.len() > 1 && missing.iter().all(|id| id.ends_with(".missing")), "{missing:?}");

    let Ended { stdout, .. } = run(["run", "rs.*.missing", "-v"]).with(0);
    for id in &missing {
        assert!(stdout.contains(id.as_str()), "{id} was not performed: {stdout}");
    }
    assert!(stdout.contains(&format!("\n{} cases: ", missing.len())), "{stdout}");
    // What is named twice is performed once.
    assert!(run(["run", "rs.ath.missing", "rs.ath.missing"]).with(0).stdout.contains("\n1 case: 1 pass"));
}

#[test]
fn the_defects_that_can_be_served() {
    let Ended { stdout, stderr, .. } = run(["serve", "--list-defects"]).with(0);
    assert_eq!(stderr, "");
    let names: BTreeSet<_> = stdout.lines().collect();
    assert_eq!(names.len(), stdout.lines().count(), "each once");
    assert!(names.contains("ath-not-checked"));
    assert!(
        names
            .iter()
            .all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
    );

    let Ended { stdout, stderr, .. } = run(["serve", "--defect", "ath-not-cheked"]).with(2);
    assert_eq!(stdout, "");
    assert!(
        stderr.contains("`ath-not-cheked`") && stderr.contains("did you mean `ath-not-checked`?"),
        "{stderr}"
    );
    run(["serve", "--listen", "here"]).with(2);
    run(["serve", "--nonce", "sometimes"]).with(2);
}

#[cfg(unix)]
#[test]
fn a_served_server_answers_and_ends_on_ctrl_c() {
    let mut serving = Serving::start(&["--listen", "127.0.0.1:0", "--issuer-listen", "127.0.0.1:0"]);
    let said = &serving.announcement;
    let url = said.split_whitespace().find(|word| word.ends_with("/resource")).expect("its URL");
    let authority = url.trim_start_matches("http://").trim_end_matches("/resource");
    let mut stream = TcpStream::connect(authority).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    write!(stream, "GET /resource HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("www-authenticate: dpop"), "{answer}");

    let id = serving.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    assert_eq!(code_within(&mut serving.child, Duration::from_secs(10)), Some(Some(0)));
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let runs: Vec<_> =
        (0..2).map(|_| std::thread::spawn(|| run(["run", "--report", "json=-"]).with(0))).collect();
    let verdicts: Vec<Vec<(String, String)>> = runs
        .into_iter()
        .map(|thread| {
            let results = json(&thread.join().expect("a run").stdout);
            let of = |case: &Value| (case["id"].to_string(), case["verdict"].to_string());
            results["cases"].as_array().expect("a list").iter().map(of).collect()
        })
        .collect();
    assert_eq!(verdicts[0], verdicts[1]);
}
