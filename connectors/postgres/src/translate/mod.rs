//! Where PostgreSQL's SQL differs from the standard.
//!
//! Columns have fixed types, and a comparison of two of them that do not fit is an error of the server. In the contract it is false. So
//! the type of each expression is known before, and only what compares is written as a comparison. Values are sent as text, and a
//! value beside a column takes the column's type; numbers are told theirs, so that none is rounded or out of range.

mod arithmetic;
mod compare;

use connector_api::Result;
use connector_api::author::{
    Aggregate, AggregateFunction, ArithmeticOp, CompareOp, Expr, Function, Param, Path, TextOp, Value,
};
use connector_sql_common::dialect::{
    Checked, Dialect, InList, LimitStyle, Marker, OnConflict, Returning, aggregate_name,
};
use connector_sql_common::sort::{Columns, Sort};
use connector_sql_common::statement::Group;
use connector_sql_common::{Builder, Kind, typed};

use crate::table::TableInfo;
use crate::types::Class;

/// PostgreSQL's differences, for statements about one table.
pub(crate) struct PostgresDialect<'t> {
    /// The table's columns; `None` where only values are looked at.
    pub(crate) table: Option<&'t TableInfo>,
}

/// For what does not depend on the table.
pub(crate) const VALUES: PostgresDialect<'static> = PostgresDialect { table: None };

impl Dialect for PostgresDialect<'_> {
    fn kind(&self, value: &Value) -> Kind {
        match value {
            Value::Null | Value::Absent => Kind::Null,
            Value::Bool(_) => Kind::Boolean,
            Value::I64(_) => Kind::Integer,
            Value::U64(number) if i64::try_from(*number).is_ok() => Kind::Integer,
            Value::U64(_) | Value::Decimal(_) => Kind::Decimal,
            Value::F32(_) | Value::F64(_) => Kind::Float,
            // No text of the database contains it, so it is equal to none; as a value the server refuses it.
            Value::Text(text) if text.contains('\0') => Kind::Any,
            Value::Text(_) => Kind::Text,
            Value::Bytes(_) => Kind::Bytes,
            Value::Date(_) => Kind::Date,
            Value::Time(_) => Kind::Time,
            Value::Timestamp(_) => Kind::Timestamp,
            Value::Instant(_) => Kind::Instant,
            Value::Uuid(_) => Kind::Uuid,
            Value::Json(_) | Value::List(_) | Value::Object(_) => Kind::Document,
            Value::Extension(_, inner) => self.kind(inner),
            _ => Kind::Any,
        }
    }

    fn marker(&self) -> Marker {
        Marker::Numbered("$")
    }

    fn in_list(&self) -> InList {
        InList::Array
    }

    fn limit(&self) -> LimitStyle {
        LimitStyle::LimitOffset
    }

    fn returning(&self) -> Returning {
        Returning::Clause
    }

    fn on_conflict(&self) -> OnConflict {
        OnConflict::Clause
    }

    fn checked(&self) -> Checked<'_> {
        let names = self.table.and_then(|table| table.checked_by.as_deref());
        names.map_or(Checked::Within, Checked::Later)
    }

    /// It comes back as a value, and those are texts.
    fn naming(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        to.column(column)?;
        to.keyword("::text");
        Ok(())
    }

    /// What the driver does not read is asked for as text.
    fn wanted(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        let [before, behind] = shown(self.class(column)?);
        to.keyword(before);
        to.column(column)?;
        to.keyword(behind);
        Ok(())
    }

    fn param(&self, to: &mut Builder<'_>, param: Param) -> Result<()> {
        match type_of(to.form().kind(param)) {
            Some(words) => {
                to.param(param);
                to.keyword(words);
            }
            None => to.keyword("NULL"),
        }
        Ok(())
    }

    fn aggregate(&self, to: &mut Builder<'_>, aggregate: &Aggregate) -> Result<()> {
        let Some(column) = &aggregate.of else {
            return to.aggregate_call(aggregate_name(aggregate.function), aggregate);
        };
        let class = self.class(column)?;
        let sort = class.sort();
        match aggregate.function {
            AggregateFunction::Sum | AggregateFunction::Avg if !sort.is_number() => {
                to.keyword("NULL::numeric");
            }
            // A sum of integers is an integer, or out of range.
            AggregateFunction::Sum if sort == Sort::Integer => {
                to.aggregate_call("SUM", aggregate)?;
                to.keyword("::int8");
            }
            AggregateFunction::Min if sort == Sort::Boolean => to.aggregate_call("BOOL_AND", aggregate)?,
            AggregateFunction::Max if sort == Sort::Boolean => to.aggregate_call("BOOL_OR", aggregate)?,
            // The server orders them, and has no aggregate for it before version 18. Their texts have the same order.
            AggregateFunction::Min | AggregateFunction::Max if sort == Sort::Uuid => {
                to.keyword(if aggregate.function == AggregateFunction::Min { "MIN(" } else { "MAX(" });
                to.column(column)?;
                to.keyword("::text)::uuid");
            }
            // The same of bytes, whose digits have their order.
            AggregateFunction::Min | AggregateFunction::Max if sort == Sort::Bytes => {
                let is_min = aggregate.function == AggregateFunction::Min;
                to.keyword(if is_min { "decode(MIN(encode(" } else { "decode(MAX(encode(" });
                to.column(column)?;
                to.keyword(", 'hex') COLLATE \"C\"), 'hex')");
            }
            AggregateFunction::Count => to.aggregate_call("COUNT", aggregate)?,
            function => {
                to.aggregate_call(aggregate_name(function), aggregate)?;
                to.keyword(read_as(class));
            }
        }
        Ok(())
    }

    fn compare(&self, to: &mut Builder<'_>, op: CompareOp, left: &Expr, right: &Expr) -> Result<()> {
        typed::compare(self, to, op, left, right)
    }

    fn in_items(&self, to: &mut Builder<'_>, expr: &Expr, list: Param, group: Group) -> Result<()> {
        typed::find_in(self, to, expr, list, group)
    }

    fn text(&self, to: &mut Builder<'_>, op: TextOp, expr: &Expr, pattern: Param) -> Result<()> {
        typed::search(self, to, op, expr, pattern)
    }

    fn arithmetic(&self, to: &mut Builder<'_>, op: ArithmeticOp, left: &Expr, right: &Expr) -> Result<()> {
        self.write_arithmetic(to, op, left, right)
    }

    fn text_of(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        self.write_text(to, expr)
    }

    fn call(&self, to: &mut Builder<'_>, function: Function, args: &[Expr]) -> Result<()> {
        self.write_call(to, function, args)
    }
}

impl Columns for PostgresDialect<'_> {
    fn sort(&self, column: &Path) -> Result<Sort> {
        self.class(column).map(Class::sort)
    }

    /// Binary fractions stay what they are.
    fn rounded(&self, number: Sort) -> Sort {
        if matches!(number, Sort::Real | Sort::Double) { Sort::Double } else { Sort::Numeric }
    }
}

impl PostgresDialect<'_> {
    fn class(&self, path: &Path) -> Result<Class> {
        match self.table {
            Some(table) => Ok(table.column(path)?.class),
            None => Ok(Class::Other),
        }
    }

    /// Writes a value to be compared or calculated with.
    fn operand(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        let Expr::Column(path) = expr else { return to.expr(expr) };
        to.column(path)?;
        if to.aggregate(path).is_none() {
            to.keyword(match self.class(path)? {
                Class::Label => "::text",
                Class::Money => "::numeric",
                Class::Json => "::jsonb",
                _ => "",
            });
        }
        Ok(())
    }
}

/// What stands around a value that is read. What a cast to text writes of an address is longer than what the server shows.
/// <https://www.postgresql.org/docs/current/functions-net.html>
pub(crate) fn shown(class: Class) -> [&'static str; 2] {
    if class == Class::Inet { ["abbrev(", ")"] } else { ["", read_as(class)] }
}

/// Into which type the server has to convert a column that is read.
fn read_as(class: Class) -> &'static str {
    match class {
        Class::Label | Class::Inet | Class::Other => "::text",
        // In two steps, so that each item is written as the server shows it.
        Class::TextArray => "::text::text[]",
        Class::Money => "::numeric",
        _ => "",
    }
}

/// The type of a value that stands alone; `None`: null, which has any.
fn type_of(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Null => return None,
        Kind::Integer => "::int8",
        Kind::Number | Kind::Decimal => "::numeric",
        Kind::Float => "::float8",
        Kind::Boolean => "::boolean",
        Kind::Any | Kind::Text => "::text",
        Kind::Bytes => "::bytea",
        Kind::Date => "::date",
        Kind::Time => "::time",
        Kind::Timestamp => "::timestamp",
        Kind::Instant => "::timestamptz",
        Kind::Uuid => "::uuid",
        Kind::Document => "::jsonb",
    })
}

#[cfg(test)]
mod tests;
