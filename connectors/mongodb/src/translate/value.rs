//! Values of a filter as the server knows them. A request has no literals for object ids, moments and uuids, so a text stands for those
//! that it spells as well.

use connector_api::author::{Instant, Value, parse_uuid};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime};

use crate::types::{Kind, OBJECT_ID, decimal, instant, shortest_double};

/// All that a value stands for, each of another kind. `None`: the server can't compare it as the contract does.
///
/// A decimal beside a column that nobody declared may also mean the double with the same digits, since JSON writes both alike.
pub(super) fn meanings(value: &Value, kind: Option<Kind>) -> Option<Vec<Bson>> {
    let one = |value: Bson| Some(vec![value]);
    match value {
        Value::Bool(value) => one(Bson::Boolean(*value)),
        Value::I64(number) => one(Bson::Int64(*number)),
        Value::U64(number) => one(Bson::Decimal128(decimal(&number.to_string())?)),
        Value::F32(number) => one(Bson::Double(f64::from(*number))),
        Value::F64(number) if !number.is_nan() => one(Bson::Double(*number)),
        Value::Decimal(digits) => {
            let mut meanings = vec![Bson::Decimal128(decimal(digits)?)];
            meanings.extend(shortest_double(digits).filter(|_| kind.is_none()).map(Bson::Double));
            Some(meanings)
        }
        Value::Text(text) => Some(of_text(text, kind)),
        Value::Bytes(bytes) => one(Binary { subtype: BinarySubtype::Generic, bytes: bytes.clone() }.into()),
        Value::Uuid(bytes) => one(Binary { subtype: BinarySubtype::Uuid, bytes: bytes.to_vec() }.into()),
        Value::Instant(at) => one(Bson::DateTime(instant(at)?)),
        Value::Extension(name, inner) => match (name.as_str(), &**inner) {
            (OBJECT_ID, Value::Text(text)) => one(Bson::ObjectId(ObjectId::parse_str(text).ok()?)),
            _ => None,
        },
        _ => None,
    }
}

fn of_text(text: &str, kind: Option<Kind>) -> Vec<Bson> {
    let mut meanings = vec![Bson::String(text.to_owned())];
    let is_open = kind.is_none_or(|kind| kind == Kind::Any);
    if is_open || kind == Some(Kind::ObjectId) {
        meanings.extend(ObjectId::parse_str(text).ok().map(Bson::ObjectId));
    }
    if is_open || kind == Some(Kind::Date) {
        meanings.extend(spelled(text).map(Bson::DateTime));
    }
    if is_open || matches!(kind, Some(Kind::Binary | Kind::Uuid)) {
        let bytes = parse_uuid(text).map(|bytes| bytes.to_vec());
        meanings.extend(bytes.map(|bytes| Binary { subtype: BinarySubtype::Uuid, bytes }.into()));
    }
    meanings
}

fn spelled(text: &str) -> Option<DateTime> {
    instant(&Instant::parse(text)?)
}
