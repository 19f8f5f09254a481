//! The load generator: connections that are kept alive, request bytes made beforehand, and the least reading of answers that still
//! notices a wrong status or length. Runs on one thread, so that the servers get the rest of the machine.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

use crate::Failure;
use crate::process::API_KEY;

const BUFFER: usize = 256 * 1024;

/// A request, ready to send, and what is known of its answer.
#[derive(Debug)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// Length of the body of the answer; `None`: it varies.
    length: Option<u64>,
}

impl Request {
    /// A request with a body in this form, whose answer has so long a body, where that is known.
    pub(crate) fn post(target: &str, (media, body): (&str, &str), length: Option<usize>) -> Self {
        let bytes = format!(
            "POST {target} HTTP/1.1\r\nHost: bench\r\nX-DreamFactory-API-Key: {API_KEY}\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Self { bytes: bytes.into_bytes(), length: length.and_then(|length| u64::try_from(length).ok()) }
    }

    /// A request whose answer has so long a body.
    pub(crate) fn new(target: &str, length: usize) -> Result<Self, Failure> {
        let bytes =
            format!("GET {target} HTTP/1.1\r\nHost: bench\r\nX-DreamFactory-API-Key: {API_KEY}\r\n\r\n");
        Ok(Self { bytes: bytes.into_bytes(), length: Some(length.try_into()?) })
    }
}

impl Request {
    fn check(&self, length: u64) -> io::Result<()> {
        match self.length {
            Some(expected) if expected != length => {
                Err(io::Error::other("an answer has another length than before"))
            }
            _ => Ok(()),
        }
    }
}

/// What came back within a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Answers, with the part that has come of those that are still coming.
    pub(crate) answers: f64,
    pub(crate) time: Duration,
}

/// The body of an answer.
pub(crate) async fn fetch(address: SocketAddr, target: &str) -> Result<Vec<u8>, Failure> {
    answer(address, &Request::new(target, 0)?).await
}

/// The body of the answer to a request.
pub(crate) async fn answer(address: SocketAddr, request: &Request) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let mut connection = Connection::open(address).await?;
    connection.ask(&request.bytes, |piece| body.extend_from_slice(piece)).await?;
    Ok(body)
}

/// Sends a request so many times, one after the other, and gives the time that it took.
pub(crate) async fn in_turn(address: SocketAddr, request: &Request, times: u32) -> Result<Duration, Failure> {
    let mut connection = Connection::open(address).await?;
    let began = Instant::now();
    for _ in 0..times {
        let length = connection.ask(&request.bytes, |_| ()).await?;
        request.check(length)?;
    }
    Ok(began.elapsed())
}

/// The time until the first bytes of the body come.
pub(crate) async fn first_bytes(address: SocketAddr, request: &Request) -> Result<Duration, Failure> {
    let mut connection = Connection::open(address).await?;
    let began = Instant::now();
    let mut first = None;
    connection
        .ask(&request.bytes, |_| {
            first.get_or_insert_with(|| began.elapsed());
        })
        .await?;
    Ok(first.ok_or("an answer without a body")?)
}

/// Keeps so many connections busy: `warm_up` long without counting, then `time` long. `mark` is called before and after the counted time.
pub(crate) async fn run<M>(
    address: SocketAddr,
    (requests, connections): (&Rc<[Request]>, usize),
    [warm_up, time]: [Duration; 2],
    mark: impl Fn() -> Result<M, Failure>,
) -> Result<(Load, [M; 2]), Failure> {
    let progress = Rc::new(Cell::new(0.0));
    let tasks = LocalSet::new();
    let mut clients = JoinSet::new();
    for first in 0..connections {
        let (requests, progress) = (Rc::clone(requests), Rc::clone(&progress));
        clients.spawn_local_on(async move { client(address, &requests, first, &progress).await }, &tasks);
    }
    let measured = async {
        tokio::time::sleep(warm_up).await;
        let (before, marked, began) = (progress.get(), mark()?, Instant::now());
        tokio::time::sleep(time).await;
        let load = Load { answers: progress.get() - before, time: began.elapsed() };
        Ok((load, [marked, mark()?]))
    };
    tasks
        .run_until(async {
            tokio::select! {
                measured = measured => measured,
                // A client ends by an error only.
                Some(ended) = clients.join_next() => Err(ended??.into()),
            }
        })
        .await
}

/// Sends requests in turn, beginning with the one at `first`, for ever.
async fn client(
    address: SocketAddr,
    requests: &[Request],
    first: usize,
    progress: &Cell<f64>,
) -> Result<&'static str, io::Error> {
    let mut connection = Connection::open(address).await?;
    for request in requests.iter().cycle().skip(first % requests.len()) {
        let Some(length) = request.length else {
            connection.ask(&request.bytes, |_| ()).await?;
            progress.set(progress.get() + 1.0);
            continue;
        };
        #[allow(clippy::cast_precision_loss, reason = "bodies are far shorter than 2^53 bytes")]
        let whole = length as f64;
        let took = |piece: &[u8]| {
            #[allow(clippy::cast_precision_loss, reason = "a piece is not longer than the buffer")]
            let part = piece.len() as f64;
            progress.set(progress.get() + part / whole);
        };
        let length = connection.ask(&request.bytes, took).await?;
        request.check(length)?;
    }
    Ok("there are no requests")
}

/// One connection and what was read from it ahead.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunks,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER], start: 0, end: 0 })
    }

    /// Sends a request, hands over its answer's body as it comes, and gives the length of that.
    async fn ask(&mut self, request: &[u8], mut took: impl FnMut(&[u8])) -> io::Result<u64> {
        self.stream.write_all(request).await?;
        match self.up_to(b"\r\n\r\n", framing).await?? {
            Framing::Length(length) => {
                self.take(length, &mut took).await?;
                Ok(length)
            }
            Framing::Chunks => {
                let mut length = 0;
                loop {
                    let chunk = self.up_to(b"\r\n", chunk_length).await??;
                    self.take(chunk, &mut took).await?;
                    self.up_to(b"\r\n", |_| ()).await?;
                    length += chunk;
                    if chunk == 0 {
                        return Ok(length);
                    }
                }
            }
        }
    }

    /// What stands in front of `end`, which is passed over.
    async fn up_to<T>(&mut self, end: &[u8], read: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        loop {
            let there = self.unread();
            if let Some(at) = there.windows(end.len()).position(|found| found == end) {
                let value = read(there.get(..at).unwrap_or_default());
                self.start += at + end.len();
                return Ok(value);
            }
            self.fill().await?;
        }
    }

    async fn take(&mut self, length: u64, took: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = usize::try_from(length).map_err(io::Error::other)?;
        while left > 0 {
            if self.start == self.end {
                self.fill().await?;
            }
            let there = self.unread();
            let piece = there.get(..left).unwrap_or(there);
            took(piece);
            let taken = piece.len();
            self.start += taken;
            left -= taken;
        }
        Ok(())
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.stream.read(room).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.end += read;
                Ok(())
            }
        }
    }
}

fn framing(head: &[u8]) -> io::Result<Framing> {
    let head = std::str::from_utf8(head).map_err(io::Error::other)?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(io::Error::other(format!("refused: {head}")));
    }
    for line in head.split("\r\n") {
        match line.split_once(": ") {
            Some((name, length)) if name.eq_ignore_ascii_case("content-length") => {
                return length.parse().map(Framing::Length).map_err(io::Error::other);
            }
            Some((name, _)) if name.eq_ignore_ascii_case("transfer-encoding") => return Ok(Framing::Chunks),
            _ => {}
        }
    }
    Err(io::Error::other("an answer without a length"))
}

fn chunk_length(line: &[u8]) -> io::Result<u64> {
    let digits = std::str::from_utf8(line).map_err(io::Error::other)?;
    u64::from_str_radix(digits, 16).map_err(io::Error::other)
}
