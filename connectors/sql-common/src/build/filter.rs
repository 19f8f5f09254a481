//! Conditions and the values in them.

use connector_api::model::{Expr, Filter, Function, Param, TextOp};
use connector_api::{Error, Result};

use super::{Builder, separated};
use crate::dialect::{ESCAPE, InList};
use crate::statement::{Bind, Group, Kind};

/// How many conditions stand side by side without parentheses. More are halved again and again, because databases bound the depth of
/// the tree that `a AND b AND c …` becomes.
const FLAT_CONDITIONS: usize = 16;

// The literal in `like` has to be this character.
const _: () = assert!(ESCAPE == '!');

impl Builder<'_> {
    /// Writes a condition that may stand anywhere: what binds less than a comparison is between parentheses.
    pub(super) fn filter(&mut self, filter: &Filter) -> Result<()> {
        match filter {
            Filter::Always(true) => self.keyword("1 = 1"),
            Filter::Always(false) => self.keyword("1 = 0"),
            Filter::And(conditions) => self.joined(conditions, " AND ", Self::nested)?,
            Filter::Or(conditions) => self.joined(conditions, " OR ", Self::nested)?,
            Filter::Not(inner) => {
                self.keyword("NOT (");
                self.filter(inner)?;
                self.keyword(")");
            }
            Filter::Compare { op, left, right } => self.dialect.compare(self, *op, left, right)?,
            Filter::In { expr, list } => self.in_list(expr, *list)?,
            Filter::Between { expr, low, high } => self.between(expr, low, high)?,
            Filter::Text { op, expr, pattern } => self.dialect.text(self, *op, expr, *pattern)?,
            Filter::IsNull(expr) => {
                self.expr(expr)?;
                self.keyword(" IS NULL");
            }
            Filter::RelatedExists { table, on, filter } => self.related(table, on, filter)?,
        }
        Ok(())
    }

    /// Writes conditions with a word between them.
    pub(super) fn joined<T>(
        &mut self,
        conditions: &[T],
        word: &'static str,
        write: fn(&mut Self, &T) -> Result<()>,
    ) -> Result<()> {
        if conditions.len() <= FLAT_CONDITIONS {
            return separated(self, conditions, word, write);
        }
        let (front, back) = conditions.split_at(conditions.len() / 2);
        self.keyword("(");
        self.joined(front, word, write)?;
        self.keyword(")");
        self.keyword(word);
        self.keyword("(");
        self.joined(back, word, write)?;
        self.keyword(")");
        Ok(())
    }

    /// A condition beside others.
    pub(super) fn nested(&mut self, filter: &Filter) -> Result<()> {
        if !matches!(filter, Filter::And(_) | Filter::Or(_)) {
            return self.filter(filter);
        }
        self.keyword("(");
        self.filter(filter)?;
        self.keyword(")");
        Ok(())
    }

    /// Two comparisons, as the standard defines it, because each bound has a kind of its own.
    fn between(&mut self, expr: &Expr, low: &Expr, high: &Expr) -> Result<()> {
        use connector_api::model::CompareOp::{Ge, Le};
        self.keyword("(");
        self.dialect.compare(self, Ge, expr, low)?;
        self.keyword(" AND ");
        self.dialect.compare(self, Le, expr, high)?;
        self.keyword(")");
        Ok(())
    }

    /// One part for each kind of item. A null among the items makes "no match" unknown, which `OR NULL` says.
    fn in_list(&mut self, expr: &Expr, list: Param) -> Result<()> {
        let groups = self.form().groups(list);
        match groups.as_slice() {
            [] => return Err(Error::internal("a list of values is empty")),
            [group] if group.kind != Kind::Null => return self.dialect.in_items(self, expr, list, *group),
            _ => {}
        }
        self.keyword("(");
        separated(self, &groups, " OR ", |to, group| match group.kind {
            Kind::Null => {
                to.keyword("NULL");
                Ok(())
            }
            _ => to.dialect.in_items(to, expr, list, *group),
        })?;
        self.keyword(")");
        Ok(())
    }

    /// Writes ` IN (…)` with the markers of a group, or ` = ANY(…)` with the one marker of its array.
    pub fn items(&mut self, list: Param, group: Group) {
        if self.dialect.in_list() == InList::Array {
            self.keyword(" = ANY(");
            self.array(list, group);
        } else {
            self.keyword(" IN (");
            self.value(Bind::Items { list, kind: group.kind, count: group.count });
        }
        self.keyword(")");
    }

    /// Writes ` IN (…)` with words around the marker of each item.
    pub fn items_between(&mut self, list: Param, group: Group, words: [&'static str; 2]) {
        self.keyword(" IN (");
        self.out.param_between(Bind::Items { list, kind: group.kind, count: group.count }, words);
        self.keyword(")");
    }

    /// Writes the marker of a group's array.
    pub fn array(&mut self, list: Param, group: Group) {
        self.value(Bind::Array { list, kind: group.kind });
    }

    /// Writes a search as `LIKE`: patterns without an escape character, plain text with escaped wildcards.
    ///
    /// # Errors
    /// When a name can't be written.
    pub fn like(&mut self, op: TextOp, expr: &Expr, pattern: Param) -> Result<()> {
        match op {
            TextOp::Like => {
                self.expr(expr)?;
                self.keyword(" LIKE ");
                self.param(pattern);
            }
            TextOp::Ilike => {
                self.keyword("LOWER(");
                self.expr(expr)?;
                self.keyword(") LIKE LOWER(");
                self.param(pattern);
                self.keyword(")");
            }
            TextOp::Contains | TextOp::StartsWith | TextOp::EndsWith => {
                self.expr(expr)?;
                self.keyword(" LIKE ");
                self.pattern(op, pattern);
            }
        }
        Ok(())
    }

    /// Writes the pattern of plain text, and which character in it takes the meaning of the next one away.
    pub fn pattern(&mut self, op: TextOp, text: Param) {
        self.out.param(Bind::Pattern(text, op));
        self.keyword(" ESCAPE '!'");
    }

    /// Writes a value.
    ///
    /// # Errors
    /// When a name can't be written.
    pub fn expr(&mut self, expr: &Expr) -> Result<()> {
        match expr {
            Expr::Column(path) => self.column(path),
            Expr::Param(param) => self.dialect.param(self, *param),
            Expr::Arithmetic { op, left, right } => self.dialect.arithmetic(self, *op, left, right),
            Expr::Call { function, args } => self.dialect.call(self, *function, args),
        }
    }

    /// Writes a call under the dialect's name of the function.
    ///
    /// # Errors
    /// When a name can't be written.
    pub fn call(&mut self, function: Function, args: &[Expr]) -> Result<()> {
        if let (Function::Text, [expr]) = (function, args) {
            return self.dialect.text_of(self, expr);
        }
        if function == Function::Concat {
            return self.dialect.concat(self, args);
        }
        self.keyword(self.dialect.function(function));
        // The standard writes these two without parentheses.
        if matches!(function, Function::Now | Function::CurrentDate) {
            return Ok(());
        }
        self.arguments(args)
    }

    /// Writes the text of each argument.
    ///
    /// # Errors
    /// When a name can't be written.
    pub fn texts(&mut self, args: &[Expr], between: &'static str) -> Result<()> {
        separated(self, args, between, |to, arg| to.dialect.text_of(to, arg))
    }

    /// Writes arguments between parentheses.
    ///
    /// # Errors
    /// When a name can't be written.
    pub fn arguments(&mut self, args: &[Expr]) -> Result<()> {
        self.keyword("(");
        separated(self, args, ", ", |to, arg| to.expr(arg))?;
        self.keyword(")");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
