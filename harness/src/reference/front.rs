//! What stands between the socket and the HTTP library: where a planted bug is one of reading HTTP itself, the head of a
//! connection's first request is changed here as a faulty server or proxy would understand it.
//!
//! The library reads heads as RFC 9112 demands and shows no trace of how they were spelled, so such a bug can have no
//! other place. Without the bug nothing is touched, and nothing of HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connections::Prompt;
use super::defects::{Defect, DefectSet};

/// A listener whose connections pass through here.
pub(super) struct Front {
    pub(super) socket: Prompt,
    pub(super) defects: DefectSet,
}

impl axum::serve::Listener for Front {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, peer) = axum::serve::Listener::accept(&mut self.socket).await;
        let state = if rewrites(self.defects) { State::Head(Vec::new()) } else { State::Passing };
        (Connection { stream, state, defects: self.defects }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// A connection, and how far its first request has come.
pub(super) struct Connection {
    stream: TcpStream,
    state: State,
    defects: DefectSet,
}

enum State {
    /// The head has not ended yet.
    Head(Vec<u8>),
    /// So much is ready to be read before the rest.
    Ready(Vec<u8>),
    /// Nothing is changed any more.
    Passing,
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let connection = self.get_mut();
        loop {
            match &mut connection.state {
                State::Passing => return Pin::new(&mut connection.stream).poll_read(context, buffer),
                State::Ready(bytes) => {
                    let length = bytes.len().min(buffer.remaining());
                    buffer.put_slice(&bytes.drain(..length).collect::<Vec<u8>>());
                    if bytes.is_empty() {
                        connection.state = State::Passing;
                    }
                    return Poll::Ready(Ok(()));
                }
                State::Head(bytes) => {
                    let mut chunk = [0; 4096];
                    let mut read = ReadBuf::new(&mut chunk);
                    ready!(Pin::new(&mut connection.stream).poll_read(context, &mut read))?;
                    bytes.extend_from_slice(read.filled());
                    if read.filled().is_empty() || bytes.starts_with(b"PRI ") {
                        connection.state = State::Ready(std::mem::take(bytes));
                    } else if is_whole(bytes, connection.defects) {
                        connection.state = State::Ready(rewritten(bytes, connection.defects));
                    }
                }
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

fn rewrites(defects: DefectSet) -> bool {
    [
        Defect::FoldedLinesJoined,
        Defect::ProofNameCaseSensitive,
        Defect::ProofNotTrimmed,
        Defect::ControlsRemoved,
        Defect::NulEndsField,
        Defect::TrailersMerged,
        Defect::TargetAuthorityTrusted,
    ]
    .iter()
    .any(|defect| defects.contains(*defect))
}

/// Whether the head of the first request has come, and as much behind it as a planted bug looks at.
fn is_whole(bytes: &[u8], defects: DefectSet) -> bool {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = bytes.windows(END.len()).position(|window| window == END) else { return false };
    let (head, rest) = bytes.split_at(end + END.len());
    let chunked = head.to_ascii_lowercase().windows(7).any(|window| window == b"chunked");
    !(chunked && defects.contains(Defect::TrailersMerged)) || rest.ends_with(END)
}

/// The bytes of a connection up to somewhere behind the head of its first request, as the planted bug has them.
fn rewritten(bytes: &[u8], defects: DefectSet) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
    let Some((head, rest)) = text.split_once("\r\n\r\n") else { return bytes.to_vec() };
    let head = if defects.contains(Defect::FoldedLinesJoined) {
        head.replace("\r\n ", "").replace("\r\n\t", "")
    } else {
        head.to_owned()
    };
    let mut lines: Vec<String> = head.split("\r\n").filter_map(|line| read_line(line, defects)).collect();
    let mut rest = rest;
    if defects.contains(Defect::TrailersMerged)
        && let Some(trailer) = rest.strip_prefix("0\r\n").and_then(|trailer| trailer.strip_suffix("\r\n\r\n"))
    {
        lines.extend(trailer.split("\r\n").map(str::to_owned));
        rest = "0\r\n\r\n";
    }
    if defects.contains(Defect::TargetAuthorityTrusted)
        && let Some(line) = lines.first_mut()
    {
        *line = line.replacen(" //", " http://", 1);
    }
    format!("{}\r\n\r\n{rest}", lines.join("\r\n")).into_bytes()
}

/// A line of the head; none where it is lost.
fn read_line(line: &str, defects: DefectSet) -> Option<String> {
    if defects.contains(Defect::ControlsRemoved) {
        return Some(line.replace(['\r', '\n'], ""));
    }
    if defects.contains(Defect::NulEndsField) {
        return line.split('\0').next().map(str::to_owned);
    }
    let Some((name, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("dpop"))
    else {
        return Some(line.to_owned());
    };
    if defects.contains(Defect::ProofNameCaseSensitive) && name != "DPoP" {
        return None;
    }
    let value = value.strip_prefix(' ').unwrap_or(value);
    if defects.contains(Defect::ProofNotTrimmed) && value.trim() != value {
        // It can't be told to the library otherwise that they belong to the value.
        return Some(format!("{name}: {}", value.replace([' ', '\t'], "_")));
    }
    Some(line.to_owned())
}
