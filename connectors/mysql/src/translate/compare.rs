//! Comparisons, lists and searches: between values that compare; of others what the contract says of them.

use connector_api::author::{CompareOp, Expr, Function, Param, TextOp};
use connector_api::{Error, Result};
use connector_sql_common::dialect::compare_sign;
use connector_sql_common::sort::{Sort, compare};
use connector_sql_common::statement::Group;
use connector_sql_common::{Builder, Kind};

use super::{DECIMAL, MySqlDialect, around};

/// A pattern in which the escape character stands for itself: the servers have no way to say that there is none.
const ESCAPED: [&str; 2] = ["REPLACE(", ", '!', '!!')"];
const ESCAPE: &str = " ESCAPE '!'";

impl MySqlDialect<'_> {
    pub(super) fn write_comparison(
        &self,
        to: &mut Builder<'_>,
        op: CompareOp,
        left: &Expr,
        right: &Expr,
    ) -> Result<()> {
        let (left_sort, right_sort) = (self.sort(to, left)?, self.sort(to, right)?);
        let is_equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
        match (left_sort, right_sort) {
            (Sort::Mixed, _) => {
                self.each_argument(to, left, |to, arg| self.write_comparison(to, op, arg, right))
            }
            (_, Sort::Mixed) => {
                self.each_argument(to, right, |to, arg| self.write_comparison(to, op, left, arg))
            }
            (Sort::Null, _) | (_, Sort::Null) => {
                to.keyword("NULL");
                Ok(())
            }
            (Sort::Document, Sort::Document) if is_equality => self.write_documents(to, op, left, right),
            // Documents have no order.
            (a, b) if !compare((left, a), (right, b)) || a == Sort::Document => {
                self.never(to, &[left, right], op == CompareOp::Ne)
            }
            (left_sort, right_sort) => {
                self.side(to, (left, left_sort), right_sort)?;
                to.keyword(compare_sign(op));
                self.side(to, (right, right_sort), left_sort)
            }
        }
    }

    /// Writes one side of a comparison. The servers compare a float with an exact number as floats, and a float of 32 bits with one of 64.
    fn side(&self, to: &mut Builder<'_>, (expr, sort): (&Expr, Sort), beside: Sort) -> Result<()> {
        let words = match (expr, sort, beside) {
            (Expr::Param(_), Sort::Double, Sort::Integer | Sort::Numeric) => DECIMAL,
            (Expr::Param(_), Sort::Double | Sort::Numeric, Sort::Real) => ["CAST(", " AS FLOAT)"],
            _ => [""; 2],
        };
        around(to, words, |to| to.expr(expr))
    }

    /// By content: MariaDB's documents are texts. Where its function stands as a condition, null counts as true
    /// (10.11.19), so what it says is compared.
    fn write_documents(&self, to: &mut Builder<'_>, op: CompareOp, left: &Expr, right: &Expr) -> Result<()> {
        let is_mariadb = self.table.is_some_and(|table| table.is_mariadb);
        to.keyword(if is_mariadb { "JSON_EQUALS(" } else { "CAST(" });
        to.expr(left)?;
        to.keyword(match (op, is_mariadb) {
            (_, true) => ", ",
            (CompareOp::Ne, false) => " AS JSON) <> CAST(",
            (_, false) => " AS JSON) = CAST(",
        });
        to.expr(right)?;
        to.keyword(match (op, is_mariadb) {
            (CompareOp::Ne, true) => ") = 0",
            (_, true) => ") = 1",
            (_, false) => " AS JSON)",
        });
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
                to.keyword("NULL");
                return Ok(());
            }
            sort if !sort.compares_with(items) => return self.never(to, &[expr], false),
            Sort::Document => return Err(Error::unsupported("looking for a document in a list")),
            _ => {}
        }
        to.expr(expr)?;
        let words = match (sort, items) {
            (Sort::Integer | Sort::Numeric, Sort::Double | Sort::Numeric) => DECIMAL,
            (Sort::Real, Sort::Double | Sort::Numeric) => ["CAST(", " AS FLOAT)"],
            (Sort::Double, Sort::Numeric) => DECIMAL,
            _ => [""; 2],
        };
        to.items_between(list, group, words);
        Ok(())
    }

    pub(super) fn write_search(
        &self,
        to: &mut Builder<'_>,
        op: TextOp,
        expr: &Expr,
        pattern: Param,
    ) -> Result<()> {
        match (self.sort(to, expr)?, to.form().kind(pattern)) {
            (Sort::Mixed, _) => {
                self.each_argument(to, expr, |to, arg| self.write_search(to, op, arg, pattern))
            }
            (Sort::Null, _) | (_, Kind::Null) => {
                to.keyword("NULL");
                Ok(())
            }
            (Sort::Text, Kind::Text) => {
                let folded = if op == TextOp::Ilike { ["LOWER(", ")"] } else { [""; 2] };
                around(to, folded, |to| to.expr(expr))?;
                to.keyword(" LIKE ");
                if !matches!(op, TextOp::Like | TextOp::Ilike) {
                    to.pattern(op, pattern);
                    return Ok(());
                }
                around(to, folded, |to| {
                    around(to, ESCAPED, |to| {
                        to.param(pattern);
                        Ok(())
                    })
                })?;
                to.keyword(ESCAPE);
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
            to.expr(side)?;
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
            to.keyword("NULL");
            return Ok(());
        };
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
}
