/// What a refusal tells that is nobody's business (CWE-209).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leak {
    /// A token or a private key, or a part of it, that the request or an earlier one had.
    Secret,
    /// A stack trace.
    Trace,
    /// The name of an exception, or a line of a source file.
    Internals,
}

impl Leak {
    /// What `text`, the fields and content of a refusal, gives away beside secrets. Only what nothing else looks like counts.
    pub(super) fn in_text(text: &str) -> Option<Self> {
        // As JSON and HTML write line breaks and spaces.
        let text = text
            .replace("\\n", "\n")
            .replace("\\r", "")
            .replace("\\t", " ")
            .replace("<br>", "\n")
            .replace("&nbsp;", " ");
        if text.lines().any(is_frame) || MARKS.iter().any(|mark| text.contains(mark)) {
            return Some(Self::Trace);
        }
        let words = || {
            text.split(|character: char| {
                !(character.is_ascii_alphanumeric() || "._$:/\\".contains(character))
            })
        };
        words().any(|word| is_exception(word) || is_source_line(word)).then_some(Self::Internals)
    }
}

/// What stands in the stack traces of Python, Go, Rust and PHP, and nowhere else.
const MARKS: &[&str] = &[
    "Traceback (most recent call last)",
    "goroutine 1 [running]",
    "stack backtrace:",
    "' panicked at ",
    "Stack trace:\n#0 ",
];

/// The endings of the names of source files.
const SOURCES: &[&str] =
    &["java", "kt", "scala", "js", "mjs", "cjs", "ts", "cs", "py", "rb", "php", "go", "rs", "ex", "clj"];

/// A line of a stack trace as Java, JavaScript, .NET and Ruby have it.
fn is_frame(line: &str) -> bool {
    let line = line.trim();
    let frame = line.strip_prefix("at ").or_else(|| line.strip_prefix("from "));
    frame.is_some_and(|frame| {
        let dotnet = frame.starts_with("System.") || frame.starts_with("Microsoft.");
        let native = frame.ends_with("(Native Method)") || frame.ends_with("(<anonymous>)");
        let place =
            |character: char| !(character.is_ascii_alphanumeric() || "._$:/\\<>-".contains(character));
        dotnet && frame.contains('(') || native || frame.split(place).any(is_source_line)
    })
}

/// `Name.java:12`, `/app/index.js:12:5`.
fn is_source_line(word: &str) -> bool {
    SOURCES.iter().any(|ending| {
        let mark = format!(".{ending}:");
        word.split_once(&mark).is_some_and(|(name, line)| {
            name.ends_with(|character: char| character.is_ascii_alphanumeric() || character == '_')
                && !name.contains("://")
                && line.starts_with(|character: char| character.is_ascii_digit())
        })
    })
}

/// `java.lang.IllegalArgumentException`, `System.FormatException`, `jose.exceptions.JWTError`.
fn is_exception(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ':', '/']);
    let Some((package, name)) = word.rsplit_once('.') else { return false };
    let is_name = |part: &str| part.starts_with(|character: char| character.is_ascii_alphabetic());
    let kind = name.ends_with("Exception") || (name.ends_with("Error") && package.contains(['.', '_']));
    kind && name.starts_with(|character: char| character.is_ascii_uppercase())
        && package.split('.').all(is_name)
        && !word.contains(['/', '\\', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_traces() {
        for text in [
            "Traceback (most recent call last):\n  File \"/srv/app.py\", line 3, in check\n",
            "{\"trace\":\"java.lang.IllegalArgumentException: x\\n\\tat com.example.Proof.check(Proof.java:12)\\n\"}",
            "<pre>Error: x<br> &nbsp; &nbsp;at check (/srv/app/proof.js:12:5)<br></pre>",
            "   at Example.Proof.Check(String proof) in C:\\src\\Proof.cs:line 12\n   at System.Text.Json.Parse(String s)",
            "goroutine 1 [running]:\nmain.main()",
            "thread 'main' panicked at src/main.rs:3:5",
            "Stack trace:\n#0 /srv/index.php(12): check()",
            "    from /srv/app.rb:12:in `check'",
        ] {
            assert_eq!(Leak::in_text(text), Some(Leak::Trace), "{text}");
        }
    }

    #[test]
    fn names_from_the_inside() {
        for text in [
            "io.jsonwebtoken.MalformedJwtException: JWT strings must contain exactly 2 period characters",
            "{\"exception\":\"System.FormatException\"}",
            "jose.exceptions.JWTError",
            "invalid proof (/srv/app/proof.go:12)",
        ] {
            assert_eq!(Leak::in_text(text), Some(Leak::Internals), "{text}");
        }
    }

    #[test]
    fn what_is_nothing() {
        for text in [
            "",
            "{\"error\":\"invalid_dpop_proof\",\"error_description\":\"the htu claim is not http://127.0.0.1:9401/resource.\"}",
            "at least one claim is missing",
            "at https://rs.example:443/app.js there is nothing",
            "see https://docs.example/errors.html#TokenError",
            "Internal Server Error",
            "Exception",
            "an Exception. Error",
            "Date: Sun, 06 Nov 1994 08:49:37 GMT",
            "resource.Error",
        ] {
            assert_eq!(Leak::in_text(text), None, "{text}");
        }
    }
}
