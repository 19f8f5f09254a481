//! Row rules where triggers change the row once more.

use super::upsert::upsert;
use super::write::{by_id, ends, eq, insert, int, record, update};
use super::*;

/// Tables whose rows are named in different ways.
const TABLES: [&str; 4] = [
    "CREATE TABLE t(id INTEGER PRIMARY KEY, owner TEXT, note TEXT);",
    "CREATE TABLE t(id INTEGER UNIQUE, owner TEXT, note TEXT);",
    "CREATE TABLE t(id INTEGER UNIQUE, owner TEXT, note TEXT, rowid TEXT, OID TEXT);",
    "CREATE TABLE t(id INTEGER, owner TEXT, note TEXT, PRIMARY KEY (id, owner)) WITHOUT ROWID;",
];
/// A note says what the trigger makes of the row; a row of the beginning is written before there are triggers.
const TRIGGERS: &str = "
    INSERT INTO t(id, owner, note) VALUES (1, 'ann', 'old'), (2, 'ann', 'old');
    CREATE TRIGGER i AFTER INSERT ON t WHEN new.note IN ('ann', 'bob') BEGIN
        UPDATE t SET owner = new.note WHERE id = new.id;
    END;
    CREATE TRIGGER u AFTER UPDATE OF note ON t WHEN new.note IN ('ann', 'bob') BEGIN
        UPDATE t SET owner = new.note WHERE id = new.id;
    END;
    CREATE TRIGGER gone AFTER INSERT ON t WHEN new.note = 'gone' BEGIN DELETE FROM t WHERE id = new.id; END;";

/// Place, number, status and reason, as of [`ends`].
type End = (u64, u64, OutcomeStatus, Option<&'static str>);

impl Fixture {
    fn owners(&self) -> Vec<String> {
        self.column("SELECT id || owner || note FROM t ORDER BY id")
    }
}

#[track_caller]
fn check(
    table: &str,
    operation: Operation,
    shape: &impl Serialize,
    records: &[Vec<Value>],
    (expected, left): (&[End], &[&str]),
) {
    let fixture = Fixture::new(&format!("{table}{TRIGGERS}"));
    let answer = fixture.write(operation, shape, records, &[text("ann")]).unwrap();
    assert_eq!(ends(&answer), expected, "{table}");
    assert_eq!(fixture.owners(), left, "{table}");
}

const REFUSED: Option<&str> = Some("check_failed");
use OutcomeStatus::Failed;

#[test]
fn a_new_row_is_checked_as_its_triggers_leave_it() {
    let rule = Some(eq("owner", 0));
    let shape = Insert { check: rule, on_error: OnError::Continue, ..insert(&["id", "owner", "note"]) };
    let records = [
        record![int(3), text("ann"), text("bob")],
        record![int(4), text("ann"), text("x")],
        record![int(5), text("bob"), text("x")],
        record![int(6), text("ann"), text("gone")],
    ];
    let ends = [(0, 1, Failed, REFUSED), (2, 1, Failed, REFUSED), (3, 1, Failed, REFUSED)];
    for table in TABLES {
        check(table, Operation::Insert, &shape, &records, (&ends, &["1annold", "2annold", "4annx"]));
    }
}

#[test]
fn a_trigger_may_bring_a_new_row_into_the_rule() {
    let shape = Insert {
        check: Some(eq("owner", 0)),
        returning: paths(&["id", "note"]),
        ..insert(&["id", "owner", "note"])
    };
    let records = [record![int(3), text("bob"), text("ann")]];
    // The key of the last table has the owner in it: the row is not found again there.
    for table in &TABLES[..3] {
        check(table, Operation::Insert, &shape, &records, (&[], &["1annold", "2annold", "3annann"]));
    }
    let refused = [(0, 1, Failed, REFUSED)];
    check(TABLES[3], Operation::Insert, &shape, &records, (&refused, &["1annold", "2annold"]));
}

#[test]
fn a_changed_row_is_checked_as_its_triggers_leave_it() {
    let rule = || Some(eq("owner", 0));
    let shape = Update { check: rule(), on_error: OnError::Continue, ..update(by_id(None), &["note"]) };
    let records = [record![int(1), text("bob")], record![int(2), text("x")]];
    let ends = [(0, 1, Failed, REFUSED)];
    for table in TABLES {
        check(table, Operation::Update, &shape, &records, (&ends, &["1annold", "2annx"]));
    }
    let shape = Upsert { check: rule(), on_error: OnError::Continue, ..upsert(&["id", "owner", "note"]) };
    let records = [record![int(1), text("ann"), text("bob")], record![int(2), text("ann"), text("x")]];
    for table in &TABLES[..3] {
        check(table, Operation::Upsert, &shape, &records, (&ends, &["1annold", "2annx"]));
    }
}

#[test]
fn a_change_by_filter_is_checked_as_the_triggers_leave_each_row() {
    let rows = Selector::Where(Filter::Always(true));
    let shape = Update { check: Some(eq("owner", 0)), ..update(rows, &["note"]) };
    for table in TABLES {
        let fixture = Fixture::new(&format!("{table}{TRIGGERS}"));
        let write =
            |note: &str| fixture.write(Operation::Update, &shape, &[record![text(note)]], &[text("ann")]);
        let error = write("bob").unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::RuleViolated, REFUSED), "{table}");
        assert_eq!(fixture.owners(), ["1annold", "2annold"], "{table}");
        write("x").unwrap();
        assert_eq!(fixture.owners(), ["1annx", "2annx"], "{table}");
    }
}
