//! What an expression is worth, as far as it is known before it runs: which values compare with it. For databases whose columns have fixed
//! types; what a column is worth is for the dialect to say.

use connector_api::Result;
use connector_api::model::{AggregateFunction, Expr, Function, Path};

use crate::{Builder, Kind};

/// Values of one sort compare with each other, and all numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Null, whatever the row.
    Null,
    /// A whole number.
    Integer,
    /// A number with all its decimal digits.
    Numeric,
    /// A binary fraction of 32 bits.
    Real,
    /// A binary fraction of 64 bits.
    Double,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and time without zone.
    Timestamp,
    /// A point in time.
    Instant,
    /// 128 bits.
    Uuid,
    /// JSON.
    Document,
    /// An array.
    List,
    /// A type of the database's own, which reads texts.
    Native,
    /// No column holds such a value.
    Nothing,
    /// One sort in this row, another one in that.
    Mixed,
}

/// What the columns of a table are worth.
pub trait Columns {
    /// The sort of a column.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::NotFound`] when the table has none of this name.
    fn sort(&self, column: &Path) -> Result<Sort>;

    /// The sort of a number of this sort when it is rounded.
    fn rounded(&self, _number: Sort) -> Sort {
        Sort::Numeric
    }
}

impl Sort {
    /// Of a value of the request.
    #[must_use]
    pub fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Null => Self::Null,
            Kind::Integer => Self::Integer,
            Kind::Number | Kind::Decimal => Self::Numeric,
            Kind::Float => Self::Double,
            Kind::Boolean => Self::Boolean,
            Kind::Text => Self::Text,
            Kind::Bytes => Self::Bytes,
            Kind::Date => Self::Date,
            Kind::Time => Self::Time,
            Kind::Timestamp => Self::Timestamp,
            Kind::Instant => Self::Instant,
            Kind::Uuid => Self::Uuid,
            Kind::Document => Self::Document,
            Kind::Any => Self::Nothing,
        }
    }

    /// Whether it can be calculated with.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Numeric | Self::Real | Self::Double)
    }

    /// Whether the contract has a text for its values. Those of the database's own types are read as texts.
    #[must_use]
    pub fn has_text(self) -> bool {
        use Sort::{Date, Instant, Native, Text, Time, Timestamp, Uuid};
        self.is_number() || matches!(self, Text | Date | Time | Timestamp | Instant | Uuid | Native)
    }

    /// Whether values of both sorts compare. `other` may be a value of the request, which beside some types is read from its text.
    #[must_use]
    pub fn compares_with(self, other: Self) -> bool {
        let reads_texts = |sort| {
            matches!(
                sort,
                Self::Date
                    | Self::Time
                    | Self::Timestamp
                    | Self::Instant
                    | Self::Uuid
                    | Self::List
                    | Self::Native
            )
        };
        match (self, other) {
            (Self::Nothing | Self::Mixed, _) | (_, Self::Nothing | Self::Mixed) => false,
            (Self::Text, other) | (other, Self::Text) if reads_texts(other) => true,
            // A list of the request beside an array.
            (Self::Document, Self::List) | (Self::List, Self::Document) => true,
            (a, b) => a == b || a.is_number() && b.is_number(),
        }
    }
}

/// Whether two sides of a comparison compare. A text that is no value of the request is only read as a text.
#[must_use]
pub fn compares((left, left_sort): (&Expr, Sort), (right, right_sort): (&Expr, Sort)) -> bool {
    let is_read =
        |expr: &Expr, sort, other| sort == other || sort != Sort::Text || matches!(expr, Expr::Param(_));
    left_sort.compares_with(right_sort)
        && is_read(left, left_sort, right_sort)
        && is_read(right, right_sort, left_sort)
}

/// The sort of an expression.
///
/// # Errors
/// [`connector_api::ErrorKind::NotFound`] for a column that the table does not have.
pub fn sort_of(columns: &dyn Columns, to: &Builder<'_>, expr: &Expr) -> Result<Sort> {
    match expr {
        Expr::Column(path) => column_sort(columns, to, path),
        Expr::Param(param) => Ok(Sort::of_kind(to.form().kind(*param))),
        Expr::Arithmetic { left, right, .. } => {
            Ok(calculated(sort_of(columns, to, left)?, sort_of(columns, to, right)?))
        }
        Expr::Call { function, args } => call_sort(columns, to, *function, args),
    }
}

fn column_sort(columns: &dyn Columns, to: &Builder<'_>, path: &Path) -> Result<Sort> {
    let Some(aggregate) = to.aggregate(path) else { return columns.sort(path) };
    let Some(column) = &aggregate.of else { return Ok(Sort::Integer) };
    let sort = columns.sort(column)?;
    Ok(match aggregate.function {
        AggregateFunction::Count => Sort::Integer,
        AggregateFunction::Min | AggregateFunction::Max => sort,
        AggregateFunction::Sum | AggregateFunction::Avg if !sort.is_number() => Sort::Null,
        AggregateFunction::Sum => sort,
        AggregateFunction::Avg if sort == Sort::Integer => Sort::Numeric,
        AggregateFunction::Avg => sort,
    })
}

fn call_sort(columns: &dyn Columns, to: &Builder<'_>, function: Function, args: &[Expr]) -> Result<Sort> {
    let first = || args.first().map_or(Ok(Sort::Null), |arg| sort_of(columns, to, arg));
    Ok(match function {
        Function::Now => Sort::Instant,
        Function::CurrentDate => Sort::Date,
        Function::Coalesce => coalesced(columns, to, args)?,
        Function::Lower | Function::Upper | Function::Trim if first()? == Sort::Text => Sort::Text,
        Function::Length if first()? == Sort::Text => Sort::Integer,
        Function::Abs => match first()? {
            Sort::Real => Sort::Double,
            sort if sort.is_number() => sort,
            _ => Sort::Null,
        },
        Function::Round => match first()? {
            sort if sort.is_number() => columns.rounded(sort),
            _ => Sort::Null,
        },
        Function::Text if first()?.has_text() => Sort::Text,
        Function::Concat if have_texts(columns, to, args)? => Sort::Text,
        _ => Sort::Null,
    })
}

fn have_texts(columns: &dyn Columns, to: &Builder<'_>, args: &[Expr]) -> Result<bool> {
    for arg in args {
        if !sort_of(columns, to, arg)?.has_text() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The sort that all arguments but nulls have. Integers beside binary fractions of the request are decimals, so that none loses digits.
///
/// # Errors
/// As [`sort_of`].
pub fn coalesced(columns: &dyn Columns, to: &Builder<'_>, args: &[Expr]) -> Result<Sort> {
    let mut merged = Sort::Null;
    for arg in args {
        let sort = match (arg, sort_of(columns, to, arg)?) {
            (Expr::Param(_), Sort::Double) if merged != Sort::Double => Sort::Numeric,
            (_, sort) => sort,
        };
        merged = match (merged, sort) {
            (Sort::Null, sort) | (sort, Sort::Null) => sort,
            (a, b) if a == b => a,
            (a, b) if a.is_number() && b.is_number() => calculated(a, b),
            _ => Sort::Mixed,
        };
    }
    Ok(merged)
}

/// The sort of two numbers combined; of what is no number: null.
fn calculated(left: Sort, right: Sort) -> Sort {
    let is_binary = |sort| matches!(sort, Sort::Real | Sort::Double);
    match (left, right) {
        (a, b) if !a.is_number() || !b.is_number() => Sort::Null,
        (a, b) if is_binary(a) || is_binary(b) => Sort::Double,
        (Sort::Integer, Sort::Integer) => Sort::Integer,
        _ => Sort::Numeric,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_with_each_other_and_texts_with_what_reads_them() {
        use Sort::{Date, Document, Double, Integer, Mixed, Native, Nothing, Numeric, Text, Uuid};
        for (left, right, expected) in [
            (Integer, Double, true),
            (Numeric, Integer, true),
            (Text, Integer, false),
            (Text, Date, true),
            (Uuid, Text, true),
            (Date, Sort::Timestamp, false),
            (Document, Sort::List, true),
            (Document, Native, false),
            (Mixed, Mixed, false),
            (Nothing, Text, false),
        ] {
            assert_eq!(left.compares_with(right), expected, "{left:?} {right:?}");
        }
    }

    #[test]
    fn two_numbers_combined_have_the_finer_sort() {
        for (left, right, expected) in [
            (Sort::Integer, Sort::Integer, Sort::Integer),
            (Sort::Integer, Sort::Numeric, Sort::Numeric),
            (Sort::Real, Sort::Integer, Sort::Double),
            (Sort::Text, Sort::Integer, Sort::Null),
        ] {
            assert_eq!(calculated(left, right), expected);
        }
    }
}
