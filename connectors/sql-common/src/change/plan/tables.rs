//! Tables that are made and dropped.

use connector_api::model::{Key, Table, TableKind, TableRef};
use connector_api::{Error, ErrorKind, Result};

use super::Planner;
use crate::change::refusal::{conflict, duplicate_column, invalid, referred, unsupported};
use crate::change::statement::{self, about};
use crate::change::{Indexes, names, world};

impl Planner<'_> {
    pub(super) fn create_table(&mut self, wanted: &Table) -> Result<()> {
        if self.world.has(&wanted.table) {
            return Err(conflict(
                format!("the table '{}' exists already", wanted.table),
                "duplicate_table",
                "42P07",
            ));
        }
        let mut table = self.judged_table(wanted)?;
        let within = self.judged_references(&mut table)?;
        let (uniques, others): (Vec<_>, Vec<_>) =
            table.unique_keys.iter().partition(|key| self.dialect.is_constraint(&table.table, &key.name));
        let unnamed = |key: &&Key| match self.dialect.has_constraints() {
            true => Key::clone(key),
            false => Key { name: String::new(), columns: key.columns.clone() },
        };
        let uniques: Vec<Key> = uniques.iter().map(unnamed).collect();
        let is_within = self.dialect.indexes() == Indexes::OfTable;
        let inner: Vec<_> = table.indexes.iter().filter(|_| is_within).collect();
        let uniques: Vec<_> = uniques.iter().collect();
        let created = statement::create_table(
            self.dialect,
            &table,
            &uniques,
            &inner,
            &within.iter().collect::<Vec<_>>(),
        )?;
        let mut behind = vec![created];
        for key in others {
            behind.push(statement::create_index(self.dialect, &table.table, key, true)?);
        }
        for key in table.indexes.iter().filter(|_| !is_within) {
            behind.push(statement::create_index(self.dialect, &table.table, key, false)?);
        }
        behind.extend(statement::comments(self.dialect, &table)?);
        behind.into_iter().for_each(|statement| self.push(statement));
        self.world.add(table);
        Ok(())
    }

    /// The table as it shall be, but for its references: with names for its keys.
    pub(super) fn judged_table(&self, wanted: &Table) -> Result<Table> {
        if wanted.kind != TableKind::Table {
            return Err(unsupported("making a view; make a table".to_owned()));
        }
        names::check(self.dialect, "table", &wanted.table.name)?;
        if !self.dialect.may_place(&wanted.table) {
            let message =
                format!("there can't be a table '{}': the service shows no such schema", wanted.table);
            return Err(Error::new(ErrorKind::NotFound, message).with_reason("schema_not_found"));
        }
        if wanted.columns.is_empty() {
            return Err(invalid(format!("the table '{}' has no column", wanted.table)));
        }
        for (at, column) in wanted.columns.iter().enumerate() {
            self.judge_column(column)?;
            if wanted.columns.iter().take(at).any(|before| before.name == column.name) {
                return Err(duplicate_column(&wanted.table, &column.name));
            }
        }
        let mut table = wanted.clone();
        if !table.primary_key.is_empty() {
            world::check_columns(&table, "primary key", &table.primary_key)?;
        }
        for is_unique in [true, false] {
            let keys = if is_unique { &wanted.unique_keys } else { &wanted.indexes };
            let named =
                keys.iter().map(|key| self.named_key(wanted, key, is_unique)).collect::<Result<_>>()?;
            *(if is_unique { &mut table.unique_keys } else { &mut table.indexes }) = named;
        }
        Ok(table)
    }

    pub(super) fn drop_table(&mut self, table: &TableRef) -> Result<()> {
        self.world.table(table)?;
        if let Some(other) = self.world.referrer(table, &[]) {
            return Err(referred(format!("the table '{table}'"), other));
        }
        self.push(about(self.dialect, "DROP TABLE ", table, |_| Ok(()))?);
        self.world.remove(table);
        Ok(())
    }
}
