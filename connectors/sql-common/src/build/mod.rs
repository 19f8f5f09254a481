//! Requests to statements: reads in `read`, writes in `write`, conditions and values in `filter`. No text is made here that does
//! not pass the writer.

mod filter;
mod read;
mod write;

use connector_api::model::{Aggregate, Param, Path};
use connector_api::{Error, Result};

pub use read::{count, query};
pub use write::{TableColumns, delete, insert, recheck, update, upsert_existing, upsert_missing};

use crate::dialect::Dialect;
use crate::render::SqlWriter;
use crate::statement::{Bind, Form, Statement};

/// Builds one statement: the writer with the dialect to ask and the form of the parameters.
pub struct Builder<'a> {
    out: SqlWriter<'a>,
    dialect: &'a dyn Dialect,
    form: &'a Form,
    /// What stands under a name of its own in conditions and orders of a grouped query.
    aggregates: &'a [Aggregate],
}

impl<'a> Builder<'a> {
    fn new(dialect: &'a dyn Dialect, form: &'a Form) -> Self {
        Self { out: SqlWriter::new(dialect), dialect, form, aggregates: &[] }
    }

    /// What is known of the parameters before the statement runs.
    pub fn form(&self) -> &'a Form {
        self.form
    }

    /// Writes words of SQL.
    pub fn keyword(&mut self, words: &'static str) {
        self.out.keyword(words);
    }

    /// Writes a marker.
    pub fn param(&mut self, param: Param) {
        self.out.param(Bind::Param(param));
    }

    /// Writes a column of the row, or the aggregate of that name.
    fn column(&mut self, path: &Path) -> Result<()> {
        let name = path.as_column().ok_or_else(nested_path)?;
        match self.aggregates.iter().find(|aggregate| aggregate.name == name) {
            Some(aggregate) => self.dialect.aggregate(self, aggregate),
            None => self.out.ident(name),
        }
    }

    fn finish(self) -> Statement {
        self.out.finish()
    }
}

/// Columns inside documents need a database that has such columns.
fn nested_path() -> Error {
    Error::unsupported("a column inside a document")
}

/// Writes each item, with `between` in between.
fn separated<'a, T>(
    to: &mut Builder<'a>,
    items: &[T],
    between: &'static str,
    mut write: impl FnMut(&mut Builder<'a>, &T) -> Result<()>,
) -> Result<()> {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            to.keyword(between);
        }
        write(to, item)?;
    }
    Ok(())
}
