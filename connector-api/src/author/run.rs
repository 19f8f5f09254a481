//! Runs the future of a call, on the connector's runtime or inline, and offers it as a [`Call`].

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::abi::{Buffer, Call, PollStep, Step};
use crate::model::{Error, Result};

/// Batches that may wait for the gateway before the connector has to.
pub(super) const WAITING_BATCHES: usize = 2;

/// The future of a call: gives the last message.
pub(super) type Work = Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send>>;

/// A call that is over before it began.
pub(super) fn ended(result: Result<Vec<u8>>) -> Call {
    Call::new(Ended(Some(result)))
}

/// Runs the work as a task of the connector's runtime.
pub(super) fn spawned(runtime: &Handle, work: Work, batches: mpsc::Receiver<Vec<u8>>) -> Call {
    let (send_last, last) = oneshot::channel();
    let task = runtime.spawn(async move {
        let result = caught(work).await;
        // Nobody listens when the call was dropped meanwhile.
        let _ = send_last.send(result);
    });
    Call::new(Spawned { task: task.abort_handle(), batches, last: LastMessage::Awaited(last) })
}

/// Turns a panic of the work into an error.
async fn caught(mut work: Work) -> Result<Vec<u8>> {
    poll_fn(|context| match guarded(|| Ok(work.as_mut().poll(context))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Polls the work where the gateway polls the call.
pub(super) fn inline(runtime: &Handle, work: Work, batches: mpsc::Receiver<Vec<u8>>) -> Call {
    Call::new(Inline { runtime: runtime.clone(), work: Some(work), batches, last: None, is_over: false })
}

struct Ended(Option<Result<Vec<u8>>>);

impl PollStep for Ended {
    fn poll_step(&mut self, _: &mut Context<'_>) -> Poll<Step> {
        Poll::Ready(self.0.take().map_or(Step::End, last_step))
    }

    fn panicked() -> Buffer {
        panic_buffer()
    }
}

struct Spawned {
    task: AbortHandle,
    batches: mpsc::Receiver<Vec<u8>>,
    last: LastMessage,
}

/// The last message: awaited, kept back for a batch that came before it, or handed over.
enum LastMessage {
    Awaited(oneshot::Receiver<Result<Vec<u8>>>),
    Kept(Step),
    Given,
}

impl PollStep for Spawned {
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        if let Poll::Ready(Some(batch)) = self.batches.poll_recv(context) {
            return Poll::Ready(Step::Item(batch.into()));
        }
        if let LastMessage::Awaited(last) = &mut self.last {
            // A sender that is gone without a word: the runtime has dropped the task.
            self.last = LastMessage::Kept(ready!(Pin::new(last).poll(context)).map_or(Step::End, last_step));
        }
        // A batch may have come between the two looks.
        if let Ok(batch) = self.batches.try_recv() {
            return Poll::Ready(Step::Item(batch.into()));
        }
        match std::mem::replace(&mut self.last, LastMessage::Given) {
            LastMessage::Kept(step) => Poll::Ready(step),
            _ => Poll::Ready(Step::End),
        }
    }

    fn panicked() -> Buffer {
        panic_buffer()
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Inline {
    runtime: Handle,
    work: Option<Work>,
    batches: mpsc::Receiver<Vec<u8>>,
    last: Option<Result<Vec<u8>>>,
    is_over: bool,
}

impl PollStep for Inline {
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        let _entered = self.runtime.enter();
        loop {
            if let Poll::Ready(Some(batch)) = self.batches.poll_recv(context) {
                return Poll::Ready(Step::Item(batch.into()));
            }
            let Some(work) = &mut self.work else { break };
            // The work may have filled the channel and stopped there, so the channel is asked again after it.
            if let Poll::Ready(result) = work.as_mut().poll(context) {
                self.last = Some(result);
                self.work = None;
            } else if self.batches.is_empty() {
                return Poll::Pending;
            }
        }
        if std::mem::replace(&mut self.is_over, true) {
            return Poll::Ready(Step::End);
        }
        Poll::Ready(self.last.take().map_or(Step::End, last_step))
    }

    fn panicked() -> Buffer {
        panic_buffer()
    }
}

impl Drop for Inline {
    fn drop(&mut self) {
        // What a future drops may spawn (a cancel request, say), which needs the connector's runtime.
        let _entered = self.runtime.enter();
        self.work = None;
    }
}

/// The last message is followed by nothing: the gateway stops at its `done` frame.
fn last_step(result: Result<Vec<u8>>) -> Step {
    match result {
        Ok(message) => Step::Item(message.into()),
        Err(error) => Step::Failed(error_buffer(&error)),
    }
}

/// An error as it crosses the boundary.
pub(super) fn error_buffer(error: &Error) -> Buffer {
    serde_json::to_vec(error).unwrap_or_default().into()
}

fn panicked() -> Error {
    Error::internal("the connector panicked").with_reason("panic")
}

fn panic_buffer() -> Buffer {
    error_buffer(&panicked())
}

/// Runs an entry of the boundary; a panic becomes an error and its payload, whose drop may panic again, is forgotten.
pub(super) fn guarded<T>(entry: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(entry)).unwrap_or_else(|payload| {
        std::mem::forget(payload);
        Err(panicked())
    })
}
