//! What an expression is worth, as far as it is known before it runs: which values compare with it.

use connector_api::Result;
use connector_api::author::{AggregateFunction, Expr, Function, Path};
use connector_sql_common::{Builder, Kind};

use super::PostgresDialect;
use crate::types::Class;

/// Values of one sort compare with each other, and all numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Null,
    Integer,
    Numeric,
    Real,
    Double,
    Text,
    Bytes,
    Boolean,
    Date,
    Time,
    Timestamp,
    Instant,
    Uuid,
    Document,
    /// An array.
    List,
    /// A type of the server's own, which reads texts.
    Native,
    /// No column holds such a value.
    Nothing,
    /// One sort in this row, another one in that.
    Mixed,
}

impl Sort {
    pub(super) fn of_class(class: Class) -> Self {
        match class {
            Class::Boolean => Self::Boolean,
            Class::Integer => Self::Integer,
            Class::Numeric | Class::Money => Self::Numeric,
            Class::Real => Self::Real,
            Class::Double => Self::Double,
            Class::Text | Class::Label => Self::Text,
            Class::Bytes => Self::Bytes,
            Class::Date => Self::Date,
            Class::Time => Self::Time,
            Class::Timestamp => Self::Timestamp,
            Class::Instant => Self::Instant,
            Class::Uuid => Self::Uuid,
            Class::Json | Class::Jsonb => Self::Document,
            Class::Array | Class::TextArray => Self::List,
            Class::Inet | Class::Other => Self::Native,
        }
    }

    pub(super) fn of_kind(kind: Kind) -> Self {
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

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Numeric | Self::Real | Self::Double)
    }

    /// Whether the contract has a text for its values. Those of the server's own types are read as texts.
    pub(super) fn has_text(self) -> bool {
        self.is_number()
            || matches!(
                self,
                Self::Text
                    | Self::Date
                    | Self::Time
                    | Self::Timestamp
                    | Self::Instant
                    | Self::Uuid
                    | Self::Native
            )
    }

    /// Whether values of both sorts compare. `other` may be a value of the request, which beside some types is read from its text.
    pub(super) fn compares_with(self, other: Self) -> bool {
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
            (Self::Document, Self::List) | (Self::List, Self::Document) => true,
            (a, b) => a == b || a.is_number() && b.is_number(),
        }
    }
}

impl PostgresDialect<'_> {
    /// The sort of an expression.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::NotFound`] for a column that the table does not have.
    pub(super) fn sort(&self, to: &Builder<'_>, expr: &Expr) -> Result<Sort> {
        match expr {
            Expr::Column(path) => self.column_sort(to, path),
            Expr::Param(param) => Ok(Sort::of_kind(to.form().kind(*param))),
            Expr::Arithmetic { left, right, .. } => {
                Ok(calculated(self.sort(to, left)?, self.sort(to, right)?))
            }
            Expr::Call { function, args } => self.call_sort(to, *function, args),
        }
    }

    fn column_sort(&self, to: &Builder<'_>, path: &Path) -> Result<Sort> {
        let Some(aggregate) = to.aggregate(path) else { return Ok(Sort::of_class(self.class(path)?)) };
        let Some(column) = &aggregate.of else { return Ok(Sort::Integer) };
        let sort = Sort::of_class(self.class(column)?);
        Ok(match aggregate.function {
            AggregateFunction::Count => Sort::Integer,
            AggregateFunction::Min | AggregateFunction::Max => sort,
            AggregateFunction::Sum | AggregateFunction::Avg if !sort.is_number() => Sort::Null,
            AggregateFunction::Sum => sort,
            AggregateFunction::Avg if sort == Sort::Integer => Sort::Numeric,
            AggregateFunction::Avg => sort,
        })
    }

    fn call_sort(&self, to: &Builder<'_>, function: Function, args: &[Expr]) -> Result<Sort> {
        let first = || args.first().map_or(Ok(Sort::Null), |arg| self.sort(to, arg));
        Ok(match function {
            Function::Now => Sort::Instant,
            Function::CurrentDate => Sort::Date,
            Function::Coalesce => self.coalesced(to, args)?,
            Function::Lower | Function::Upper | Function::Trim if first()? == Sort::Text => Sort::Text,
            Function::Text if first()?.has_text() => Sort::Text,
            Function::Length if first()? == Sort::Text => Sort::Integer,
            Function::Abs | Function::Round => match first()? {
                Sort::Real => Sort::Double,
                Sort::Integer if function == Function::Round => Sort::Numeric,
                sort if sort.is_number() => sort,
                _ => Sort::Null,
            },
            _ => Sort::Null,
        })
    }

    /// The sort that all arguments but nulls have. Integers beside binary fractions of the request are decimals, so that none loses
    /// digits.
    pub(super) fn coalesced(&self, to: &Builder<'_>, args: &[Expr]) -> Result<Sort> {
        let mut merged = Sort::Null;
        for arg in args {
            let sort = match (arg, self.sort(to, arg)?) {
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
