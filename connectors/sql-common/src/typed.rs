//! Conditions for databases whose columns have fixed types: the sort of each side is known before, only what compares is handed to the
//! dialect, and of what does not is written what the contract says of it.

use connector_api::Result;
use connector_api::model::{CompareOp, Expr, Function, Param, TextOp};

use crate::build::Builder;
use crate::dialect::Dialect;
use crate::sort::{Columns, Sort, compares, sort_of};
use crate::statement::{Group, Kind};

/// What such a dialect says of values that compare.
pub trait Typed: Dialect + Columns {
    /// A condition that is unknown, whatever the row.
    fn unknown(&self) -> &'static str {
        "NULL"
    }

    /// Writes a comparison.
    ///
    /// # Errors
    /// When a name can't be written.
    fn compare_sorts(
        &self,
        to: &mut Builder<'_>,
        op: CompareOp,
        left: (&Expr, Sort),
        right: (&Expr, Sort),
    ) -> Result<()>;

    /// Writes that a value equals one of the list's items of one kind.
    ///
    /// # Errors
    /// When a name can't be written.
    fn find_in(&self, to: &mut Builder<'_>, of: (&Expr, Sort), list: Param, group: Group) -> Result<()>;

    /// Writes a search in the text of a value.
    ///
    /// # Errors
    /// When a name can't be written.
    fn search(&self, to: &mut Builder<'_>, op: TextOp, expr: &Expr, pattern: Param) -> Result<()>;
}

/// Writes a comparison: [`Dialect::compare`].
///
/// # Errors
/// Those of [`sort_of`]; those of the dialect.
pub fn compare(
    dialect: &dyn Typed,
    to: &mut Builder<'_>,
    op: CompareOp,
    left: &Expr,
    right: &Expr,
) -> Result<()> {
    let (left_sort, right_sort) = (sort_of(dialect, to, left)?, sort_of(dialect, to, right)?);
    let is_equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    match (left_sort, right_sort) {
        (Sort::Mixed, _) => each_argument(dialect, to, left, |to, arg| compare(dialect, to, op, arg, right)),
        (_, Sort::Mixed) => each_argument(dialect, to, right, |to, arg| compare(dialect, to, op, left, arg)),
        (Sort::Null, _) | (_, Sort::Null) => unknown(dialect, to),
        // Documents have no order.
        (a, b) if !compares((left, a), (right, b)) || a == Sort::Document && !is_equality => {
            never(to, &[left, right], op == CompareOp::Ne)
        }
        _ => dialect.compare_sorts(to, op, (left, left_sort), (right, right_sort)),
    }
}

/// Writes that a value equals one of the list's items of one kind: [`Dialect::in_items`].
///
/// # Errors
/// As [`compare`].
pub fn find_in(
    dialect: &dyn Typed,
    to: &mut Builder<'_>,
    expr: &Expr,
    list: Param,
    group: Group,
) -> Result<()> {
    match sort_of(dialect, to, expr)? {
        Sort::Mixed => each_argument(dialect, to, expr, |to, arg| find_in(dialect, to, arg, list, group)),
        Sort::Null => unknown(dialect, to),
        sort if !sort.compares_with(Sort::of_kind(group.kind)) => never(to, &[expr], false),
        sort => dialect.find_in(to, (expr, sort), list, group),
    }
}

/// Writes a search: [`Dialect::text`]. Types of the database's own are read as texts, so they are searched as such.
///
/// # Errors
/// As [`compare`].
pub fn search(
    dialect: &dyn Typed,
    to: &mut Builder<'_>,
    op: TextOp,
    expr: &Expr,
    pattern: Param,
) -> Result<()> {
    match (sort_of(dialect, to, expr)?, to.form().kind(pattern)) {
        (Sort::Mixed, _) => each_argument(dialect, to, expr, |to, arg| search(dialect, to, op, arg, pattern)),
        (Sort::Null, _) | (_, Kind::Null) => unknown(dialect, to),
        (Sort::Text | Sort::Native, Kind::Text) => dialect.search(to, op, expr, pattern),
        _ => never(to, &[expr], false),
    }
}

fn unknown(dialect: &dyn Typed, to: &mut Builder<'_>) -> Result<()> {
    to.keyword(dialect.unknown());
    Ok(())
}

/// Writes what a comparison of values that don't compare is: always the same, but unknown where one is null. Values of the request
/// are not null here.
fn never(to: &mut Builder<'_>, sides: &[&Expr], truth: bool) -> Result<()> {
    let rows: Vec<_> = sides.iter().filter(|side| !matches!(side, Expr::Param(_))).collect();
    if rows.is_empty() {
        to.keyword(if truth { "TRUE" } else { "FALSE" });
        return Ok(());
    }
    to.keyword("CASE WHEN ");
    for (place, side) in rows.iter().enumerate() {
        to.keyword(if place > 0 { " AND " } else { "" });
        to.expr(side)?;
        to.keyword(" IS NOT NULL");
    }
    to.keyword(if truth { " THEN TRUE END" } else { " THEN FALSE END" });
    Ok(())
}

/// Writes a condition on the first argument that is not null, where the arguments are of several sorts.
fn each_argument<'b>(
    dialect: &dyn Typed,
    to: &mut Builder<'b>,
    coalesce: &Expr,
    mut condition: impl FnMut(&mut Builder<'b>, &Expr) -> Result<()>,
) -> Result<()> {
    let Expr::Call { function: Function::Coalesce, args } = coalesce else { return unknown(dialect, to) };
    to.keyword("CASE");
    for arg in args {
        match arg {
            Expr::Param(param) if to.form().kind(*param) == Kind::Null => continue,
            Expr::Param(_) => to.keyword(" WHEN TRUE"),
            arg => {
                to.keyword(" WHEN ");
                to.expr(arg)?;
                to.keyword(" IS NOT NULL");
            }
        }
        to.keyword(" THEN ");
        condition(to, arg)?;
    }
    to.keyword(" END");
    Ok(())
}
