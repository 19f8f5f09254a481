//! Conditions on rows of other tables: `EXISTS (SELECT 1 FROM "orders" AS "related_1" WHERE "related_1"."customer_id" = "customers"."id" AND …)`.
//!
//! Inside, every column has the name of its rows before it. A column that others have dropped meanwhile is then an error of the database, and
//! not the column of the same name outside.

use connector_api::Result;
use connector_api::model::{Filter, Path, TableRef};

use super::{Builder, separated};

/// How the rows are called of which a condition speaks.
#[derive(Default)]
pub(super) struct Rows {
    /// The statement's own table.
    table: String,
    /// Inside of conditions on other tables: the name of those rows.
    inside: Option<String>,
    /// How many names were given.
    given: usize,
}

impl Rows {
    /// The statement is about this table.
    pub(super) fn begin(&mut self, table: &TableRef) {
        self.table.clone_from(&table.name);
    }

    /// A name for rows of another table: not that of the statement's own.
    fn another(&mut self) -> String {
        self.given += 1;
        let name = format!("related_{}", self.given);
        if self.table.eq_ignore_ascii_case(&name) { format!("{name}_") } else { name }
    }

    /// Whether conditions look into other tables.
    pub(super) fn are_others(&self) -> bool {
        self.given > 0
    }

    fn outside(&self) -> &str {
        self.inside.as_ref().unwrap_or(&self.table)
    }
}

/// The tables into which these conditions look, each once.
pub fn tables_beside<'f>(conditions: impl IntoIterator<Item = &'f Filter>) -> Vec<&'f TableRef> {
    let mut found = Vec::new();
    conditions.into_iter().for_each(|condition| add_tables(condition, &mut found));
    found
}

fn add_tables<'f>(filter: &'f Filter, found: &mut Vec<&'f TableRef>) {
    match filter {
        Filter::And(members) | Filter::Or(members) => {
            members.iter().for_each(|member| add_tables(member, found));
        }
        Filter::Not(inner) => add_tables(inner, found),
        Filter::RelatedExists { table, filter, .. } => {
            if !found.contains(&table) {
                found.push(table);
            }
            add_tables(filter, found);
        }
        Filter::Always(_)
        | Filter::Compare { .. }
        | Filter::In { .. }
        | Filter::Between { .. }
        | Filter::Text { .. }
        | Filter::IsNull(_) => {}
    }
}

impl Builder<'_> {
    /// Writes what stands before a column inside of a condition on another table; whether the column is one of the statement's own table.
    pub(super) fn row_name(&mut self) -> Result<bool> {
        let Some(name) = &self.rows.inside else { return Ok(true) };
        self.out.ident(name)?;
        self.out.keyword(".");
        Ok(false)
    }

    /// Writes that another table has a row whose columns equal these, and for which the filter is true.
    pub(super) fn related(&mut self, table: &TableRef, on: &[(Path, Path)], filter: &Filter) -> Result<()> {
        let (table, dialect) = self.root.beside(table)?;
        let (name, outside) = (self.rows.another(), self.rows.outside().to_owned());
        self.keyword("EXISTS (SELECT 1 FROM ");
        self.out.table(&table)?;
        self.keyword(" AS ");
        self.out.ident(&name)?;
        self.keyword(" WHERE ");
        separated(self, on, " AND ", |to, (mine, others)| {
            to.column_of(&name, others)?;
            to.keyword(" = ");
            to.column_of(&outside, mine)
        })?;
        self.keyword(" AND ");
        let around = (self.dialect, self.rows.inside.replace(name), self.veil.take());
        self.dialect = dialect;
        let written = self.condition(filter);
        (self.dialect, self.rows.inside, self.veil) = around;
        self.keyword(")");
        written
    }

    fn column_of(&mut self, rows: &str, path: &Path) -> Result<()> {
        let name = path.as_column().ok_or_else(super::nested_path)?;
        self.out.ident(rows)?;
        self.keyword(".");
        self.out.ident(name)
    }
}

#[cfg(test)]
mod tests {
    use connector_api::ErrorKind;
    use connector_api::model::{CompareOp, Count, Expr};

    use super::*;
    use crate::build::count;
    use crate::dialect::tests::{Ansi, Backticks};
    use crate::{Dialect, Form};

    fn column(name: &str) -> Path {
        Path::column(name)
    }

    fn eq(name: &str) -> Filter {
        Filter::Compare { op: CompareOp::Eq, left: Expr::Column(column(name)), right: Expr::Param(0) }
    }

    fn related(table: &str, on: &[(&str, &str)], filter: Filter) -> Filter {
        let on = on.iter().map(|(mine, others)| (column(mine), column(others))).collect();
        Filter::RelatedExists { table: TableRef::new(table), on, filter: Box::new(filter) }
    }

    fn counted(dialect: &dyn Dialect, table: &str, filter: Filter) -> Result<String> {
        let from = TableRef::new(table);
        let shape = Count { from, filter: Some(filter), need: vec![], hints: serde_json::Map::new() };
        count(dialect, &shape, &Form::default()).map(|statement| statement.sql().to_owned())
    }

    #[test]
    fn columns_inside_have_the_name_of_their_rows() {
        let filter = related("c", &[("id", "p"), ("k", "q")], Filter::And(vec![eq("a"), eq("b")]));
        assert_eq!(
            counted(&Backticks, "t", Filter::And(vec![eq("a"), filter])).unwrap(),
            "SELECT COUNT(*) FROM `t` WHERE `a` = $1 AND EXISTS (SELECT 1 FROM `there`.`c` AS `related_1` WHERE \
             `related_1`.`p` = `t`.`id` AND `related_1`.`q` = `t`.`k` AND `related_1`.`a` = $2 AND `related_1`.`b` = $3)"
        );
    }

    #[test]
    fn a_table_may_be_related_to_itself_and_go_on_behind() {
        let behind = related("t", &[("x", "y")], eq("a"));
        let filter = Filter::Or(vec![related("t", &[("id", "p")], behind), eq("b")]);
        assert_eq!(
            counted(&Backticks, "t", filter).unwrap(),
            "SELECT COUNT(*) FROM `t` WHERE (EXISTS (SELECT 1 FROM `there`.`t` AS `related_1` WHERE \
             `related_1`.`p` = `t`.`id` AND EXISTS (SELECT 1 FROM `there`.`t` AS `related_2` WHERE \
             `related_2`.`y` = `related_1`.`x` AND `related_2`.`a` = $1)) OR `b` = $2)"
        );
    }

    #[test]
    fn a_table_that_is_called_like_rows_inside_is_not_taken_for_them() {
        let sql = counted(&Backticks, "Related_1", related("c", &[("id", "p")], eq("a"))).unwrap();
        assert!(sql.contains("AS `related_1_` WHERE `related_1_`.`p` = `Related_1`.`id`"), "{sql}");
    }

    #[test]
    fn a_database_may_have_no_such_conditions() {
        let refused = counted(&Ansi, "t", related("c", &[("id", "p")], eq("a"))).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unsupported);
    }

    #[test]
    fn each_table_is_found_once_at_any_depth() {
        let filter =
            Filter::Not(Box::new(related("a", &[("id", "p")], related("b", &[("id", "p")], eq("x")))));
        let twice = Filter::Or(vec![filter.clone(), filter]);
        let names: Vec<_> = tables_beside([&twice]).into_iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
