//! Files that are missing, locked, damaged or slow.

use super::*;

fn ping(service: u64) -> std::result::Result<Answer, Error> {
    call(service, Operation::Ping, &json!({}), &[])
}

#[test]
fn a_missing_file_is_an_error_and_is_not_created_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let service = open_service(&json!({"database": path})).unwrap();
    for error in [ping(service), call(service, Operation::Query, &shape("t", &["a"]), &[Value::I64(1)])] {
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Unavailable, Some("database_missing")));
        assert!(!error.message.contains("none.db"));
    }
    assert!(!path.exists());
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
    ping(service).unwrap();
    let created = folder.path().join("new.db");
    ping(open_service(&json!({"database": created, "create": true})).unwrap()).unwrap();
    assert!(created.exists());
}

#[test]
fn a_file_that_is_no_database_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "not a database, but long enough to have a header of a hundred bytes".repeat(20))
        .unwrap();
    for path in [path.as_path(), folder.path()] {
        let error = ping(open_service(&json!({"database": path})).unwrap()).unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Unavailable, Some("not_a_database")));
    }
}

#[test]
fn a_damaged_file_is_unavailable() {
    let fixture = Fixture::new("CREATE TABLE t(id INTEGER PRIMARY KEY, c); INSERT INTO t VALUES (1, 'x');");
    let path = fixture.folder.path().join("a.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let error = fixture.query(&shape("t", &["c"]), &[Value::I64(1)]).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Unavailable, Some("database_corrupt")));
}

#[test]
fn a_locked_file_is_busy_after_the_timeout_and_free_again() {
    let fixture = Fixture::with("CREATE TABLE t(id)", json!({"busy_timeout": "200ms"}));
    let other = Connection::open(fixture.folder.path().join("a.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = fixture.query(&shape("t", &["id"]), &[Value::I64(1)]).unwrap_err();
    assert_eq!((error.kind, error.is_temporary), (ErrorKind::Busy, true));
    other.execute_batch("COMMIT").unwrap();
    fixture.query(&shape("t", &["id"]), &[Value::I64(1)]).unwrap();
}

#[test]
fn a_dropped_call_stops_its_statement() {
    let fixture = Fixture::with(
        "CREATE TABLE t(id); INSERT INTO t VALUES (1);
         CREATE VIEW endless AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n;",
        json!({"threads": 1}),
    );
    let shape_of_count = json!({"from": {"name": "endless"}});
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..20 {
        let mut running = Box::pin(start(fixture.service, Operation::Count, &shape_of_count, &[]));
        let is_pending = runtime.block_on(poll_fn(|context| {
            std::task::Poll::Ready(running.as_mut().poll_step(context).is_pending())
        }));
        assert!(is_pending);
        drop(running);
    }
    // The only thread is free again.
    assert_eq!(fixture.query(&shape("t", &["id"]), &[Value::I64(1)]).unwrap().rows.len(), 1);
}

#[test]
fn many_rows_stream_in_batches_and_stop_at_the_limit() {
    let fixture = Fixture::new(
        "CREATE VIEW t AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n;",
    );
    let messages =
        all(start(fixture.service, Operation::Query, &shape("t", &["id"]), &[Value::I64(50_000)])).unwrap();
    assert!(messages.len() > 5);
    let answer = fixture.query(&shape("t", &["id"]), &[Value::I64(50_000)]).unwrap();
    assert_eq!(answer.rows.len(), 50_000);
}

#[test]
fn a_read_only_service_reads() {
    let fixture = Fixture::with("CREATE TABLE t(id); INSERT INTO t VALUES (1);", json!({"read_only": true}));
    assert_eq!(fixture.query(&shape("t", &["id"]), &[Value::I64(1)]).unwrap().rows.len(), 1);
}
