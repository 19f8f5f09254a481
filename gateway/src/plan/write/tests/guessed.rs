//! Values for columns whose type was guessed: they keep the kind in which they are given.

use connector_api::model::Value;
use serde_json::{Value as Json, json};

use super::{Bench, Change, Kind, cells, text};
use crate::request::{TableWrite, path_id};

/// The columns of the bench, all of them guessed.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.table.columns.iter_mut().for_each(|column| column.is_guessed = true);
    (bench.table.is_open, bench.can.open_columns) = (true, true);
    bench
}

#[track_caller]
fn check(column: &str, value: Json, expected: Value) {
    let record = json!({ column: value });
    let call = bench().call(Kind::Update, &record, Some(&path_id("1"))).unwrap();
    assert_eq!(cells(&call).pop(), Some(expected), "{record}");
}

#[test]
fn a_value_keeps_its_kind_whatever_was_seen_in_its_column() {
    for column in ["qty", "big", "price", "ratio", "is_sold", "anything", "new"] {
        check(column, json!("007"), text("007"));
        check(column, json!(""), text(""));
        check(column, json!("x"), text("x"));
        check(column, json!(true), Value::Bool(true));
        check(column, json!(1_i64 << 40), Value::I64(1 << 40));
        check(column, json!(18_446_744_073_709_551_615_u64), Value::U64(u64::MAX));
        check(column, json!([]), Value::List(vec![]));
        check(column, json!({"a": 1}), Value::Object(vec![("a".to_owned(), Value::I64(1))]));
        check(column, json!(null), Value::Null);
    }
    let digits = "0.1000000000000000055511151231257827";
    check("ratio", serde_json::from_str(digits).unwrap(), Value::Decimal(digits.to_owned()));
    check("name", json!(5), Value::I64(5));
    check("photo", json!("aGk="), Value::Bytes(b"hi".to_vec()));
    check("photo", json!("no bytes"), text("no bytes"));
    check("data", json!({"a": 1}), Value::Object(vec![("a".to_owned(), Value::I64(1))]));
}

#[test]
fn where_all_values_are_texts_what_was_seen_says_what_they_mean() {
    let request = TableWrite { are_texts: true, ..TableWrite::default() };
    for (column, value, expected) in [
        ("qty", "7", Value::I64(7)),
        ("qty", "007", text("007")),
        ("qty", "x", text("x")),
        ("is_sold", "true", Value::Bool(true)),
        ("name", "7", text("7")),
        ("new", "7", text("7")),
    ] {
        let call =
            bench().call_with(Kind::Update, &json!({ "id": "7", column: value }), None, &request).unwrap();
        assert_eq!(cells(&call), [Value::I64(7), expected], "{column}: {value}");
    }
}

#[test]
fn a_key_in_a_record_keeps_its_kind() {
    for (id, expected) in [(json!("88"), text("88")), (json!(88), Value::I64(88))] {
        let call = bench().call(Kind::Update, &json!({ "id": id, "qty": 1 }), None).unwrap();
        assert_eq!(cells(&call), [expected, Value::I64(1)]);
    }
}

#[test]
fn an_expression_is_the_long_form_alone_whatever_was_seen() {
    let long = json!({ "expression": { "type": "string", "value": "qty + 1" } });
    let documents = [
        json!({ "expression": "qty + 1" }),
        json!({ "expression": { "value": "qty + 1" }, "more": 1 }),
        json!({ "expression": { "value": "qty + 1", "more": 1 } }),
        json!({ "expression": { "value": 1 } }),
    ];
    for column in ["qty", "name", "data", "tags", "anything", "new"] {
        let computed = |value: &Json| {
            let call = bench().call(Kind::Update, &json!({ column: value }), Some(&path_id("1"))).unwrap();
            let Change::Update(update) = call.change else { panic!("{column}") };
            update.compute.len()
        };
        assert_eq!(computed(&long), 1, "{column}");
        for document in &documents {
            assert_eq!(computed(document), 0, "{column}: {document}");
        }
    }
}
