//! Comparisons, lists and searches between values that compare.

use connector_api::author::{CompareOp, Expr, Param, TextOp};
use connector_api::{Error, Result};
use connector_sql_common::Builder;
use connector_sql_common::dialect::compare_sign;
use connector_sql_common::sort::Sort;
use connector_sql_common::statement::Group;
use connector_sql_common::typed::Typed;

use super::{DECIMAL, MySqlDialect, around};

/// A pattern in which the escape character stands for itself: the servers have no way to say that there is none.
const ESCAPED: [&str; 2] = ["REPLACE(", ", '!', '!!')"];
const ESCAPE: &str = " ESCAPE '!'";

impl Typed for MySqlDialect<'_> {
    fn compare_sorts(
        &self,
        to: &mut Builder<'_>,
        op: CompareOp,
        (left, left_sort): (&Expr, Sort),
        (right, right_sort): (&Expr, Sort),
    ) -> Result<()> {
        if left_sort == Sort::Document {
            return self.write_documents(to, op, left, right);
        }
        self.side(to, (left, left_sort), right_sort)?;
        to.keyword(compare_sign(op));
        self.side(to, (right, right_sort), left_sort)
    }

    fn find_in(
        &self,
        to: &mut Builder<'_>,
        (expr, sort): (&Expr, Sort),
        list: Param,
        group: Group,
    ) -> Result<()> {
        if sort == Sort::Document {
            return Err(Error::unsupported("looking for a document in a list"));
        }
        self.operand(to, expr)?;
        let words = match (sort, Sort::of_kind(group.kind)) {
            (Sort::Integer | Sort::Numeric, Sort::Double | Sort::Numeric) => DECIMAL,
            (Sort::Real, Sort::Double | Sort::Numeric) => ["CAST(", " AS FLOAT)"],
            (Sort::Double, Sort::Numeric) => DECIMAL,
            _ => [""; 2],
        };
        to.items_between(list, group, words);
        Ok(())
    }

    fn search(&self, to: &mut Builder<'_>, op: TextOp, expr: &Expr, pattern: Param) -> Result<()> {
        let folded = if op == TextOp::Ilike { ["LOWER(", ")"] } else { [""; 2] };
        around(to, folded, |to| self.write_text(to, expr))?;
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
}

impl MySqlDialect<'_> {
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

    /// Writes one side of a comparison. The servers compare a float with an exact number as floats, and a float of 32 bits with one of 64.
    fn side(&self, to: &mut Builder<'_>, (expr, sort): (&Expr, Sort), beside: Sort) -> Result<()> {
        let words = match (expr, sort, beside) {
            (Expr::Param(_), Sort::Double, Sort::Integer | Sort::Numeric) => DECIMAL,
            (Expr::Param(_), Sort::Double | Sort::Numeric, Sort::Real) => ["CAST(", " AS FLOAT)"],
            _ => [""; 2],
        };
        around(to, words, |to| self.operand(to, expr))
    }
}
