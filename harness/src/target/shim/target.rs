use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::process::{IN_FLIGHT, Shim, ShimError};
use super::protocol::{About, Hello, Question, Reply};
use crate::clock::{Clock, LeapingClock, SystemClock};
use crate::entropy::{Entropy, unique_id};
use crate::jose::json::Json;
use crate::jose::jws::Compact;
use crate::jose::uri::Uri;
use crate::jose::{AlgSet, Nonce};
use crate::proof::{AccessToken, Call, Field, Request, RequestEdits};
use crate::reference::Issuer;
use crate::target::answer::{Answer, NoAnswer, Response};
use crate::target::connection::Kept;
use crate::target::{BoxFuture, Capabilities, Limits, NoncePolicy, Target};

/// The issuer of the tokens that shims are told.
const ISSUER: &str = "https://id.example";
/// What the tokens are good for: what Solid-OIDC wants, and as good as any other word for others.
const AUDIENCE: &str = "solid";

/// A verifier behind a shim as a target: with as much of a resource server around it as it takes to ask.
///
/// A request that differs from a correct one in method, URL, token or proof becomes a question. Of anything else a verifier sees
/// nothing, and so it is not asked: [`NoAnswer::NotAsked`]. What the server around it says, its statuses and challenges, is the
/// harness's and no evidence about the verifier.
pub struct ShimTarget {
    about: About,
    asking: mpsc::Sender<Asked>,
    issuer: Arc<Issuer>,
    nonce: Option<Nonce>,
    clock: Arc<dyn Clock>,
    requests_left: AtomicUsize,
    /// Which life of the shim was first asked about a `jti`, of which the hash is kept.
    asked_in: Mutex<HashMap<u64, usize>>,
    hashing: RandomState,
}

/// A question under way, and where its reply goes, with how often the shim had been started anew by then.
struct Asked {
    question: Question,
    reply: oneshot::Sender<Result<(Reply, usize), String>>,
}

/// The request that verifiers are asked about: nothing is sent there.
pub fn shim_call() -> Call {
    let uri = "https://rs.example/v1/me".parse::<Uri>();
    Call::to("GET", uri.unwrap_or_else(|error| unreachable!("a URL, and {error}")))
}

impl ShimTarget {
    /// Starts the shim in `folder`. A verifier that takes the time from its questions is asked on a clock that leaps; one that
    /// knows nonces demands them, unless `capabilities` say that there are none.
    ///
    /// # Errors
    /// [`ShimError`] where it does not start or does not speak the protocol.
    pub async fn start(
        command: &str,
        folder: &Path,
        capabilities: Capabilities,
        limits: &Limits,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self, ShimError> {
        // Its key is in the first line for the shim, whose answer says by which clock the tokens go.
        let issuer = |clock| {
            let claims =
                json!({ "webid": "https://alice.example/#me" }).as_object().cloned().unwrap_or_default();
            Issuer::new(ISSUER.to_owned(), clock, entropy.clone())
                .with_audience(AUDIENCE.to_owned())
                .with_claims(claims)
        };
        let first = issuer(Arc::new(SystemClock));
        let hello = Hello { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned(), jwks: first.jwks() };
        let shim = Shim::start(command, folder, &hello, limits.timeout()).await?;
        let about = shim.about().clone();
        let clock: Arc<dyn Clock> =
            if about.has("clock") { Arc::new(LeapingClock::default()) } else { Arc::new(SystemClock) };
        let issuer = issuer(clock.clone()).with_signing_key(first.signing_key_pkcs8());
        let issuer = issuer.unwrap_or_else(|| unreachable!("the key of an issuer like this one"));
        let nonces = about.has("nonce") && capabilities.nonce != Some(NoncePolicy::Never);
        let nonce = nonces.then(|| unique_id(entropy.as_ref()).parse().ok()).flatten();
        let (asking, asked) = mpsc::channel(IN_FLIGHT);
        tokio::spawn(attend(shim, asked));
        let requests_left = AtomicUsize::new(limits.max_requests());
        Ok(Self {
            about,
            asking,
            issuer: Arc::new(issuer),
            nonce,
            clock,
            requests_left,
            asked_in: Mutex::default(),
            hashing: RandomState::new(),
        })
    }

    /// What the shim says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Who issues the tokens that the verifier trusts.
    pub fn issuer(&self) -> &Arc<Issuer> {
        &self.issuer
    }

    /// The clock by which it is asked.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What the shim says that the verifier has; what its owner says goes first.
    pub fn capabilities(&self, owner: Capabilities) -> Capabilities {
        let algs = self.about.algs.as_ref();
        let nonce = if self.nonce.is_some() { NoncePolicy::Required } else { NoncePolicy::Never };
        Capabilities {
            nonce: Some(nonce),
            single_use_jti: owner.single_use_jti.or(Some(self.about.has("replay"))),
            algs: owner.algs.or(algs.map(|algs| AlgSet::from_names(algs.iter().map(String::as_str)))),
            ..owner
        }
    }

    async fn answer(&self, request: &Request) -> Answer {
        let question = match self.question(request) {
            Ok(question) => question,
            Err(why) => return Answer::Nothing(NoAnswer::NotAsked(why.to_owned())),
        };
        let counted =
            self.requests_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if counted.is_err() {
            return Answer::Nothing(NoAnswer::CapReached);
        }
        let (reply, replied) = oneshot::channel();
        let sent = self.asking.send(Asked { question: question.clone(), reply }).await;
        let gone = || Answer::Nothing(NoAnswer::Shim("the shim is gone".to_owned()));
        match (sent, replied.await) {
            (Ok(()), Ok(Ok((_, life)))) if self.is_forgotten(&question, life) => {
                let why =
                    "the shim was started anew meanwhile, and knows nothing of the first use of this jti";
                Answer::Nothing(NoAnswer::NotAsked(why.to_owned()))
            }
            (Ok(()), Ok(Ok((reply, _)))) => self.told(reply, &question),
            (Ok(()), Ok(Err(why))) => Answer::Nothing(NoAnswer::Shim(why)),
            (Ok(()), Err(_)) | (Err(_), _) => gone(),
        }
    }

    /// What a verifier is asked about a request; or why it can't be.
    fn question(&self, request: &Request) -> Result<Question, &'static str> {
        let only = |name: &str| {
            let mut values =
                request.fields.iter().filter(|field| field.name == name).map(|field| &field.value);
            values.next().filter(|_| values.next().is_none())
        };
        let proof = only("DPoP").ok_or("the request has not exactly one proof")?;
        let token = only("Authorization").and_then(|value| value.strip_prefix("DPoP "));
        let token = token.ok_or("the request has not exactly one token under the DPoP scheme")?;
        let correct = Request::presenting(
            &Call { method: request.method.clone(), ..shim_call() },
            &AccessToken::new(token),
            proof,
            &RequestEdits::default(),
        );
        if !request.target.starts_with('/')
            || *request != (Request { target: request.target.clone(), ..correct })
        {
            return Err(
                "the request is odd in what a verifier does not see: its fields, its content, its version",
            );
        }
        // What HTTP takes away or never lets through does not come to a verifier, and tokens elsewhere it does not see.
        let comes_through = |byte: u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
        if proof.trim_matches([' ', '\t']) != proof || !proof.bytes().all(comes_through) {
            return Err("no server hands the field on to a verifier as it is sent");
        }
        if request.target.contains(token) {
            return Err("a verifier does not see that the URL has the token, too");
        }
        let bound = self.issuer.bound_key(token).map(|jkt| jkt.to_string());
        if bound.is_none() && !self.about.has("token") {
            return Err("the verifier takes the access token for granted, and this one is not good");
        }
        let Uri { scheme, .. } = shim_call().uri;
        let host = request.fields.first().map(|host| host.value.as_str()).unwrap_or_default();
        Ok(Question {
            proof: proof.clone(),
            htm: request.method.clone(),
            htu: format!("{scheme}://{host}{}", request.target),
            at: Some(token.to_owned()),
            jkt: bound,
            nonce: self.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()),
            now: self.clock.unix_seconds(),
            state: "keep",
        })
    }

    /// Whether another life of the shim was asked about the `jti` than the one that answered now. Only where it remembers any.
    fn is_forgotten(&self, question: &Question, life: usize) -> bool {
        let jti = claim(&question.proof, "jti").filter(|_| self.about.has("replay"));
        let mut asked_in = self.asked_in.lock().unwrap_or_else(PoisonError::into_inner);
        // A campaign asks about millions: what is kept of each is short.
        jti.is_some_and(|jti| *asked_in.entry(self.hashing.hash_one(jti)).or_insert(life) != life)
    }

    /// What a resource server makes of a reply.
    fn told(&self, reply: Reply, question: &Question) -> Answer {
        match reply {
            Reply::Accept { jkt: Some(jkt) } if question.jkt.as_ref().is_some_and(|bound| *bound != jkt) => {
                let why = format!("accepted, but as made with {jkt}, which the token is not bound to");
                self.refusal("invalid_token", &why, question)
            }
            Reply::Accept { .. } => Answer::Response(self.response(200, Vec::new(), String::new())),
            Reply::Reject { code, why } => {
                let is_code = |code: &String| {
                    !code.is_empty()
                        && code.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
                };
                let code = code.filter(is_code);
                self.refusal(code.as_deref().unwrap_or("invalid_dpop_proof"), &why, question)
            }
            Reply::Unsupported(why) => {
                Answer::Nothing(NoAnswer::NotAsked(format!("the verifier does not do this: {why}")))
            }
            Reply::Crash(why) => {
                let body = json!({ "error": "server_error", "error_description": why });
                Answer::Response(self.response(500, Vec::new(), body.to_string()))
            }
            Reply::Died(status) => Answer::Nothing(NoAnswer::Shim(format!("the shim died ({status})"))),
            Reply::Hung => Answer::Nothing(NoAnswer::Timeout),
        }
    }

    /// A refusal. Who refuses a proof without the nonce is in want of it.
    fn refusal(&self, code: &str, why: &str, question: &Question) -> Answer {
        let lacks = |nonce: &Nonce| claim(&question.proof, "nonce").as_deref() != Some(nonce.as_str());
        let code = if self.nonce.as_ref().is_some_and(lacks) { "use_dpop_nonce" } else { code };
        let challenge = Field::new("WWW-Authenticate", format!("DPoP error=\"{code}\""));
        let body = json!({ "error": code, "error_description": why });
        Answer::Response(self.response(401, vec![challenge], body.to_string()))
    }

    fn response(&self, status: u16, mut fields: Vec<Field>, body: String) -> Response {
        fields.extend(self.nonce.iter().map(|nonce| Field::new("DPoP-Nonce", nonce.as_str())));
        let fields = fields.into_iter().map(|field| (field.name, field.value.into_bytes())).collect();
        Response { status, fields, body: body.into_bytes() }
    }
}

impl Target for ShimTarget {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(self.answer(request))
    }

    fn send_over<'a>(&'a self, _kept: &'a mut Kept, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(self.answer(request))
    }

    /// A verifier runs on this machine.
    fn is_on_loopback(&self) -> bool {
        true
    }

    fn is_bare_verifier(&self) -> bool {
        true
    }

    fn requests_left(&self) -> usize {
        self.requests_left.load(Ordering::Relaxed)
    }
}

/// A claim of a proof that is a string.
fn claim(proof: &str, name: &str) -> Option<String> {
    let jws = Compact::read(proof.as_bytes()).ok()?;
    jws.claims.member(name).and_then(Json::as_str).map(str::to_owned)
}

/// Asks what comes in, as much of it at once as there is.
async fn attend(mut shim: Shim, mut asked: mpsc::Receiver<Asked>) {
    let (mut batch, mut life) = (Vec::new(), 0);
    while asked.recv_many(&mut batch, IN_FLIGHT).await > 0 {
        let questions: Vec<Question> = batch.iter().map(|asked| asked.question.clone()).collect();
        match shim.ask(&questions).await {
            Ok(replies) => {
                for (asked, reply) in batch.drain(..).zip(replies) {
                    life += usize::from(matches!(reply, Reply::Died(_) | Reply::Hung));
                    let _ = asked.reply.send(Ok((reply, life))); // who asked may be gone
                }
            }
            Err(error) => {
                let why = error.to_string();
                for asked in batch.drain(..) {
                    let _ = asked.reply.send(Err(why.clone()));
                }
                while let Some(asked) = asked.recv().await {
                    let _ = asked.reply.send(Err(why.clone()));
                }
                return;
            }
        }
    }
    shim.end().await;
}
