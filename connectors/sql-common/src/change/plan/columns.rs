//! Columns that come, change and go.

use connector_api::Result;
use connector_api::model::{Column, ForeignKey, Key, Table, TableRef};

use super::Planner;
use crate::change::difference::Difference;
use crate::change::refusal::{conflict, duplicate_column, referred, unsupported};
use crate::change::statement::{self, ALTER, about};
use crate::change::{Altering, Comments, default, names, world};

impl Planner<'_> {
    pub(super) fn judge_column(&self, column: &Column) -> Result<()> {
        names::check(self.dialect, "column", &column.name)?;
        if column.is_generated && !column.is_auto_increment {
            let what = format!("making the computed column '{}'; leave it out", column.name);
            return Err(unsupported(what));
        }
        Ok(())
    }

    pub(super) fn add_column(
        &mut self,
        of: &TableRef,
        column: &Column,
        reference: Option<&ForeignKey>,
    ) -> Result<()> {
        let table = self.world.table(of)?;
        self.judge_column(column)?;
        if table.columns.iter().any(|known| known.name == column.name) {
            return Err(duplicate_column(of, &column.name));
        }
        self.dialect.may_add(column)?;
        let mut table = table.clone();
        table.columns.push(column.clone());
        let reference = reference.map(|key| self.judged_reference(&table, key)).transpose()?;
        if reference.is_some() && default::is_value(column.default.as_ref()) {
            let what = format!(
                "adding the column '{}' with a reference and a default; leave the default out",
                column.name
            );
            return Err(unsupported(what));
        }
        let added = about(self.dialect, ALTER, of, |to| {
            to.keyword(" ADD COLUMN ");
            statement::define(self.dialect, to, &table, column)?;
            reference.iter().try_for_each(|key| statement::target(self.dialect, to, key))
        })?;
        self.push(added);
        if let (Comments::Statements, Some(text)) = (self.dialect.comments(), &column.comment) {
            self.push(statement::comment_on(self.dialect, of, Some(&column.name), text)?);
        }
        table.foreign_keys.extend(reference);
        self.world.add(table);
        Ok(())
    }

    pub(super) fn alter_column(&mut self, of: &TableRef, wanted: &Column) -> Result<()> {
        let table = self.world.table(of)?;
        let current = world::column(table, &wanted.name)?;
        let Some(difference) = Difference::between(self.dialect, current, wanted)? else { return Ok(()) };
        difference.judge(table, current, wanted)?;
        let becomes = Column { comment: current.comment.clone(), ..wanted.clone() };
        let altered = match self.dialect.altering() {
            Altering::Never => {
                return Err(unsupported(format!(
                    "changing the column '{}' of '{of}'; add a new column, copy the values, and drop the old one",
                    wanted.name
                )));
            }
            Altering::Whole if difference.is_whole(wanted) => {
                statement::redefine(self.dialect, table, &becomes)?
            }
            Altering::Parts | Altering::Whole => {
                let parts = difference.parts(current, wanted);
                about(self.dialect, ALTER, of, |to| {
                    for (at, part) in parts.iter().enumerate() {
                        to.keyword(if at > 0 { "," } else { "" });
                        statement::alter_column(self.dialect, to, (of, &wanted.name), part)?;
                    }
                    Ok(())
                })?
            }
        };
        self.push(altered);
        self.world.change(of, |table| {
            let column = table.columns.iter_mut().find(|column| column.name == becomes.name);
            column.into_iter().for_each(|column| *column = becomes.clone());
        });
        Ok(())
    }

    pub(super) fn drop_column(&mut self, of: &TableRef, name: &str) -> Result<()> {
        let table = self.world.table(of)?;
        world::column(table, name)?;
        self.judge_drop(table, name)?;
        let is_over = |columns: &[String]| columns.iter().any(|column| column == name);
        let own: Vec<_> = table.foreign_keys.iter().filter(|key| is_over(&key.columns)).collect();
        let dropped = about(self.dialect, ALTER, of, |to| {
            for key in own {
                to.keyword(self.dialect.drop_reference());
                to.ident(&key.name)?;
                to.keyword(",");
            }
            to.keyword(" DROP COLUMN ");
            to.ident(name)
        })?;
        // What belongs to a schema may hold the column.
        let keys = table.unique_keys.iter().chain(&table.indexes).filter(|key| key.columns == [name]);
        let indexes = keys
            .filter(|_| !self.dialect.has_constraints())
            .map(|key| statement::drop_index(self.dialect, of, &key.name));
        let indexes = indexes.collect::<Result<Vec<_>>>()?;
        indexes.into_iter().chain([dropped]).for_each(|statement| self.push(statement));
        self.world.change(of, |table| {
            table.columns.retain(|column| column.name != name);
            table.foreign_keys.retain(|key| !is_over(&key.columns));
            table.unique_keys.retain(|key| !is_over(&key.columns));
            table.indexes.retain(|key| !is_over(&key.columns));
        });
        Ok(())
    }

    pub(super) fn judge_drop(&self, table: &Table, name: &str) -> Result<()> {
        let of = &table.table;
        let refused = |why: String| {
            Err(conflict(format!("the column '{name}' of '{of}' can't go: {why}"), "in_use", "2BP01"))
        };
        if table.columns.len() == 1 {
            return refused("it is the only one; drop the table".to_owned());
        }
        if table.primary_key.iter().any(|column| column == name) {
            return refused("it is part of the primary key".to_owned());
        }
        let is_part = |key: &&Key| key.columns.len() > 1 && key.columns.iter().any(|column| column == name);
        if let Some(key) = table.unique_keys.iter().find(is_part) {
            return refused(format!("it is part of the key '{}'; drop that first", key.name));
        }
        if let Some(other) = self.world.referrer(of, &[name.to_owned()]) {
            return Err(referred(format!("the column '{name}' of '{of}'"), other));
        }
        self.dialect.may_drop(table, name)
    }
}
