//! What goes to which stream or file, how much of it, and what happens where nobody reads it.

use super::*;

#[test]
fn a_report_on_standard_output_moves_the_console_report() {
    let Ended { stdout, stderr, .. } = run(["run", "rs.ath", "--report", "json=-"]).with(0);
    check_results(&json(&stdout));
    assert!(stderr.contains("cases: "), "{stderr}");
    let Ended { stdout, stderr, .. } = run(["-q", "run", "rs.ath", "--report", "json=-"]).with(0);
    check_results(&json(&stdout));
    assert!(stderr.lines().last().is_some_and(|line| line.contains("cases: ")), "{stderr}");
}

#[test]
fn reports_in_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (first, second) = (format!("json={}", text(&path("a"))), format!("json={}", text(&path("b"))));
    let Ended { stdout, .. } =
        run(["run", "rs.ath.missing", "--report", &first, "--report", &second]).with(0);
    assert!(stdout.contains("1 case: 1 pass"), "{stdout}");
    let read = |name: &str| fs::read_to_string(path(name)).expect("a report");
    assert_eq!(read("a"), read("b"));
    check_results(&json(&read("a")));

    // A path may have an equals sign; an older report is replaced.
    let third = format!("json={}", text(&path("x=y")));
    fs::write(path("x=y"), "x".repeat(100_000)).expect("written");
    run(["run", "rs.ath.missing", "--report", &third]).with(0);
    check_results(&json(&read("x=y")));
}

#[test]
fn reports_that_can_not_be() {
    for (wrong, said) in [
        ("jsno=x.json", "did you mean `json`?"),
        ("xml2=x", "formats are "),
        ("json", "FORMAT=PATH"),
        ("json=", "the path is missing"),
        ("", "FORMAT=PATH"),
    ] {
        let Ended { stdout, stderr, .. } = run(["run", "rs.ath.missing", "--report", wrong]).with(2);
        assert_eq!(stdout, "", "{wrong}");
        assert!(stderr.contains(said), "{wrong}: {stderr}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "").expect("written");
    let no_folder = folder.path().join("file/results.json");
    let missing = folder.path().join("missing/results.json");
    let mut unwritable = vec![text(&no_folder), text(&missing), text(folder.path())];
    if cfg!(target_os = "linux") {
        // Where even root may not write, and where there is no room.
        unwritable.extend(["/proc/results.json", "/dev/full"]);
    }
    for path in unwritable {
        let Ended { stderr, .. } =
            run(["run", "rs.ath.missing", "--report", &format!("json={path}")]).with(3);
        assert!(stderr.contains(path), "{stderr}");
    }
}

#[test]
fn how_much_is_said() {
    let lines = |arguments: &[&str]| {
        let Ended { stdout, .. } = run(["run", "rs.ath.missing"].iter().chain(arguments)).with(0);
        stdout
    };
    let quiet = lines(&["-q"]);
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    assert!(quiet.starts_with("1 case: 1 pass "), "{quiet}");
    let normal = lines(&[]);
    assert!(!normal.contains("rs.ath.missing"), "{normal}");
    let verbose = lines(&["-v"]);
    assert!(verbose.contains("rs.ath.missing") && !verbose.contains("> GET "), "{verbose}");
    let wire = lines(&["-vv"]);
    for said in ["control before", "step 1", "control after", "> GET ", "< HTTP/1.1 401", "dpop+jwt"] {
        assert!(wire.contains(said), "{said} is not in {wire}");
    }
    let authorization: Vec<_> = wire.lines().filter(|line| line.contains("Authorization: DPoP")).collect();
    assert_eq!(authorization.len(), 3, "{wire}");
    assert!(authorization.iter().all(|line| line.contains("[token sha256:")), "{authorization:?}");
    assert!(normal.len() < verbose.len() && verbose.len() < wire.len());
    assert!(run(["run", "-q", "-v"]).with(2).stderr.contains("cannot be used with"));
}

#[test]
fn colour() {
    let coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command =
            dpop(["run", "rs.ath.missing", "--defect", "ath-not-checked"].iter().chain(arguments));
        command.envs(variables.iter().copied());
        ended(&mut command).with(1).stdout.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "standard output is no terminal here");
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&[], &[("DPOP_COLOR", "always")]));
    assert!(!coloured(&["--color", "never"], &[("DPOP_COLOR", "always")]), "the flag wins");
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
    assert!(!coloured(&[], &[("NO_COLOR", "1"), ("TERM", "xterm-256color")]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]), "the flag wins");

    let Ended { stderr, .. } = run(["list", "--scenarios", "/nonexistent", "--color", "always"]).with(2);
    assert!(stderr.contains('\u{1b}'), "{stderr}");
    let Ended { stderr, .. } = run(["list", "--scenarios", "/nonexistent"]).with(2);
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
    // A report on standard output is for programs.
    let Ended { stdout, .. } = run(["run", "rs.ath", "--report", "json=-", "--color", "always"]).with(0);
    check_results(&json(&stdout));
}

#[test]
fn whoever_stops_reading_has_seen_enough() {
    for arguments in [
        &["list"][..],
        &["list", "--format", "json"],
        &["explain", "defects"],
        &["schema", "results"],
        &["--help"],
    ] {
        let mut child = dpop(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let code = code_within(&mut child, Duration::from_secs(30)).expect("an end");
        let mut stderr = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_exit_3() {
    let full = fs::File::options().write(true).open("/dev/full").expect("a device");
    let mut child = dpop(["list"]).stdout(full).stderr(Stdio::piped()).spawn().expect("the program starts");
    assert_eq!(code_within(&mut child, Duration::from_secs(30)), Some(Some(3)));
}
