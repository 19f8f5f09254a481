//! Groups, aggregates and distinct rows.

use connector_api::author::{Operation, Value};
use serde_json::{Value as Json, json};

use super::{call, compare, open, plain};

/// What a query on seven sales answers; parameter 0 is the limit, 1 is 5.
fn check(extra: &Json, expected: &Json) {
    let rows = [("N", "a", 1), ("S", "b", 5), ("N", "b", 3), ("S", "b", 7), ("N", "a", 3), ("W", "c", 2)];
    let mut rows: Vec<Json> =
        rows.iter().map(|(at, item, n)| json!({"at": at, "item": item, "n": n})).collect();
    rows.push(json!({"at": null, "item": "a", "n": null}));
    let service = open(&json!({"tables": {"sale": {
        "columns": [
            {"name": "at", "type": "string"}, {"name": "item", "type": "string"}, {"name": "n", "type": "integer"},
        ],
        "rows": rows,
    }}}))
    .unwrap();
    let mut head = json!({"from": {"name": "sale"}, "select": [], "limit": 0});
    head.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let (rows, _) = call(service, Operation::Query, &head, &[Value::I64(100), Value::I64(5)]).unwrap();
    let rows: Json = rows.iter().map(|row| plain(row)).collect();
    assert_eq!(rows, *expected, "{extra}");
}

fn count() -> Json {
    json!({"function": "count", "name": "rows"})
}

fn sum() -> Json {
    json!({"function": "sum", "of": ["n"], "name": "total"})
}

#[test]
fn groups_come_with_their_columns_and_then_their_aggregates() {
    check(
        &json!({"select": [["at"]], "group": {"by": [["at"]], "aggregates": [count(), sum()]}}),
        &json!([["N", 3, 7], ["S", 2, 12], ["W", 1, 2], [null, 1, null]]),
    );
    check(&json!({"group": {"aggregates": [count(), sum()]}}), &json!([[7, 21]]));
    check(
        &json!({"group": {"aggregates": [count(), sum()]}, "filter": compare("gt", "n", 0)}),
        &json!([[0, null]]),
    );
}

#[test]
fn having_and_order_may_name_aggregates() {
    let group = |having: Json| json!({"by": [["at"]], "aggregates": [sum()], "having": having});
    check(
        &json!({"select": [["at"]], "group": group(compare("gt", "total", 1)),
                "order": [{"by": ["total"], "direction": "desc"}]}),
        &json!([["S", 12], ["N", 7]]),
    );
}

#[test]
fn order_and_offset_apply_to_groups() {
    check(
        &json!({"select": [["at"]], "group": {"by": [["at"]]}, "offset": 1,
                "order": [{"by": ["at"], "direction": "asc"}]}),
        &json!([]),
    );
    check(
        &json!({"select": [["item"]], "group": {"by": [["item"], ["at"]]}, "distinct": true,
                "order": [{"by": ["item"], "direction": "desc"}]}),
        &json!([["c"], ["b"], ["a"]]),
    );
}

#[test]
fn distinct_rows_come_once_with_and_without_an_order() {
    check(
        &json!({"select": [["at"], ["item"]], "distinct": true}),
        &json!([["N", "a"], ["S", "b"], ["N", "b"], ["W", "c"], [null, "a"]]),
    );
    check(
        &json!({"select": [["item"]], "distinct": true, "order": [{"by": ["item"], "direction": "desc"}]}),
        &json!([["c"], ["b"], ["a"]]),
    );
}

#[test]
fn a_limit_counts_distinct_rows_and_groups() {
    let service = open(&json!({"tables": {"t": {
        "columns": [{"name": "n", "type": "integer"}], "rows": [{"n": 1}, {"n": 1}, {"n": 2}, {"n": 3}],
    }}}))
    .unwrap();
    for extra in [json!({"distinct": true}), json!({"group": {"by": [["n"]]}})] {
        let mut head = json!({"from": {"name": "t"}, "select": [["n"]], "limit": 0, "offset": 1});
        head.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let (rows, _) = call(service, Operation::Query, &head, &[Value::I64(1), Value::I64(1)]).unwrap();
        assert_eq!(rows, [[Value::I64(2)]], "{extra}");
    }
}
