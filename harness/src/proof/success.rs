/// The status codes by which a server says that it let a request through (RFC 9110 section 15): any 2xx, unless some are named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Success(Vec<u16>);

impl Success {
    /// These codes and no others; without any, every 2xx.
    ///
    /// # Errors
    /// The first that says something else: 1xx comes before an answer, and 4xx and 5xx are no success.
    pub fn only(codes: Vec<u16>) -> Result<Self, u16> {
        match codes.iter().find(|code| !(200..400).contains(*code)) {
            Some(code) => Err(*code),
            None => Ok(Self(codes)),
        }
    }

    /// Whether an answer with this status lets the request through.
    pub fn takes(&self, status: u16) -> bool {
        if self.0.is_empty() { (200..300).contains(&status) } else { self.0.contains(&status) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let any = Success::default();
        assert!(any.takes(200) && any.takes(204) && any.takes(299));
        assert!(!any.takes(199) && !any.takes(302) && !any.takes(401));
        let named = Success::only(vec![201, 302]).expect("codes of success");
        assert!(named.takes(201) && named.takes(302));
        assert!(!named.takes(200) && !named.takes(303));
        for wrong in [0, 101, 199, 400, 401, 500, 999] {
            assert_eq!(Success::only(vec![200, wrong]), Err(wrong));
        }
    }
}
