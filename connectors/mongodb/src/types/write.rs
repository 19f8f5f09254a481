//! Values to BSON, by the kind of their column. What does not fit is refused, never bent; whatever a value holds, it stays a value: the
//! server gets it where values stand, so a member named `$gt` is a member.

use connector_api::author::{Error, Instant, Result, Value, parse_uuid};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Decimal128, Document};

use super::{Kind, OBJECT_ID};
use crate::error;

/// The greatest whole number up to which doubles hold every one.
const DOUBLE_WHOLE: i64 = 1 << 53;

/// A value for a column.
///
/// # Errors
/// `datatype_mismatch` for a type that does not exist there, `out_of_range` for what the column's type can't hold whole.
pub(crate) fn to_bson(value: &Value, column: &str, kind: Kind) -> Result<Bson> {
    match value {
        Value::Null | Value::Absent => Ok(Bson::Null),
        Value::Bool(value) => Ok(Bson::Boolean(*value)),
        Value::I64(number) => whole(*number, column, kind),
        Value::U64(number) => match i64::try_from(*number) {
            Ok(number) => whole(number, column, kind),
            Err(_) if kind == Kind::Decimal => exact_decimal(&number.to_string(), column),
            Err(_) => Err(error::out_of_range(column, "a whole number of at most 9223372036854775807")),
        },
        Value::F32(number) => float(f64::from(*number), column, kind),
        Value::F64(number) => float(*number, column, kind),
        Value::Decimal(digits) => digits_of(digits, column, kind),
        Value::Text(text) => Ok(text_of(text, column, kind)),
        Value::Bytes(bytes) => Ok(Binary { subtype: BinarySubtype::Generic, bytes: bytes.clone() }.into()),
        Value::Uuid(uuid) => Ok(Binary { subtype: BinarySubtype::Uuid, bytes: uuid.to_vec() }.into()),
        Value::Instant(at) => date(at, column),
        Value::List(items) => {
            items.iter().map(|item| to_bson(item, column, Kind::Any)).collect::<Result<_>>().map(Bson::Array)
        }
        Value::Object(members) => document(members, column).map(Bson::Document),
        Value::Json(text) => json(text, column),
        Value::Extension(name, inner) => extension(name, inner, column),
        Value::Date(_) | Value::Time(_) | Value::Timestamp(_) => Err(error::mismatch(
            column,
            "a moment in UTC: there are no days, times of day or moments without a zone",
        )),
        _ => Err(Error::unsupported("a value of a later contract")),
    }
}

/// A member of a document under its name, whatever that name is.
///
/// # Errors
/// A name that no document can hold.
pub(super) fn document_member(name: &str, column: &str) -> Result<String> {
    if name.contains('\0') {
        return Err(error::out_of_range(column, "names of members without U+0000"));
    }
    Ok(name.to_owned())
}

fn document(members: &[(String, Value)], column: &str) -> Result<Document> {
    let mut document = Document::new();
    for (name, value) in members {
        if *value != Value::Absent {
            document.insert(document_member(name, column)?, to_bson(value, column, Kind::Any)?);
        }
    }
    Ok(document)
}

/// Where no type says otherwise, of 32 bits if it fits, as drivers do it.
fn whole(number: i64, column: &str, kind: Kind) -> Result<Bson> {
    match (kind, i32::try_from(number)) {
        (Kind::Long, _) | (Kind::Any, Err(_)) => Ok(Bson::Int64(number)),
        (Kind::Int, Err(_)) => Err(error::out_of_range(column, "a whole number of 32 bits")),
        (Kind::Decimal, _) => exact_decimal(&number.to_string(), column),
        (Kind::Double, _) if number.abs() <= DOUBLE_WHOLE => double(&number.to_string(), column),
        (Kind::Double, _) => Err(error::out_of_range(column, "a number that a double holds exactly")),
        (_, Ok(number)) => Ok(Bson::Int32(number)),
        (_, Err(_)) => Ok(Bson::Int64(number)),
    }
}

fn double(digits: &str, column: &str) -> Result<Bson> {
    digits.parse().map(Bson::Double).map_err(|_| error::mismatch(column, "a number"))
}

fn float(number: f64, column: &str, kind: Kind) -> Result<Bson> {
    if kind == Kind::Decimal && number.is_finite() {
        return exact_decimal(&number.to_string(), column);
    }
    Ok(Bson::Double(number))
}

/// A decimal as it is written. JSON has no other numbers, so where no type says otherwise one that a double shows with just these digits
/// becomes a double.
fn digits_of(digits: &str, column: &str, kind: Kind) -> Result<Bson> {
    match kind {
        Kind::Double => shortest_double(digits)
            .map(Bson::Double)
            .ok_or_else(|| error::out_of_range(column, "a number that a double holds exactly")),
        Kind::Any => match digits.parse::<f64>() {
            Ok(number) if number.to_string() == digits || format!("{number:?}") == digits => {
                Ok(Bson::Double(number))
            }
            _ => exact_decimal(digits, column),
        },
        _ => exact_decimal(digits, column),
    }
}

fn exact_decimal(digits: &str, column: &str) -> Result<Bson> {
    decimal(digits)
        .map(Bson::Decimal128)
        .ok_or_else(|| error::out_of_range(column, "a decimal of at most 34 digits"))
}

/// The decimal with all of these digits, if there is room for them.
pub(crate) fn decimal(digits: &str) -> Option<Decimal128> {
    digits.parse().ok()
}

/// The double that is written with just these digits.
pub(crate) fn shortest_double(digits: &str) -> Option<f64> {
    let number: f64 = digits.parse().ok().filter(|number: &f64| number.is_finite())?;
    let (written, given) = (significant(&number.to_string()), significant(digits));
    (written == given).then_some(number)
}

/// Digits without zeros at either end, and the power of ten of the last one.
pub(super) fn significant(text: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let kept = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - kept.len()).ok()?;
    let places = i64::try_from(fraction.len()).ok()?;
    let kept = kept.trim_start_matches('0').to_owned();
    if kept.is_empty() {
        return Some((kept, 0));
    }
    Some((kept, exponent.parse::<i64>().ok()? - places + zeros))
}

/// Texts are texts, unless the column takes something that requests have no other form for.
fn text_of(text: &str, column: &str, kind: Kind) -> Bson {
    match kind {
        Kind::ObjectId => object_id(text),
        // Whoever names a row by the text of an object id means the id.
        Kind::Any if column == "_id" => object_id(text),
        Kind::Date => Instant::parse(text).and_then(|at| instant(&at)).map(Bson::DateTime),
        Kind::Uuid => {
            let uuid = parse_uuid(text).map(|uuid| uuid.to_vec());
            uuid.map(|bytes| Binary { subtype: BinarySubtype::Uuid, bytes }.into())
        }
        _ => None,
    }
    .unwrap_or_else(|| Bson::String(text.to_owned()))
}

pub(super) fn object_id(text: &str) -> Option<Bson> {
    ObjectId::parse_str(text).ok().map(Bson::ObjectId)
}

/// A moment as a date.
///
/// # Errors
/// One that has more than milliseconds, or is too far away.
pub(super) fn date(at: &Instant, column: &str) -> Result<Bson> {
    let date = instant(at).map(Bson::DateTime);
    date.ok_or_else(|| error::out_of_range(column, "a moment in whole milliseconds"))
}

/// Moments have milliseconds; `None`: this one has more, or is too far away.
pub(crate) fn instant(Instant { at, .. }: &Instant) -> Option<DateTime> {
    let milliseconds = at.seconds.checked_mul(1_000)?.checked_add(i64::from(at.nanos / 1_000_000))?;
    at.nanos.is_multiple_of(1_000_000).then(|| DateTime::from_millis(milliseconds))
}

fn json(text: &str, column: &str) -> Result<Bson> {
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|_| error::mismatch(column, "valid JSON"))?;
    of_json(&json, column)
}

fn of_json(json: &serde_json::Value, column: &str) -> Result<Bson> {
    use serde_json::Value as Json;
    match json {
        Json::Null => Ok(Bson::Null),
        Json::Bool(value) => Ok(Bson::Boolean(*value)),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => whole(number, column, Kind::Any),
            (None, Some(number)) => to_bson(&Value::U64(number), column, Kind::Any),
            _ => double(&number.to_string(), column),
        },
        Json::String(text) => Ok(Bson::String(text.clone())),
        Json::Array(items) => {
            items.iter().map(|item| of_json(item, column)).collect::<Result<_>>().map(Bson::Array)
        }
        Json::Object(members) => {
            let mut document = Document::new();
            for (name, member) in members {
                document.insert(document_member(name, column)?, of_json(member, column)?);
            }
            Ok(Bson::Document(document))
        }
    }
}

fn extension(name: &str, inner: &Value, column: &str) -> Result<Bson> {
    match (name, inner) {
        (OBJECT_ID, Value::Text(text)) => {
            object_id(text).ok_or_else(|| error::mismatch(column, "24 hexadecimal digits of an object id"))
        }
        _ => Err(error::mismatch(column, "a value of a type that can be written")),
    }
}
