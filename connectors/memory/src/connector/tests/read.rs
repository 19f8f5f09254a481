//! Reading rows: filters, order, page, descriptions.

use connector_api::author::{ErrorKind, Operation, Value};
use serde_json::{Value as Json, json};

use super::{call, eq, open, people};

/// The ids that a query gives, with a limit of 100 as parameter 0 and these parameters behind it.
fn ids(extra: &Json, params: &[Value]) -> Vec<i64> {
    let service = open(&people()).unwrap();
    let mut head = json!({"from": {"name": "people"}, "select": [["id"]], "limit": 0});
    head.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let params: Vec<Value> = std::iter::once(Value::I64(100)).chain(params.iter().cloned()).collect();
    let (rows, _) = call(service, Operation::Query, &head, &params).unwrap();
    rows.iter()
        .map(|row| match row.as_slice() {
            [Value::I64(id)] => *id,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn order(by: &str, direction: &str, nulls: Option<&str>) -> Json {
    let mut order = json!({"by": [by], "direction": direction});
    if let Some(nulls) = nulls {
        order["nulls"] = json!(nulls);
    }
    order
}

#[test]
fn rows_come_in_stored_order_without_an_order() {
    assert_eq!(ids(&json!({}), &[]), [1, 2, 3, 4, 5]);
}

#[test]
fn a_filter_reaches_into_documents_and_not_skips_what_is_unknown() {
    let oslo = [Value::Text("Oslo".into())];
    let city = eq(&["address", "city"], 1);
    assert_eq!(ids(&json!({"filter": city}), &oslo), [1, 3]);
    assert_eq!(ids(&json!({"filter": {"not": city}}), &oslo), [2]);
    let is_null = json!({"is_null": {"column": ["address", "city"]}});
    assert_eq!(ids(&json!({"filter": is_null}), &oslo), [4, 5]);
}

#[test]
fn an_order_has_directions_nulls_and_keeps_equal_rows_as_stored() {
    for (by, expected) in [
        (vec![order("born", "asc", None)], vec![2, 4, 3, 1, 5]),
        (vec![order("born", "desc", None)], vec![1, 5, 3, 2, 4]),
        (vec![order("born", "asc", Some("last"))], vec![3, 1, 5, 2, 4]),
        (vec![order("born", "desc", Some("first")), order("id", "desc", None)], vec![4, 2, 5, 1, 3]),
    ] {
        assert_eq!(ids(&json!({"order": by}), &[]), expected, "{by:?}");
    }
}

#[test]
fn limit_and_offset_cut_rows_with_and_without_an_order() {
    let service = open(&people()).unwrap();
    for (order, expected) in [(json!([]), [2, 3]), (json!([order("id", "desc", None)]), [4, 3])] {
        let head =
            json!({"from": {"name": "people"}, "select": [["id"]], "limit": 0, "offset": 1, "order": order});
        let (rows, _) = call(service, Operation::Query, &head, &[Value::I64(2), Value::I64(1)]).unwrap();
        assert_eq!(rows, expected.map(|id| vec![Value::I64(id)]));
    }
}

#[test]
fn selected_columns_come_in_the_order_asked_for_nested_ones_included() {
    let service = open(&people()).unwrap();
    let head = json!({"from": {"name": "people"}, "select": [["address", "city"], ["name"]], "limit": 0, "offset": 1});
    let (rows, _) = call(service, Operation::Query, &head, &[Value::I64(1), Value::I64(4)]).unwrap();
    assert_eq!(rows, [[Value::Absent, Value::Text("Eve".into())]]);
}

#[test]
fn count_tells_how_many_rows_match() {
    let service = open(&people()).unwrap();
    let all = json!({"from": {"name": "people"}});
    let some = json!({"from": {"name": "people"}, "filter": eq(&["name"], 0)});
    for (head, expected) in [(all, 5), (some, 1)] {
        let (rows, summary) = call(service, Operation::Count, &head, &[Value::Text("Bob".into())]).unwrap();
        assert_eq!((rows.len(), summary.count), (0, Some(expected)));
    }
}

#[test]
fn tables_are_listed_and_described() {
    let service = open(&people()).unwrap();
    let (rows, _) = call(service, Operation::ListTables, &json!({}), &[]).unwrap();
    assert_eq!(rows, [[Value::Json(r#"{"ref":{"name":"people"},"kind":"table"}"#.into())]]);
    let head =
        json!({"tables": [{"name": "nobody"}, {"name": "people"}, {"name": "people", "namespace": ["x"]}]});
    let (rows, _) = call(service, Operation::DescribeTables, &head, &[]).unwrap();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    let [Value::Json(table)] = row.as_slice() else { panic!("{row:?}") };
    let table: connector_api::author::Table = serde_json::from_str(table).unwrap();
    let nullable: Vec<_> =
        table.columns.iter().map(|column| (column.name.as_str(), column.is_nullable)).collect();
    assert_eq!(nullable, [("id", false), ("name", false), ("born", true), ("address", true)]);
    assert_eq!(table.primary_key, ["id"]);
}

#[test]
fn an_unknown_table_or_column_is_not_found() {
    let service = open(&people()).unwrap();
    for (head, message) in [
        (json!({"from": {"name": "nobody"}, "select": [["id"]], "limit": 0}), "there is no table 'nobody'"),
        (
            json!({"from": {"name": "people"}, "select": [["age"]], "limit": 0}),
            "table 'people' has no column 'age'",
        ),
    ] {
        let error = call(service, Operation::Query, &head, &[Value::I64(1)]).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::NotFound, message));
    }
}

#[test]
fn a_long_table_comes_whole_or_ends_at_the_limit() {
    let rows: Vec<Json> = (0..20_000).map(|n| json!({"n": n, "even": n % 2 == 0})).collect();
    let config = json!({"tables": {"numbers": {
        "columns": [{"name": "n", "type": "integer"}, {"name": "even", "type": "boolean"}], "rows": rows,
    }}});
    let service = open(&config).unwrap();
    let head =
        json!({"from": {"name": "numbers"}, "select": [["n"]], "limit": 0, "filter": eq(&["even"], 1)});
    for limit in [3, 100_000] {
        let (rows, _) =
            call(service, Operation::Query, &head, &[Value::I64(limit), Value::Bool(true)]).unwrap();
        assert_eq!(rows.len(), usize::try_from(limit).unwrap().min(10_000));
        assert_eq!(rows.last(), Some(&vec![Value::I64(2 * i64::try_from(rows.len() - 1).unwrap())]));
    }
}
