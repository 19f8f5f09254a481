//! Values of single records: how each type is read, what is left out, what is missing.

use connector_api::model::{ArithmeticOp, Date, Expr, Function, Path, Value};
use serde_json::{Value as Json, json};

use super::{Bench, Change, Kind, cells, refused, text};
use crate::request::{TableWrite, path_id};

/// Sets one column of the row 1 and gives its cell.
fn cell(column: &str, value: &str) -> Result<Value, String> {
    let record: Json = serde_json::from_str(&format!(r#"{{"{column}":{value}}}"#)).unwrap();
    let call = Bench::new().call(Kind::Update, &record, Some(&path_id("1")));
    call.map(|call| cells(&call).pop().unwrap()).map_err(|error| error.to_string())
}

#[track_caller]
fn check(column: &str, value: &str, expected: Value) {
    assert_eq!(cell(column, value), Ok(expected), "{column}: {value}");
}

#[track_caller]
fn check_refused(column: &str, value: &str, message: &str) {
    assert_eq!(cell(column, value), Err(message.to_owned()), "{column}: {value}");
}

#[test]
fn integers_are_whole_numbers_in_any_form() {
    check("qty", "5", Value::I64(5));
    check("qty", r#""-12""#, Value::I64(-12));
    check("qty", "2.0", Value::I64(2));
    check("qty", r#""""#, Value::Null);
    check("big", "9223372036854775807", Value::I64(i64::MAX));
    check("big", "18446744073709551615", Value::U64(u64::MAX));
    for value in ["1.5", r#""many""#, "true", "1e400", "99999999999999999999", r#""1.0e""#] {
        check_refused("qty", value, "Field 'qty' must be a valid integer.");
    }
    check_refused("qty", r#"{"a":1}"#, "Field 'qty' must be a valid single value.");
}

#[test]
fn decimals_keep_their_digits() {
    let decimal = |digits: &str| Value::Decimal(digits.to_owned());
    check("price", "12345678901234567890.12345", decimal("12345678901234567890.12345"));
    check("price", "0.10", decimal("0.10"));
    check("price", r#""19.90""#, decimal("19.90"));
    check("price", "7", Value::I64(7));
    check("price", r#"" ""#, Value::Null);
    check_refused("price", r#""dear""#, "Field 'price' must be a valid number.");
}

#[test]
fn other_types_are_read_by_their_column() {
    check("ratio", "0.5", Value::F64(0.5));
    check("ratio", r#""1e3""#, Value::F64(1000.0));
    for yes in ["true", "1", r#""yes""#, r#""ON""#] {
        check("is_sold", yes, Value::Bool(true));
    }
    for no in ["false", "0", r#""no""#] {
        check("is_sold", no, Value::Bool(false));
    }
    check_refused("is_sold", r#""perhaps""#, "Field 'is_sold' must be a valid boolean.");
    check("photo", r#""AP8Q""#, Value::Bytes(vec![0, 255, 16]));
    check_refused("photo", r#""http://x.io/p""#, "Field 'photo' must be a valid base64 text.");
    check("day", r#""1970-01-02""#, Value::Date(Date(1)));
    check("day", r#""1/2/1970""#, text("1/2/1970"));
    check("state", "5", text("5"));
    check("anything", "5", Value::I64(5));
    check("anything", r#""5""#, text("5"));
    check("anything", "true", Value::Bool(true));
}

#[test]
fn columns_of_documents_take_any_json() {
    let json = |text: &str| Value::Json(text.to_owned());
    check("data", r#"{"b":1.50,"a":[]}"#, json(r#"{"b":1.50,"a":[]}"#));
    check("data", "[]", json("[]"));
    check("data", "5", json("5"));
    check("data", r#""plain""#, json(r#""plain""#));
    check("data", r#""{\"a\": 1}""#, json(r#"{"a": 1}"#));
    check("data", r#""[not json""#, json(r#""[not json""#));
    check("data", r#"{"expression":"1"}"#, json(r#"{"expression":"1"}"#));
    check("data", "null", Value::Null);
    let list = vec![Value::I64(1), text("x"), Value::Object(vec![("a".to_owned(), Value::Null)])];
    check("tags", r#"[1,"x",{"a":null}]"#, Value::List(list));
    check("tags", "[]", Value::List(Vec::new()));
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    check_refused("tags", &deep, "Field 'tags' must be a valid document of at most 64 levels.");
}

#[test]
fn a_text_that_may_be_any_type_is_meant_by_its_column() {
    let request = TableWrite { are_texts: true, ..TableWrite::default() };
    let check = |column: &str, given: &str, expected: Value| {
        // The row is named in the record, under a header with blanks around it.
        let record = json!({ " Id ": "1", column: given });
        let call = Bench::new().call_with(Kind::Update, &record, None, &request).unwrap();
        assert_eq!(cells(&call).pop(), Some(expected), "{column}: {given}");
    };
    for column in ["qty", "price", "is_sold", "photo", "day", "data", "tags", "anything"] {
        check(column, "", Value::Null);
    }
    check("name", "", text(""));
    check("name", " 5", text(" 5"));
    check(" qty", "5", Value::I64(5));
    check("data", "5", Value::Json("5".to_owned()));
    check("data", r#""5""#, Value::Json(r#""5""#.to_owned()));
    check("data", "plain", Value::Json(r#""plain""#.to_owned()));
    check("tags", r#"[1,"x"]"#, Value::List(vec![Value::I64(1), text("x")]));
    check("anything", "5", text("5"));
}

#[test]
fn an_empty_list_is_null_and_null_stands_only_where_it_may() {
    for null in ["null", "[]"] {
        check("day", null, Value::Null);
        check("qty", null, Value::Null);
        check_refused("name", null, "Field 'name' can not be NULL.");
        check_refused("state", null, "Field 'state' can not be NULL.");
    }
    for column in ["tags", "anything"] {
        check(column, "[]", Value::List(Vec::new()));
    }
}

#[test]
fn lookups_are_values_and_unknown_ones_stay() {
    check("owner", r#""{user.id}""#, Value::I64(7));
    check("name", r#""u{user.id} {user.shoe}""#, text("u7 {user.shoe}"));
}

#[test]
fn names_are_found_in_any_case_and_none_of_several_is_dropped() {
    let call = Bench::new().call(Kind::Insert, &json!({ "Name": "a", "QTY": 1 }), None).unwrap();
    assert_eq!(cells(&call), [text("a"), Value::I64(1)]);
    for kind in [Kind::Insert, Kind::Update, Kind::Upsert, Kind::Delete] {
        let record = json!({ "id": 1, "Name": "a", "QTY": 1, "name": "b" });
        assert_eq!(refused(Bench::new().call(kind, &record, None)), "Field 'name' is given more than once.");
    }
}

#[test]
fn what_the_store_makes_is_left_out() {
    let bench = Bench::new();
    for blank in [json!(null), json!(""), json!([])] {
        let call =
            bench.call(Kind::Insert, &json!({ "id": blank, "name": "x", "version": 9 }), None).unwrap();
        assert_eq!(cells(&call), [text("x")]);
    }
    let call = bench.call(Kind::Insert, &json!({ "id": 5, "name": "x" }), None).unwrap();
    assert_eq!(cells(&call), [Value::I64(5), text("x")]);
}

#[test]
fn unknown_members_mean_nothing() {
    let bench = Bench::new();
    let mut write = bench.write(Kind::Insert, super::Selection::Keys, &TableWrite::default()).unwrap();
    let record = json!({ "name": "x", "shoe": 5, "orders": [{}], "parent": {}, "gone": null });
    let planned = bench.with(|scope| write.record(super::members(&record), None, 0, scope)).unwrap();
    assert_eq!(planned.cells, [(1, text("x"))]);
}

#[test]
fn a_new_row_needs_what_has_neither_null_nor_default() {
    let check = |record: Json, message: &str| {
        assert_eq!(refused(Bench::new().call(Kind::Insert, &record, None)), message, "{record}");
    };
    check(json!({ "qty": 1 }), "Required field 'name' can not be NULL.");
    check(json!({ "shoe": 1 }), "Required field 'name' can not be NULL.");
    // The first column of the table that is wrong counts.
    check(json!({ "qty": "x" }), "Required field 'name' can not be NULL.");
    check(json!({ "qty": "x", "name": null }), "Field 'name' can not be NULL.");
    check(json!({ "qty": "x", "name": "y" }), "Field 'qty' must be a valid integer.");
}

#[test]
fn a_new_row_of_nothing_is_refused() {
    let mut bench = Bench::new();
    bench.table.columns.retain(|column| column.name != "name");
    for record in [json!({}), json!({ "shoe": 1 }), json!({ "version": 1, "id": null })] {
        let message = refused(bench.call(Kind::Insert, &record, None));
        assert_eq!(message, "No valid fields were found in record.", "{record}");
    }
}

#[test]
fn a_change_leaves_out_its_key_and_numbered_columns() {
    let call = Bench::new().call(Kind::Update, &json!({ "ID": 9, "qty": 2 }), Some(&path_id("1")));
    assert_eq!(cells(&call.unwrap()), [Value::I64(1), Value::I64(2)]);
    // With another identifying column the numbered one is still the store's.
    let bench = Bench::new();
    let request = TableWrite { id_field: vec!["name".to_owned()], ..TableWrite::default() };
    let mut write = bench.write(Kind::Update, super::Selection::Keys, &request).unwrap();
    let record = json!({ "id": 9, "name": "x", "qty": 2 });
    let planned = bench.with(|scope| write.record(super::members(&record), None, 0, scope)).unwrap();
    assert_eq!((planned.key, planned.cells), (vec![text("x")], vec![(3, Value::I64(2))]));
}

#[test]
fn a_record_without_its_identifier_is_named() {
    let check = |record: Json, message: &str| {
        for kind in [Kind::Update, Kind::Upsert, Kind::Delete] {
            assert_eq!(refused(Bench::new().call(kind, &record, None)), message, "{record}");
        }
    };
    check(json!({ "qty": 1 }), "Required id field(s) not found in record 0: id");
    check(json!({ "id": null }), "Required id field(s) not found in record 0: id");
    check(json!({ "id": "x" }), "Field 'id' must be a valid integer.");
}

#[test]
fn expressions_are_computed_by_the_store() {
    let computed = |kind, record: &Json| {
        let call = Bench::new().call(kind, record, Some(&path_id("1"))).unwrap();
        let compute = match call.change {
            Change::Insert(shape) => shape.compute,
            Change::Update(shape) => shape.compute,
            other => panic!("{other:?}"),
        };
        let [assignment] = compute.try_into().unwrap();
        (assignment.column, assignment.value, call.params)
    };
    let now = Expr::Call { function: Function::Now, args: Vec::new() };
    for text in [json!("NOW()"), json!({ "value": "now()" }), json!("CURRENT_TIMESTAMP")] {
        let record = json!({ "name": "x", "day": { "expression": text } });
        assert_eq!(computed(Kind::Insert, &record), (Path::column("day"), now.clone(), Vec::new()));
    }
    let one_more = Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(Expr::Column(Path::column("qty"))),
        right: Box::new(Expr::Param(0)),
    };
    let expected = (Path::column("qty"), one_more, vec![Value::I64(1)]);
    for kind in [Kind::Update, Kind::Upsert] {
        assert_eq!(computed(kind, &json!({ "qty": { "expression": "QTY + 1" } })), expected);
    }
}

#[test]
fn other_expressions_are_not_permitted() {
    let check = |kind, expression: &str| {
        let record = json!({ "name": "x", "qty": { "expression": expression } });
        let message = refused(Bench::new().call(kind, &record, Some(&path_id("1"))));
        assert_eq!(message, format!("SQL expression '{expression}' is not permitted."));
    };
    for expression in [
        "(SELECT 1)",
        "SELECT 1",
        "DROP TABLE stock",
        "SLEEP(5)",
        "load_file('/etc/passwd')",
        "1; 2",
        "qty + 1 -- more",
        "shoe + 1",
        "",
        "qty = 1",
    ] {
        check(Kind::Update, expression);
        check(Kind::Insert, expression);
    }
    // There is no row yet.
    check(Kind::Insert, "qty + 1");
    check(Kind::Insert, "coalesce(qty, 1)");
}
