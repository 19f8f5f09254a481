//! What a column takes: JSON of the configuration, and values of a write, by the type of the column. What does not fit is refused,
//! never bent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_api::author::{ColumnType, Date, Instant, TimeOfDay, Timestamp, Value, parse_uuid};
use connector_api::model::batch::MAX_DEPTH;
use connector_common::evaluate::whole;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// The most significant digits that a decimal written as a JSON number keeps on its way here, for it is read as a double.
const DOUBLE_DIGITS: usize = 15;

/// The type of a column.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Type {
    /// true or false
    Boolean,
    /// a whole number of 32 bits
    Integer,
    /// a whole number of 64 bits, signed or unsigned
    BigInt,
    /// a number, kept as a 32-bit floating point number
    Float,
    /// a number, kept as a 64-bit floating point number
    Double,
    /// an exact number: a text such as "12.50", or a number of at most 15 digits
    Decimal,
    /// a text
    String,
    /// a text
    Text,
    /// bytes as a base64 text
    Binary,
    /// a text such as "2024-05-01"
    Date,
    /// a text such as "12:30:00" or "12:30:00.25"
    Time,
    /// a text such as "2024-05-01 12:30:00", without a zone
    DateTime,
    /// a text such as "2024-05-01T12:30:00Z" or "2024-05-01T12:30:00+02:00"
    Timestamp,
    /// a text such as "123e4567-e89b-12d3-a456-426614174000"
    Uuid,
    /// any JSON
    Json,
    /// a JSON list
    Array,
    /// a JSON object
    Object,
}

impl Type {
    /// The neutral type and the word for it in the configuration.
    pub(crate) fn described(self) -> (ColumnType, &'static str) {
        match self {
            Self::Boolean => (ColumnType::Boolean, "boolean"),
            Self::Integer => (ColumnType::Integer, "integer"),
            Self::BigInt => (ColumnType::BigInt, "bigint"),
            Self::Float => (ColumnType::Float, "float"),
            Self::Double => (ColumnType::Double, "double"),
            Self::Decimal => (ColumnType::Decimal, "decimal"),
            Self::String => (ColumnType::String, "string"),
            Self::Text => (ColumnType::Text, "text"),
            Self::Binary => (ColumnType::Binary, "binary"),
            Self::Date => (ColumnType::Date, "date"),
            Self::Time => (ColumnType::Time, "time"),
            Self::DateTime => (ColumnType::DateTime, "datetime"),
            Self::Timestamp => (ColumnType::Timestamp, "timestamp"),
            Self::Uuid => (ColumnType::Uuid, "uuid"),
            Self::Json => (ColumnType::Json, "json"),
            Self::Array => (ColumnType::Array, "array"),
            Self::Object => (ColumnType::Object, "object"),
        }
    }

    /// What a value of this type looks like, for error messages.
    fn expected(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Integer => "a whole number of 32 bits",
            Self::BigInt => "a whole number of 64 bits",
            Self::Float | Self::Double => "a number in the range of its type",
            Self::Decimal => "a text such as \"12.50\" or a number of at most 15 digits",
            Self::String | Self::Text => "a text",
            Self::Binary => "a base64 text",
            Self::Date => "a text such as \"2024-05-01\"",
            Self::Time => "a text such as \"12:30:00\"",
            Self::DateTime => "a text such as \"2024-05-01 12:30:00\", without a zone",
            Self::Timestamp => "a text such as \"2024-05-01T12:30:00Z\"",
            Self::Uuid => "a text such as \"123e4567-e89b-12d3-a456-426614174000\"",
            Self::Json => "any JSON",
            Self::Array => "a list",
            Self::Object => "an object",
        }
    }

    /// The value that the JSON stands for; null is null for every type.
    ///
    /// # Errors
    /// What was expected, when it does not fit.
    pub(crate) fn convert(self, json: &Json) -> Result<Value, &'static str> {
        if json.is_null() {
            return Ok(Value::Null);
        }
        let text = json.as_str();
        match self {
            Self::Boolean => json.as_bool().map(Value::Bool),
            Self::Integer => json.as_i64().filter(|v| i32::try_from(*v).is_ok()).map(Value::I64),
            Self::BigInt => json.as_i64().map(Value::I64).or_else(|| json.as_u64().map(Value::U64)),
            Self::Float => {
                number(json).map(Value::F32).filter(|v| matches!(v, Value::F32(v) if v.is_finite()))
            }
            Self::Double => {
                number(json).map(Value::F64).filter(|v| matches!(v, Value::F64(v) if v.is_finite()))
            }
            Self::Decimal => decimal(json).map(Value::Decimal),
            Self::String | Self::Text => text.map(|text| Value::Text(text.to_owned())),
            Self::Binary => text.and_then(|text| STANDARD.decode(text).ok()).map(Value::Bytes),
            Self::Date => text.and_then(Date::parse).map(Value::Date),
            Self::Time => text.and_then(TimeOfDay::parse).map(|time| Value::Time(time.0)),
            Self::DateTime => text.and_then(Timestamp::parse).map(Value::Timestamp),
            Self::Timestamp => text.and_then(Instant::parse).map(Value::Instant),
            Self::Uuid => text.and_then(parse_uuid).map(Value::Uuid),
            Self::Json => document(json, MAX_DEPTH),
            Self::Array => json.as_array().and_then(|_| document(json, MAX_DEPTH)),
            Self::Object => json.as_object().and_then(|_| document(json, MAX_DEPTH)),
        }
        .ok_or(self.expected())
    }

    /// Whether this is a whole number and so is the type: what [`Type::accept`] then refuses is out of its range.
    pub(crate) fn is_of_kind(self, value: &Value) -> bool {
        matches!((self, value), (Self::Integer | Self::BigInt, Value::I64(_) | Value::U64(_)))
    }

    /// The value as a column of this type keeps it. A number takes the column's type when it has the same value there, or the nearest
    /// one for floats; times and uuids may be texts in the form of the configuration, documents JSON text.
    ///
    /// # Errors
    /// What was expected, when it does not fit.
    pub(crate) fn accept(self, value: Value) -> Result<Value, &'static str> {
        match (self, value) {
            (_, Value::Null) => Some(Value::Null),
            (Self::Boolean | Self::Json, value @ Value::Bool(_))
            | (Self::String | Self::Text | Self::Json, value @ Value::Text(_))
            | (Self::Binary, value @ Value::Bytes(_))
            | (Self::Date, value @ Value::Date(_))
            | (Self::DateTime, value @ Value::Timestamp(_))
            | (Self::Timestamp, value @ Value::Instant(_))
            | (Self::Uuid, value @ Value::Uuid(_))
            | (Self::Array | Self::Json, value @ Value::List(_))
            | (Self::Object | Self::Json, value @ Value::Object(_))
            | (
                Self::Json,
                value @ (Value::I64(_) | Value::U64(_) | Value::F32(_) | Value::F64(_) | Value::Decimal(_)),
            ) => Some(value),
            (Self::Time, Value::Time(nanos)) => {
                (0..NANOS_OF_A_DAY).contains(&nanos).then_some(Value::Time(nanos))
            }
            (Self::Json | Self::Array | Self::Object, Value::Json(text)) => {
                serde_json::from_str(&text).ok().and_then(|json| self.convert(&json).ok())
            }
            (Self::Date | Self::Time | Self::DateTime | Self::Timestamp | Self::Uuid, Value::Text(text)) => {
                self.convert(&Json::String(text)).ok()
            }
            (_, number) => self.accept_number(&number),
        }
        .ok_or(self.expected())
    }

    fn accept_number(self, number: &Value) -> Option<Value> {
        match self {
            Self::Integer => i32::try_from(whole(number)?).ok().map(|v| Value::I64(i64::from(v))),
            Self::BigInt => {
                let whole = whole(number)?;
                i64::try_from(whole).map(Value::I64).or_else(|_| u64::try_from(whole).map(Value::U64)).ok()
            }
            Self::Float => digits(number)?.parse().ok().filter(|v: &f32| v.is_finite()).map(Value::F32),
            Self::Double => match number {
                Value::F32(v) => Some(f64::from(*v)),
                number => digits(number)?.parse().ok(),
            }
            .filter(|v| v.is_finite())
            .map(Value::F64),
            Self::Decimal => match number {
                Value::F32(_) | Value::F64(_) => decimal(&Json::from(digits(number)?.parse::<f64>().ok()?)),
                number => digits(number),
            }
            .map(Value::Decimal),
            _ => None,
        }
    }
}

const NANOS_OF_A_DAY: i64 = 86_400_000_000_000;

/// The number as text, so that nothing is rounded twice on its way to another type.
fn digits(number: &Value) -> Option<String> {
    match number {
        Value::I64(v) => Some(v.to_string()),
        Value::U64(v) => Some(v.to_string()),
        Value::F32(v) => Some(v.to_string()),
        Value::F64(v) => Some(v.to_string()),
        Value::Decimal(v) => Some(v.clone()),
        _ => None,
    }
}

/// The nearest number of the wanted width, read from the number's text so that nothing is rounded twice.
fn number<T: std::str::FromStr>(json: &Json) -> Option<T> {
    json.as_number()?.to_string().parse().ok()
}

fn decimal(json: &Json) -> Option<String> {
    let text = match json {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        _ => return None,
    };
    let digits = text.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    let is_exact = !json.is_f64() || digits <= DOUBLE_DIGITS;
    (is_exact && is_decimal(&text)).then_some(text)
}

/// `-?digits(.digits)?(E[+-]?digits)?` without superfluous zeros in front, as the contract wants it.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['E', 'e']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    !has_leading_zero && [whole, fraction, exponent].into_iter().all(is_digits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `None`: nested deeper than a row can carry.
fn document(json: &Json, depth: usize) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(v) => Value::Bool(*v),
        Json::Number(v) => document_number(v.to_string()),
        Json::String(v) => Value::Text(v.clone()),
        Json::Array(items) => {
            let inside = depth.checked_sub(1)?;
            Value::List(items.iter().map(|item| document(item, inside)).collect::<Option<_>>()?)
        }
        Json::Object(members) => {
            let inside = depth.checked_sub(1)?;
            let member = |(name, member): (&String, &Json)| Some((name.clone(), document(member, inside)?));
            Value::Object(members.iter().map(member).collect::<Option<_>>()?)
        }
    })
}

/// A 64-bit integer where that has the same text, else a decimal, which keeps every digit and zero as they were given.
fn document_number(digits: String) -> Value {
    match (digits.parse::<i64>(), digits.parse::<u64>()) {
        (Ok(v), _) if digits != "-0" => Value::I64(v),
        (_, Ok(v)) => Value::U64(v),
        _ => Value::Decimal(digits),
    }
}

#[cfg(test)]
mod tests;
