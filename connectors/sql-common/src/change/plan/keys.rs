//! Unique keys and indexes.

use connector_api::Result;
use connector_api::model::{Key, Table, TableRef};

use super::Planner;
use crate::change::refusal::{conflict, referred, unsupported};
use crate::change::statement::{self, ALTER, about};
use crate::change::{Indexes, names, world};

impl Planner<'_> {
    /// A key with its name.
    pub(super) fn named_key(&self, table: &Table, key: &Key, is_unique: bool) -> Result<Key> {
        world::check_columns(table, "key", &key.columns)?;
        let kind = if is_unique { "undx" } else { "ndx" };
        let mut key = key.clone();
        if key.name.is_empty() {
            key.name = names::of_key(self.dialect, kind, &table.table.to_string(), &key.columns);
        }
        // What belongs to the table has a name of the database's own.
        let is_own = !self.dialect.has_constraints() && self.dialect.is_constraint(&table.table, &key.name);
        if !is_own {
            names::check(self.dialect, "key", &key.name)?;
        }
        Ok(key)
    }

    pub(super) fn add_key(&mut self, of: &TableRef, key: &Key, is_unique: bool) -> Result<()> {
        let table = self.world.table(of)?;
        let key = self.named_key(table, key, is_unique)?;
        if table.unique_keys.iter().chain(&table.indexes).any(|known| known.name == key.name) {
            return Err(conflict(
                format!("the table '{of}' has a key '{}' already", key.name),
                "duplicate_key",
                "42710",
            ));
        }
        let added = if is_unique && self.dialect.has_constraints() {
            about(self.dialect, ALTER, of, |to| {
                to.keyword(" ADD ");
                statement::unique(to, &key)
            })?
        } else {
            statement::create_index(self.dialect, of, &key, is_unique)?
        };
        self.push(added);
        self.world.change(of, |table| {
            let keys = if is_unique { &mut table.unique_keys } else { &mut table.indexes };
            keys.push(key);
        });
        Ok(())
    }

    pub(super) fn drop_key(&mut self, of: &TableRef, name: &str, is_unique: bool) -> Result<()> {
        let table = self.world.table(of)?;
        let key = world::key(table, name, is_unique)?;
        let mut left = table.clone();
        left.unique_keys.retain(|key| key.name != name);
        left.indexes.retain(|key| key.name != name);
        if is_unique
            && !world::is_key(&left, &key.columns)
            && let Some(other) = self.world.referrer(of, &key.columns)
        {
            return Err(referred(format!("the key '{name}' of '{of}'"), other));
        }
        let is_constraint = is_unique && self.dialect.is_constraint(of, name);
        let dropped = match (is_constraint, self.dialect.has_constraints(), self.dialect.indexes()) {
            (true, false, _) => {
                return Err(unsupported(format!(
                    "dropping the key '{name}', which was made with its table '{of}'"
                )));
            }
            (true, true, Indexes::OfSchema) => about(self.dialect, ALTER, of, |to| {
                to.keyword(" DROP CONSTRAINT ");
                to.ident(name)
            })?,
            _ => statement::drop_index(self.dialect, of, name)?,
        };
        self.push(dropped);
        self.world.add(left);
        Ok(())
    }
}
