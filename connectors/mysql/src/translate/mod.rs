//! Where the SQL of MySQL and MariaDB differs from the standard.
//!
//! The servers compare whatever they are given: a text with a number as two floats, a decimal with a text as well. In the contract values of
//! different kinds never compare, and numbers compare exactly. So the sort of each expression is known before, and only what compares is
//! written as a comparison.

mod arithmetic;
mod change;
mod compare;

use connector_api::Result;
use connector_api::author::{
    Aggregate, AggregateFunction, ArithmeticOp, CompareOp, Expr, Function, Param, Path, TableRef, TextOp,
    Value,
};
use connector_sql_common::dialect::{Dialect, LimitStyle, NullsOrder, OnConflict, Returning, aggregate_name};
use connector_sql_common::sort::{Columns, Sort};
use connector_sql_common::statement::Group;
use connector_sql_common::{Builder, Kind, typed};

use crate::error::table_not_found;
use crate::table::TableInfo;
use crate::types::Class;

pub(crate) use change::{Changing, Kept};

/// The differences, for statements about one table.
pub(crate) struct MySqlDialect<'t> {
    /// The table's columns; `None` where only values are looked at.
    pub(crate) table: Option<&'t TableInfo>,
    /// New rows are given back by the statement that creates them, which only MariaDB knows.
    pub(crate) gives_back: bool,
    /// The tables into which conditions look.
    pub(crate) beside: &'t [(TableRef, Self)],
}

/// For what does not depend on the table.
pub(crate) const VALUES: MySqlDialect<'static> = MySqlDialect { table: None, gives_back: false, beside: &[] };

/// A number with all its digits, as far as the server has any.
const DECIMAL: [&str; 2] = ["CAST(", " AS DECIMAL(65, 30))"];

/// What stands around a value that is read. The bytes of a geometry say nothing to people.
pub(crate) fn shown(class: Class) -> [&'static str; 2] {
    if class == Class::Geometry { ["ST_AsText(", ")"] } else { [""; 2] }
}

/// What stands around a variable of the connection, which knows neither days nor times and holds their texts.
/// <https://dev.mysql.com/doc/refman/8.4/en/user-variables.html>
pub(crate) fn taken_out(class: Class) -> [&'static str; 2] {
    match class {
        Class::Date => ["CAST(", " AS DATE)"],
        Class::Time => ["CAST(", " AS TIME(6))"],
        Class::DateTime | Class::Timestamp => ["CAST(", " AS DATETIME(6))"],
        other => shown(other),
    }
}

impl Dialect for MySqlDialect<'_> {
    fn quote(&self) -> char {
        '`'
    }

    fn kind(&self, value: &Value) -> Kind {
        match value {
            Value::Null | Value::Absent => Kind::Null,
            Value::Bool(_) => Kind::Boolean,
            Value::I64(_) | Value::U64(_) => Kind::Integer,
            Value::Decimal(_) => Kind::Decimal,
            Value::F32(_) | Value::F64(_) => Kind::Float,
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

    /// Beside `` `a` = ? `` the optimizer puts the value in the place of every other `` `a` `` of the conjunction, but not beside a condition
    /// inside `OR`. <https://dev.mysql.com/doc/refman/8.4/en/where-optimization.html>
    fn screen(&self) -> [&'static str; 2] {
        ["(", " OR 1 = 0)"]
    }

    fn limit(&self) -> LimitStyle {
        LimitStyle::LimitOffset
    }

    fn nulls(&self) -> NullsOrder {
        NullsOrder::Lowest
    }

    /// `ON DUPLICATE KEY UPDATE` means every unique key, not one.
    fn on_conflict(&self) -> OnConflict {
        OnConflict::Fails
    }

    fn beside(&self, table: &TableRef) -> Result<(TableRef, &dyn Dialect)> {
        let found = self.beside.iter().find(|(known, _)| known == table);
        let (table, dialect) = found.ok_or_else(table_not_found)?;
        Ok((table.clone(), dialect))
    }

    fn returning(&self) -> Returning {
        if self.gives_back { Returning::Clause } else { Returning::Nothing }
    }

    fn default_row(&self) -> &'static str {
        " () VALUES ()"
    }

    /// Labels are compared as the texts that they are, also by `MIN` and `MAX`, but the server orders them as they stand in the list.
    /// <https://mariadb.com/docs/server/reference/data-types/string-data-types/enum>
    fn ordered(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        self.operand(to, &Expr::Column(column.clone()))
    }

    fn wanted(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        around(to, shown(self.class(column)?), |to| to.column(column))
    }

    fn stored(&self, to: &mut Builder<'_>, column: &Path, cell: usize) -> Result<()> {
        let is_geometry = self.class(column)? == Class::Geometry;
        around(to, if is_geometry { ["ST_GeomFromText(", ")"] } else { [""; 2] }, |to| {
            to.cell(cell);
            Ok(())
        })
    }

    /// A decimal beside a text is compared as two floats.
    fn named(&self, to: &mut Builder<'_>, column: &Path, cell: usize) -> Result<()> {
        let words = if self.class(column)? == Class::Decimal { DECIMAL } else { [""; 2] };
        around(to, words, |to| {
            to.cell(cell);
            Ok(())
        })
    }

    fn param(&self, to: &mut Builder<'_>, param: Param) -> Result<()> {
        let words = if to.form().kind(param) == Kind::Decimal { DECIMAL } else { [""; 2] };
        around(to, words, |to| {
            to.param(param);
            Ok(())
        })
    }

    fn aggregate(&self, to: &mut Builder<'_>, aggregate: &Aggregate) -> Result<()> {
        let function = aggregate.function;
        let sums = matches!(function, AggregateFunction::Sum | AggregateFunction::Avg);
        if let Some(column) = &aggregate.of
            && sums
            && !self.sort(column)?.is_number()
        {
            to.keyword("NULL");
            return Ok(());
        }
        match &aggregate.of {
            Some(column) if self.class(column)? == Class::Geometry => {
                to.keyword(aggregate_name(function));
                to.keyword(if aggregate.distinct { "(DISTINCT " } else { "(" });
                self.operand(to, &Expr::Column(column.clone()))?;
                to.keyword(")");
                Ok(())
            }
            _ => to.aggregate_call(aggregate_name(function), aggregate),
        }
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

    fn call(&self, to: &mut Builder<'_>, function: Function, args: &[Expr]) -> Result<()> {
        self.write_call(to, function, args)
    }

    fn text_of(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        self.write_text(to, expr)
    }
}

impl Columns for MySqlDialect<'_> {
    fn sort(&self, column: &Path) -> Result<Sort> {
        self.class(column).map(Class::sort)
    }
}

impl<'t> MySqlDialect<'t> {
    /// For statements about this table.
    pub(crate) fn of(table: &'t TableInfo) -> Self {
        Self { table: Some(table), gives_back: false, beside: &[] }
    }

    fn class(&self, path: &Path) -> Result<Class> {
        self.table.map_or(Ok(Class::Text), |table| table.class(path))
    }

    /// Writes a value to be compared. A text beside a label that has an index would be looked for as the number that it may look like.
    fn operand(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        let class = match expr {
            Expr::Column(path) if to.aggregate(path).is_none() => Some(self.class(path)?),
            _ => None,
        };
        let words = match class {
            Some(Class::Label) => ["CONCAT(", ", '')"],
            Some(Class::Geometry) => ["ST_AsText(", ")"],
            _ => [""; 2],
        };
        around(to, words, |to| to.expr(expr))
    }
}

/// Writes something between two words.
fn around<'b>(
    to: &mut Builder<'b>,
    [before, after]: [&'static str; 2],
    inner: impl FnOnce(&mut Builder<'b>) -> Result<()>,
) -> Result<()> {
    to.keyword(before);
    inner(to)?;
    to.keyword(after);
    Ok(())
}

#[cfg(test)]
mod tests;
