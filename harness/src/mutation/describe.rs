use super::find;
use crate::proof::{
    AthSource, BoundTo, Each, Encoding, Gate, HtmEdit, HtuEdit, JktEdit, JsonType, JtiEdit, KeyChoice,
    KidPlace, Lines, MadeFor, Node, NonceEdit, OmittedField, RemoteKey, Step, TokenChoice, TokenPlace,
    TokenSigner, Volley,
};

/// What a step departs in from a correct request, in words: one phrase an edit, none for a correct request.
pub fn describe(step: &Step) -> Vec<String> {
    let mut phrases = Vec::new();
    if let Some(wait) = step.wait {
        phrases.push(format!("{wait} later"));
    }
    if step.node == Node::First {
        phrases.push("at another node".to_owned());
    }
    if let Some(Volley { copies, gate: Gate::LastByte, each, connection }) = step.send {
        let what = match each {
            Each::Same => "copies",
            Each::Fresh => "requests with a proof each,",
        };
        let over = match connection {
            Lines::Own => "",
            Lines::One => " over one connection",
        };
        phrases.push(format!("{copies} {what} released together{over}"));
    }
    if let Some(number) = step.repeat {
        phrases.push(format!("{number} requests with a proof each, one after another"));
    }
    if let Some(name) = &step.resend {
        phrases.push(format!("the request of step \"{name}\" sent once more"));
    }
    describe_token(step, &mut phrases);
    describe_proof(step, &mut phrases);
    if let Some(method) = &step.request.method {
        phrases.push(format!("a {method} request"));
    }
    if let Some(scheme) = &step.request.scheme {
        phrases.push(format!("Authorization scheme \"{scheme}\""));
    }
    if let Some(http) = step.request.http {
        phrases.push(format!("over {}", http.name()));
    }
    if step.after_lost_answer {
        phrases.push("after a request whose answer was lost".to_owned());
    }
    if let Some(query) = &step.request.query {
        phrases.push(format!("request URL with ?{query}"));
    }
    match step.request.token_in {
        Some(TokenPlace::Query) => phrases.push("the token in the query".to_owned()),
        Some(TokenPlace::Form) => phrases.push("the token in a form in the content".to_owned()),
        Some(TokenPlace::AlsoQuery) => phrases.push("the token in the query, too".to_owned()),
        Some(TokenPlace::AlsoForm) => phrases.push("the token in a form in the content, too".to_owned()),
        Some(TokenPlace::ProxyAuthorization) => phrases.push("the token in Proxy-Authorization".to_owned()),
        None => {}
    }
    phrases.extend(step.request.cross_origin.map(|page| page.phrase().to_owned()));
    phrases.extend(step.request.pretend.map(|pretence| pretence.phrase().to_owned()));
    for field in &step.request.omit {
        phrases.push(
            match field {
                OmittedField::Dpop => "no DPoP header field",
                OmittedField::Authorization => "no Authorization header field",
            }
            .to_owned(),
        );
    }
    if let Some(name) = &step.if_accepted {
        phrases.push(format!("if step \"{name}\" was accepted"));
    }
    phrases
}

fn described_jti(jti: &JtiEdit) -> String {
    let mut phrase = match &jti.of {
        Some(name) => format!("new proof with the jti of step \"{name}\""),
        None => "a jti of its own".to_owned(),
    };
    if jti.other_case {
        phrase.push_str(" in the other case");
    }
    if let Some(length) = jti.length {
        phrase.push_str(&format!(" filled up to {length} characters"));
    }
    if let Some(suffix) = &jti.suffix {
        phrase.push_str(&format!(" with {suffix:?} behind it"));
    }
    phrase
}

fn describe_token(step: &Step, phrases: &mut Vec<String>) {
    match step.token.choice {
        Some(TokenChoice::Spare) => phrases.push("another access token of the same key".to_owned()),
        Some(TokenChoice::Stranger) => phrases.push("the access token of another client".to_owned()),
        Some(TokenChoice::Proof) => phrases.push("another proof in the place of the access token".to_owned()),
        Some(TokenChoice::Own) | None => {}
    }
    for name in &step.token.omit {
        phrases.push(format!("access token without {name}"));
    }
    for (name, value) in step.token.claims.members() {
        phrases.push(format!("access token with {name} {}", value.to_text()));
    }
    for (name, shift) in &step.token.shift {
        phrases.push(format!("access token with {name} at {shift} from now"));
    }
    if let Some(BoundTo::SentJwk) = step.token.bound_to {
        phrases.push("an access token that is bound to the jwk as it is sent".to_owned());
    }
    match step.token.jkt {
        Some(JktEdit::Half) => phrases.push("access token with half of the key's thumbprint".to_owned()),
        Some(JktEdit::OtherCase) => {
            phrases.push("access token with the key's thumbprint in the other case".to_owned());
        }
        Some(JktEdit::Array) => phrases.push("access token with the key's thumbprint in an array".to_owned()),
        Some(JktEdit::Sha1) => {
            phrases.push("access token with the key's thumbprint made with SHA-1".to_owned());
        }
        None => {}
    }
    for (name, value) in step.token.cnf.members() {
        phrases.push(format!("access token with {name} {} beside jkt in cnf", value.to_text()));
    }
    for (name, value) in step.token.header.members() {
        phrases.push(format!("access token with header parameter {name} {}", value.to_text()));
    }
    match step.token.signer {
        Some(TokenSigner::Nobody) => phrases.push("access token with alg none and no signature".to_owned()),
        Some(TokenSigner::OwnKey) => {
            phrases.push("access token signed by the client's own key, which stands in its jwk".to_owned());
        }
        None => {}
    }
    if step.token.tamper {
        phrases.push("access token changed after signing".to_owned());
    }
}

fn describe_proof(step: &Step, phrases: &mut Vec<String>) {
    let edits = &step.proof;
    let key = |choice| match choice {
        KeyChoice::Own => "the bound key".to_owned(),
        KeyChoice::Fresh => "a fresh key".to_owned(),
        KeyChoice::Stranger => "another client's key".to_owned(),
        KeyChoice::FreshFor(alg) => format!("a fresh key for {}", alg.name()),
    };
    match (edits.key, edits.signer) {
        (None, None) => {}
        (Some(own), None) => phrases.push(format!("proof made with {}", key(own))),
        (own, Some(signer)) => {
            phrases.push(format!("jwk is {}, signed by {}", key(own.unwrap_or(KeyChoice::Own)), key(signer)))
        }
    }
    if let Some(MadeFor::Resource) = edits.made_for {
        phrases.push("proof made for target.resource".to_owned());
    }
    match edits.htm {
        Some(HtmEdit::OtherMethod) => phrases.push("htm of another method".to_owned()),
        Some(HtmEdit::LowerCase) => phrases.push("htm in lower case".to_owned()),
        Some(HtmEdit::TrailingSpace) => phrases.push("htm with a space behind it".to_owned()),
        None => {}
    }
    if let Some(edit) = &edits.htu {
        phrases.push(match edit {
            HtuEdit::OtherScheme => "htu with another scheme".to_owned(),
            HtuEdit::OtherHost => "htu with another host".to_owned(),
            HtuEdit::OtherPort => "htu with another port".to_owned(),
            HtuEdit::OtherPath => "htu with another path".to_owned(),
            HtuEdit::Suffix(suffix) => format!("htu with \"{suffix}\" behind the path"),
            HtuEdit::Query(query) => format!("htu with ?{query}"),
            HtuEdit::Fragment(fragment) => format!("htu with #{fragment}"),
            HtuEdit::UpperCaseOrigin => "htu with scheme and host in upper case".to_owned(),
            HtuEdit::DotSegments => "htu with dot segments that cancel out".to_owned(),
            HtuEdit::DefaultPort => "htu with the default port written out, or left out".to_owned(),
            HtuEdit::EmptyPort => "htu with a colon and no port behind it".to_owned(),
            HtuEdit::EmptyPath => "htu with an empty path instead of /, or the reverse".to_owned(),
            HtuEdit::EncodedUnreserved => "htu with an unreserved character percent-encoded".to_owned(),
            HtuEdit::HexDigitCase => "htu with its percent-encoded octets in the other case".to_owned(),
            HtuEdit::Userinfo => "htu with user information in front of the host".to_owned(),
            HtuEdit::LongerHost => "htu with a longer host that begins with the right one".to_owned(),
            HtuEdit::ShorterPath => "htu without the last segment of the path".to_owned(),
            HtuEdit::PathCase => "htu with the path in the other case".to_owned(),
            HtuEdit::TrailingSlash => "htu with a slash more, or less, at the end".to_owned(),
            HtuEdit::DoubledSlash => "htu with the last slash doubled".to_owned(),
            HtuEdit::EncodedSlash => "htu with .%2F in the path, which is no dot segment".to_owned(),
            HtuEdit::Relative => "htu with the path alone".to_owned(),
            HtuEdit::LeadingSpace => "htu with a space in front".to_owned(),
            HtuEdit::TrailingSpace => "htu with a space behind".to_owned(),
            HtuEdit::Backslash => "htu with a backslash instead of the last slash".to_owned(),
            HtuEdit::InnerTab => "htu with a tab in the path".to_owned(),
            HtuEdit::MissingSlashes => "htu without slashes behind the scheme".to_owned(),
            HtuEdit::Prefix(prefix) => format!("htu with {prefix} in front of the path"),
            HtuEdit::EncodedTwice => "htu with an unreserved character percent-encoded twice".to_owned(),
            HtuEdit::EncodedDots => "htu with percent-encoded dot segments that cancel out".to_owned(),
            HtuEdit::TrailingDot => "htu with a full stop behind the host".to_owned(),
            HtuEdit::FullWidth => "htu with a character of the host in full width".to_owned(),
            HtuEdit::LoopbackName => "htu with localhost for a loopback address, or the reverse".to_owned(),
            HtuEdit::Ipv4Number => "htu with the IPv4 address as one number".to_owned(),
            HtuEdit::Ipv4Octal => "htu with the IPv4 address in octal".to_owned(),
            HtuEdit::Ipv4Zero => "htu with a zero in front of an octet of the IPv4 address".to_owned(),
            HtuEdit::MappedAddress => "htu with the IPv4 address as an IPv6 address".to_owned(),
        });
    }
    if let Some(shift) = edits.iat {
        phrases.push(format!("iat at {shift} from now"));
    }
    for (name, shift) in &edits.dates {
        phrases.push(format!("{name} at {shift} from now"));
    }
    if let Some(jti) = &edits.jti {
        phrases.push(described_jti(jti));
    }
    if let Some(ath) = edits.ath {
        let of = match ath.of {
            AthSource::PresentedToken => "",
            AthSource::SpareToken => " of another token of the same key",
            AthSource::Credentials => " of scheme and token",
        };
        let half = if ath.half { "left half of the hash as " } else { "" };
        let hash = if ath.sha512 { " with SHA-512" } else { "" };
        let encoded = match ath.encode {
            Encoding::Base64url => "",
            Encoding::Padded => " with padding",
            Encoding::Hex => " in hexadecimal",
            Encoding::UpperCase => " in upper case",
            Encoding::TrailingBits => " with other unused bits",
        };
        phrases.push(format!("{half}ath{of}{hash}{encoded}"));
    }
    match edits.nonce {
        Some(NonceEdit::MadeUp) => phrases.push("a nonce that the server never supplied".to_owned()),
        Some(NonceEdit::Truncated) => phrases.push("half of the nonce that the server supplied".to_owned()),
        Some(NonceEdit::Altered) => {
            phrases.push("the nonce that the server supplied with one character changed".to_owned());
        }
        Some(NonceEdit::LookAlike) => {
            phrases.push("a nonce that looks like that which the server supplied".to_owned());
        }
        Some(NonceEdit::Doubled) => phrases.push("the nonce that the server supplied, twice".to_owned()),
        Some(NonceEdit::OtherCase) => {
            phrases.push("the nonce that the server supplied in the other case".to_owned());
        }
        Some(NonceEdit::LeadingSpace) => {
            phrases.push("the nonce that the server supplied with a space in front".to_owned());
        }
        Some(NonceEdit::TrailingSpace) => {
            phrases.push("the nonce that the server supplied with a space behind".to_owned());
        }
        Some(NonceEdit::PercentEncoded) => {
            phrases.push("the nonce that the server supplied, percent-encoded".to_owned());
        }
        None => {}
    }
    if let Some(copy) = &edits.copy {
        phrases.push(format!("{} as in step \"{}\"", copy.claims.join(" and "), copy.of));
    }
    match edits.kid {
        Some(KidPlace::Header) => phrases.push("kid with the thumbprint of the bound key".to_owned()),
        Some(KidPlace::Jwk) => phrases.push("kid in jwk with the thumbprint of the bound key".to_owned()),
        Some(KidPlace::CertificateHash) => {
            phrases.push("x5t#S256 with the thumbprint of the bound key".to_owned());
        }
        None => {}
    }
    if let Some(RemoteKey { member, place }) = edits.remote_key {
        let within = if place == KidPlace::Jwk { " in jwk" } else { "" };
        phrases.push(format!("{}{within} with the URL of a listener", member.name()));
    }
    for (name, value) in edits.claims.members() {
        phrases.push(format!("claim {name} set to {}", value.to_text()));
    }
    for (name, value) in edits.header.members() {
        phrases.push(format!("header parameter {name} set to {}", value.to_text()));
    }
    for (name, value) in edits.jwk.members() {
        phrases.push(format!("{name} in jwk set to {}", value.to_text()));
    }
    for name in &edits.omit_of_jwk {
        phrases.push(format!("no {name} in jwk"));
    }
    for (name, json_type) in &edits.retype {
        let json_type = match json_type {
            JsonType::Array => "an array",
            JsonType::Object => "an object",
            JsonType::String => "a string",
            JsonType::Fraction => "a number with a fraction",
            JsonType::Number => "a number",
        };
        phrases.push(format!("{name} with the right value in {json_type}"));
    }
    for name in &edits.omit {
        phrases.push(format!("no {name} in the proof"));
    }
    for (name, value) in edits.again.members() {
        phrases.push(format!("{name} once more, as {}, behind the others", value.to_text()));
    }
    for name in &edits.mutate {
        phrases.push(find(name).map_or(name.as_str(), |mutation| mutation.phrase).to_owned());
    }
}
