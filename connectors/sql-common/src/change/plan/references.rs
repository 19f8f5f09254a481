//! References to other tables. One to a table that a later change makes waits for it, where the database has to see it.

use connector_api::Result;
use connector_api::model::{Change, ForeignKey, Table, TableRef};

use super::Planner;
use crate::change::refusal::{conflict, invalid, unsupported};
use crate::change::statement::{self, ALTER, about};
use crate::change::{Step, names, table_of, world};

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
        check_nulls(table, &key)?;
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
        let is_place =
            |(_, old_of, old): &(usize, TableRef, ForeignKey)| old_of == of && old.columns == key.columns;
        let place = self.released.iter().position(is_place);
        let old = place.and_then(|place| self.released.get(place)).cloned();
        let key = match &old {
            Some((_, _, old)) => self.judged_reference(table, &self.in_place_of(of, old, key)?)?,
            None => self.judged_reference(table, key)?,
        };
        if table.foreign_keys.iter().any(|known| known.name == key.name) {
            return Err(conflict(
                format!("the table '{of}' has a foreign key '{}' already", key.name),
                "duplicate_key",
                "42710",
            ));
        }
        let added = about(self.dialect, ALTER, of, |to| {
            if let Some((_, _, old)) = &old {
                to.keyword(self.dialect.drop_reference());
                to.ident(&old.name)?;
                to.keyword(",");
            }
            to.keyword(" ADD ");
            statement::reference(self.dialect, to, &key)
        })?;
        self.steps.push(Step { change: self.at, with: old.map(|(at, _, _)| at), statement: added });
        place.into_iter().for_each(|place| drop(self.released.remove(place)));
        self.world.change(of, |table| table.foreign_keys.push(key));
        Ok(())
    }

    pub(super) fn drop_reference(&mut self, of: &TableRef, name: &str) -> Result<()> {
        let key = world::reference(self.world.table(of)?, name)?.clone();
        if !self.dialect.has_constraints() {
            return Err(unsupported(format!("dropping a foreign key of the table '{of}'")));
        }
        self.world.change(of, |table| table.foreign_keys.retain(|key| key.name != name));
        // A new one takes the place of one only.
        let is_held = self.released.iter().any(|(_, table, held)| table == of && held.columns == key.columns);
        if !is_held && self.dialect.replaces_references() && self.is_replaced(of, &key) {
            self.released.push((self.at, of.clone(), key));
            return Ok(());
        }
        let dropped = about(self.dialect, ALTER, of, |to| {
            to.keyword(self.dialect.drop_reference());
            to.ident(name)
        })?;
        self.push(dropped);
        Ok(())
    }

    /// Whether a later change makes another reference of the same columns, and nothing before it needs this one to be gone.
    fn is_replaced(&self, of: &TableRef, key: &ForeignKey) -> bool {
        let behind = self.changes.get(self.at + 1..).unwrap_or_default();
        for change in behind {
            match change {
                Change::AddForeignKey { table, foreign_key }
                    if table == of && foreign_key.columns == key.columns =>
                {
                    return true;
                }
                Change::AddForeignKey { .. }
                | Change::DropForeignKey { .. }
                | Change::AddColumn { .. }
                | Change::AddKey { .. } => {}
                other if [of, &key.references].contains(&table_of(other)) => return false,
                _ => {}
            }
        }
        false
    }

    /// A reference in the place of another, with a name that is not the other's: both are there for a moment.
    fn in_place_of(&self, of: &TableRef, old: &ForeignKey, key: &ForeignKey) -> Result<ForeignKey> {
        let usual = |kind| names::of_key(self.dialect, kind, &of.to_string(), &key.columns);
        let is_taken = |name: &str| name.eq_ignore_ascii_case(&old.name);
        let name = match key.name.as_str() {
            "" if is_taken(&usual("fk")) => usual("fk2"),
            "" => usual("fk"),
            name if is_taken(name) => {
                return Err(unsupported(format!(
                    "replacing the foreign key '{name}' of '{of}' by one of the same name; give it another one"
                )));
            }
            name => name.to_owned(),
        };
        Ok(ForeignKey { name, ..key.clone() })
    }
}

/// Columns that take no null can't be set to it.
fn check_nulls(table: &Table, key: &ForeignKey) -> Result<()> {
    let mut actions = [&key.on_update, &key.on_delete].into_iter().flatten();
    if !actions.any(|action| action.eq_ignore_ascii_case("SET NULL")) {
        return Ok(());
    }
    let takes_none = |name: &&String| {
        table.primary_key.contains(name)
            || table.columns.iter().any(|column| column.name == **name && !column.is_nullable)
    };
    match key.columns.iter().find(takes_none) {
        Some(name) => Err(invalid(format!(
            "a foreign key of '{}' sets '{name}' to null, which takes none; let the column take nulls, or choose another action",
            table.table
        ))),
        None => Ok(()),
    }
}
