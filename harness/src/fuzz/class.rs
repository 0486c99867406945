use crate::run::Exchange;

/// What kind of answer one is, so that an input which gets a new kind is kept: status, error, its description without what
/// differs from request to request, what challenges offer, and about how long it took.
pub(super) fn class_of(exchange: &Exchange) -> String {
    let seen = &exchange.seen;
    let latency = match exchange.milliseconds {
        0..500 => "",
        500..5000 => " 500ms",
        5000.. => " 5s",
    };
    let said = seen.said.as_deref().map(|said| format!(" {:?}", masked(said))).unwrap_or_default();
    let offer = match (seen.offers_dpop, seen.challenged) {
        (true, _) => " dpop",
        (false, true) => " challenge",
        (false, false) => "",
    };
    let nonce = if seen.nonce_fields > 0 { " nonce" } else { "" };
    let status = seen.status.map(|status| format!(" {status}")).unwrap_or_default();
    let error = seen.error.as_deref().map(|error| format!(" {}", masked(error))).unwrap_or_default();
    let nothing =
        seen.nothing.as_ref().map(|why| format!(" {}", masked(&why.to_string()))).unwrap_or_default();
    format!("{}{status}{error}{nothing}{offer}{nonce}{latency}{said}", seen.decision.name())
}

/// The text with `#` for words that have a digit, as numbers and ids do, and cut where it is long.
fn masked(text: &str) -> String {
    let odd =
        |word: &str| word.len() > 24 || word.contains(|sign: char| sign.is_ascii_digit() || !sign.is_ascii());
    let words = text.split_ascii_whitespace().take(24);
    words.map(|word| if odd(word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_request_to_request_is_masked() {
        assert_eq!(masked("invalid_dpop_proof"), "invalid_dpop_proof");
        assert_eq!(masked("jti a8Xk2 was seen 17 s ago"), "jti # was seen # s ago");
        assert_eq!(masked("token abcdefghijklmnopqrstuvwxyzabc"), "token #");
    }
}
