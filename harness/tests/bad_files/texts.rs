//! Files that are odd before they are read as YAML: their size, encoding, line ends, or that they are not there.

use super::*;

#[test]
fn lines_of_later_documents_are_those_of_the_file() {
    let second = |from: &str, to: &str| {
        format!("{SCENARIO}---\n{}", replaced(&SCENARIO.replace("rs.mine", "rs.second"), from, to))
    };
    check_scenario(second("level: must", "levl: must"), ((15, 1), "unknown field `levl`", Some("level")));
    check_scenario(second("level: must\n", ""), ((10, 1), "missing field `level`", None));
    check_scenario(second("must", "mist"), ((15, 8), "level: unknown variant `mist`", Some("must")));
    check_scenario(second("4.3-12a", "4.3-12z"), ((13, 8), "unknown requirement", Some("9449-4.3-12a")));
    check_scenario(second("one:", "One:"), ((17, 3), "a case's name is a lower-case word", None));
    check_scenario(second("level: must", "id: rs.x"), ((15, 1), "duplicate key `id`", None));
    check_scenario(
        second("level: must", "\tlevel: must"),
        ((15, 2), "not YAML: while parsing a block mapping", None),
    );
    let taken = |first: usize| format!("mine.yaml:{first}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.yaml");
    let content = format!("{SCENARIO}---\n{SCENARIO}");
    fs::write(&path, &content).expect("written");
    let ended = run(["list", "--scenarios", text(folder.path())]);
    assert!(ended.stderr.contains(&taken(1)), "{}", ended.stderr);
    check(ended, &path, content.as_bytes(), ((10, 5), "the id `rs.mine` is taken by", None));
}

#[test]
fn other_line_ends_and_letters_do_not_move_the_place() {
    let crlf = |text: String| text.replace('\n', "\r\n");
    check_scenario(crlf(case("{ expct: accept }")), ((8, 10), "cases.one: unknown field", Some("expect")));
    let second =
        format!("{SCENARIO}---\n{}", scenario("9449-4.3-12a", "9449-4.3-12z").replace("rs.mine", "rs.b"));
    check_scenario(crlf(second), ((13, 8), "unknown requirement", Some("9449-4.3-12a")));

    // The column counts characters, not bytes and not UTF-16 units.
    let shape = case("{ title: \"é日本𝄞\", expct: accept }");
    check_scenario(shape, ((8, 25), "cases.one: unknown field", Some("expect")));
    let name = case("{ title: \"é日本𝄞\", proof: { mutate: [twin-signatur] }, expect: reject }");
    check_scenario(name, ((8, 43), "unknown mutation", Some("twin-signature")));
    let duplicate = case("{ title: \"é日本𝄞\", title: x, expect: accept }");
    check_scenario(duplicate, ((8, 25), "duplicate key `title`", None));
    let syntax = case("{ title: \"é日本𝄞\", expect: *no }");
    check_scenario(syntax, ((8, 33), "not YAML", None));

    let marked = format!("\u{feff}{}", scenario("level: must", "levl: must"));
    check_scenario(marked, ((6, 1), "unknown field `levl`", Some("level")));
    check_scenario(
        format!("\u{feff}{}", scenario("id:", "idd:")),
        ((1, 1), "unknown field `idd`", Some("id")),
    );
}

#[test]
fn excess() {
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for pair in ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"] {
        let (from, to) = pair.split_at(1);
        bomb += &format!("{to}: &{to} [{}]\n", vec![format!("*{from}"); 9].join(","));
    }
    check_scenario(&bomb, ((9, 11), "more than 64 aliases", None));
    check_config(&bomb, ((9, 11), "more than 64 aliases", None));
    // As many aliases as are allowed, where any value may stand: 9^7 strings.
    let mut bomb = scenario(
        "{ expect: accept }",
        "\n    expect: reject\n    proof:\n      claims:\n        a: &a [x,x,x,x,x,x,x,x,x]",
    );
    for pair in ["ab", "bc", "cd", "de", "ef", "fg"] {
        let (from, to) = pair.split_at(1);
        bomb += &format!("        {to}: &{to} [{}]\n", vec![format!("*{from}"); 9].join(","));
    }
    check_scenario(bomb, ((1, 1), "repetition limit exceeded", None));

    check_scenario(format!("a: {}", "[".repeat(200)), ((1, 35), "nested more than 32 levels deep", None));
    let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    check_scenario(deep, ((1, 259), "not YAML: recursion limit exceeded", None));
    let block: String = (0..40).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    check_config(block, ((33, 33), "nested more than 32 levels deep", None));

    let large = "x".repeat(10_000_000);
    check_scenario(&large, ((1, 1), "the file is larger than 1048576 bytes", None));
    check_config(&large, ((1, 1), "the file is larger than 1048576 bytes", None));
}

#[test]
fn other_encodings() {
    let latin_1 = b"id: rs.mine\ntitle: \"caf\xe9\"\n";
    check_scenario(latin_1, ((2, 12), "the file is not UTF-8", None));
    check_config(b"dpop: 1\r\ntarget: {\xc3\xa9\xff", ((2, 11), "the file is not UTF-8", None));
    let utf_16: Vec<u8> = "\u{feff}dpop: 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check_config(utf_16, ((1, 1), "the file is not UTF-8", None));
}

/// What is not there or not a file has a name, and no text to show.
#[test]
fn files_that_can_not_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing");
    let expected = ((1, 1), "can't read the file: ", None);
    check(run(["run", "--config", text(&missing)]), &missing, b"", expected);
    check(run(["run", "--config", text(folder.path())]), folder.path(), b"", expected);
    check(run(["list", "--scenarios", text(&missing)]), &missing, b"", expected);
    let empty = ((1, 1), "there is no *.yaml file below this folder", None);
    check(run(["list", "--scenarios", text(folder.path())]), folder.path(), b"", empty);

    let file = folder.path().join("file.yaml");
    fs::write(&file, SCENARIO).expect("written");
    check(run(["list", "--scenarios", text(&file)]), &file, b"", expected);
}

#[cfg(unix)]
#[test]
fn an_endless_file_is_too_large() {
    let path = Path::new("/dev/zero");
    check(run(["run", "--config", "/dev/zero"]), path, b"", ((1, 1), "the file is larger than", None));

    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("dangling.yaml");
    std::os::unix::fs::symlink("/nonexistent", &link).expect("a link");
    let ended = run(["list", "--scenarios", text(folder.path())]);
    check(ended, &link, b"", ((1, 1), "can't read the file: ", None));
}
