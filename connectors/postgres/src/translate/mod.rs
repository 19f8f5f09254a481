//! Where PostgreSQL's SQL differs from the standard.
//!
//! Columns have fixed types, and a comparison of two of them that do not fit is an error of the server. In the contract it is false. So
//! the type of each expression is known before, and only what compares is written as a comparison. Values are sent as text, and a
//! value beside a column takes the column's type; numbers are told theirs, so that none is rounded or out of range.

mod arithmetic;
mod change;
mod compare;

use std::sync::Arc;

use connector_api::author::{
    Aggregate, AggregateFunction, ArithmeticOp, CompareOp, Expr, Function, Param, Path, TableRef, TextOp,
    Value,
};
use connector_api::{Error, Result};
use connector_sql_common::build::Watched;
use connector_sql_common::dialect::{
    Checked, Dialect, Distinct, InList, LimitStyle, Marker, OnConflict, Returning, aggregate_name,
};
use connector_sql_common::sort::{Columns, Sort};
use connector_sql_common::statement::Group;
use connector_sql_common::{Builder, Kind, typed};

use crate::error::{no_operation, table_not_found};
use crate::store::placed;
use crate::table::{ColumnInfo, TableInfo};
use crate::types::{Class, Item};

pub(crate) use change::{Changing, NamedType};

/// PostgreSQL's differences, for statements about one table.
pub(crate) struct PostgresDialect<'t> {
    /// The table's columns; `None` where only values are looked at.
    pub(crate) table: Option<&'t TableInfo>,
    /// The tables into which conditions look.
    pub(crate) beside: &'t [(TableRef, Self)],
}

/// For what does not depend on the table.
pub(crate) const VALUES: PostgresDialect<'static> = PostgresDialect { table: None, beside: &[] };

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

    fn distinct(&self) -> Distinct {
        Distinct::Groups
    }

    fn ordered(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        if to.aggregate(column).is_none() {
            self.is_comparable(column)?;
        }
        to.column(column)?;
        if to.aggregate(column).is_none() && self.class(column)? == Class::Shown {
            to.keyword("::text");
        }
        Ok(())
    }

    fn grouped(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        self.ordered(to, column)
    }

    /// Of other types the server has no operators for the old one's values, or the same meaning.
    fn is_watched(&self, column: &Path) -> bool {
        use Class::{Date, Double, Instant, Numeric, Real, Timestamp};
        let class = self.class(column);
        class.is_ok_and(|class| matches!(class, Real | Double | Numeric | Date | Timestamp | Instant))
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

    /// "Cached plan must not change result type": of the types of values it says nothing.
    /// <https://www.postgresql.org/docs/current/sql-prepare.html>
    fn shows_types(&self) -> bool {
        self.table.is_some_and(|table| table.is_given_back)
    }

    fn beside(&self, table: &TableRef) -> Result<(TableRef, &dyn Dialect)> {
        let dialect = self.known_beside(table)?;
        let info = dialect.table.ok_or_else(table_not_found)?;
        Ok((placed(table, info), dialect))
    }

    /// It comes back as a value, and those are texts.
    fn naming(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        to.column(column)?;
        to.keyword("::text");
        Ok(())
    }

    /// What the driver does not read is asked for as text.
    fn wanted(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        let [before, after] = shown(self.class(column)?);
        to.keyword(before);
        to.column(column)?;
        to.keyword(after);
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
            AggregateFunction::Sum | AggregateFunction::Avg if class == Class::Money => {
                aggregate_of(to, aggregate, column, "::numeric")?;
            }
            AggregateFunction::Avg if class == Class::Oid => {
                aggregate_of(to, aggregate, column, "::int8")?;
            }
            // A sum of integers is an integer, or out of range.
            AggregateFunction::Sum if sort == Sort::Integer => {
                let conversion = if class == Class::Oid { "::int8" } else { "" };
                aggregate_of(to, aggregate, column, conversion)?;
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
            AggregateFunction::Count if aggregate.distinct && class == Class::Json => {
                aggregate_of(to, aggregate, column, "::jsonb")?;
            }
            AggregateFunction::Count if aggregate.distinct && class == Class::Shown => {
                aggregate_of(to, aggregate, column, "::text")?;
            }
            AggregateFunction::Count => {
                if aggregate.distinct {
                    self.is_comparable(column)?;
                }
                to.aggregate_call("COUNT", aggregate)?;
            }
            _ if class == Class::Shown => aggregate_of(to, aggregate, column, "::text")?,
            _ if class == Class::Other && !self.has_extremes(column)? => {
                return Err(self.refused(column, "which has no MIN and no MAX"));
            }
            function => {
                let [before, after] = shown(class);
                to.keyword(before);
                to.aggregate_call(aggregate_name(function), aggregate)?;
                to.keyword(after);
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

impl<'t> PostgresDialect<'t> {
    /// For statements about this table.
    pub(crate) fn of(table: &'t TableInfo) -> Self {
        Self { table: Some(table), beside: &[] }
    }

    /// For statements about each of these tables.
    pub(crate) fn of_each(tables: &'t [(TableRef, Arc<TableInfo>)]) -> Vec<(TableRef, Self)> {
        tables.iter().map(|(table, info)| (table.clone(), Self::of(info))).collect()
    }

    /// The class of a column on which a condition relies.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::NotFound`] for a table or a column that is not known.
    pub(crate) fn class_of(&self, watched: &Watched<'_>) -> Result<Class> {
        match watched.beside {
            None => self.class(watched.column),
            Some(table) => self.known_beside(table)?.class(watched.column),
        }
    }

    fn known_beside(&self, table: &TableRef) -> Result<&Self> {
        let found = self.beside.iter().find(|(known, _)| known == table);
        found.map(|(_, dialect)| dialect).ok_or_else(table_not_found)
    }

    fn class(&self, path: &Path) -> Result<Class> {
        Ok(self.column(path)?.map_or(Class::Other, |column| column.class))
    }

    fn column(&self, path: &Path) -> Result<Option<&ColumnInfo>> {
        self.table.map(|table| table.column(path)).transpose()
    }

    /// # Errors
    /// For types whose values the server can't compare, not even for equality.
    fn is_comparable(&self, path: &Path) -> Result<()> {
        match self.column(path)? {
            Some(ColumnInfo { class: Class::Json, .. }) => {
                Err(self.refused(path, "which has no order and no equality; 'jsonb' has both"))
            }
            Some(ColumnInfo { class: Class::Array(_), is_ordered: false, .. }) => {
                Err(self.refused(path, "whose items have no order and no equality"))
            }
            _ => Ok(()),
        }
    }

    fn has_extremes(&self, path: &Path) -> Result<bool> {
        Ok(self.column(path)?.is_none_or(|column| column.has_extremes))
    }

    /// What the type of a column can't do.
    fn refused(&self, path: &Path, problem: &str) -> Error {
        match self.column(path) {
            Ok(column) => {
                let words = column.map_or("another", |column| column.words.as_str());
                no_operation(path.as_column().unwrap_or_default(), words, problem)
            }
            Err(error) => error,
        }
    }

    /// Writes a value to be compared or calculated with.
    fn operand(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        let Expr::Column(path) = expr else { return to.expr(expr) };
        to.column(path)?;
        if to.aggregate(path).is_none() {
            to.keyword(match self.class(path)? {
                Class::Label | Class::Shown => "::text",
                Class::Money => "::numeric",
                Class::Json => "::jsonb",
                _ => "",
            });
        }
        Ok(())
    }
}

/// Writes an aggregate of a column that is converted before.
fn aggregate_of(
    to: &mut Builder<'_>,
    aggregate: &Aggregate,
    column: &Path,
    conversion: &'static str,
) -> Result<()> {
    to.keyword(aggregate_name(aggregate.function));
    to.keyword(if aggregate.distinct { "(DISTINCT " } else { "(" });
    to.column(column)?;
    to.keyword(conversion);
    to.keyword(")");
    Ok(())
}

/// Words around a column that the server has to convert when it is read.
pub(crate) fn shown(class: Class) -> [&'static str; 2] {
    match class {
        Class::Label | Class::Folded | Class::Shown | Class::Other => ["", "::text"],
        // What a cast to text writes of an address is longer than what the server shows.
        // <https://www.postgresql.org/docs/current/functions-net.html>
        Class::Inet => ["abbrev(", ")"],
        // In two steps, so that each item is written as the server shows it.
        Class::Array(Item::Text) => ["", "::text::text[]"],
        // The items have commas, and semicolons in between.
        Class::Array(Item::Box) => {
            ["replace(regexp_replace(", "::text, '[(][^;{}]+', '\"\\&\"', 'g'), ';', ',')::text[]"]
        }
        Class::Money => ["", "::numeric"],
        _ => ["", ""],
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
