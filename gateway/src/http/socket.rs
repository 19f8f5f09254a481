//! A client's connection as bytes: for how long it may take little, what it is told instead of what the HTTP library would tell it, and how
//! it ends. Knows no HTTP.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::exchange::Exchange;
use super::progress::WORTH;
use super::refusal::Refusals;
use super::tls::{Wire, bare};
use crate::events;

/// How long a client that was refused may go on sending, so that it comes to read why.
const LINGER: Duration = Duration::from_secs(2);
/// How many bytes it may send then.
const LINGER_BYTES: usize = 1024 * 1024;

/// Bytes that have to go out in the time that a client has to take [`WORTH`]. Fewer, since a client may have taken more than went out: the
/// system tells of that in pieces.
const MOVED: usize = WORTH / 2;

/// For how long a client may let others wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// In this time it has to take [`WORTH`] bytes, or all that there is.
    pub(super) standstill: Duration,
    /// In this time everything of a request has to be done; `None`: in any.
    pub(super) all: Option<Duration>,
}

/// A socket on which a client that takes too little in too long a time is given up.
pub(super) struct Socket {
    stream: Wire,
    patience: Patience,
    /// Bytes taken since the wait began.
    taken: usize,
    /// Runs while something waits to be taken.
    wait: Option<Pin<Box<Sleep>>>,
    exchange: Exchange,
    refusals: Refusals,
    /// Since the last exchange the end of a line has come.
    has_line: bool,
    linger: Option<Linger>,
    ending: Ending,
    is_shut: bool,
}

/// Runs while a client that was refused may go on sending.
struct Linger {
    end: Pin<Box<Sleep>>,
    left: usize,
}

/// How a connection ends that ends before its time: by default as every other one does.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending(Arc<AtomicBool>);

impl Ending {
    /// It is reset, so that the client can't take what came for the whole.
    pub(super) fn reset(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Socket {
    pub(super) fn new(
        stream: Wire,
        patience: Patience,
        exchange: Exchange,
        refusals: Refusals,
        ending: Ending,
    ) -> Self {
        Self {
            stream,
            patience,
            taken: 0,
            wait: None,
            exchange,
            refusals,
            has_line: false,
            linger: None,
            ending,
            is_shut: false,
        }
    }

    fn paced(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(size)) => {
                self.taken = self.taken.saturating_add(size);
                if self.taken >= MOVED {
                    self.wait = None;
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => return self.waited(context),
        }
        written
    }

    /// Something waits to be taken: for as long as the client may let others wait.
    fn waited<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.wait.is_none() {
            self.taken = 0;
            self.wait = Some(Box::pin(sleep_until(self.end_of_patience())));
        }
        let Some(wait) = &mut self.wait else { return Poll::Pending };
        ready!(wait.as_mut().poll(context));
        if self.end_of_all().is_some_and(|end| end <= Instant::now()) {
            events::lasted_too_long();
        }
        self.ending.reset();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn end_of_all(&self) -> Option<Instant> {
        Some(self.exchange.since()? + self.patience.all?)
    }

    fn end_of_patience(&self) -> Instant {
        let end = Instant::now() + self.patience.standstill;
        self.end_of_all().map_or(end, |all| all.min(end))
    }

    /// What is written outside of an exchange is the HTTP library's word about bytes that it can't read; ours takes its place. Nothing else
    /// waits to be sent then, so it fits into the socket.
    fn refuse(&mut self, context: &mut Context<'_>, bare: &[u8]) -> io::Result<usize> {
        if self.linger.is_none() {
            self.linger = Some(Linger::begin());
            let words = self.refusals.instead_of(bare, self.has_line);
            if let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(context, &words) {
                written?;
            }
        }
        Ok(bare.len())
    }
}

impl Linger {
    fn begin() -> Self {
        Self { end: Box::pin(sleep(LINGER)), left: LINGER_BYTES }
    }

    /// Reads on and forgets it until the client has sent all, or too much, or the time for that is over: a connection that is closed before is reset, and
    /// the client may never see what it was told.
    fn is_over(&mut self, stream: &mut (impl AsyncRead + Unpin), context: &mut Context<'_>) -> Poll<()> {
        let mut room = [0; 8192];
        while self.left > 0 && self.end.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut room);
            match ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    self.left = self.left.saturating_sub(buffer.filled().len());
                }
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

/// Ends the connection of a client that was turned away and told so.
pub(super) async fn end_refused(mut stream: TcpStream) {
    let mut linger = Linger::begin();
    if stream.shutdown().await.is_ok() {
        poll_fn(|context| linger.is_over(&mut stream, context)).await;
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let held = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if !self.has_line && self.exchange.since().is_none() {
            let new = buffer.filled().get(held..).unwrap_or_default();
            self.has_line = new.contains(&b'\n');
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.exchange.since().is_none() {
            return Poll::Ready(self.refuse(context, bytes));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.paced(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.exchange.since().is_none() {
            let bare = slices.first().map_or(&[][..], |slice| slice);
            return Poll::Ready(self.refuse(context, bare));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.paced(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// All that there was is taken when this is asked.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Below TLS something may still wait.
        let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(context) else {
            return self.waited(context);
        };
        self.wait = None;
        if self.exchange.since().is_some() {
            self.exchange.written();
            self.has_line = false;
        }
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            let Poll::Ready(shut) = Pin::new(&mut self.stream).poll_shutdown(context) else {
                return self.waited(context);
            };
            self.is_shut = true;
            shut?;
        }
        let Self { linger, stream, .. } = &mut *self;
        linger.as_mut().map_or(Poll::Ready(()), |linger| linger.is_over(stream, context)).map(Ok)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.is_shut
            && self.ending.0.load(Ordering::Relaxed)
            && let Err(error) = bare(&self.stream).set_zero_linger()
        {
            tracing::debug!(%error, "a broken connection is not reset");
        }
    }
}
