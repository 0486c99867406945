use super::{Mutation, Stage};
use crate::proof::{Field, Request};

pub(super) const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "two-proofs",
        phrase: "two DPoP header fields, each with a correct proof",
        stage: Stage::Carry(two_proofs),
    },
    Mutation {
        name: "identical-proofs",
        phrase: "the DPoP header field twice",
        stage: Stage::Carry(identical_proofs),
    },
    Mutation {
        name: "junk-behind-proof",
        phrase: "a second DPoP header field, with junk",
        stage: Stage::Carry(junk_behind_proof),
    },
    Mutation {
        name: "junk-before-proof",
        phrase: "a DPoP header field with junk before the proof's",
        stage: Stage::Carry(junk_before_proof),
    },
    Mutation {
        name: "case-split-proofs",
        phrase: "two correct proofs, one in a field called DPoP and one in a field called dpop",
        stage: Stage::Carry(case_split_proofs),
    },
    Mutation {
        name: "joined-proofs",
        phrase: "two correct proofs in one DPoP header field, joined by a comma and a space",
        stage: Stage::Carry(joined_proofs),
    },
    Mutation {
        name: "tightly-joined-proofs",
        phrase: "two correct proofs in one DPoP header field, joined by a comma",
        stage: Stage::Carry(tightly_joined_proofs),
    },
    Mutation {
        name: "empty-proof",
        phrase: "a DPoP header field without a value",
        stage: Stage::Carry(|request, _| with_proof(request, |_| String::new())),
    },
    Mutation {
        name: "dots-for-proof",
        phrase: "two dots as the value of DPoP",
        stage: Stage::Carry(|request, _| with_proof(request, |_| "..".to_owned())),
    },
    Mutation {
        name: "quoted-proof",
        phrase: "the proof in quotation marks",
        stage: Stage::Carry(|request, _| with_proof(request, |proof| format!("\"{proof}\""))),
    },
    Mutation {
        name: "comma-behind-proof",
        phrase: "a comma behind the proof",
        stage: Stage::Carry(|request, _| with_proof(request, |proof| format!("{proof},"))),
    },
    Mutation {
        name: "word-behind-proof",
        phrase: "a space and a letter behind the proof",
        stage: Stage::Carry(|request, _| with_proof(request, |proof| format!("{proof} x"))),
    },
    Mutation {
        name: "folded-proof",
        phrase: "the proof on two lines, the second of which begins with a space",
        stage: Stage::Carry(folded_proof),
    },
    Mutation {
        name: "nul-behind-proof",
        phrase: "a NUL and a letter behind the proof",
        stage: Stage::Carry(|request, _| with_proof(request, |proof| format!("{proof}\0x"))),
    },
    Mutation {
        name: "cr-inside-proof",
        phrase: "a CR without LF within the proof",
        stage: Stage::Carry(|request, _| with_proof(request, |proof| in_the_middle(proof, "\r"))),
    },
    Mutation {
        name: "lf-inside-proof",
        phrase: "an LF without CR within the proof",
        stage: Stage::Carry(|request, _| with_proof(request, |proof| in_the_middle(proof, "\n"))),
    },
    Mutation {
        name: "proof-in-trailer",
        phrase: "the proof in the trailer section behind an empty content in chunks",
        stage: Stage::Carry(proof_in_trailer),
    },
    Mutation {
        name: "white-space-around-proof",
        phrase: "spaces and tabs around the proof",
        stage: Stage::Carry(|request, _| with_proof(request, |proof| format!(" \t {proof} \t"))),
    },
    Mutation {
        name: "lower-case-name",
        phrase: "the field name dpop",
        stage: Stage::Carry(|request, _| rename_proof(request, "dpop")),
    },
    Mutation {
        name: "upper-case-name",
        phrase: "the field name DPOP",
        stage: Stage::Carry(|request, _| rename_proof(request, "DPOP")),
    },
    Mutation {
        name: "connection-names-proof",
        phrase: "Connection: DPoP, which tells proxies to remove the proof",
        stage: Stage::Carry(|request, _| request.fields.push(Field::new("Connection", "DPoP"))),
    },
    Mutation {
        name: "token-as-proof",
        phrase: "the access token as the value of DPoP",
        stage: Stage::Carry(token_as_proof),
    },
    Mutation {
        name: "bearer-around-token",
        phrase: "three Authorization header fields: as Bearer, as DPoP, as Bearer",
        stage: Stage::Carry(bearer_around_token),
    },
    Mutation {
        name: "junk-around-token",
        phrase: "three Authorization header fields: DPoP with junk, DPoP with the token, DPoP with junk",
        stage: Stage::Carry(junk_around_token),
    },
    Mutation {
        name: "tab-before-token",
        phrase: "a tab instead of the space between scheme and token",
        stage: Stage::Carry(|request, _| with_credentials(request, |text| text.replacen(' ', "\t", 1))),
    },
    Mutation {
        name: "no-space-before-token",
        phrase: "nothing between scheme and token",
        stage: Stage::Carry(|request, _| with_credentials(request, |text| text.replacen(' ', "", 1))),
    },
    Mutation {
        name: "two-spaces-before-token",
        phrase: "two spaces between scheme and token",
        stage: Stage::Carry(|request, _| with_credentials(request, |text| text.replacen(' ', "  ", 1))),
    },
    Mutation {
        name: "nul-behind-token",
        phrase: "a NUL and a letter behind the token",
        stage: Stage::Carry(|request, _| with_credentials(request, |text| format!("{text}\0x"))),
    },
    Mutation {
        name: "token-parameter",
        phrase: "the token as the parameter token=\"...\" of the scheme",
        stage: Stage::Carry(|request, _| {
            with_credentials(request, |text| format!("{}\"", text.replacen(' ', " token=\"", 1)));
        }),
    },
    Mutation {
        name: "comma-behind-token",
        phrase: "a comma behind the token",
        stage: Stage::Carry(|request, _| with_credentials(request, |text| format!("{text},"))),
    },
    Mutation {
        name: "word-behind-token",
        phrase: "a space and a letter behind the token",
        stage: Stage::Carry(|request, _| with_credentials(request, |text| format!("{text} x"))),
    },
    Mutation {
        name: "bearer-behind-token",
        phrase: "DPoP and Bearer credentials in one Authorization header field, joined by a comma",
        stage: Stage::Carry(|request, _| {
            with_credentials(request, |text| format!("{text}, {}", text.replacen("DPoP", "Bearer", 1)));
        }),
    },
];

/// What no decoder takes for a proof.
const JUNK: &str = "junk";

fn with_field(request: &mut Request, name: &str, change: impl Fn(&str) -> String) {
    for field in request.fields.iter_mut().filter(|field| field.name == name) {
        field.value = change(&field.value);
    }
}

fn with_proof(request: &mut Request, change: impl Fn(&str) -> String) {
    with_field(request, "DPoP", change);
}

fn with_credentials(request: &mut Request, change: impl Fn(&str) -> String) {
    with_field(request, "Authorization", change);
}

fn two_proofs(request: &mut Request, another: &str) {
    request.fields.push(Field::new("DPoP", another));
}

fn identical_proofs(request: &mut Request, _: &str) {
    let same: Vec<Field> = request.fields.iter().filter(|field| field.name == "DPoP").cloned().collect();
    request.fields.extend(same);
}

fn junk_behind_proof(request: &mut Request, _: &str) {
    request.fields.push(Field::new("DPoP", JUNK));
}

fn junk_before_proof(request: &mut Request, _: &str) {
    let place = request.fields.iter().position(|field| field.name == "DPoP").unwrap_or_default();
    request.fields.insert(place, Field::new("DPoP", JUNK));
}

fn case_split_proofs(request: &mut Request, another: &str) {
    request.fields.push(Field::new("dpop", another));
}

fn joined_proofs(request: &mut Request, another: &str) {
    with_proof(request, |proof| format!("{proof}, {another}"));
}

fn tightly_joined_proofs(request: &mut Request, another: &str) {
    with_proof(request, |proof| format!("{proof},{another}"));
}

/// A line that begins with white space continues the one before (obs-fold, RFC 9112 section 5.2).
fn folded_proof(request: &mut Request, _: &str) {
    with_proof(request, |proof| in_the_middle(proof, "\r\n "));
}

fn in_the_middle(text: &str, what: &str) -> String {
    let (before, behind) = text.split_at(text.len() / 2);
    format!("{before}{what}{behind}")
}

/// Trailer fields stay apart from those of the head unless they are defined otherwise (RFC 9110 section 6.5.1).
fn proof_in_trailer(request: &mut Request, _: &str) {
    let Some(place) = request.fields.iter().position(|field| field.name == "DPoP") else { return };
    let proof = request.fields.remove(place).value;
    request.fields.retain(|field| field.name != "Content-Length");
    request.set("Transfer-Encoding", "chunked");
    request.set("Trailer", "DPoP");
    request.content = format!("0\r\nDPoP: {proof}\r\n\r\n");
}

fn rename_proof(request: &mut Request, name: &str) {
    for field in request.fields.iter_mut().filter(|field| field.name == "DPoP") {
        name.clone_into(&mut field.name);
    }
}

fn token_as_proof(request: &mut Request, _: &str) {
    let credentials = request.fields.iter().find(|field| field.name == "Authorization");
    let token = credentials.and_then(|field| field.value.split(' ').nth(1)).unwrap_or_default().to_owned();
    with_proof(request, |_| token.clone());
}

/// An HTTP library that keeps the first field or the last one shows the application neither the one that counts.
fn bearer_around_token(request: &mut Request, _: &str) {
    around_token(request, |credentials| credentials.replacen("DPoP", "Bearer", 1));
}

fn junk_around_token(request: &mut Request, _: &str) {
    around_token(request, |_| format!("DPoP {JUNK}.{JUNK}.{JUNK}"));
}

fn around_token(request: &mut Request, other: impl Fn(&str) -> String) {
    let Some(place) = request.fields.iter().position(|field| field.name == "Authorization") else { return };
    let around = Field::new("Authorization", other(&request.fields[place].value));
    request.fields.insert(place + 1, around.clone());
    request.fields.insert(place, around);
}
