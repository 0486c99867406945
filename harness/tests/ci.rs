//! What others copy into their CI does what it says: the GitHub Action's scripts, and the examples in `docs/ci`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ended, Staging, bash, ended, place, text};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&read(path)).expect("YAML")
}

const ACTION: &str = ".github/actions/dpop";

fn action(folder: &Path, script: &str, variables: &[(&str, &str)]) -> Ended {
    action_in(folder, folder, script, variables)
}

/// The same, where the step runs in another folder than that in which `dpop` lies.
fn action_in(place: &Path, folder: &Path, script: &str, variables: &[(&str, &str)]) -> Ended {
    let files = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH"].map(|name| (name, folder.join(name)));
    let mut all: Vec<(&str, &str)> = files.iter().map(|(name, path)| (*name, text(path))).collect();
    all.extend([("GITHUB_ACTIONS", "true"), ("CI", "true"), ("RUNNER_TEMP", text(folder))]);
    all.extend(variables);
    let script = format!("cd '{}' && '{}'", text(folder), text(&root().join(ACTION).join(script)));
    bash(place, &script, &all)
}

#[test]
fn the_action_annotates_what_fails() {
    let folder = place();
    let inputs = [
        ("INPUT_CASES", "rs.ath\nrs.key.fresh-key\n"),
        ("INPUT_REPORTS", "json=a b.json\nsarif=dpop.sarif\n"),
        ("INPUT_PROFILE", "strict"),
        ("INPUT_CONFIG", ""),
    ];
    let clean = action(folder.path(), "run.sh", &inputs).with(0);
    assert!(!clean.stderr.contains("::error"), "{}", clean.stderr);
    let bug = ("DPOP_DEFECT", "ath-not-checked");
    let faulty = action(folder.path(), "run.sh", &[&inputs[..], &[bug]].concat()).with(1);
    // The line of the case in the scenario.
    let scenario = read("scenarios/resource-server/ath.yaml");
    let line =
        scenario.lines().position(|line| line.trim_start().starts_with("missing:")).expect("the case") + 1;
    let wanted = format!("::error file=scenarios/resource-server/ath.yaml,line={line},title=rs.ath.missing");
    assert!(faulty.stderr.contains(&wanted), "{wanted} is not in {}", faulty.stderr);
    let written = |name: &str| fs::read_to_string(folder.path().join(name)).expect(name);
    assert_eq!(written("GITHUB_OUTPUT"), "exit-code=0\nexit-code=1\n");
    let summary = written("GITHUB_STEP_SUMMARY");
    assert!(summary.contains("✅ conforms") && summary.contains("❌ does not conform"), "{summary}");
    assert!(written("a b.json").contains("\"strict\"") && written("dpop.sarif").contains("rs.ath.missing"));
}

/// In a repository that has a config and nothing else of ours, whatever folder the step runs in.
#[test]
fn a_finding_is_annotated_at_a_line_that_is_there() {
    let (repository, staging) = (place(), Staging::new());
    let _server = staging.serve(&["--defect", "ath-not-checked", "--quiet"]);
    let config = repository.path().join("api/dpop.yaml");
    fs::create_dir(repository.path().join("api")).expect("a folder");
    fs::copy(staging.config(), &config).expect("a config");
    let line = fs::read_to_string(&config)
        .expect("a config")
        .lines()
        .position(|line| line.contains("resource: "))
        .expect("the resource")
        + 1;
    let workspace = ("GITHUB_WORKSPACE", text(repository.path()));
    let inputs = [("INPUT_CASES", "rs.ath.missing"), ("INPUT_REPORTS", "sarif=dpop.sarif"), workspace];
    for (name, from) in [("api/dpop.yaml", ""), (text(&config), ""), ("dpop.yaml", "api")] {
        let folder = repository.path().join(from);
        let inputs = [&inputs[..], &[("INPUT_CONFIG", name)]].concat();
        let said = action_in(repository.path(), &folder, "run.sh", &inputs).with(1).stderr;
        let wanted = format!("::error file=api/dpop.yaml,line={line},title=rs.ath.missing");
        assert!(said.contains(&wanted), "{wanted} is not in {said}");
        let sarif: Value =
            serde_json::from_str(&fs::read_to_string(folder.join("dpop.sarif")).expect("a file"))
                .expect("JSON");
        let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "api/dpop.yaml");
        assert_eq!(place["region"]["startLine"], line);
    }
}

#[test]
fn inputs_are_taken_as_they_are() {
    let folder = place();
    let config = "$(touch owned) \"a\" 'b'; c.yaml";
    let ended = action(folder.path(), "run.sh", &[("INPUT_CONFIG", config)]).with(2);
    assert!(ended.stderr.contains(config), "{}", ended.stderr);
    assert!(!folder.path().join("owned").exists());
    action(folder.path(), "run.sh", &[("INPUT_CONFIG", ""), ("INPUT_CASES", "rs.ath.mising")]).with(4);
}

#[test]
fn every_input_reaches_a_script() {
    let action = yaml(&format!("{ACTION}/action.yml"));
    let scripts = ["install.sh", "run.sh"].map(|name| read(&format!("{ACTION}/{name}"))).concat();
    let mut handed = BTreeSet::new();
    for step in action["runs"]["steps"].as_array().expect("steps") {
        for (name, value) in step["env"].as_object().expect("an environment") {
            assert!(scripts.contains(name.as_str()), "{name} is read by no script");
            handed.insert(value.as_str().expect("text").to_owned());
        }
    }
    for name in
        action["inputs"].as_object().expect("inputs").keys().filter(|name| *name != "working-directory")
    {
        assert!(handed.contains(&format!("${{{{ inputs.{name} }}}}")), "{name} is handed to no script");
    }
}

/// The program is packed as a release, and the action installs that.
#[test]
fn what_is_released_can_be_installed() {
    let folder = place();
    let target = "x86_64-unknown-linux-musl";
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return;
    }
    let archive = root().join("xtask/release/archive.sh");
    let pack = format!("bash {} {target} {}", text(&archive), env!("CARGO_BIN_EXE_dpop"));
    bash(folder.path(), &pack, &[]).with(0);
    let latest = folder.path().join("releases/latest/download");
    fs::create_dir_all(&latest).expect("a folder");
    for name in [format!("dpop-{target}.tar.gz"), format!("dpop-{target}.tar.gz.sha256")] {
        fs::rename(root().join("target/release-archives").join(&name), latest.join(&name)).expect(&name);
    }
    let releases = format!("file://{}", text(&folder.path().join("releases")));
    let variables = [("RELEASES", releases.as_str()), ("REPOSITORY", "x/y"), ("INPUT_VERSION", "latest")];
    action(folder.path(), "install.sh", &variables).with(0);
    let bin = folder.path().join("dpop");
    assert_eq!(fs::read_to_string(folder.path().join("GITHUB_PATH")).expect("a file").trim(), text(&bin));
    let version = ended(Command::new(bin.join("dpop")).arg("--version")).with(0).stdout;
    assert!(version.starts_with("dpop "), "{version}");
    assert!(fs::read_to_string(bin.join("man/dpop-run.1")).expect("a page").contains("partition"));
    assert!(fs::read_to_string(bin.join("completions/dpop.bash")).expect("a script").contains("--partition"));
    let parts: Value =
        serde_json::from_str(&fs::read_to_string(bin.join("dpop.cdx.json")).expect("a list")).expect("JSON");
    let named =
        |name: &str| parts["components"].as_array().expect("parts").iter().any(|part| part["name"] == name);
    assert!(named("tokio") && named("clap") && !named("boon"), "what is linked, and nothing else");

    // What was changed on the way is not installed.
    fs::write(latest.join(format!("dpop-{target}.tar.gz")), "something else").expect("a file");
    assert_ne!(action(folder.path(), "install.sh", &variables).code, Some(0));
    let odd = [("RELEASES", releases.as_str()), ("REPOSITORY", "x/y"), ("INPUT_VERSION", "../../evil")];
    action(folder.path(), "install.sh", &odd).with(2);
}

/// Some cases, so that no share is empty and it does not take long.
const SOME: (&str, &str) = ("DPOP_CWE", "345");

/// Performs the shares and the merge, with a bug and without; the merge judges them.
fn judged_together(
    share: &dyn Fn(usize) -> (String, Vec<(&'static str, String)>),
    shares: usize,
    merge: &str,
) {
    for (bug, code) in [(None, 0), (Some(("DPOP_DEFECT", "ath-not-checked")), 1)] {
        let folder = place();
        for number in 1..=shares {
            let (script, variables) = share(number);
            let variables: Vec<(&str, &str)> =
                variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let variables = [&variables[..], &[SOME], bug.as_slice()].concat();
            bash(folder.path(), &script, &variables).with(0);
        }
        let merged = bash(folder.path(), merge, &[]).with(code);
        assert!(merged.stdout.contains(" cases: "), "{}", merged.stdout);
        assert!(folder.path().join("dpop.html").exists() || !merge.contains("html"));
        // A job that left nothing is an error, not a success.
        fs::remove_file(folder.path().join("share-2.json")).expect("a share");
        bash(folder.path(), merge, &[]).with(2);
    }
}

#[test]
fn the_example_for_github() {
    let workflow = yaml("docs/ci/github.yml");
    let script = |job: &str| {
        let steps = workflow["jobs"][job]["steps"].as_array().expect("steps");
        steps.iter().find_map(|step| step["run"].as_str()).expect("a script").to_owned()
    };
    let folder = place();
    bash(folder.path(), &script("dpop"), &[SOME]).with(0);
    bash(folder.path(), &script("dpop"), &[SOME, ("DPOP_DEFECT", "ath-not-checked")]).with(1);
    assert!(folder.path().join("dpop.sarif").exists());
    let share =
        |number: usize| (script("share").replace("${{ matrix.share }}", &number.to_string()), Vec::new());
    let shares = workflow["jobs"]["share"]["strategy"]["matrix"]["share"].as_array().expect("a list").len();
    judged_together(&share, shares, &script("all"));
}

#[test]
fn the_example_for_gitlab() {
    let pipeline = yaml("docs/ci/gitlab-ci.yml");
    let script = |job: &str| pipeline[job]["script"][0].as_str().expect("a script").to_owned();
    let shares = pipeline["share"]["parallel"].as_u64().expect("a number") as usize;
    let share = |number: usize| {
        let variables = vec![("CI_NODE_INDEX", number.to_string()), ("CI_NODE_TOTAL", shares.to_string())];
        (script("share"), variables)
    };
    judged_together(&share, shares, &script("dpop"));
}

#[test]
fn the_example_for_jenkins() {
    let pipeline = read("docs/ci/Jenkinsfile");
    let script = |quote: &str| {
        let (_, rest) = pipeline.split_once(&format!("sh {quote}")).expect("a script");
        rest.split(quote).next().expect("its end").replace("\\$", "$")
    };
    let share = |number: usize| (script("\"").replace("${number}", &number.to_string()), Vec::new());
    judged_together(&share, 4, &script("'"));
}

#[test]
fn the_example_for_kubernetes() {
    let job = yaml("docs/ci/kubernetes.yaml");
    let shares = job["spec"]["completions"].as_u64().expect("a number") as usize;
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let script = container["args"][0].as_str().expect("a script");
    assert!(script.contains(&format!("hash:auto/{shares}")), "{script}");
    // The volumes are this folder, and the target the built-in server.
    let script = script.replace("--config /config/dpop.yaml ", "").replace("/results/", "");
    let share = |number: usize| (script.clone(), vec![("JOB_COMPLETION_INDEX", (number - 1).to_string())]);
    let text = read("docs/ci/kubernetes.yaml");
    let merge = text.lines().find_map(|line| line.strip_prefix("# Afterwards: ")).expect("a command");
    judged_together(&share, shares, &merge.replace("/results/", ""));
}
