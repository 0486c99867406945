//! A TCP server that answers as it is told: with any bytes, slowly, endlessly, not at all, or by handing the request on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dpop_harness::clock::{Clock as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// What the server does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Reaction {
    /// Hands it to the server at this address, and the answer back.
    Pass(SocketAddr),
    /// The same for this one request, and both sides say that the connection ends with it.
    Once(SocketAddr),
    /// Sends these bytes and closes the connection.
    Bytes(Vec<u8>),
    /// Sends the first bytes and then the second again and again, until nobody reads any more.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends one byte at a time.
    Drip(Vec<u8>, Duration),
    /// Sends nothing and keeps the connection.
    Hang,
    /// Closes the connection.
    Close,
    /// Closes this connection and takes no more.
    Die,
}

/// The server. It ends with this value, its connections too.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) requests: Arc<AtomicUsize>,
    pub(crate) bytes_sent: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Reacts to each request; the closure sees how many came before, and the head of this one.
    pub(crate) async fn start(react: impl Fn(usize, &str) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (requests, bytes_sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, sent, react) = (requests.clone(), bytes_sent.clone(), Arc::new(react));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            let (dying, mut dead) = tokio::sync::mpsc::channel::<()>(1);
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.expect("a connection").0,
                    _ = dead.recv() => break,
                };
                let (count, sent, react, dying) = (count.clone(), sent.clone(), react.clone(), dying.clone());
                connections.spawn(async move {
                    let mut stream = stream;
                    let Some(head) = head(&mut stream).await else { return };
                    let text = String::from_utf8_lossy(&head);
                    match react(count.fetch_add(1, Ordering::SeqCst), &text) {
                        Reaction::Die => {
                            let _ = dying.try_send(());
                        }
                        reaction => serve(stream, &head, reaction, &sent).await,
                    }
                });
            }
            drop(listener);
            while connections.join_next().await.is_some() {}
        });
        Self { addr, requests, bytes_sent, task: task.abort_handle() }
    }

    /// The same reaction to everything.
    pub(crate) async fn always(reaction: Reaction) -> Self {
        Self::start(move |_, _| reaction.clone()).await
    }
}

/// The head of one request with what came behind it, or the first frames of HTTP/2.
async fn head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok()?;
        if read == 0 || head.len() > 100_000 {
            return None;
        }
        head.extend(chunk.iter().take(read));
    }
    Some(head)
}

async fn serve(mut stream: TcpStream, head: &[u8], reaction: Reaction, sent: &AtomicUsize) {
    // Whatever fails here fails because the other side has gone, which is its right.
    match reaction {
        Reaction::Pass(addr) => {
            let Ok(mut upstream) = TcpStream::connect(addr).await else { return };
            let _ = upstream.write_all(head).await;
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        }
        Reaction::Once(addr) => {
            let Ok(mut upstream) = TcpStream::connect(addr).await else { return };
            let last = String::from_utf8_lossy(head).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
            let _ = upstream.write_all(last.as_bytes()).await;
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        }
        Reaction::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reaction::Endless(first, again) => {
            let mut bytes = first;
            while stream.write_all(&bytes).await.is_ok() {
                sent.fetch_add(bytes.len(), Ordering::Relaxed);
                bytes.clone_from(&again);
            }
        }
        Reaction::Drip(bytes, pause) => {
            let _ = stream.set_nodelay(true);
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                SystemClock.sleep(pause).await;
            }
        }
        Reaction::Hang => {
            let mut rest = [0; 64];
            while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
        }
        Reaction::Close | Reaction::Die => {}
    }
}
