use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream};

use super::front::Front;
use super::refusal::Refusal;
use crate::jose::Jkt;

/// How long a key is locked for one request: longer than it takes to notice that the client has gone.
const WORK: Duration = Duration::from_millis(250);

/// A connection among all of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionId(u64);

impl Connected<IncomingStream<'_, Front>> for ConnectionId {
    fn connect_info(_: IncomingStream<'_, Front>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A listener whose connections send at once: an answer in several small segments does not wait for the client to
/// acknowledge the first.
pub(super) struct Prompt(pub(super) TcpListener);

impl Listener for Prompt {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let (stream, addr) = Listener::accept(&mut self.0).await;
        // Where it can't be set, answers wait.
        let _ = stream.set_nodelay(true);
        (stream, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// What a server mixes up that looks at more than the request: only planted bugs do.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// The `jti` of the first proof of each.
    first_proof: Mutex<BTreeMap<ConnectionId, String>>,
    /// The keys of the requests that are under way.
    held: Mutex<BTreeSet<Jkt>>,
}

impl Connections {
    /// Whether a proof was accepted on it.
    pub(super) fn is_known(&self, connection: ConnectionId) -> bool {
        locked(&self.first_proof).contains_key(&connection)
    }

    /// Remembers the proof if it is the first of its connection, and answers with the `jti` of the first.
    pub(super) fn remember(&self, connection: ConnectionId, jti: &str) -> String {
        locked(&self.first_proof).entry(connection).or_insert_with(|| jti.to_owned()).clone()
    }

    /// Locks a key for the time that its request takes. Where the client goes away meanwhile, the server drops this future,
    /// and nobody unlocks the key.
    pub(super) async fn hold(&self, key: Jkt) -> Result<(), Refusal> {
        if !locked(&self.held).insert(key) {
            return Err(Refusal::ReplayStoreFull);
        }
        // In real time, whatever the server's clock shows: a connection is cut in real time, too.
        let _ = tokio::time::timeout(WORK, std::future::pending::<()>()).await;
        locked(&self.held).remove(&key);
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
