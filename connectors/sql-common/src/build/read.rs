//! Reads: rows and their number.

use connector_api::model::{Aggregate, Count, Direction, Filter, Group, Nulls, Order, Path, Query, TableRef};
use connector_api::{Error, Result};

use super::{Builder, separated, watched, watched_beside};
use crate::dialect::{Dialect, Distinct, LimitStyle, NullsOrder};
use crate::statement::{Bind, Form, Statement};

/// The statement that reads rows: one column for each of `select`, in that order, then one for each aggregate or computed value, then what is of no use to
/// anybody but the database ([`watched_beside`]).
///
/// # Errors
/// [`ErrorKind::Unsupported`](connector_api::ErrorKind::Unsupported) for parts of the shape that plain SQL columns can't serve;
/// [`ErrorKind::NotFound`](connector_api::ErrorKind::NotFound) for names that can't exist.
pub fn query(dialect: &dyn Dialect, shape: &Query, form: &Form) -> Result<Statement> {
    let mut to = Builder::new(dialect, form);
    let is_grouped = shape.distinct && dialect.distinct() == Distinct::Groups;
    to.keyword(if shape.distinct && !is_grouped { "SELECT DISTINCT " } else { "SELECT " });
    separated(&mut to, &shape.select, ", ", |to, path| dialect.wanted(to, path))?;
    let aggregates = shape.group.as_ref().map_or(&[][..], |group| &group.aggregates);
    match (shape.select.is_empty(), aggregates.is_empty() && shape.compute.is_empty()) {
        (true, true) => return Err(Error::internal("the request asks for no column")),
        (false, false) => to.keyword(", "),
        _ => {}
    }
    separated(&mut to, aggregates, ", ", |to, aggregate| dialect.aggregate(to, aggregate))?;
    separated(&mut to, &shape.compute, ", ", |to, computed| to.expr(&computed.value))?;
    let watched = watched_beside(dialect, shape.filter.as_ref(), &shape.select);
    to.types(&shape.from, &watched, shape.group.is_none() && !shape.distinct)?;
    to.source(&shape.from, shape.filter.as_ref())?;
    to.aggregates = aggregates;
    to.compute = &shape.compute;
    match &shape.group {
        Some(group) => to.group(group)?,
        None if is_grouped => to.grouped_by(&shape.select)?,
        None => {}
    }
    to.order(&shape.order)?;
    to.page(shape);
    Ok(to.finish())
}

/// The statement that counts rows: one row with one number, and what is of no use to anybody but the database ([`watched`]).
///
/// # Errors
/// As [`query`].
pub fn count(dialect: &dyn Dialect, shape: &Count, form: &Form) -> Result<Statement> {
    let mut to = Builder::new(dialect, form);
    to.keyword("SELECT COUNT(*)");
    to.types(&shape.from, &watched(dialect, &shape.filter), false)?;
    to.source(&shape.from, shape.filter.as_ref())?;
    Ok(to.finish())
}

impl Builder<'_> {
    /// Writes a call of an aggregate function under this name.
    ///
    /// # Errors
    /// When a name can't be written.
    pub fn aggregate_call(&mut self, name: &'static str, aggregate: &Aggregate) -> Result<()> {
        self.keyword(name);
        self.keyword(if aggregate.distinct { "(DISTINCT " } else { "(" });
        match &aggregate.of {
            Some(column) => self.column(column)?,
            None => self.keyword("*"),
        }
        self.keyword(")");
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Result<()> {
        if !group.by.is_empty() {
            self.grouped_by(&group.by)?;
        }
        if let Some(having) = &group.having {
            self.keyword(" HAVING ");
            self.condition(having)?;
        }
        Ok(())
    }

    fn grouped_by(&mut self, columns: &[Path]) -> Result<()> {
        self.keyword(" GROUP BY ");
        separated(self, columns, ", ", |to, path| to.dialect.grouped(to, path))
    }

    pub(super) fn table(&mut self, table: &TableRef) -> Result<()> {
        self.rows.begin(table);
        self.out.table(table)
    }

    fn source(&mut self, table: &TableRef, filter: Option<&Filter>) -> Result<()> {
        self.keyword(" FROM ");
        self.table(table)?;
        if let Some(filter) = filter {
            self.keyword(" WHERE ");
            self.condition(filter)?;
        }
        Ok(())
    }

    fn order(&mut self, order: &[Order]) -> Result<()> {
        if order.is_empty() {
            return Ok(());
        }
        self.keyword(" ORDER BY ");
        separated(self, order, ", ", |to, order| to.order_column(order))
    }

    fn order_column(&mut self, order: &Order) -> Result<()> {
        let style = self.dialect.nulls();
        if let Some(nulls) = order.nulls.filter(|nulls| needs_rank(style, order.direction, *nulls)) {
            self.keyword("CASE WHEN ");
            self.ordering(&order.by, |to| to.column(&order.by))?;
            self.keyword(match nulls {
                Nulls::First => " IS NULL THEN 0 ELSE 1 END, ",
                Nulls::Last => " IS NULL THEN 1 ELSE 0 END, ",
            });
        }
        self.ordering(&order.by, |to| to.dialect.ordered(to, &order.by))?;
        if order.direction == Direction::Desc {
            self.keyword(" DESC");
        }
        match (style, order.nulls) {
            (NullsOrder::Words, Some(Nulls::First)) => self.keyword(" NULLS FIRST"),
            (NullsOrder::Words, Some(Nulls::Last)) => self.keyword(" NULLS LAST"),
            _ => {}
        }
        Ok(())
    }

    /// Writes what rows are ordered by: something computed, or else what is written for the column.
    fn ordering(&mut self, by: &Path, column: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let compute = self.compute;
        match compute.iter().find(|computed| by.as_column() == Some(&computed.name)) {
            Some(computed) => self.expr(&computed.value),
            None => column(self),
        }
    }

    fn page(&mut self, shape: &Query) {
        match self.dialect.limit() {
            LimitStyle::LimitOffset => {
                self.keyword(" LIMIT ");
                self.out.param(Bind::Rows(shape.limit));
                if let Some(offset) = shape.offset {
                    self.keyword(" OFFSET ");
                    self.out.param(Bind::Rows(offset));
                }
            }
            LimitStyle::OffsetFetch => {
                if let Some(offset) = shape.offset {
                    self.keyword(" OFFSET ");
                    self.out.param(Bind::Rows(offset));
                    self.keyword(" ROWS");
                }
                self.keyword(" FETCH NEXT ");
                self.out.param(Bind::Rows(shape.limit));
                self.keyword(" ROWS ONLY");
            }
        }
    }
}

/// Whether nulls get a sort key of their own.
fn needs_rank(style: NullsOrder, direction: Direction, nulls: Nulls) -> bool {
    let is_lowest = (direction == Direction::Asc) == (nulls == Nulls::First);
    style == NullsOrder::Rank || style == NullsOrder::Lowest && !is_lowest
}

#[cfg(test)]
mod tests;
