//! The evaluator: a [`Filter`] tested on rows of [`Value`]s in memory, rows grouped, ordered and made distinct, and what a write
//! computes, for stores that can't do it themselves.
//!
//! It knows no store: a row is whatever answers a [`Path`] with a value. What the contract leaves to the store is decided so:
//!
//! | matter | rule |
//! |---|---|
//! | a text beside a date, time, timestamp, instant or uuid | the value that it spells |
//! | kinds | number, text, bytes, boolean, date, time, timestamp, instant, uuid, document (list, object, JSON text); each named extension type is one more |
//! | numbers | compared by their exact value, whatever their types; NaN equals itself and is above all others |
//! | texts | compared byte by byte, so case matters; `like`, `contains` and the like ignore the case of ASCII letters; with [`Condition::minding_case`] only `ilike` does |
//! | documents | equal when their content is equal, members in any order; never ordered; JSON text equals only the same JSON text |
//! | text search in what is not a text | false |
//! | arithmetic or a function on what it is not made for | null |
//! | a result outside 64-bit integers, 38-digit decimals or finite floats | error with reason `out_of_range` |
//! | decimal quotient | rounded to 18 places |
//! | `lower`, `upper` | ASCII letters; `trim` takes U+0020 |
//! | `now` | an instant, the same for all rows of one [`Condition`], with [`Condition::in_milliseconds`] no finer than that; `current_date` is its day in UTC |
//! | nulls in an order | below all values where the order does not say |
//! | equal in groups, distinct rows and keys | as `=` in a filter; null equals null and absent |
//! | mean | a decimal of decimals, rounded to 18 places; else a float |
//! | smallest and greatest of several kinds | by kind first, as in an order |

mod aggregate;
mod arithmetic;
mod compare;
mod compute;
mod decimal;
mod distinct;
mod function;
mod group;
mod key;
mod number;
mod order;
mod pattern;

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use connector_api::author::{
    CompareOp, Error, Expr, Filter, Instant, Param, Path, Result, TextOp, Timestamp, Value,
};

pub use compare::{compare_by, compare_values};
pub use compute::Computed;
pub use distinct::Distinct;
pub use group::{Groups, group_cell};
pub use key::key;
pub use number::whole;
pub use order::first_in_order;
use pattern::Case;

/// A filter with its parameters, ready to be tested on rows.
#[derive(Debug)]
pub struct Condition<'a> {
    filter: Option<&'a Filter>,
    params: &'a [Value],
    now: Instant,
    /// Of `like` and the plain text searches.
    case: Case,
}

impl<'a> Condition<'a> {
    /// Checks the filter before any row is read. `None` matches every row.
    ///
    /// # Errors
    /// *Unsupported* for a related row; *internal* for a parameter that was not sent, a list that is none, or a function with the
    /// wrong number of arguments.
    pub fn new(filter: Option<&'a Filter>, params: &'a [Value]) -> Result<Self> {
        let condition = Self { filter, params, now: now(), case: Case::Ignored };
        filter.map_or(Ok(()), |filter| condition.check(filter))?;
        Ok(condition)
    }

    /// For stores in which `like` and the plain text searches mind the case of letters; `ilike` never does.
    #[must_use]
    pub fn minding_case(self) -> Self {
        Self { case: Case::Minded, ..self }
    }

    /// For stores whose moments have milliseconds: so has `now`.
    #[must_use]
    pub fn in_milliseconds(self) -> Self {
        let Instant { at: Timestamp { seconds, nanos }, offset } = self.now;
        let at = Timestamp { seconds, nanos: nanos - nanos % 1_000_000 };
        Self { now: Instant { at, offset }, ..self }
    }

    /// Whether the row matches: the whole tree is true.
    ///
    /// # Errors
    /// What `row` answers for a column, and `out_of_range` from arithmetic, for a row that no other part of the conjunction excludes.
    pub fn matches<'r>(&self, row: &impl Fn(&Path) -> Result<&'r Value>) -> Result<bool> {
        self.filter.map_or(Ok(true), |filter| self.holds(filter, row))
    }

    /// A part of the conjunction that fails is told only for a row that no other part excludes: it may be one that a row rule hides.
    fn holds<'r>(&self, filter: &Filter, row: &impl Fn(&Path) -> Result<&'r Value>) -> Result<bool> {
        let Filter::And(parts) = filter else { return Ok(self.filter(filter, row)? == Some(true)) };
        let mut all = Ok(true);
        for part in parts {
            match self.holds(part, row) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                failed @ Err(_) => all = all.and(failed),
            }
        }
        all
    }

    /// True, false or unknown (`None`).
    ///
    /// # Errors
    /// As [`Condition::matches`].
    pub fn test<'r>(&self, row: &impl Fn(&Path) -> Result<&'r Value>) -> Result<Option<bool>> {
        self.filter.map_or(Ok(Some(true)), |filter| self.filter(filter, row))
    }

    fn filter<'r>(&self, filter: &Filter, row: &impl Fn(&Path) -> Result<&'r Value>) -> Result<Option<bool>> {
        match filter {
            Filter::Always(always) => Ok(Some(*always)),
            Filter::And(parts) => self.join(parts, false, row),
            Filter::Or(parts) => self.join(parts, true, row),
            Filter::Not(part) => Ok(self.filter(part, row)?.map(|truth| !truth)),
            Filter::Compare { op, left, right } => {
                let (left, right) = (self.value(left, row)?, self.value(right, row)?);
                Ok(compare::holds(*op, &left, &right))
            }
            Filter::In { expr, list } => {
                let value = self.value(expr, row)?;
                Ok(in_list(&value, self.list(*list)?))
            }
            Filter::Between { expr, low, high } => {
                let (low, high) = (self.value(low, row)?, self.value(high, row)?);
                let value = self.value(expr, row)?;
                Ok(both(
                    compare::holds(CompareOp::Ge, &value, &low),
                    compare::holds(CompareOp::Le, &value, &high),
                ))
            }
            Filter::Text { op, expr, pattern } => {
                let value = self.value(expr, row)?;
                let case = if *op == TextOp::Ilike { Case::Ignored } else { self.case };
                Ok(search(*op, &value, self.param(*pattern)?, case))
            }
            Filter::IsNull(expr) => {
                let value = self.value(expr, row)?;
                Ok(Some(is_null(&value)))
            }
            Filter::RelatedExists { .. } => Err(related()),
        }
    }

    /// `and` ends at the first false, `or` at the first true; else one unknown makes it unknown.
    fn join<'r>(
        &self,
        parts: &[Filter],
        end: bool,
        row: &impl Fn(&Path) -> Result<&'r Value>,
    ) -> Result<Option<bool>> {
        let mut truth = Some(!end);
        for part in parts {
            match self.filter(part, row)? {
                Some(part) if part == end => return Ok(Some(end)),
                Some(_) => {}
                None => truth = None,
            }
        }
        Ok(truth)
    }

    fn value<'v, 'r: 'v>(
        &'v self,
        expr: &Expr,
        row: &impl Fn(&Path) -> Result<&'r Value>,
    ) -> Result<Cow<'v, Value>> {
        match expr {
            Expr::Column(path) => Ok(Cow::Borrowed(row(path)?)),
            Expr::Param(param) => Ok(Cow::Borrowed(self.param(*param)?)),
            Expr::Arithmetic { op, left, right } => {
                let (left, right) = (self.value(left, row)?, self.value(right, row)?);
                arithmetic::combine(*op, &left, &right).map(Cow::Owned)
            }
            Expr::Call { function, args } => {
                let args = args.iter().map(|arg| self.value(arg, row)).collect::<Result<Vec<_>>>()?;
                function::call(*function, &args, self.now).map(Cow::Owned)
            }
        }
    }

    fn param(&self, param: Param) -> Result<&Value> {
        self.params
            .get(param)
            .ok_or_else(|| Error::internal("the request names a parameter that was not sent"))
    }

    fn list(&self, param: Param) -> Result<&[Value]> {
        match self.param(param)? {
            Value::List(items) => Ok(items),
            _ => Err(Error::internal("the filter looks into a parameter that is not a list")),
        }
    }

    fn check(&self, filter: &Filter) -> Result<()> {
        match filter {
            Filter::Always(_) => Ok(()),
            Filter::And(parts) | Filter::Or(parts) => parts.iter().try_for_each(|part| self.check(part)),
            Filter::Not(part) => self.check(part),
            Filter::Compare { left, right, .. } => self.check_all([left, right]),
            Filter::In { expr, list } => self.list(*list).and(self.check_all([expr])),
            Filter::Between { expr, low, high } => self.check_all([expr, low, high]),
            Filter::Text { expr, pattern, .. } => self.param(*pattern).and(self.check_all([expr])),
            Filter::IsNull(expr) => self.check_all([expr]),
            Filter::RelatedExists { .. } => Err(related()),
        }
    }

    fn check_all<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> Result<()> {
        for expr in exprs {
            match expr {
                Expr::Column(_) => {}
                Expr::Param(param) => drop(self.param(*param)?),
                Expr::Arithmetic { left, right, .. } => self.check_all([&**left, &**right])?,
                Expr::Call { function, args } => {
                    function::check(*function, args.len())?;
                    self.check_all(args)?;
                }
            }
        }
        Ok(())
    }
}

/// The member of a document that the segments lead to; [`Value::Absent`] where the way ends early.
pub fn member<'v>(document: &'v Value, segments: &[String]) -> &'v Value {
    static ABSENT: Value = Value::Absent;
    segments.iter().fold(document, |value, segment| match value {
        Value::Object(members) => {
            members.iter().find(|(name, _)| name == segment).map_or(&ABSENT, |(_, member)| member)
        }
        _ => &ABSENT,
    })
}

fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Absent)
}

fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn in_list(value: &Value, items: &[Value]) -> Option<bool> {
    let mut truth = Some(false);
    for item in items {
        match compare::holds(CompareOp::Eq, value, item) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => truth = None,
        }
    }
    truth
}

fn search(op: TextOp, value: &Value, pattern: &Value, case: Case) -> Option<bool> {
    if is_null(value) || is_null(pattern) {
        return None;
    }
    let (Value::Text(text), Value::Text(pattern)) = (value, pattern) else { return Some(false) };
    Some(match op {
        TextOp::Like | TextOp::Ilike => pattern::is_like(text, pattern, case),
        TextOp::Contains => pattern::contains(text, pattern, case),
        TextOp::StartsWith => pattern::starts_with(text, pattern, case),
        TextOp::EndsWith => pattern::ends_with(text, pattern, case),
    })
}

fn related() -> Error {
    Error::unsupported("a filter on related rows")
}

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Instant { at: Timestamp { seconds, nanos: since.subsec_nanos() }, offset: None }
}

#[cfg(test)]
mod tests;
