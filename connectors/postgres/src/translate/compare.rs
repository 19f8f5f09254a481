//! Comparisons, lists and searches: between values that compare; of others what the contract says of them.

use connector_api::Result;
use connector_api::author::{CompareOp, Expr, Function, Param, TextOp};
use connector_sql_common::dialect::compare_sign;
use connector_sql_common::statement::Group;
use connector_sql_common::{Builder, Kind};

use super::PostgresDialect;
use super::sort::Sort;

/// Unknown, whatever the row.
const UNKNOWN: &str = "NULL::boolean";

impl PostgresDialect<'_> {
    pub(super) fn write_comparison(
        &self,
        to: &mut Builder<'_>,
        op: CompareOp,
        left: &Expr,
        right: &Expr,
    ) -> Result<()> {
        let (left_sort, right_sort) = (self.sort(to, left)?, self.sort(to, right)?);
        match (left_sort, right_sort) {
            (Sort::Mixed, _) => {
                self.each_argument(to, left, |to, arg| self.write_comparison(to, op, arg, right))
            }
            (_, Sort::Mixed) => {
                self.each_argument(to, right, |to, arg| self.write_comparison(to, op, left, arg))
            }
            (Sort::Null, _) | (_, Sort::Null) => {
                to.keyword(UNKNOWN);
                Ok(())
            }
            // Documents have no order.
            (a, b) if !compare((left, a), (right, b)) || a == Sort::Document && !is_equality(op) => {
                self.never(to, &[left, right], op == CompareOp::Ne)
            }
            (left_sort, right_sort) => {
                self.side(to, left, (right, right_sort))?;
                to.keyword(compare_sign(op));
                self.side(to, right, (left, left_sort))
            }
        }
    }

    /// Writes one side of a comparison. A value beside something that has a type takes it; numbers are told theirs.
    fn side(&self, to: &mut Builder<'_>, expr: &Expr, (beside, sort): (&Expr, Sort)) -> Result<()> {
        let Expr::Param(param) = expr else { return self.operand(to, expr) };
        let kind = to.form().kind(*param);
        let is_number = Sort::of_kind(kind).is_number();
        if matches!(beside, Expr::Param(_)) && !is_number {
            return to.expr(expr);
        }
        to.param(*param);
        if is_number && sort.is_number() {
            to.keyword(number_type(kind, sort, ["::int8", "::numeric", "::float8", "::float4"]));
        } else if sort == Sort::Document {
            to.keyword("::jsonb");
        }
        Ok(())
    }

    pub(super) fn write_in(
        &self,
        to: &mut Builder<'_>,
        expr: &Expr,
        list: Param,
        group: Group,
    ) -> Result<()> {
        let (sort, items) = (self.sort(to, expr)?, Sort::of_kind(group.kind));
        match sort {
            Sort::Mixed => {
                return self.each_argument(to, expr, |to, arg| self.write_in(to, arg, list, group));
            }
            Sort::Null => {
                to.keyword(UNKNOWN);
                return Ok(());
            }
            sort if !sort.compares_with(items) => return self.never(to, &[expr], false),
            _ => {}
        }
        self.operand(to, expr)?;
        to.keyword(" = ANY(");
        to.array(list, group);
        if sort.is_number() {
            to.keyword(number_type(
                group.kind,
                sort,
                ["::int8[]", "::numeric[]", "::float8[]", "::float4[]"],
            ));
        } else if sort == Sort::Document {
            to.keyword("::jsonb[]");
        }
        to.keyword(")");
        Ok(())
    }

    pub(super) fn write_search(
        &self,
        to: &mut Builder<'_>,
        op: TextOp,
        expr: &Expr,
        pattern: Param,
    ) -> Result<()> {
        let (sort, kind) = (self.sort(to, expr)?, to.form().kind(pattern));
        match (sort, kind) {
            (Sort::Mixed, _) => {
                self.each_argument(to, expr, |to, arg| self.write_search(to, op, arg, pattern))
            }
            (Sort::Null, _) | (_, Kind::Null) => {
                to.keyword(UNKNOWN);
                Ok(())
            }
            (Sort::Text | Sort::Native, Kind::Text) => {
                // Types of the server's own are read as texts, so they are searched as such.
                self.write_text(to, expr)?;
                to.keyword(if op == TextOp::Ilike { " ILIKE " } else { " LIKE " });
                if matches!(op, TextOp::Like | TextOp::Ilike) {
                    to.param(pattern);
                    // The server's own escape character is a backslash.
                    to.keyword("::text ESCAPE ''");
                } else {
                    to.pattern(op, pattern);
                }
                Ok(())
            }
            _ => self.never(to, &[expr], false),
        }
    }

    /// Writes what a comparison of values that don't compare is: always the same, but unknown where one is null. Values of the request
    /// are not null here.
    fn never(&self, to: &mut Builder<'_>, sides: &[&Expr], truth: bool) -> Result<()> {
        let rows: Vec<_> = sides.iter().filter(|side| !matches!(side, Expr::Param(_))).collect();
        if rows.is_empty() {
            to.keyword(if truth { "TRUE" } else { "FALSE" });
            return Ok(());
        }
        to.keyword("CASE WHEN ");
        for (place, side) in rows.iter().enumerate() {
            to.keyword(if place > 0 { " AND " } else { "" });
            self.operand(to, side)?;
            to.keyword(" IS NOT NULL");
        }
        to.keyword(if truth { " THEN TRUE END" } else { " THEN FALSE END" });
        Ok(())
    }

    /// Writes a condition on the first argument that is not null, where the arguments are of several sorts.
    fn each_argument<'b>(
        &self,
        to: &mut Builder<'b>,
        coalesce: &Expr,
        mut condition: impl FnMut(&mut Builder<'b>, &Expr) -> Result<()>,
    ) -> Result<()> {
        let Expr::Call { function: Function::Coalesce, args } = coalesce else {
            to.keyword(UNKNOWN);
            return Ok(());
        };
        to.keyword("CASE");
        for arg in args {
            match arg {
                Expr::Param(param) if to.form().kind(*param) == Kind::Null => continue,
                Expr::Param(_) => to.keyword(" WHEN TRUE"),
                arg => {
                    to.keyword(" WHEN ");
                    self.operand(to, arg)?;
                    to.keyword(" IS NOT NULL");
                }
            }
            to.keyword(" THEN ");
            condition(to, arg)?;
        }
        to.keyword(" END");
        Ok(())
    }
}

/// Whether two sides compare. A text that is no value of the request is only read as a text.
fn compare((left, left_sort): (&Expr, Sort), (right, right_sort): (&Expr, Sort)) -> bool {
    let is_read =
        |expr: &Expr, sort, other| sort == other || sort != Sort::Text || matches!(expr, Expr::Param(_));
    left_sort.compares_with(right_sort)
        && is_read(left, left_sort, right_sort)
        && is_read(right, right_sort, left_sort)
}

fn is_equality(op: CompareOp) -> bool {
    matches!(op, CompareOp::Eq | CompareOp::Ne)
}

/// The type in which a number of the request compares exactly with what stands beside it, and so that an index serves. A fraction beside
/// a `real` is rounded as the column's own values were: `0.1` is to be found.
fn number_type(
    kind: Kind,
    beside: Sort,
    [integer, numeric, double, real]: [&'static str; 4],
) -> &'static str {
    match (beside, kind) {
        (Sort::Double, _) | (Sort::Real, Kind::Integer) => double,
        (Sort::Real, _) => real,
        (Sort::Integer, Kind::Integer) => integer,
        _ => numeric,
    }
}
