//! The strict JSON reader: RFC 8259 and nothing else, and no name twice.

use super::json::{Json, Object};

/// How deeply arrays and objects may nest before [`read`] refuses the document.
pub const MAX_DEPTH: usize = 64;

/// Why a document was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {offset}")]
pub struct JsonError {
    /// Offset of the offending byte from the start of the document.
    pub offset: usize,
    /// What is wrong there.
    pub fault: JsonFault,
}

/// What can be wrong with a JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFault {
    /// A byte that can't stand there.
    #[error("unexpected byte")]
    UnexpectedByte,
    /// The document ends within a value.
    #[error("unexpected end")]
    UnexpectedEnd,
    /// Something other than white space after the value.
    #[error("trailing bytes")]
    TrailingBytes,
    /// Bytes that are not UTF-8, or a byte order mark (RFC 8259 section 8.1).
    #[error("not plain UTF-8")]
    NotUtf8,
    /// An escape that RFC 8259 section 7 does not have, or half of a surrogate pair.
    #[error("bad escape")]
    BadEscape,
    /// A number that RFC 8259 section 6 does not allow.
    #[error("bad number")]
    BadNumber,
    /// A member name that stands twice in one object (RFC 7515 section 4, RFC 7519 section 4), compared unescaped.
    #[error("duplicate member name")]
    DuplicateName,
    /// More than [`MAX_DEPTH`] levels.
    #[error("nested too deeply")]
    TooDeep,
}

/// Reads one JSON document, strictly.
///
/// # Errors
/// [`JsonError`] for anything that RFC 8259 does not allow, a byte order mark, a repeated member name, a lone surrogate,
/// bytes after the value, or nesting beyond [`MAX_DEPTH`].
pub fn read(document: &[u8]) -> Result<Json, JsonError> {
    let text = std::str::from_utf8(document)
        .map_err(|error| JsonError { offset: error.valid_up_to(), fault: JsonFault::NotUtf8 })?;
    if text.starts_with('\u{feff}') {
        return Err(JsonError { offset: 0, fault: JsonFault::NotUtf8 });
    }
    let mut reader = Reader { text, at: 0 };
    reader.skip_space();
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at < text.len() { Err(reader.fault(JsonFault::TrailingBytes)) } else { Ok(value) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn fault(&self, fault: JsonFault) -> JsonError {
        JsonError { offset: self.at, fault }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected(&self) -> JsonError {
        let fault = if self.peek().is_some() { JsonFault::UnexpectedByte } else { JsonFault::UnexpectedEnd };
        self.fault(fault)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Steps over `byte` if it stands here.
    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.fault(JsonFault::TooDeep));
        }
        match self.peek() {
            Some(b'{') => self.object(depth).map(Json::Object),
            Some(b'[') => self.array(depth).map(Json::Array),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.unexpected()),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, JsonError> {
        for byte in word.bytes() {
            self.expect(byte)?;
        }
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Object, JsonError> {
        self.expect(b'{')?;
        let mut object = Object::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(object);
        }
        loop {
            self.skip_space();
            let start = self.at;
            let name = self.string()?;
            if object.member(&name).is_some() {
                return Err(JsonError { offset: start, fault: JsonFault::DuplicateName });
            }
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let value = self.value(depth + 1)?;
            object.append(&name, value);
            self.skip_space();
            if self.take(b'}') {
                return Ok(object);
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Json>, JsonError> {
        self.expect(b'[')?;
        let mut values = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(values);
        }
        loop {
            self.skip_space();
            values.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(values);
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.expect(b'"')?;
        let mut string = String::new();
        loop {
            let Some(character) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) else {
                return Err(self.unexpected());
            };
            match character {
                '"' => {
                    self.at += 1;
                    return Ok(string);
                }
                '\\' => string.push(self.escape()?),
                control if u32::from(control) < 0x20 => return Err(self.unexpected()),
                other => {
                    string.push(other);
                    self.at += other.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        let bad = JsonError { offset: start, fault: JsonFault::BadEscape };
        self.at += 1;
        let Some(letter) = self.peek() else { return Err(self.unexpected()) };
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex4().ok_or_else(|| bad.clone())?;
                let scalar = match unit {
                    0xd800..=0xdbff => {
                        let low = if self.take(b'\\') && self.take(b'u') { self.hex4() } else { None };
                        match low {
                            Some(low @ 0xdc00..=0xdfff) => {
                                0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                            }
                            _ => return Err(bad),
                        }
                    }
                    other => other,
                };
                char::from_u32(scalar).ok_or(bad)?
            }
            _ => return Err(bad),
        })
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Result<String, JsonError> {
        let start = self.at;
        let bad = JsonError { offset: start, fault: JsonFault::BadNumber };
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(bad);
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(bad); // a leading zero
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(bad);
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(bad);
            }
        }
        Ok(self.text.get(start..self.at).unwrap_or_default().to_owned())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refused(document: impl AsRef<[u8]>, fault: JsonFault, offset: usize) {
        assert_eq!(read(document.as_ref()), Err(JsonError { offset, fault }));
    }

    #[test]
    fn what_rfc_8259_allows() {
        let document =
            br#" { "a" : [ 1 , -0.5e+3, "\u00e9\ud83d\ude00\/" ], "b":{},"c":[],"d":null, "e":true } "#;
        let value = read(document).expect("valid");
        assert_eq!(value.to_text(), r#"{"a":[1,-0.5e+3,"é😀/"],"b":{},"c":[],"d":null,"e":true}"#);
    }

    #[test]
    fn what_it_does_not() {
        refused("", JsonFault::UnexpectedEnd, 0);
        refused("{", JsonFault::UnexpectedEnd, 1);
        refused("{}x", JsonFault::TrailingBytes, 2);
        refused("{\"a\":1,}", JsonFault::UnexpectedByte, 7);
        refused("\u{feff}{}", JsonFault::NotUtf8, 0);
        refused(b"\"\xff\"", JsonFault::NotUtf8, 1);
        refused("NaN", JsonFault::UnexpectedByte, 0);
        refused("01", JsonFault::BadNumber, 0);
        refused("1.", JsonFault::BadNumber, 0);
        refused("-", JsonFault::BadNumber, 0);
        refused("1e", JsonFault::BadNumber, 0);
        refused("+1", JsonFault::UnexpectedByte, 0);
        refused(r#""\x""#, JsonFault::BadEscape, 1);
        refused(r#""\ud800""#, JsonFault::BadEscape, 1);
        refused(r#""\ud800\u0041""#, JsonFault::BadEscape, 1);
        refused(r#""\u+123""#, JsonFault::BadEscape, 1);
        refused("\"a\nb\"", JsonFault::UnexpectedByte, 2);
        refused("[1 2]", JsonFault::UnexpectedByte, 3);
        refused("// x\n{}", JsonFault::UnexpectedByte, 0);
        refused("tru", JsonFault::UnexpectedEnd, 3);
    }

    #[test]
    fn a_name_twice_also_when_escaped() {
        refused(r#"{"htm":"GET","htm":"PUT"}"#, JsonFault::DuplicateName, 13);
        refused(r#"{"htm":"GET","\u0068tm":"PUT"}"#, JsonFault::DuplicateName, 13);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(read(deep(MAX_DEPTH + 1).as_bytes()).is_ok());
        refused(deep(MAX_DEPTH + 2), JsonFault::TooDeep, MAX_DEPTH + 1);
        assert!(read("[".repeat(1_000_000).as_bytes()).is_err());
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i64>().prop_map(Json::from),
            any::<String>().prop_map(Json::String),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|members| {
                    let mut object = Object::new();
                    for (name, value) in members {
                        object.append(&name, value);
                    }
                    Json::Object(object)
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(value in any_json()) {
            prop_assert_eq!(read(value.to_text().as_bytes()), Ok(value));
        }

        /// Whatever this reader takes, a reader written by others takes too: it is never laxer.
        #[test]
        fn never_laxer_than_serde_json(text in r#"[\[\]{}",:0-9eE.+\-a-f\\u ntrl]{0,24}"#) {
            if let Ok(value) = read(text.as_bytes()) {
                // Numbers beyond f64 are an error there and legal JSON here.
                prop_assert!(
                    serde_json::from_str::<serde_json::Value>(&text).is_ok() || value.to_text().contains(['e', 'E'])
                );
            }
        }
    }
}
