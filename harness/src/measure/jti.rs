use schemars::JsonSchema;
use serde::Serialize;

use super::bench::{Bench, FIRST, claiming, named, resent, twin, with};
use super::retention::{self, Dated, Kept};
use super::{Means, Told, Unmeasured, Window};
use crate::entropy::unique_id;
use crate::proof::{JtiEdit, ProofEdits, RequestEdits, Shift, Step};
use crate::run::{Cast, Decision, Needs};

/// What a server remembers of the proofs that it accepted (RFC 9449 section 11.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Memory {
    /// The same request once more.
    pub again: Tried,
    /// Whether another proof with the nonce of the first is accepted. Where it is not, the nonce is what ends a replay, and
    /// what is remembered beside it shows in `signed-anew` only.
    pub nonce_may_be_used_again: bool,
    /// The same `jti` in another proof of the same key.
    pub signed_anew: Tried,
    /// The same `jti` in a proof of another client.
    pub other_key: Tried,
    /// The same `jti` in a proof for another resource of the server.
    pub other_url: Tried,
    /// The same `jti` in a proof for HEAD.
    pub other_method: Tried,
    /// How long, for proofs of two dates; empty where a proof can be used again at once.
    pub kept: Vec<Kept>,
    /// How old a proof may be, in seconds, as far as it was measured; null where it was not.
    pub life: Option<i64>,
    /// How long was waited at most, in seconds.
    pub waited: u64,
}

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tried {
    /// It was accepted.
    Accepted,
    /// It was refused, while the same with another `jti` was accepted.
    Refused,
    /// It was not tried: why.
    NotTried(String),
}

impl Tried {
    pub(super) fn of(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Refused }
    }

    fn or_why_not(result: Result<Self, Unmeasured>) -> Self {
        result.unwrap_or_else(|why| Self::NotTried(why.to_string()))
    }
}

pub(super) async fn measure(means: &Means<'_>, window: Option<&Window>) -> Result<Memory, Unmeasured> {
    let (again, nonce_may_be_used_again) = again(means).await?;
    let signed_anew = signed_anew(means).await?;
    let other_key = Tried::or_why_not(other_key(means).await);
    let other_url = Tried::or_why_not(other_url(means).await);
    let other_method = Tried::or_why_not(other_method(means).await);
    let mut kept = Vec::new();
    if again == Tried::Refused && nonce_may_be_used_again {
        kept.push(retention::measure(means, Dated::Now, 0).await?);
        // A second less than the edge: what is said here must not depend on how long a request takes.
        let latest = window.map_or(0, |window| window.future.accepted.saturating_sub(1));
        if latest > 0 {
            kept.push(retention::measure(means, Dated::Latest, latest).await?);
        }
    }
    Ok(Memory {
        again,
        nonce_may_be_used_again,
        signed_anew,
        other_key,
        other_url,
        other_method,
        kept,
        life: window.filter(|window| window.past.refused.is_some()).map(|window| window.past.accepted),
        waited: means.budget.as_secs(),
    })
}

/// The same request once more, and whether a proof with the same nonce is accepted beside it.
async fn again(means: &Means<'_>) -> Result<(Tried, bool), Unmeasured> {
    let mut bench = means.bench().await?;
    bench.must_accept(&named(FIRST, with(ProofEdits::default()))).await?;
    let nonce_may_be_used_again = bench.accepts(&twin()).await?;
    let accepted = bench.accepts(&resent()).await?;
    bench.control().await?;
    Ok((Tried::of(accepted), nonce_may_be_used_again))
}

/// The same `jti` in a proof that says another second, so that not even a signature without chance in it is the same.
async fn signed_anew(means: &Means<'_>) -> Result<Tried, Unmeasured> {
    let mut bench = means.bench().await?;
    let proof = |jti| ProofEdits { iat: Some(Shift(-1)), jti, ..ProofEdits::default() };
    bench.must_accept(&named(FIRST, with(ProofEdits::default()))).await?;
    let of_the_first = JtiEdit { of: Some(FIRST.to_owned()), ..JtiEdit::default() };
    let anew = with(proof(Some(of_the_first)));
    let accepted = bench.accepts(&anew).await?;
    bench.must_accept(&with(proof(None))).await?;
    Ok(Tried::of(accepted))
}

async fn other_key(means: &Means<'_>) -> Result<Tried, Unmeasured> {
    let Cast { own, stranger, .. } = means.cast(Needs { spare: false, stranger: true }).await?;
    let stranger = stranger.ok_or(Unmeasured::Lacks("needs the key and token of another client"))?;
    let alone = |own| Cast { own, spare: None, stranger: None };
    let (mut one, mut other) = (means.bench_of(alone(own)).await?, means.bench_of(alone(stranger)).await?);
    let jti = claiming("jti", unique_id(means.entropy));
    one.must_accept(&jti).await?;
    let accepted = other.accepts(&jti).await?;
    other.must_accept(&claiming("jti", unique_id(means.entropy))).await?;
    Ok(Tried::of(accepted))
}

async fn other_url(means: &Means<'_>) -> Result<Tried, Unmeasured> {
    let resource = means.places.resources.iter().find(|resource| resource.safe);
    let resource = resource.ok_or(Unmeasured::Lacks("needs another safe resource (target.resources)"))?;
    let mut bench: Bench<'_> = means.bench().await?;
    let jti = claiming("jti", unique_id(means.entropy));
    bench.must_accept(&jti).await?;
    bench.go_to(&resource.call);
    bench.control().await?;
    let accepted = bench.accepts(&jti).await?;
    bench.control().await?;
    Ok(Tried::of(accepted))
}

async fn other_method(means: &Means<'_>) -> Result<Tried, Unmeasured> {
    if means.call.method != "GET" {
        return Err(Unmeasured::Lacks("HEAD goes with GET, and the resource has another method"));
    }
    let mut bench = means.bench().await?;
    let request = RequestEdits { method: Some("HEAD".to_owned()), ..RequestEdits::default() };
    let head = |step: Step| Step { request: request.clone(), ..step };
    if bench.send(&head(Step::default())).await?.decision != Decision::Accept {
        return Err(Unmeasured::Lacks("the resource does not serve HEAD"));
    }
    let jti = claiming("jti", unique_id(means.entropy));
    bench.must_accept(&jti).await?;
    let accepted = bench.accepts(&head(jti)).await?;
    bench.must_accept(&head(Step::default())).await?;
    Ok(Tried::of(accepted))
}

impl Memory {
    /// What a proof is remembered by; none where it is not remembered, or that can't be seen.
    pub fn key(&self) -> Option<String> {
        let by_jti = match (&self.again, &self.signed_anew) {
            (_, Tried::Refused) => true,
            (Tried::Refused, _) if self.nonce_may_be_used_again => false,
            (Tried::Accepted | Tried::Refused | Tried::NotTried(_), _) => return None,
        };
        if !by_jti {
            return Some("the whole proof".to_owned());
        }
        let more = [(&self.other_key, "key"), (&self.other_url, "URL"), (&self.other_method, "method")];
        let more: Vec<&str> =
            more.iter().filter(|(tried, _)| **tried == Tried::Accepted).map(|(_, name)| *name).collect();
        Some(["jti"].into_iter().chain(more).collect::<Vec<_>>().join(" and "))
    }

    /// Whether a proof works once; none where that can't be seen.
    pub fn is_single_use(&self) -> bool {
        self.again == Tried::Refused
    }

    /// The first delay after which a proof worked again.
    fn forgotten(&self) -> Option<i64> {
        self.kept.iter().filter_map(|kept| kept.forgotten).min()
    }
}

impl Told for Memory {
    fn told(&self) -> String {
        match (&self.again, self.forgotten(), self.key()) {
            (Tried::Accepted, ..) => "not remembered".to_owned(),
            (_, Some(delay), Some(key)) => format!("remembered by {key}, forgotten after {delay} s"),
            (_, _, Some(key)) => format!("remembered by {key}"),
            (Tried::Refused | Tried::NotTried(_), _, None) => "ended by the nonce".to_owned(),
        }
    }

    fn meaning(&self) -> String {
        let life =
            self.life.map_or_else(|| "as long as it is accepted".to_owned(), |life| format!("for {life} s"));
        if self.again == Tried::Accepted {
            return format!("a stolen proof may be replayed {life}; a store of jti values would end that");
        }
        if !self.nonce_may_be_used_again {
            return "a nonce is good for one proof, so a stolen one can't be used again".to_owned();
        }
        if let Some(delay) = self.forgotten() {
            return format!(
                "a stolen proof works again after {delay} s: it is forgotten before it is too old"
            );
        }
        let whole = self.kept.iter().all(|kept| kept.outlived.is_some());
        let seen = self.kept.iter().filter_map(|kept| kept.remembered).max();
        match (whole, seen) {
            (true, _) => "a stolen proof can't be used again, as long as it is accepted at all".to_owned(),
            (false, Some(seen)) => {
                format!("a stolen proof is refused for at least {seen} s; --for looks longer")
            }
            (false, None) => "a stolen proof is refused at once; later was not seen".to_owned(),
        }
    }

    fn details(&self) -> Vec<(String, String)> {
        let tried = [
            ("same request", &self.again),
            ("signed anew", &self.signed_anew),
            ("other client", &self.other_key),
            ("other URL", &self.other_url),
            ("other method", &self.other_method),
        ];
        let word = |tried: &Tried| match tried {
            Tried::Accepted => "accepted".to_owned(),
            Tried::Refused => "refused".to_owned(),
            Tried::NotTried(why) => format!("not tried: {why}"),
        };
        let mut lines: Vec<(String, String)> =
            tried.iter().map(|(name, tried)| ((*name).to_owned(), word(tried))).collect();
        for kept in &self.kept {
            let name = match kept.dated {
                Dated::Now => "dated now".to_owned(),
                Dated::Latest => format!("{} s ahead", kept.ahead),
            };
            let parts = [
                kept.remembered.map(|delay| format!("remembered after {delay} s")),
                kept.forgotten.map(|delay| format!("accepted again after {delay} s")),
                kept.outlived.map(|delay| format!("no longer good by itself after {delay} s")),
            ];
            lines.push((name, parts.into_iter().flatten().collect::<Vec<_>>().join(", ")));
        }
        lines
    }
}
