//! Numbers of all types under one roof, compared without going through a type that can't hold them.

use std::cmp::Ordering;

use connector_api::author::{Error, ErrorKind, Result, Value};

use super::decimal::Decimal;

/// A number as its value.
#[derive(Debug, Clone)]
pub(super) enum Number {
    /// Any 64-bit integer, and room for the sum or product of two.
    Integer(i128),
    /// A float of either width.
    Float(f64),
    /// An exact decimal.
    Decimal(Decimal),
}

impl Number {
    /// `None` for what is not a number.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::I64(v) => Some(Self::Integer(i128::from(*v))),
            Value::U64(v) => Some(Self::Integer(i128::from(*v))),
            Value::F32(v) => Some(Self::Float(f64::from(*v))),
            Value::F64(v) => Some(Self::Float(*v)),
            Value::Decimal(v) => Decimal::parse(v).map(Self::Decimal),
            _ => None,
        }
    }

    /// # Errors
    /// `out_of_range` for an integer beyond 64 bits and a float that is not finite.
    pub(super) fn into_value(self) -> Result<Value> {
        match self {
            Self::Integer(v) => match i64::try_from(v) {
                Ok(v) => Ok(Value::I64(v)),
                Err(_) => u64::try_from(v).map(Value::U64).map_err(|_| out_of_range()),
            },
            Self::Float(v) if v.is_finite() => Ok(Value::F64(v)),
            Self::Float(_) => Err(out_of_range()),
            Self::Decimal(v) => Ok(Value::Decimal(v.to_string())),
        }
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => compare_floats(*a, *b),
            (Self::Float(a), other) => compare_float(*a, other),
            (own, Self::Float(b)) => compare_float(*b, own).reverse(),
            (own, other) => match (own.digits(), other.digits()) {
                (Some(own), Some(other)) => own.compare(&other),
                _ => Ordering::Equal,
            },
        }
    }

    /// Nearest float.
    pub(super) fn to_f64(&self) -> f64 {
        match self {
            Self::Integer(v) => exact_float(*v).or_else(|| v.to_string().parse().ok()).unwrap_or(f64::NAN),
            Self::Float(v) => *v,
            Self::Decimal(v) => v.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// The exact digits; `None` for infinities and NaN.
    pub(super) fn digits(&self) -> Option<Decimal> {
        match self {
            Self::Integer(v) => Some(Decimal::from_scaled(*v, 0)),
            Self::Float(v) if v.is_finite() => Decimal::from_f64(*v),
            Self::Float(_) => None,
            Self::Decimal(v) => Some(v.clone()),
        }
    }
}

/// The exact whole number that a value of any number type is; `None` for fractions, and for what is not a number.
pub fn whole(value: &Value) -> Option<i128> {
    match Number::of(value)? {
        Number::Integer(v) => Some(v),
        number => match number.digits()?.scaled()? {
            (whole, 0) => Some(whole),
            _ => None,
        },
    }
}

/// The integer as a float, where that holds it exactly: 53 bits are enough for most.
fn exact_float(integer: i128) -> Option<f64> {
    if integer.unsigned_abs() > 1 << 53 {
        return None;
    }
    let high = i32::try_from(integer >> 32).ok()?;
    let low = u32::try_from(integer & 0xffff_ffff).ok()?;
    Some(f64::from(high) * 4_294_967_296.0 + f64::from(low))
}

fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// A float against an integer or a decimal.
fn compare_float(float: f64, other: &Number) -> Ordering {
    if let Number::Integer(integer) = other
        && let Some(other) = exact_float(*integer)
    {
        return compare_floats(float, other);
    }
    match (Number::Float(float).digits(), other.digits()) {
        (Some(float), Some(other)) => float.compare(&other),
        // Infinities and NaN: above or below every number that has digits.
        _ => compare_floats(float, 0.0),
    }
}

/// A number that its type can't hold.
pub(super) fn out_of_range() -> Error {
    Error::new(ErrorKind::InvalidRequest, "a computed number is out of range")
        .with_reason("out_of_range")
        .with_sqlstate("22003")
}
