use schemars::JsonSchema;
use serde::Serialize;

use super::Told;

/// How far the target's clock is ahead of ours (`Date`, RFC 9110 section 6.6.1).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ClockSkew {
    /// By its `Date` fields, in seconds, to within one; null where it has none.
    pub seconds: Option<f64>,
    /// The clock that the time in proofs comes from: `own`, `target`, or `either` where both are accepted.
    pub time: &'static str,
}

/// The origin that proofs have to name in `htu`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Origin {
    /// The origin of a proof that was accepted.
    pub origin: String,
    /// The origin that requests go to.
    pub requested: String,
}

impl Told for ClockSkew {
    fn told(&self) -> String {
        self.seconds.map_or_else(|| "not shown".to_owned(), |seconds| format!("{seconds:+.1} s"))
    }

    fn meaning(&self) -> String {
        match (self.seconds, self.time) {
            (None, _) => "its answers have no Date field, so it can't be seen".to_owned(),
            (Some(_), "target") => {
                "only proofs by its own clock are accepted: one of the clocks is wrong".to_owned()
            }
            (Some(seconds), _) if seconds.abs() <= 2.0 => "the clocks agree, as far as Date shows".to_owned(),
            (Some(_), _) => {
                "its Date field shows another time than ours; proofs by ours are accepted".to_owned()
            }
        }
    }
}

impl Told for Origin {
    fn told(&self) -> String {
        self.origin.clone()
    }

    fn meaning(&self) -> String {
        if self.origin == self.requested {
            "proofs name the URL that is requested".to_owned()
        } else {
            format!("a proxy stands in between: requests go to {}", self.requested)
        }
    }
}
