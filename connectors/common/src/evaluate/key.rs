//! Values as bytes that are equal exactly when the values are: for groups, distinct rows and keys of a store.
//!
//! Equal means what a filter means by it (numbers of all types by their exact value, documents by content, instants without their
//! offset), with one addition: null equals null and absent.

use connector_api::author::Value;

use super::number::Number;

/// The key of a row's values, in their order. Its bytes have no meaning but their equality.
pub fn key<'v>(values: impl IntoIterator<Item = &'v Value>) -> Vec<u8> {
    let mut key = Vec::new();
    values.into_iter().for_each(|value| write(&mut key, value));
    key
}

/// A byte for the kind, then the content; each value tells where it ends, so that no two rows run into one another.
fn write(key: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null | Value::Absent => key.push(b'0'),
        Value::Bool(v) => key.extend([b'b', u8::from(*v)]),
        Value::I64(_) | Value::U64(_) | Value::F32(_) | Value::F64(_) | Value::Decimal(_) => {
            number(key, value)
        }
        Value::Text(v) => sized(key, b't', v.as_bytes()),
        Value::Bytes(v) => sized(key, b'y', v),
        Value::Json(v) => sized(key, b'j', v.as_bytes()),
        Value::Date(v) => fixed(key, b'd', &v.0.to_le_bytes()),
        Value::Time(v) => fixed(key, b'h', &v.to_le_bytes()),
        Value::Timestamp(v) => {
            fixed(key, b's', &v.seconds.to_le_bytes());
            key.extend(v.nanos.to_le_bytes());
        }
        Value::Instant(v) => {
            fixed(key, b'i', &v.at.seconds.to_le_bytes());
            key.extend(v.at.nanos.to_le_bytes());
        }
        Value::Uuid(v) => fixed(key, b'u', v),
        Value::List(items) => {
            fixed(key, b'l', &items.len().to_le_bytes());
            items.iter().for_each(|item| inside(key, item));
        }
        Value::Object(members) => object(key, members),
        Value::Extension(name, inner) => {
            sized(key, b'x', name.as_bytes());
            write(key, inner);
        }
        _ => key.push(b'?'),
    }
}

fn number(key: &mut Vec<u8>, value: &Value) {
    let number = Number::of(value);
    match number.as_ref().and_then(Number::digits) {
        Some(digits) => sized(key, b'n', digits.to_string().as_bytes()),
        None => {
            let float = number.map_or(f64::NAN, |number| number.to_f64());
            let float = if float.is_nan() { f64::NAN } else { float };
            fixed(key, b'f', &float.to_bits().to_le_bytes());
        }
    }
}

/// Inside a document absent is not null.
fn inside(key: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Absent => key.push(b'a'),
        value => write(key, value),
    }
}

fn object(key: &mut Vec<u8>, members: &[(String, Value)]) {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.cmp(b));
    fixed(key, b'o', &members.len().to_le_bytes());
    for (name, member) in members {
        sized(key, b'm', name.as_bytes());
        inside(key, member);
    }
}

fn fixed(key: &mut Vec<u8>, kind: u8, content: &[u8]) {
    key.push(kind);
    key.extend(content);
}

fn sized(key: &mut Vec<u8>, kind: u8, content: &[u8]) {
    fixed(key, kind, &content.len().to_le_bytes());
    key.extend(content);
}
