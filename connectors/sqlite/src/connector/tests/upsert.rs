//! Rows created or changed by key, and rows replaced.

use super::write::{TABLE, by_id, ends, eq, int, record, update};
use super::*;

pub(super) fn upsert(columns: &[&str]) -> Upsert {
    Upsert {
        into: TableRef::new("t"),
        columns: paths(columns),
        key: paths(&["id"]),
        existing: Existing::Merge,
        guard: None,
        check: None,
        on_error: OnError::Stop,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    }
}

#[test]
fn an_upsert_creates_or_changes_and_keeps_what_it_does_not_name() {
    let fixture = Fixture::new(TABLE);
    let shape = Upsert { returning: paths(&["id", "note"]), ..upsert(&["id", "note"]) };
    let records = [record![int(2), text("x")], record![int(7), text("y")], record![Value::Absent, text("z")]];
    let answer = fixture.write(Operation::Upsert, &shape, &records, &[]).unwrap();
    assert_eq!(answer.rows, [[int(2), text("x")], [int(7), text("y")], [int(8), text("z")]]);
    assert_eq!(answer.summary.affected.unwrap(), Affected { matched: Some(1), changed: None });
    assert_eq!(fixture.table()[1..], ["2:b:20:bob:x", "7:-:1:-:y", "8:-:1:-:z"]);
}

#[test]
fn an_upsert_changes_a_row_though_the_record_would_not_make_one() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, must NOT NULL, note); INSERT INTO t VALUES (1, 'm', 'n');",
    );
    let shape = Upsert { on_error: OnError::Continue, ..upsert(&["id", "note"]) };
    let records = [record![int(1), text("x")], record![int(2), text("y")]];
    let answer = fixture.write(Operation::Upsert, &shape, &records, &[]).unwrap();
    assert_eq!(ends(&answer), [(1, 1, OutcomeStatus::Failed, Some("not_null_violation"))]);
    assert_eq!(fixture.column("SELECT must || note FROM t"), ["mx"]);
}

#[test]
fn an_upsert_leaves_a_row_behind_the_guard_alone() {
    let fixture = Fixture::new(TABLE);
    let shape = Upsert {
        guard: Some(eq("owner", 0)),
        check: Some(eq("owner", 0)),
        on_error: OnError::Continue,
        ..upsert(&["id", "owner", "code"])
    };
    let records = [
        record![int(1), text("ann"), text("new")],
        record![int(2), text("ann"), text("stolen")],
        record![int(3), text("bob"), text("given")],
        record![int(4), text("ann"), text("b")],
        record![int(5), text("ann"), text("fine")],
    ];
    let answer = fixture.write(Operation::Upsert, &shape, &records, &[text("ann")]).unwrap();
    use OutcomeStatus::Failed;
    assert_eq!(
        ends(&answer),
        [
            (1, 1, Failed, Some("guard_failed")),
            (2, 1, Failed, Some("check_failed")),
            (3, 1, Failed, Some("unique_violation"))
        ]
    );
    assert_eq!(fixture.table(), ["1:new:10:ann:none", "2:b:20:bob:none", "5:fine:1:ann:none"]);
}

#[test]
fn a_key_that_is_none_is_refused() {
    let fixture = Fixture::new(TABLE);
    let shape = Upsert { key: paths(&["owner"]), ..upsert(&["owner", "note"]) };
    let error =
        fixture.write(Operation::Upsert, &shape, &[record![text("carl"), text("x")]], &[]).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::InvalidRequest, Some("key_required")));
}

#[test]
fn a_replaced_row_has_defaults_where_nothing_is_given_and_children_stay() {
    let fixture = Fixture::new(&format!(
        "{TABLE} CREATE TABLE child(t REFERENCES t ON DELETE CASCADE); INSERT INTO child VALUES (1), (2);
         UPDATE t SET note = 'old';"
    ));
    let shape = Update {
        mode: UpdateMode::Replace,
        returning: paths(&["qty", "note"]),
        ..update(by_id(Some(eq("owner", 0))), &["code", "owner"])
    };
    let records = [record![int(1), text("z"), Value::Absent], record![int(2), text("y"), Value::Absent]];
    let answer = fixture.write(Operation::Update, &shape, &records, &[text("ann")]).unwrap();
    assert_eq!(answer.rows, [[int(1), text("none")]]);
    assert_eq!(ends(&answer), [(1, 1, OutcomeStatus::Failed, Some("row_not_found"))]);
    assert_eq!(fixture.table(), ["1:z:1:-:none", "2:b:20:bob:old"]);

    let shape = Upsert { existing: Existing::Replace, ..upsert(&["id", "code"]) };
    let records = [record![int(2), text("w")], record![int(3), text("v")]];
    fixture.write(Operation::Upsert, &shape, &records, &[]).unwrap();
    assert_eq!(fixture.table(), ["1:z:1:-:none", "2:w:1:-:none", "3:v:1:-:none"]);

    let all =
        Update { mode: UpdateMode::Replace, ..update(Selector::Where(Filter::Always(true)), &["note"]) };
    let answer = fixture.write(Operation::Update, &all, &[vec![text("r")]], &[]).unwrap();
    assert_eq!(answer.summary.affected.unwrap().matched, Some(3));
    assert_eq!(fixture.table(), ["1:-:1:-:r", "2:-:1:-:r", "3:-:1:-:r"]);
    assert_eq!(fixture.column("SELECT count(*) FROM child"), ["2"]);
}

#[test]
fn a_column_added_meanwhile_is_replaced_too() {
    let fixture = Fixture::new(TABLE);
    let shape = Update { mode: UpdateMode::Replace, ..update(by_id(None), &["code"]) };
    fixture.write(Operation::Update, &shape, &[record![int(1), text("a")]], &[]).unwrap();
    fixture.change("ALTER TABLE t ADD COLUMN extra DEFAULT 'd'; UPDATE t SET extra = 'old'");
    fixture.write(Operation::Update, &shape, &[record![int(1), text("a")]], &[]).unwrap();
    assert_eq!(fixture.column("SELECT extra FROM t ORDER BY id"), ["d", "old"]);
}
