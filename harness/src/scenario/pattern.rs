/// Whether `text` fits `pattern`, in which `*` stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => match text.strip_prefix(before) {
            None => false,
            Some(rest) => rest
                .char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| rest.get(at..).is_some_and(|rest| matches(after, rest))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("rs.ath", "rs.ath", true),
            ("rs.ath", "rs.ath.missing", false),
            ("rs.ath.*", "rs.ath.missing", true),
            ("*", "anything", true),
            ("rs.*.missing", "rs.ath.missing", true),
            ("rs.*.missing", "rs.ath.hex", false),
            ("*ath*", "rs.ath.hex", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
