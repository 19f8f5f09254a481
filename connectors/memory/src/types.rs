//! JSON values to values of the contract, by the type of the column. What does not fit is refused, never bent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_api::author::{ColumnType, Date, Instant, TimeOfDay, Timestamp, Value};
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
            Self::Uuid => text.and_then(uuid).map(Value::Uuid),
            Self::Json => Some(document(json)),
            Self::Array => json.is_array().then(|| document(json)),
            Self::Object => json.is_object().then(|| document(json)),
        }
        .ok_or(self.expected())
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

fn uuid(text: &str) -> Option<[u8; 16]> {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text.replace('-', "");
    if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}

fn document(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(v) => Value::Bool(*v),
        Json::Number(v) => match (v.as_i64(), v.as_u64()) {
            (Some(v), _) => Value::I64(v),
            (None, Some(v)) => Value::U64(v),
            (None, None) => v.as_f64().map_or(Value::Null, Value::F64),
        },
        Json::String(v) => Value::Text(v.clone()),
        Json::Array(items) => Value::List(items.iter().map(document).collect()),
        Json::Object(members) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), document(member))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_value_that_fits_keeps_every_digit() {
        let at = Timestamp { seconds: 1_714_566_600, nanos: 250_000_000 };
        for (data_type, json, expected) in [
            (Type::Boolean, json!(true), Value::Bool(true)),
            (Type::Integer, json!(-2_147_483_648_i64), Value::I64(-2_147_483_648)),
            (Type::BigInt, json!(9_007_199_254_740_993_i64), Value::I64(9_007_199_254_740_993)),
            (Type::BigInt, json!(u64::MAX), Value::U64(u64::MAX)),
            (Type::Float, json!(0.1), Value::F32(0.1)),
            (Type::Double, json!(3), Value::F64(3.0)),
            (Type::Decimal, json!("12.50"), Value::Decimal("12.50".into())),
            (Type::Decimal, json!(0.1), Value::Decimal("0.1".into())),
            (Type::Decimal, json!(u64::MAX), Value::Decimal("18446744073709551615".into())),
            (Type::Decimal, json!(1e30), Value::Decimal("1e+30".into())),
            (Type::String, json!("a"), text("a")),
            (Type::Binary, json!("AAH/"), Value::Bytes(vec![0, 1, 255])),
            (Type::Date, json!("2024-02-29"), Value::Date(Date(19_782))),
            (Type::Date, json!("0000-01-01"), Value::Date(Date(-719_528))),
            (Type::Time, json!("12:30:00.000000001"), Value::Time(45_000_000_000_001)),
            (Type::DateTime, json!("2024-05-01 12:30:00.25"), Value::Timestamp(at)),
            (Type::DateTime, json!("2024-05-01T12:30:00.25"), Value::Timestamp(at)),
            (
                Type::Timestamp,
                json!("2024-05-01T12:30:00.25Z"),
                Value::Instant(Instant { at, offset: Some(0) }),
            ),
            (
                Type::Timestamp,
                json!("2024-05-01T11:00:00.250-01:30"),
                Value::Instant(Instant { at, offset: Some(-5400) }),
            ),
            (Type::Uuid, json!("00000000-0000-0000-0000-0000000000fF"), {
                let mut bytes = [0; 16];
                bytes[15] = 255;
                Value::Uuid(bytes)
            }),
            (
                Type::Object,
                json!({"b": [1, null], "a": 0.5}),
                Value::Object(vec![
                    ("b".into(), Value::List(vec![Value::I64(1), Value::Null])),
                    ("a".into(), Value::F64(0.5)),
                ]),
            ),
            (Type::Json, json!("a"), text("a")),
            (Type::Uuid, json!(null), Value::Null),
        ] {
            assert_eq!(data_type.convert(&json), Ok(expected), "{json}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused() {
        for (data_type, json) in [
            (Type::Boolean, json!(1)),
            (Type::Integer, json!(2_147_483_648_i64)),
            (Type::Integer, json!(1.0)),
            (Type::BigInt, json!("1")),
            (Type::BigInt, json!(1e19)),
            (Type::Float, json!(1e39)),
            (Type::Decimal, json!(0.123_456_789_012_345_67)),
            (Type::Decimal, json!("012")),
            (Type::Decimal, json!("+1")),
            (Type::Decimal, json!(".5")),
            (Type::Text, json!(1)),
            (Type::Binary, json!("@")),
            (Type::Date, json!("2023-02-29")),
            (Type::Date, json!("2024-00-10")),
            (Type::Date, json!("2024-13-01")),
            (Type::Date, json!("24-01-01")),
            (Type::Time, json!("24:00:00")),
            (Type::Time, json!("12:30")),
            (Type::Time, json!("12:30:00.")),
            (Type::DateTime, json!("2024-05-01 12:30:00Z")),
            (Type::Timestamp, json!("2024-05-01 12:30:00")),
            (Type::Timestamp, json!("2024-05-01T12:30:00+24:00")),
            (Type::Timestamp, json!("ä")),
            (Type::Uuid, json!("0000000000000000000000000000000000ff")),
            (Type::Array, json!({})),
            (Type::Object, json!([])),
        ] {
            assert_eq!(data_type.convert(&json), Err(data_type.expected()), "{json}");
        }
    }
}
