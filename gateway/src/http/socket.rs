//! A client's connection as bytes: for how long it may take little, and how it ends. Knows no HTTP.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::progress::WORTH;

/// A socket on which a client that takes too little in too long a time is given up.
pub(super) struct Socket {
    stream: TcpStream,
    /// In this time the client has to take [`WORTH`] bytes, or all that there is.
    limit: Duration,
    /// Bytes taken since the wait began.
    taken: usize,
    /// Runs while something waits to be taken.
    wait: Option<Pin<Box<Sleep>>>,
    ending: Ending,
    is_shut: bool,
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
    pub(super) fn new(stream: TcpStream, limit: Duration, ending: Ending) -> Self {
        Self { stream, limit, taken: 0, wait: None, ending, is_shut: false }
    }

    fn paced(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(size)) => {
                self.taken = self.taken.saturating_add(size);
                if self.taken >= WORTH {
                    self.wait = None;
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                if self.wait.is_none() {
                    self.taken = 0;
                }
                let wait = self.wait.get_or_insert_with(|| Box::pin(sleep(self.limit)));
                ready!(wait.as_mut().poll(context));
                self.ending.reset();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.paced(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.paced(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// All that there was is taken when this is asked.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wait = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_shut = true;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.is_shut
            && self.ending.0.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "a broken connection is not reset");
        }
    }
}
