//! Requests that arrive together: everything but the last byte of each is on its way before the first last byte is.
//!
//! A server looks a proof up once it has the whole request. What still differs between the copies then is the time that
//! one byte takes; over one HTTP/2 connection, where the last frames go in one packet, not even that.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Barrier;
use tokio::time::timeout;

use super::answer::{Answer, NoAnswer, Response};
use super::http::HttpTarget;
use super::http1::Http1;
use super::http2::Http2;
use crate::proof::{HttpVersion, Request};

/// Why many requests are not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRoom {
    /// The cap on the number of requests leaves too few.
    #[error("needs {needed} requests, and the cap (limits.max-requests) leaves {left}")]
    Cap {
        /// How many there are.
        needed: usize,
        /// How many may still be sent.
        left: usize,
    },
    /// The rate allows fewer in one second, and spread out they don't arrive together.
    #[error("needs {0} requests at the same time, and limits.rate allows fewer in a second")]
    Rate(usize),
    /// The server takes fewer over one connection.
    #[error(
        "needs {needed} requests at the same time, and the server takes {most} over one HTTP/2 connection"
    )]
    Streams {
        /// How many there are.
        needed: usize,
        /// How many it takes.
        most: usize,
    },
    /// Only HTTP/1.1 has a byte to hold back.
    #[error("HTTP/1.1 is not used, and the last byte of a request is held back there only")]
    Version,
    /// This way to reach a target can't do it.
    #[error("this target can't be sent requests at the same time")]
    Unsupported,
}

impl HttpTarget {
    pub(super) async fn released(&self, requests: &[Request]) -> Result<Vec<Answer>, NoRoom> {
        let needed = requests.len();
        if requests.iter().any(|request| request.http != HttpVersion::Http1) {
            return Err(NoRoom::Version);
        }
        self.within_the_rate(needed)?;
        self.take_turns(needed).await?;
        let gate = Barrier::new(needed);
        let copies = requests.iter().map(|request| self.through(&gate, request));
        let answered = join_all(copies).await.into_iter();
        Ok(answered.map(|answer| answer.map_or_else(Answer::Nothing, Answer::Response)).collect())
    }

    /// The same over one HTTP/2 connection.
    pub(super) async fn released_over_one(&self, requests: &[Request]) -> Result<Vec<Answer>, NoRoom> {
        let needed = requests.len();
        if requests.iter().any(|request| request.http != HttpVersion::Http2) {
            return Err(NoRoom::Unsupported);
        }
        self.within_the_rate(needed)?;
        let nothing = |why: NoAnswer| vec![Answer::Nothing(why); needed];
        let opened = timeout(self.timeout, async {
            let stream = self.stream(HttpVersion::Http2).await?;
            let mut connection = Http2::open(stream, self.is_tls()).await?;
            let room = connection.room().await?;
            Ok((connection, room))
        });
        let (mut connection, most) = match opened.await.unwrap_or(Err(NoAnswer::Timeout)) {
            Ok(opened) => opened,
            Err(why) => return Ok(nothing(why)),
        };
        if most < needed {
            return Err(NoRoom::Streams { needed, most });
        }
        self.take_turns(needed).await?;
        let answered = timeout(self.timeout, connection.together(requests)).await;
        Ok(match answered.unwrap_or(Err(NoAnswer::Timeout)) {
            Ok(answers) => answers
                .into_iter()
                .map(|answer| answer.map_or_else(Answer::Nothing, Answer::Response))
                .collect(),
            Err(why) => nothing(why),
        })
    }

    /// Sees to it that so many requests may leave within a second.
    fn within_the_rate(&self, needed: usize) -> Result<(), NoRoom> {
        match &self.pace {
            Some(pace) if pace.interval.as_secs_f64() * needed as f64 > 1.0 => Err(NoRoom::Rate(needed)),
            Some(_) | None => Ok(()),
        }
    }

    /// Counts so many requests and waits until they may leave together: for as long as one after the other would have taken
    /// nothing left before them, and nothing will behind them, so that no second has more than its number.
    async fn take_turns(&self, needed: usize) -> Result<(), NoRoom> {
        self.requests_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(needed))
            .map_err(|left| NoRoom::Cap { needed, left })?;
        let wait = (0..needed).fold(Duration::ZERO, |_, _| self.take_turn());
        for _ in 1..needed {
            self.take_turn();
        }
        self.wait(wait).await;
        Ok(())
    }

    /// One request through the gate. Who can't get ready comes to it, too, lest the others wait for ever.
    async fn through(&self, gate: &Barrier, request: &Request) -> Result<Response, NoAnswer> {
        let bytes = request.to_bytes();
        let Some((last, most)) = bytes.split_last() else { return Err(NoAnswer::Closed) };
        let ready = timeout(self.timeout, self.ready(most)).await.unwrap_or(Err(NoAnswer::Timeout));
        gate.wait().await;
        let mut connection = ready?;
        let answered = async {
            let written = connection.write(&[*last]).await;
            connection.response(request, written).await
        };
        timeout(self.timeout, answered).await.unwrap_or(Err(NoAnswer::Timeout))
    }

    /// A connection over which these bytes were sent.
    async fn ready(&self, bytes: &[u8]) -> Result<Http1, NoAnswer> {
        let mut connection = Http1::new(self.stream(HttpVersion::Http1).await?);
        connection.write(bytes).await.map_err(|_| NoAnswer::Closed)?;
        Ok(connection)
    }
}
