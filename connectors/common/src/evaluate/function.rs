//! The functions of the contract's closed list.

use std::borrow::Cow;

use connector_api::author::{Date, Error, Function, Instant, Result, TimeOfDay, Value, uuid_text};

use super::is_null;
use super::number::{Number, out_of_range};

/// Places beyond this change no number: a double has at most 324 before its first digit and 767 behind it.
const MAX_PLACES: i64 = 1200;

/// Whether a function takes so many arguments.
pub(super) fn check(function: Function, count: usize) -> Result<()> {
    let is_right = match function {
        Function::Now | Function::CurrentDate => count == 0,
        Function::Lower
        | Function::Upper
        | Function::Trim
        | Function::Length
        | Function::Abs
        | Function::Text => count == 1,
        Function::Round => count == 1 || count == 2,
        Function::Coalesce => count > 0,
        Function::Concat => count > 1,
    };
    if is_right {
        return Ok(());
    }
    Err(Error::internal("a function has the wrong number of arguments"))
}

/// Null for a null argument (but for `coalesce`) and for one of a kind that the function is not made for.
pub(super) fn call(function: Function, args: &[Cow<'_, Value>], now: Instant) -> Result<Value> {
    let first = args.first().map_or(&Value::Null, |arg| &**arg);
    Ok(match function {
        Function::Now => Value::Instant(now),
        Function::CurrentDate => {
            Value::Date(Date(i32::try_from(now.at.seconds.div_euclid(86_400)).map_err(|_| out_of_range())?))
        }
        Function::Lower => of_text(first, |text| Value::Text(text.to_ascii_lowercase())),
        Function::Upper => of_text(first, |text| Value::Text(text.to_ascii_uppercase())),
        Function::Trim => of_text(first, |text| Value::Text(text.trim_matches(' ').to_owned())),
        Function::Length => {
            of_text(first, |text| Value::I64(i64::try_from(text.chars().count()).unwrap_or(i64::MAX)))
        }
        Function::Abs => absolute(first)?,
        Function::Round => round(first, args.get(1).map(|places| &**places))?,
        Function::Coalesce => {
            args.iter().find(|arg| !is_null(arg)).map_or(Value::Null, |arg| Value::clone(arg))
        }
        Function::Text => written(first).map_or(Value::Null, Value::Text),
        Function::Concat => {
            let texts: Option<Vec<String>> = args.iter().map(|arg| written(arg)).collect();
            texts.map_or(Value::Null, |texts| Value::Text(texts.concat()))
        }
    })
}

fn of_text(value: &Value, apply: impl FnOnce(&str) -> Value) -> Value {
    match value {
        Value::Text(text) => apply(text),
        _ => Value::Null,
    }
}

/// As the contract writes it; `None` for what it does not write.
fn written(value: &Value) -> Option<String> {
    Some(match value {
        Value::I64(v) => v.to_string(),
        Value::U64(v) => v.to_string(),
        Value::F32(v) => v.to_string(),
        Value::F64(v) => v.to_string(),
        Value::Decimal(text) | Value::Text(text) => text.clone(),
        Value::Date(v) => v.to_string(),
        Value::Time(v) => TimeOfDay(*v).to_string(),
        Value::Timestamp(v) => v.to_string(),
        Value::Instant(v) => v.to_string(),
        Value::Uuid(v) => uuid_text(v),
        _ => return None,
    })
}

fn absolute(value: &Value) -> Result<Value> {
    match Number::of(value) {
        None => Ok(Value::Null),
        Some(Number::Integer(v)) => Number::Integer(v.abs()).into_value(),
        Some(Number::Float(v)) => Ok(Value::F64(v.abs())),
        Some(Number::Decimal(v)) => Number::Decimal(v.absolute()).into_value(),
    }
}

fn round(value: &Value, places: Option<&Value>) -> Result<Value> {
    let places = match places.map_or(Some(Number::Integer(0)), Number::of) {
        Some(Number::Integer(places)) => {
            i64::try_from(places).unwrap_or(i64::MAX).clamp(-MAX_PLACES, MAX_PLACES)
        }
        _ => return Ok(Value::Null),
    };
    let Some(number) = Number::of(value) else { return Ok(Value::Null) };
    let Some(digits) = number.digits() else { return Ok(value.clone()) };
    let rounded = digits.round(places);
    match number {
        Number::Integer(v) if places >= 0 => Number::Integer(v),
        Number::Integer(_) => Number::Integer(rounded.scaled().ok_or_else(out_of_range)?.0),
        Number::Float(_) => Number::Float(Number::Decimal(rounded).to_f64()),
        Number::Decimal(_) => Number::Decimal(rounded),
    }
    .into_value()
}
