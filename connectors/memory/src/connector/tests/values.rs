//! What is inserted is what is read, for every type of column.

use connector_api::author::{Date, Instant, Operation, Timestamp, Value};
use proptest::prelude::*;
use serde_json::json;

use super::{With, ask, call, open};

/// The types, in the order of the cells of [`row`].
const TYPES: [&str; 17] = [
    "boolean",
    "integer",
    "bigint",
    "float",
    "double",
    "decimal",
    "string",
    "text",
    "binary",
    "date",
    "time",
    "datetime",
    "timestamp",
    "uuid",
    "json",
    "array",
    "object",
];

fn or_null(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 9 => value].boxed()
}

/// Texts of all kinds of characters, U+0000 among them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter),
        "[\0a]{0,4}"
    ]
}

/// Digits of any number that a decimal may be.
fn digits() -> impl Strategy<Value = String> {
    let short = (any::<i128>(), any::<u32>(), -50..50_i32)
        .prop_map(|(whole, fraction, power)| format!("{whole}.{fraction}E{power}"));
    prop_oneof![short, "-?[1-9][0-9]{0,200}(\\.[0-9]{1,200})?", "-?0\\.[0-9]{1,40}"]
}

/// A moment in the years 0000 to 9999, or at an end of them.
fn moment() -> impl Strategy<Value = Timestamp> {
    const ENDS: [i64; 2] = [-62_167_219_200, 253_402_300_799];
    let seconds =
        prop_oneof![ENDS[0]..=ENDS[1], any::<i32>().prop_map(i64::from), prop::sample::select(ENDS.to_vec())];
    let nanos = prop_oneof![0..1_000_000_000_u32, Just(999_999_999)];
    (seconds, nanos).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos })
}

/// Values of a document.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<i32>().prop_map(|v| Value::F64(f64::from(v) / 8.0)),
        digits().prop_map(Value::Decimal),
        text().prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| prop_oneof![list(inner.clone()), object(inner)])
}

fn list(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec(inner, 0..4).prop_map(Value::List)
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(text(), inner, 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// One value for each type.
fn row() -> impl Strategy<Value = Vec<Value>> {
    // Whatever is finite: both zeros and numbers too small to be normal among them.
    let float = prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO;
    let double = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
    let day = prop_oneof![any::<i32>(), -719_528..=2_932_896, prop::sample::select(vec![i32::MIN, i32::MAX])];
    vec![
        or_null(any::<bool>().prop_map(Value::Bool)),
        or_null(any::<i32>().prop_map(|v| Value::I64(v.into()))),
        or_null(prop_oneof![any::<i64>().prop_map(Value::I64), (1_u64 << 63..).prop_map(Value::U64),]),
        or_null(float.prop_map(Value::F32)),
        or_null(double.prop_map(Value::F64)),
        or_null(digits().prop_map(Value::Decimal)),
        or_null(text().prop_map(Value::Text)),
        or_null(text().prop_map(Value::Text)),
        or_null(any::<Vec<u8>>().prop_map(Value::Bytes)),
        or_null(day.prop_map(|v| Value::Date(Date(v)))),
        or_null((0..86_400_000_000_000_i64).prop_map(Value::Time)),
        or_null(moment().prop_map(Value::Timestamp)),
        or_null(
            (moment(), prop::option::of(-86_399..86_400_i32))
                .prop_map(|(at, offset)| Value::Instant(Instant { at, offset })),
        ),
        or_null(any::<[u8; 16]>().prop_map(Value::Uuid)),
        or_null(document()),
        or_null(list(document())),
        or_null(object(document())),
    ]
}

fn service() -> u64 {
    let columns: Vec<_> = TYPES.iter().map(|name| json!({"name": name, "type": name})).collect();
    open(&json!({"tables": {"all": {"columns": columns}}})).unwrap()
}

fn paths() -> Vec<[&'static str; 1]> {
    TYPES.iter().map(|name| [*name]).collect()
}

#[test]
fn every_type_of_the_readme_is_among_these() {
    let readme = include_str!("../../../README.md");
    let (_, section) = readme.split_once("\n## Types\n").unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).skip(2);
    let cells = rows.take_while(|line| line.starts_with('|')).filter_map(|row| row.split('|').nth(1));
    let named: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert_eq!(named, TYPES);
}

proptest! {
    #[test]
    fn what_is_inserted_is_what_is_read_for_every_type(rows in prop::collection::vec(row(), 1..4)) {
        let service = service();
        let head = json!({"into": {"name": "all"}, "columns": paths(), "on_error": "stop", "returning": paths()});
        let answer = ask(service, Operation::Insert, &head, &With { records: &rows, ..With::default() }).unwrap();
        prop_assert_eq!(&answer.outcomes, &[]);
        let head = json!({"from": {"name": "all"}, "select": paths(), "limit": 0});
        let (read, _) = call(service, Operation::Query, &head, &[Value::I64(10)]).unwrap();
        prop_assert_eq!(&answer.rows, &rows);
        prop_assert_eq!(&read, &rows);
    }
}
