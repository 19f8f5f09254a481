//! A value that is written over another one. JSON has fewer types than BSON, so what was read of a document comes back as texts and numbers:
//! each value gets the type of the one that stood there, if it spells one. What spells none is written as what it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_api::author::{Instant, Result, Value, parse_uuid};
use mongodb::bson::raw::RawBsonRef;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document};

use super::Kind;
use super::read::{kind_of, malformed, scalar};
use super::write::{date, document_member, object_id, significant, to_bson};

/// A value for a column in which `stored` stands. Members of documents are those of one name, items of lists those at one place.
///
/// # Errors
/// As [`to_bson`].
pub(crate) fn replacing(value: &Value, stored: RawBsonRef<'_>, column: &str, kind: Kind) -> Result<Bson> {
    match (value, stored) {
        (Value::Object(members), RawBsonRef::Document(old)) => {
            let mut document = Document::new();
            for (name, member) in members.iter().filter(|(_, member)| *member != Value::Absent) {
                let name = document_member(name, column)?;
                let stored = old.get(&name).map_err(malformed)?;
                document.insert(name, over(member, stored, column)?);
            }
            Ok(Bson::Document(document))
        }
        (Value::List(items), RawBsonRef::Array(old)) => {
            let mut old = old.into_iter();
            let item = |item| over(item, old.next().transpose().map_err(malformed)?, column);
            items.iter().map(item).collect::<Result<_>>().map(Bson::Array)
        }
        _ => match alike(value, stored, column)? {
            Some(bson) => Ok(bson),
            None => to_bson(value, column, kind),
        },
    }
}

fn over(value: &Value, stored: Option<RawBsonRef<'_>>, column: &str) -> Result<Bson> {
    match stored {
        Some(stored) => replacing(value, stored, column, Kind::Any),
        None => to_bson(value, column, Kind::Any),
    }
}

/// The value as the type that stands there; `None`: it spells none of that type.
fn alike(value: &Value, stored: RawBsonRef<'_>, column: &str) -> Result<Option<Bson>> {
    if reads_as(value, stored) {
        return Bson::try_from(stored).map(Some).map_err(malformed);
    }
    Ok(match (value, stored) {
        (Value::Text(text), RawBsonRef::String(_)) => Some(Bson::String(text.clone())),
        (Value::Text(text), RawBsonRef::ObjectId(_)) => object_id(text),
        (Value::Text(text), RawBsonRef::DateTime(_)) => {
            Instant::parse(text).map(|at| date(&at, column)).transpose()?
        }
        (Value::Text(text), RawBsonRef::Binary(old)) => {
            bytes_of(text, old.subtype).map(|bytes| of_subtype(old.subtype, bytes))
        }
        (Value::Bytes(bytes), RawBsonRef::Binary(old)) => Some(of_subtype(old.subtype, bytes.clone())),
        (Value::I64(_) | Value::U64(_), _)
        | (Value::Decimal(_) | Value::F64(_), RawBsonRef::Double(_) | RawBsonRef::Decimal128(_)) => {
            number(value, stored, column)
        }
        _ => None,
    })
}

/// Whether the value is what the stored one is shown as. Only for those that can't be made from it again.
fn reads_as(value: &Value, stored: RawBsonRef<'_>) -> bool {
    match (value, scalar(stored)) {
        (Value::Text(text), Value::Extension(_, inner)) => *inner == Value::Text(text.clone()),
        (Value::Text(text), Value::F64(number)) => match text.as_str() {
            "NaN" => number.is_nan(),
            "Infinity" => number == f64::INFINITY,
            "-Infinity" => number == f64::NEG_INFINITY,
            _ => false,
        },
        (Value::Decimal(digits), Value::Decimal(stored)) => {
            digits.starts_with('-') == stored.starts_with('-') && significant(digits) == significant(&stored)
        }
        _ => false,
    }
}

/// A number of the type that stands there, if that holds it whole.
fn number(value: &Value, stored: RawBsonRef<'_>, column: &str) -> Option<Bson> {
    let kind = kind_of(stored)?;
    matches!(kind, Kind::Int | Kind::Long | Kind::Double | Kind::Decimal)
        .then(|| to_bson(value, column, kind).ok())
        .flatten()
}

fn bytes_of(text: &str, subtype: BinarySubtype) -> Option<Vec<u8>> {
    match subtype {
        BinarySubtype::Uuid => parse_uuid(text).map(|uuid| uuid.to_vec()),
        _ => STANDARD.decode(text).ok(),
    }
}

/// A uuid has sixteen bytes; others are plain.
fn of_subtype(subtype: BinarySubtype, bytes: Vec<u8>) -> Bson {
    let is_short_uuid = subtype == BinarySubtype::Uuid && bytes.len() != 16;
    Binary { subtype: if is_short_uuid { BinarySubtype::Generic } else { subtype }, bytes }.into()
}
