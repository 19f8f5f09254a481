//! Values of every type that the store has: read as they were written, found by themselves.

use std::sync::Arc;

use connector_api::model::{
    Column, ColumnType, CompareOp, Date, Expr, Filter, Function, Instant, Path, TextOp, TimeOfDay, Timestamp,
    Value, uuid_text,
};

use super::ask::{compare, text};
use super::peer::Peer;
use super::quirks::normal;
use super::read::{all, expected};
use super::tables::{Stored, TYPED, WRITTEN};
use super::{Case, Outcome, same};

/// Values of each type: one row for each, with a value in every column; the last row of the table is null in all of them.
pub(super) const VALUES: usize = 6;

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
    let texts = columns().into_iter().filter(|(_, data_type, _)| has_one_text(*data_type));
    let searched = texts.map(|(name, data_type, _)| {
        let (needs, run) =
            (&["query", "filter_like", "filter_expressions"], move |peer| by_text(peer, (name, data_type)));
        Case::new(format!("types::{name}_is_searched_as_its_text"), needs, run).of_type(data_type)
    });
    read.chain(found).chain(searched).collect()
}

/// Documents are equal by content, and how is tested elsewhere.
fn is_scalar(data_type: ColumnType) -> bool {
    !matches!(data_type, ColumnType::Json | ColumnType::Array | ColumnType::Object)
}

/// How a float with many places before or behind the point is written is the store's own matter.
fn has_one_text(data_type: ColumnType) -> bool {
    use ColumnType::{BigInt, Date, DateTime, Decimal, Integer, String, Time, Timestamp, Uuid};
    matches!(data_type, Integer | BigInt | Decimal | String | Date | Time | DateTime | Timestamp | Uuid)
}

/// The table with a column for each type.
pub(super) fn typed() -> Stored {
    let id = Column { is_nullable: false, ..Column::new("id", ColumnType::Integer) };
    let others = columns().into_iter().map(|(name, data_type, _)| column(name, data_type));
    let cell = |row: usize, values: &[Value; VALUES]| values.get(row).cloned().unwrap_or(Value::Null);
    let rows = (1..).zip(0..=VALUES).map(|(id, place)| {
        let cells = columns().into_iter().map(|(.., values)| cell(place, &values));
        std::iter::once(Value::I64(id)).chain(cells).collect()
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

/// Names, types and values of each: both ends, and what is easily bent on the way.
pub(super) fn columns() -> Vec<(&'static str, ColumnType, [Value; VALUES])> {
    let scalars = numbers().into_iter().chain(texts()).chain(times());
    scalars.chain(documents()).collect()
}

/// The values of the column of this type, in the order of their rows.
pub(super) fn values_of(wanted: ColumnType) -> [Value; VALUES] {
    let column = columns().into_iter().find(|(_, data_type, _)| *data_type == wanted);
    column.map_or([const { Value::Null }; VALUES], |(.., values)| values)
}

fn numbers() -> [(&'static str, ColumnType, [Value; VALUES]); 6] {
    let decimal = |digits: &str| Value::Decimal(digits.to_owned());
    let int = Value::I64;
    [
        ("boolean", ColumnType::Boolean, [true, false, true, false, true, false].map(Value::Bool)),
        (
            "integer",
            ColumnType::Integer,
            [i32::MIN, i32::MAX, 0, -1, 65_536, i32::MIN + 1].map(|number| int(i64::from(number))),
        ),
        (
            "bigint",
            ColumnType::BigInt,
            [i64::MIN, i64::MAX, 9_007_199_254_740_993, -1, i64::MIN + 1, 1 << 32].map(int),
        ),
        // The last two are too small to be normal floats.
        ("float", ColumnType::Float, [-1.25, f32::MAX, 0.1, 16_777_215.0, 1e-45, -1e-40].map(Value::F32)),
        (
            "double",
            ColumnType::Double,
            [f64::MIN, f64::MAX, 0.1, f64::MIN_POSITIVE, 5e-324, -1e-310].map(Value::F64),
        ),
        (
            "decimal",
            ColumnType::Decimal,
            [
                "-12345678901234567890.0123456789",
                "99999999999999999999.9999999999",
                "0.1",
                "12.50",
                "-0.0000000001",
                "-98765432.1",
            ]
            .map(decimal),
        ),
    ]
}

fn texts() -> [(&'static str, ColumnType, [Value; VALUES]); 4] {
    let all_bytes = (0..=u8::MAX).collect();
    [
        (
            "string",
            ColumnType::String,
            ["", "O'Brien \"x\" \\", "日本語 é", "\u{10ffff}😀", " x ", "007"].map(text),
        ),
        (
            "text",
            ColumnType::Text,
            ["", "a\0b", "line\r\nfeed\ttab", "e\u{301} \u{200b}🏳️‍🌈", "\0", "\u{feff}1e5"].map(text),
        ),
        (
            "binary",
            ColumnType::Binary,
            [vec![], vec![0], vec![0xff, 0, 0x80, b'a'], all_bytes, b"text".into(), vec![0; 5000]]
                .map(Value::Bytes),
        ),
        (
            "uuid",
            ColumnType::Uuid,
            [[0; 16], [0xff; 16], [0xab; 16], *b"0123456789abcdef", [0x12; 16], *b"fedcba9876543210"]
                .map(Value::Uuid),
        ),
    ]
}

fn times() -> [(&'static str, ColumnType, [Value; VALUES]); 4] {
    // 0001-01-01, 9999-12-31, 2024-02-29, the day before the epoch, the first day that was Gregorian anywhere, and one behind a February
    // that a leap year every four years would have made longer.
    const DAYS: [i32; VALUES] = [-719_162, 2_932_896, 19_782, -1, -141_427, -25_508];
    const NANOS: [u32; VALUES] = [0, 999_999_000, 250_000_000, 1_000, 0, 123_456_000];
    const SECONDS: [i64; VALUES] = [0, 86_399, 45_000, 1, 3_600, 59];
    let moment = |place: usize| {
        let day = DAYS.get(place).map_or(0, |day| i64::from(*day));
        let second = SECONDS.get(place).copied().unwrap_or_default();
        Timestamp { seconds: day * 86_400 + second, nanos: NANOS.get(place).copied().unwrap_or_default() }
    };
    let time = |place: usize| {
        let Timestamp { seconds, nanos } = moment(place);
        Value::Time(seconds.rem_euclid(86_400) * 1_000_000_000 + i64::from(nanos))
    };
    let places = [0, 1, 2, 3, 4, 5];
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

fn documents() -> [(&'static str, ColumnType, [Value; VALUES]); 3] {
    let json = |text: &str| Value::Json(text.to_owned());
    let list = Value::List;
    let object = |members: &[(&str, Value)]| {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    [
        (
            "json",
            ColumnType::Json,
            [
                "{\"a\":[1,2.5,null,true],\"b\":{\"c\":\"é\"}}",
                "[]",
                "9007199254740993",
                "\"a\\u0001b\"",
                "{\"\":\"a\\u0000b\"}",
                "false",
            ]
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
                list(vec![Value::I64(i64::MIN), Value::Bool(true)]),
                list(vec![text("a\0b"), list(vec![])]),
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
                object(&[("a\0b", text("\0"))]),
                object(&[("b", Value::Bool(true)), ("a", object(&[]))]),
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
    let Some((_, data_type, values)) = columns().into_iter().find(|(column, ..)| *column == name) else {
        return Ok(());
    };
    let values = values.map(|value| peer.quirks.cut(data_type, &value));
    // What the store can't keep is null there.
    let is_kept = |value: &&Value| **value != Value::Null;
    for value in values.iter().filter(is_kept) {
        let equal = |other: &Value| normal(other) == normal(value);
        let holds: Vec<i64> =
            (1..).zip(&values).filter(|(_, other)| equal(other)).map(|(id, _)| id).collect();
        let kept = (1..).zip(&values).filter(|(_, value)| is_kept(value)).map(|(id, _)| id);
        let others: Vec<i64> = kept.filter(|id| !holds.contains(id)).collect();
        let filter = compare(name, CompareOp::Eq);
        peer.check_filter(TYPED, &filter, std::slice::from_ref(value), (&holds, &others)).await?;
    }
    Ok(())
}

/// Each value is found by its text, as it was read. Zeros at the end of a decimal are the store's own matter.
async fn by_text(peer: Arc<Peer>, (name, data_type): (&'static str, ColumnType)) -> Outcome {
    let zeros = if data_type == ColumnType::Decimal { "%" } else { "" };
    let read = all(&peer, TYPED, &["id", name]).await?;
    let texts: Vec<(i64, Option<String>)> =
        read.iter().filter_map(|row| Some((id_of(row)?, as_text(row.get(1)?)))).collect();
    let expr = Expr::Call { function: Function::Text, args: vec![Expr::Column(Path::column(name))] };
    let filter = Filter::Text { op: TextOp::Like, expr, pattern: 0 };
    for wanted in texts.iter().filter_map(|(_, written)| written.as_deref()) {
        let (holds, others): (Vec<_>, Vec<_>) = texts
            .iter()
            .filter_map(|(id, written)| Some((*id, written.as_deref()? == wanted)))
            .partition(|(_, is_equal)| *is_equal);
        let ids = |found: Vec<(i64, bool)>| found.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        let pattern = text(&format!("{wanted}{zeros}"));
        peer.check_filter(TYPED, &filter, &[pattern], (&ids(holds), &ids(others))).await?;
    }
    Ok(())
}

fn id_of(row: &[Value]) -> Option<i64> {
    if let Some(Value::I64(id)) = row.first() { Some(*id) } else { None }
}

/// A value as the contract writes it; `None` for null.
fn as_text(value: &Value) -> Option<String> {
    Some(match value {
        Value::I64(v) => v.to_string(),
        Value::U64(v) => v.to_string(),
        Value::F64(v) => v.to_string(),
        Value::Decimal(v) | Value::Text(v) => v.clone(),
        Value::Date(v) => v.to_string(),
        Value::Time(v) => TimeOfDay(*v).to_string(),
        Value::Timestamp(v) => v.to_string(),
        Value::Instant(v) => v.to_string(),
        Value::Uuid(v) => uuid_text(v),
        _ => return None,
    })
}
