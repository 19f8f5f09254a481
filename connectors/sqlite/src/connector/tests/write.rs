//! Rows created, changed and removed: outcomes, rules, what stays and what is undone.

use super::*;

pub(super) const TABLE: &str = "
    CREATE TABLE t(
        id INTEGER PRIMARY KEY,
        code TEXT UNIQUE,
        qty INTEGER NOT NULL DEFAULT 1 CONSTRAINT positive CHECK (qty > 0),
        owner TEXT,
        note TEXT DEFAULT 'none'
    );
    INSERT INTO t(id, code, qty, owner) VALUES (1, 'a', 10, 'ann'), (2, 'b', 20, 'bob');";

pub(super) fn insert(columns: &[&str]) -> Insert {
    Insert {
        into: TableRef::new("t"),
        columns: paths(columns),
        compute: Vec::new(),
        on_error: OnError::Stop,
        check: None,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    }
}

pub(super) fn update(rows: Selector, set: &[&str]) -> Update {
    Update {
        table: TableRef::new("t"),
        rows,
        set: paths(set),
        compute: Vec::new(),
        mode: UpdateMode::Merge,
        check: None,
        on_error: OnError::Stop,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    }
}

fn delete(rows: Selector) -> Delete {
    Delete {
        from: TableRef::new("t"),
        rows,
        on_error: OnError::Stop,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    }
}

pub(super) fn by_id(guard: Option<Filter>) -> Selector {
    Selector::Keys { columns: paths(&["id"]), guard }
}

/// The column equals the parameter.
pub(super) fn eq(name: &str, param: usize) -> Filter {
    Filter::Compare { op: CompareOp::Eq, left: column(name), right: Expr::Param(param) }
}

pub(super) fn int(value: i64) -> Value {
    Value::I64(value)
}

/// The cells of a record.
macro_rules! record {
    ($($cell:expr),*) => { vec![$($cell),*] };
}
pub(super) use record;

impl Fixture {
    pub(super) fn write(
        &self,
        operation: Operation,
        shape: &impl Serialize,
        records: &[Vec<Value>],
        params: &[Value],
    ) -> std::result::Result<Answer, Error> {
        call_with(self.service, operation, shape, &Parts { params, records, session: None })
    }

    /// The table as `id:code:qty:owner:note`.
    pub(super) fn table(&self) -> Vec<String> {
        self.column(
            "SELECT concat_ws(':', id, coalesce(code, '-'), qty, coalesce(owner, '-'), coalesce(note, '-')) FROM t ORDER BY id",
        )
    }
}

/// Place, number and status of each outcome, with the reason of its error.
pub(super) fn ends(answer: &Answer) -> Vec<(u64, u64, OutcomeStatus, Option<&str>)> {
    let ends = answer.outcomes.iter().map(|outcome| {
        let reason = outcome.error.as_ref().and_then(|error| error.reason.as_deref());
        (outcome.index, outcome.count, outcome.status, reason)
    });
    ends.collect()
}

#[test]
fn new_rows_come_back_in_order_with_their_numbers_and_defaults() {
    let fixture = Fixture::new(TABLE);
    let shape = Insert { returning: paths(&["note", "id", "qty"]), ..insert(&["code", "note"]) };
    let records = [
        record![text("c"), Value::Absent],
        record![text("d"), Value::Null],
        record![Value::Absent, text("x")],
    ];
    let answer = fixture.write(Operation::Insert, &shape, &records, &[]).unwrap();
    assert_eq!(answer.columns, ["note", "id", "qty"]);
    assert_eq!(
        answer.rows,
        [[text("none"), int(3), int(1)], [Value::Null, int(4), int(1)], [text("x"), int(5), int(1)]]
    );
    assert_eq!(answer.summary.affected.unwrap(), Affected { matched: None, changed: Some(3) });
    assert_eq!(
        answer.summary.statement.as_deref(),
        Some(r#"INSERT INTO "t" ("code") VALUES (?1) RETURNING "note", "id", "qty""#)
    );
    assert_eq!(fixture.table()[2..], ["3:c:1:-:none", "4:d:1:-:-", "5:-:1:-:x"]);
}

#[test]
fn a_record_of_nothing_is_a_row_of_defaults() {
    let fixture = Fixture::new(TABLE);
    let shape = Insert { returning: paths(&["id"]), ..insert(&[]) };
    let answer = fixture.write(Operation::Insert, &shape, &[vec![], vec![]], &[]).unwrap();
    assert_eq!(answer.rows, [[int(3)], [int(4)]]);
    let answer = fixture.write(Operation::Insert, &insert(&["code"]), &[vec![Value::Absent]], &[]).unwrap();
    assert_eq!(answer.summary.affected.unwrap().changed, Some(1));
    assert_eq!(fixture.table().len(), 5);
}

#[test]
fn a_failed_record_stops_is_passed_over_or_undoes_all_as_asked() {
    use OutcomeStatus::{Failed, NotRun, RolledBack};
    let unique = Some("unique_violation");
    let records: Vec<_> = ["c", "a", "d", "b", "e"].map(|code| vec![text(code)]).to_vec();
    for (on_error, expected, stays, changed) in [
        (OnError::Stop, vec![(1, 1, Failed, unique), (2, 3, NotRun, None)], "c", 1),
        (OnError::Continue, vec![(1, 1, Failed, unique), (3, 1, Failed, unique)], "c,d,e", 3),
        (
            OnError::Atomic,
            vec![(0, 1, RolledBack, None), (1, 1, Failed, unique), (2, 3, NotRun, None)],
            "",
            0,
        ),
    ] {
        let fixture = Fixture::new(TABLE);
        let shape = Insert { on_error, returning: paths(&["code"]), ..insert(&["code"]) };
        let answer = fixture.write(Operation::Insert, &shape, &records, &[]).unwrap();
        assert_eq!(ends(&answer), expected, "{on_error:?}");
        assert_eq!(answer.summary.affected.unwrap().changed, Some(changed));
        assert_eq!(
            fixture.column("SELECT group_concat(code) FROM t WHERE id > 2"),
            [if stays.is_empty() { "null" } else { stays }]
        );
        let rows: Vec<_> = answer.rows.iter().map(|row| row[0].clone()).collect();
        assert_eq!(rows, stays.split(',').filter(|code| !code.is_empty()).map(text).collect::<Vec<_>>());
    }
}

#[test]
fn each_constraint_has_its_kind_reason_and_name() {
    let fixture = Fixture::new(&format!(
        "{TABLE} CREATE TABLE child(id INTEGER PRIMARY KEY, t REFERENCES t); INSERT INTO child VALUES (1, 1);
         CREATE TABLE s(c INTEGER) STRICT;"
    ));
    let one = |shape: &Insert, cell: Value| {
        let answer = fixture.write(Operation::Insert, shape, &[vec![cell]], &[]).unwrap();
        let error = answer.outcomes[0].error.clone().unwrap();
        (error.kind, error.reason.unwrap().to_string(), error.sqlstate.unwrap().to_string(), error.message)
    };
    let into = |table: &str, name: &str| Insert { into: TableRef::new(table), ..insert(&[name]) };
    for (shape, cell, kind, reason, sqlstate, message) in [
        (into("t", "code"), text("a"), ErrorKind::Conflict, "unique_violation", "23505", "(code)"),
        (into("t", "id"), int(1), ErrorKind::Conflict, "unique_violation", "23505", "(id)"),
        (into("t", "qty"), Value::Null, ErrorKind::InvalidRequest, "not_null_violation", "23502", "(qty)"),
        (into("t", "qty"), int(0), ErrorKind::Conflict, "check_violation", "23514", "(positive)"),
        (into("child", "t"), int(9), ErrorKind::Conflict, "foreign_key_violation", "23503", "reference"),
        (into("s", "c"), text("x"), ErrorKind::InvalidRequest, "datatype_mismatch", "22000", "type"),
        (into("t", "id"), text("x"), ErrorKind::InvalidRequest, "datatype_mismatch", "22000", "type"),
        (into("t", "qty"), Value::U64(u64::MAX), ErrorKind::InvalidRequest, "out_of_range", "22003", "'qty'"),
    ] {
        let found = one(&shape, cell);
        assert_eq!((found.0, found.1.as_str(), found.2.as_str()), (kind, reason, sqlstate));
        assert!(found.3.contains(message), "{}", found.3);
    }
    let answer = fixture.write(Operation::Delete, &delete(by_id(None)), &[vec![int(1)]], &[]).unwrap();
    assert_eq!(ends(&answer), [(0, 1, OutcomeStatus::Failed, Some("foreign_key_violation"))]);
}

#[test]
fn a_request_that_can_not_be_run_writes_nothing_at_all() {
    let fixture =
        Fixture::new(&format!("{TABLE} CREATE VIEW v AS SELECT id FROM t; CREATE TABLE g(a, b AS (a + 1));"));
    let into = |table: &str, name: &str| Insert { into: TableRef::new(table), ..insert(&[name]) };
    for (shape, kind, reason) in [
        (into("nope", "a"), ErrorKind::NotFound, "table_not_found"),
        (into("T", "code"), ErrorKind::NotFound, "table_not_found"),
        (into("sqlite_schema", "name"), ErrorKind::NotFound, "table_not_found"),
        (into("t", "nope"), ErrorKind::NotFound, "column_not_found"),
        (into("t", "CODE"), ErrorKind::NotFound, "column_not_found"),
        (into("v", "id"), ErrorKind::Unsupported, "read_only_table"),
    ] {
        let shape = Insert { on_error: OnError::Continue, ..shape };
        let error = fixture.write(Operation::Insert, &shape, &[vec![int(7)]], &[]).unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (kind, Some(reason)));
    }
    let generated = fixture.write(Operation::Insert, &into("g", "b"), &[vec![int(7)]], &[]).unwrap_err();
    assert_eq!(generated.reason.as_deref(), Some("generated_column"));
    assert_eq!(fixture.table().len(), 2);
}

#[test]
fn an_update_by_key_sets_what_the_record_has_and_misses_what_is_not_there() {
    let fixture = Fixture::new(TABLE);
    let shape = Update {
        on_error: OnError::Continue,
        returning: paths(&["id", "note"]),
        ..update(by_id(None), &["qty", "note"])
    };
    let records = [
        record![int(2), int(5), text("x")],
        record![int(9), int(5), text("y")],
        record![int(1), Value::Absent, Value::Null],
        record![int(2), Value::Absent, Value::Absent],
        record![text("2"), int(5), Value::Absent],
        record![Value::Null, int(5), Value::Absent],
    ];
    let answer = fixture.write(Operation::Update, &shape, &records, &[]).unwrap();
    use OutcomeStatus::Failed;
    assert_eq!(
        ends(&answer),
        [
            (1, 1, Failed, Some("row_not_found")),
            (4, 1, Failed, Some("datatype_mismatch")),
            (5, 1, Failed, Some("row_not_found"))
        ]
    );
    assert_eq!(answer.rows, [[int(2), text("x")], [int(1), Value::Null], [int(2), text("x")]]);
    assert_eq!(answer.summary.affected.unwrap(), Affected { matched: Some(3), changed: None });
    assert_eq!(fixture.table(), ["1:a:10:ann:-", "2:b:5:bob:x"]);
}

#[test]
fn a_key_that_several_rows_have_changes_none_of_them() {
    let fixture = Fixture::new(&format!(
        "{TABLE} UPDATE t SET owner = 'ann'; INSERT INTO t(id, owner) VALUES (3, 'carl');"
    ));
    let by_owner = || Selector::Keys { columns: paths(&["owner"]), guard: None };
    let change = Update { on_error: OnError::Continue, ..update(by_owner(), &["note"]) };
    let records = [record![text("ann"), text("x")], record![text("carl"), text("y")]];
    let changed = fixture.write(Operation::Update, &change, &records, &[]).unwrap();
    let removal = delete(by_owner());
    let removed = fixture.write(Operation::Delete, &removal, &[vec![text("ann")]], &[]).unwrap();
    for answer in [changed, removed] {
        assert_eq!(ends(&answer), [(0, 1, OutcomeStatus::Failed, Some("ambiguous_key"))]);
    }
    assert_eq!(fixture.table(), ["1:a:10:ann:none", "2:b:20:ann:none", "3:-:1:carl:y"]);
}

#[test]
fn a_filter_changes_and_removes_all_that_match_in_one_statement() {
    let fixture = Fixture::new(TABLE);
    let all = Filter::Compare { op: CompareOp::Ge, left: column("qty"), right: Expr::Param(0) };
    let shape = Update {
        returning: paths(&["id"]),
        compute: vec![Assignment {
            column: Path::column("qty"),
            value: Expr::Arithmetic {
                op: ArithmeticOp::Add,
                left: Box::new(column("qty")),
                right: Box::new(Expr::Param(0)),
            },
        }],
        ..update(Selector::Where(all.clone()), &["note"])
    };
    let answer = fixture.write(Operation::Update, &shape, &[vec![text("n")]], &[int(10)]).unwrap();
    assert_eq!((answer.rows.len(), answer.summary.affected.unwrap().matched), (2, Some(2)));
    assert_eq!(fixture.table(), ["1:a:20:ann:n", "2:b:30:bob:n"]);
    let answer = fixture.write(Operation::Update, &shape, &[vec![text("n")]], &[int(99)]).unwrap();
    assert_eq!(answer.summary.affected.unwrap().matched, Some(0));

    let failing = update(Selector::Where(all.clone()), &["code"]);
    let error = fixture.write(Operation::Update, &failing, &[vec![text("same")]], &[int(1)]).unwrap_err();
    assert_eq!(error.reason.as_deref(), Some("unique_violation"));
    assert_eq!(fixture.table(), ["1:a:20:ann:n", "2:b:30:bob:n"]);

    let shape = Delete { returning: paths(&["code"]), ..delete(Selector::Where(all)) };
    let answer = fixture.write(Operation::Delete, &shape, &[], &[int(25)]).unwrap();
    assert_eq!(answer.rows, [[text("b")]]);
    assert_eq!(answer.summary.affected.unwrap(), Affected { matched: Some(1), changed: Some(1) });
    assert_eq!(fixture.table(), ["1:a:20:ann:n"]);
}

#[test]
fn a_row_behind_the_guard_is_as_missing_as_one_that_is_not_there() {
    let fixture = Fixture::new(TABLE);
    let guard = Some(eq("owner", 0));
    let change = Update { on_error: OnError::Continue, ..update(by_id(guard.clone()), &["note"]) };
    let records = [1, 2, 3].map(|id| record![int(id), text("x")]);
    let changed = fixture.write(Operation::Update, &change, &records, &[text("ann")]).unwrap();
    let removal = Delete { on_error: OnError::Continue, ..delete(by_id(guard)) };
    let keys = [1, 2, 3].map(|id| vec![int(id)]);
    let removed = fixture.write(Operation::Delete, &removal, &keys, &[text("ann")]).unwrap();
    for answer in [changed, removed] {
        let [hidden, missing] = answer.outcomes.as_slice() else { panic!("{answer:?}") };
        assert_eq!((hidden.index, hidden.count, missing.index), (1, 1, 2));
        assert_eq!(hidden.error, missing.error);
        assert_eq!(hidden.error.as_ref().unwrap().kind, ErrorKind::NotFound);
    }
    assert_eq!(fixture.table(), ["2:b:20:bob:none"]);
}

#[test]
fn a_check_that_does_not_hold_undoes_its_record() {
    use OutcomeStatus::{Failed, NotRun};
    let check = Some(eq("owner", 0));
    let violated = Some("check_failed");
    for (on_error, expected, stays) in [
        (OnError::Continue, vec![(1, 2, Failed, violated)], 2),
        (OnError::Stop, vec![(1, 1, Failed, violated), (2, 2, NotRun, None)], 1),
        (
            OnError::Atomic,
            vec![(0, 1, OutcomeStatus::RolledBack, None), (1, 1, Failed, violated), (2, 2, NotRun, None)],
            0,
        ),
    ] {
        let fixture = Fixture::new(TABLE);
        let shape = Insert { on_error, check: check.clone(), ..insert(&["owner"]) };
        let records = [text("ann"), text("bob"), Value::Null, text("ann")].map(|owner| vec![owner]);
        let answer = fixture.write(Operation::Insert, &shape, &records, &[text("ann")]).unwrap();
        let mut ends = ends(&answer);
        if on_error == OnError::Continue {
            assert_eq!(ends.pop(), Some((2, 1, Failed, violated)));
            ends[0].1 += 1;
        }
        assert_eq!(ends, expected, "{on_error:?}");
        assert_eq!(
            answer.outcomes[usize::from(on_error == OnError::Atomic)].error.as_ref().unwrap().kind,
            ErrorKind::RuleViolated
        );
        assert_eq!(fixture.table().len(), 2 + stays);
    }
    let fixture = Fixture::new(TABLE);
    let by_filter =
        Update { check: check.clone(), ..update(Selector::Where(Filter::Always(true)), &["note"]) };
    let error = fixture.write(Operation::Update, &by_filter, &[vec![text("x")]], &[text("ann")]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::RuleViolated);
    let away = Update { check, ..update(by_id(None), &["owner"]) };
    let answer =
        fixture.write(Operation::Update, &away, &[record![int(1), text("bob")]], &[text("ann")]).unwrap();
    assert_eq!(ends(&answer), [(0, 1, Failed, violated)]);
    assert_eq!(fixture.table(), ["1:a:10:ann:none", "2:b:20:bob:none"]);
}

#[test]
fn rules_may_use_every_operator_and_function() {
    let fixture = Fixture::new(TABLE);
    let lower = Expr::Call { function: Function::Lower, args: vec![column("owner")] };
    let rule = Filter::And(vec![
        Filter::Text { op: TextOp::StartsWith, expr: lower, pattern: 0 },
        Filter::In { expr: column("owner"), list: 1 },
        Filter::Not(Box::new(Filter::Between {
            expr: column("qty"),
            low: Expr::Param(2),
            high: Expr::Param(2),
        })),
    ]);
    let shape = Update {
        check: Some(rule.clone()),
        on_error: OnError::Continue,
        ..update(by_id(Some(rule)), &["owner"])
    };
    let params = [text("a"), Value::List(vec![text("ann"), text("Abe"), Value::Null]), int(20)];
    let records = [record![int(1), text("Abe")], record![int(1), text("Al")], record![int(2), text("ann")]];
    let answer = fixture.write(Operation::Update, &shape, &records, &params).unwrap();
    let reasons: Vec<_> = ends(&answer).iter().map(|end| (end.0, end.3)).collect();
    assert_eq!(reasons, [(1, Some("check_failed")), (2, Some("row_not_found"))]);
    assert_eq!(fixture.table(), ["1:a:10:Abe:none", "2:b:20:bob:none"]);
}

#[test]
fn computed_columns_are_calculated_by_the_store_or_refused() {
    let fixture = Fixture::new(TABLE);
    let compute = |param| {
        vec![Assignment {
            column: Path::column("note"),
            value: Expr::Call { function: Function::Upper, args: vec![Expr::Param(param)] },
        }]
    };
    let shape = Insert { compute: compute(0), returning: paths(&["note"]), ..insert(&["code"]) };
    let answer = fixture.write(Operation::Insert, &shape, &[vec![text("c")]], &[text("new")]).unwrap();
    assert_eq!(answer.rows, [[text("NEW")]]);
    let added = |op| Update {
        compute: vec![Assignment {
            column: Path::column("qty"),
            value: Expr::Arithmetic { op, left: Box::new(column("qty")), right: Box::new(Expr::Param(0)) },
        }],
        ..update(by_id(None), &[])
    };
    for (op, param, reason) in [
        (ArithmeticOp::Add, int(i64::MAX), Some("out_of_range")),
        (ArithmeticOp::Div, int(0), Some("not_null_violation")),
        (ArithmeticOp::Add, int(1), None),
    ] {
        let answer = fixture.write(Operation::Update, &added(op), &[vec![int(1)]], &[param]).unwrap();
        assert_eq!(ends(&answer).first().and_then(|end| end.3), reason);
    }
    for param in [Value::U64(u64::MAX), Value::Decimal("0.1234567890123456789".into())] {
        let error = fixture
            .write(Operation::Update, &added(ArithmeticOp::Add), &[vec![int(1)]], &[param])
            .unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::InvalidRequest, Some("out_of_range")));
    }
    assert_eq!(fixture.table()[0], "1:a:11:ann:none");
}

#[test]
fn the_table_s_own_conflict_rules_do_not_turn_an_insert_into_an_overwrite() {
    for rule in ["REPLACE", "IGNORE", "FAIL", "ROLLBACK"] {
        let fixture = Fixture::new(&format!(
            "CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT {rule}, note NOT NULL ON CONFLICT {rule}); INSERT INTO t VALUES (1, 'old');"
        ));
        let shape = Insert { on_error: OnError::Continue, ..insert(&["id", "note"]) };
        let records = [record![int(2), text("a")], record![int(1), text("new")], record![int(3), text("b")]];
        let answer = fixture.write(Operation::Insert, &shape, &records, &[]).unwrap();
        assert_eq!(ends(&answer), [(1, 1, OutcomeStatus::Failed, Some("unique_violation"))], "{rule}");
        let change = update(by_id(None), &["note"]);
        let answer = fixture.write(Operation::Update, &change, &[record![int(1), Value::Null]], &[]).unwrap();
        assert_eq!(ends(&answer), [(0, 1, OutcomeStatus::Failed, Some("not_null_violation"))], "{rule}");
        assert_eq!(fixture.column("SELECT id || note FROM t ORDER BY id"), ["1old", "2a", "3b"]);
    }
}

#[test]
fn triggers_keep_their_own_conflict_rules_and_what_they_refuse_is_undone() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, note); CREATE TABLE log(note UNIQUE);
         CREATE TRIGGER after_insert AFTER INSERT ON t BEGIN
             INSERT OR IGNORE INTO log VALUES (new.note);
             SELECT RAISE(FAIL, 'no') WHERE new.note = 'fail';
             SELECT RAISE(ABORT, 'no') WHERE new.note = 'abort';
             SELECT RAISE(ROLLBACK, 'no') WHERE new.note = 'rollback';
         END;
         CREATE TRIGGER before_insert BEFORE INSERT ON t WHEN new.note = 'ignore' BEGIN SELECT RAISE(IGNORE); END;",
    );
    let run = |notes: &[&str]| {
        let shape = Insert { on_error: OnError::Continue, ..insert(&["note"]) };
        let records: Vec<_> = notes.iter().map(|note| vec![text(note)]).collect();
        fixture.write(Operation::Insert, &shape, &records, &[]).unwrap()
    };
    use OutcomeStatus::{Failed, NotRun, RolledBack};
    let refused = Some("integrity_violation");
    let answer = run(&["a", "a", "fail", "abort", "ignore", "b"]);
    assert_eq!(ends(&answer), [(2, 1, Failed, refused), (3, 1, Failed, refused), (4, 1, Failed, refused)]);
    assert_eq!(fixture.column("SELECT group_concat(note) FROM t"), ["a,a,b"]);
    assert_eq!(fixture.column("SELECT group_concat(note) FROM log"), ["a,b"]);
    let answer = run(&["c", "rollback", "d"]);
    assert_eq!(ends(&answer), [(0, 1, RolledBack, None), (1, 1, Failed, refused), (2, 1, NotRun, None)]);
    assert_eq!(fixture.column("SELECT group_concat(note) FROM t"), ["a,a,b"]);
}

#[test]
fn a_view_is_written_through_its_triggers() {
    let fixture = Fixture::new(&format!(
        "{TABLE} CREATE VIEW v AS SELECT id, note FROM t;
         CREATE TRIGGER u INSTEAD OF UPDATE ON v BEGIN UPDATE t SET note = new.note WHERE id = old.id; END;"
    ));
    let shape =
        Update { table: TableRef::new("v"), on_error: OnError::Continue, ..update(by_id(None), &["note"]) };
    let answer = fixture
        .write(Operation::Update, &shape, &[record![int(1), text("x")], record![int(9), text("y")]], &[])
        .unwrap();
    assert_eq!(ends(&answer), [(1, 1, OutcomeStatus::Failed, Some("row_not_found"))]);
    assert_eq!(fixture.table()[0], "1:a:10:ann:x");
}

#[test]
fn a_deferred_reference_that_fails_in_the_end_undoes_the_call() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, up REFERENCES t DEFERRABLE INITIALLY DEFERRED);",
    );
    let shape = insert(&["id", "up"]);
    let both = [record![int(1), int(2)], record![int(2), int(1)]];
    fixture.write(Operation::Insert, &shape, &both, &[]).unwrap();
    let error = fixture.write(Operation::Insert, &shape, &[record![int(3), int(9)]], &[]).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Conflict, Some("foreign_key_violation")));
    assert_eq!(fixture.column("SELECT count(*) FROM t"), ["2"]);
    fixture.write(Operation::Insert, &shape, &[record![int(3), Value::Null]], &[]).unwrap();
}

#[test]
fn rows_too_large_to_give_back_are_not_written() {
    let fixture = Fixture::new("CREATE TABLE t(id INTEGER PRIMARY KEY, note)");
    let shape = Insert { on_error: OnError::Continue, returning: paths(&["note"]), ..insert(&["note"]) };
    let records = [vec![Value::Bytes(vec![7; 40 << 20])], vec![Value::Bytes(vec![7; 40 << 20])]];
    let error = fixture.write(Operation::Insert, &shape, &records, &[]).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::LimitExceeded, Some("too_many_rows")));
    assert_eq!(fixture.column("SELECT count(*) FROM t"), ["0"]);
}

#[test]
fn a_service_that_only_reads_declares_and_does_no_writes() {
    let fixture = Fixture::with(TABLE, json!({"read_only": true}));
    let request = json!({"service_type": "sqlite", "service": "s",
        "config": {"database": fixture.folder.path().join("a.db"), "read_only": true}});
    let messages = all((module::<Sqlite>().open)(Slice::new(request.to_string().as_bytes()))).unwrap();
    let declared = serde_json::from_slice::<Opened>(&messages[0]).unwrap().capabilities;
    assert_eq!(declared, reading());
    let error = fixture.write(Operation::Insert, &insert(&["code"]), &[vec![text("c")]], &[]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
}

#[test]
fn a_dropped_call_writes_nothing() {
    let fixture = Fixture::new("CREATE TABLE t(id INTEGER PRIMARY KEY, note)");
    let shape = insert(&["note"]);
    let records: Vec<_> = (0..200_000).map(|number| vec![int(number)]).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let parts = Parts { records: &records, ..Parts::default() };
    let mut running = Box::pin(start_with(fixture.service, Operation::Insert, &shape, &parts));
    let is_pending = runtime.block_on(poll_fn(|context| {
        std::task::Poll::Ready(running.as_mut().poll_step(context).is_pending())
    }));
    assert!(is_pending);
    drop(running);
    // The writer is free again when this is done.
    fixture.write(Operation::Insert, &shape, &[vec![text("last")]], &[]).unwrap();
    assert_eq!(fixture.column("SELECT note FROM t"), ["last"]);
}
