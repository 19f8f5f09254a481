//! Requests to statements: reads in `read`, writes in `write`, reads that belong to a write in `reread`, calls in [`routine`], what a
//! clause asks of a row in `condition`, conditions and values in `filter`, conditions on rows of other tables in `beside`, the columns on
//! whose types they rely in `watch`. No text is made here that does not pass the writer.

mod beside;
mod condition;
mod filter;
mod read;
mod reread;
pub mod routine;
mod watch;
mod write;

use connector_api::model::{Aggregate, Computed, Param, Path};
use connector_api::{Error, Result};

pub use beside::tables_beside;
pub use read::{count, query};
pub use reread::{Reread, locked, recheck, reread};
pub use watch::{Watched, watched, watched_beside};
pub use write::{TableColumns, delete, insert, update, upsert_existing, upsert_missing};

use crate::dialect::Dialect;
use crate::render::SqlWriter;
use crate::statement::{Bind, Form, Statement};
use beside::Rows;

/// Builds one statement: the writer with the dialect to ask and the form of the parameters.
pub struct Builder<'a> {
    out: SqlWriter<'a>,
    dialect: &'a dyn Dialect,
    form: &'a Form,
    /// What stands under a name of its own in conditions and orders of a grouped query.
    aggregates: &'a [Aggregate],
    /// What orders may name beside columns.
    compute: &'a [Computed],
    /// Words around single values: [`Dialect::veil`], where it counts.
    veil: Option<[&'static str; 2]>,
    /// Columns that were written so far, where [`Dialect::shows_types`].
    named: Vec<String>,
    rows: Rows,
    /// The types of [`watched`] columns are among what is wanted.
    shows_watched: bool,
    /// Knows the other tables.
    root: &'a dyn Dialect,
}

impl<'a> Builder<'a> {
    fn new(dialect: &'a dyn Dialect, form: &'a Form) -> Self {
        let (out, rows) = (SqlWriter::new(dialect), Rows::default());
        let (aggregates, compute): (&[_], &[_]) = (&[], &[]);
        let (named, shows_watched) = (Vec::new(), false);
        Self {
            out,
            dialect,
            form,
            aggregates,
            compute,
            veil: None,
            named,
            rows,
            shows_watched,
            root: dialect,
        }
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
        self.value(Bind::Param(param));
    }

    /// Writes the marker of a cell of the record.
    pub fn cell(&mut self, cell: usize) {
        self.value(Bind::Cell(cell));
    }

    fn value(&mut self, bind: Bind) {
        let [before, after] = self.veil.filter(|_| bind.markers() == 1).unwrap_or_default();
        self.keyword(before);
        self.out.param(bind);
        self.keyword(after);
    }

    /// The aggregate of this name, where conditions and orders may name it.
    pub fn aggregate(&self, path: &Path) -> Option<&'a Aggregate> {
        let name = path.as_column()?;
        self.aggregates.iter().find(|aggregate| aggregate.name == name)
    }

    /// Writes a column of the row, or the aggregate of that name.
    ///
    /// # Errors
    /// When the name can't be written.
    pub fn column(&mut self, path: &Path) -> Result<()> {
        let name = path.as_column().ok_or_else(nested_path)?;
        match self.aggregate(path) {
            Some(aggregate) => self.dialect.aggregate(self, aggregate),
            None => {
                let is_own = self.row_name()?;
                if is_own && self.dialect.shows_types() && !self.named.iter().any(|named| named == name) {
                    self.named.push(name.to_owned());
                }
                self.out.ident(name)
            }
        }
    }

    /// Writes a null of a column's type.
    fn type_of(&mut self, name: &str) -> Result<()> {
        self.keyword("CASE WHEN FALSE THEN ");
        self.out.ident(name)?;
        self.keyword(" END");
        Ok(())
    }

    fn finish(self) -> Statement {
        let hides_types = self.rows.are_others() && !self.shows_watched;
        self.out.finish().hiding_types(hides_types)
    }
}

/// The place of a cell in the record, and its column.
pub type CellOf<'a> = (usize, &'a Path);

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
