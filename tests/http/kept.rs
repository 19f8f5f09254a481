//! A client as programs have it: it keeps its connection from request to request, and opens another one when it is told that this was the
//! last answer. It tries nothing twice.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::CONNECTION;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{LIMIT, Request};

/// The client.
pub(crate) struct Kept {
    address: SocketAddr,
    /// Whether it keeps connections at all.
    keeps: bool,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Kept {
    /// A client of the gateway at this address.
    pub(crate) fn new(address: SocketAddr, keeps: bool) -> Self {
        Self { address, keeps, connection: None }
    }

    /// Status and body of the answer, or what went wrong on the way.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<(u16, Bytes), String> {
        let answered = timeout(LIMIT, self.answer(request)).await;
        answered.map_err(|_| "no answer came".to_owned())?.map_err(|error| format!("{error:?}"))
    }

    async fn answer(&mut self, request: &Request) -> Result<(u16, Bytes), Box<dyn std::error::Error>> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                let (connection, work) = http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(work);
                connection
            }
        };
        connection.ready().await?;
        let response = connection.send_request(request.to_hyper(&self.address.to_string())).await?;
        let is_last = response.headers().get(CONNECTION).is_some_and(|value| value == "close");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        if self.keeps && !is_last {
            self.connection = Some(connection);
        }
        Ok((status, body))
    }
}
