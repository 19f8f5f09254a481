//! How two values compare: as a filter asks, and as an order needs it.

use std::cmp::Ordering;

use connector_api::author::{
    CompareOp, Date, Direction, Instant, Nulls, Order, TimeOfDay, Timestamp, Value, parse_uuid,
};

use super::is_null;
use super::number::Number;

/// What two values are to each other.
enum Relation {
    /// One is null or absent.
    Unknown,
    /// Of one kind that has an order.
    Ordered(Ordering),
    /// Documents, or values of different kinds: equal or not, never one before the other.
    Unordered { is_equal: bool },
}

/// Whether a comparison holds; `None` is unknown.
pub(super) fn holds(op: CompareOp, left: &Value, right: &Value) -> Option<bool> {
    match relation(left, right) {
        Relation::Unknown => None,
        Relation::Unordered { is_equal } => Some(match op {
            CompareOp::Eq => is_equal,
            CompareOp::Ne => !is_equal,
            _ => false,
        }),
        Relation::Ordered(ordering) => Some(match op {
            CompareOp::Eq => ordering.is_eq(),
            CompareOp::Ne => ordering.is_ne(),
            CompareOp::Lt => ordering.is_lt(),
            CompareOp::Le => ordering.is_le(),
            CompareOp::Gt => ordering.is_gt(),
            CompareOp::Ge => ordering.is_ge(),
        }),
    }
}

/// Where two values of one column stand to each other in an order, nulls and direction included.
pub fn compare_by(order: &Order, left: &Value, right: &Value) -> Ordering {
    let are_nulls_first = match order.nulls {
        Some(Nulls::First) => true,
        Some(Nulls::Last) => false,
        None => order.direction == Direction::Asc,
    };
    match (is_null(left), is_null(right)) {
        (true, true) => Ordering::Equal,
        (false, false) if order.direction == Direction::Desc => compare_values(right, left),
        (false, false) => compare_values(left, right),
        (is_left_null, _) if is_left_null == are_nulls_first => Ordering::Less,
        _ => Ordering::Greater,
    }
}

/// A total order over values of all kinds, kind by kind: null and absent, boolean, number, date, time, timestamp, instant, uuid, text,
/// bytes, document, extension. All documents are equal in it, so a stable sort leaves them as they came.
pub fn compare_values(left: &Value, right: &Value) -> Ordering {
    if let (Value::Extension(left_name, left), Value::Extension(right_name, right)) = (left, right) {
        return left_name.cmp(right_name).then_with(|| compare_values(left, right));
    }
    rank(left).cmp(&rank(right)).then_with(|| match relation(left, right) {
        Relation::Ordered(ordering) => ordering,
        _ => Ordering::Equal,
    })
}

fn relation(left: &Value, right: &Value) -> Relation {
    match (left, right) {
        (Value::Null | Value::Absent, _) | (_, Value::Null | Value::Absent) => Relation::Unknown,
        (Value::Bool(a), Value::Bool(b)) => Relation::Ordered(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Relation::Ordered(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Relation::Ordered(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Relation::Ordered(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Relation::Ordered(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Relation::Ordered(a.cmp(b)),
        (Value::Instant(a), Value::Instant(b)) => Relation::Ordered(a.at.cmp(&b.at)),
        (Value::Uuid(a), Value::Uuid(b)) => Relation::Ordered(a.cmp(b)),
        (Value::Extension(a, left), Value::Extension(b, right)) if a == b => relation(left, right),
        (Value::Text(text), other) if is_spelled(other) => match spelled(text, other) {
            Some(value) => relation(&value, other),
            None => Relation::Unordered { is_equal: false },
        },
        (other, Value::Text(text)) if is_spelled(other) => match spelled(text, other) {
            Some(value) => relation(other, &value),
            None => Relation::Unordered { is_equal: false },
        },
        _ => match (Number::of(left), Number::of(right)) {
            (Some(a), Some(b)) => Relation::Ordered(a.compare(&b)),
            _ => Relation::Unordered { is_equal: is_same_document(left, right) },
        },
    }
}

/// Kinds that have no literal of their own in requests: a text stands for them.
fn is_spelled(value: &Value) -> bool {
    matches!(
        value,
        Value::Date(_) | Value::Time(_) | Value::Timestamp(_) | Value::Instant(_) | Value::Uuid(_)
    )
}

/// The value of the other one's kind that a text spells; a day alone is its midnight.
fn spelled(text: &str, other: &Value) -> Option<Value> {
    match other {
        Value::Date(_) => Date::parse(text).map(Value::Date),
        Value::Time(_) => TimeOfDay::parse(text).map(|time| Value::Time(time.0)),
        Value::Timestamp(_) => Timestamp::parse(text)
            .or_else(|| {
                Date::parse(text).map(|day| Timestamp { seconds: i64::from(day.0) * 86_400, nanos: 0 })
            })
            .map(Value::Timestamp),
        Value::Instant(_) => Instant::parse(text).map(Value::Instant),
        Value::Uuid(_) => parse_uuid(text).map(Value::Uuid),
        _ => None,
    }
}

fn is_same_document(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Json(a), Value::Json(b)) => a == b,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let has =
                |name: &str, value: &Value| b.iter().any(|(other, v)| other == name && is_same(value, v));
            a.len() == b.len() && a.iter().all(|(name, value)| has(name, value))
        }
        _ => false,
    }
}

/// Inside a document null is a value like others.
fn is_same(left: &Value, right: &Value) -> bool {
    match relation(left, right) {
        Relation::Unknown => left == right,
        Relation::Ordered(ordering) => ordering.is_eq(),
        Relation::Unordered { is_equal } => is_equal,
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null | Value::Absent => 0,
        Value::Bool(_) => 1,
        Value::I64(_) | Value::U64(_) | Value::F32(_) | Value::F64(_) | Value::Decimal(_) => 2,
        Value::Date(_) => 3,
        Value::Time(_) => 4,
        Value::Timestamp(_) => 5,
        Value::Instant(_) => 6,
        Value::Uuid(_) => 7,
        Value::Text(_) => 8,
        Value::Bytes(_) => 9,
        Value::Json(_) | Value::List(_) | Value::Object(_) => 10,
        _ => 11,
    }
}
