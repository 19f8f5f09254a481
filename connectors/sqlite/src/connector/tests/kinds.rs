//! What is written is what is read: every kind of value in every declared type of the README's table.

use connector_api::author::{Date, Instant, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::write::{by_id, insert, int, update};
use super::*;

/// Values of every kind, with limits and odd ones of each.
fn values() -> Vec<Value> {
    let at = |seconds, nanos| Timestamp { seconds, nanos };
    let mut values = vec![
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
        Value::Bytes(vec![]),
        Value::Bytes(vec![0, 255, b'5']),
        Value::Date(Date(0)),
        Value::Date(Date(-719_528)),
        Value::Date(Date(2_932_897)),
        Value::Time(0),
        Value::Time(86_399_999_999_999),
        Value::Timestamp(at(-1, 500_000_000)),
        Value::Instant(Instant { at: at(1_714_566_600, 1), offset: Some(7200) }),
        Value::Uuid([0x12; 16]),
        Value::Json("{\"a\": [1, null]}".into()),
        Value::Json("5".into()),
        Value::Json("\"5\"".into()),
        Value::Json("true".into()),
    ];
    values.extend([0, 1, -1, 5, i64::MAX, i64::MIN, 9_007_199_254_740_993].map(Value::I64));
    values.extend([5, u64::MAX].map(Value::U64));
    values.extend([0.1, -1.5, 5.0, 1e300, 5e-324, f64::MAX, 9_007_199_254_740_993.0].map(Value::F64));
    values.extend([0.1, 16_777_216.0].map(Value::F32));
    values.extend(
        [
            "0",
            "5.00",
            "-12.50",
            "0.1",
            "1E+30",
            "0.12345678901234567890",
            "9223372036854775807",
            "9223372036854775808",
            "123456789012345.67",
        ]
        .map(|digits| Value::Decimal(digits.into())),
    );
    values.extend(
        ["", "abc", "5", "007", " 5 ", "1e5", "0x10", "a\0b", "𝄞é", "true", "[1]", "2024-05-01"].map(text),
    );
    values
}

/// Random values of every kind, the same on every machine.
fn random() -> Vec<Value> {
    let text = || {
        prop_oneof![
            any::<String>(),
            prop::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter),
            "[-+0-9eE. \0]{0,6}"
        ]
    };
    let digits =
        || prop_oneof!["-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?(E[-+]?[0-9]{1,2})?", "-?[0-9]\\.[0-9]{1,14}"];
    let at = (-62_167_219_200..=253_402_300_799_i64, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| Timestamp { seconds, nanos });
    let document = (text(), digits()).prop_map(|(name, digits)| {
        Value::Json(format!("{{{}:[{digits},null]}}", serde_json::Value::from(name)))
    });
    let value = prop_oneof![
        any::<i64>().prop_map(Value::I64),
        any::<i16>().prop_map(|v| Value::I64(v.into())),
        any::<u64>().prop_map(Value::U64),
        prop::num::f32::ANY.prop_map(Value::F32),
        prop::num::f64::ANY.prop_map(Value::F64),
        digits().prop_map(Value::Decimal),
        text().prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        any::<i32>().prop_map(|v| Value::Date(Date(v))),
        (0..86_400_000_000_000_i64).prop_map(Value::Time),
        at.clone().prop_map(Value::Timestamp),
        (at, -86_399..86_400_i32)
            .prop_map(|(at, offset)| Value::Instant(Instant { at, offset: Some(offset) })),
        any::<[u8; 16]>().prop_map(Value::Uuid),
        text().prop_map(|text| Value::Json(serde_json::Value::from(text).to_string())),
        document,
    ];
    let mut runner = TestRunner::deterministic();
    (0..1500).map(|_| value.new_tree(&mut runner).unwrap().current()).collect()
}

/// Types of each line of the README's table.
const DECLARED: [&str; 32] = [
    "INT",
    "INTEGER",
    "SMALLINT",
    "MEDIUMINT",
    "TINYINT",
    "TINYINT(1)",
    "INT(1)",
    "BIT",
    "BOOLEAN",
    "BIGINT",
    "UNSIGNED BIG INT",
    "DECIMAL(38,20)",
    "NUMERIC",
    "PERCENT",
    "NUMBER",
    "MONEY",
    "REAL",
    "FLOAT",
    "DOUBLE PRECISION",
    "TEXT",
    "CLOB",
    "BLOB",
    "VARBINARY(16)",
    "DATE",
    "TIME",
    "DATETIME",
    "TIMESTAMP",
    "JSON",
    "JSONB",
    "UUID",
    "",
    "VARCHAR(40)",
];
/// Further ones, of which SQLite makes something that their names don't say.
const MISLEADING: [&str; 3] = ["STRING", "DECIMAL_TEXT", "FLOATING POINT"];

/// A value in its plainest form, so that two which mean the same are equal: numbers by their digits, everything else by its text. A
/// boolean is a number where the column is not one of booleans.
fn meaning(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => digits(&i64::from(*value).to_string()),
        Value::I64(value) => digits(&value.to_string()),
        Value::U64(value) => digits(&value.to_string()),
        Value::F64(value) => digits(&format!("{value:e}")),
        Value::Decimal(value) => digits(value),
        Value::Bytes(bytes) => format!("bytes {bytes:?}"),
        Value::Text(text) => text.clone(),
        Value::Json(json) => match serde_json::from_str(json).unwrap() {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(_) => digits(json),
            serde_json::Value::Bool(value) => digits(&i64::from(value).to_string()),
            _ => json.clone(),
        },
        Value::Date(value) => value.to_string(),
        Value::Time(value) => connector_api::author::TimeOfDay(*value).to_string(),
        Value::Timestamp(value) => value.to_string(),
        Value::Instant(value) => value.at.to_string(),
        Value::Uuid(value) => connector_api::author::uuid_text(value),
        other => panic!("{other:?}"),
    }
}

/// Digits and exponent without needless zeros.
fn digits(number: &str) -> String {
    let (sign, number) = number.split_at(usize::from(number.starts_with('-')));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let trimmed = all.trim_end_matches('0');
    let zeros = exponent.parse::<i64>().unwrap() - i64::try_from(fraction.len()).unwrap()
        + i64::try_from(all.len() - trimmed.len()).unwrap();
    match trimmed.trim_start_matches('0') {
        "" => "0".to_owned(),
        trimmed => format!("{sign}{trimmed}e{zeros}"),
    }
}

/// Whether what is read is this number: one that reads as it, or all digits of it where it was whole.
fn is_float(written: f64, read: &Value) -> bool {
    match read {
        Value::F64(read) => *read == written,
        Value::I64(read) => format!("{:.0}", written + 0.0) == read.to_string(),
        Value::Bool(read) => written == f64::from(u8::from(*read)),
        Value::Text(read) | Value::Json(read) | Value::Decimal(read) => read.parse() == Ok(written),
        _ => false,
    }
}

/// Whether what is read means what was written. In a column of texts a number is its digits, and JSON its text.
fn same(written: &Value, read: &Value) -> bool {
    if let (Value::Json(json), Value::Text(text)) = (written, read) {
        return json == text;
    }
    match written {
        Value::F32(written) => return is_float(f64::from(*written), read),
        Value::F64(written) => return is_float(*written, read),
        _ => {}
    }
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let number = match (written, read) {
        (Value::Text(_), _) => None,
        (_, Value::Text(text)) => is_number(text).then(|| digits(text)),
        _ => None,
    };
    meaning(written) == meaning(read) || number == Some(meaning(written))
}

#[test]
fn what_is_written_is_what_is_read_or_it_is_refused() {
    let all = [values(), random()].concat();
    let mut refused = Vec::new();
    for declared in DECLARED.into_iter().chain(MISLEADING) {
        let fixture = Fixture::new(&format!("CREATE TABLE t(id INTEGER PRIMARY KEY, c {declared})"));
        let shape = Insert { on_error: OnError::Continue, returning: paths(&["c"]), ..insert(&["c"]) };
        let mut written = all.clone();
        let records: Vec<_> = written.iter().map(|value| vec![value.clone()]).collect();
        let answer = fixture.write(Operation::Insert, &shape, &records, &[]).unwrap();
        for outcome in answer.outcomes.iter().rev() {
            assert_eq!(outcome.error.as_ref().unwrap().kind, ErrorKind::InvalidRequest);
            refused.push((declared, written.remove(usize::try_from(outcome.index).unwrap())));
        }
        let in_order = Query { order: vec![by("id", Direction::Asc, None)], ..super::shape("t", &["c"]) };
        let read = fixture.query(&in_order, &[int(10_000)]).unwrap().rows;
        assert_eq!(answer.rows, read, "{declared}");
        assert_eq!(written.len(), read.len());
        for (written, read) in written.iter().zip(&read) {
            assert!(same(written, &read[0]), "{declared} {written:?} {read:?}");
        }
    }
    // What a type is for is never refused.
    let is_refused = |declared: &str, value: &Value| refused.contains(&(declared, value.clone()));
    let is_nan = |value: &Value| match value {
        Value::F32(value) => value.is_nan(),
        Value::F64(value) => value.is_nan(),
        _ => false,
    };
    for value in all.into_iter().filter(|value| !is_nan(value)) {
        for (declared, is_its_own) in [
            ("INTEGER", matches!(value, Value::I64(_) | Value::Bool(_))),
            ("BIGINT", matches!(value, Value::I64(_))),
            ("REAL", matches!(value, Value::F64(_) | Value::F32(_))),
            ("TEXT", true),
            ("VARCHAR(40)", true),
            ("BLOB", !matches!(value, Value::U64(number) if i64::try_from(number).is_err())),
            ("DATE", matches!(value, Value::Date(_))),
            ("TIMESTAMP", matches!(value, Value::Instant(_) | Value::Timestamp(_))),
            ("UUID", matches!(value, Value::Uuid(_))),
            ("JSON", matches!(value, Value::Json(_) | Value::Text(_) | Value::Bool(_) | Value::I64(_))),
        ] {
            assert!(!is_its_own || !is_refused(declared, &value), "{declared} {value:?}");
        }
    }
    let long = Value::Decimal("0.12345678901234567890".into());
    assert!(is_refused("DECIMAL(38,20)", &long) && !is_refused("DECIMAL_TEXT", &long));
    assert!(is_refused("STRING", &text("007")) && is_refused("INTEGER", &Value::U64(u64::MAX)));
}

#[test]
fn every_type_of_the_readme_is_among_these() {
    let readme = include_str!("../../../README.md");
    let (_, section) = readme.split_once("\n## Types\n").unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).skip(2);
    let cells = rows.take_while(|line| line.starts_with('|')).filter_map(|row| row.split('|').nth(1));
    let named: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 20, "{named:?}");
    let missed: Vec<&str> =
        named.into_iter().filter(|name| !DECLARED.iter().any(|one| is_a(one, name))).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

/// Whether a declared type is one of those that the README means by `name`, `name(1)` or `*part*`.
fn is_a(declared: &str, name: &str) -> bool {
    let declared = declared.to_lowercase();
    match name.strip_prefix('*').and_then(|name| name.strip_suffix('*')) {
        Some(part) => declared.contains(part),
        None => declared == name || declared.split('(').next() == Some(name),
    }
}

/// The cell that comes back for one that is written into a column of this type.
fn through(declared: &str, value: Value) -> Value {
    let fixture = Fixture::new(&format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, c {declared}); INSERT INTO t(id) VALUES (1);"
    ));
    let shape = Update { returning: paths(&["c"]), ..update(by_id(None), &["c"]) };
    fixture.write(Operation::Update, &shape, &[vec![int(1), value]], &[]).unwrap().rows[0][0].clone()
}

#[test]
fn a_value_comes_back_in_the_kind_of_its_column() {
    for (declared, written, read) in [
        ("BOOLEAN", Value::Bool(true), Value::Bool(true)),
        ("DECIMAL(9,2)", Value::Decimal("12.50".into()), Value::F64(12.5)),
        ("DECIMAL(9,2)", Value::Decimal("7.00".into()), int(7)),
        ("DOUBLE", int(5), Value::F64(5.0)),
        ("DATE", Value::Date(Date(0)), text("1970-01-01")),
        ("JSON", Value::Json("5".into()), Value::Json("5".into())),
        ("JSON", Value::Json("1.5".into()), Value::Json("1.5".into())),
        ("JSON", Value::Bool(true), Value::Json("true".into())),
        ("JSON", text("5"), Value::Json("\"5\"".into())),
        ("JSON", text("true"), Value::Json("\"true\"".into())),
        ("JSON", text("abc"), text("abc")),
        ("BLOB", Value::Bytes(vec![0]), Value::Bytes(vec![0])),
        ("TEXT", text("a\0𝄞"), text("a\0𝄞")),
    ] {
        assert_eq!(through(declared, written.clone()), read, "{declared} {written:?}");
    }
}
