//! Writes: what is stored, what is answered, and what becomes of records that fail.

use connector_api::Result;
use connector_api::author::{Affected, ErrorKind, Operation, OutcomeStatus, Value};
use serde_json::{Value as Json, json};

use super::{Answer, With, ask, cells, compare, open, opened, plain, stored, things};

/// Asks for a write of these records; parameters are 10, 20 and `"a"`.
fn write(service: u64, operation: Operation, head: &Json, records: &Json) -> Result<Answer> {
    let records: Vec<_> = records.as_array().unwrap().iter().map(cells).collect();
    let params = [Value::I64(10), Value::I64(20), Value::Text("a".into())];
    ask(service, operation, head, &With { params: &params, records: &records, session: None })
}

fn insert(columns: &[&str], extra: &Json) -> Json {
    let columns: Vec<_> = columns.iter().map(|column| [column]).collect();
    with(json!({"into": {"name": "thing"}, "columns": columns, "on_error": "stop"}), extra)
}

fn update(rows: &Json, set: &[&str], extra: &Json) -> Json {
    let set: Vec<_> = set.iter().map(|column| [column]).collect();
    with(
        json!({"table": {"name": "thing"}, "rows": rows, "set": set, "mode": "merge", "on_error": "stop"}),
        extra,
    )
}

fn delete(rows: &Json, extra: &Json) -> Json {
    with(json!({"from": {"name": "thing"}, "rows": rows, "on_error": "stop"}), extra)
}

fn with(mut head: Json, extra: &Json) -> Json {
    head.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    head
}

fn by(columns: &[&str]) -> Json {
    let columns: Vec<_> = columns.iter().map(|column| [column]).collect();
    json!({"keys": {"columns": columns}})
}

fn times_ten(column: &str) -> Json {
    let product = json!({"op": "mul", "left": {"column": [column]}, "right": {"param": 0}});
    json!([{"column": [column], "value": {"arithmetic": product}}])
}

/// Index, records, status and reason of each outcome, for short.
fn outcomes(answer: &Answer) -> Vec<(u64, u64, OutcomeStatus, String)> {
    let reason = |outcome: &connector_api::author::Outcome| {
        outcome.error.as_ref().and_then(|error| error.reason.as_deref()).unwrap_or_default().to_owned()
    };
    answer.outcomes.iter().map(|it| (it.index, it.count, it.status, reason(it))).collect()
}

fn affected(matched: Option<u64>, changed: u64) -> Option<Affected> {
    Some(Affected { matched, changed: Some(changed) })
}

fn three() -> [Json; 3] {
    [json!([1, "a", 10, null]), json!([2, "b", 20, "two"]), json!([3, null, 30, null])]
}

/// The write stores these things and gives these rows back.
fn check(operation: Operation, head: &Json, records: &Json, stores: &[Json], gives: &[Json]) -> Answer {
    let service = open(&things()).unwrap();
    let answer = write(service, operation, head, records).unwrap();
    assert_eq!(stored(service, None), stores, "{head}");
    assert_eq!(answer.rows.iter().map(|row| plain(row)).collect::<Vec<_>>(), gives, "{head}");
    answer
}

/// One record fails so, and nothing is stored.
fn check_failure(operation: Operation, head: &Json, record: &Json, expected: (ErrorKind, &str, &str)) {
    let service = open(&things()).unwrap();
    let answer = write(service, operation, head, &json!([record])).unwrap();
    let error = answer.outcomes[0].error.clone().unwrap();
    let words = [error.reason, error.sqlstate].map(Option::unwrap_or_default);
    assert_eq!((error.kind, &*words[0], &*words[1]), expected, "{head} {record}");
    assert_eq!((answer.outcomes[0].status, stored(service, None)), (OutcomeStatus::Failed, three().to_vec()));
}

#[test]
fn an_insert_numbers_rows_applies_defaults_and_gives_rows_back_in_order() {
    let [a, b, c] = three();
    let answer = check(
        Operation::Insert,
        &insert(&["code", "amount"], &json!({"returning": [["id"], ["amount"]]})),
        &json!([["x", "-"], [null, 7]]),
        &[a, b, c, json!([4, "x", 1, null]), json!([5, null, 7, null])],
        &[json!([4, 1]), json!([5, 7])],
    );
    assert_eq!((answer.summary.affected, answer.outcomes.len()), (affected(None, 2), 0));
}

#[test]
fn numbers_go_on_above_the_greatest_that_was_given() {
    let [a, b, c] = three();
    let head = insert(&["id"], &json!({"returning": [["id"]]}));
    let stores = [a, b, c, json!([9, null, 1, null]), json!([10, null, 1, null])];
    check(Operation::Insert, &head, &json!([[9], ["-"]]), &stores, &[json!([9]), json!([10])]);
}

#[test]
fn an_insert_computes_columns() {
    let [a, b, c] = three();
    let sum = json!({"arithmetic": {"op": "add", "left": {"param": 0}, "right": {"param": 1}}});
    let head = insert(&["code"], &json!({"compute": [{"column": ["amount"], "value": sum}]}));
    check(Operation::Insert, &head, &json!([["x"]]), &[a, b, c, json!([4, "x", 30, null])], &[]);
}

#[test]
fn a_record_that_breaks_a_rule_of_the_table_fails_with_its_reason() {
    use ErrorKind::{Conflict, InvalidRequest, NotFound, RuleViolated};
    let insert = insert(&["id", "code", "amount"], &json!({"check": compare("le", "amount", 1)}));
    let merge = update(&by(&["id"]), &["code", "amount"], &json!({"check": compare("le", "amount", 1)}));
    for (operation, head, record, kind, reason, sqlstate) in [
        (Operation::Insert, &insert, json!([2, "x", 5]), Conflict, "unique_violation", "23505"),
        (Operation::Insert, &insert, json!([9, "a", 5]), Conflict, "unique_violation", "23505"),
        (Operation::Insert, &insert, json!([9, "x", null]), InvalidRequest, "not_null_violation", "23502"),
        (Operation::Insert, &insert, json!([null, "x", 5]), InvalidRequest, "not_null_violation", "23502"),
        (Operation::Insert, &insert, json!([9, 5, 5]), InvalidRequest, "datatype_mismatch", "22000"),
        (Operation::Insert, &insert, json!([9, "x", 1_i64 << 31]), InvalidRequest, "out_of_range", "22003"),
        (Operation::Insert, &insert, json!([9, "x", 21]), RuleViolated, "check_failed", ""),
        (Operation::Update, &merge, json!([1, "b", 5]), Conflict, "unique_violation", "23505"),
        (Operation::Update, &merge, json!([1, "x", 21]), RuleViolated, "check_failed", ""),
        (Operation::Update, &merge, json!([9, "x", 5]), NotFound, "row_not_found", ""),
        (Operation::Update, &merge, json!([null, "x", 5]), NotFound, "row_not_found", ""),
        (Operation::Delete, &delete(&by(&["id"]), &json!({})), json!([9]), NotFound, "row_not_found", ""),
    ] {
        check_failure(operation, head, &record, (kind, reason, sqlstate));
    }
}

#[test]
fn a_null_in_a_unique_key_is_equal_to_nothing() {
    let [a, b, c] = three();
    let stores = [a, b, c, json!([4, null, 1, null])];
    check(Operation::Insert, &insert(&["code"], &json!({})), &json!([[null]]), &stores, &[]);
}

#[test]
fn a_failed_record_stops_is_passed_over_or_undoes_the_others() {
    use OutcomeStatus::{Failed, NotRun, RolledBack};
    let (duplicate, mismatch) = (|| "unique_violation".to_owned(), || "datatype_mismatch".to_owned());
    let [a, b, c] = three();
    let (x, z) = (json!([4, "x", 1, null]), json!([5, "z", 1, null]));
    for (on_error, expected, stores, changed) in [
        ("stop", vec![(1, 1, Failed, duplicate()), (2, 3, NotRun, String::new())], vec![x.clone()], 1),
        (
            "continue",
            vec![(1, 1, Failed, duplicate()), (3, 1, Failed, mismatch()), (4, 1, Failed, duplicate())],
            vec![x, z],
            2,
        ),
        (
            "atomic",
            vec![
                (0, 1, RolledBack, String::new()),
                (1, 1, Failed, duplicate()),
                (2, 3, NotRun, String::new()),
            ],
            vec![],
            0,
        ),
    ] {
        let head = insert(&["code"], &json!({"on_error": on_error, "returning": [["code"]]}));
        let stores: Vec<_> = [&a, &b, &c].into_iter().cloned().chain(stores).collect();
        let gives: Vec<_> = stores.iter().skip(3).map(|row| json!([row[1]])).collect();
        let answer =
            check(Operation::Insert, &head, &json!([["x"], ["a"], ["z"], [7], ["z"]]), &stores, &gives);
        assert_eq!(outcomes(&answer), expected, "{on_error}");
        assert_eq!(answer.summary.affected, affected(None, changed), "{on_error}");
    }
}

#[test]
fn an_update_by_key_merges_or_replaces_and_computes_from_the_row_as_it_was() {
    let [a, _, c] = three();
    let record = json!([[2, "B"]]);
    for (extra, becomes) in [
        (json!({}), json!([2, "B", 20, "two"])),
        (json!({"mode": "replace"}), json!([2, "B", 1, null])),
        (json!({"compute": times_ten("amount")}), json!([2, "B", 200, "two"])),
        (json!({"mode": "replace", "compute": times_ten("amount")}), json!([2, "B", 200, null])),
    ] {
        let head = update(&by(&["id"]), &["code"], &with(extra, &json!({"returning": [["code"]]})));
        let stores = [a.clone(), becomes, c.clone()];
        let answer = check(Operation::Update, &head, &record, &stores, &[json!(["B"])]);
        assert_eq!(answer.summary.affected, affected(Some(1), 1));
    }
}

#[test]
fn an_absent_cell_leaves_its_column_alone_and_the_same_content_is_no_change() {
    let answer = check(
        Operation::Update,
        &update(&by(&["id"]), &["code", "note"], &json!({})),
        &json!([[2, "-", "two"]]),
        &three(),
        &[],
    );
    assert_eq!(answer.summary.affected, affected(Some(1), 0));
}

#[test]
fn a_row_is_named_by_its_primary_key_a_unique_key_or_any_columns_that_name_only_one() {
    let [a, b, c] = three();
    for (key, value) in
        [(vec!["id"], json!([2])), (vec!["code"], json!(["b"])), (vec!["note"], json!(["two"]))]
    {
        let head = delete(&by(&key), &json!({"returning": [["id"], ["note"]]}));
        let stores = [a.clone(), c.clone()];
        check(Operation::Delete, &head, &json!([value]), &stores, &[json!([2, "two"])]);
    }
    let service = open(&things()).unwrap();
    write(service, Operation::Insert, &insert(&["amount"], &json!({})), &json!([[30]])).unwrap();
    let answer =
        write(service, Operation::Delete, &delete(&by(&["amount"]), &json!({})), &json!([[30]])).unwrap();
    assert_eq!(outcomes(&answer), [(0, 1, OutcomeStatus::Failed, "ambiguous_key".to_owned())]);
    assert_eq!(stored(service, None)[..3], [a, b, c]);
}

#[test]
fn a_key_may_come_in_any_form_that_its_column_takes() {
    let config = json!({"tables": {"day": {
        "columns": [{"name": "on", "type": "date"}], "primary_key": ["on"], "rows": [{"on": "2024-05-01"}],
    }}});
    let head = json!({"from": {"name": "day"}, "rows": by(&["on"]), "on_error": "stop"});
    for (key, expected) in [("2024-05-01", 1), ("2024-05-02", 0), ("first of May", 0)] {
        let answer = write(open(&config).unwrap(), Operation::Delete, &head, &json!([[key]])).unwrap();
        assert_eq!(answer.summary.affected, affected(Some(expected), expected), "{key}");
    }
}

#[test]
fn a_guard_hides_rows_from_writes_by_key() {
    let rows = json!({"keys": {"columns": [["id"]], "guard": compare("lt", "amount", 1)}});
    let [_, b, c] = three();
    let head = update(&rows, &["note"], &json!({"on_error": "continue"}));
    let answer = check(
        Operation::Update,
        &head,
        &json!([[1, "n"], [2, "n"]]),
        &[json!([1, "a", 10, "n"]), b.clone(), c.clone()],
        &[],
    );
    assert_eq!(outcomes(&answer), [(1, 1, OutcomeStatus::Failed, "row_not_found".to_owned())]);
    let head = delete(&rows, &json!({"on_error": "continue"}));
    let answer = check(Operation::Delete, &head, &json!([[1], [2]]), &[b, c], &[]);
    assert_eq!(answer.summary.affected, affected(Some(1), 1));
}

#[test]
fn a_write_by_filter_changes_what_matched_before_it() {
    let [a, _, _] = three();
    let rows = json!({"where": compare("ge", "amount", 1)});
    let head = update(&rows, &["note"], &json!({"compute": times_ten("amount"), "returning": [["amount"]]}));
    let stores = [a.clone(), json!([2, "b", 200, "n"]), json!([3, null, 300, "n"])];
    let answer = check(Operation::Update, &head, &json!([["n"]]), &stores, &[json!([200]), json!([300])]);
    assert_eq!(answer.summary.affected, affected(Some(2), 2));
    let head = delete(&rows, &json!({"returning": [["id"]]}));
    let answer = check(Operation::Delete, &head, &json!([]), &[a], &[json!([2]), json!([3])]);
    assert_eq!(answer.summary.affected, affected(Some(2), 2));
}

#[test]
fn keys_may_move_from_one_row_to_another_in_one_write() {
    let next = json!({"arithmetic": {"op": "add", "left": {"column": ["id"]}, "right": {"param": 3}}});
    let head = json!({"table": {"name": "thing"}, "rows": {"where": {"always": true}}, "set": [], "mode": "merge",
        "on_error": "stop", "compute": [{"column": ["id"], "value": next}]});
    let service = open(&things()).unwrap();
    let params = [Value::Null, Value::Null, Value::Null, Value::I64(1)];
    ask(service, Operation::Update, &head, &With { params: &params, ..With::default() }).unwrap();
    assert_eq!(stored(service, None).iter().map(|row| row[0].clone()).collect::<Vec<_>>(), [2, 3, 4]);
    let head = insert(&["code"], &json!({"returning": [["id"]]}));
    assert_eq!(write(service, Operation::Insert, &head, &json!([["x"]])).unwrap().rows, [[Value::I64(5)]]);
}

#[test]
fn a_write_by_filter_that_breaks_a_rule_fails_as_a_whole() {
    let every = json!({"where": {"always": true}});
    for (head, record, kind) in [
        (update(&every, &["code"], &json!({})), json!([["same"]]), ErrorKind::Conflict),
        (update(&every, &["amount"], &json!({})), json!([[null]]), ErrorKind::InvalidRequest),
        (
            update(
                &every,
                &[],
                &json!({"compute": times_ten("amount"), "check": compare("lt", "amount", 1)}),
            ),
            json!([]),
            ErrorKind::RuleViolated,
        ),
    ] {
        let service = open(&things()).unwrap();
        assert_eq!(write(service, Operation::Update, &head, &record).unwrap_err().kind, kind, "{head}");
        assert_eq!(stored(service, None), three(), "{head}");
    }
}

#[test]
fn an_upsert_creates_merges_or_replaces_by_any_key() {
    let [a, _, c] = three();
    for (existing, becomes) in [("merge", json!([2, "b", 5, "two"])), ("replace", json!([2, "b", 5, null]))] {
        let head = json!({"into": {"name": "thing"}, "columns": [["amount"], ["code"]], "key": [["code"]],
            "existing": existing, "on_error": "stop", "returning": [["id"]]});
        let stores = [a.clone(), becomes, c.clone(), json!([4, "x", 6, null])];
        let gives = [json!([2]), json!([4])];
        let answer = check(Operation::Upsert, &head, &json!([[5, "b"], [6, "x"]]), &stores, &gives);
        assert_eq!(answer.summary.affected, affected(Some(1), 2));
    }
}

#[test]
fn an_upsert_keeps_to_the_guard_of_rows_that_exist_and_to_the_check_of_all() {
    let head = json!({"into": {"name": "thing"}, "columns": [["id"], ["amount"]], "key": [["id"]],
        "existing": "merge", "on_error": "continue", "guard": compare("lt", "amount", 1),
        "check": compare("le", "amount", 1)});
    let [_, b, c] = three();
    let stores = [json!([1, "a", 20, null]), b, c, json!([8, null, 5, null])];
    let records = json!([[1, 20], [2, 5], [8, 5], [9, 21], [1, 1]]);
    let answer = check(Operation::Upsert, &head, &records, &stores, &[]);
    let failed = |index, reason: &str| (index, 1, OutcomeStatus::Failed, reason.to_owned());
    assert_eq!(
        outcomes(&answer),
        [failed(1, "guard_failed"), failed(3, "check_failed"), failed(4, "guard_failed")]
    );
}

#[test]
fn a_request_that_does_not_fit_the_table_fails_before_anything_is_written() {
    let returning = json!({"returning": [["nothing"]]});
    for (operation, head, record, kind) in [
        (Operation::Insert, insert(&["nothing"], &json!({})), json!([[1]]), ErrorKind::NotFound),
        (Operation::Insert, insert(&["code"], &returning), json!([["x"]]), ErrorKind::NotFound),
        (Operation::Delete, delete(&by(&["nothing"]), &json!({})), json!([[1]]), ErrorKind::NotFound),
        (
            Operation::Update,
            update(&json!({"where": {"always": true}}), &["note"], &json!({})),
            json!([["x"], ["y"]]),
            ErrorKind::Internal,
        ),
        (
            Operation::Delete,
            delete(&json!({"where": {"is_null": {"param": 9}}}), &json!({})),
            json!([]),
            ErrorKind::Internal,
        ),
        (
            Operation::Insert,
            insert(&["code"], &json!({"columns": [["note", "inside"]]})),
            json!([["x"]]),
            ErrorKind::Unsupported,
        ),
        (
            Operation::Insert,
            with(insert(&["code"], &json!({})), &json!({"into": {"name": "nobody"}})),
            json!([["x"]]),
            ErrorKind::NotFound,
        ),
    ] {
        let service = open(&things()).unwrap();
        assert_eq!(write(service, operation, &head, &record).unwrap_err().kind, kind, "{head}");
        assert_eq!(stored(service, None), three(), "{head}");
    }
}

#[test]
fn a_read_only_service_declares_no_writes_and_refuses_them() {
    let mut config = things();
    config["read_only"] = json!(true);
    let opened = opened(&config).unwrap();
    assert!(opened.capabilities.query && opened.capabilities.aggregates);
    assert!(!opened.capabilities.insert && !opened.capabilities.transactions);
    let answer = write(opened.service, Operation::Insert, &insert(&["code"], &json!({})), &json!([["x"]]));
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Unsupported);
    let begin = ask(opened.service, Operation::Begin, &json!({}), &With::default());
    assert_eq!(begin.unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn many_records_and_many_calls_are_written_and_found_by_key() {
    let service = open(&things()).unwrap();
    let records: Json = (0..20_000).map(|n| json!([format!("c{n}")])).collect();
    write(service, Operation::Insert, &insert(&["code"], &json!({})), &records).unwrap();
    for n in 0..2000 {
        let record = json!([[format!("c{n}"), n]]);
        let answer =
            write(service, Operation::Update, &update(&by(&["code"]), &["amount"], &json!({})), &record);
        assert_eq!(answer.unwrap().outcomes, []);
    }
    let stored = stored(service, None);
    assert_eq!((stored.len(), &stored[2002]), (20_003, &json!([2003, "c1999", 1999, null])));
}
