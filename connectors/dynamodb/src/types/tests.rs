//! Values to attributes and back.

use connector_api::author::{Date, Instant, Timestamp, Value};

use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn set(members: Vec<Value>) -> Value {
    Value::Extension("set".to_owned(), Box::new(Value::List(members)))
}

fn travels(value: &Value) -> String {
    serde_json::to_string(&Attribute::from_value(value).unwrap()).unwrap()
}

#[test]
fn what_is_written_travels_in_the_stores_form_and_is_read_as_it_was() {
    let decimal = "12345678901234567890.0123456789";
    for (value, form) in [
        (Value::Null, r#"{"NULL":true}"#.to_owned()),
        (Value::Bool(false), r#"{"BOOL":false}"#.to_owned()),
        (Value::I64(i64::MIN), format!(r#"{{"N":"{}"}}"#, i64::MIN)),
        (Value::Decimal(decimal.to_owned()), format!(r#"{{"N":"{decimal}"}}"#)),
        (text(""), r#"{"S":""}"#.to_owned()),
        (Value::Bytes(vec![0xff, 0]), r#"{"B":"/wA="}"#.to_owned()),
        (Value::List(vec![Value::I64(1), Value::Null]), r#"{"L":[{"N":"1"},{"NULL":true}]}"#.to_owned()),
        (
            Value::Object(vec![("$gt".to_owned(), text("")), ("a.b".to_owned(), Value::I64(1))]),
            r#"{"M":{"$gt":{"S":""},"a.b":{"N":"1"}}}"#.to_owned(),
        ),
        (set(vec![text("x"), text("y")]), r#"{"SS":["x","y"]}"#.to_owned()),
        (set(vec![Value::I64(1)]), r#"{"NS":["1"]}"#.to_owned()),
        (set(vec![Value::Bytes(vec![0])]), r#"{"BS":["AA=="]}"#.to_owned()),
    ] {
        assert_eq!(travels(&value), form);
        let attribute: Attribute = serde_json::from_str(&form).unwrap();
        assert_eq!(attribute.into_value(), value);
    }
}

#[test]
fn a_number_has_no_zeros_behind_its_fraction() {
    for (digits, kept) in [
        ("1.0", "1"),
        ("12.50", "12.5"),
        ("-0.0", "0"),
        ("100", "100"),
        ("0.05", "0.05"),
        ("1.0E70", "1.0E70"),
    ] {
        let stored = Attribute::from_value(&Value::Decimal(digits.to_owned()));
        assert_eq!(stored, Ok(Attribute::Number(kept.to_owned())), "{digits}");
    }
}

#[test]
fn a_text_in_the_form_of_an_attribute_stays_a_text() {
    assert_eq!(travels(&text(r#"{"S":"x"}"#)), r#"{"S":"{\"S\":\"x\"}"}"#);
    let member = Value::Object(vec![("S".to_owned(), text("x"))]);
    assert_eq!(travels(&member), r#"{"M":{"S":{"S":"x"}}}"#);
}

#[test]
fn json_text_keeps_the_digits_of_its_numbers() {
    let json = Value::Json(r#"{"a":[0.10000000000000000000000000001,true,null],"b":"é"}"#.to_owned());
    let form = r#"{"M":{"a":{"L":[{"N":"0.10000000000000000000000000001"},{"BOOL":true},{"NULL":true}]},"b":{"S":"é"}}}"#;
    assert_eq!(travels(&json), form);
}

#[test]
fn moments_are_written_as_texts_that_sort() {
    let at = Timestamp { seconds: 1_714_566_600, nanos: 500_000_000 };
    for (value, expected) in [
        (Value::Date(Date(19_844)), "2024-05-01"),
        (Value::Time(45_000_000_000_000), "12:30:00"),
        (Value::Timestamp(at), "2024-05-01 12:30:00.5"),
        (Value::Instant(Instant { at, offset: None }), "2024-05-01T12:30:00.5Z"),
        (Value::Uuid([0xab; 16]), "abababab-abab-abab-abab-abababababab"),
    ] {
        assert_eq!(Attribute::from_value(&value), Ok(Attribute::Text(expected.to_owned())));
    }
}

#[test]
fn what_the_store_can_not_hold_is_refused() {
    let deep = |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    assert!(Attribute::from_value(&deep(32)).is_ok());
    for (value, expected) in [
        (deep(33), Misfit::TooDeep),
        (Value::F64(f64::MAX), Misfit::Range),
        (Value::F64(f64::NAN), Misfit::Range),
        (Value::Decimal("1".repeat(39)), Misfit::Range),
        (Value::Json("[1e999]".to_owned()), Misfit::Range),
    ] {
        assert_eq!(Attribute::from_value(&value), Err(expected));
    }
    for value in [
        set(vec![]),
        set(vec![text("x"), Value::I64(1)]),
        set(vec![Value::Null]),
        Value::Object(vec![(String::new(), text("no name"))]),
        Value::Object(vec![("x".repeat(MAX_NAME + 1), text("too long a name"))]),
        Value::Json("{".to_owned()),
    ] {
        assert!(matches!(Attribute::from_value(&value), Err(Misfit::Kind(_))), "{value:?}");
    }
}

#[test]
fn an_absent_member_is_not_written_and_null_is() {
    let object = Value::Object(vec![("a".to_owned(), Value::Absent), ("b".to_owned(), Value::Null)]);
    assert_eq!(travels(&object), r#"{"M":{"b":{"NULL":true}}}"#);
}
