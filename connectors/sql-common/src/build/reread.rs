//! Reads that belong to a write: which rows it is about to touch, and what became of a row that it wrote. For databases whose writes give
//! back no rows, or not as they are in the end.

use connector_api::Result;
use connector_api::model::{Filter, Path, Selector, TableRef};

use super::write::Rows;
use super::{Builder, CellOf, separated};
use crate::dialect::Dialect;
use crate::statement::{Form, Statement};

/// The statement that reads these columns of the rows that a write is about to touch, and lets nobody else change them until the
/// transaction ends. The record's cells stand where they stand in the write.
///
/// # Errors
/// As [`query`](super::query).
pub fn locked(
    dialect: &dyn Dialect,
    table: &TableRef,
    rows: &Selector,
    columns: &[Path],
    form: &Form,
) -> Result<Statement> {
    let mut to = Builder::new(dialect, form);
    to.keyword("SELECT ");
    separated(&mut to, columns, ", ", |to, path| dialect.wanted(to, path))?;
    to.keyword(" FROM ");
    to.table(table)?;
    to.rows(&Rows::of(rows)?)?;
    to.keyword(" FOR UPDATE");
    Ok(to.finish())
}

/// A row that was written, and what is wanted of it.
#[derive(Debug, Clone, Copy)]
pub struct Reread<'a> {
    /// Its table.
    pub table: &'a TableRef,
    /// Cells that name it, and the columns that they are compared with.
    pub name: &'a [CellOf<'a>],
    /// What is read.
    pub columns: &'a [Path],
    /// What has to hold.
    pub check: Option<&'a Filter>,
}

/// The statement that reads a row behind the write: its columns, then whether the check holds for it, 1 or 0.
///
/// # Errors
/// As [`query`](super::query).
pub fn reread(dialect: &dyn Dialect, row: &Reread<'_>, form: &Form) -> Result<Statement> {
    let mut to = Builder::new(dialect, form);
    to.keyword("SELECT ");
    separated(&mut to, row.columns, ", ", |to, path| dialect.wanted(to, path))?;
    if let Some(check) = row.check {
        to.keyword(if row.columns.is_empty() { "" } else { ", " });
        to.holds(check)?;
    }
    to.keyword(" FROM ");
    to.table(row.table)?;
    to.keyword(" WHERE ");
    separated(&mut to, row.name, " AND ", |to, (cell, path)| {
        to.column(path)?;
        to.keyword(" = ");
        dialect.named(to, path, *cell)
    })?;
    Ok(to.finish())
}

/// The statement that asks, behind a write, whether the check holds for the row that it gave back: 1 or 0, or no row when it is gone.
/// The names of the row stand at the place of the record's cells, in their order.
///
/// # Errors
/// As [`query`](super::query).
pub fn recheck(
    dialect: &dyn Dialect,
    table: &TableRef,
    named_by: &[String],
    check: &Filter,
    form: &Form,
) -> Result<Statement> {
    let columns: Vec<_> = named_by.iter().map(Path::column).collect();
    let name: Vec<_> = columns.iter().enumerate().collect();
    reread(dialect, &Reread { table, name: &name, columns: &[], check: Some(check) }, form)
}

#[cfg(test)]
mod tests {
    use connector_api::model::{CompareOp, Expr};

    use super::*;
    use crate::dialect::tests::Ansi;

    fn above() -> Filter {
        let left = Expr::Column(Path::column("a"));
        Filter::Compare { op: CompareOp::Gt, left, right: Expr::Param(0) }
    }

    #[test]
    fn rows_about_to_be_written_are_read_and_locked() {
        let rows = Selector::Keys { columns: vec![Path::column("id")], guard: Some(above()) };
        let table = TableRef::new("t");
        let statement = locked(&Ansi, &table, &rows, &[Path::column("a")], &Form::default()).unwrap();
        let expected = r#"SELECT "a" FROM "t" WHERE "id" = ? AND "a" > ? FOR UPDATE"#;
        assert_eq!(statement.sql(), expected);
    }

    #[test]
    fn a_row_is_read_back_with_what_the_check_says_of_it() {
        let (id, a) = (Path::column("id"), [Path::column("a")]);
        let table = TableRef::new("t");
        for (columns, check, expected) in [
            (&a[..], None, r#"SELECT "a" FROM "t" WHERE "id" = ?"#),
            (&[], Some(above()), r#"SELECT CASE WHEN "a" > ? THEN 1 ELSE 0 END FROM "t" WHERE "id" = ?"#),
            (
                &a[..],
                Some(above()),
                r#"SELECT "a", CASE WHEN "a" > ? THEN 1 ELSE 0 END FROM "t" WHERE "id" = ?"#,
            ),
        ] {
            let row = Reread { table: &table, name: &[(3, &id)], columns, check: check.as_ref() };
            let statement = reread(&Ansi, &row, &Form::default()).unwrap();
            assert_eq!(statement.sql(), expected);
        }
    }
}
