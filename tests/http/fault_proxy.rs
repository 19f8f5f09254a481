//! A proxy on the loopback that does to connections what networks do: it cuts, stalls and drips, at a place in the conversation that a
//! test names. Knows no protocol: a place is a text that passes by.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::RUNTIME;

/// What is done to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is closed on both sides.
    Cut,
    /// Nothing passes any more, until the proxy is healed.
    Stall,
    /// From here on it passes in small pieces.
    Drip,
}

/// Where it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// When a client connects.
    Connect,
    /// When the server first says something.
    Greeting,
    /// When the client says this: it does not reach the server. (Where it drips, it does.)
    Said(String),
    /// When the server answers what the client said: the client does not hear it.
    Answered(String),
    /// When the server says this.
    Heard(String),
}

/// What waits to happen.
struct Trap {
    place: Place,
    fault: Fault,
    /// How often it still happens.
    times: usize,
    /// How often the proxy had been healed before.
    healed: usize,
}

/// Something that happens to a connection, and how often the proxy had been healed before.
type Blow = Option<(Fault, usize)>;

/// A running proxy. Dropped, it is gone with all of its connections.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
    pub(crate) port: u16,
}

struct Shared {
    server: SocketAddr,
    trap: Mutex<Option<Trap>>,
    struck: Mutex<usize>,
    /// How often it was healed.
    healed: watch::Sender<usize>,
    /// How often all connections were cut.
    cut: watch::Sender<usize>,
}

/// Which way bytes go, and what has passed.
struct Way {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    is_server: bool,
    /// The end of what has passed: a text may come in two pieces.
    tail: Vec<u8>,
    has_begun: bool,
    is_dripping: bool,
}

impl Proxy {
    /// A proxy before the server on this port of the loopback. It does nothing until it is told to.
    pub(crate) fn before(port: u16) -> Self {
        let shared = Arc::new(Shared {
            server: SocketAddr::from(([127, 0, 0, 1], port)),
            trap: Mutex::default(),
            struck: Mutex::default(),
            healed: watch::channel(0).0,
            cut: watch::channel(0).0,
        });
        let listener = RUNTIME.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let listener = RUNTIME.spawn(accept(listener, Arc::clone(&shared)));
        Self { shared, listener, port }
    }

    /// From now on, so many times, this happens there.
    pub(crate) fn set(&self, place: Place, fault: Fault, times: usize) {
        let healed = *self.shared.healed.borrow();
        *lock(&self.shared.trap) = Some(Trap { place, fault, times, healed });
        *lock(&self.shared.struck) = 0;
    }

    /// How often it has happened since it was told to.
    pub(crate) fn struck(&self) -> usize {
        *lock(&self.shared.struck)
    }

    /// Nothing happens any more, and what stalls goes on.
    pub(crate) fn heal(&self) {
        *lock(&self.shared.trap) = None;
        self.shared.healed.send_modify(|times| *times += 1);
    }

    /// Cuts all connections.
    pub(crate) fn cut_all(&self) {
        self.shared.cut.send_modify(|times| *times += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
        self.heal();
        self.cut_all();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, Arc::clone(&shared)));
    }
}

async fn carry(client: TcpStream, shared: Arc<Shared>) {
    let mut cut = shared.cut.subscribe();
    tokio::select! {
        () = converse(client, &shared) => {}
        _ = cut.changed() => {}
    }
}

/// Carries bytes both ways until one side ends or something befalls them.
async fn converse(client: TcpStream, shared: &Shared) {
    let blow = shared.strike(|place| *place == Place::Connect);
    if !shared.endure(blow).await {
        return;
    }
    let Ok(server) = TcpStream::connect(shared.server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_dripping = is_drip(blow);
    let way =
        |from, to, is_server| Way { from, to, is_server, tail: Vec::new(), has_begun: false, is_dripping };
    let is_answer_awaited = Mutex::new(false);
    tokio::select! {
        () = way(from_client, to_server, false).run(shared, &is_answer_awaited) => {}
        () = way(from_server, to_client, true).run(shared, &is_answer_awaited) => {}
    }
}

impl Way {
    async fn run(mut self, shared: &Shared, is_answer_awaited: &Mutex<bool>) {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = self.from.read(&mut bytes).await {
            let piece = &bytes[..count];
            let blow = self.look(piece, shared, is_answer_awaited);
            self.is_dripping |= is_drip(blow);
            if !shared.endure(blow).await || self.pass(piece).await.is_err() {
                return;
            }
        }
    }

    /// What befalls this piece.
    fn look(&mut self, piece: &[u8], shared: &Shared, is_answer_awaited: &Mutex<bool>) -> Blow {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        self.tail.extend_from_slice(piece);
        let seen = std::mem::take(&mut self.tail);
        let holds = |text: &str| seen.windows(text.len()).any(|part| part == text.as_bytes());
        let blow = shared.strike(|place| match place {
            Place::Connect => false,
            Place::Greeting => self.is_server && is_first,
            Place::Said(text) => !self.is_server && holds(text),
            Place::Heard(text) => self.is_server && holds(text),
            Place::Answered(text) => {
                let mut awaited = lock(is_answer_awaited);
                if !self.is_server {
                    *awaited |= holds(text);
                    return false;
                }
                std::mem::take(&mut *awaited)
            }
        });
        self.tail = seen[seen.len().saturating_sub(100)..].to_vec();
        blow
    }

    async fn pass(&mut self, piece: &[u8]) -> std::io::Result<()> {
        if !self.is_dripping {
            return self.to.write_all(piece).await;
        }
        for drop in piece.chunks(64) {
            self.to.write_all(drop).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

impl Shared {
    /// What happens at a place, if it is the one that waits for something to happen.
    fn strike(&self, is_there: impl FnOnce(&Place) -> bool) -> Blow {
        let mut trap = lock(&self.trap);
        let trap = trap.as_mut().filter(|trap| trap.times > 0 && is_there(&trap.place))?;
        trap.times -= 1;
        *lock(&self.struck) += 1;
        Some((trap.fault, trap.healed))
    }

    /// Whether the connection goes on afterwards.
    async fn endure(&self, blow: Blow) -> bool {
        match blow {
            Some((Fault::Cut, _)) => false,
            Some((Fault::Stall, before)) => {
                self.healed.subscribe().wait_for(|times| *times > before).await.is_ok()
            }
            Some((Fault::Drip, _)) | None => true,
        }
    }
}

fn is_drip(blow: Blow) -> bool {
    matches!(blow, Some((Fault::Drip, _)))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
