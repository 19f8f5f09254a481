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

/// Values of a document.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<i32>().prop_map(|v| Value::F64(f64::from(v) / 8.0)),
        any::<String>().prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| prop_oneof![list(inner.clone()), object(inner)])
}

fn list(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec(inner, 0..4).prop_map(Value::List)
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(any::<String>(), inner, 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// One value for each type.
fn row() -> impl Strategy<Value = Vec<Value>> {
    let at = || {
        (any::<i32>(), 0..1_000_000_000_u32)
            .prop_map(|(seconds, nanos)| Timestamp { seconds: seconds.into(), nanos })
    };
    let decimal = (any::<i128>(), any::<u32>(), -50..50_i32)
        .prop_map(|(whole, fraction, power)| Value::Decimal(format!("{whole}.{fraction}E{power}")));
    vec![
        or_null(any::<bool>().prop_map(Value::Bool)),
        or_null(any::<i32>().prop_map(|v| Value::I64(v.into()))),
        or_null(prop_oneof![any::<i64>().prop_map(Value::I64), (1_u64 << 63..).prop_map(Value::U64),]),
        or_null(prop::num::f32::NORMAL.prop_map(Value::F32)),
        or_null(prop::num::f64::NORMAL.prop_map(Value::F64)),
        or_null(decimal),
        or_null(any::<String>().prop_map(Value::Text)),
        or_null(any::<String>().prop_map(Value::Text)),
        or_null(any::<Vec<u8>>().prop_map(Value::Bytes)),
        or_null(any::<i32>().prop_map(|v| Value::Date(Date(v)))),
        or_null((0..86_400_000_000_000_i64).prop_map(Value::Time)),
        or_null(at().prop_map(Value::Timestamp)),
        or_null(
            (at(), prop::option::of(-86_399..86_400_i32))
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
