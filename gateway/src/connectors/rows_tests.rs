//! What an answer may hold, and in which order.

use connector_api::model::OutcomeStatus;
use connector_api::model::batch::{CellWriter, FrameWriter};

use super::*;

fn message(write: impl FnOnce(&mut FrameWriter)) -> Buffer {
    let mut frames = FrameWriter::default();
    write(&mut frames);
    frames.into_bytes().into()
}

fn set(frames: &mut FrameWriter, number: u16, names: &[&str]) {
    frames.set(number, SetRole::Rows, names.iter().copied());
}

/// Rows of one cell each, whatever the columns are.
fn rows(frames: &mut FrameWriter, number: u16, count: u32) {
    let open = frames.begin_rows(number);
    (0..count).for_each(|n| frames.buffer().i64(i64::from(n)));
    frames.end_rows(open, count);
}

fn done(frames: &mut FrameWriter) {
    frames.done(&Summary::default());
}

fn order() -> Order {
    Order::new(Bounds { rows: 3, outcomes: 1 })
}

fn check(messages: impl IntoIterator<Item = Buffer>, refused: &str) {
    let mut order = order();
    let result: Result<Vec<Batch>> = messages.into_iter().map(|message| order.check(message)).collect();
    let error = result.unwrap_err();
    assert_eq!(error.reason.as_deref(), Some("protocol_error"), "{error:?}");
    let detail = error.detail.unwrap_or_default();
    assert!(detail.contains(refused), "expected {refused}, got {detail}");
}

#[test]
fn an_answer_that_breaks_the_order_is_refused() {
    let columns = |frames: &mut FrameWriter| set(frames, 0, &["a"]);
    check([message(|f| rows(f, 0, 1))], "without columns announced");
    check(
        [message(|f| {
            columns(f);
            rows(f, 1, 1);
        })],
        "without columns announced",
    );
    check(
        [message(|f| {
            columns(f);
            rows(f, 0, 4);
        })],
        "more rows",
    );
    check(
        [
            message(|f| {
                columns(f);
                rows(f, 0, 2);
            }),
            message(|f| rows(f, 0, 2)),
        ],
        "more rows",
    );
    check(
        [message(|f| {
            set(f, 0, &[]);
            rows(f, 0, 1);
        })],
        "rows without columns",
    );
    check(
        [message(|f| {
            done(f);
            done(f);
        })],
        "behind the closing frame",
    );
    check(
        [message(|f| {
            done(f);
            columns(f);
        })],
        "behind the closing frame",
    );
    check(
        [message(|f| {
            set(f, 1, &["a"]);
            set(f, 0, &["a"]);
        })],
        "announced again",
    );
    check([message(|f| f.parameters(0, &[]))], "parameters");
    check([message(|f| f.outcomes(&[failed(), failed()]))], "more outcomes");
    check([Buffer::from(b"not a frame".to_vec())], "not a frame");
    check([Buffer::from(vec![0; MAX_MESSAGE_BYTES + 1])], "a message of");
    check((0..=MAX_EMPTY_MESSAGES).map(|_| message(columns)), "too many messages");
}

fn failed() -> Outcome {
    Outcome { index: 0, count: 1, status: OutcomeStatus::Failed, error: None }
}

#[test]
fn rows_are_read_with_the_columns_announced_last() {
    let mut order = order();
    let first = order
        .check(message(|f| {
            set(f, 0, &["a"]);
            rows(f, 0, 1);
        }))
        .unwrap();
    let second = order
        .check(message(|f| {
            rows(f, 0, 1);
            set(f, 0, &["a", "b"]);
            let open = f.begin_rows(0);
            f.buffer().text("x");
            f.buffer().null();
            f.end_rows(open, 1);
            done(f);
        }))
        .unwrap();
    assert!(order.summary.is_some());
    assert_eq!((first.row_count(), second.row_count()), (1, 2));
    let seen: Vec<(usize, usize)> = second
        .sections()
        .map(|mut section| {
            let mut row = Vec::new();
            assert!(section.read_row(&mut row).unwrap());
            let cells = row.len();
            assert!(!section.read_row(&mut row).unwrap());
            (section.columns().names.len(), cells)
        })
        .collect();
    assert_eq!(seen, [(1, 1), (2, 2)]);
}

#[test]
fn missing_and_surplus_cells_come_up_while_rows_are_read() {
    for (columns, cells) in [(2, 1), (1, 2)] {
        let batch = order()
            .check(message(|f| {
                set(f, 0, &["a", "b"][..columns]);
                let open = f.begin_rows(0);
                (0..cells).for_each(|_| f.buffer().null());
                f.end_rows(open, 1);
            }))
            .unwrap();
        let mut section = batch.sections().next().unwrap();
        let mut row = Vec::new();
        let read = section.read_row(&mut row).and_then(|_| section.read_row(&mut row));
        assert!(read.is_err(), "{columns} columns, {cells} cells");
    }
}
