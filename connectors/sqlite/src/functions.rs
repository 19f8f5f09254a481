//! What SQLite lacks, or does in a way the contract does not allow, as functions of ours: arithmetic that neither takes texts for
//! numbers nor turns integers into floats, and texts that may hold U+0000. A ninth room, because SQLite calls back into its host.
//!
//! Sums are in `sum`. A function gives null for values of another kind; the searches give false. Names begin with `tablegate_`; views and triggers of the
//! database can't call them.

mod sum;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use crate::error::OUT_OF_RANGE;

/// Adds all functions to a connection.
pub(crate) fn install(connection: &Connection) -> Result<()> {
    let add = |name, arguments, function: Function| {
        let flags = FunctionFlags::SQLITE_UTF8
            | FunctionFlags::SQLITE_DETERMINISTIC
            | FunctionFlags::SQLITE_DIRECTONLY;
        connection.create_scalar_function(name, arguments, flags, function)
    };
    add("tablegate_add", 2, |context| arithmetic(context, i64::checked_add, |a, b| a + b))?;
    add("tablegate_sub", 2, |context| arithmetic(context, i64::checked_sub, |a, b| a - b))?;
    add("tablegate_mul", 2, |context| arithmetic(context, i64::checked_mul, |a, b| a * b))?;
    add("tablegate_div", 2, divide)?;
    add("tablegate_abs", 1, abs)?;
    add("tablegate_round", 1, |context| round(context, 0))?;
    add("tablegate_round", 2, |context| match context.get_raw(1) {
        ValueRef::Integer(places) => round(context, places),
        _ => Ok(Value::Null),
    })?;
    add("tablegate_lower", 1, |context| {
        Ok(text(context, 0).map_or(Value::Null, |text| owned(text.to_ascii_lowercase())))
    })?;
    add("tablegate_upper", 1, |context| {
        Ok(text(context, 0).map_or(Value::Null, |text| owned(text.to_ascii_uppercase())))
    })?;
    add("tablegate_trim", 1, |context| {
        Ok(text(context, 0).map_or(Value::Null, |text| owned(text.trim_matches(' ').to_owned())))
    })?;
    add("tablegate_length", 1, |context| {
        let length = text(context, 0).and_then(|text| i64::try_from(text.chars().count()).ok());
        Ok(length.map_or(Value::Null, Value::Integer))
    })?;
    add("tablegate_text", 1, |context| {
        Ok(match context.get_raw(0) {
            ValueRef::Integer(v) => owned(v.to_string()),
            ValueRef::Real(v) => owned(v.to_string()),
            _ => text(context, 0).map_or(Value::Null, |text| owned(text.to_owned())),
        })
    })?;
    // SQLite's own needs two arguments at least.
    add("tablegate_coalesce", -1, coalesce)?;
    add("tablegate_contains", 2, |context| search(context, contains))?;
    add("tablegate_starts_with", 2, |context| search(context, starts_with))?;
    add("tablegate_ends_with", 2, |context| search(context, ends_with))?;
    sum::install(connection)
}

type Function = fn(&mut Context<'_>) -> Result<Value>;

fn owned(text: String) -> Value {
    Value::Text(text)
}

/// A text that is valid.
fn text<'c>(context: &'c Context<'_>, argument: usize) -> Option<&'c str> {
    context.get_raw(argument).as_str().ok()
}

fn out_of_range() -> Error {
    Error::UserFunctionError(OUT_OF_RANGE.into())
}

fn float(value: f64) -> Result<Value> {
    if value.is_finite() { Ok(Value::Real(value)) } else { Err(out_of_range()) }
}

fn arithmetic(
    context: &Context<'_>,
    integers: fn(i64, i64) -> Option<i64>,
    floats: fn(f64, f64) -> f64,
) -> Result<Value> {
    match (context.get_raw(0), context.get_raw(1)) {
        (ValueRef::Integer(a), ValueRef::Integer(b)) => {
            integers(a, b).map(Value::Integer).ok_or_else(out_of_range)
        }
        (left, right) => match (number(left), number(right)) {
            (Some(a), Some(b)) => float(floats(a, b)),
            _ => Ok(Value::Null),
        },
    }
}

fn divide(context: &mut Context<'_>) -> Result<Value> {
    if number(context.get_raw(1)).is_some_and(|divisor| divisor == 0.0) {
        return Ok(Value::Null);
    }
    arithmetic(context, i64::checked_div, |a, b| a / b)
}

#[allow(clippy::cast_precision_loss, reason = "an integer beside a float is taken as one")]
fn number(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Integer(v) => Some(v as f64),
        ValueRef::Real(v) => Some(v),
        _ => None,
    }
}

fn abs(context: &mut Context<'_>) -> Result<Value> {
    match context.get_raw(0) {
        ValueRef::Integer(v) => v.checked_abs().map(Value::Integer).ok_or_else(out_of_range),
        ValueRef::Real(v) => Ok(Value::Real(v.abs())),
        _ => Ok(Value::Null),
    }
}

/// Halves go away from zero.
fn round(context: &Context<'_>, places: i64) -> Result<Value> {
    match context.get_raw(0) {
        ValueRef::Integer(v) => round_integer(v, places).map(Value::Integer).ok_or_else(out_of_range),
        ValueRef::Real(v) => float(round_float(v, places)),
        _ => Ok(Value::Null),
    }
}

fn round_integer(value: i64, places: i64) -> Option<i64> {
    if places >= 0 {
        return Some(value);
    }
    let Some(unit) = u32::try_from(places.unsigned_abs()).ok().and_then(|zeros| 10_i128.checked_pow(zeros))
    else {
        return Some(0);
    };
    let magnitude = (i128::from(value.unsigned_abs()) + unit / 2) / unit * unit;
    i64::try_from(if value < 0 { -magnitude } else { magnitude }).ok()
}

/// By the exact decimal digits of the float: 2.675, which is a little less, becomes 2.67.
fn round_float(value: f64, places: i64) -> f64 {
    let Ok(places) = usize::try_from(places) else {
        let unit = 10_f64.powi(i32::try_from(places.saturating_neg()).unwrap_or(i32::MAX));
        return if unit.is_finite() { (value / unit).round() * unit } else { 0.0 };
    };
    if places == 0 {
        return value.round();
    }
    // No float has more digits behind the point than 1074, so more places change nothing.
    let places = places.min(1074);
    let nudged = if is_half(value, places) { next_from_zero(value) } else { value };
    format!("{nudged:.places$}").parse().unwrap_or(value)
}

/// Formatting takes an exact half to the even digit, so halves have to be known. One of `places` digits has a single further digit, a
/// five, which takes at most as many binary places; and a number of that many binary places is written exactly.
fn is_half(value: f64, places: usize) -> bool {
    let digits = places + 1;
    let scale = 2_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX));
    (value * scale).fract() == 0.0 && format!("{value:.digits$}").ends_with('5')
}

fn next_from_zero(value: f64) -> f64 {
    if value < 0.0 { value.next_down() } else { value.next_up() }
}

fn coalesce(context: &mut Context<'_>) -> Result<Value> {
    let mut values = (0..context.len()).map(|argument| context.get_raw(argument));
    let first = values.find(|value| *value != ValueRef::Null).unwrap_or(ValueRef::Null);
    Value::try_from(first).map_err(|error| Error::UserFunctionError(error.into()))
}

fn search(context: &Context<'_>, is_match: fn(&[u8], &[u8]) -> bool) -> Result<Value> {
    let found = match (context.get_raw(0), context.get_raw(1)) {
        (ValueRef::Null, _) | (_, ValueRef::Null) => return Ok(Value::Null),
        (ValueRef::Text(text), ValueRef::Text(part)) => is_match(text, part),
        _ => false,
    };
    Ok(Value::Integer(i64::from(found)))
}

// Bytes are compared: in UTF-8 a part that is whole can't begin within a character.

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

fn starts_with(text: &[u8], part: &[u8]) -> bool {
    text.get(..part.len()).is_some_and(|start| start.eq_ignore_ascii_case(part))
}

fn ends_with(text: &[u8], part: &[u8]) -> bool {
    let end = text.len().checked_sub(part.len()).and_then(|start| text.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests;
