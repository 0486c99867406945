//! HTTP/1.1 at byte level (RFC 9112): nothing is repaired, neither in the request nor in the answer.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::answer::{NoAnswer, Response};
use super::connection::{MAX_BODY, MAX_HEAD, Stream};
use crate::proof::Request;

const MAX_FIELDS: usize = 128;
/// How many interim responses (1xx) may come before the final one.
const MAX_INTERIM: usize = 32;

/// A connection that speaks HTTP/1.1.
pub(super) struct Http1 {
    stream: Stream,
    buffer: Vec<u8>,
    /// Whether a whole response has come over it.
    used: bool,
    /// What the last response left on it.
    rest: Rest,
}

/// What a response leaves on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Nothing: another request can follow.
    Nothing,
    /// The trailer section, which nobody but the next response waits for.
    Trailer,
    /// The end of the connection, or something that is not read.
    Unusable,
}

impl Http1 {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, buffer: Vec::new(), used: false, rest: Rest::Nothing }
    }

    /// Sends everything, and reads nothing.
    pub(super) async fn send(&mut self, request: &Request) -> io::Result<()> {
        self.write(&request.to_bytes()).await
    }

    /// Sends a part of a request.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Waits until the response begins.
    pub(super) async fn answered(&mut self) {
        // Whether it does or the connection ends: there is nothing more to wait for.
        let _ = self.stream.read(&mut [0]).await;
    }

    /// Sends a request and reads its response.
    pub(super) async fn exchange(&mut self, request: &Request) -> Result<Response, NoAnswer> {
        self.skip_trailer().await?;
        let written = self.send(request).await;
        self.response(request, written).await
    }

    /// Reads the response to a request of which the last byte was `written`, if the server took it. It may answer and close
    /// before it has read everything: the answer counts, not the failed write.
    pub(super) async fn response(
        &mut self,
        request: &Request,
        written: io::Result<()>,
    ) -> Result<Response, NoAnswer> {
        let mut response = match self.head().await {
            Err(NoAnswer::Closed) if self.used && self.buffer.is_empty() => return Err(NoAnswer::NotKept),
            Err(NoAnswer::Closed) => {
                return Err(written.map_err(|_| NoAnswer::Closed).err().unwrap_or(NoAnswer::Closed));
            }
            other => other?,
        };
        let mut interim = 0;
        while (100..200).contains(&response.status) && response.status != 101 {
            interim += 1;
            if interim > MAX_INTERIM {
                return Err(NoAnswer::Malformed("interim responses without end"));
            }
            response = self.head().await?;
        }
        if response.status == 101 {
            self.rest = Rest::Unusable;
        } else if request.method != "HEAD" && !matches!(response.status, 204 | 304) {
            response.body = self.body(&response).await?;
        }
        self.used = true;
        Ok(response)
    }

    /// Whether another request can be sent.
    pub(super) fn is_open(&self) -> bool {
        self.rest != Rest::Unusable && (self.buffer.is_empty() || self.rest == Rest::Trailer)
    }

    async fn skip_trailer(&mut self) -> Result<(), NoAnswer> {
        while self.rest == Rest::Trailer {
            let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
            match httparse::parse_headers(&self.buffer, &mut fields) {
                Ok(httparse::Status::Complete((length, _))) => {
                    self.buffer.drain(..length);
                    self.rest = Rest::Nothing;
                }
                Ok(httparse::Status::Partial) if self.buffer.len() <= MAX_HEAD => {
                    if !self.more().await? {
                        return Err(NoAnswer::NotKept);
                    }
                }
                Ok(httparse::Status::Partial) | Err(_) => return Err(NoAnswer::Malformed("trailer")),
            }
        }
        Ok(())
    }

    /// Reads more into the buffer; false at the end of the stream.
    async fn more(&mut self) -> Result<bool, NoAnswer> {
        let mut chunk = [0; 8192];
        let read = self.stream.read(&mut chunk).await.map_err(|_| NoAnswer::Closed)?;
        self.buffer.extend(chunk.iter().take(read));
        Ok(read > 0)
    }

    async fn head(&mut self) -> Result<Response, NoAnswer> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
            let mut parsed = httparse::Response::new(&mut fields);
            match parsed.parse(&self.buffer) {
                Ok(httparse::Status::Complete(length)) => {
                    let response = Response {
                        status: parsed.code.unwrap_or_default(),
                        fields: parsed
                            .headers
                            .iter()
                            .map(|field| (field.name.to_owned(), field.value.to_vec()))
                            .collect(),
                        body: Vec::new(),
                    };
                    let closes =
                        |value: &[u8]| value.to_ascii_lowercase().windows(5).any(|word| word == b"close");
                    let stays = parsed.version == Some(1) && !response.values("connection").any(closes);
                    self.rest = if stays { Rest::Nothing } else { Rest::Unusable };
                    self.buffer.drain(..length);
                    return Ok(response);
                }
                Ok(httparse::Status::Partial) if self.buffer.len() > MAX_HEAD => {
                    return Err(NoAnswer::Malformed("the head does not end"));
                }
                Ok(httparse::Status::Partial) => {
                    if !self.more().await? {
                        return Err(NoAnswer::Closed);
                    }
                }
                Err(httparse::Error::TooManyHeaders) => {
                    return Err(NoAnswer::Malformed("too many header fields"));
                }
                Err(_) => return Err(NoAnswer::Malformed("status line or header fields")),
            }
        }
    }

    async fn body(&mut self, response: &Response) -> Result<Vec<u8>, NoAnswer> {
        let text =
            |name| response.values(name).next().map(|value| String::from_utf8_lossy(value).trim().to_owned());
        if text("transfer-encoding").is_some_and(|coding| coding.to_ascii_lowercase().ends_with("chunked")) {
            return self.chunked().await;
        }
        match text("content-length") {
            Some(length) => {
                let digits = length.bytes().all(|byte| byte.is_ascii_digit());
                let length: u64 = match length.parse() {
                    Ok(length) if digits => length,
                    _ => return Err(NoAnswer::Malformed("Content-Length")),
                };
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                if length > MAX_BODY {
                    self.rest = Rest::Unusable;
                }
                self.exactly(length.min(MAX_BODY)).await
            }
            None => {
                self.rest = Rest::Unusable;
                while self.buffer.len() < MAX_BODY && self.more().await? {}
                self.buffer.truncate(MAX_BODY);
                Ok(std::mem::take(&mut self.buffer))
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, NoAnswer> {
        while self.buffer.len() < length {
            if !self.more().await? {
                return Err(NoAnswer::Closed);
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn chunked(&mut self) -> Result<Vec<u8>, NoAnswer> {
        let mut body = Vec::new();
        loop {
            let (start, size) = match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete(parsed)) => parsed,
                Ok(httparse::Status::Partial) if self.buffer.len() < MAX_HEAD => {
                    if !self.more().await? {
                        return Err(NoAnswer::Closed);
                    }
                    continue;
                }
                _ => return Err(NoAnswer::Malformed("chunk size")),
            };
            self.buffer.drain(..start);
            let room = MAX_BODY.saturating_sub(body.len());
            if size == 0 && self.rest == Rest::Nothing {
                self.rest = Rest::Trailer;
            }
            if size == 0 || room == 0 {
                return Ok(body);
            }
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let chunk = self.exactly(size.min(room)).await?;
            body.extend(chunk);
            if size >= room {
                self.rest = Rest::Unusable;
                return Ok(body);
            }
            self.exactly(2).await?; // the CR LF behind the chunk
        }
    }
}
