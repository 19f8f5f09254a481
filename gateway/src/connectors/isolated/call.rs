//! A call that runs in a child, to be polled like any other.

use std::sync::Weak;
use std::task::{Context, Poll, ready};

use connector_api::abi::{Buffer, PollStep, Step};
use connector_api::{Error, ErrorKind};
use tokio::sync::mpsc;

use super::apart::Shared;
use super::frame::{Frame, Kind};

/// So many items a child may send before one is taken.
pub(super) const WINDOW: usize = 2;

/// What a child sends for a call.
pub(super) enum Answer {
    Item(Vec<u8>),
    End,
    Failed(Vec<u8>),
}

/// A call on its way.
pub(super) struct Calling {
    pub(super) shared: Weak<Shared>,
    pub(super) number: u64,
    pub(super) answers: mpsc::Receiver<Answer>,
    /// What it means when the child is gone.
    pub(super) lost: Error,
    /// The service that it opens, until the service is open.
    pub(super) opens: Option<u64>,
    pub(super) is_over: bool,
}

impl Calling {
    /// A call that has failed before it began.
    pub(super) fn failed(error: Error) -> Self {
        let (_, answers) = mpsc::channel(1);
        Self { shared: Weak::new(), number: 0, answers, lost: error, opens: None, is_over: false }
    }

    /// Whether a child runs it.
    pub(super) fn is_begun(&self) -> bool {
        self.shared.strong_count() > 0
    }

    fn tell(&self, kind: Kind) {
        if let Some(shared) = self.shared.upgrade() {
            shared.send(Frame::bare(kind, self.number));
        }
    }
}

impl PollStep for Calling {
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        let answer = ready!(self.answers.poll_recv(context));
        self.is_over = !matches!(answer, Some(Answer::Item(_)));
        Poll::Ready(match answer {
            Some(Answer::Item(bytes)) => {
                self.opens = None;
                self.tell(Kind::More);
                Step::Item(bytes.into())
            }
            Some(Answer::End) => Step::End,
            Some(Answer::Failed(bytes)) => Step::Failed(bytes.into()),
            None => Step::Failed(written(&self.lost)),
        })
    }

    fn panicked() -> Buffer {
        written(&Error::internal("a call to another process panicked").with_reason("panic"))
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        if !self.is_over {
            self.tell(Kind::Cancel);
        }
        shared.forget(self.number);
        if let Some(service) = self.opens {
            shared.close(service);
        }
    }
}

fn written(error: &Error) -> Buffer {
    serde_json::to_vec(error).unwrap_or_default().into()
}

/// What became of a call whose child is gone. One that writes by itself may have been done.
pub(super) fn lost(changes: bool) -> Error {
    let (kind, what) = match changes {
        false => (ErrorKind::Unavailable, "try again in a moment"),
        true => (ErrorKind::UnknownOutcome, "nobody knows whether the change was made"),
    };
    Error::new(
        kind,
        format!("the process of this service's connector has ended and is started again; {what}"),
    )
    .with_reason("process_ended")
}
