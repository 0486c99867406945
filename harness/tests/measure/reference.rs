//! Against the reference server, whose settings and planted bugs are known.

use std::sync::Arc;
use std::time::Duration;

use dpop_harness::clock::{Clock, VirtualClock};
use dpop_harness::entropy::SystemEntropy;
use dpop_harness::jose::{Alg, AlgSet};
use dpop_harness::measure::{
    Alphabet, Dated, Edge, Facts, Kept, Memory, Nonces, Rotation, Told as _, Tried, Unmeasured,
    capabilities_block,
};
use dpop_harness::reference::{Defect, DefectSet, NonceMode, Options};
use dpop_harness::scenario::load_embedded;
use dpop_harness::spec::{Fact, Profile};
use dpop_harness::suite::{Measured, Setup, Stop, against_reference_with, measure};
use dpop_harness::target::{Capabilities, Limits, NoncePolicy};

const BUDGET: Duration = Duration::from_secs(15 * 60);

fn options(nonce: NonceMode, defects: impl Into<DefectSet>) -> Options {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::at_unix(1_700_000_000));
    Options { nonce, defects: defects.into(), ..Options::new(clock, Arc::new(SystemEntropy)) }
}

async fn measured_with(
    options: Options,
    limits: Limits,
    wanted: &[Fact],
    change: impl FnOnce(&mut Setup),
) -> Measured {
    let (_running, mut setup) =
        against_reference_with(options, Profile::default(), &limits).await.expect("servers on loopback");
    change(&mut setup);
    measure(&Stop::default(), &setup, &load_embedded().expect("valid"), wanted, BUDGET).await
}

async fn measured(nonce: NonceMode, defects: impl Into<DefectSet>, wanted: Fact) -> Facts {
    let measured = measured_with(options(nonce, defects), Limits::default(), &[wanted], |_| {}).await;
    assert_eq!(measured.health.trouble, None);
    measured.facts
}

fn edges(past: (i64, i64), future: (i64, i64)) -> Option<(Edge, Edge)> {
    let edge = |(accepted, refused)| Edge { accepted, refused: Some(refused) };
    Some((edge(past), edge(future)))
}

#[tokio::test]
async fn the_window_is_measured_to_the_second() {
    let window = async |nonce, defects: DefectSet| {
        let found = measured(nonce, defects, Fact::Window).await.window?.ok()?;
        assert_eq!((found.resolution, found.with_nonce), (1, nonce == NonceMode::Required));
        Some((found.past, found.future))
    };
    for nonce in [NonceMode::Never, NonceMode::Optional, NonceMode::Required] {
        assert_eq!(window(nonce, DefectSet::empty()).await, edges((300, 301), (60, 61)), "{nonce:?}");
    }
    let window = async |defect: Defect| window(NonceMode::Never, defect.into()).await;
    assert_eq!(window(Defect::IatZeroSkew).await, edges((300, 301), (0, 1)));
    assert_eq!(window(Defect::RetentionFromReceipt).await, edges((60, 61), (60, 61)));
    let beyond = Edge { accepted: 600, refused: None };
    let (past, _) = window(Defect::IatPastUnlimited).await.expect("measured");
    assert_eq!(past, beyond);
    let (_, future) = window(Defect::IatFutureUnlimited).await.expect("measured");
    assert_eq!(future, beyond);
}

async fn memory(options: Options) -> Memory {
    let measured = measured_with(options, Limits::default(), &[Fact::Jti], |_| {}).await;
    assert!(measured.facts.window.is_none(), "it was not asked for");
    measured.facts.jti.expect("asked for").expect("measured")
}

fn kept(dated: Dated, ahead: i64, remembered: i64, forgotten: Option<i64>, outlived: Option<i64>) -> Kept {
    Kept { dated, ahead, remembered: Some(remembered), forgotten, outlived }
}

#[tokio::test]
async fn a_clean_server_remembers_a_proof_for_all_of_its_life() {
    let found = memory(options(NonceMode::Never, DefectSet::empty())).await;
    assert_eq!(found.again, Tried::Refused);
    assert!(found.is_single_use() && found.nonce_may_be_used_again);
    assert_eq!(found.key().as_deref(), Some("jti and key"));
    assert_eq!((found.life, found.waited), (Some(300), 900));
    let lives = [kept(Dated::Now, 0, 300, None, Some(301)), kept(Dated::Latest, 59, 359, None, Some(360))];
    assert_eq!(found.kept, lives);
    assert!(found.meaning().contains("can't be used again"), "{}", found.meaning());

    // Where nonces are demanded, the nonce ends first: between 150 and 300 seconds after it was supplied.
    let found = memory(options(NonceMode::Required, DefectSet::empty())).await;
    assert_eq!(found.key().as_deref(), Some("jti and key"));
    for kept in &found.kept {
        assert_eq!(kept.forgotten, None, "{kept:?}");
        assert!(kept.outlived.is_some_and(|delay| (100..=301).contains(&delay)), "{kept:?}");
    }
}

#[tokio::test]
async fn what_is_forgotten_too_early_shows_when() {
    let found = memory(options(NonceMode::Never, Defect::ForgottenAfterASecond)).await;
    assert_eq!(found.kept[0], kept(Dated::Now, 0, 1, Some(2), None));
    assert!(found.meaning().contains("works again after 2 s"), "{}", found.meaning());
    assert!(found.told().contains("forgotten after 2 s"), "{}", found.told());

    // It keeps a proof for 60 seconds from its receipt on, and accepts one that is dated 59 seconds ahead for 119.
    let found = memory(options(NonceMode::Never, Defect::RetentionFromReceipt)).await;
    let lives = [kept(Dated::Now, 0, 60, None, Some(61)), kept(Dated::Latest, 59, 60, Some(61), None)];
    assert_eq!(found.kept, lives);
}

#[tokio::test]
async fn what_a_proof_is_remembered_by() {
    for (defect, again, anew, key) in [
        (Defect::JtiNotTracked, Tried::Accepted, Tried::Accepted, None),
        (Defect::ReplayKeyIsProof, Tried::Refused, Tried::Accepted, Some("the whole proof")),
        (Defect::ReplayKeyIsSigningInput, Tried::Refused, Tried::Accepted, Some("the whole proof")),
    ] {
        let found = memory(options(NonceMode::Never, defect)).await;
        assert_eq!((&found.again, &found.signed_anew), (&again, &anew), "{defect:?}");
        assert_eq!(found.key().as_deref(), key, "{defect:?}");
        assert_eq!(found.kept.is_empty(), again == Tried::Accepted, "{defect:?}");
    }
    let found = memory(Options { replay: false, ..options(NonceMode::Never, DefectSet::empty()) }).await;
    assert!(!found.is_single_use());
    assert!(found.meaning().contains("may be replayed for 300 s"), "{}", found.meaning());
    assert_eq!((&found.other_key, &found.other_url), (&Tried::Accepted, &Tried::Accepted));

    let found = memory(options(NonceMode::Never, DefectSet::empty())).await;
    assert_eq!((&found.other_key, &found.other_url), (&Tried::Accepted, &Tried::Refused));
    assert_eq!(found.other_method, Tried::Refused);
    for (defect, key) in [
        (Defect::ReplayKeyIsJti, "jti"),
        (Defect::ReplayKeyWithRawHtu, "jti and key and URL"),
        (Defect::ReplayKeyWithMethod, "jti and key and method"),
    ] {
        let found = memory(options(NonceMode::Never, defect)).await;
        assert_eq!(found.key().as_deref(), Some(key), "{defect:?}");
        assert!(found.is_single_use());
    }
}

/// A server that takes one proof of each key refuses every probe, and the control after them: nothing is made of that.
#[tokio::test]
async fn without_a_control_there_is_no_fact() {
    for fact in [Fact::Window, Fact::Htu, Fact::Sizes, Fact::Errors, Fact::Jti] {
        let facts = measured(NonceMode::Never, Defect::ReplayKeyIsThumbprint, fact).await;
        let why = facts.unmeasured(fact);
        assert!(matches!(why, Some(Unmeasured::ControlRefused(_))), "{fact:?}: {why:?}");
        assert!(why.is_some_and(Unmeasured::is_of_the_environment));
    }
    let limits = Limits { max_requests: Some(12), ..Limits::default() };
    let found = measured_with(
        options(NonceMode::Never, DefectSet::empty()),
        limits,
        &[Fact::Window, Fact::Htu],
        |_| {},
    )
    .await;
    assert_eq!(found.requests, 12);
    assert_eq!(found.facts.window, Some(Err(Unmeasured::Cap)));
    assert_eq!(found.facts.unmeasured(Fact::Htu), Some(&Unmeasured::Cap));
    assert!(found.facts.unmeasured(Fact::Htu).is_some_and(Unmeasured::is_of_the_environment));
    assert_eq!(found.facts.unmeasured(Fact::Sizes), None, "it was not asked for");
}

async fn nonces(nonce: NonceMode, defects: impl Into<DefectSet>) -> Nonces {
    measured(nonce, defects, Fact::Nonce).await.nonce.expect("asked for").expect("measured")
}

#[tokio::test]
async fn the_policy_of_nonces() {
    let found = nonces(NonceMode::Never, DefectSet::empty()).await;
    assert_eq!((found.policy, &found.made_up), ("never", &Tried::Accepted));
    assert_eq!((found.rotation, found.lifetime, found.shape), (None, None, None));
    let found = nonces(NonceMode::Optional, DefectSet::empty()).await;
    assert_eq!((found.policy, &found.made_up), ("optional", &Tried::Refused));
    let found = nonces(NonceMode::Required, Defect::NonceNotDemanded).await;
    assert_eq!((found.policy, &found.made_up), ("optional", &Tried::Refused));
    let found = nonces(NonceMode::Required, Defect::NonceNotChecked).await;
    assert_eq!((found.policy, &found.made_up), ("required", &Tried::Accepted));
    assert_eq!((found.lifetime, found.reusable), (None, None), "any is good");
    assert!(found.meaning().contains("any nonce is good"), "{}", found.meaning());
}

#[tokio::test]
async fn nonces_over_time() {
    let found = nonces(NonceMode::Required, DefectSet::empty()).await;
    assert_eq!((found.policy, found.reusable, found.older), ("required", Some(true), None));
    let Some(Rotation::ByTime { least, most }) = found.rotation else { panic!("{:?}", found.rotation) };
    assert!(least <= 150 && most >= 150 && most - least <= 12, "{least} to {most}");
    let lifetime = found.lifetime.expect("seen");
    let refused = lifetime.refused.expect("seen");
    assert!(lifetime.accepted < 300 && refused >= 300 && refused - lifetime.accepted <= 12, "{lifetime:?}");
    let shape = found.shape.expect("seen");
    assert_eq!((shape.samples, shape.distinct), (200, 200));
    assert_eq!((shape.shortest, shape.longest, shape.alphabet), (43, 43, Alphabet::Base64url));
    assert_eq!((shape.weakness(), shape.patterns.len()), (None, 0));
}

#[tokio::test]
async fn algorithms_beside_what_is_advertised() {
    let algs = async |options| {
        let measured = measured_with(options, Limits::default(), &[Fact::Algs], |_| {}).await;
        measured.facts.algs.expect("asked for").expect("measured")
    };
    let some = AlgSet::from_names(["ES256", "EdDSA"]);
    let found = algs(Options { algs: some, ..options(NonceMode::Never, DefectSet::empty()) }).await;
    assert_eq!((found.accepted(), found.advertised()), (some, Some(some)));
    assert_eq!(found.refused, ["ES384", "ES512", "PS256", "RS256"]);
    assert_eq!(found.meaning(), "as advertised");
    let found = algs(options(NonceMode::Never, Defect::Es384Refused)).await;
    assert_eq!(found.refused, [Alg::Es384.name()]);
    assert_eq!(found.meaning(), "it advertises ES384 and refuses it");
}

#[tokio::test]
async fn spellings_of_htu() {
    let public = "https://rs.example/tree/caf%C3%A9";
    let forms = async |defects: DefectSet| {
        let public_resource = Some(public.parse().expect("a URL"));
        let options = Options { public_resource, ..options(NonceMode::Never, defects) };
        let measured = measured_with(options, Limits::default(), &[Fact::Htu], |_| {}).await;
        measured.facts.htu.expect("asked for").expect("measured")
    };
    let found = forms(DefectSet::empty()).await;
    assert_eq!(found.plain, public);
    assert!(found.refused().is_empty() && found.too_many().is_empty(), "{found:?}");
    let not_tried: Vec<&str> =
        found.forms.iter().filter(|form| form.accepted.is_none()).map(|form| form.name).collect();
    assert_eq!(not_tried, ["empty-path"]);
    let same =
        ["host-upper-case", "default-port", "empty-port", "dot-segments", "encoded-letter", "hex-digit-case"];
    let found = forms(Defect::HtuLiteral.into()).await;
    assert!(same.iter().all(|name| found.refused().contains(name)), "{:?}", found.refused());
    assert!(found.too_many().is_empty(), "{:?}", found.too_many());
    assert_eq!(forms(Defect::HtuTrailingSlashIgnored.into()).await.too_many(), ["trailing-slash"]);
    assert_eq!(forms(Defect::HtuPathCaseFolded.into()).await.too_many(), ["path-case"]);
    assert_eq!(forms(Defect::HtuQueryRefused.into()).await.refused(), ["query"]);
    assert_eq!(forms(Defect::HtuNotChecked.into()).await.too_many().len(), 16);
}

#[tokio::test]
async fn sizes() {
    let facts = measured(NonceMode::Required, DefectSet::empty(), Fact::Sizes).await;
    let found = facts.sizes.expect("asked for").expect("measured");
    assert_eq!((found.jti.accepted, found.jti.refused), (256, Some(257)));
    let limit = i64::try_from(dpop_harness::reference::MAX_PROOF_BYTES).expect("small");
    let refused = found.proof.refused.expect("there is a limit");
    assert!(
        found.proof.accepted <= limit && refused > limit && refused - found.proof.accepted <= 4,
        "{found:?}"
    );
    assert_eq!(found.proof.answer.as_deref(), Some("reject 401 invalid_dpop_proof"));
    let facts = measured(NonceMode::Never, Defect::UnknownClaimsRefused, Fact::Sizes).await;
    assert!(matches!(facts.unmeasured(Fact::Sizes), Some(Unmeasured::ControlRefused(_))));
}

#[tokio::test]
async fn the_error_map() {
    let errors = async |nonce, defects: DefectSet| {
        measured(nonce, defects, Fact::Errors).await.errors.expect("asked for").expect("measured")
    };
    let answer = |map: &dpop_harness::measure::ErrorMap, fault: &str| {
        let row = map.faults.iter().find(|row| row.fault == fault).expect("tried");
        let answer = row.answer.clone().expect("answered");
        (answer.decision, answer.status, answer.scheme, answer.error.unwrap_or_default())
    };
    let found = errors(NonceMode::Required, DefectSet::empty()).await;
    let refused = |error: &str| ("reject", Some(401), Some("DPoP"), error.to_owned());
    assert_eq!(answer(&found, "no-credentials"), refused(""));
    for fault in
        ["no-proof", "bad-signature", "other-htm", "other-ath", "a-day-old", "a-day-ahead", "used-twice"]
    {
        assert_eq!(answer(&found, fault), refused("invalid_dpop_proof"), "{fault}");
    }
    for fault in ["other-key", "token-spoiled", "bound-token-as-bearer"] {
        assert_eq!(answer(&found, fault), refused("invalid_token"), "{fault}");
    }
    let challenged = ("challenge", Some(401), Some("DPoP"), "use_dpop_nonce".to_owned());
    assert_eq!(answer(&found, "no-nonce"), challenged);
    let found = errors(NonceMode::Never, Defect::NoErrorCode.into()).await;
    assert_eq!(answer(&found, "bad-signature"), refused(""));
    assert!(found.faults.iter().all(|row| row.kind != "nonce"));
    let found = errors(NonceMode::Never, Defect::CnfIgnored.into()).await;
    assert_eq!(answer(&found, "other-key").0, "accept");
    let found = errors(NonceMode::Never, Defect::NoChallenge.into()).await;
    assert_eq!(answer(&found, "bad-signature").2, None);
}

#[tokio::test]
async fn the_origin_and_the_clock() {
    let public_resource = Some("https://api.example.test/resource".parse().expect("a URL"));
    let options = Options { public_resource, ..options(NonceMode::Never, DefectSet::empty()) };
    let wanted = [Fact::Origin, Fact::Skew];
    let found = measured_with(options, Limits::default(), &wanted, |_| {}).await.facts;
    let origin = found.origin.expect("asked for").expect("measured");
    assert_eq!(origin.origin, "https://api.example.test");
    assert!(origin.requested.starts_with("http://127.0.0.1:"), "{origin:?}");
    let skew = found.skew.expect("asked for").expect("measured");
    assert_eq!(skew.time, "own");
    assert!(skew.seconds.is_some_and(|seconds| seconds.abs() <= 1.0), "{skew:?}");
}

#[tokio::test]
async fn the_config_is_compared_with_what_was_measured() {
    let wanted = [Fact::Nonce, Fact::Algs, Fact::Jti];
    let wrong = Capabilities {
        nonce: Some(NoncePolicy::Optional),
        single_use_jti: Some(false),
        algs: Some(AlgSet::from_names(["ES256"])),
        ..Capabilities::default()
    };
    let algs = AlgSet::from_names(["ES256", "RS256"]);
    let server = || Options { algs, ..options(NonceMode::Never, DefectSet::empty()) };
    let found = measured_with(server(), Limits::default(), &wanted, |setup| setup.capabilities = wrong).await;
    let told: Vec<String> = found.contradictions.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "capabilities.nonce says optional, and never was measured: write `nonce: never`",
            "capabilities.single-use-jti says false, and true was measured: write `single-use-jti: true`",
            "capabilities.algs says [ES256], and [ES256, RS256] was measured: write `algs: [ES256, RS256]`",
        ]
    );
    let block = capabilities_block(&found.facts).expect("something was measured");
    assert_eq!(block, "capabilities:\n  nonce: never\n  single-use-jti: true\n  algs: [ES256, RS256]\n");
    let right = Capabilities {
        nonce: Some(NoncePolicy::Never),
        single_use_jti: Some(true),
        algs: Some(algs),
        ..Capabilities::default()
    };
    let found = measured_with(server(), Limits::default(), &wanted, |setup| setup.capabilities = right).await;
    assert_eq!(found.contradictions, []);
}
