//! Accepts connections and drains them at the end.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::router::Answering;
use super::seen::Client;
use super::socket::{Ending, Socket};
use crate::error::NOT_MODIFIED;

/// The longest that the head of a request may take to arrive.
const HEAD_LIMIT: Duration = Duration::from_secs(15);
/// How long to wait after the system refused a connection, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens; tells the port when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// For how long a server waits.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For a client to take something that is worth it.
    pub standstill: Duration,
    /// For running requests and streams to end, once it was told to stop.
    pub drain: Duration,
}

/// Serves until `stop` is over, then drains.
pub async fn serve(
    listening: Listening,
    router: impl Answering,
    stop: impl Future<Output = ()>,
    times: Times,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    let running = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, client) = tokio::select! {
            accepted = listening.listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = stop.as_mut() => break,
        };
        prepare(&stream);
        let ending = Ending::default();
        let socket = Socket::new(stream, times.standstill, ending.clone());
        let service = router.clone().map_response(without_wrong_length);
        let service = service.map_request(move |request| taken(request, client.ip(), &ending));
        let service = TowerToHyperService::new(service);
        let connection = builder.serve_connection(TokioIo::new(socket), service).into_owned();
        let connection = running.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                // A client that went away, or bytes that are no HTTP.
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listening);
    tokio::select! {
        () = running.shutdown() => {}
        () = tokio::time::sleep(times.drain) => tracing::warn!("requests were still running at the end of the time to drain"),
    }
}

/// Before HTTP/1.1 an answer of unknown length ends where the connection does, so one that breaks would look whole.
fn taken(mut request: Request<Incoming>, client: IpAddr, ending: &Ending) -> Request<Body> {
    request.extensions_mut().insert(Client(client));
    if request.version() < Version::HTTP_11 {
        ending.reset();
    }
    request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) })
}

/// An answer that is not sent again has the length that it had, which is not that of the body it comes without.
fn without_wrong_length<B>(mut response: Response<B>) -> Response<B> {
    if response.status() == NOT_MODIFIED {
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response
}

/// Small answers must not wait for more to come.
fn prepare(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the socket keeps its delay");
    }
}
