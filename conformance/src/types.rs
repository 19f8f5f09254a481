//! Values of every type that the store has: read as they were written, found by themselves.

use std::sync::Arc;

use connector_api::model::{Column, ColumnType, CompareOp, Date, Instant, Timestamp, Value};

use super::ask::{compare, text};
use super::peer::Peer;
use super::quirks::normal;
use super::read::{all, expected};
use super::tables::{Stored, TYPED, WRITTEN};
use super::{Case, Outcome, same};

/// Rows with a value in each column; the last row of the table is null in all of them.
const ROWS: i64 = 4;

pub(super) fn cases() -> Vec<Case> {
    let read = columns().into_iter().map(|(name, data_type, _)| {
        let run = move |peer| as_written(peer, (name, data_type));
        Case::new(format!("types::{name}_is_read_as_it_was_written"), &["query"], run).of_type(data_type)
    });
    let scalars = columns().into_iter().filter(|(_, data_type, _)| is_scalar(*data_type));
    let found = scalars.map(|(name, data_type, _)| {
        let (needs, run) = (&["query", "filter_compare"], move |peer| by_value(peer, name));
        Case::new(format!("types::{name}_is_found_by_its_value"), needs, run).of_type(data_type)
    });
    read.chain(found).collect()
}

/// Documents are equal by content, and how is tested elsewhere.
fn is_scalar(data_type: ColumnType) -> bool {
    !matches!(data_type, ColumnType::Json | ColumnType::Array | ColumnType::Object)
}

/// The table with a column for each type.
pub(super) fn typed() -> Stored {
    let id = Column { is_nullable: false, ..Column::new("id", ColumnType::Integer) };
    let others = columns().into_iter().map(|(name, data_type, _)| column(name, data_type));
    let cell = |row: usize, values: &[Value; 4]| values.get(row).cloned().unwrap_or(Value::Null);
    let rows = (0..=ROWS).map(|row| {
        let place = usize::try_from(row).unwrap_or_default();
        let cells = columns().into_iter().map(|(.., values)| cell(place, &values));
        std::iter::once(Value::I64(row + 1)).chain(cells).collect()
    });
    Stored::new(TYPED, std::iter::once(id).chain(others).collect(), rows.collect())
}

/// The same table without rows.
pub(super) fn written() -> Stored {
    let columns = typed().table.columns;
    Stored::new(WRITTEN, columns, Vec::new())
}

fn column(name: &str, data_type: ColumnType) -> Column {
    let plain = Column::new(name, data_type);
    match data_type {
        ColumnType::Decimal => Column { precision: Some(30), scale: Some(10), ..plain },
        ColumnType::String => Column { length: Some(100), ..plain },
        _ => plain,
    }
}

/// Names, types and four values each: both ends, and what is easily bent on the way.
pub(super) fn columns() -> Vec<(&'static str, ColumnType, [Value; 4])> {
    let scalars = numbers().into_iter().chain(texts()).chain(times());
    scalars.chain(documents()).collect()
}

fn numbers() -> [(&'static str, ColumnType, [Value; 4]); 6] {
    let decimal = |digits: &str| Value::Decimal(digits.to_owned());
    let int = Value::I64;
    [
        ("boolean", ColumnType::Boolean, [true, false, true, false].map(Value::Bool)),
        ("integer", ColumnType::Integer, [i32::MIN, i32::MAX, 0, -1].map(|number| int(i64::from(number)))),
        ("bigint", ColumnType::BigInt, [i64::MIN, i64::MAX, 9_007_199_254_740_993, -1].map(int)),
        ("float", ColumnType::Float, [-1.25, f32::MAX, 0.1, 16_777_215.0].map(Value::F32)),
        ("double", ColumnType::Double, [f64::MIN, f64::MAX, 0.1, f64::MIN_POSITIVE].map(Value::F64)),
        (
            "decimal",
            ColumnType::Decimal,
            ["-12345678901234567890.0123456789", "99999999999999999999.9999999999", "0.1", "12.50"]
                .map(decimal),
        ),
    ]
}

fn texts() -> [(&'static str, ColumnType, [Value; 4]); 4] {
    let all_bytes = (0..=u8::MAX).collect();
    [
        ("string", ColumnType::String, ["", "O'Brien \"x\" \\", "日本語 é", "\u{10ffff}😀"].map(text)),
        ("text", ColumnType::Text, ["", "a\0b", "line\r\nfeed\ttab", "e\u{301} \u{200b}🏳️‍🌈"].map(text)),
        (
            "binary",
            ColumnType::Binary,
            [vec![], vec![0], vec![0xff, 0, 0x80, b'a'], all_bytes].map(Value::Bytes),
        ),
        ("uuid", ColumnType::Uuid, [[0; 16], [0xff; 16], [0xab; 16], *b"0123456789abcdef"].map(Value::Uuid)),
    ]
}

fn times() -> [(&'static str, ColumnType, [Value; 4]); 4] {
    // 0001-01-01, 9999-12-31, 2024-02-29 and the day before the epoch.
    const DAYS: [i32; 4] = [-719_162, 2_932_896, 19_782, -1];
    const NANOS: [u32; 4] = [0, 999_999_000, 250_000_000, 1_000];
    const SECONDS: [i64; 4] = [0, 86_399, 45_000, 1];
    let moment = |place: usize| {
        let day = DAYS.get(place).map_or(0, |day| i64::from(*day));
        let second = SECONDS.get(place).copied().unwrap_or_default();
        Timestamp { seconds: day * 86_400 + second, nanos: NANOS.get(place).copied().unwrap_or_default() }
    };
    let time = |place: usize| {
        let Timestamp { seconds, nanos } = moment(place);
        Value::Time(seconds.rem_euclid(86_400) * 1_000_000_000 + i64::from(nanos))
    };
    let places = [0, 1, 2, 3];
    [
        ("date", ColumnType::Date, DAYS.map(|day| Value::Date(Date(day)))),
        ("time", ColumnType::Time, places.map(time)),
        ("datetime", ColumnType::DateTime, places.map(|place| Value::Timestamp(moment(place)))),
        (
            "timestamp",
            ColumnType::Timestamp,
            places.map(|place| Value::Instant(Instant { at: moment(place), offset: Some(0) })),
        ),
    ]
}

fn documents() -> [(&'static str, ColumnType, [Value; 4]); 3] {
    let json = |text: &str| Value::Json(text.to_owned());
    let list = Value::List;
    let object = |members: &[(&str, Value)]| {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    [
        (
            "json",
            ColumnType::Json,
            ["{\"a\":[1,2.5,null,true],\"b\":{\"c\":\"é\"}}", "[]", "9007199254740993", "\"a\\u0001b\""]
                .map(json),
        ),
        (
            "array",
            ColumnType::Array,
            [
                list(vec![]),
                list(vec![Value::I64(i64::MAX), text("x"), Value::Null]),
                list(vec![list(vec![Value::Bool(false)])]),
                list(vec![text("")]),
            ],
        ),
        (
            "object",
            ColumnType::Object,
            [
                object(&[]),
                object(&[("number", Value::F64(0.5)), ("nothing", Value::Null)]),
                object(&[("deep", object(&[("list", list(vec![Value::I64(1)]))]))]),
                object(&[("", text("a member without a name"))]),
            ],
        ),
    ]
}

async fn as_written(peer: Arc<Peer>, (name, data_type): (&'static str, ColumnType)) -> Outcome {
    let place = peer.stored(TYPED)?.columns().iter().position(|column| *column == name).unwrap_or_default();
    let at = |row: &Vec<Value>, place: usize| row.get(place).map(|value| form(data_type, value));
    let expected: Vec<_> = expected(&peer, TYPED)?.iter().map(|row| at(row, place)).collect();
    let found: Vec<_> = all(&peer, TYPED, &["id", name]).await?.iter().map(|row| at(row, 1)).collect();
    same(name, &found, &expected)
}

/// A value in the form in which it is compared: a document whose top is a number or a text is as good as JSON.
pub(super) fn form(data_type: ColumnType, value: &Value) -> Value {
    if is_scalar(data_type) { value.clone() } else { normal(&Value::List(vec![value.clone()])) }
}

async fn by_value(peer: Arc<Peer>, name: &'static str) -> Outcome {
    let Some((.., values)) = columns().into_iter().find(|(column, ..)| *column == name) else {
        return Ok(());
    };
    for value in &values {
        let equal = |other: &Value| normal(other) == normal(value);
        let holds: Vec<i64> =
            (1..).zip(&values).filter(|(_, other)| equal(other)).map(|(id, _)| id).collect();
        let others: Vec<i64> = (1..=ROWS).filter(|id| !holds.contains(id)).collect();
        let filter = compare(name, CompareOp::Eq);
        peer.check_filter(TYPED, &filter, std::slice::from_ref(value), (&holds, &others)).await?;
    }
    Ok(())
}
