//! Numbers compared by their digits.

use std::cmp::Ordering;

use connector_api::model::Value;

use super::Undefined;

pub(super) fn float(value: &Value) -> Result<f64, Undefined> {
    match value {
        Value::F64(v) => Ok(*v),
        Value::F32(v) => Ok(f64::from(*v)),
        Value::I64(_) | Value::U64(_) | Value::Decimal(_) => {
            digits(value)?.parse().map_err(|_| Undefined("not a number"))
        }
        _ => Err(Undefined("a number wanted")),
    }
}

pub(super) fn compare_numbers(left: &Value, right: &Value) -> Result<Ordering, Undefined> {
    match (left, right) {
        (Value::I64(a), Value::I64(b)) => Ok(a.cmp(b)),
        (Value::F64(a), Value::F64(b)) => a.partial_cmp(b).ok_or(Undefined("not a number")),
        _ => compare_digits(&digits(left)?, &digits(right)?),
    }
}

/// All digits of a number in plain notation. A float of more than 60 binary places would lose some: the generator makes none.
fn digits(value: &Value) -> Result<String, Undefined> {
    match value {
        Value::I64(v) => Ok(v.to_string()),
        Value::U64(v) => Ok(v.to_string()),
        Value::F32(v) if v.is_finite() => Ok(format!("{v:.60}")),
        Value::F64(v) if v.is_finite() => Ok(format!("{v:.60}")),
        Value::Decimal(v) if !v.contains(['e', 'E']) => Ok(v.clone()),
        _ => Err(Undefined("a number without plain digits")),
    }
}

fn compare_digits(left: &str, right: &str) -> Result<Ordering, Undefined> {
    let (left_sign, left) = signed(left);
    let (right_sign, right) = signed(right);
    let (left, right) = (aligned(left)?, aligned(right)?);
    Ok(match (left_sign, right_sign) {
        _ if left.trim_matches('0') == "." && right.trim_matches('0') == "." => Ordering::Equal,
        (false, false) => left.cmp(&right),
        (true, true) => right.cmp(&left),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    })
}

fn signed(text: &str) -> (bool, &str) {
    text.strip_prefix('-').map_or((false, text), |text| (true, text))
}

/// The same number of digits before and behind the point for all, so that texts compare as numbers.
fn aligned(text: &str) -> Result<String, Undefined> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() > 320 || fraction.len() > 60 {
        return Err(Undefined("a number of too many digits"));
    }
    Ok(format!("{whole:0>320}.{fraction:0<60}"))
}
