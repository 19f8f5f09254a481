//! The four operations. Integers stay integers, decimals stay exact; a float on either side makes a float.

use connector_api::author::{ArithmeticOp, Result, Value};

use super::decimal::Decimal;
use super::number::{Number, out_of_range};

/// Places of a decimal quotient.
const QUOTIENT_PLACES: u32 = 18;

/// Null when a side is null or not a number, or the divisor is zero.
pub(super) fn combine(op: ArithmeticOp, left: &Value, right: &Value) -> Result<Value> {
    let (Some(left), Some(right)) = (Number::of(left), Number::of(right)) else { return Ok(Value::Null) };
    if op == ArithmeticOp::Div && is_zero(&right) {
        return Ok(Value::Null);
    }
    let result = match (&left, &right) {
        (Number::Integer(a), Number::Integer(b)) => integers(op, *a, *b).map(Number::Integer),
        (Number::Float(_), _) | (_, Number::Float(_)) => {
            Some(Number::Float(floats(op, left.to_f64(), right.to_f64())))
        }
        _ => decimals(op, &left, &right).map(Number::Decimal),
    };
    result.ok_or_else(out_of_range)?.into_value()
}

/// The exact sum.
///
/// # Errors
/// `out_of_range` beyond 38 digits.
pub(super) fn add_decimals(left: Decimal, right: Decimal) -> Result<Decimal> {
    decimals(ArithmeticOp::Add, &Number::Decimal(left), &Number::Decimal(right)).ok_or_else(out_of_range)
}

fn is_zero(number: &Number) -> bool {
    match number {
        Number::Integer(v) => *v == 0,
        Number::Float(v) => *v == 0.0,
        Number::Decimal(v) => v.scaled() == Some((0, 0)),
    }
}

fn integers(op: ArithmeticOp, a: i128, b: i128) -> Option<i128> {
    match op {
        ArithmeticOp::Add => a.checked_add(b),
        ArithmeticOp::Sub => a.checked_sub(b),
        ArithmeticOp::Mul => a.checked_mul(b),
        ArithmeticOp::Div => a.checked_div(b),
    }
}

fn floats(op: ArithmeticOp, a: f64, b: f64) -> f64 {
    match op {
        ArithmeticOp::Add => a + b,
        ArithmeticOp::Sub => a - b,
        ArithmeticOp::Mul => a * b,
        ArithmeticOp::Div => a / b,
    }
}

fn decimals(op: ArithmeticOp, left: &Number, right: &Number) -> Option<Decimal> {
    let ((a, a_scale), (b, b_scale)) = (left.digits()?.scaled()?, right.digits()?.scaled()?);
    if op == ArithmeticOp::Mul {
        return Some(Decimal::from_scaled(a.checked_mul(b)?, a_scale.checked_add(b_scale)?));
    }
    let scale = a_scale.max(b_scale);
    let a = a.checked_mul(10_i128.checked_pow(scale - a_scale)?)?;
    let b = b.checked_mul(10_i128.checked_pow(scale - b_scale)?)?;
    match op {
        ArithmeticOp::Add => Some(Decimal::from_scaled(a.checked_add(b)?, scale)),
        ArithmeticOp::Sub => Some(Decimal::from_scaled(a.checked_sub(b)?, scale)),
        _ => quotient(a, b),
    }
}

/// Whole part and fraction apart, one place more than kept, so that rounding sees the right digit.
fn quotient(a: i128, b: i128) -> Option<Decimal> {
    let places = QUOTIENT_PLACES + 1;
    let power = 10_i128.checked_pow(places)?;
    let whole = a.checked_div(b)?.checked_mul(power)?;
    let fraction = a.checked_rem(b)?.checked_mul(power)?.checked_div(b)?;
    Some(Decimal::from_scaled(whole.checked_add(fraction)?, places).round(i64::from(QUOTIENT_PLACES)))
}
