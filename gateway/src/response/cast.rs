//! Values that a caller wants as another type than the store gave them.

use serde_json::{Number, Value as Json};

use crate::request::{Cast, is_true};

/// Converts. What can't be meant so stays as it is.
#[must_use]
pub fn cast(value: Json, to: Cast) -> Json {
    if value.is_null() {
        return value;
    }
    let converted = match to {
        Cast::Integer => integer(&value).map(Json::from),
        Cast::Decimal => number(&value).map(Json::Number),
        Cast::Double => double(&value).map(Json::Number),
        Cast::Boolean => boolean(&value).map(Json::Bool),
        Cast::String => string(&value).map(Json::String),
        Cast::Date => part(&value, |text| text.split(['T', ' ']).next()),
        Cast::Time => part(&value, |text| text.split(['T', ' ']).next_back()),
        Cast::DateTime => None,
        Cast::Json => value.as_str().and_then(|text| serde_json::from_str(text).ok()),
    };
    converted.unwrap_or(value)
}

fn number(value: &Json) -> Option<Number> {
    match value {
        Json::Number(number) => Some(number.clone()),
        Json::Bool(flag) => Some(Number::from(u8::from(*flag))),
        Json::String(text) => serde_json::from_str(text.trim()).ok(),
        _ => None,
    }
}

/// Whole numbers of any length; a fraction is cut off.
fn integer(value: &Json) -> Option<Number> {
    let digits = number(value)?.to_string();
    if digits.contains(['e', 'E']) {
        return None;
    }
    serde_json::from_str(digits.split('.').next()?).ok()
}

fn double(value: &Json) -> Option<Number> {
    number(value)?.to_string().parse().ok().and_then(Number::from_f64)
}

fn boolean(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(flag) => Some(*flag),
        Json::Number(number) => Some(number.as_f64() != Some(0.0)),
        Json::String(text) => Some(is_true(text)),
        _ => None,
    }
}

fn string(value: &Json) -> Option<String> {
    match value {
        Json::String(_) => None,
        other => Some(other.to_string()),
    }
}

fn part<'v>(value: &'v Json, cut: impl Fn(&'v str) -> Option<&'v str>) -> Option<Json> {
    cut(value.as_str()?).map(Json::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_become_what_is_wanted_where_they_can_mean_it() {
        for (value, to, expected) in [
            (json!("5"), Cast::Integer, json!(5)),
            (json!("12.70"), Cast::Integer, json!(12)),
            (json!(true), Cast::Integer, json!(1)),
            (json!("five"), Cast::Integer, json!("five")),
            (json!("5.0"), Cast::Double, json!(5.0)),
            (json!(1), Cast::Boolean, json!(true)),
            (json!("0"), Cast::Boolean, json!(false)),
            (json!("yes"), Cast::Boolean, json!(true)),
            (json!(5), Cast::String, json!("5")),
            (json!("x"), Cast::String, json!("x")),
            (json!("2024-05-01 12:30:00"), Cast::Date, json!("2024-05-01")),
            (json!("2024-05-01T12:30:00Z"), Cast::Time, json!("12:30:00Z")),
            (json!("2024-05-01 12:30:00"), Cast::DateTime, json!("2024-05-01 12:30:00")),
            (json!("{\"a\":1}"), Cast::Json, json!({"a": 1})),
            (json!("{"), Cast::Json, json!("{")),
            (Json::Null, Cast::Integer, Json::Null),
        ] {
            assert_eq!(cast(value.clone(), to), expected, "{value} {to:?}");
        }
        assert_eq!(cast(json!("12.50"), Cast::Decimal).to_string(), "12.50");
    }
}
