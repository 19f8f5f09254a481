//! BSON to cells, straight from the bytes of the server's answer, and to values where the evaluator needs them.

use connector_api::author::{CellWriter as _, Error, ErrorKind, Instant, Result, Timestamp, Value};
use connector_api::model::batch::{MAX_DEPTH, key};
use mongodb::bson::raw::{RawArray, RawBsonRef, RawDocument};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{DateTime, Decimal128};

use super::{Kind, OBJECT_ID};

/// The digits that a decimal may have.
const DECIMAL_DIGITS: usize = 34;

/// Appends a cell.
///
/// # Errors
/// A document that is nested too deeply to be sent, bytes that are no BSON.
pub(crate) fn write_cell(out: &mut Vec<u8>, value: RawBsonRef<'_>) -> Result<()> {
    cell(out, value, 0)
}

fn cell(out: &mut Vec<u8>, value: RawBsonRef<'_>, depth: usize) -> Result<()> {
    match value {
        RawBsonRef::Null | RawBsonRef::Undefined => out.null(),
        RawBsonRef::Boolean(value) => out.bool(value),
        RawBsonRef::Int32(value) => out.i64(i64::from(value)),
        RawBsonRef::Int64(value) => out.i64(value),
        RawBsonRef::Double(value) => out.f64(value),
        RawBsonRef::String(value) => out.text(value),
        RawBsonRef::DateTime(value) => out.instant(moment(value)),
        RawBsonRef::Array(items) => return list(out, items, depth),
        RawBsonRef::Document(members) => return object(out, members, depth),
        other => out.value(&scalar(other)),
    }
    Ok(())
}

fn list(out: &mut Vec<u8>, items: &RawArray, depth: usize) -> Result<()> {
    check_depth(depth)?;
    let mut end = Ok(());
    out.list(|out| {
        let mut count = 0;
        for item in items {
            end = item.map_err(malformed).and_then(|item| cell(out, item, depth + 1));
            if end.is_err() {
                break;
            }
            count += 1;
        }
        count
    });
    end
}

fn object(out: &mut Vec<u8>, members: &RawDocument, depth: usize) -> Result<()> {
    check_depth(depth)?;
    let mut end = Ok(());
    out.object(|out| {
        let mut count = 0;
        for member in members {
            end = member.map_err(malformed).and_then(|(name, value)| {
                key(out, name.as_str());
                cell(out, value, depth + 1)
            });
            if end.is_err() {
                break;
            }
            count += 1;
        }
        count
    });
    end
}

fn check_depth(depth: usize) -> Result<()> {
    if depth < MAX_DEPTH {
        return Ok(());
    }
    let message = format!("a document is nested deeper than {MAX_DEPTH} levels");
    Err(Error::new(ErrorKind::LimitExceeded, message).with_reason("nested_too_deep"))
}

/// Bytes that are no document.
pub(crate) fn malformed(error: mongodb::bson::error::Error) -> Error {
    Error::internal("the server sent a malformed document").with_detail(error.kind)
}

/// The same as a value, object ids as their text: so filters compare them with the texts that requests have.
///
/// # Errors
/// As [`write_cell`].
pub(crate) fn value_of(value: RawBsonRef<'_>) -> Result<Value> {
    value_at(value, 0)
}

fn value_at(value: RawBsonRef<'_>, depth: usize) -> Result<Value> {
    Ok(match value {
        RawBsonRef::Array(items) => {
            check_depth(depth)?;
            let items = items.into_iter().map(|item| value_at(item.map_err(malformed)?, depth + 1));
            Value::List(items.collect::<Result<_>>()?)
        }
        RawBsonRef::Document(members) => {
            check_depth(depth)?;
            let member = |member: mongodb::bson::error::Result<(_, _)>| {
                let (name, value): (&mongodb::bson::raw::CStr, RawBsonRef<'_>) = member.map_err(malformed)?;
                Ok((name.as_str().to_owned(), value_at(value, depth + 1)?))
            };
            Value::Object(members.iter().map(member).collect::<Result<_>>()?)
        }
        RawBsonRef::ObjectId(id) => Value::Text(id.to_hex()),
        other => scalar(other),
    })
}

/// Everything that holds nothing else. A kind that has no other form is an extension around its text.
pub(super) fn scalar(value: RawBsonRef<'_>) -> Value {
    let text = |name: &str, text: String| Value::Extension(name.to_owned(), Box::new(Value::Text(text)));
    match value {
        RawBsonRef::Boolean(value) => Value::Bool(value),
        RawBsonRef::Int32(value) => Value::I64(i64::from(value)),
        RawBsonRef::Int64(value) => Value::I64(value),
        RawBsonRef::Double(value) => Value::F64(value),
        RawBsonRef::String(value) => Value::Text(value.to_owned()),
        RawBsonRef::DateTime(value) => Value::Instant(moment(value)),
        RawBsonRef::ObjectId(id) => text(OBJECT_ID, id.to_hex()),
        RawBsonRef::Decimal128(value) => decimal(value),
        RawBsonRef::Binary(value) => binary(value.subtype, value.bytes),
        RawBsonRef::Timestamp(value) => text("bson.timestamp", format!("{}:{}", value.time, value.increment)),
        RawBsonRef::RegularExpression(value) => {
            text("bson.regex", format!("/{}/{}", value.pattern.as_str(), value.options.as_str()))
        }
        RawBsonRef::JavaScriptCode(code) => text("bson.javascript", code.to_owned()),
        RawBsonRef::JavaScriptCodeWithScope(code) => text("bson.javascript", code.code.to_owned()),
        RawBsonRef::Symbol(symbol) => text("bson.symbol", symbol.to_owned()),
        RawBsonRef::MinKey => text("bson.minkey", "MinKey".to_owned()),
        RawBsonRef::MaxKey => text("bson.maxkey", "MaxKey".to_owned()),
        RawBsonRef::DbPointer(_) => text("bson.dbpointer", "DBPointer".to_owned()),
        RawBsonRef::Null | RawBsonRef::Undefined | RawBsonRef::Array(_) | RawBsonRef::Document(_) => {
            Value::Null
        }
    }
}

/// Milliseconds in UTC.
fn moment(value: DateTime) -> Instant {
    let milliseconds = value.timestamp_millis();
    let nanos = u32::try_from(milliseconds.rem_euclid(1_000)).unwrap_or_default() * 1_000_000;
    Instant { at: Timestamp { seconds: milliseconds.div_euclid(1_000), nanos }, offset: None }
}

/// With all its digits. What is no number (`NaN`, `Infinity`) is that of a double.
fn decimal(value: Decimal128) -> Value {
    let text = value.to_string();
    match text.as_str() {
        "Infinity" => Value::F64(f64::INFINITY),
        "-Infinity" => Value::F64(f64::NEG_INFINITY),
        text if text.ends_with("NaN") => Value::F64(f64::NAN),
        text => Value::Decimal(plain(text).unwrap_or_else(|| text.to_owned())),
    }
}

/// Without the exponent of a small number, as people write it. `None`: it has none, or it would become long.
fn plain(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once("E-")?;
    let places: usize = exponent.parse().ok().filter(|places| *places <= DECIMAL_DIGITS)?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    Some(format!("{sign}0.{}{digits}", "0".repeat(places.checked_sub(1)?)))
}

/// Plain bytes, uuids, or the bytes of another subtype.
fn binary(subtype: BinarySubtype, bytes: &[u8]) -> Value {
    match (subtype, <[u8; 16]>::try_from(bytes)) {
        (BinarySubtype::Uuid, Ok(uuid)) => Value::Uuid(uuid),
        (BinarySubtype::Generic, _) => Value::Bytes(bytes.to_vec()),
        (other, _) => {
            let name = format!("bson.binary.{}", u8::from(other));
            Value::Extension(name, Box::new(Value::Bytes(bytes.to_vec())))
        }
    }
}

/// What a value is; null and what is not there are of no kind.
pub(crate) fn kind_of(value: RawBsonRef<'_>) -> Option<Kind> {
    Some(match value {
        RawBsonRef::Null | RawBsonRef::Undefined => return None,
        RawBsonRef::Double(_) => Kind::Double,
        RawBsonRef::String(_) => Kind::String,
        RawBsonRef::Array(_) => Kind::Array,
        RawBsonRef::Document(_) => Kind::Object,
        RawBsonRef::Boolean(_) => Kind::Bool,
        RawBsonRef::Int32(_) => Kind::Int,
        RawBsonRef::Int64(_) => Kind::Long,
        RawBsonRef::Binary(value) => match value.subtype {
            BinarySubtype::Uuid if value.bytes.len() == 16 => Kind::Uuid,
            _ => Kind::Binary,
        },
        RawBsonRef::ObjectId(_) => Kind::ObjectId,
        RawBsonRef::DateTime(_) => Kind::Date,
        RawBsonRef::Decimal128(_) => Kind::Decimal,
        _ => Kind::Any,
    })
}
