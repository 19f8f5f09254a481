//! The columns on whose types conditions rely: which ones the dialect says ([`Dialect::is_watched`]).

use connector_api::Result;
use connector_api::model::{Expr, Filter, Path, TableRef};

use super::{Builder, nested_path};
use crate::dialect::Dialect;

/// A column on whose type a condition relies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched<'f> {
    /// Another table into which the condition looks; `None`: the statement's own.
    pub beside: Option<&'f TableRef>,
    /// The column.
    pub column: &'f Path,
}

/// Those in these conditions, each once. What the dialect does not know of other tables is left out.
pub fn watched<'f>(
    dialect: &dyn Dialect,
    conditions: impl IntoIterator<Item = &'f Filter>,
) -> Vec<Watched<'f>> {
    let mut search = Search { root: dialect, dialect, beside: None, found: Vec::new() };
    conditions.into_iter().for_each(|condition| search.filter(condition));
    search.found
}

/// Those of a read that are not wanted anyway: [`query`](super::query) writes a null of the type of each behind what is wanted.
pub fn watched_beside<'s>(
    dialect: &dyn Dialect,
    condition: Option<&'s Filter>,
    wanted: &[Path],
) -> Vec<Watched<'s>> {
    let mut found = watched(dialect, condition);
    found.retain(|watched| watched.beside.is_some() || !wanted.contains(watched.column));
    found
}

struct Search<'d, 'f> {
    /// Knows the other tables.
    root: &'d dyn Dialect,
    /// Of the table whose columns are met.
    dialect: &'d dyn Dialect,
    beside: Option<&'f TableRef>,
    found: Vec<Watched<'f>>,
}

impl<'f> Search<'_, 'f> {
    fn filter(&mut self, filter: &'f Filter) {
        match filter {
            Filter::Always(_) => {}
            Filter::And(members) | Filter::Or(members) => {
                members.iter().for_each(|member| self.filter(member));
            }
            Filter::Not(inner) => self.filter(inner),
            Filter::Compare { left, right, .. } => [left, right].into_iter().for_each(|side| self.expr(side)),
            Filter::In { expr, .. } | Filter::Text { expr, .. } | Filter::IsNull(expr) => self.expr(expr),
            Filter::Between { expr, low, high } => {
                [expr, low, high].into_iter().for_each(|side| self.expr(side));
            }
            Filter::RelatedExists { table, filter, .. } => self.related(table, filter),
        }
    }

    fn related(&mut self, table: &'f TableRef, filter: &'f Filter) {
        let root = self.root;
        let Ok((_, dialect)) = root.beside(table) else { return };
        let around = (std::mem::replace(&mut self.dialect, dialect), self.beside.replace(table));
        self.filter(filter);
        (self.dialect, self.beside) = around;
    }

    fn expr(&mut self, expr: &'f Expr) {
        match expr {
            Expr::Column(column) => {
                let watched = Watched { beside: self.beside, column };
                if !self.found.contains(&watched) && self.dialect.is_watched(column) {
                    self.found.push(watched);
                }
            }
            Expr::Param(_) => {}
            Expr::Arithmetic { left, right, .. } => {
                [&**left, &**right].into_iter().for_each(|side| self.expr(side));
            }
            Expr::Call { args, .. } => args.iter().for_each(|arg| self.expr(arg)),
        }
    }
}

impl Builder<'_> {
    /// Writes a null of the type of each of these columns. The statement's own can stand there as they are only where rows are `plain`:
    /// neither counted nor made one.
    pub(super) fn types(&mut self, from: &TableRef, watched: &[Watched<'_>], is_plain: bool) -> Result<()> {
        for Watched { beside, column } in watched {
            self.keyword(", ");
            let column = column.as_column().ok_or_else(nested_path)?;
            match beside {
                None if is_plain => self.type_of(column)?,
                None => self.type_in(from, column)?,
                Some(table) => self.type_in(&self.root.beside(table)?.0, column)?,
            }
        }
        self.shows_watched = true;
        Ok(())
    }

    /// Writes a null of the type of a table's column.
    fn type_in(&mut self, table: &TableRef, column: &str) -> Result<()> {
        self.keyword("(SELECT ");
        self.out.ident(column)?;
        self.keyword(" FROM ");
        self.out.table(table)?;
        self.keyword(" WHERE FALSE)");
        Ok(())
    }
}
