use std::fmt;

/// One challenge of a `WWW-Authenticate` or `Proxy-Authenticate` field (RFC 9110 section 11.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Challenge {
    /// The scheme, as it was written.
    pub scheme: String,
    /// What stands behind the scheme where that is no list of parameters.
    pub token68: Option<String>,
    /// The parameters in order: names in lower case, values unquoted.
    pub parameters: Vec<(String, String)>,
}

/// The challenges of all fields of one name (RFC 9110 section 11.6.1), and where they depart from the grammar.
///
/// There is one reader for everybody: who wants to know what a server asks for reads on behind a fault as well as that
/// goes, and who judges the server looks at the faults.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Challenges {
    /// The challenges in order.
    pub list: Vec<Challenge>,
    /// What is wrong with them, each kind once.
    pub faults: Vec<ChallengeFault>,
}

/// A departure from the grammar of challenges (RFC 9110 sections 5.6 and 11.2 to 11.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChallengeFault {
    /// A quoted-string does not end.
    Unterminated,
    /// A character in a quoted-string that it can't have.
    Character,
    /// Neither a comma nor the end behind a challenge or parameter.
    Separator,
    /// Neither a scheme nor a parameter begins here.
    NoToken,
    /// A parameter before any scheme, behind a comma that follows a scheme, or behind a token68.
    NoScheme,
    /// Nothing that can be a value behind the equals sign.
    NoValue,
    /// A parameter that stands twice in a challenge.
    Twice,
    /// An empty element of the list.
    EmptyElement,
    /// White space around an equals sign.
    SpaceAtEquals,
    /// A `realm` without quotes.
    BareRealm,
}

impl ChallengeFault {
    /// Whether recipients have to cope with it, though no sender should write it.
    pub fn is_tolerated(self) -> bool {
        match self {
            Self::EmptyElement | Self::SpaceAtEquals | Self::BareRealm => true,
            Self::Unterminated
            | Self::Character
            | Self::Separator
            | Self::NoToken
            | Self::NoScheme
            | Self::NoValue
            | Self::Twice => false,
        }
    }

    /// What is wrong, as a phrase.
    pub fn what(self) -> &'static str {
        match self {
            Self::Unterminated => "a challenge with a quoted-string that does not end",
            Self::Character => "a challenge with a character that a quoted-string can't have",
            Self::Separator => "challenges or parameters that are not separated by commas",
            Self::NoToken => "a challenge field with something that is neither scheme nor parameter",
            Self::NoScheme => "a challenge parameter that belongs to no scheme",
            Self::NoValue => "a challenge parameter without a value",
            Self::Twice => "a challenge with the same parameter twice",
            Self::EmptyElement => "an empty element in a list of challenges",
            Self::SpaceAtEquals => "white space around the equals sign of a challenge parameter",
            Self::BareRealm => "a realm without quotes",
        }
    }
}

impl Challenge {
    /// Whether its scheme is `DPoP`, in any case.
    pub fn is_dpop(&self) -> bool {
        self.is_of("DPoP")
    }

    /// Whether this is its scheme, in any case.
    pub fn is_of(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The value of the parameter `name`, given in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(parameter, _)| parameter == name).map(|(_, value)| value.as_str())
    }
}

/// As it is written in a field, every value in quotes.
impl fmt::Display for Challenge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.scheme)?;
        if let Some(token68) = &self.token68 {
            write!(out, " {token68}")?;
        }
        for (index, (name, value)) in self.parameters.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            write!(out, "{}{name}=\"{value}\"", if index == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

impl Challenges {
    /// Reads the values of all fields of one name: together they are one list (RFC 9110 section 5.3), but a quoted-string
    /// ends in the field in which it begins.
    pub fn read<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut challenges = Self::default();
        for value in values {
            challenges.read_value(value);
        }
        challenges
    }

    fn fault(&mut self, fault: ChallengeFault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn read_value(&mut self, value: &[u8]) {
        let mut rest = without_space(value);
        while let Some(first) = rest.first() {
            if *first == b',' {
                self.fault(ChallengeFault::EmptyElement);
                rest = without_space(behind(rest, 1));
                continue;
            }
            rest = without_space(self.read_element(rest));
            match rest.first() {
                None => return,
                Some(b',') => {
                    rest = without_space(behind(rest, 1));
                    if rest.is_empty() {
                        self.fault(ChallengeFault::EmptyElement);
                    }
                }
                Some(_) => self.fault(ChallengeFault::Separator),
            }
        }
    }

    /// Reads an element of the list: a scheme, with what stands behind it, or one more parameter. Gives back what is left,
    /// which is less.
    fn read_element<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let (word, rest) = split(text, is_token_character);
        if word.is_empty() {
            self.fault(ChallengeFault::NoToken);
            return behind(text, text.iter().position(|byte| *byte == b',').unwrap_or(text.len()));
        }
        if without_space(rest).first() == Some(&b'=') {
            let belongs = self.list.last().is_some_and(|last| !last.parameters.is_empty());
            if !belongs {
                self.fault(ChallengeFault::NoScheme);
            }
            return self.read_parameter(word, rest);
        }
        self.list.push(Challenge { scheme: text_of(word), token68: None, parameters: Vec::new() });
        let argument = behind(rest, rest.iter().take_while(|byte| **byte == b' ').count());
        if argument.len() == rest.len() {
            return rest;
        }
        let (name, follows) = split(argument, is_token_character);
        if let Some((token68, rest)) = read_token68(argument) {
            if let Some(challenge) = self.list.last_mut() {
                challenge.token68 = Some(text_of(token68));
            }
            return rest;
        }
        if !name.is_empty() && without_space(follows).first() == Some(&b'=') {
            return self.read_parameter(name, follows);
        }
        argument
    }

    /// Reads what stands behind the name of a parameter, and gives the parameter to the last challenge.
    fn read_parameter<'a>(&mut self, name: &[u8], text: &'a [u8]) -> &'a [u8] {
        let equals = without_space(text);
        let value = behind(equals, 1);
        let bare = without_space(value);
        if equals.len() != text.len() || bare.len() != value.len() {
            self.fault(ChallengeFault::SpaceAtEquals);
        }
        let name = text_of(name).to_ascii_lowercase();
        let quoted = bare.strip_prefix(b"\"");
        let (value, rest) = match quoted {
            Some(inside) => self.read_quoted(inside),
            None => {
                let (word, rest) = split(bare, is_token_character);
                if word.is_empty() {
                    self.fault(ChallengeFault::NoValue);
                } else if name == "realm" {
                    self.fault(ChallengeFault::BareRealm);
                }
                (text_of(word), rest)
            }
        };
        let twice = self.list.last().is_some_and(|challenge| challenge.parameter(&name).is_some());
        if twice {
            self.fault(ChallengeFault::Twice);
        }
        if let Some(challenge) = self.list.last_mut() {
            challenge.parameters.push((name, value));
        }
        rest
    }

    /// Reads a quoted-string from behind its first quote (RFC 9110 section 5.6.4): its text, and what follows.
    fn read_quoted<'a>(&mut self, text: &'a [u8]) -> (String, &'a [u8]) {
        let mut value = Vec::new();
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            match byte {
                b'"' => return (text_of(&value), behind(text, at + 1)),
                b'\\' => {
                    let Some(escaped) = text.get(at + 1) else { break };
                    if !is_quotable(*escaped) {
                        self.fault(ChallengeFault::Character);
                    }
                    value.push(*escaped);
                    at += 2;
                }
                other => {
                    if !is_quotable(*other) {
                        self.fault(ChallengeFault::Character);
                    }
                    value.push(*other);
                    at += 1;
                }
            }
        }
        self.fault(ChallengeFault::Unterminated);
        (text_of(&value), &[])
    }
}

/// Reads a token68 that an element ends with (RFC 9110 section 11.2); none where parameters follow.
fn read_token68(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = split(text, |byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
    let (_, rest) = if rest.len() < text.len() { split(rest, |byte| byte == b'=') } else { return None };
    let token68 = text.get(..text.len() - rest.len())?;
    matches!(without_space(rest).first(), None | Some(b',')).then_some((token68, rest))
}

/// A character of a token (RFC 9110 section 5.6.2).
fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A character that stands in a quoted-string, as it is or behind a backslash.
fn is_quotable(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

fn split(text: &[u8], belongs: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !belongs(*byte)).unwrap_or(text.len());
    text.split_at(end)
}

fn without_space(text: &[u8]) -> &[u8] {
    split(text, |byte| matches!(byte, b' ' | b'\t')).1
}

fn behind(text: &[u8], length: usize) -> &[u8] {
    text.get(length..).unwrap_or_default()
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ChallengeFault::*;
    use super::*;

    #[track_caller]
    fn check(values: &[&str], written: &[&str], faults: &[ChallengeFault]) {
        let read = Challenges::read(values.iter().map(|value| value.as_bytes()));
        let seen: Vec<String> = read.list.iter().map(ToString::to_string).collect();
        assert_eq!((seen, &read.faults[..]), (written.iter().map(ToString::to_string).collect(), faults));
    }

    #[track_caller]
    fn sound(value: &str, written: &[&str]) {
        check(&[value], written, &[]);
    }

    #[track_caller]
    fn odd(value: &str, written: &[&str], fault: ChallengeFault) {
        check(&[value], written, &[fault]);
    }

    #[test]
    fn what_the_grammar_has() {
        sound("", &[]);
        sound("DPoP", &["DPoP"]);
        sound("DPoP  ", &["DPoP"]);
        sound("DPoP algs=ES256", &[r#"DPoP algs="ES256""#]);
        sound(
            r#"DPoP error="invalid_token", error_description="a, \"b\" \\", algs="ES256 PS256""#,
            &[r#"DPoP error="invalid_token", error_description="a, \"b\" \\", algs="ES256 PS256""#],
        );
        sound(r#"DPoP   error="a"	,	algs="""#, &[r#"DPoP error="a", algs="""#]);
        sound(
            r#"Bearer realm="x" , dpop Error="use_dpop_nonce",Negotiate"#,
            &[r#"Bearer realm="x""#, r#"dpop error="use_dpop_nonce""#, "Negotiate"],
        );
        sound(r#"Bearer, DPoP algs="ES256""#, &["Bearer", r#"DPoP algs="ES256""#]);
        sound("Negotiate abc==, DPoP", &["Negotiate abc==", "DPoP"]);
        sound("Negotiate a/b+c~", &["Negotiate a/b+c~"]);
        sound(r#"DPoP error="\a\"""#, &[r#"DPoP error="a\"""#]);
        sound(r#"DPoP error_description="é""#, &[r#"DPoP error_description="é""#]);
    }

    #[test]
    fn several_fields_are_one_list() {
        check(&["Bearer", "DPoP algs=\"ES256\""], &["Bearer", "DPoP algs=\"ES256\""], &[]);
        check(&["DPoP error=\"a\"", "algs=\"ES256\""], &["DPoP error=\"a\", algs=\"ES256\""], &[]);
        check(&["DPoP error=\"a", "Bearer"], &["DPoP error=\"a\"", "Bearer"], &[Unterminated]);
    }

    #[test]
    fn what_recipients_have_to_cope_with() {
        for fault in [EmptyElement, SpaceAtEquals, BareRealm] {
            assert!(fault.is_tolerated());
        }
        odd(",DPoP", &["DPoP"], EmptyElement);
        odd("DPoP,", &["DPoP"], EmptyElement);
        odd("DPoP a=b, , c=d", &["DPoP a=\"b\", c=\"d\""], EmptyElement);
        odd("DPoP a = \"b\"", &["DPoP a=\"b\""], SpaceAtEquals);
        odd("DPoP a= b, c=d", &["DPoP a=\"b\", c=\"d\""], SpaceAtEquals);
        odd("Basic realm=x", &["Basic realm=\"x\""], BareRealm);
    }

    #[test]
    fn what_nobody_has_to_understand_is_read_as_far_as_it_goes() {
        check(
            &["DPoP error=\"invalid_token, algs=\"ES256\""],
            &["DPoP error=\"invalid_token, algs=\"", "ES256"],
            &[Separator, NoToken],
        );
        odd("DPoP error=\"a", &["DPoP error=\"a\""], Unterminated);
        odd("DPoP error=\"a\\", &["DPoP error=\"a\""], Unterminated);
        odd("DPoP error=\"a\u{7f}\"", &["DPoP error=\"a\u{7f}\""], Character);
        odd("DPoP error=\"\\\u{1}\"", &["DPoP error=\"\u{1}\""], Character);
        odd("DPoP a=\"b\" c=\"d\"", &["DPoP a=\"b\", c=\"d\""], Separator);
        odd("Bearer DPoP algs=\"ES256\"", &["Bearer", "DPoP algs=\"ES256\""], Separator);
        check(&["DPoP\ta=\"b\""], &["DPoP a=\"b\""], &[Separator, NoScheme]);
        odd("DPoP, error=\"a\"", &["DPoP error=\"a\""], NoScheme);
        odd("error=\"a\", DPoP", &["DPoP"], NoScheme);
        odd("Negotiate a==, b=c", &["Negotiate a== b=\"c\""], NoScheme);
        odd("DPoP a=b, c=, d=e", &["DPoP a=\"b\", c=\"\", d=\"e\""], NoValue);
        odd("DPoP a=b, A=\"c\"", &["DPoP a=\"b\", a=\"c\""], Twice);
        odd("{\"error\": 1}, DPoP", &["DPoP"], NoToken);
        odd("é", &[], NoToken);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            list in proptest::collection::vec(
                ("[A-Za-z!.]{1,6}", proptest::collection::btree_map("[a-z_]{1,6}", "[\t -~é]{0,12}", 0..4)),
                0..4,
            ),
        ) {
            let challenge = |(scheme, parameters): (String, std::collections::BTreeMap<String, String>)| {
                Challenge { scheme, token68: None, parameters: parameters.into_iter().collect() }
            };
            let list: Vec<Challenge> = list.into_iter().map(challenge).collect();
            let values: Vec<String> = list.iter().map(ToString::to_string).collect();
            let expected = Challenges { list, faults: Vec::new() };
            prop_assert_eq!(&Challenges::read(values.iter().map(String::as_bytes)), &expected);
            prop_assert_eq!(&Challenges::read([values.join(", ").as_bytes()]), &expected);
        }
    }
}
