//! Against servers that are made up for their nonces: nothing is checked but the nonce.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dpop_harness::clock::{Clock, VirtualClock};
use dpop_harness::entropy::{SystemEntropy, unique_id};
use dpop_harness::jose::jws::Compact;
use dpop_harness::measure::{Lifetime, Nonces, Older, Pattern, Rotation, Told as _};
use dpop_harness::proof::Request;
use dpop_harness::reference::{DefectSet, NonceMode};
use dpop_harness::scenario::load_embedded;
use dpop_harness::spec::{Fact, Profile};
use dpop_harness::suite::{Stop, against_reference, measure};
use dpop_harness::target::{Answer, BoxFuture, Limits, Response, Target};

/// What a server does with its nonces.
#[derive(Clone, Copy)]
struct Rule {
    /// The nonce of this number.
    make: fn(u64) -> String,
    /// How many newer ones may have been supplied.
    newer: usize,
    /// How long one is good, in seconds.
    seconds: i64,
    /// Whether one is good for one proof.
    once: bool,
}

struct MadeUp {
    rule: Rule,
    clock: Arc<VirtualClock>,
    /// Each nonce, when it was supplied, and whether it was used.
    supplied: Mutex<Vec<(String, i64, bool)>>,
}

impl MadeUp {
    fn is_good(&self, nonce: &str) -> bool {
        let mut supplied = self.supplied.lock().expect("no panic");
        let number = supplied.len();
        let now = self.clock.unix_seconds();
        let Some((at, found)) = supplied.iter_mut().enumerate().rfind(|(_, known)| known.0 == nonce) else {
            return false;
        };
        let newer = number - 1 - at;
        let good =
            newer <= self.rule.newer && now - found.1 <= self.rule.seconds && !(self.rule.once && found.2);
        found.2 = true;
        good
    }

    fn answer(&self, request: &Request) -> Response {
        let field =
            |name: &str| request.fields.iter().find(|field| field.name == name).map(|field| &*field.value);
        let has_token = field("Authorization").is_some_and(|value| value.split('.').count() == 3);
        let proof = field("DPoP").and_then(|proof| Compact::read(proof.as_bytes()).ok());
        let (status, error) = match proof {
            Some(proof) if has_token => {
                let nonce = proof.claims.member("nonce").and_then(|nonce| nonce.as_str());
                if nonce.is_some_and(|nonce| self.is_good(nonce)) {
                    (200, "")
                } else {
                    (401, "use_dpop_nonce")
                }
            }
            _ => (401, "invalid_token"),
        };
        let mut supplied = self.supplied.lock().expect("no panic");
        let nonce = (self.rule.make)(u64::try_from(supplied.len()).expect("small"));
        supplied.push((nonce.clone(), self.clock.unix_seconds(), false));
        let challenge = format!("DPoP error=\"{error}\", algs=\"ES256\"");
        let mut fields = vec![("DPoP-Nonce".to_owned(), nonce.into_bytes())];
        if status == 401 {
            fields.push(("WWW-Authenticate".to_owned(), challenge.into_bytes()));
        }
        Response { status, fields, body: Vec::new() }
    }
}

impl Target for MadeUp {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Answer> {
        Box::pin(async { Answer::Response(self.answer(request)) })
    }
}

async fn nonces(rule: Rule) -> Nonces {
    let clock = Arc::new(VirtualClock::at_unix(1_700_000_000));
    let (_running, mut setup) = against_reference(
        NonceMode::Required,
        DefectSet::empty(),
        Profile::default(),
        &Limits::default(),
        clock.clone(),
        Arc::new(SystemEntropy),
    )
    .await
    .expect("servers on loopback");
    setup.target = Arc::new(MadeUp { rule, clock, supplied: Mutex::default() });
    let scenarios = load_embedded().expect("valid");
    let budget = Duration::from_secs(900);
    let found = measure(&Stop::default(), &setup, &scenarios, &[Fact::Nonce], budget).await;
    assert_eq!(found.health.trouble, None);
    found.facts.nonce.expect("asked for").expect("measured")
}

fn by_chance(_: u64) -> String {
    unique_id(&SystemEntropy)
}

#[tokio::test]
async fn nonces_that_are_good_once() {
    let found = nonces(Rule { make: by_chance, newer: 5, seconds: 77, once: true }).await;
    assert_eq!((found.policy, found.reusable), ("required", Some(false)));
    assert_eq!(found.rotation, Some(Rotation::EveryAnswer));
    assert_eq!(found.older, Some(Older { accepted: 5, refused: Some(6) }));
    assert_eq!(found.lifetime, Some(Lifetime { accepted: 77, refused: Some(78) }));
    let shape = found.shape.expect("seen");
    assert_eq!((shape.samples, shape.distinct, shape.weakness()), (200, 200, None));
    assert!(shape.patterns.is_empty());
}

#[tokio::test]
async fn nonces_that_may_be_used_again() {
    let found = nonces(Rule { make: by_chance, newer: usize::MAX, seconds: 120, once: false }).await;
    assert_eq!((found.reusable, found.rotation), (Some(true), Some(Rotation::EveryAnswer)));
    assert_eq!(found.older, Some(Older { accepted: 64, refused: None }));
    let lifetime = found.lifetime.expect("seen");
    let refused = lifetime.refused.expect("seen");
    assert!(lifetime.accepted <= 120 && refused > 120 && refused - lifetime.accepted <= 12, "{lifetime:?}");
    let found = nonces(Rule { make: by_chance, newer: usize::MAX, seconds: i64::MAX, once: false }).await;
    let lifetime = found.lifetime.expect("seen");
    assert!(lifetime.accepted >= 890 && lifetime.refused.is_none(), "{lifetime:?}");
}

#[tokio::test]
async fn nonces_that_count() {
    let found = nonces(Rule { make: |number| format!("n{number}"), newer: 3, seconds: 60, once: true }).await;
    let shape = found.shape.as_ref().expect("seen");
    assert_eq!(shape.patterns, [Pattern::Counter], "{shape:?}");
    assert!(found.meaning().contains("nonces count"), "{}", found.meaning());
    let found =
        nonces(Rule { make: |number| format!("fixed{}", number % 2), newer: 9, seconds: 60, once: false })
            .await;
    assert!(found.shape.as_ref().expect("seen").patterns.contains(&Pattern::Repeats));
}
