//! Nothing secret leaves, and nothing that a server sends steers a terminal: whatever a target echoes, no artefact has it.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use dpop_harness::entropy::{Entropy as _, SystemEntropy};
use dpop_harness::jose::base64url;
use dpop_harness::judge::Verdict;
use dpop_harness::proof::{AccessToken, Field, IssuerKey, ProofKey, Request};
use dpop_harness::reference::{Defect, DefectSet, NonceMode};
use dpop_harness::report::{Document, FORMATS, Human, Report, Style};
use dpop_harness::run::Redactor;
use dpop_harness::scenario::Source as Text;
use dpop_harness::snapshot::Snapshot;
use dpop_harness::suite::Results;
use dpop_harness::target::tokens::{Credentials, TokenError, TokenSource};
use dpop_harness::target::{Answer, BoxFuture, Config, Response};

use crate::hostile::bench::{Bench, field, segments};

/// What could steer a terminal or deceive a reader.
const CONTROLS: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2066}\u{061c}\u{200f}\0\r\u{8}\u{85}\u{7f}\u{feff}\u{e0041}";

/// Edited tokens, private keys in proofs, replays, nonces: all that a report may show.
const ENOUGH: &[&str] = &["rs.ath.missing", "rs.jose", "rs.token", "rs.replay", "rs.nonce", "rs.downgrade"];

/// Everything that must not leave, as the source and the target saw it.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    tokens: Arc<Mutex<BTreeSet<String>>>,
    keys: Arc<Mutex<BTreeSet<String>>>,
}

impl Secrets {
    pub(crate) fn token(&self, token: &str) {
        self.tokens.lock().expect("a lock").insert(token.to_owned());
    }

    pub(crate) fn key(&self, member: &str) {
        self.keys.lock().expect("a lock").insert(member.to_owned());
    }

    /// One a line.
    pub(crate) fn lines(&self) -> String {
        let (tokens, keys) = (self.tokens.lock().expect("a lock"), self.keys.lock().expect("a lock"));
        tokens.iter().chain(keys.iter()).map(|secret| format!("{secret}\n")).collect()
    }
}

/// Finds secrets in a text: as they are, percent-encoded, in hexadecimal, and in base64, once or twice over.
pub(crate) struct Detector {
    /// Any so many bytes in a row of what nobody could guess.
    pieces: HashSet<Vec<u8>>,
    /// Where a piece may begin, by its first bytes: debug builds are slow.
    begins: Vec<bool>,
}

const PIECE: usize = 24;
/// The end of a token's payload has its id and the thumbprint of the key; what comes before it is the same in many.
const TELLING: usize = 60;

/// base64url of which the end may be missing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Detector {
    pub(crate) fn new(secrets: &Secrets) -> Self {
        let mut random: Vec<String> = secrets.keys.lock().expect("a lock").iter().cloned().collect();
        for token in secrets.tokens.lock().expect("a lock").iter() {
            match token.split('.').collect::<Vec<_>>()[..] {
                [_, payload, signature] => {
                    // A token under `none` has no signature.
                    random.extend((!signature.is_empty()).then(|| signature.to_owned()));
                    random.push(payload[payload.len().saturating_sub(TELLING)..].to_owned());
                }
                _ => random.push(token.clone()),
            }
        }
        assert!(random.len() > 3 && random.iter().all(|secret| secret.len() >= PIECE), "{random:?}");
        let pieces = random.iter().flat_map(|secret| secret.as_bytes().windows(PIECE).map(<[u8]>::to_vec));
        let pieces: HashSet<Vec<u8>> = pieces.collect();
        let mut begins = vec![false; 1 << 16];
        pieces.iter().for_each(|piece| begins[beginning(piece)] = true);
        Self { pieces, begins }
    }

    /// The spelling in which `text` has a secret, if it has one.
    pub(crate) fn leak(&self, text: &str) -> Option<String> {
        let mut texts = vec![("plain", text.as_bytes().to_vec()), ("percent", percent_decoded(text))];
        if text.contains("\\/") {
            texts.push(("JSON", text.replace("\\/", "/").into_bytes()));
        }
        texts.push(("hex", decoded(text.as_bytes(), &|byte| byte.is_ascii_hexdigit(), &hex)));
        let inner = base64_of(text.as_bytes());
        texts.push(("base64 twice", base64_of(&inner)));
        texts.push(("base64", inner));
        texts.into_iter().find_map(|(spelling, text)| {
            let known = |piece: &[u8]| self.begins[beginning(piece)] && self.pieces.contains(piece);
            let at = text.windows(PIECE).position(known)?;
            let shown = String::from_utf8_lossy(&text[at.saturating_sub(60)..at + PIECE]).into_owned();
            Some(format!("{spelling}: {shown}"))
        })
    }
}

fn beginning(piece: &[u8]) -> usize {
    let value =
        (piece[0] as usize) << 16 ^ (piece[1] as usize) << 11 ^ (piece[2] as usize) << 6 ^ piece[3] as usize;
    (value ^ value >> 9) & 0xffff
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        let code =
            behind.get(..2).and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    bytes
}

/// Every run of such characters, decoded, one behind the other.
fn decoded(text: &[u8], belongs: &dyn Fn(u8) -> bool, decode: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let runs = text.split(|byte| !belongs(*byte)).filter(|run| run.len() >= PIECE);
    runs.flat_map(|run| [decode(run), b"\n".to_vec()].concat()).collect()
}

fn hex(run: &[u8]) -> Vec<u8> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    [run, &run[1..]].iter().flat_map(|run| run.chunks(2).filter_map(pair).chain([b'\n'])).collect()
}

/// The base64 in a text decoded, from each of the four places where it may begin.
fn base64_of(text: &[u8]) -> Vec<u8> {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    let decode = |run: &[u8]| {
        let plain: Vec<u8> = run
            .iter()
            .map(|byte| match byte {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            })
            .collect();
        let from = |start: usize| {
            let run = &plain[start..];
            LENIENT.decode(&run[..run.len() - usize::from(run.len() % 4 == 1)]).unwrap_or_default()
        };
        (0..4).flat_map(|start| [from(start), b"\n".to_vec()].concat()).collect()
    };
    decoded(text, &belongs, &decode)
}

/// The first character that could steer a terminal or deceive a reader.
fn control(text: &str) -> Option<char> {
    text.chars().find(|character| {
        let hidden = matches!(
            u32::from(*character),
            0x061c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe007f
        );
        (character.is_control() && *character != '\n') || hidden
    })
}

/// Notes every key and token that comes from a source; some it makes itself.
struct Recorder {
    inner: Arc<dyn TokenSource>,
    secrets: Secrets,
    opaque: bool,
}

impl Recorder {
    async fn recorded(&self, key: Arc<ProofKey>) -> Result<Credentials, TokenError> {
        self.secrets.key(key.private_member());
        let mut credentials = self.inner.obtain(key).await?;
        if self.opaque {
            let mut random = [0; 33];
            SystemEntropy.fill(&mut random);
            // All that a token68 may have, and every run of it changed by percent-encoding and by JSON.
            credentials.token = AccessToken::new(format!("a+b/c~{}==", STANDARD.encode(random)));
        }
        self.secrets.token(credentials.token.expose());
        Ok(credentials)
    }
}

impl TokenSource for Recorder {
    fn obtain(&self, key: Arc<ProofKey>) -> BoxFuture<'_, Result<Credentials, TokenError>> {
        Box::pin(self.recorded(key))
    }

    fn issuer_key(&self) -> Option<&IssuerKey> {
        if self.opaque { None } else { self.inner.issuer_key() }
    }

    fn is_cheap(&self) -> bool {
        !self.opaque
    }
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "%{byte:02x}");
        out
    })
}

/// Everything that a request says, in every spelling that a server may have for it.
fn echoes(request: &Request) -> Vec<String> {
    let credentials = field(request, "Authorization").unwrap_or_default();
    let (scheme, token) = credentials.split_once(' ').unwrap_or_default();
    let other_case: String = scheme
        .chars()
        .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    let proof = field(request, "DPoP").unwrap_or_default();
    let mut echoes = vec![
        credentials.to_owned(),
        format!("{other_case} {token}"),
        percent(token),
        percent(token).to_uppercase(),
        token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
        STANDARD.encode(token),
        STANDARD.encode(credentials),
        base64url::encode(format!("Authorization: {credentials}")),
        base64url::encode(format!("{{\"t\":\"{token}\"}}")),
        token.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")),
        proof.to_owned(),
        String::from_utf8_lossy(&request.to_bytes()).replace("\r\n", " "),
    ];
    if segments(request).first().is_some_and(|header| String::from_utf8_lossy(header).contains("\"d\":")) {
        echoes.push(STANDARD.encode(format!("x{proof}")));
    }
    echoes.extend(token.split('.').skip(1).map(str::to_owned));
    echoes.extend(segments(request).iter().map(|segment| String::from_utf8_lossy(segment).into_owned()));
    echoes.retain(|echo| echo.len() > 3);
    echoes
}

/// The answer with every echo in it, in header fields, challenge, nonce and content.
fn echoing(number: usize, request: &Request, answer: Answer) -> Answer {
    let Answer::Response(mut response) = answer else { return answer };
    let mut echoes = echoes(request);
    // Only the beginning of a long answer is kept, so another echo comes first each time.
    let length = echoes.len().max(1);
    echoes.rotate_left(number % length);
    let token = field(request, "Authorization").and_then(|text| text.split(' ').nth(1)).unwrap_or_default();
    for echo in echoes.iter().take(3) {
        response.fields.push(("X-Echo".to_owned(), format!("{echo}{CONTROLS}").into_bytes()));
        response.fields.push((format!("X-{CONTROLS}{echo}"), vec![0x1b, 0xff, 0x9b]));
    }
    let said = echoes.join(" ");
    if response.status == 401 && response.error().as_deref() != Some("use_dpop_nonce") {
        let quoted = format!("{token}{CONTROLS}\n{said}").replace(['"', '\\'], "'");
        let challenge = format!("DPoP error=\"{quoted}\", error_description=\"{quoted}\"");
        response.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("www-authenticate"));
        response.fields.push(("WWW-Authenticate".to_owned(), challenge.into_bytes()));
    }
    let body = serde_json::json!({ "error": format!("{said}{CONTROLS}"), "error_description": said });
    let escaped = token.replace('/', "\\/");
    response.body = [body.to_string(), escaped, said, CONTROLS.to_owned()].join("\n").into_bytes();
    Answer::Response(response)
}

/// Every artefact of a run, by name.
fn artefacts(results: &Results) -> Vec<(&'static str, String)> {
    let report = Report {
        results,
        drift: None,
        began: SystemTime::UNIX_EPOCH,
        seconds: 1.0,
        partition: None,
        config: None,
    };
    let mut artefacts = Vec::new();
    for format in FORMATS {
        let mut bytes = Vec::new();
        (format.write)(&Document::from(&report), &mut bytes).expect("written");
        artefacts.push((format.name, String::from_utf8(bytes).expect("UTF-8")));
    }
    for (name, colour, verbosity) in [("console", false, 0), ("console -vv", true, 2)] {
        let mut bytes = Vec::new();
        let style = Style { colour, verbosity, ..Style::default() };
        Human::new(&mut bytes, style, String::new()).write(&report).expect("written");
        artefacts.push((name, String::from_utf8(bytes).expect("UTF-8")));
    }
    artefacts.push(("snapshot", Snapshot::of(results).render("target")));
    artefacts
}

fn artefact(results: &Results, wanted: &str) -> String {
    let found = artefacts(results).into_iter().find(|(name, _)| *name == wanted);
    found.expect("such an artefact").1
}

/// The text without the colours of the report itself.
fn uncoloured(text: &str) -> String {
    let colours = ["0", "32", "36", "33", "1;31", "2", "35"];
    colours.iter().fold(text.to_owned(), |text, code| text.replace(&format!("\u{1b}[{code}m"), ""))
}

#[track_caller]
fn clean(results: &Results, secrets: &Secrets) {
    let detector = Detector::new(secrets);
    for (name, text) in artefacts(results) {
        if let Some(leak) = detector.leak(&text) {
            panic!("{name} leaks {leak}");
        }
        assert_eq!(control(&uncoloured(&text)), None, "{name}");
    }
    // In JSON a control character is an escape; what a reader unescapes has none either.
    for name in ["json", "sarif", "har"] {
        let text = artefact(results, name);
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        strings(&document, &mut |string| assert_eq!(control(string), None, "{name}: {string}"));
    }
}

fn strings(value: &serde_json::Value, see: &mut dyn FnMut(&str)) {
    match value {
        serde_json::Value::String(string) => see(string),
        serde_json::Value::Array(values) => values.iter().for_each(|value| strings(value, see)),
        serde_json::Value::Object(members) => members.values().for_each(|value| strings(value, see)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// A server with bugs, so that there are findings to report, which echoes everything.
pub(crate) async fn echoing_bench(nonce: NonceMode) -> (Bench, Secrets) {
    let bugs: DefectSet = [Defect::AthOptional, Defect::JwkPrivateAccepted].into_iter().collect();
    let secrets = Secrets::default();
    let bench = Bench::new(nonce, bugs).await;
    let issuer = &bench.running.issuer;
    let key = ProofKey::from_pkcs8(issuer.alg(), issuer.signing_key_pkcs8()).expect("the issuer's key");
    secrets.key(key.private_member());
    let inner = bench.setup.source.clone();
    let bench = bench.source(Recorder { inner, secrets: secrets.clone(), opaque: false });
    let seen = secrets.clone();
    let count = AtomicUsize::new(0);
    let bench = bench.after(move |request, answer| {
        // Edited tokens never come by the source.
        let token =
            field(request, "Authorization").and_then(|text| text.split(' ').nth(1)).unwrap_or_default();
        if token.split('.').count() == 3 {
            seen.token(token);
        }
        echoing(count.fetch_add(1, Ordering::Relaxed), request, answer)
    });
    (bench, secrets)
}

#[tokio::test]
async fn a_server_that_echoes_everything() {
    let (bench, secrets) = echoing_bench(NonceMode::Required).await;
    let results = bench.run_only(ENOUGH).await;
    let fails: Vec<_> = results.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fail).collect();
    assert!(fails.len() >= 2, "there is something to report");
    assert!(secrets.tokens.lock().expect("a lock").len() > 30);
    clean(&results, &secrets);
    assert_eq!(Detector::new(&secrets).leak(&format!("{results:?}")), None);
    // The evidence is still there.
    let text = artefact(&results, "console -vv");
    for part in
        ["[token sha256:", "[part of token sha256:", "[private key sha256:", "\\u{1b}[2J", "\\u{202e}"]
    {
        assert!(text.contains(part), "{part}");
    }
}

/// Tokens that are no JWTs, from a source whose tokens cost something, and a server that puts them into nonces.
#[tokio::test]
async fn opaque_tokens_and_a_server_that_makes_nonces_of_them() {
    let (bench, _) = echoing_bench(NonceMode::Never).await;
    let secrets = Secrets::default();
    let inner = bench.setup.source.clone();
    let bench = bench.source(Recorder { inner, secrets: secrets.clone(), opaque: true });
    let known = secrets.tokens.clone();
    let bench = bench.instead(move |number, request| {
        let token =
            field(request, "Authorization").and_then(|text| text.strip_prefix("DPoP ")).unwrap_or_default();
        // Anything goes that has a proof with three segments: there is much to report.
        let accepted = known.lock().expect("a lock").contains(token) && segments(request).len() == 3;
        let mut response = Response { status: if accepted { 200 } else { 401 }, ..Response::default() };
        response.fields.push(("DPoP-Nonce".to_owned(), token.as_bytes().to_vec()));
        Some(echoing(number, request, Answer::Response(response)))
    });
    let results = bench.run_only(ENOUGH).await;
    let fails: Vec<_> = results.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Fail).collect();
    assert!(fails.len() > 10, "{}", fails.len());
    clean(&results, &secrets);
}

/// A program that fails and shows the key that it was given, and the token that it gave before.
#[tokio::test]
async fn a_token_source_that_talks() {
    struct Talking(Recorder, Mutex<usize>);

    impl TokenSource for Talking {
        fn obtain(&self, key: Arc<ProofKey>) -> BoxFuture<'_, Result<Credentials, TokenError>> {
            let fails = {
                let mut left = self.1.lock().expect("a lock");
                *left = left.saturating_sub(1);
                *left == 0
            };
            if !fails {
                return self.0.obtain(key);
            }
            self.0.secrets.key(key.private_member());
            let tokens = self.0.secrets.tokens.lock().expect("a lock").clone();
            let said = format!("{} {tokens:?}{CONTROLS}", key.to_private_jwk().to_text());
            Box::pin(std::future::ready(Err(TokenError::Failed("exit status: 1".to_owned(), said))))
        }
    }

    for (supply, opaque) in [(1, false), (2, true), (3, false)] {
        let (bench, _) = echoing_bench(NonceMode::Never).await;
        let secrets = Secrets::default();
        for _ in 0..4 {
            // So that the detector has something to look for where the source has nothing.
            secrets.key(ProofKey::generate(&SystemEntropy).private_member());
        }
        let recorder = Recorder { inner: bench.setup.source.clone(), secrets: secrets.clone(), opaque };
        let results = bench.source(Talking(recorder, Mutex::new(supply))).run_only(&["rs.ath"]).await;
        let said = results.outcomes.iter().any(|outcome| {
            outcome.reason.as_deref().is_some_and(|reason| reason.contains("[private key sha256:"))
        });
        assert!(said, "{supply}");
        clean(&results, &secrets);
    }
}

/// The value of a secret field of `target.headers` goes to the server, and into nothing else although that echoes it.
#[tokio::test]
async fn a_secret_header() {
    let (mut bench, secrets) = echoing_bench(NonceMode::Never).await;
    let secret = format!("Basic {}", STANDARD.encode("client:a password/that nobody+knows"));
    secrets.token(&secret);
    bench.setup.call.secret_fields = vec![Field::new("X-Api-Key", &secret)];
    let results = bench.run_only(&["rs.ath.missing", "rs.ath.hex"]).await;
    clean(&results, &secrets);
    let text = artefact(&results, "console -vv");
    assert!(text.contains("X-Api-Key: [value of X-Api-Key sha256:"), "{text}");
}

#[tokio::test]
async fn debug_output() {
    let (bench, secrets) = echoing_bench(NonceMode::Never).await;
    let key = Arc::new(ProofKey::generate(&SystemEntropy));
    let credentials = bench.setup.source.obtain(key.clone()).await.expect("a token");
    let redactor = Redactor::default();
    redactor.hide_token(&credentials.token);
    redactor.hide_key(&key);
    for _ in 0..3 {
        bench.setup.source.obtain(Arc::new(ProofKey::generate(&SystemEntropy))).await.expect("a token");
    }
    let detector = Detector::new(&secrets);
    for text in [
        format!("{:?} {:#?}", credentials.token, credentials.token),
        format!("{key:?} {key:#?}"),
        format!("{credentials:?} {credentials:#?}"),
        format!("{:?} {:#?}", bench.setup.source.issuer_key(), bench.setup.source.issuer_key()),
        format!("{:?} {:#?}", bench.running.issuer, bench.running.issuer),
        format!("{:?} {:#?}", bench.running, bench.running),
        format!("{redactor:?} {redactor:#?}"),
    ] {
        assert_eq!(detector.leak(&text), None, "{text}");
        assert!(text.len() > 10, "{text}");
    }
}

/// What stands in a file is shown with its faults, but does not steer the terminal.
#[test]
fn diagnostics() {
    let text = format!(
        "dpop: 1\ntarget: {{ name: \"x{}\" }}\n",
        CONTROLS.replace(['\0', '\u{8}', '\r', '\u{85}'], "")
    );
    let source = Text { file: "dpop.yaml".to_owned(), text };
    let diagnostic = Config::read(&source, std::path::Path::new(".")).expect_err("a fault");
    for text in [diagnostic.render(false), diagnostic.to_string()] {
        assert_eq!(control(&text).map(|c| c.escape_unicode().to_string()), None, "{text:?}");
    }
}

/// The canary: a planted leak is found, in every spelling, in the middle of a real report.
#[tokio::test]
async fn the_detector_finds_a_planted_leak() {
    let (bench, secrets) = echoing_bench(NonceMode::Never).await;
    let results = bench.run_only(&["rs.ath.missing", "rs.jose.jwk-private"]).await;
    let detector = Detector::new(&secrets);
    let report = artefact(&results, "json");
    assert_eq!(detector.leak(&report), None);
    let token = secrets.tokens.lock().expect("a lock").iter().next().cloned().expect("a token");
    let key = secrets.keys.lock().expect("a lock").iter().next().cloned().expect("a key");
    let parts: Vec<&str> = token.split('.').collect();
    let signature = parts[2];
    let cut = &signature[10..50];
    for leak in [token.as_str(), parts[1], signature, cut, &key, &key[5..35]] {
        for spelled in [
            leak.to_owned(),
            percent(leak),
            percent(leak).to_uppercase(),
            STANDARD.encode(leak),
            STANDARD.encode(format!("DPoP {leak}")),
            base64url::encode(format!("xy{leak}z")),
            STANDARD.encode(STANDARD.encode(format!("x{leak}"))),
            leak.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}")),
        ] {
            let planted = report.replacen("rs.ath.missing", &format!("rs.ath.missing {spelled} "), 1);
            assert!(detector.leak(&planted).is_some(), "{spelled}");
        }
    }
    for character in CONTROLS.chars().filter(|character| !"[2J]0;owned31m".contains(*character)) {
        assert_eq!(control(&format!("a{character}b")), Some(character));
    }
}
