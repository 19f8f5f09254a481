//! Sums and means. SQLite's own take texts for numbers, and add decimals as the doubles that it stores, so that 0.1 and 0.2 make
//! 0.30000000000000004. Here a number of at most six places is added as the decimal it stands for.

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

use super::{float, number, out_of_range};

/// Adds `tablegate_sum` and `tablegate_avg` to a connection.
pub(super) fn install(connection: &Connection) -> Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_aggregate_function("tablegate_sum", 1, flags, Ending(Sum::sum))?;
    connection.create_aggregate_function("tablegate_avg", 1, flags, Ending(Sum::mean))
}

/// What becomes of the sum in the end.
struct Ending(fn(&Sum) -> Result<Value>);

impl Aggregate<Sum, Value> for Ending {
    fn init(&self, _: &mut Context<'_>) -> Result<Sum> {
        Ok(Sum::default())
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Sum) -> Result<()> {
        sum.add(context.get_raw(0));
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Sum>) -> Result<Value> {
        sum.filter(|sum| sum.count > 0).map_or(Ok(Value::Null), |sum| (self.0)(&sum))
    }
}

/// The sum so far, in three parts.
#[derive(Default)]
struct Sum {
    count: i64,
    has_floats: bool,
    integers: i128,
    /// Millionths, of floats that have no finer digits.
    millionths: i128,
    /// All other floats, with what rounding took from them (Neumaier's summation).
    floats: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Integer(value) => self.integers = self.integers.saturating_add(i128::from(value)),
            ValueRef::Real(value) => self.add_float(value),
            _ => return,
        }
        self.count = self.count.saturating_add(1);
    }

    fn add_float(&mut self, value: f64) {
        self.has_floats = true;
        if let Some(millionths) = in_millionths(value) {
            self.millionths = self.millionths.saturating_add(millionths);
            return;
        }
        let sum = self.floats + value;
        let (greater, smaller) =
            if self.floats.abs() >= value.abs() { (self.floats, value) } else { (value, self.floats) };
        self.lost += (greater - sum) + smaller;
        self.floats = sum;
    }

    fn sum(&self) -> Result<Value> {
        if self.has_floats {
            return float(self.total());
        }
        i64::try_from(self.integers).map(Value::Integer).map_err(|_| out_of_range())
    }

    fn mean(&self) -> Result<Value> {
        float(self.total() / number(ValueRef::Integer(self.count)).unwrap_or(1.0))
    }

    /// The nearest float of all parts.
    fn total(&self) -> f64 {
        let exact = self.integers.saturating_mul(1_000_000).saturating_add(self.millionths);
        // Reading a number rounds right; a division would round a rounded dividend once more.
        let exact: f64 = format!("{exact}e-6").parse().unwrap_or(f64::INFINITY);
        // An infinite float makes the correction no number.
        let lost = if self.lost.is_nan() { 0.0 } else { self.lost };
        exact + (self.floats + lost)
    }
}

/// The whole number of millionths that this float is the nearest one to, if there is one.
#[allow(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
fn in_millionths(value: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let millionths = (value * 1e6).round();
    (millionths.abs() < EXACT && millionths / 1e6 == value).then_some(millionths as i128)
}
