//! A small HTTP client: one connection for each request, whole answers or answers in pieces. Knows no address of the API.

use std::fmt::Display;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Nothing that the suite asks takes longer, on a busy machine either.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// Every request and every wait of the suite runs here.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Bytes to and fro.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// A request to send. Parameters are added with [`Request::with`], encoded.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Bytes>,
}

/// A request without body.
pub(crate) fn request(method: &str, target: &str) -> Request {
    Request { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: None }
}

/// A GET.
pub(crate) fn get(target: &str) -> Request {
    request("GET", target)
}

impl Request {
    /// Adds a parameter to the query string.
    pub(crate) fn with(mut self, name: &str, value: impl Display) -> Self {
        let pair =
            form_urlencoded::Serializer::new(String::new()).append_pair(name, &value.to_string()).finish();
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(&pair);
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: impl Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds the key of an application.
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("X-DreamFactory-API-Key", key)
    }

    /// Adds a session token.
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("X-DreamFactory-Session-Token", token)
    }

    /// Sets the body, said to be JSON.
    pub(crate) fn body(self, body: impl Display) -> Self {
        self.bytes(body.to_string()).header(CONTENT_TYPE.as_str(), "application/json")
    }

    /// Sets the body and says nothing of what it is.
    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(Bytes::from(body.into()));
        self
    }

    /// Sends it and reads the whole answer.
    pub(crate) fn send(&self, address: SocketAddr) -> Answer {
        self.open(address).into_answer()
    }

    /// Sends it and reads the head of the answer.
    pub(crate) fn open(&self, address: SocketAddr) -> Download {
        RUNTIME.block_on(async { timeout(LIMIT, self.start(address)).await.expect("no answer began") })
    }

    /// Sends it and does not wait. When the connection is dropped, its client has gone away.
    pub(crate) fn send_only(&self, address: SocketAddr) -> std::net::TcpStream {
        let body = self.body.as_deref().unwrap_or_default();
        let asked = format!(
            "{} {} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n{}\r\n",
            self.method,
            self.target,
            body.len(),
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<String>(),
        );
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(&[asked.as_bytes(), body].concat()).unwrap();
        stream
    }

    async fn start(&self, address: SocketAddr) -> Download {
        self.start_over(TcpStream::connect(address).await.unwrap(), &address.to_string()).await
    }

    /// Sends it over a connection that is there and reads the whole answer.
    pub(crate) fn send_over(&self, stream: impl Stream, host: &str) -> Answer {
        let begun = async { timeout(LIMIT, self.start_over(stream, host)).await.expect("no answer began") };
        RUNTIME.block_on(begun).into_answer()
    }

    async fn start_over(&self, stream: impl Stream, host: &str) -> Download {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(self.to_hyper(host)).await.unwrap();
        let (head, body) = response.into_parts();
        let asked = format!("{} {}", self.method, self.target);
        Download { asked, status: head.status.as_u16(), headers: head.headers, body }
    }

    /// The same for the HTTP library.
    pub(crate) fn to_hyper(&self, host: &str) -> hyper::Request<Full<Bytes>> {
        let mut request = hyper::Request::builder().method(self.method.as_str()).uri(&self.target);
        for (name, value) in [(HOST.as_str(), host)]
            .into_iter()
            .chain(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        {
            request = request.header(name, value);
        }
        let body = Full::new(self.body.clone().unwrap_or_default());
        request.body(body).unwrap()
    }
}

/// An answer of which the head is there. When it is dropped the connection is closed.
pub(crate) struct Download {
    asked: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Incoming,
}

impl Download {
    /// The next piece of the body; `None`: it is complete.
    ///
    /// # Panics
    /// When the body is cut off.
    pub(crate) fn piece(&mut self) -> Option<Bytes> {
        RUNTIME.block_on(async {
            loop {
                let frame = timeout(LIMIT, self.body.frame()).await.expect("the answer stands still")?;
                if let Ok(piece) = frame.expect("the answer was cut off").into_data() {
                    return Some(piece);
                }
            }
        })
    }

    /// All bytes of the body that come, and whether it was cut off.
    pub(crate) fn bytes(mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let next = async { timeout(LIMIT, self.body.frame()).await.expect("the answer stands still") };
            match RUNTIME.block_on(next) {
                None => return (body, false),
                Some(Err(_)) => return (body, true),
                Some(Ok(frame)) => body.extend_from_slice(&frame.into_data().unwrap_or_default()),
            }
        }
    }

    fn into_answer(mut self) -> Answer {
        let mut body = Vec::new();
        while let Some(piece) = self.piece() {
            body.extend_from_slice(&piece);
        }
        let body = String::from_utf8(body).unwrap();
        Answer { asked: self.asked, status: self.status, headers: self.headers, body }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    asked: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// It has this status and exactly this body.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: &str) {
        assert_eq!((self.status, self.body.as_str()), (status, body), "{}", self.asked);
    }

    /// It went well and has exactly this body.
    #[track_caller]
    pub(crate) fn is_ok(&self, body: &str) {
        self.is(200, body);
    }

    /// It is an error with this message and no context.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, message: &str) {
        self.is_error_with(status, message, &Json::Null);
    }

    /// It is an error with exactly these members.
    #[track_caller]
    pub(crate) fn is_error_with(&self, status: u16, message: &str, context: &Json) {
        let message = Json::from(message);
        let error = format!(
            r#"{{"error":{{"code":{status},"context":{context},"message":{message},"status_code":{status}}}}}"#
        );
        self.is(status, &error);
    }

    /// Its body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.body))
    }

    /// A header as text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
