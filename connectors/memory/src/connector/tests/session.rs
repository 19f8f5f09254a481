//! Transactions: what is seen, what waits, what is undone.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use connector_api::Result;
use connector_api::abi::Call;
use connector_api::author::{ErrorKind, Operation, Value};
use serde_json::{Value as Json, json};

use super::{Answer, With, all, ask, open, start, stored, things};

fn service(settings: &Json) -> u64 {
    let mut config = things();
    config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    open(&config).unwrap()
}

fn begin(service: u64, is_read_only: bool) -> Result<u64> {
    let answer = ask(service, Operation::Begin, &json!({"read_only": is_read_only}), &With::default())?;
    Ok(answer.summary.session.unwrap())
}

fn end(service: u64, operation: Operation, session: u64) -> Result<Answer> {
    ask(service, operation, &json!({}), &With { session: Some(session), ..With::default() })
}

fn start_insert(service: u64, session: Option<u64>, records: u32) -> Call {
    let head = json!({"into": {"name": "thing"}, "columns": [["note"]], "on_error": "stop"});
    let records: Vec<_> = (0..records).map(|_| vec![Value::Text("new".into())]).collect();
    start(service, Operation::Insert, &head, &With { records: &records, session, params: &[] })
}

fn insert(service: u64, session: Option<u64>) -> Result<()> {
    all(start_insert(service, session, 1)).map(drop)
}

fn count(service: u64, session: Option<u64>) -> usize {
    stored(service, session).len()
}

#[test]
fn a_transaction_sees_its_own_writes_and_others_see_them_after_commit() {
    let service = service(&json!({}));
    let session = begin(service, false).unwrap();
    insert(service, Some(session)).unwrap();
    insert(service, Some(session)).unwrap();
    assert_eq!((count(service, Some(session)), count(service, None)), (5, 3));
    end(service, Operation::Commit, session).unwrap();
    assert_eq!(count(service, None), 5);
}

#[test]
fn a_rollback_undoes_everything_and_lets_the_next_one_write() {
    let service = service(&json!({}));
    let session = begin(service, false).unwrap();
    insert(service, Some(session)).unwrap();
    end(service, Operation::Rollback, session).unwrap();
    assert_eq!(count(service, None), 3);
    insert(service, None).unwrap();
    assert_eq!(count(service, None), 4);
}

#[test]
fn a_reading_transaction_sees_the_tables_as_they_were_and_writes_nothing() {
    let service = service(&json!({}));
    let session = begin(service, true).unwrap();
    insert(service, None).unwrap();
    assert_eq!((count(service, Some(session)), count(service, None)), (3, 4));
    assert_eq!(insert(service, Some(session)).unwrap_err().kind, ErrorKind::Unsupported);
    end(service, Operation::Commit, session).unwrap();
    assert_eq!(count(service, None), 4);
}

#[test]
fn a_second_writer_is_refused_as_busy_after_the_wait_and_readers_do_not_wait() {
    let service = service(&json!({"busy_timeout": "10ms"}));
    let session = begin(service, false).unwrap();
    for error in [begin(service, false).unwrap_err(), insert(service, None).unwrap_err()] {
        assert_eq!((error.kind, error.is_temporary), (ErrorKind::Busy, true));
    }
    assert_eq!(count(service, None), 3);
    assert_eq!(count(service, Some(begin(service, true).unwrap())), 3);
    insert(service, Some(session)).unwrap();
}

#[test]
fn a_second_writer_waits_for_the_first_and_meets_what_it_left() {
    let service = service(&json!({"busy_timeout": "1m"}));
    let session = begin(service, false).unwrap();
    insert(service, Some(session)).unwrap();
    let waiting = start_insert(service, None, 1);
    end(service, Operation::Commit, session).unwrap();
    all(waiting).unwrap();
    assert_eq!(count(service, None), 5);
}

#[test]
fn a_transaction_that_nobody_uses_is_undone_and_lets_the_next_one_write() {
    let service = service(&json!({"busy_timeout": "1m", "session_timeout": "50ms"}));
    let session = begin(service, false).unwrap();
    insert(service, Some(session)).unwrap();
    // Waits until the time of the first one is over.
    let next = begin(service, false).unwrap();
    assert_eq!(count(service, Some(next)), 3);
    let error = insert(service, Some(session)).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Cancelled, Some("session_lost")));
}

#[test]
fn a_busy_transaction_is_undone_when_its_time_is_over_and_lets_others_write() {
    let service =
        service(&json!({"busy_timeout": "1m", "session_timeout": "1m", "session_lifetime": "50ms"}));
    let session = begin(service, false).unwrap();
    // Never idle, so only the whole time ends it.
    let error = loop {
        if let Err(error) = insert(service, Some(session)) {
            break error;
        }
    };
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Cancelled, Some("session_lost")));
    insert(service, None).unwrap();
    assert_eq!(count(service, None), 4);
}

#[test]
fn a_transaction_that_has_ended_answers_no_more() {
    let service = service(&json!({}));
    for operation in [Operation::Commit, Operation::Rollback] {
        let session = begin(service, false).unwrap();
        end(service, operation, session).unwrap();
        for error in [
            end(service, Operation::Commit, session).unwrap_err(),
            end(service, Operation::Rollback, session).unwrap_err(),
            insert(service, Some(session)).unwrap_err(),
        ] {
            assert_eq!(error.kind, ErrorKind::Cancelled);
        }
    }
}

#[test]
fn a_failed_write_leaves_its_transaction_open() {
    let service = service(&json!({}));
    let session = begin(service, false).unwrap();
    insert(service, Some(session)).unwrap();
    let head = json!({"into": {"name": "nobody"}, "columns": [], "on_error": "stop"});
    let with = With { session: Some(session), ..With::default() };
    assert_eq!(ask(service, Operation::Insert, &head, &with).unwrap_err().kind, ErrorKind::NotFound);
    end(service, Operation::Commit, session).unwrap();
    assert_eq!(count(service, None), 4);
}

#[test]
fn a_call_that_is_dropped_while_it_waits_writes_nothing_and_holds_nothing() {
    let service = service(&json!({"busy_timeout": "1m"}));
    let session = begin(service, false).unwrap();
    let mut waiting = Box::pin(start_insert(service, None, 1));
    let step = waiting.as_mut().poll_step(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(step, Poll::Pending));
    drop(waiting);
    end(service, Operation::Commit, session).unwrap();
    insert(service, None).unwrap();
    assert_eq!(count(service, None), 4);
}

#[test]
fn a_call_that_is_dropped_at_any_time_writes_all_or_nothing() {
    let service = service(&json!({"busy_timeout": "1m"}));
    let mut expected = vec![3];
    for _ in 0..20 {
        let mut call = pin!(start_insert(service, None, 3000));
        let _ = call.as_mut().poll_step(&mut Context::from_waker(Waker::noop()));
        expected.push(expected.last().unwrap() + 3000);
    }
    insert(service, None).unwrap();
    let found = count(service, None) - 1;
    assert!(expected.contains(&found), "{found} rows");
}
