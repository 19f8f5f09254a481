//! Records that share calls, and the shapes of the calls.

use connector_api::model::{
    CompareOp, Delete, Existing, Expr, Filter, Insert, OnError, Path, Selector, TableRef, Update, UpdateMode,
    Upsert, Value,
};
use serde_json::{Value as Json, json};

use super::{Bench, Call, Change, Gathered, Kind, Selection, TableWrite, cells, members, rule, text};
use crate::request::filter;
use crate::request::{Fields, Term};

fn paths(names: &[&str]) -> Vec<Path> {
    names.iter().map(|name| Path::column(*name)).collect()
}

fn equals(name: &str, param: usize) -> Filter {
    Filter::Compare { op: CompareOp::Eq, left: Expr::Column(Path::column(name)), right: Expr::Param(param) }
}

/// The calls of these records, in the way that an operation makes them.
fn calls(bench: &Bench, kind: Kind, request: &TableWrite, records: &[Json]) -> Vec<Call> {
    let mut write = bench.write(kind, Selection::Keys, request).unwrap();
    let mut gathered = Gathered::default();
    let mut calls = Vec::new();
    bench.with(|scope| {
        for (index, record) in records.iter().enumerate() {
            let planned = write.record(members(record), None, index, scope).unwrap();
            if !gathered.takes(&planned) {
                calls.push(gathered.call(&write, scope).unwrap());
            }
            gathered.add(planned);
            if gathered.is_full(&write, scope.capabilities) {
                calls.push(gathered.call(&write, scope).unwrap());
            }
        }
        if !gathered.is_empty() {
            calls.push(gathered.call(&write, scope).unwrap());
        }
    });
    calls
}

fn counts(calls: &[Call]) -> Vec<u32> {
    calls.iter().map(|call| call.records).collect()
}

#[test]
fn records_share_a_call_and_what_one_lacks_is_absent() {
    let records =
        [json!({ "name": "a", "qty": 1 }), json!({ "name": "b" }), json!({ "qty": 3, "name": "c" })];
    let [call] = calls(&Bench::new(), Kind::Insert, &TableWrite::default(), &records).try_into().unwrap();
    let expected = Insert {
        into: TableRef::new("stock"),
        columns: paths(&["name", "qty"]),
        compute: Vec::new(),
        on_error: OnError::Stop,
        check: None,
        returning: paths(&["id"]),
        others: false,
        need: Vec::new(),
    };
    assert_eq!((&call.change, call.records), (&Change::Insert(expected), 3));
    let expected = [text("a"), Value::I64(1), text("b"), Value::Absent, text("c"), Value::I64(3)];
    assert_eq!(cells(&call), expected);
}

#[test]
fn a_column_that_is_new_begins_a_call_and_is_kept_for_the_next_ones() {
    let records = [
        json!({ "name": "a" }),
        json!({ "name": "b", "qty": 2 }),
        json!({ "name": "c" }),
        json!({ "name": "d" }),
    ];
    let calls = calls(&Bench::new(), Kind::Insert, &TableWrite::default(), &records);
    assert_eq!(counts(&calls), [1, 3]);
    assert_eq!(
        cells(&calls[1]),
        [text("b"), Value::I64(2), text("c"), Value::Absent, text("d"), Value::Absent]
    );
}

#[test]
fn records_with_other_expressions_need_a_call_of_their_own() {
    let computed = |id: u8, by: u8| json!({ "id": id, "qty": { "expression": format!("qty + {by}") } });
    let records = [computed(1, 1), computed(2, 1), computed(3, 2), json!({ "id": 4, "qty": 5 })];
    let calls = calls(&Bench::new(), Kind::Update, &TableWrite::default(), &records);
    assert_eq!(counts(&calls), [2, 1, 1]);
    assert_eq!(calls[0].params, [Value::I64(1)]);
    assert_eq!(calls[1].params, [Value::I64(2)]);
    assert_eq!(cells(&calls[0]), [Value::I64(1), Value::I64(2)]);
    assert_eq!(cells(&calls[2]), [Value::I64(4), Value::I64(5)]);
}

#[test]
fn calls_keep_to_the_limits_of_the_service() {
    let records: Vec<Json> = (0..7).map(|id| json!({ "id": id, "qty": 1 })).collect();
    let mut bench = Bench::new();
    bench.can.max_records = Some(3);
    assert_eq!(counts(&calls(&bench, Kind::Update, &TableWrite::default(), &records)), [3, 3, 1]);
    // One value is the rule's, two are each record's.
    bench.can.max_records = None;
    bench.can.max_parameters = Some(10);
    bench.rules = vec![rule("owner", "{user.id}")];
    assert_eq!(counts(&calls(&bench, Kind::Update, &TableWrite::default(), &records)), [4, 3]);
}

#[test]
fn a_call_carries_a_quarter_of_a_mebibyte_or_little_more() {
    let long = "x".repeat(100 * 1024);
    let records: Vec<Json> = (0..7).map(|_| json!({ "name": long })).collect();
    let calls = calls(&Bench::new(), Kind::Insert, &TableWrite::default(), &records);
    assert_eq!(counts(&calls), [3, 3, 1]);
}

#[test]
fn a_key_that_is_not_unique_is_alone_in_its_call() {
    let request = TableWrite { id_field: vec!["Owner".to_owned()], ..TableWrite::default() };
    let records = [json!({ "owner": 1, "qty": 2 }), json!({ "owner": 2, "qty": 2 })];
    assert_eq!(counts(&calls(&Bench::new(), Kind::Update, &request, &records)), [1, 1]);
}

#[test]
fn a_rule_of_a_change_holds_before_and_after() {
    let mut bench = Bench::new();
    bench.rules = vec![rule("owner", "{user.id}")];
    let call = bench.call(Kind::Update, &json!({ "id": 1, "qty": 5 }), None).unwrap();
    let rule = Filter::And(vec![equals("owner", 0)]);
    let expected = Update {
        table: TableRef::new("stock"),
        rows: Selector::Keys { columns: paths(&["id"]), guard: Some(rule.clone()) },
        set: paths(&["qty"]),
        compute: Vec::new(),
        mode: UpdateMode::Merge,
        check: Some(rule),
        on_error: OnError::Stop,
        returning: paths(&["id"]),
        others: false,
        need: Vec::new(),
    };
    assert_eq!((call.change, call.params), (Change::Update(expected), vec![Value::I64(7)]));
}

#[test]
fn a_rule_of_a_new_row_holds_after_and_of_a_removal_before() {
    let mut bench = Bench::new();
    bench.rules = vec![rule("owner", "{user.id}")];
    let owned = Some(Filter::And(vec![equals("owner", 0)]));
    let call = bench.call(Kind::Insert, &json!({ "name": "x" }), None).unwrap();
    assert!(matches!(call.change, Change::Insert(Insert { check, .. }) if check == owned));
    let call = bench.call(Kind::Delete, &json!({ "id": 1 }), None).unwrap();
    let expected = Delete {
        from: TableRef::new("stock"),
        rows: Selector::Keys { columns: paths(&["id"]), guard: owned },
        on_error: OnError::Stop,
        returning: paths(&["id"]),
        others: false,
        need: Vec::new(),
    };
    assert_eq!(call.change, Change::Delete(expected));
}

#[test]
fn an_upsert_has_its_key_in_front_and_the_rules_of_both_verbs() {
    let mut bench = Bench::new();
    bench.rules = vec![rule("owner", "{user.id}")];
    bench.rules_of_new_rows = vec![rule("state", "new")];
    let call = bench.call(Kind::Upsert, &json!({ "qty": 5, "id": 3 }), None).unwrap();
    let owned = Filter::And(vec![equals("owner", 0)]);
    let expected = Upsert {
        into: TableRef::new("stock"),
        columns: paths(&["id", "qty"]),
        key: paths(&["id"]),
        existing: Existing::Merge,
        guard: Some(owned.clone()),
        check: Some(Filter::And(vec![owned, Filter::And(vec![equals("state", 1)])])),
        on_error: OnError::Stop,
        returning: paths(&["id"]),
        others: false,
        need: Vec::new(),
    };
    assert_eq!(call.change, Change::Upsert(expected));
    assert_eq!(cells(&call), [Value::I64(3), Value::I64(5)]);
    assert_eq!(call.params, [Value::I64(7), text("new")]);
}

#[test]
fn a_filter_and_the_rules_say_which_rows_a_write_touches() {
    let mut bench = Bench::new();
    bench.rules = vec![rule("owner", "{user.id}")];
    let node = filter::parse("qty = 5", &filter::Params::new()).unwrap().unwrap();
    let rows = |selection| {
        let write = bench.write(Kind::Delete, selection, &TableWrite::default()).unwrap();
        let call = bench.with(|scope| Gathered::default().call(&write, scope)).unwrap();
        let Change::Delete(shape) = call.change else { panic!("no removal") };
        (shape.rows, shape.returning, call.params, call.records)
    };
    let owned = Filter::And(vec![equals("owner", 0)]);
    assert_eq!(
        rows(Selection::Matching(Box::new(node))),
        (
            Selector::Where(Filter::And(vec![owned.clone(), equals("qty", 1)])),
            paths(&["id"]),
            vec![Value::I64(7), Value::I64(5)],
            0
        )
    );
    assert_eq!(rows(Selection::All), (Selector::Where(owned), Vec::new(), vec![Value::I64(7)], 0));
}

#[test]
fn of_a_limited_write_the_filter_guards_each_key_beside_the_rules() {
    let mut bench = Bench::new();
    bench.rules = vec![rule("owner", "{user.id}")];
    let node = filter::parse("qty = 5", &filter::Params::new()).unwrap().unwrap();
    let selection = Selection::Some(Box::new(node));
    let mut write = bench.write(Kind::Delete, selection, &TableWrite::default()).unwrap();
    let call = bench.with(|scope| {
        let mut gathered = Gathered::default();
        gathered.add(write.record(members(&json!({ "id": 3 })), None, 0, scope).unwrap());
        gathered.call(&write, scope).unwrap()
    });
    let Change::Delete(shape) = call.change else { panic!("no removal") };
    let guard = Filter::And(vec![Filter::And(vec![equals("owner", 0)]), equals("qty", 1)]);
    assert_eq!(shape.rows, Selector::Keys { columns: paths(&["id"]), guard: Some(guard) });
    assert_eq!((call.params, call.records), (vec![Value::I64(7), Value::I64(5)], 1));
}

#[test]
fn without_rules_all_rows_are_all() {
    let bench = Bench::new();
    let write = bench.write(Kind::Delete, Selection::All, &TableWrite::default()).unwrap();
    let call = bench.with(|scope| Gathered::default().call(&write, scope)).unwrap();
    assert!(matches!(
        call.change,
        Change::Delete(Delete { rows: Selector::Where(Filter::Always(true)), .. })
    ));
}

#[test]
fn continue_goes_on_after_a_failed_record() {
    let request = TableWrite { is_continued: true, ..TableWrite::default() };
    let [call] = calls(&Bench::new(), Kind::Delete, &request, &[json!({ "id": 1 })]).try_into().unwrap();
    assert!(matches!(call.change, Change::Delete(Delete { on_error: OnError::Continue, .. })));
}

#[test]
fn the_answer_shows_the_key_unless_other_columns_are_asked_for() {
    let shown = |fields: Fields, as_list: bool| {
        let request = TableWrite { fields, as_list, ..TableWrite::default() };
        let write = Bench::new().write(Kind::Insert, Selection::Keys, &request).unwrap();
        write.shown().iter().map(|shown| shown.column.to_string()).collect::<Vec<_>>()
    };
    let named = || Fields::Named(["QTY", "id"].map(|name| Term::name(name).into()).to_vec());
    assert_eq!(shown(Fields::Absent, false), ["id"]);
    assert_eq!(shown(Fields::Identifiers, false), ["id"]);
    assert_eq!(shown(named(), false), ["qty", "id"]);
    assert_eq!(shown(named(), true), ["id"]);
    assert_eq!(shown(Fields::All, false).len(), 15);
}
