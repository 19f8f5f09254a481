//! Writes: new rows, changed rows, removed rows. Cells of the record stand at their place in it ([`Bind::Cell`]); a cell that is
//! absent is not named at all.
//!
//! Row rules are part of the statement: a guard of its `WHERE`; a check of what it gives back, as the last column, 1 or 0, or asked by
//! a statement of its own where the dialect says so. Whoever runs the statement has to undo it when a check is not 1.

use connector_api::model::{
    Assignment, Delete, Existing, Expr, Filter, Insert, Path, Selector, TableRef, Update, UpdateMode, Upsert,
};
use connector_api::{Error, ErrorKind, Result};

use super::{Builder, CellOf, separated};
use crate::dialect::{Checked, Dialect, OnConflict, Returning};
use crate::statement::{Form, Statement};

/// What the catalogue knows of a table, for statements that replace a whole row.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableColumns<'a> {
    /// All columns that can be written.
    pub all: &'a [String],
    /// The primary key.
    pub key: &'a [String],
}

/// The statement that creates one row.
///
/// # Errors
/// As [`query`](super::query); [`ErrorKind::Unsupported`] also for what the dialect can't give back.
pub fn insert(dialect: &dyn Dialect, shape: &Insert, form: &Form) -> Result<Statement> {
    let mut to = Builder::new(dialect, form);
    let cells = present(form, shape.columns.iter().enumerate());
    to.new_row(&shape.into, &cells, &shape.compute)?;
    to.returning(&shape.returning, shape.check.as_ref())?;
    Ok(to.finish())
}

/// The statement that changes rows: one row by its key, or all that match.
///
/// # Errors
/// As [`insert`]; [`ErrorKind::InvalidRequest`] when there is nothing to set.
pub fn update(
    dialect: &dyn Dialect,
    shape: &Update,
    form: &Form,
    columns: TableColumns<'_>,
) -> Result<Statement> {
    let first = match &shape.rows {
        Selector::Where(_) => 0,
        Selector::Keys { columns, .. } => columns.len(),
    };
    let change = Change {
        table: &shape.table,
        rows: Rows::of(&shape.rows)?,
        set: present(form, (first..).zip(&shape.set)),
        compute: &shape.compute,
    };
    let mut to = Builder::new(dialect, form);
    match shape.mode {
        UpdateMode::Merge => to.merge(&change)?,
        UpdateMode::Replace => to.replace(&change, columns)?,
    }
    to.returning(&shape.returning, shape.check.as_ref())?;
    Ok(to.finish())
}

/// The first of the two statements of an upsert, which belong into one transaction: it changes the row with the record's key, if there
/// is one for which the guard holds.
///
/// One statement (`INSERT … ON CONFLICT DO UPDATE`) would refuse a record that lacks a required column, even when its row exists.
///
/// # Errors
/// As [`update`].
pub fn upsert_existing(
    dialect: &dyn Dialect,
    shape: &Upsert,
    form: &Form,
    columns: TableColumns<'_>,
) -> Result<Statement> {
    let cells = || (0..).zip(&shape.columns);
    let key = cells().filter(|(_, path)| shape.key.contains(path)).collect();
    let change = Change {
        table: &shape.into,
        rows: Rows::Keys(key, shape.guard.as_ref()),
        set: present(form, cells().filter(|(_, path)| !shape.key.contains(path))),
        compute: &[],
    };
    let mut to = Builder::new(dialect, form);
    match shape.existing {
        Existing::Merge => to.merge(&change)?,
        Existing::Replace => to.replace(&change, columns)?,
    }
    to.returning(&shape.returning, shape.check.as_ref())?;
    Ok(to.finish())
}

/// The second statement of an upsert: creates the row, unless one with its key exists. After [`upsert_existing`] found none, a row that
/// exists is one for which the guard does not hold.
///
/// # Errors
/// As [`insert`].
pub fn upsert_missing(dialect: &dyn Dialect, shape: &Upsert, form: &Form) -> Result<Statement> {
    let mut to = Builder::new(dialect, form);
    let cells = present(form, shape.columns.iter().enumerate());
    to.new_row(&shape.into, &cells, &[])?;
    // A key that the database makes is new.
    if shape.key.iter().all(|key| cells.iter().any(|(_, path)| *path == key)) {
        to.or_nothing(&shape.key)?;
    }
    to.returning(&shape.returning, shape.check.as_ref())?;
    Ok(to.finish())
}

/// The statement that removes rows: one row by its key, or all that match.
///
/// # Errors
/// As [`insert`].
pub fn delete(dialect: &dyn Dialect, shape: &Delete, form: &Form) -> Result<Statement> {
    let mut to = Builder::new(dialect, form);
    to.keyword("DELETE FROM ");
    to.table(&shape.from)?;
    to.rows(&Rows::of(&shape.rows)?)?;
    to.returning(&shape.returning, None)?;
    Ok(to.finish())
}

fn present<'a>(form: &Form, cells: impl Iterator<Item = CellOf<'a>>) -> Vec<CellOf<'a>> {
    cells.filter(|(cell, _)| form.is_present(*cell)).collect()
}

/// Which rows a statement touches.
pub(super) enum Rows<'a> {
    Where(&'a Filter),
    Keys(Vec<CellOf<'a>>, Option<&'a Filter>),
}

impl<'a> Rows<'a> {
    pub(super) fn of(selector: &'a Selector) -> Result<Self> {
        match selector {
            Selector::Where(filter) => Ok(Self::Where(filter)),
            // Without a key the statement would touch every row.
            Selector::Keys { columns, .. } if columns.is_empty() => {
                Err(Error::internal("the request names no key column"))
            }
            Selector::Keys { columns, guard } => {
                Ok(Self::Keys(columns.iter().enumerate().collect(), guard.as_ref()))
            }
        }
    }
}

/// What becomes of rows that exist.
struct Change<'a> {
    table: &'a TableRef,
    rows: Rows<'a>,
    set: Vec<CellOf<'a>>,
    compute: &'a [Assignment],
}

impl Change<'_> {
    /// Columns that get a value, in the order in which they are written.
    fn named(&self) -> impl Iterator<Item = &Path> {
        self.set.iter().map(|(_, path)| *path).chain(self.compute.iter().map(|computed| &computed.column))
    }
}

impl Builder<'_> {
    fn new_row(&mut self, table: &TableRef, cells: &[CellOf<'_>], compute: &[Assignment]) -> Result<()> {
        self.keyword(self.dialect.insert_into());
        self.table(table)?;
        if cells.is_empty() && compute.is_empty() {
            self.keyword(self.dialect.default_row());
            return Ok(());
        }
        let computed = compute.iter().map(|computed| &computed.column);
        let columns: Vec<_> = cells.iter().map(|(_, path)| *path).chain(computed).collect();
        self.names(&columns)?;
        self.keyword(" VALUES (");
        self.values(cells, compute)?;
        self.keyword(")");
        Ok(())
    }

    /// Writes ` ("a", "b")`.
    fn names(&mut self, columns: &[&Path]) -> Result<()> {
        self.keyword(" (");
        separated(self, columns, ", ", |to, path| to.column(path))?;
        self.keyword(")");
        Ok(())
    }

    /// Writes the cells of a record, then what is computed.
    fn values(&mut self, cells: &[CellOf<'_>], compute: &[Assignment]) -> Result<()> {
        separated(self, cells, ", ", |to, (cell, path)| to.dialect.stored(to, path, *cell))?;
        if !cells.is_empty() && !compute.is_empty() {
            self.keyword(", ");
        }
        separated(self, compute, ", ", |to, computed| to.computed(computed))
    }

    /// Writes the value of a computed column; one that is just a parameter takes its type from the column.
    fn computed(&mut self, computed: &Assignment) -> Result<()> {
        match &computed.value {
            Expr::Param(param) => {
                self.param(*param);
                Ok(())
            }
            value => self.expr(value),
        }
    }

    /// Writes an `UPDATE` of the columns that are named.
    fn merge(&mut self, change: &Change<'_>) -> Result<()> {
        self.begin_update(change)?;
        if change.set.is_empty() && change.compute.is_empty() {
            self.unchanged(change)?;
        }
        self.assignments(change)?;
        self.rows(&change.rows)
    }

    fn begin_update(&mut self, change: &Change<'_>) -> Result<()> {
        self.keyword(self.dialect.update());
        self.table(change.table)?;
        self.keyword(" SET ");
        Ok(())
    }

    /// Writes the columns that are set, then those that are computed.
    fn assignments(&mut self, change: &Change<'_>) -> Result<()> {
        separated(self, &change.set, ", ", |to, (cell, path)| {
            to.column(path)?;
            to.keyword(" = ");
            to.dialect.stored(to, path, *cell)
        })?;
        if !change.set.is_empty() && !change.compute.is_empty() {
            self.keyword(", ");
        }
        separated(self, change.compute, ", ", |to, computed| {
            to.column(&computed.column)?;
            to.keyword(" = ");
            to.computed(computed)
        })
    }

    /// A record with nothing but its key changes nothing, but its row has to exist, and its rules to hold.
    fn unchanged(&mut self, change: &Change<'_>) -> Result<()> {
        let Rows::Keys(key, _) = &change.rows else { return Err(nothing_to_set()) };
        let (_, path) = key.first().ok_or_else(nothing_to_set)?;
        self.column(path)?;
        self.keyword(" = ");
        self.column(path)
    }

    /// Writes the creation of the rows that are there already, with nothing but their keys and what is named; their conflict with
    /// themselves then gives every other column what a new row would get in it.
    fn replace(&mut self, change: &Change<'_>, columns: TableColumns<'_>) -> Result<()> {
        let primary: Vec<_> = columns.key.iter().map(Path::column).collect();
        let key: Vec<&Path> = match &change.rows {
            Rows::Where(_) => primary.iter().collect(),
            Rows::Keys(key, _) => key.iter().map(|(_, path)| *path).collect(),
        };
        if key.is_empty() || change.named().any(|path| key.contains(&path)) {
            return Err(Error::unsupported("replacing rows without a key of their own, or their key"));
        }
        if self.dialect.on_conflict() == OnConflict::Fails {
            return self.replace_by_defaults(change, &key, columns);
        }
        self.keyword(self.dialect.insert_into());
        self.table(change.table)?;
        self.names(&key.iter().copied().chain(change.named()).collect::<Vec<_>>())?;
        self.keyword(" SELECT ");
        separated(self, &key, ", ", |to, path| to.column(path))?;
        if change.named().next().is_some() {
            self.keyword(", ");
        }
        self.values(&change.set, change.compute)?;
        self.keyword(" FROM ");
        self.table(change.table)?;
        self.rows(&change.rows)?;
        self.on_conflict(key.iter().copied())?;
        let is_key = |name: &str| key.iter().any(|path| path.as_column() == Some(name));
        let mut set: Vec<_> = columns.all.iter().map(String::as_str).filter(|name| !is_key(name)).collect();
        if set.is_empty() {
            // The row is nothing but its key. It is set to itself, so that the row counts as found.
            set.extend(key.iter().filter_map(|path| path.as_column()));
        }
        self.keyword(" DO UPDATE SET ");
        separated(self, &set, ", ", |to, name| {
            to.out.ident(name)?;
            to.keyword(" = excluded.");
            to.out.ident(name)
        })
    }

    /// Writes an `UPDATE` that gives the columns which are not named what a new row would get in them.
    fn replace_by_defaults(
        &mut self,
        change: &Change<'_>,
        key: &[&Path],
        columns: TableColumns<'_>,
    ) -> Result<()> {
        let is_left = |name: &&String| {
            let is_it = |path: &Path| path.as_column() == Some(name.as_str());
            !key.iter().any(|path| is_it(path)) && !change.named().any(is_it)
        };
        let left: Vec<_> = columns.all.iter().filter(is_left).collect();
        if left.is_empty() {
            return self.merge(change);
        }
        self.begin_update(change)?;
        // Behind what is computed from the row as it was.
        self.assignments(change)?;
        self.keyword(if change.named().next().is_some() { ", " } else { "" });
        separated(self, &left, ", ", |to, name| {
            to.out.ident(name)?;
            to.keyword(" = DEFAULT");
            Ok(())
        })?;
        self.rows(&change.rows)
    }

    /// Writes what leaves a row alone that exists already.
    fn or_nothing(&mut self, key: &[Path]) -> Result<()> {
        if self.dialect.on_conflict() == OnConflict::Fails {
            return Ok(());
        }
        self.on_conflict(key.iter())?;
        self.keyword(" DO NOTHING");
        Ok(())
    }

    fn on_conflict<'p>(&mut self, key: impl Iterator<Item = &'p Path>) -> Result<()> {
        if self.dialect.on_conflict() != OnConflict::Clause {
            return Err(Error::unsupported("creating a row or changing it if it exists"));
        }
        self.keyword(" ON CONFLICT");
        self.names(&key.collect::<Vec<_>>())
    }

    pub(super) fn rows(&mut self, rows: &Rows<'_>) -> Result<()> {
        self.keyword(" WHERE ");
        match rows {
            Rows::Where(filter) => self.condition(filter),
            Rows::Keys(key, guard) => self.keyed_condition(key, *guard),
        }
    }

    /// Writes what the statement gives back of each row it wrote: these columns, then whether the check holds, or what names the row, then
    /// the types of the columns that the statement names.
    fn returning(&mut self, columns: &[Path], check: Option<&Filter>) -> Result<()> {
        let typed = std::mem::take(&mut self.named);
        if columns.is_empty() && check.is_none() && typed.is_empty() {
            return Ok(());
        }
        if self.dialect.returning() == Returning::Nothing {
            return Err(Error::unsupported("reading the rows that a write touched"));
        }
        self.keyword(" RETURNING ");
        separated(self, columns, ", ", |to, path| to.dialect.wanted(to, path))?;
        if let Some(check) = check {
            self.keyword(if columns.is_empty() { "" } else { ", " });
            self.checked(check)?;
        }
        if !typed.is_empty() && (check.is_some() || !columns.is_empty()) {
            self.keyword(", ");
        }
        separated(self, &typed, ", ", |to, name| to.type_of(name))
    }

    fn checked(&mut self, check: &Filter) -> Result<()> {
        match self.dialect.checked() {
            Checked::Within => self.holds(check),
            Checked::Later(names) => {
                separated(self, names, ", ", |to, name| to.dialect.naming(to, &Path::column(name)))
            }
        }
    }

    pub(super) fn holds(&mut self, check: &Filter) -> Result<()> {
        self.keyword("CASE WHEN ");
        self.condition(check)?;
        self.keyword(" THEN 1 ELSE 0 END");
        Ok(())
    }
}

fn nothing_to_set() -> Error {
    Error::new(ErrorKind::InvalidRequest, "the request sets no column; name at least one")
        .with_reason("nothing_to_set")
}

#[cfg(test)]
mod tests;
