//! Calculations and functions. What is of the wrong kind is null; integers are calculated with 64 bits, whatever their columns have.

use connector_api::Result;
use connector_api::author::{ArithmeticOp, Expr, Function};
use connector_sql_common::Builder;
use connector_sql_common::sort::{Sort, coalesced, sort_of};

use super::PostgresDialect;
use crate::types::Class;

impl PostgresDialect<'_> {
    pub(super) fn write_arithmetic(
        &self,
        to: &mut Builder<'_>,
        op: ArithmeticOp,
        left: &Expr,
        right: &Expr,
    ) -> Result<()> {
        if !sort_of(self, to, left)?.is_number() || !sort_of(self, to, right)?.is_number() {
            to.keyword("NULL::numeric");
            return Ok(());
        }
        to.keyword("(");
        self.number(to, left)?;
        to.keyword(match op {
            ArithmeticOp::Add => " + ",
            ArithmeticOp::Sub => " - ",
            ArithmeticOp::Mul => " * ",
            ArithmeticOp::Div => " / NULLIF(",
        });
        self.number(to, right)?;
        to.keyword(if op == ArithmeticOp::Div { ", 0))" } else { ")" });
        Ok(())
    }

    /// Writes a number in the widest type of its sort.
    fn number(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        self.operand(to, expr)?;
        if matches!(expr, Expr::Column(_)) {
            to.keyword(match sort_of(self, to, expr)? {
                Sort::Integer => "::int8",
                Sort::Real => "::float8",
                _ => "",
            });
        }
        Ok(())
    }

    pub(super) fn write_call(&self, to: &mut Builder<'_>, function: Function, args: &[Expr]) -> Result<()> {
        let sort = match args.first() {
            Some(first) => sort_of(self, to, first)?,
            None => Sort::Null,
        };
        match (function, args) {
            (Function::Now | Function::CurrentDate | Function::Text | Function::Concat, _) => {
                to.call(function, args)
            }
            (Function::Coalesce, args) => self.write_coalesce(to, args),
            (Function::Lower | Function::Upper | Function::Trim | Function::Length, [text])
                if sort == Sort::Text =>
            {
                to.keyword(match function {
                    Function::Lower => "LOWER(",
                    Function::Upper => "UPPER(",
                    Function::Trim => "BTRIM(",
                    _ => "CHAR_LENGTH(",
                });
                self.operand(to, text)?;
                to.keyword(")");
                Ok(())
            }
            (Function::Abs, [number]) if sort.is_number() => {
                to.keyword("ABS(");
                self.number(to, number)?;
                to.keyword(")");
                Ok(())
            }
            (Function::Round, [number, places @ ..]) if sort.is_number() => {
                self.write_round(to, number, places)
            }
            (Function::Abs | Function::Round, _) => {
                to.keyword("NULL::numeric");
                Ok(())
            }
            _ => {
                to.keyword("NULL::text");
                Ok(())
            }
        }
    }

    /// Days and points in time are written in a form of their own, because how a cast writes them is a setting of the connection.
    pub(super) fn write_text(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        let is_inet = matches!(expr, Expr::Column(path) if to.aggregate(path).is_none() && self.class(path)? == Class::Inet);
        let (before, between, after) = match sort_of(self, to, expr)? {
            Sort::Native if is_inet => ("abbrev(", None, ")"),
            sort if !sort.has_text() => {
                to.keyword("NULL::text");
                return Ok(());
            }
            Sort::Text => ("", None, ""),
            Sort::Date => ("to_char(", None, ", 'YYYY-MM-DD')"),
            Sort::Timestamp => ("(to_char(", Some(", 'YYYY-MM-DD ') || "), "::time::text)"),
            Sort::Instant => (
                "(to_char(",
                Some(" AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"') || ("),
                " AT TIME ZONE 'UTC')::time::text || 'Z')",
            ),
            _ => ("", None, "::text"),
        };
        to.keyword(before);
        self.operand(to, expr)?;
        if let Some(between) = between {
            to.keyword(between);
            self.operand(to, expr)?;
        }
        to.keyword(after);
        Ok(())
    }

    /// The server rounds binary fractions to even halves, and decimals away from zero.
    /// <https://www.postgresql.org/docs/current/functions-math.html>
    fn write_round(&self, to: &mut Builder<'_>, number: &Expr, places: &[Expr]) -> Result<()> {
        let is_binary = matches!(sort_of(self, to, number)?, Sort::Real | Sort::Double);
        to.keyword("ROUND(");
        self.operand(to, number)?;
        to.keyword("::numeric");
        if let Some(places) = places.first() {
            to.keyword(", ");
            self.operand(to, places)?;
            to.keyword("::int4");
        }
        to.keyword(if is_binary { ")::float8" } else { ")" });
        Ok(())
    }

    /// Arguments of several sorts are written as texts: then only whether they are null is of use.
    fn write_coalesce(&self, to: &mut Builder<'_>, args: &[Expr]) -> Result<()> {
        let sort = coalesced(self, to, args)?;
        to.keyword("COALESCE(");
        for (place, arg) in args.iter().enumerate() {
            to.keyword(if place > 0 { ", " } else { "" });
            match (arg, sort) {
                // In one step, because a binary fraction that becomes a decimal keeps 15 digits only.
                (Expr::Param(param), Sort::Numeric | Sort::Double) if sort_of(self, to, arg)?.is_number() => {
                    to.param(*param);
                    to.keyword(if sort == Sort::Double { "::float8" } else { "::numeric" });
                }
                (arg, Sort::Mixed) => {
                    self.operand(to, arg)?;
                    to.keyword("::text");
                }
                (arg, _) => self.operand(to, arg)?,
            }
        }
        to.keyword(")");
        Ok(())
    }
}
