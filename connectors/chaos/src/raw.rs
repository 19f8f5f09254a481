//! Faults that need hand-made messages: the kit would not send them.

use std::task::{Context, Poll};

use connector_api::abi::{Buffer, Call, PollStep, Step};
use connector_api::author::{CellWriter, Query, SetRole, Summary};
use connector_api::model::batch::{FrameWriter, MAX_MESSAGE_BYTES};

use crate::knobs;

/// Tables whose answer is made here begin so.
const PREFIX: &str = "raw_";

/// The answer to a query of a `raw_` table; `None` for all others, which the kit answers.
pub(crate) fn answer(head: &[u8]) -> Option<Call> {
    let shape: Query = serde_json::from_slice(head).ok()?;
    let fault = shape.from.name.strip_prefix(PREFIX)?;
    Some(match fault {
        "block_in_entry" => knobs::block_for_ever(),
        "block_in_poll" => Call::new(Raw { fault: Fault::BlockInPoll, sent: 0 }),
        "block_in_drop" => Call::new(Raw { fault: Fault::BlockInDrop, sent: 0 }),
        "endless" => Call::new(Raw { fault: Fault::Endless, sent: 0 }),
        "empty_for_ever" => Call::new(Raw { fault: Fault::EmptyForEver, sent: 0 }),
        "unreadable_error" => Call::new(Raw { fault: Fault::UnreadableError, sent: 0 }),
        other => Call::new(Raw { fault: Fault::Message(message(other)), sent: 0 }),
    })
}

enum Fault {
    /// One message, then the end.
    Message(Vec<u8>),
    Endless,
    EmptyForEver,
    UnreadableError,
    BlockInPoll,
    BlockInDrop,
}

struct Raw {
    fault: Fault,
    sent: u64,
}

impl PollStep for Raw {
    fn poll_step(&mut self, _: &mut Context<'_>) -> Poll<Step> {
        self.sent += 1;
        Poll::Ready(match &mut self.fault {
            Fault::Message(message) if self.sent == 1 => Step::Item(std::mem::take(message).into()),
            Fault::Message(_) => Step::End,
            Fault::Endless => Step::Item(rows(self.sent == 1).into()),
            Fault::EmptyForEver => Step::Item(Buffer::default()),
            Fault::UnreadableError => Step::Failed(b"{".to_vec().into()),
            Fault::BlockInPoll => knobs::block_for_ever(),
            Fault::BlockInDrop => return Poll::Pending,
        })
    }

    fn panicked() -> Buffer {
        Buffer::default()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if matches!(self.fault, Fault::BlockInDrop) {
            knobs::block_for_ever();
        }
    }
}

/// A thousand rows of one cell.
fn rows(is_first: bool) -> Vec<u8> {
    let mut frames = FrameWriter::default();
    if is_first {
        frames.set(0, SetRole::Rows, ["n"].into_iter());
    }
    let open = frames.begin_rows(0);
    (0..1000).for_each(|n| frames.buffer().i64(n));
    frames.end_rows(open, 1000);
    frames.into_bytes()
}

/// Rows with the cells and the count given, and a closing frame.
fn table(columns: &[&str], cells: i64, count: u32) -> FrameWriter {
    let mut frames = FrameWriter::default();
    frames.set(0, SetRole::Rows, columns.iter().copied());
    let open = frames.begin_rows(0);
    (0..cells).for_each(|n| frames.buffer().i64(n));
    frames.end_rows(open, count);
    frames
}

fn closed(mut frames: FrameWriter) -> Vec<u8> {
    frames.done(&Summary::default());
    frames.into_bytes()
}

fn message(fault: &str) -> Vec<u8> {
    let good = || closed(table(&["n"], 2, 2));
    match fault {
        "malformed" => b"these are no frames".to_vec(),
        "truncated" => {
            let mut message = good();
            message.truncate(message.len().saturating_sub(12));
            message
        }
        "oversized" => vec![b'T'; MAX_MESSAGE_BYTES + 1],
        "far_oversized" => vec![b'T'; MAX_MESSAGE_BYTES + 64 * 1024],
        "too_few_cells" => closed(table(&["n", "m"], 3, 2)),
        "too_many_cells" => closed(table(&["n"], 3, 2)),
        "no_done" => table(&["n"], 2, 2).into_bytes(),
        "done_twice" => {
            let mut frames = table(&["n"], 2, 2);
            frames.done(&Summary::default());
            closed(frames)
        }
        "rows_before_set" => {
            let mut frames = FrameWriter::default();
            let open = frames.begin_rows(0);
            frames.buffer().null();
            frames.end_rows(open, 1);
            closed(frames)
        }
        _ => good(),
    }
}
