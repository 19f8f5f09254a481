//! Transactions of several calls.

use super::write::{by_id, insert, int, update};
use super::*;

const TABLE: &str = "PRAGMA journal_mode = WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, note UNIQUE);
    INSERT INTO t VALUES (1, 'a');";

impl Fixture {
    fn begin(&self, read_only: bool) -> u64 {
        let answer = call(self.service, Operation::Begin, &Begin { read_only }, &[]).unwrap();
        answer.summary.session.unwrap()
    }

    fn end(&self, operation: Operation, session: u64) -> std::result::Result<Answer, Error> {
        call_with(self.service, operation, &json!({}), &Parts { session: Some(session), ..Parts::default() })
    }

    fn notes(&self, session: Option<u64>) -> std::result::Result<Vec<Value>, Error> {
        let shape = Query { order: vec![by("id", Direction::Asc, None)], ..shape("t", &["note"]) };
        let parts = Parts { params: &[int(100)], session, ..Parts::default() };
        let answer = call_with(self.service, Operation::Query, &shape, &parts)?;
        Ok(answer.rows.into_iter().map(|row| row[0].clone()).collect())
    }

    fn add(&self, session: Option<u64>, notes: &[&str]) -> std::result::Result<Answer, Error> {
        let records: Vec<_> = notes.iter().map(|note| vec![text(note)]).collect();
        let parts = Parts { records: &records, session, ..Parts::default() };
        call_with(self.service, Operation::Insert, &insert(&["note"]), &parts)
    }
}

fn texts(notes: &[&str]) -> Vec<Value> {
    notes.iter().map(|note| text(note)).collect()
}

/// What a call on a transaction that is over answers.
fn is_over(result: std::result::Result<impl std::fmt::Debug, Error>) -> bool {
    let error = result.unwrap_err();
    error.kind == ErrorKind::Cancelled && error.reason.as_deref() == Some("session_lost")
}

#[test]
fn a_transaction_sees_its_own_work_and_others_see_it_after_commit_only() {
    let fixture = Fixture::new(TABLE);
    let session = fixture.begin(false);
    fixture.add(Some(session), &["b"]).unwrap();
    assert_eq!(fixture.notes(Some(session)).unwrap(), texts(&["a", "b"]));
    assert_eq!(fixture.notes(None).unwrap(), texts(&["a"]));
    fixture.end(Operation::Commit, session).unwrap();
    assert_eq!(fixture.notes(None).unwrap(), texts(&["a", "b"]));
    assert!(is_over(fixture.notes(Some(session))));
    assert!(is_over(fixture.end(Operation::Rollback, session)));
}

#[test]
fn a_rollback_undoes_and_a_failed_call_does_not_end_the_transaction() {
    let fixture = Fixture::new(TABLE);
    let session = fixture.begin(false);
    fixture.add(Some(session), &["b"]).unwrap();
    let answer = fixture.add(Some(session), &["c", "a", "d"]).unwrap();
    assert_eq!(answer.outcomes.len(), 2);
    let change = update(by_id(None), &["nope"]);
    let parts = Parts { records: &[vec![int(1), int(1)]], session: Some(session), ..Parts::default() };
    assert!(call_with(fixture.service, Operation::Update, &change, &parts).is_err());
    assert_eq!(fixture.notes(Some(session)).unwrap(), texts(&["a", "b", "c"]));
    fixture.end(Operation::Rollback, session).unwrap();
    assert_eq!(fixture.notes(None).unwrap(), texts(&["a"]));
}

#[test]
fn writers_queue_behind_a_transaction_and_readers_do_not() {
    let fixture = Fixture::new(TABLE);
    let session = fixture.begin(false);
    fixture.add(Some(session), &["b"]).unwrap();
    let records = [vec![text("c")]];
    let parts = Parts { records: &records, ..Parts::default() };
    let waiting = start_with(fixture.service, Operation::Insert, &insert(&["note"]), &parts);
    assert_eq!(fixture.notes(None).unwrap(), texts(&["a"]));
    fixture.end(Operation::Commit, session).unwrap();
    all(waiting).unwrap();
    assert_eq!(fixture.notes(None).unwrap(), texts(&["a", "b", "c"]));
}

#[test]
fn an_idle_transaction_is_undone_and_says_so() {
    let fixture = Fixture::with(TABLE, json!({"session_timeout": 1}));
    let session = fixture.begin(false);
    // Waits for the writer, which the idle transaction holds until then.
    fixture.add(None, &["b"]).unwrap();
    assert!(is_over(fixture.add(Some(session), &["c"])));
    assert!(is_over(fixture.end(Operation::Commit, session)));
    assert_eq!(fixture.notes(None).unwrap(), texts(&["a", "b"]));
}

#[test]
fn a_busy_transaction_is_undone_when_its_time_is_over_and_lets_others_write() {
    let fixture = Fixture::with(TABLE, json!({"session_lifetime": "100ms", "session_timeout": "1m"}));
    let session = fixture.begin(false);
    // Never idle, so only the whole time ends it.
    while let Ok(seen) = fixture.notes(Some(session)) {
        assert_eq!(seen, texts(&["a"]));
    }
    assert!(is_over(fixture.add(Some(session), &["b"])));
    assert!(is_over(fixture.end(Operation::Commit, session)));
    fixture.add(None, &["c"]).unwrap();
    assert_eq!(fixture.notes(None).unwrap(), texts(&["a", "c"]));
}

#[test]
fn a_transaction_for_reading_sees_one_state_and_writes_nothing() {
    for (config, refusal) in
        [(json!({}), ErrorKind::PermissionDenied), (json!({"read_only": true}), ErrorKind::Unsupported)]
    {
        let fixture = Fixture::with(TABLE, config);
        let session = fixture.begin(true);
        assert_eq!(fixture.notes(Some(session)).unwrap(), texts(&["a"]));
        fixture.change("INSERT INTO t VALUES (2, 'b')");
        assert_eq!(fixture.notes(Some(session)).unwrap(), texts(&["a"]));
        assert_eq!(fixture.notes(None).unwrap(), texts(&["a", "b"]));
        assert_eq!(fixture.add(Some(session), &["c"]).unwrap_err().kind, refusal);
        fixture.end(Operation::Commit, session).unwrap();
    }
}

#[test]
fn a_commit_that_fails_undoes_the_transaction() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, note REFERENCES t DEFERRABLE INITIALLY DEFERRED);",
    );
    let session = fixture.begin(false);
    fixture.add(Some(session), &["nobody"]).unwrap();
    let error = fixture.end(Operation::Commit, session).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Conflict, Some("foreign_key_violation")));
    assert!(is_over(fixture.end(Operation::Commit, session)));
    assert_eq!(fixture.column("SELECT count(*) FROM t"), ["0"]);
}

#[test]
fn a_transaction_that_the_database_undoes_is_over() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, note);
         CREATE TRIGGER r AFTER INSERT ON t WHEN new.note = 'no' BEGIN SELECT RAISE(ROLLBACK, 'no'); END;",
    );
    let session = fixture.begin(false);
    fixture.add(Some(session), &["a"]).unwrap();
    let answer = fixture.add(Some(session), &["b", "no"]).unwrap();
    let ends: Vec<_> = answer.outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(ends, [OutcomeStatus::RolledBack, OutcomeStatus::Failed]);
    assert!(is_over(fixture.add(Some(session), &["c"])));
    assert_eq!(fixture.column("SELECT count(*) FROM t"), ["0"]);
}

#[test]
fn a_dropped_read_leaves_the_transaction_usable() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, note);
         CREATE VIEW endless AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n;",
    );
    let session = fixture.begin(false);
    fixture.add(Some(session), &["a"]).unwrap();
    let parts = Parts { session: Some(session), ..Parts::default() };
    let shape = json!({"from": {"name": "endless"}});
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut running = Box::pin(start_with(fixture.service, Operation::Count, &shape, &parts));
    let is_pending = runtime.block_on(poll_fn(|context| {
        std::task::Poll::Ready(running.as_mut().poll_step(context).is_pending())
    }));
    assert!(is_pending);
    drop(running);
    fixture.add(Some(session), &["b"]).unwrap();
    fixture.end(Operation::Commit, session).unwrap();
    assert_eq!(fixture.notes(None).unwrap(), texts(&["a", "b"]));
}

#[test]
fn a_closed_service_undoes_its_transactions() {
    let fixture = Fixture::new(TABLE);
    let service = open_service(&json!({"database": fixture.folder.path().join("a.db")})).unwrap();
    let session = call(service, Operation::Begin, &Begin { read_only: false }, &[]).unwrap().summary.session;
    let records = [vec![text("b")]];
    let parts = Parts { records: &records, session, ..Parts::default() };
    call_with(service, Operation::Insert, &insert(&["note"]), &parts).unwrap();
    (module::<Sqlite>().close)(service);
    // Waits for the lock that the transaction held.
    fixture.add(None, &["c"]).unwrap();
    assert_eq!(fixture.notes(None).unwrap(), texts(&["a", "c"]));
}

#[test]
fn what_is_read_in_a_transaction_is_not_changed_by_others_before_it_writes() {
    let fixture = Fixture::new(TABLE);
    let session = fixture.begin(false);
    assert_eq!(fixture.notes(Some(session)).unwrap(), texts(&["a"]));
    let other = Connection::open(fixture.folder.path().join("a.db")).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    assert!(other.execute_batch("UPDATE t SET note = 'z'").is_err());
    fixture.end(Operation::Rollback, session).unwrap();
    other.execute_batch("UPDATE t SET note = 'z'").unwrap();
}
