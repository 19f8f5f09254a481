//! One aggregate over the values of one group.

use std::cmp::Ordering;
use std::collections::HashSet;

use connector_api::author::{Aggregate, AggregateFunction, ArithmeticOp, Result, Value};

use super::decimal::Decimal;
use super::distinct::{Budget, is_new};
use super::number::{Number, out_of_range};
use super::{arithmetic, compare_values, is_null};

/// What is known so far.
#[derive(Debug)]
pub(super) struct Accumulator {
    function: AggregateFunction,
    /// `None`: a value counts as often as it comes.
    seen: Option<HashSet<Vec<u8>>>,
    count: u64,
    sum: Sum,
    extreme: Option<Value>,
}

impl Accumulator {
    pub(super) fn new(aggregate: &Aggregate) -> Self {
        Self {
            function: aggregate.function,
            seen: aggregate.distinct.then(HashSet::new),
            count: 0,
            sum: Sum::default(),
            extreme: None,
        }
    }

    /// One row more, for a count of rows.
    pub(super) fn add_row(&mut self) {
        self.count += 1;
    }

    /// One value more; nulls are left out.
    ///
    /// # Errors
    /// *Limit exceeded* for too many distinct values, `out_of_range` for a sum beyond 38 digits.
    pub(super) fn add(&mut self, value: &Value, budget: &mut Budget) -> Result<()> {
        if is_null(value) {
            return Ok(());
        }
        if let Some(seen) = &mut self.seen
            && !is_new(seen, [value], budget)?
        {
            return Ok(());
        }
        match self.function {
            AggregateFunction::Count => self.count += 1,
            AggregateFunction::Sum | AggregateFunction::Avg => {
                if let Some(number) = Number::of(value) {
                    self.sum.add(number)?;
                }
            }
            AggregateFunction::Min => self.keep(value, Ordering::Less),
            AggregateFunction::Max => self.keep(value, Ordering::Greater),
        }
        Ok(())
    }

    fn keep(&mut self, value: &Value, wanted: Ordering) {
        if self.extreme.as_ref().is_none_or(|extreme| compare_values(value, extreme) == wanted) {
            self.extreme = Some(value.clone());
        }
    }

    /// # Errors
    /// `out_of_range` when the result does not fit its type.
    pub(super) fn into_value(self) -> Result<Value> {
        match self.function {
            AggregateFunction::Count => Number::Integer(i128::from(self.count)).into_value(),
            AggregateFunction::Sum => self.sum.total()?.map_or(Ok(Value::Null), Number::into_value),
            AggregateFunction::Avg => self.sum.mean(),
            AggregateFunction::Min | AggregateFunction::Max => Ok(self.extreme.unwrap_or(Value::Null)),
        }
    }
}

/// A sum for each kind of number, so that integers and decimals stay exact as long as they are among themselves.
#[derive(Debug, Default)]
struct Sum {
    count: u32,
    integers: Option<i128>,
    decimals: Option<Decimal>,
    floats: Option<f64>,
}

impl Sum {
    fn add(&mut self, number: Number) -> Result<()> {
        self.count = self.count.checked_add(1).ok_or_else(out_of_range)?;
        match number {
            Number::Integer(v) => {
                let sum = self.integers.unwrap_or(0).checked_add(v).ok_or_else(out_of_range)?;
                self.integers = Some(sum);
            }
            Number::Float(v) => self.floats = Some(self.floats.unwrap_or(0.0) + v),
            Number::Decimal(v) => {
                let sum = match self.decimals.take() {
                    Some(sum) => arithmetic::add_decimals(sum, v)?,
                    None => v,
                };
                self.decimals = Some(sum);
            }
        }
        Ok(())
    }

    /// An integer of integers, a decimal of integers and decimals, else a float.
    fn total(self) -> Result<Option<Number>> {
        let exact = match (self.integers, self.decimals) {
            (None, None) => None,
            (Some(integers), None) => Some(Number::Integer(integers)),
            (None, Some(decimals)) => Some(Number::Decimal(decimals)),
            (Some(integers), Some(decimals)) => {
                let integers = Decimal::from_scaled(integers, 0);
                Some(Number::Decimal(arithmetic::add_decimals(integers, decimals)?))
            }
        };
        Ok(match (exact, self.floats) {
            (exact, None) => exact,
            (None, Some(floats)) => Some(Number::Float(floats)),
            (Some(exact), Some(floats)) => Some(Number::Float(exact.to_f64() + floats)),
        })
    }

    /// A decimal where the sum is one, else a float; null for none.
    fn mean(self) -> Result<Value> {
        let count = self.count;
        match self.total()? {
            None => Ok(Value::Null),
            Some(sum @ Number::Decimal(_)) => {
                arithmetic::combine(ArithmeticOp::Div, &sum.into_value()?, &Value::I64(i64::from(count)))
            }
            Some(sum) => Number::Float(sum.to_f64() / f64::from(count)).into_value(),
        }
    }
}
