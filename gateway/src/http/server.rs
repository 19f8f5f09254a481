//! Accepts connections and drains them at the end.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::http::{HeaderValue, Request, Response, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tower::ServiceExt;

use super::client::{Client, Misdirected};
use super::door::Door;
use super::exchange::{Exchange, Running};
use super::refusal::{Refusals, last_words};
use super::router::Answering;
use super::socket::{Ending, Patience, Socket, end_refused};
use super::tls::{Tls, Wire};
use crate::error::{ApiError, NOT_MODIFIED};
use crate::events;
use crate::settings::Server;

/// The most that the HTTP library holds of what it reads or writes, unless heads may be larger: its own number.
const BUFFER: usize = 408 * 1024;

/// Bytes that the system takes for a client before it can send them. It asks for more when half of them are gone. What was sent and
/// waits for a receipt counts apart, so a long way is filled as before.
const MOST_UNSENT: u32 = 32 * 1024;

/// So many clients that were turned away may take their time to read why. They hold no place among the connections.
const MOST_LEAVING: usize = 64;

/// A socket that listens.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Opens the socket.
    ///
    /// # Errors
    /// The system's, for example when the address is in use.
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        Self::on(TcpListener::bind(address).await?)
    }

    /// Goes on with a socket that another process opened.
    ///
    /// # Errors
    /// It is none that listens.
    pub fn taken(listener: std::net::TcpListener) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::on(TcpListener::from_std(listener)?)
    }

    fn on(listener: TcpListener) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The same socket once more, to be handed to another process.
    ///
    /// # Errors
    /// The system's.
    pub fn handle(&self) -> std::io::Result<OwnedFd> {
        self.listener.as_fd().try_clone_to_owned()
    }

    /// Where it listens; tells the port when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Why a gateway accepts no more connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was told to stop. Connections that wait for a request are closed.
    Stopped,
    /// Another process accepts them. Each connection has the time for one more request, which may be on its way.
    HandedOver,
}

/// What holds for a connection from its beginning to its end.
pub struct Terms {
    /// How long, how large, how many.
    pub server: Arc<Server>,
    /// TLS; `None`: HTTP in the clear.
    pub tls: Option<Tls>,
}

/// What became of the process that accepts connections in the place of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is gone, so they have to be accepted here again.
    Lost,
    /// Whatever it does, this one is not needed any more.
    Sure,
}

/// Who says how long a gateway accepts connections.
pub trait Succession {
    /// Over when it shall accept no more.
    fn end(&mut self) -> impl Future<Output = End> + Send;

    /// Over when it is known what became of the process that accepts them instead.
    fn fate(&mut self) -> impl Future<Output = Fate> + Send;
}

/// Serves until it is told to end, then drains. `terms` are asked for each connection, so that a reload counts for the next one; the room
/// for connections and the time to drain stay what they were.
pub async fn serve(
    listening: Listening,
    router: impl Answering,
    mut succession: impl Succession,
    terms: impl Fn() -> Terms,
) {
    let mut reception = Reception::new(router, terms);
    loop {
        let end = tokio::select! {
            end = succession.end() => end,
            never = reception.welcome(&listening.listener) => match never {},
        };
        if end == End::Stopped {
            drop(listening);
            return reception.close().await;
        }
        reception.last.store(true, Ordering::Relaxed);
        let until = Instant::now() + reception.patience;
        let fate = tokio::select! {
            () = reception.drained(until) => return,
            fate = succession.fate() => fate,
        };
        match fate {
            Fate::Lost => reception.last.store(false, Ordering::Relaxed),
            Fate::Sure => {
                drop(listening);
                return reception.drained(until).await;
            }
        }
    }
}

/// Lets clients in, and waits until they have left.
struct Reception<R, T> {
    router: R,
    terms: T,
    /// The time to drain.
    patience: Duration,
    door: Door,
    running: GracefulShutdown,
    /// For those who are turned away.
    leaving: Arc<Semaphore>,
    /// Whether the next answer on a connection is its last one.
    last: Arc<AtomicBool>,
    /// Dropped when the gateway stops.
    open: watch::Sender<()>,
}

impl<R: Answering, T: Fn() -> Terms> Reception<R, T> {
    fn new(router: R, terms: T) -> Self {
        let at_start = terms().server;
        Self {
            router,
            terms,
            patience: at_start.shutdown_timeout.get(),
            door: Door::new(at_start.max_connections.get()),
            running: GracefulShutdown::new(),
            leaving: Arc::new(Semaphore::new(MOST_LEAVING)),
            last: Arc::default(),
            open: watch::Sender::default(),
        }
    }

    /// Accepts connections, for ever.
    async fn welcome(&mut self, listener: &TcpListener) -> Infallible {
        loop {
            let (stream, peer, room) = self.door.next(listener).await;
            prepare(&stream);
            let terms = (self.terms)();
            let Some(place) = self.door.place(peer, room, &terms.server) else {
                turn_away(stream, &terms, &self.leaving);
                continue;
            };
            let visit =
                Visit { stream, peer, terms, closing: self.open.subscribe(), last: Arc::clone(&self.last) };
            let (router, watcher) = (self.router.clone(), self.running.watcher());
            tokio::spawn(async move {
                if let Some(connection) = visit.begin().await {
                    connection.serve(router, watcher).await;
                }
                drop(place);
            });
        }
    }

    /// Waits until all connections have ended, those included on which a client has only begun, but not for ever.
    async fn drained(&self, until: Instant) {
        if timeout_at(until, self.door.is_empty()).await.is_err() {
            events::drained_too_long();
        }
    }

    /// Ends connections as soon as nothing is asked on them.
    async fn close(self) {
        drop(self.open);
        if timeout(self.patience, self.running.shutdown()).await.is_err() {
            events::drained_too_long();
        }
    }
}

/// A client that was let in.
struct Visit {
    stream: TcpStream,
    peer: IpAddr,
    terms: Terms,
    /// Over when the gateway stops.
    closing: watch::Receiver<()>,
    last: Arc<AtomicBool>,
}

impl Visit {
    /// Shakes hands, where TLS is spoken; `None`: it came to nothing. Who has not even begun when the gateway stops is not waited for.
    async fn begin(mut self) -> Option<Connection> {
        let Self { stream, peer, terms: Terms { server, tls }, last, .. } = self;
        let Some(tls) = tls else {
            return Some(Connection {
                stream: Wire::Left(stream),
                is_misdirected: false,
                peer,
                server,
                last,
            });
        };
        let patience = server.header_timeout.get();
        let opened = tokio::select! {
            opened = timeout(patience, tls.open(stream)) => opened,
            _ = self.closing.changed() => return None,
        };
        match opened.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                let is_misdirected = matches!(stream, Wire::Left(_));
                Some(Connection { stream, is_misdirected, peer, server, last })
            }
            Err(error) => {
                events::handshake_failed(peer, &error);
                None
            }
        }
    }
}

/// A connection over which requests may come.
struct Connection {
    stream: Wire,
    /// In the clear where TLS is spoken: its requests are refused.
    is_misdirected: bool,
    peer: IpAddr,
    server: Arc<Server>,
    /// Whether the next answer is the last one.
    last: Arc<AtomicBool>,
}

impl Connection {
    /// Answers its requests until it ends.
    async fn serve(self, router: impl Answering, watcher: Watcher) {
        let Self { stream, is_misdirected, peer, server, last } = self;
        let (ending, exchange, refusals) = (Ending::default(), Exchange::default(), Refusals::new(&server));
        let patience = Patience {
            standstill: server.request_timeout.get(),
            all: server.max_request_time.map(|time| time.get()),
        };
        let socket = Socket::new(stream, patience, exchange.clone(), refusals, ending.clone());
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(server.header_timeout.get());
        let most = refusals.most_read();
        builder.max_header_size(most).max_buf_size(BUFFER.max(most));
        let service = service_fn(move |request: Request<Incoming>| {
            let running = exchange.begin();
            let client = Client::of(peer, request.headers(), &server.trusted_proxies);
            let mut request = taken(request, &ending, client);
            if is_misdirected {
                request.extensions_mut().insert(Misdirected);
            }
            let answer = router.clone().oneshot(request);
            let last = Arc::clone(&last);
            async move {
                let mut response = without_wrong_length(answer.await?);
                if last.load(Ordering::Relaxed) {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response.map(|body| held(body, running)))
            }
        });
        let connection = builder.serve_connection(TokioIo::new(socket), service);
        if let Err(error) = watcher.watch(connection).await {
            // A client that went away, or bytes that are no HTTP.
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// Tells a client that there are too many of its kind. It has a moment to read that, unless too many others are leaving. A handshake is
/// not made for it.
fn turn_away(stream: TcpStream, terms: &Terms, leaving: &Arc<Semaphore>) {
    if terms.tls.is_some() {
        return;
    }
    let error = ApiError::too_many_connections(terms.server.max_connections_per_address.get());
    if let Err(error) = stream.try_write(&last_words(&error)) {
        tracing::debug!(%error, "a client is not told why it is turned away");
        return;
    }
    if let Ok(turn) = Arc::clone(leaving).try_acquire_owned() {
        tokio::spawn(async move {
            end_refused(stream).await;
            drop(turn);
        });
    }
}

/// Before HTTP/1.1 an answer of unknown length ends where the connection does, so one that breaks would look whole.
fn taken(mut request: Request<Incoming>, ending: &Ending, client: Client) -> Request<Body> {
    if request.version() < Version::HTTP_11 {
        ending.reset();
    }
    request.extensions_mut().insert(client);
    request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) })
}

/// A body during which the request runs.
fn held<B: HttpBody>(body: B, running: Running) -> impl HttpBody<Data = B::Data, Error = B::Error> {
    body.map_err(move |error| {
        let _ = &running;
        error
    })
}

/// An answer that is not sent again has the length that it had, which is not that of the body it comes without.
fn without_wrong_length<B>(mut response: Response<B>) -> Response<B> {
    if response.status() == NOT_MODIFIED {
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response
}

/// Small answers must not wait for more to come. Of long ones the system takes little more than can be sent, or it would say of a slow
/// reader for a long time that nothing moves.
fn prepare(stream: &TcpStream) {
    let set =
        stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_notsent_lowat(MOST_UNSENT));
    if let Err(error) = set {
        tracing::debug!(%error, "the socket stays as the system made it");
    }
}
