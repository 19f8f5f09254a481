//! Changes of tables, on real files.

use connector_api::author::{Change, ChangeSchema, Column};

use super::*;

/// Keys in all the ways in which SQLite makes their indexes, and types as people spell them.
const TABLES: &str = "
    CREATE TABLE airlines (carrier TEXT NOT NULL PRIMARY KEY, name TEXT DEFAULT 'it''s');
    CREATE TABLE weather (
        origin TEXT NOT NULL REFERENCES airlines (carrier), time_hour TIMESTAMP NOT NULL, temp REAL DEFAULT -1.5,
        note, made TEXT DEFAULT (datetime('now')), PRIMARY KEY (time_hour, origin));
    CREATE TABLE flights (
        id INTEGER PRIMARY KEY, carrier VARCHAR ( 3 ) NOT NULL REFERENCES airlines (carrier) ON DELETE CASCADE,
        other TEXT REFERENCES airlines (carrier), flight UNSIGNED BIG INT, UNIQUE (carrier, flight));
    CREATE INDEX flights_by_number ON flights (flight, carrier);
    CREATE UNIQUE INDEX flights_once ON flights (other, id);
    CREATE VIEW seen AS SELECT temp FROM weather;";

fn change(fixture: &Fixture, changes: Vec<Change>, session: Option<u64>) -> Vec<(OutcomeStatus, ErrorKind)> {
    let parts = Parts { session, ..Parts::default() };
    let answer =
        call_with(fixture.service, Operation::ChangeSchema, &ChangeSchema { changes }, &parts).unwrap();
    let kind = |outcome: &Outcome| outcome.error.as_ref().map_or(ErrorKind::Internal, |error| error.kind);
    answer.outcomes.iter().map(|outcome| (outcome.status, kind(outcome))).collect()
}

fn drop_column(table: &str, name: &str) -> Change {
    Change::DropColumn { table: TableRef::new(table), name: name.to_owned() }
}

#[test]
fn a_table_that_is_made_from_its_description_is_described_as_before() {
    let fixture = Fixture::new(TABLES);
    for name in ["flights", "weather", "airlines"] {
        let before = describe(&fixture, &["airlines", "weather", "flights"]);
        let table = before.iter().find(|table| table.table.name == name).unwrap().clone();
        if name == "airlines" {
            // Others refer to it.
            let ends = change(&fixture, vec![Change::DropTable(table.table)], None);
            assert_eq!(ends, [(OutcomeStatus::Failed, ErrorKind::Conflict)]);
            continue;
        }
        let changes = vec![Change::DropTable(table.table.clone()), Change::CreateTable(table)];
        assert_eq!(change(&fixture, changes, None), []);
        assert_eq!(describe(&fixture, &["airlines", "weather", "flights"]), before);
    }
}

#[test]
fn a_change_in_a_transaction_is_undone_with_it() {
    let fixture = Fixture::new(TABLES);
    let before = describe(&fixture, &["flights"]);
    let answer = call(fixture.service, Operation::Begin, &Begin { read_only: false }, &[]).unwrap();
    let session = answer.summary.session;
    let column = Column::new("seats", ColumnType::Integer);
    let add = Change::AddColumn { table: TableRef::new("flights"), column };
    assert_eq!(change(&fixture, vec![add], session), []);
    // A call that fails leaves what was done before it.
    let ends = change(&fixture, vec![drop_column("flights", "nothing")], session);
    assert_eq!(ends, [(OutcomeStatus::Failed, ErrorKind::NotFound)]);
    let parts = Parts { session, ..Parts::default() };
    call_with(fixture.service, Operation::Rollback, &json!({}), &parts).unwrap();
    assert_eq!(describe(&fixture, &["flights"]), before);
}

#[test]
fn what_a_view_uses_stays_with_all_that_was_to_change() {
    let fixture = Fixture::new(TABLES);
    let before = describe(&fixture, &["weather", "flights"]);
    let ends = change(&fixture, vec![drop_column("flights", "flight"), drop_column("weather", "temp")], None);
    assert_eq!(ends[0].0, OutcomeStatus::Failed, "an index is over it: {ends:?}");
    let ends = change(&fixture, vec![drop_column("weather", "note"), drop_column("weather", "temp")], None);
    let expected =
        [(OutcomeStatus::RolledBack, ErrorKind::Internal), (OutcomeStatus::Failed, ErrorKind::Unsupported)];
    assert_eq!(ends, expected);
    assert_eq!(describe(&fixture, &["weather", "flights"]), before);
}
