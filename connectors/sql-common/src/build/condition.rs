//! Conditions of which only the truth counts: a row is taken or not. A part that may fail is asked only for rows that the other parts
//! leave, so that nobody learns from an error what stands in rows that a row rule hides. A condition's text is in `filter`.
//!
//! A database may test the members of `AND` in any order, but not what is inside `CASE`:
//! `"owner" = ? AND 1 = CASE WHEN "owner" = ? THEN CASE WHEN "a" + ? > ? THEN 1 END END`. The first `"owner" = ?` is for the index.

use connector_api::Result;
use connector_api::model::{Expr, Filter, Function, TextOp};

use super::{Builder, CellOf};

/// Members of a conjunction, those of its conjunctions included.
#[derive(Default)]
struct Parts<'a> {
    /// They can't fail.
    sure: Vec<Part<'a>>,
    failing: Vec<Part<'a>>,
}

enum Part<'a> {
    /// A key column that equals its cell.
    Key(CellOf<'a>),
    Filter(&'a Filter),
}

impl<'a> Parts<'a> {
    fn add(&mut self, filter: &'a Filter) {
        match filter {
            Filter::And(members) => members.iter().for_each(|member| self.add(member)),
            part if may_fail(part) => self.failing.push(Part::Filter(part)),
            part => self.sure.push(Part::Filter(part)),
        }
    }
}

impl Builder<'_> {
    /// Writes a condition at the top of a statement's clause.
    pub(super) fn condition(&mut self, filter: &Filter) -> Result<()> {
        self.keyed_condition(&[], Some(filter))
    }

    /// Writes that a row has this key and that the filter is true for it.
    pub(super) fn keyed_condition(&mut self, key: &[CellOf<'_>], filter: Option<&Filter>) -> Result<()> {
        let mut parts = Parts::default();
        parts.sure.extend(key.iter().copied().map(Part::Key));
        if let Some(filter) = filter {
            parts.add(filter);
        }
        match (parts.sure.is_empty(), parts.failing.is_empty()) {
            (_, true) => self.parts(&parts.sure),
            (true, false) => self.parts(&parts.failing),
            (false, false) => {
                let [before, after] = self.dialect.screen();
                self.keyword(before);
                self.veil = self.dialect.veil();
                self.parts(&parts.sure)?;
                self.veil = None;
                self.keyword(after);
                self.keyword(" AND 1 = CASE WHEN ");
                self.parts(&parts.sure)?;
                self.keyword(" THEN CASE WHEN ");
                self.parts(&parts.failing)?;
                self.keyword(" THEN 1 END END");
                Ok(())
            }
        }
    }

    fn parts(&mut self, parts: &[Part<'_>]) -> Result<()> {
        self.joined(parts, " AND ", |to, part| match part {
            Part::Key((cell, path)) => {
                to.column(path)?;
                to.keyword(" = ");
                to.dialect.named(to, path, *cell)
            }
            Part::Filter(filter) => to.nested(filter),
        })
    }
}

/// Whether a database may answer an error for the values of a row.
fn may_fail(filter: &Filter) -> bool {
    match filter {
        Filter::Always(_) => false,
        Filter::And(members) | Filter::Or(members) => members.iter().any(may_fail),
        Filter::Not(inner) => may_fail(inner),
        Filter::Compare { left, right, .. } => fails(left) || fails(right),
        Filter::In { expr, .. } | Filter::IsNull(expr) => fails(expr),
        Filter::Between { expr, low, high } => [expr, low, high].into_iter().any(fails),
        // Databases refuse some patterns, and only when a text is compared with them.
        Filter::Text { op, expr, .. } => matches!(op, TextOp::Like | TextOp::Ilike) || fails(expr),
        Filter::RelatedExists { filter, .. } => may_fail(filter),
    }
}

fn fails(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Param(_) => false,
        Expr::Arithmetic { .. } => true,
        Expr::Call { function, args } => {
            matches!(function, Function::Abs | Function::Round) || args.iter().any(fails)
        }
    }
}

#[cfg(test)]
mod tests;
