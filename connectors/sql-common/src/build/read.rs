//! Reads: rows and their number.

use connector_api::Result;
use connector_api::model::{Count, Direction, Filter, Nulls, Order, Path, Query, TableRef};

use super::{Builder, nested_path, separated};
use crate::dialect::{Dialect, LimitStyle, NullsOrder};
use crate::statement::{Bind, Form, Statement};

/// The statement that reads rows: one column for each of `select`, in that order.
///
/// # Errors
/// [`ErrorKind::Unsupported`](connector_api::ErrorKind::Unsupported) for parts of the shape that plain SQL columns can't serve;
/// [`ErrorKind::NotFound`](connector_api::ErrorKind::NotFound) for names that can't exist.
pub fn query(dialect: &dyn Dialect, shape: &Query, form: &Form) -> Result<Statement> {
    let mut to = Builder::new(dialect, form);
    to.keyword("SELECT ");
    separated(&mut to, &shape.select, ", ", |to, path| to.column(path))?;
    to.source(&shape.from, shape.filter.as_ref())?;
    to.order(&shape.order)?;
    to.page(shape);
    Ok(to.finish())
}

/// The statement that counts rows: one row with one number.
///
/// # Errors
/// As [`query`].
pub fn count(dialect: &dyn Dialect, shape: &Count, form: &Form) -> Result<Statement> {
    let mut to = Builder::new(dialect, form);
    to.keyword("SELECT COUNT(*)");
    to.source(&shape.from, shape.filter.as_ref())?;
    Ok(to.finish())
}

impl Builder<'_> {
    /// Writes a column of the row.
    pub(super) fn column(&mut self, path: &Path) -> Result<()> {
        self.out.ident(path.as_column().ok_or_else(nested_path)?)
    }

    fn table(&mut self, table: &TableRef) -> Result<()> {
        for part in &table.namespace {
            self.out.ident(part)?;
            self.keyword(".");
        }
        self.out.ident(&table.name)
    }

    fn source(&mut self, table: &TableRef, filter: Option<&Filter>) -> Result<()> {
        self.keyword(" FROM ");
        self.table(table)?;
        if let Some(filter) = filter {
            self.keyword(" WHERE ");
            self.filter(filter)?;
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
        if let (NullsOrder::Rank, Some(nulls)) = (style, order.nulls) {
            self.keyword("CASE WHEN ");
            self.column(&order.by)?;
            self.keyword(match nulls {
                Nulls::First => " IS NULL THEN 0 ELSE 1 END, ",
                Nulls::Last => " IS NULL THEN 1 ELSE 0 END, ",
            });
        }
        self.column(&order.by)?;
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

#[cfg(test)]
mod tests;
