use std::io::{self, Write};

/// The widest line of the console.
pub(super) const WIDTH: usize = 100;

/// Writes `text` behind `head`, with every further line below where it began.
///
/// # Errors
/// Those of the output.
pub fn hanging(out: &mut dyn Write, head: &str, text: &str) -> io::Result<()> {
    let indent = head.chars().count();
    let mut line = head.to_owned();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(indent);
            column = indent;
        }
        if column > indent {
            line.push(' ');
            column += 1;
        }
        line.push_str(word);
        column += length;
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_hangs_below_its_beginning_and_keeps_the_width() {
        let mut shown = Vec::new();
        hanging(&mut shown, "  why   ", &"word ".repeat(40)).expect("memory");
        let shown = String::from_utf8(shown).expect("UTF-8");
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines.len() > 1, "{shown}");
        assert!(lines[0].starts_with("  why   word "), "{shown}");
        for line in &lines {
            assert!(line.chars().count() <= WIDTH && line.ends_with("word"), "{line}");
        }
        assert!(lines[1..].iter().all(|line| line.starts_with("        word")), "{shown}");
        assert_eq!(shown.matches("word").count(), 40);
    }
}
