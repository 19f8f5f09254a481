//! A connection to the gateway that is kept alive: one request after the other, each with a limit that only one that sleeps reaches.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::places::Asked;

/// Far longer than any answer takes, and far shorter than the texts want to sleep.
const LIMIT: Duration = Duration::from_secs(120);

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// With the headers before it.
    pub(crate) text: String,
}

/// A client of the gateway.
pub(crate) struct Connection {
    address: SocketAddr,
    key: &'static str,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr, key: &'static str) -> Self {
        Self { address, key, sender: None }
    }

    /// Sends a request and reads the whole answer; why there is none otherwise.
    pub(crate) async fn ask(&mut self, asked: &Asked) -> Result<Answer, String> {
        let answer =
            timeout(LIMIT, self.send(asked)).await.map_err(|_| format!("no answer within {LIMIT:?}"));
        let answer = answer.and_then(|answer| answer.map_err(|error| format!("no answer: {error}")));
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    async fn send(&mut self, asked: &Asked) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let mut request = hyper::Request::builder().method(asked.method.as_str()).uri(&asked.target);
        let always = [("Host", "injection"), ("X-DreamFactory-API-Key", self.key)];
        let own = asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in always
            .into_iter()
            .filter(|(name, _)| !own.clone().any(|(own, _)| own == *name))
            .chain(own.clone())
        {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(asked.body.clone())))?;
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.open().await?,
        };
        sender.ready().await?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        self.sender = Some(sender);
        Ok(Answer {
            status: head.status.as_u16(),
            text: format!("{:?}\n{}", head.headers, String::from_utf8_lossy(&body)),
        })
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
