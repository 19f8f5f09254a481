//! References to other tables. One to a table that a later change makes waits for it, where the database has to see it.

use connector_api::Result;
use connector_api::model::{Change, ForeignKey, Table, TableRef};

use super::Planner;
use crate::change::refusal::{conflict, invalid, unsupported};
use crate::change::statement::{self, ALTER, about};
use crate::change::{names, world};

impl Planner<'_> {
    /// Gives the references of a new table their names; those that stand within it.
    pub(super) fn judged_references(&mut self, table: &mut Table) -> Result<Vec<ForeignKey>> {
        let wanted = std::mem::take(&mut table.foreign_keys);
        let mut within = Vec::new();
        for key in wanted {
            let is_later = key.references != table.table && !self.world.has(&key.references);
            if is_later && self.is_promised(&key.references) && self.dialect.has_constraints() {
                self.later.push((self.at, table.table.clone(), key));
                continue;
            }
            let key = self.judged_reference(table, &key)?;
            table.foreign_keys.push(key.clone());
            within.push(key);
        }
        Ok(within)
    }

    pub(super) fn is_promised(&self, table: &TableRef) -> bool {
        let behind = self.changes.get(self.at + 1..).unwrap_or_default();
        behind.iter().any(|change| matches!(change, Change::CreateTable(made) if made.table == *table))
    }

    /// A table that a later change of the call makes, as it is asked for.
    pub(super) fn promised(&self, table: &TableRef) -> Option<&Table> {
        self.changes.iter().find_map(|change| match change {
            Change::CreateTable(made) if made.table == *table => Some(made),
            _ => None,
        })
    }

    /// A reference with its name and the columns to which it refers.
    pub(super) fn judged_reference(&self, table: &Table, key: &ForeignKey) -> Result<ForeignKey> {
        world::check_columns(table, "foreign key", &key.columns)?;
        let target = match &key.references {
            own if *own == table.table => table,
            other if !self.world.has(other) && !self.dialect.has_constraints() => {
                self.promised(other).ok_or_else(|| world::table_not_found(other))?
            }
            other => self.world.table(other)?,
        };
        let mut key = key.clone();
        if key.referenced_columns.is_empty() {
            key.referenced_columns.clone_from(&target.primary_key);
        }
        world::check_columns(target, "foreign key", &key.referenced_columns)?;
        if key.referenced_columns.len() != key.columns.len() {
            return Err(invalid(format!(
                "a foreign key of '{}' refers to more or fewer columns than it has",
                table.table
            )));
        }
        if self.dialect.refers_to_keys() && !world::is_key(target, &key.referenced_columns) {
            let columns = key.referenced_columns.join(", ");
            return Err(invalid(format!(
                "a foreign key of '{}' refers to columns that are no primary or unique key of '{}' ({columns})",
                table.table, target.table
            )));
        }
        for action in [&key.on_update, &key.on_delete].into_iter().flatten() {
            statement::known_action(action)?;
        }
        if key.name.is_empty() {
            key.name = names::of_key(self.dialect, "fk", &table.table.to_string(), &key.columns);
        }
        names::check(self.dialect, "key", &key.name)?;
        Ok(key)
    }

    pub(super) fn add_reference(&mut self, of: &TableRef, key: &ForeignKey) -> Result<()> {
        self.world.table(of)?;
        if !self.dialect.has_constraints() {
            return Err(unsupported(format!(
                "adding a foreign key to the table '{of}', which is there already; add it together with a new column"
            )));
        }
        if !self.world.has(&key.references) && self.is_promised(&key.references) {
            self.later.push((self.at, of.clone(), key.clone()));
            return Ok(());
        }
        self.reference_behind(of, key)
    }

    /// A reference of a table that is there.
    pub(super) fn reference_behind(&mut self, of: &TableRef, key: &ForeignKey) -> Result<()> {
        let table = self.world.table(of)?;
        let key = self.judged_reference(table, key)?;
        if table.foreign_keys.iter().any(|known| known.name == key.name) {
            return Err(conflict(
                format!("the table '{of}' has a foreign key '{}' already", key.name),
                "duplicate_key",
                "42710",
            ));
        }
        let added = about(self.dialect, ALTER, of, |to| {
            to.keyword(" ADD ");
            statement::reference(self.dialect, to, &key)
        })?;
        self.push(added);
        self.world.change(of, |table| table.foreign_keys.push(key));
        Ok(())
    }

    pub(super) fn drop_reference(&mut self, of: &TableRef, name: &str) -> Result<()> {
        world::reference(self.world.table(of)?, name)?;
        if !self.dialect.has_constraints() {
            return Err(unsupported(format!("dropping a foreign key of the table '{of}'")));
        }
        let dropped = about(self.dialect, ALTER, of, |to| {
            to.keyword(self.dialect.drop_reference());
            to.ident(name)
        })?;
        self.push(dropped);
        self.world.change(of, |table| table.foreign_keys.retain(|key| key.name != name));
        Ok(())
    }
}
