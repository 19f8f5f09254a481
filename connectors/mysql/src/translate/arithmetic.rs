//! Calculations, functions and texts of values. What is of the wrong kind is null.

use connector_api::Result;
use connector_api::author::{ArithmeticOp, Expr, Function};
use connector_sql_common::Builder;
use connector_sql_common::sort::{Sort, coalesced, sort_of};

use super::{DECIMAL, MySqlDialect, around};

/// A fraction of seconds without the zeros at its end, and without the point when nothing is left of it.
const TRIMMED: &str = "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM ";

impl MySqlDialect<'_> {
    pub(super) fn write_arithmetic(
        &self,
        to: &mut Builder<'_>,
        op: ArithmeticOp,
        left: &Expr,
        right: &Expr,
    ) -> Result<()> {
        let (left_sort, right_sort) = (sort_of(self, to, left)?, sort_of(self, to, right)?);
        if !left_sort.is_number() || !right_sort.is_number() {
            to.keyword("NULL");
            return Ok(());
        }
        let is_whole = left_sort == Sort::Integer && right_sort == Sort::Integer;
        to.keyword("(");
        to.expr(left)?;
        to.keyword(match op {
            ArithmeticOp::Add => " + ",
            ArithmeticOp::Sub => " - ",
            ArithmeticOp::Mul => " * ",
            ArithmeticOp::Div if is_whole => " DIV NULLIF(",
            ArithmeticOp::Div => " / NULLIF(",
        });
        to.expr(right)?;
        to.keyword(if op == ArithmeticOp::Div { ", 0))" } else { ")" });
        Ok(())
    }

    pub(super) fn write_call(&self, to: &mut Builder<'_>, function: Function, args: &[Expr]) -> Result<()> {
        let sort = match args.first() {
            Some(first) => sort_of(self, to, first)?,
            None => Sort::Null,
        };
        match (function, args) {
            (Function::Now, _) => to.keyword("CURRENT_TIMESTAMP(6)"),
            (Function::CurrentDate, _) => to.keyword("CURRENT_DATE"),
            (Function::Coalesce, args) => return self.write_coalesce(to, args),
            (Function::Text, [expr]) => return self.write_text(to, expr),
            (Function::Concat, args) => {
                to.keyword("CONCAT(");
                to.texts(args, ", ")?;
                to.keyword(")");
            }
            (Function::Lower | Function::Upper | Function::Trim | Function::Length, [_])
                if sort == Sort::Text =>
            {
                return to.call(function, args);
            }
            (Function::Abs, [_]) if sort.is_number() => return to.call(function, args),
            (Function::Round, [number, places @ ..]) if sort.is_number() => {
                return self.write_round(to, (number, sort), places);
            }
            _ => to.keyword("NULL"),
        }
        Ok(())
    }

    /// Decimals are rounded away from zero, floats as the machine does.
    /// <https://dev.mysql.com/doc/refman/8.4/en/precision-math-rounding.html>
    fn write_round(
        &self,
        to: &mut Builder<'_>,
        (number, sort): (&Expr, Sort),
        places: &[Expr],
    ) -> Result<()> {
        let is_binary = matches!(sort, Sort::Real | Sort::Double);
        to.keyword("ROUND(");
        around(to, if is_binary { DECIMAL } else { [""; 2] }, |to| to.expr(number))?;
        if let Some(places) = places.first() {
            to.keyword(", ");
            to.expr(places)?;
        }
        to.keyword(")");
        Ok(())
    }

    /// Arguments of several sorts are written as texts: then only whether they are null is of use.
    fn write_coalesce(&self, to: &mut Builder<'_>, args: &[Expr]) -> Result<()> {
        let sort = coalesced(self, to, args)?;
        to.keyword("COALESCE(");
        for (place, arg) in args.iter().enumerate() {
            to.keyword(if place > 0 { ", " } else { "" });
            let words = match (sort, arg) {
                (Sort::Mixed, _) => ["CONCAT(", ", '')"],
                // A float beside them would make floats of all.
                (Sort::Numeric, Expr::Param(_)) if sort_of(self, to, arg)? == Sort::Double => DECIMAL,
                _ => [""; 2],
            };
            around(to, words, |to| to.expr(arg))?;
        }
        to.keyword(")");
        Ok(())
    }

    pub(super) fn write_text(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        match sort_of(self, to, expr)? {
            Sort::Text => self.operand(to, expr),
            // A text made so takes the collation of what it is compared with; one made by CAST has one of its own.
            Sort::Integer | Sort::Numeric | Sort::Real | Sort::Double | Sort::Date | Sort::Uuid => {
                around(to, ["CONCAT(", ", '')"], |to| to.expr(expr))
            }
            Sort::Time => self.moment(to, expr, ", '%H:%i:%s.%f')))"),
            Sort::Timestamp => self.moment(to, expr, ", '%Y-%m-%d %H:%i:%s.%f')))"),
            Sort::Instant => {
                to.keyword("CONCAT(");
                self.moment(to, expr, ", '%Y-%m-%dT%H:%i:%s.%f')))")?;
                to.keyword(", 'Z')");
                Ok(())
            }
            Sort::Native => self.operand(to, expr),
            _ => {
                to.keyword("NULL");
                Ok(())
            }
        }
    }

    fn moment(&self, to: &mut Builder<'_>, expr: &Expr, form: &'static str) -> Result<()> {
        to.keyword(TRIMMED);
        around(to, ["DATE_FORMAT(", form], |to| to.expr(expr))
    }
}
