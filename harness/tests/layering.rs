//! The modules of the library import only from the left, and builder and checker share no code (design: "Import
//! direction"). Every `crate::` and `super::` path in `src/` is read, those in tests and in strings of attributes too.

use std::fs;
use std::path::{Path, PathBuf};

/// The top-level modules from left to right; each may import only what stands before it.
const ORDER: &[&str] = &[
    "clock",
    "jose",
    "entropy",
    "spec",
    "reference",
    "proof",
    "mutation",
    "scenario",
    "generator",
    "coverage",
    "target",
    "vectors",
    "plan",
    "run",
    "measure",
    "judge",
    "suite",
    "selftest",
    "snapshot",
    "guide",
    "report",
    "fuzz",
    "cli",
    "embed",
    "fuzzing",
];

/// What uses nothing of each other in either direction, so that a mistake in one side can't hide in the other.
const APART: &[(&str, &str)] = &[("proof", "reference"), ("mutation", "reference")];

#[test]
fn the_library_keeps_its_direction() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    rust_files(&src, &mut sources);
    let (mut modules, mut faults) = (Vec::new(), Vec::new());
    for path in sources {
        let file = path.strip_prefix(&src).expect("below src");
        let source = fs::read_to_string(&path).expect("UTF-8");
        let module = module_of(file);
        let found = check(&module, &source);
        faults.extend(found.iter().map(|fault| format!("src/{}:{fault}", file.display())));
        modules.extend(module.into_iter().next());
    }
    let gone = ORDER.iter().filter(|name| !modules.iter().any(|module| module == *name));
    faults.extend(gone.map(|name| format!("`{name}` is in the list and not in src/")));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// `a/b.rs` and `a/b/mod.rs` are `a::b`; `lib.rs` is the root, and so is `main.rs` of its own crate.
fn module_of(file: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into()).collect();
    if module.last().is_some_and(|last| last == "mod")
        || ["lib", "main"].map(|root| vec![root.into()]).contains(&module)
    {
        module.pop();
    }
    module
}

/// What `source`, the text of `module`, may not import, as `line: why`.
fn check(module: &[String], source: &str) -> Vec<String> {
    let Some(from) = module.first() else { return Vec::new() };
    let place = |name: &str| ORDER.iter().position(|module| *module == name);
    let Some(here) = place(from) else {
        return vec![format!("1: add `{from}` to the list in tests/layering.rs")];
    };
    let mut faults = Vec::new();
    for Import { line, to } in imports(module, source) {
        let apart = APART.iter().any(|&(one, other)| [(one, other), (other, one)].contains(&(from, &to)));
        let fault = match place(&to) {
            _ if to == *from => continue,
            None => format!("`crate::{to}` is in no layer: name the module, not the root of the crate"),
            Some(_) if apart => format!("`{from}` and `{to}` must not know each other"),
            Some(there) if there > here => format!("`{to}` stands to the right of `{from}`"),
            Some(_) => continue,
        };
        faults.push(format!("{line}: {fault}"));
    }
    faults
}

/// A path that begins at the root of the crate or above the module in which it stands.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    line: usize,
    /// The top-level module that it names; `*`, `self` or nothing where it names the root itself.
    to: String,
}

fn imports(module: &[String], source: &str) -> Vec<Import> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut inline: Vec<(String, usize)> = Vec::new(); // the modules `mod x { … }` around here, and where they began
    let mut braces = 0;
    for (at, token) in tokens.iter().enumerate() {
        let following: Vec<&str> = tokens[at..].iter().take(3).map(|token| token.text.as_str()).collect();
        match following[..] {
            ["{", ..] => braces += 1,
            ["}", ..] => {
                braces -= 1;
                inline.retain(|(_, outside)| *outside < braces);
            }
            ["mod", name, "{"] => inline.push((name.to_owned(), braces)),
            ["crate" | "super", ..] => {
                let within =
                    module.iter().map(String::as_str).chain(inline.iter().map(|(name, _)| name.as_str()));
                // `self::super::x` begins here; `super` after `super::` was followed already.
                let starts =
                    at == 0 || tokens[at - 1].text != "::" || (at > 1 && tokens[at - 2].text == "self");
                if starts {
                    let targets = resolve(&within.collect::<Vec<_>>(), &tokens[at..]);
                    found.extend(targets.into_iter().map(|to| Import { line: token.line, to }));
                }
            }
            _ => {}
        }
    }
    found
}

/// The top-level modules that the path at the start of `tokens` names: several for `crate::{a, b}`.
fn resolve(module: &[&str], tokens: &[Token]) -> Vec<String> {
    let mut texts = tokens.iter().map(|token| token.text.as_str()).peekable();
    let mut base = module.to_vec();
    let visibility = tokens.get(1).is_some_and(|token| token.text == ")"); // pub(crate), pub(super)
    loop {
        match texts.next() {
            Some("crate") => base.clear(),
            Some("super") => drop(base.pop()),
            Some("{") => {
                let names = group(texts.collect());
                // `super` in a group after a path goes up from there: refused, as no layer is called that.
                let outside = base.is_empty() || names.iter().any(|name| name == "super");
                return if outside { names } else { vec![base[0].to_owned()] };
            }
            Some(name) if base.is_empty() => return vec![name.to_owned()],
            _ => return vec![base[0].to_owned()],
        }
        if texts.next_if_eq(&"::").is_none() {
            // `use crate as root` and `use super::super as up` name a module without a path behind it.
            let name = base.first().copied().unwrap_or_default().to_owned();
            return if visibility { Vec::new() } else { vec![name] };
        }
    }
}

/// The first names in `a::b, c::{d, e}, f }`, the group after `crate::{`.
fn group(texts: Vec<&str>) -> Vec<String> {
    let (mut names, mut depth, mut first) = (Vec::new(), 1, true);
    for text in texts {
        match text {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => first = true,
            name if first => {
                names.push(name.to_owned());
                first = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

#[derive(Debug)]
struct Token {
    text: String,
    line: usize,
}

/// Words, `::` and single signs, without comments; a string only where all of it is a path, as serde's attributes have.
fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(sign) = rest.chars().next() {
        let length = length_of_token(rest);
        let (text, behind) = rest.split_at(length);
        if sign == '"' {
            let quoted = text.trim_matches('"');
            if ["crate::", "super::"].iter().any(|start| quoted.starts_with(start)) && !quoted.contains(' ') {
                found.extend(tokens(quoted).into_iter().map(|token| Token { line, ..token }));
            }
        } else if is_word(sign) || text == "::" || (text.len() == sign.len_utf8() && !sign.is_whitespace()) {
            found.push(Token { text: text.to_owned(), line });
        }
        line += text.matches('\n').count();
        rest = behind;
    }
    found
}

/// How many bytes the comment, literal, word or sign at the start of `rest` has; to the end where it isn't closed.
fn length_of_token(rest: &str) -> usize {
    let through =
        |from: usize, end: &str| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return through(0, "\n");
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    let prefix = rest.len() - rest.trim_start_matches(['b', 'c']).len().max(rest.len() - 1);
    if let Some(raw) = rest[prefix..].strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            return through(prefix + 1 + hashes + 1, &format!("\"{}", "#".repeat(hashes)));
        }
    }
    if rest[prefix..].starts_with('"') {
        return prefix + quoted(&rest[prefix..], '"');
    }
    if let Some(behind) = rest[prefix..].strip_prefix('\'') {
        // A lifetime has no quote behind its first character.
        let character = behind.starts_with('\\') || behind.chars().nth(1) == Some('\'');
        return if character { prefix + quoted(&rest[prefix..], '\'') } else { prefix + 1 };
    }
    let word = rest.find(|sign| !is_word(sign)).unwrap_or(rest.len());
    if word > 0 {
        return word;
    }
    if rest.starts_with("::") { 2 } else { rest.chars().next().map_or(0, char::len_utf8) }
}

fn is_word(sign: char) -> bool {
    sign == '_' || sign.is_alphanumeric()
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if sign == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        match here {
            _ if here.starts_with("/*") => (depth, at) = (depth + 1, at + 2),
            _ if here.starts_with("*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += here.chars().next().map_or(1, char::len_utf8),
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(path: &str) -> Vec<String> {
        path.split("::").map(str::to_owned).collect()
    }

    #[track_caller]
    fn names(within: &str, source: &str, expected: &[&str]) {
        let found = imports(&module(within), source);
        assert_eq!(found.iter().map(|import| import.to.as_str()).collect::<Vec<_>>(), expected, "{source}");
    }

    #[test]
    fn every_form_of_a_path_is_found() {
        names(
            "proof",
            "use crate::jose::Jkt; fn f() -> crate::spec::Level { crate :: run :: go() }",
            &["jose", "spec", "run"],
        );
        names(
            "proof",
            "use crate::{jose::{Jkt, Ath}, clock, self, spec::*};",
            &["jose", "clock", "self", "spec"],
        );
        names("proof::key", "use super::edit; use super::super::reference::Issuer;", &["proof", "reference"]);
        names(
            "proof::key",
            "use super::super::{run, judge}; use self::super::super::plan::X;",
            &["run", "judge", "plan"],
        );
        names(
            "proof",
            "use super::reference; macro_rules! m { () => { $crate::judge::x() } }",
            &["reference", "judge"],
        );
        names(
            "proof",
            "#[serde(with = \"crate::report::hex\", default = \"super::cli::f\")] x: u8",
            &["report", "cli"],
        );
        names("proof", "use crate as root; use super::{super::x}; use crate::*;", &["", "super", "x", "*"]);
        names(
            "proof",
            "pub(crate) fn a() {} pub(super) fn b() {} pub(in crate::proof) fn c() {}",
            &["proof"],
        );
    }

    #[test]
    fn inline_modules_count() {
        names(
            "clock",
            "mod tests { use super::*; fn f() { { super::super::run::x() } } } use super::cli;",
            &["clock", "run", "cli"],
        );
        names(
            "a::b",
            "mod c { mod d { use super::super::super::super::e; } use super::super::super::f; }",
            &["e", "f"],
        );
    }

    #[test]
    fn comments_strings_and_lifetimes_do_not_mislead() {
        let source = r##"
            //! [`crate::run`] // and "crate::cli
            /* crate::a /* crate::b */ crate::c */
            fn f<'a>(x: &'a str) -> char { let q = '"'; let e = '\''; let b = b'"'; '}' }
            const S: &str = "say \"crate::run::x\" {"; const R: &str = r#"crate::run "quoted" {"#; const B: &[u8] = br"\";
            use crate::spec::Level;
        "##;
        assert_eq!(imports(&module("proof"), source), [Import { line: 6, to: "spec".into() }]);
    }

    #[track_caller]
    fn refused(within: &str, source: &str, expected: &str) {
        let faults = check(&module(within), source);
        assert!(faults.len() == 1 && faults[0].contains(expected), "{faults:?}");
    }

    #[test]
    fn wrong_directions_are_refused() {
        refused("spec::ledger", "\nuse crate::run::Runner;", "2: `run` stands to the right of `spec`");
        refused("proof::key", "use super::super::reference::Issuer;", "must not know each other");
        refused(
            "reference",
            "#[cfg(test)] mod tests { use crate::mutation::catalogue; }",
            "must not know each other",
        );
        refused("jose", "use crate::{clock, cli};", "`cli` stands to the right");
        refused("jose", "use crate::*;", "in no layer");
        refused("jose", "use crate as root;", "in no layer");
        refused("jose", "use super::Thing;", "`crate::Thing` is in no layer");
        refused("gadget", "", "add `gadget` to the list");
        assert_eq!(
            check(&module("target::tokens"), "use crate::reference::Issuer; use super::Target;"),
            [""; 0]
        );
        assert_eq!(check(&[], "use crate::cli::main;"), [""; 0]);
    }

    #[test]
    fn files_are_modules() {
        let cases = [("a/b.rs", "a::b"), ("a/mod.rs", "a"), ("a/lib.rs", "a::lib"), ("clock.rs", "clock")];
        for (file, expected) in cases {
            assert_eq!(module_of(Path::new(file)), module(expected));
        }
        assert!(module_of(Path::new("lib.rs")).is_empty() && module_of(Path::new("main.rs")).is_empty());
    }
}
