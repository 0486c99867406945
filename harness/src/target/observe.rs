//! Where a target shows its owners what it refuses: a metrics page or a log file.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answer, NoAnswer};
use super::{HttpTarget, Target};
use crate::jose::uri::Uri;
use crate::proof::{Call, Request};

/// Where refusals show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observe {
    /// A page in the text format of Prometheus.
    Metrics {
        /// The page.
        call: Box<Call>,
        /// The name of the counter, whose values over all labels are added up.
        counter: String,
    },
    /// A file that grows by a line with this text for each refusal.
    Log {
        /// The file.
        path: PathBuf,
        /// The text.
        pattern: String,
    },
}

/// Where the server shows what it refuses: either `metrics` and `counter`, or `log` and `pattern`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Observe")]
pub(super) struct ObserveRow {
    /// The URL of a page in the text format of Prometheus.
    metrics: Option<String>,
    /// The name of the counter of refusals on that page, e.g. `dpop_refusals_total`; its series are added up.
    counter: Option<String>,
    /// A log file, relative to the folder of this file.
    log: Option<PathBuf>,
    /// What stands in each of its lines that are about a refusal, e.g. `invalid_dpop_proof`.
    pattern: Option<String>,
}

impl ObserveRow {
    /// The place that the row names, in `folder`; or a path in the config, and what is wrong there.
    pub(super) fn read(self, folder: &Path) -> Result<Observe, (&'static str, String)> {
        let wrong = |path, message: &str| Err((path, message.to_owned()));
        match (self.metrics, self.counter, self.log, self.pattern) {
            (Some(url), Some(counter), None, None) => {
                let uri: Uri =
                    url.parse().map_err(|error| ("observe.metrics", format!("`{url}`: {error}")))?;
                let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"_:".contains(&byte);
                if counter.is_empty() || !counter.bytes().all(sign) {
                    return wrong("observe.counter", "the name of a counter, without labels");
                }
                let call = Call::to("GET", uri);
                Ok(Observe::Metrics { call: Box::new(call), counter })
            }
            (None, None, Some(log), Some(pattern)) if !pattern.is_empty() => {
                Ok(Observe::Log { path: folder.join(log), pattern })
            }
            (None, None, Some(_), Some(_)) => wrong("observe.pattern", "every line has that: give a text"),
            (Some(_), None, None, None) => wrong("observe", "`metrics` needs `counter`, the name of one"),
            (None, None, Some(_), None) => wrong("observe", "`log` needs `pattern`, a text of each refusal"),
            (..) => wrong("observe", "either `metrics` and `counter`, or `log` and `pattern`"),
        }
    }
}

/// Counts what a target shows of its refusals.
pub enum Observer {
    /// On a metrics page.
    Metrics {
        /// The server of the page.
        target: Arc<dyn Target>,
        /// The page.
        call: Box<Call>,
        /// The name of the counter.
        counter: String,
    },
    /// In a log file.
    Log {
        /// The file.
        path: PathBuf,
        /// What stands in a line that counts.
        pattern: String,
    },
}

/// Why the refusals can't be counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObserveError {
    /// The page does not come.
    #[error("{0}: {1}")]
    NoAnswer(String, NoAnswer),
    /// The page is another.
    #[error("{0} answers {1}")]
    Status(String, u16),
    /// Only the beginning of the page was read, and the counter may stand behind it.
    #[error("{0} is too long to be read to its end")]
    TooLong(String),
    /// The file can't be read.
    #[error("{0}: {1}")]
    Unreadable(String, String),
}

impl Observer {
    /// How long what happened may take to show.
    pub fn lag(&self) -> Duration {
        match self {
            Self::Metrics { .. } => Duration::ZERO,
            Self::Log { .. } => Duration::from_millis(200),
        }
    }

    /// How many refusals there have been.
    ///
    /// # Errors
    /// [`ObserveError`] where that can't be seen.
    pub async fn count(&self) -> Result<u64, ObserveError> {
        match self {
            Self::Metrics { target, call, counter } => match target.send(&Request::bare(call)).await {
                Answer::Nothing(why) => Err(ObserveError::NoAnswer(call.to_string(), why)),
                Answer::Response(response) if !(200..300).contains(&response.status) => {
                    Err(ObserveError::Status(call.to_string(), response.status))
                }
                Answer::Response(response) if response.body.len() >= HttpTarget::LONGEST_BODY => {
                    Err(ObserveError::TooLong(call.to_string()))
                }
                Answer::Response(response) => Ok(total(&String::from_utf8_lossy(&response.body), counter)),
            },
            Self::Log { path, pattern } => lines_with(path, pattern)
                .map_err(|error| ObserveError::Unreadable(path.display().to_string(), error.to_string())),
        }
    }
}

/// The sum of the counter's series in the text format of Prometheus; a counter that never counted may be absent.
fn total(page: &str, counter: &str) -> u64 {
    let value = |line: &str| -> Option<f64> {
        let rest = line.strip_prefix(counter)?;
        let rest = match rest.strip_prefix('{') {
            Some(labels) => labels.rsplit_once('}')?.1,
            None => rest.strip_prefix([' ', '\t'])?,
        };
        rest.split_ascii_whitespace().next()?.parse().ok()
    };
    let sum: f64 = page.lines().filter_map(value).filter(|value| value.is_finite()).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let sum = sum.round() as u64;
    sum
}

fn lines_with(path: &Path, pattern: &str) -> io::Result<u64> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut line, mut number) = (Vec::new(), 0);
    while reader.read_until(b'\n', &mut line)? > 0 {
        number += u64::from(String::from_utf8_lossy(&line).contains(pattern));
        line.clear();
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_a_counter_are_added_up() {
        let page = "# TYPE refusals_total counter\nrefusals_total{reason=\"a b\"} 2\nrefusals_total 3\n\
                    refusals_total{reason=\"}\",x=\"1\"} 1e1 1700000000\nrefusals_total_other 100\nother 7\n\
                    refusals_total{reason=\"c\"} NaN\nrefusals_total x\n";
        assert_eq!(total(page, "refusals_total"), 15);
        assert_eq!(total(page, "refusals"), 0);
        assert_eq!(total("", "refusals"), 0);
    }

    #[test]
    fn lines_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        std::fs::write(&path, b"refused a\nserved\nrefused \xff\nrefused").expect("written");
        assert_eq!(lines_with(&path, "refused").expect("a file"), 3);
        assert!(lines_with(&folder.path().join("none"), "x").is_err());
    }
}
