//! A listener that nobody has a reason to call.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// How long to wait for a call after the answer. Who looks a key up does so before.
const GRACE: Duration = Duration::from_millis(100);
/// How long a caller has to say what it wants.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long our own first call may take on a machine that is busy. It comes for certain, so mostly it takes no time.
const FIRST: Duration = Duration::from_secs(10);

/// A listener on a free port of 127.0.0.1, whose URL stands in a proof: whoever calls it takes the URL from there.
#[derive(Debug)]
pub struct Decoy {
    url: String,
    calls: Arc<Semaphore>,
    serving: JoinHandle<()>,
}

impl Decoy {
    /// Opens one, and calls it once: a listener that can't be reached would show nothing.
    ///
    /// # Errors
    /// Where there is no port, or no way to it.
    pub async fn open() -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let calls = Arc::new(Semaphore::new(0));
        let noted = calls.clone();
        let serving = tokio::spawn(async move {
            while let Ok((caller, _)) = socket.accept().await {
                noted.add_permits(1);
                tokio::spawn(tokio::time::timeout(PATIENCE, send_away(caller)));
            }
        });
        let decoy = Self { url: format!("http://{address}/keys"), calls, serving };
        TcpStream::connect(address).await?;
        if decoy.is_called_within(FIRST).await {
            Ok(decoy)
        } else {
            Err(io::Error::other("it can't be reached"))
        }
    }

    /// The URL that is put into proofs.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether somebody called since this was asked last, or does so in a moment.
    pub async fn was_called(&self) -> bool {
        self.is_called_within(GRACE).await
    }

    async fn is_called_within(&self, limit: Duration) -> bool {
        match tokio::time::timeout(limit, self.calls.acquire()).await {
            Ok(Ok(call)) => {
                call.forget();
                true
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

impl Drop for Decoy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// There are no keys here.
async fn send_away(mut caller: TcpStream) {
    let _ = caller.read(&mut [0; 1024]).await;
    let _ =
        caller.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_is_noted_once_and_its_own_is_none() {
        let decoy = Decoy::open().await.expect("a port");
        assert!(!decoy.was_called().await);
        let address = decoy.url().trim_start_matches("http://").trim_end_matches("/keys");
        let mut caller = TcpStream::connect(address).await.expect("a connection");
        caller.write_all(b"GET /keys HTTP/1.1\r\n\r\n").await.expect("sent");
        let mut answer = String::new();
        caller.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(decoy.was_called().await);
        assert!(!decoy.was_called().await);
    }
}
