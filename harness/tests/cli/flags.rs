//! Help, and where the value of a flag comes from.

use super::*;

/// Flags that are part of a command's contract; there may be more.
const FLAGS: &[(&str, &[&str])] = &[
    ("demo", &["--report"]),
    (
        "run",
        &[
            "--checklist",
            "--config",
            "--report",
            "--profile",
            "--deny",
            "--jobs",
            "--timeout",
            "--rate",
            "--max-requests",
            "--seed",
            "--partition",
            "--failed",
            "--changed",
            "--max-fail",
            "--repeat",
            "--until-fail",
            "--authorised",
            "--http1.1",
            "--http2",
            "--cacert",
            "--insecure",
            "--connect-to",
        ],
    ),
    ("init", &["--output", "--force", "--timeout", "--authorised"]),
    ("doctor", &["--config", "--timeout", "--authorised"]),
    ("list", &["--format"]),
    (
        "measure",
        &[
            "--config",
            "--only",
            "--for",
            "--format",
            "--timeout",
            "--rate",
            "--max-requests",
            "--defect",
            "--authorised",
            "--http1.1",
            "--cacert",
            "--insecure",
            "--connect-to",
        ],
    ),
    (
        "fuzz",
        &[
            "--config",
            "--layer",
            "--for",
            "--requests",
            "--seed",
            "--state",
            "--partition",
            "--against",
            "--minimize",
            "--jobs",
            "--format",
            "--timeout",
            "--rate",
            "--max-requests",
            "--defect",
            "--authorised",
        ],
    ),
    ("coverage", &["--format"]),
    ("explain", &[]),
    ("review", &["--config", "--accept"]),
    ("diff", &["--fail-on", "--format"]),
    ("report", &["--from", "--report"]),
    ("merge", &["--report", "--deny"]),
    ("matrix", &["--output"]),
    ("replay", &["--config", "--report", "--authorised"]),
    ("proof", &["--jwk", "--token-file", "--case", "--nonce"]),
    ("completions", &[]),
    ("man", &["--output"]),
    (
        "serve",
        &[
            "--listen",
            "--issuer-listen",
            "--trust",
            "--nonce",
            "--no-replay-store",
            "--public-url",
            "--defect",
            "--list-defects",
        ],
    ),
    ("selftest", &["--defect", "--jobs", "--format", "--output", "--check"]),
    ("schema", &[]),
];

/// Flags of every command.
const COMMON_FLAGS: &[&str] = &["--scenarios", "--color", "--quiet", "--verbose", "--help"];

/// The words that begin with `--` and name a flag in a help text.
fn flags(help: &str) -> BTreeSet<&str> {
    let is_option = |line: &&str| line.trim_start().starts_with('-') && line.starts_with("  ");
    let words = help.lines().filter(is_option).flat_map(|line| line.split([' ', ',']));
    words.map(|word| word.trim_end_matches('.')).filter(|word| word.starts_with("--")).collect()
}

fn commands() -> Vec<String> {
    let help = run(["--help"]).with(0).stdout;
    let (_, rest) = help.split_once("Commands:\n").expect("a list of commands");
    let (list, _) = rest.split_once("\n\n").expect("an end");
    let name = |line: &str| Some(line.strip_prefix("  ")?.split_once(' ')?.0.to_owned());
    list.lines().filter_map(name).filter(|name| !name.is_empty() && name != "help").collect()
}

#[test]
fn every_command_has_help_with_every_flag() {
    let commands = commands();
    for (name, flags_of) in FLAGS {
        assert!(commands.iter().any(|command| command == name), "{name} is gone");
        let help = run([name, "--help"]).with(0).stdout;
        let there = flags(&help);
        for flag in flags_of.iter().chain(COMMON_FLAGS) {
            assert!(there.contains(flag), "dpop {name} --help does not mention {flag}:\n{help}");
        }
    }
}

#[test]
fn every_flag_has_an_environment_variable() {
    for command in commands() {
        let Ended { stdout: help, stderr, .. } = run([command.as_str(), "--help"]).with(0);
        assert_eq!(stderr, "");
        assert_eq!(run(["help", command.as_str()]).with(0).stdout, help);
        for flag in flags(&help).into_iter().filter(|flag| *flag != "--help") {
            let variable = format!(
                "[env: DPOP_{}=",
                flag.trim_start_matches('-').replace(['-', '.'], "_").to_uppercase()
            );
            assert!(help.contains(&variable), "{command} {flag} has no {variable}]:\n{help}");
        }
    }
}

#[test]
fn version_and_usage() {
    let version = run(["--version"]).with(0).stdout;
    assert_eq!(version, format!("dpop {}\n", env!("CARGO_PKG_VERSION")));
    for wrong in
        [&[][..], &["rnu"], &["run", "--nonsense"], &["run", "--jobs", "x"], &["list", "--format", "xml"]]
    {
        let Ended { stdout, stderr, .. } = run(wrong).with(2);
        assert_eq!(stdout, "", "{wrong:?}");
        assert!(stderr.contains("Usage:") || stderr.contains("--help"), "{wrong:?}: {stderr}");
    }
    assert!(run(["lst"]).stderr.contains("'list'"), "the nearest command");
}

#[test]
fn the_environment_sets_what_no_flag_says() {
    let results = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = dpop(["run", "rs.ath.missing", "--report", "json=-"].iter().chain(arguments));
        command.envs(variables.iter().copied());
        json(&ended(&mut command).with(0).stdout)
    };
    assert_eq!(results(&[], &[])["seed"], 0);
    assert_eq!(results(&[], &[("DPOP_SEED", "7")])["seed"], 7);
    assert_eq!(results(&["--seed", "5"], &[("DPOP_SEED", "7")])["seed"], 5);
    assert_eq!(results(&[], &[("DPOP_PROFILE", "strict")])["profile"], "strict");
    assert_eq!(results(&["--profile", "rfc9449"], &[("DPOP_PROFILE", "strict")])["profile"], "rfc9449");
    results(&[], &[("DPOP_JOBS", "1"), ("DPOP_TIMEOUT", "2s"), ("DPOP_RATE", "500/s")]);

    for (variable, value) in
        [("DPOP_JOBS", "x"), ("DPOP_TIMEOUT", "5"), ("DPOP_RATE", "20"), ("DPOP_COLOR", "red")]
    {
        ended(dpop(["run", "rs.ath.missing"]).env(variable, value)).with(2);
    }
    let both = ended(dpop(["run", "--http1.1"]).env("DPOP_HTTP2", "1")).with(2);
    assert!(both.stderr.contains("--http1.1 and --http2 exclude each other"), "{}", both.stderr);
    let http = |arguments: &[&str], environment: &[(&str, &str)]| {
        results(arguments, environment)["facts"]["http2"].clone()
    };
    assert_eq!(http(&["--http1.1"], &[("DPOP_HTTP2", "false")]), Value::Null);
    assert_eq!(http(&[], &[("DPOP_HTTP1_1", "true")]), Value::Null);
    assert_eq!(http(&[], &[("DPOP_HTTP2", "1")]), true);
    let quiet = ended(dpop(["run", "rs.ath.missing"]).env("DPOP_QUIET", "1")).with(0);
    assert_eq!(quiet.stdout.lines().count(), 1, "{}", quiet.stdout);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("results.json");
    let to_file = format!("json={}", text(&report));
    ended(dpop(["run", "rs.ath.missing"]).env("DPOP_REPORT", to_file)).with(0);
    check_results(&json(&fs::read_to_string(report).expect("a report")));
}

#[test]
fn flag_then_environment_then_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dpop.yaml");
    fs::write(&path, config(free_port(), free_port()) + "profile: strict\n").expect("written");
    // Nobody is there: what counts is how the run would have been made.
    let run_with = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = dpop(["run", "rs.ath.missing", "--report", "json=-"].iter().chain(arguments));
        command.envs(variables.iter().copied()).current_dir(folder.path());
        let results = json(&ended(&mut command).with(3).stdout);
        assert_eq!(results["target"]["name"], "staging");
        results["profile"].as_str().expect("text").to_owned()
    };
    // ./dpop.yaml is found without being named.
    assert_eq!(run_with(&[], &[]), "strict");
    assert_eq!(run_with(&["--config", text(&path)], &[]), "strict");
    assert_eq!(run_with(&[], &[("DPOP_PROFILE", "rfc9449")]), "rfc9449");
    assert_eq!(run_with(&["--profile", "strict"], &[("DPOP_PROFILE", "rfc9449")]), "strict");
    assert_eq!(run_with(&[], &[("DPOP_CONFIG", text(&path)), ("DPOP_SEED", "1")]), "strict");
    assert_eq!(run_with(&["--config", text(&path)], &[("DPOP_CONFIG", "/nonexistent")]), "strict");
}
