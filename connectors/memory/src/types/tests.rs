//! Which JSON and which values a column takes, type by type.

use serde_json::json;

use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_value_that_fits_keeps_every_digit() {
    let at = Timestamp { seconds: 1_714_566_600, nanos: 250_000_000 };
    for (data_type, json, expected) in [
        (Type::Boolean, json!(true), Value::Bool(true)),
        (Type::Integer, json!(-2_147_483_648_i64), Value::I64(-2_147_483_648)),
        (Type::BigInt, json!(9_007_199_254_740_993_i64), Value::I64(9_007_199_254_740_993)),
        (Type::BigInt, json!(u64::MAX), Value::U64(u64::MAX)),
        (Type::Float, json!(0.1), Value::F32(0.1)),
        (Type::Double, json!(3), Value::F64(3.0)),
        (Type::Decimal, json!("12.50"), Value::Decimal("12.50".into())),
        (Type::Decimal, json!(0.1), Value::Decimal("0.1".into())),
        (Type::Decimal, json!(u64::MAX), Value::Decimal("18446744073709551615".into())),
        (Type::Decimal, json!(1e30), Value::Decimal("1e+30".into())),
        (Type::String, json!("a"), text("a")),
        (Type::Binary, json!("AAH/"), Value::Bytes(vec![0, 1, 255])),
        (Type::Date, json!("2024-02-29"), Value::Date(Date(19_782))),
        (Type::Date, json!("0000-01-01"), Value::Date(Date(-719_528))),
        (Type::Time, json!("12:30:00.000000001"), Value::Time(45_000_000_000_001)),
        (Type::DateTime, json!("2024-05-01 12:30:00.25"), Value::Timestamp(at)),
        (Type::DateTime, json!("2024-05-01T12:30:00.25"), Value::Timestamp(at)),
        (Type::Timestamp, json!("2024-05-01T12:30:00.25Z"), Value::Instant(Instant { at, offset: Some(0) })),
        (
            Type::Timestamp,
            json!("2024-05-01T11:00:00.250-01:30"),
            Value::Instant(Instant { at, offset: Some(-5400) }),
        ),
        (Type::Uuid, json!("00000000-0000-0000-0000-0000000000fF"), {
            let mut bytes = [0; 16];
            bytes[15] = 255;
            Value::Uuid(bytes)
        }),
        (
            Type::Object,
            json!({"b": [1, null], "a": 0.5}),
            Value::Object(vec![
                ("b".into(), Value::List(vec![Value::I64(1), Value::Null])),
                ("a".into(), Value::Decimal("0.5".into())),
            ]),
        ),
        (Type::Json, json!("a"), text("a")),
        (Type::Uuid, json!(null), Value::Null),
    ] {
        assert_eq!(data_type.convert(&json), Ok(expected), "{json}");
    }
}

#[test]
fn numbers_in_a_document_keep_their_digits() {
    for (digits, expected) in [
        ("-9223372036854775808", Value::I64(i64::MIN)),
        ("18446744073709551615", Value::U64(u64::MAX)),
        ("18446744073709551616", Value::Decimal("18446744073709551616".into())),
        ("12345678901234567890.01234567890", Value::Decimal("12345678901234567890.01234567890".into())),
        ("1.50", Value::Decimal("1.50".into())),
        ("-0", Value::Decimal("-0".into())),
    ] {
        let list = Type::Json.accept(Value::Json(format!("[{digits}]")));
        assert_eq!(list, Ok(Value::List(vec![expected.clone()])), "{digits}");
        assert_eq!(Type::Json.accept(Value::Json(digits.to_owned())), Ok(expected), "{digits}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_refused() {
    for (data_type, json) in [
        (Type::Boolean, json!(1)),
        (Type::Integer, json!(2_147_483_648_i64)),
        (Type::Integer, json!(1.0)),
        (Type::BigInt, json!("1")),
        (Type::BigInt, json!(1e19)),
        (Type::Float, json!(1e39)),
        (Type::Decimal, json!(0.123_456_789_012_345_67)),
        (Type::Decimal, json!("012")),
        (Type::Decimal, json!("+1")),
        (Type::Decimal, json!(".5")),
        (Type::Text, json!(1)),
        (Type::Binary, json!("@")),
        (Type::Date, json!("2023-02-29")),
        (Type::Date, json!("2024-00-10")),
        (Type::Date, json!("2024-13-01")),
        (Type::Date, json!("24-01-01")),
        (Type::Time, json!("24:00:00")),
        (Type::Time, json!("12:30")),
        (Type::Time, json!("12:30:00.")),
        (Type::DateTime, json!("2024-05-01 12:30:00Z")),
        (Type::Timestamp, json!("2024-05-01 12:30:00")),
        (Type::Timestamp, json!("2024-05-01T12:30:00+24:00")),
        (Type::Timestamp, json!("ä")),
        (Type::Uuid, json!("0000000000000000000000000000000000ff")),
        (Type::Array, json!({})),
        (Type::Object, json!([])),
    ] {
        assert_eq!(data_type.convert(&json), Err(data_type.expected()), "{json}");
    }
}

#[test]
fn a_value_of_a_write_takes_the_form_of_its_column() {
    let at = Timestamp { seconds: 0, nanos: 0 };
    let decimal = |digits: &str| Value::Decimal(digits.to_owned());
    for (data_type, given, kept) in [
        (Type::Integer, Value::F64(-3.0), Value::I64(-3)),
        (Type::Integer, decimal("12.00"), Value::I64(12)),
        (Type::BigInt, decimal("18446744073709551615"), Value::U64(u64::MAX)),
        (Type::BigInt, Value::U64(1), Value::I64(1)),
        (Type::Float, Value::F64(0.1), Value::F32(0.1)),
        (Type::Float, Value::I64(16_777_217), Value::F32(16_777_216.0)),
        (Type::Double, decimal("0.1"), Value::F64(0.1)),
        (Type::Double, Value::F32(0.5), Value::F64(0.5)),
        (Type::Decimal, Value::I64(5), decimal("5")),
        (Type::Decimal, decimal("12.50"), decimal("12.50")),
        (Type::Decimal, Value::F64(12.5), decimal("12.5")),
        (Type::Date, text("1970-01-02"), Value::Date(Date(1))),
        (Type::Time, text("00:00:01"), Value::Time(1_000_000_000)),
        (Type::DateTime, text("1970-01-01 00:00:00"), Value::Timestamp(at)),
        (Type::Timestamp, text("1970-01-01T00:00:00Z"), Value::Instant(Instant { at, offset: Some(0) })),
        (Type::Uuid, text("00000000-0000-0000-0000-000000000000"), Value::Uuid([0; 16])),
        (Type::Json, Value::Json("[1, null]".into()), Value::List(vec![Value::I64(1), Value::Null])),
        (Type::Object, Value::Json("{}".into()), Value::Object(vec![])),
        (Type::Json, text("[1]"), text("[1]")),
        (Type::Binary, Value::Null, Value::Null),
    ] {
        assert_eq!(data_type.accept(given.clone()), Ok(kept), "{given:?}");
    }
}

#[test]
fn a_value_of_a_write_that_does_not_fit_is_refused() {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    for (data_type, value) in [
        (Type::Boolean, Value::I64(1)),
        (Type::Integer, Value::F64(0.5)),
        (Type::Integer, Value::I64(1 << 31)),
        (Type::BigInt, Value::F64(1e19 * 2.0)),
        (Type::Float, Value::F64(1e39)),
        (Type::Double, Value::F64(f64::NAN)),
        (Type::Double, Value::Decimal("1E400".into())),
        (Type::Decimal, Value::F64(0.123_456_789_012_345_67)),
        (Type::Decimal, Value::F64(f64::INFINITY)),
        (Type::Text, Value::I64(1)),
        (Type::Binary, text("AA==")),
        (Type::Time, Value::Time(86_400_000_000_000)),
        (Type::Date, text("2023-02-29")),
        (Type::DateTime, Value::Instant(Instant { at: Timestamp { seconds: 0, nanos: 0 }, offset: None })),
        (Type::Json, Value::Date(Date(0))),
        (Type::Json, Value::Json(deep)),
        (Type::Array, Value::Json("{}".into())),
        (Type::Object, Value::List(vec![])),
    ] {
        assert_eq!(data_type.accept(value.clone()), Err(data_type.expected()), "{value:?}");
    }
}
